// Thread exit and fork on Linux, through the C library's hooks.

#include <pthread.h>
#include <sched.h>

#include <cerrno>

#include "os/port.hpp"

namespace smallblock::os {

namespace {

pthread_key_t exit_key;
bool exit_key_made = false;

}  // namespace

ThreadNumber thread_number() noexcept {
  return static_cast<ThreadNumber>(pthread_self());
}

void yield_thread() noexcept {
  sched_yield();
}

bool register_thread_exit(void (*handler)(void*)) noexcept {
  exit_key_made = pthread_key_create(&exit_key, handler) == 0;
  return exit_key_made;
}

bool arm_thread_exit(void* value) noexcept {
  if (!exit_key_made) return false;
  const int saved_errno = errno;
  const bool armed = pthread_setspecific(exit_key, value) == 0;
  errno = saved_errno;
  return armed;
}

bool register_fork_handlers(void (*prepare)(), void (*parent)(), void (*child)()) noexcept {
  return pthread_atfork(prepare, parent, child) == 0;
}

}  // namespace smallblock::os
