// Which thread is calling, in one instruction: what a lock remembers of its holder.
#pragma once

#include <cstdint>

namespace smallblock::os {

// Differs between the threads of a process that run at one time; never 0. The thread pointer: the address of the
// thread's own data, which lies on its stack's mapping, so that two of them are a page or more apart.
using ThreadNumber = std::uintptr_t;
inline ThreadNumber thread_number() noexcept {
  return reinterpret_cast<ThreadNumber>(__builtin_thread_pointer());
}

}  // namespace smallblock::os
