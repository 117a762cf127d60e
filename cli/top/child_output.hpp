// Where the output of a program goes while `top` has the terminal.
//
// What would go to the terminal goes to a file instead: one that the user names, or one without a name, whose end
// is printed when the terminal is free again. The program's input is empty: keys are for the screen.
#pragma once

#include <string>

#include "cli/descriptor.hpp"
#include "cli/view/child.hpp"

namespace smallblock::cli {

class ChildOutput {
 public:
  // `file`: empty for one without a name. Throws Error if it cannot be written.
  explicit ChildOutput(const std::string& file);

  ChildStreams streams() const;

  // Nothing if the user has named the file.
  void print_end() const;

 private:
  bool is_named_;
  Descriptor input_;
  Descriptor output_;
};

}  // namespace smallblock::cli
