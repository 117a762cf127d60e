// A file that is there whole or not at all: what had its name before stays until then, also when the disk is full.
//
// Only its owner may read it: names of types and addresses tell much of a program. Written beside the wanted one,
// which it replaces in the end. What is no file on a disk (a pipe, /dev/null) is written to as it is.
#pragma once

#include <string>
#include <string_view>

namespace smallblock::cli {

class NewFile {
 public:
  // All of them throw Error: "cannot write FILE: ...".
  explicit NewFile(std::string path);
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  void write(std::string_view bytes);
  void finish();

 private:
  [[noreturn]] void fail() const;
  void make_temporary();

  std::string name_;       // as it was said
  std::string path_;       // behind symbolic links
  std::string temporary_;  // empty: none
  int descriptor_ = -1;
};

}  // namespace smallblock::cli
