// A file that is there whole or not at all: what had its name before stays until then, also when the disk is full.
//
// Only its owner may read it: names of types and addresses tell much of a program. It has no name until it replaces
// the wanted one, so that whatever ends this command leaves nothing of it; where the file system has no such files
// it is written under a name beside that. What is no file on a disk (a pipe, /dev/null) is written to as it is.
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
  void give_name();

  std::string name_;       // as it was said
  std::string path_;       // behind symbolic links
  std::string temporary_;  // the name beside; empty: none
  bool is_nameless_ = false;
  int descriptor_ = -1;
};

}  // namespace smallblock::cli
