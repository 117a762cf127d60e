// A file that is there whole or not at all: what had its name before stays until then, also when the disk is full.
//
// Written beside the wanted one, which it replaces in the end. What is no file on a disk (a pipe, /dev/null) is
// written to as it is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace smallblock::cli {

class NewFile {
 public:
  enum class Readers : std::uint8_t { kOwner, kAsUsual };  // as usual: as the file before, or as the umask says

  // All of them throw Error: "cannot write FILE: ...".
  NewFile(std::string path, Readers readers);
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  void write(std::string_view bytes);
  void finish();

 private:
  [[noreturn]] void fail() const;
  void make_temporary(Readers readers);

  std::string name_;       // as it was said
  std::string path_;       // behind symbolic links
  std::string temporary_;  // empty: none
  int descriptor_ = -1;
};

}  // namespace smallblock::cli
