// Buffered formatting: vsnprintf into a fixed array, os::write_all when it is full.

#include "inspect/output.hpp"

#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "os/port.hpp"

namespace smallblock {

void Output::print(const char* format, ...) noexcept {
  for (int attempt = 0; attempt < 2; ++attempt) {
    std::va_list arguments;
    va_start(arguments, format);
    const int length = std::vsnprintf(buffer_ + used_, kBufferBytes - used_, format, arguments);
    va_end(arguments);
    if (length >= 0 && static_cast<Bytes>(length) < kBufferBytes - used_) {
      used_ += static_cast<Bytes>(length);
      return;
    }
    flush();
  }
  failed_ = true;
}

void Output::put(const char* text, Bytes bytes) noexcept {
  while (bytes > 0) {
    if (used_ == kBufferBytes) flush();
    const Bytes room = kBufferBytes - used_;
    const Bytes part = bytes < room ? bytes : room;
    std::memcpy(buffer_ + used_, text, part);
    used_ += part;
    text += part;
    bytes -= part;
  }
}

bool Output::finish() noexcept {
  flush();
  return !failed_;
}

void Output::flush() noexcept {
  if (used_ > 0 && !failed_ && !os::write_all(descriptor_, buffer_, used_)) failed_ = true;
  used_ = 0;
}

}  // namespace smallblock
