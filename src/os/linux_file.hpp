// Reading the small files of /proc, for the files of this folder.
#pragma once

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>

namespace smallblock::os {

// As much of it as fits, with a zero byte behind; nothing if it cannot be read. By bare system calls, as malloc and
// free, which ask, are no places to be cancelled in. May change errno.
template <std::size_t kBytes>
void read_text(const char* path, char (&text)[kBytes]) noexcept {
  std::size_t kept = 0;
  const long file = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  while (file >= 0 && kept < kBytes - 1) {
    const long more = syscall(SYS_read, file, text + kept, kBytes - 1 - kept);
    if (more <= 0) break;
    kept += static_cast<std::size_t>(more);
  }
  if (file >= 0) syscall(SYS_close, file);
  text[kept] = '\0';
}

}  // namespace smallblock::os
