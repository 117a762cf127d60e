// Formatted text to a file descriptor from inside any process, at any moment.
//
// The reports (inspect/report.cpp) are written with it while the host process ends. It therefore allocates nothing,
// throws nothing and keeps its few bytes of buffer in itself. After an error it swallows the rest; finish() tells.
#pragma once

#include "base/units.hpp"

namespace smallblock {

class Output {
 public:
  explicit Output(int descriptor) noexcept : descriptor_(descriptor) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // One piece may be kBufferBytes - 1 bytes long; a longer one counts as an error.
  [[gnu::format(printf, 2, 3)]] void print(const char* format, ...) noexcept;

  void put(const char* text, Bytes bytes) noexcept;

  // Writes what is left; false if anything was lost since the beginning.
  bool finish() noexcept;

 private:
  static constexpr Bytes kBufferBytes = 1024;

  void flush() noexcept;

  int descriptor_;
  bool failed_ = false;
  Bytes used_ = 0;
  char buffer_[kBufferBytes];
};

}  // namespace smallblock
