// Thread exit and fork on Linux, through the C library's hooks.

#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "os/linux_filter.hpp"
#include "os/port.hpp"

// Exported by glibc for this; absent elsewhere.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" {
[[gnu::weak]] void _IO_list_lock() noexcept;
[[gnu::weak]] void _IO_list_unlock() noexcept;
[[gnu::weak]] void _IO_list_resetlock() noexcept;
[[gnu::weak]] extern char __libc_single_threaded;
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)

namespace smallblock::os {

namespace {

pthread_key_t exit_key;
bool exit_key_made = false;

struct ForkHandlers {
  bool (*prepare)(unsigned tries);
  void (*parent)();
  void (*child)();
};
constinit ForkHandlers fork_handlers{};
constinit bool alone_at_fork = false;

// glibc's fork takes the lock of its list of streams after all prepare handlers; a thread that flushes all streams
// holds it and may wait for a lock of ours. Taken first, the order is the same for everybody; but for a handler
// that forks while its thread has locks of ours: what waits for those must not keep the list. It is recursive.
void prepare_fork() noexcept {
  for (unsigned tries = 0;; ++tries) {
    if (_IO_list_lock != nullptr) _IO_list_lock();
    if (fork_handlers.prepare(tries)) break;
    if (_IO_list_unlock != nullptr) _IO_list_unlock();
    sleep_ms(1);
  }
  // Here, where no other fork is.
  alone_at_fork = &__libc_single_threaded != nullptr && __libc_single_threaded != 0;
}

void end_fork_in_parent() noexcept {
  fork_handlers.parent();
  if (_IO_list_unlock != nullptr) _IO_list_unlock();
}

// With several threads glibc has reset the lock in the child.
void end_fork_in_child() noexcept {
  if (alone_at_fork) {
    if (_IO_list_unlock != nullptr) _IO_list_unlock();
  } else {
    if (_IO_list_resetlock != nullptr) _IO_list_resetlock();
  }
  fork_handlers.child();
}

void* run_thread(void* run) noexcept {
  reinterpret_cast<void (*)()>(run)();
  return nullptr;
}

}  // namespace

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

std::uint32_t thread_id() noexcept {
  return static_cast<std::uint32_t>(syscall(SYS_gettid));
}

bool thread_runs(std::uint32_t thread) noexcept {
  if (is_shut_in()) return true;
  const int saved_errno = errno;
  const bool gone = syscall(SYS_tgkill, getpid(), static_cast<pid_t>(thread), 0) != 0 && errno == ESRCH;
  errno = saved_errno;
  return !gone;
}

bool start_thread(void (*run)()) noexcept {
  const int saved_errno = errno;
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread{};
  const bool started = pthread_create(&thread, nullptr, run_thread, reinterpret_cast<void*>(run)) == 0;
  if (started) {
    pthread_setname_np(thread, "smallblock");
    pthread_detach(thread);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = saved_errno;
  return started;
}

// Without a descriptor: the links of the folder are two and one for each thread, the first one included as long as
// there is another; and of a process whose first thread has ended, the kernel knows no program any more.
bool is_last_thread() noexcept {
  constexpr nlink_t kLinksOfTwo = 2 + 2;
  struct stat tasks {};
  if (stat("/proc/self/task", &tasks) != 0 || tasks.st_nlink != kLinksOfTwo) return false;
  char first = '\0';
  return readlink("/proc/self/exe", &first, 1) < 0 && errno == ENOENT;
}

void end_process() noexcept {
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
  std::exit(EXIT_SUCCESS);
}

void synchronise_threads() noexcept {
  const int saved_errno = errno;
  const bool done = !is_filtered() &&
                    syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0 &&
                    syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
  // Without it: longer than any store waits in a processor.
  if (!done) sleep_ms(1);
  errno = saved_errno;
}

void sleep_ms(std::uint32_t milliseconds) noexcept {
  timespec time{static_cast<time_t>(milliseconds / 1000), static_cast<long>(milliseconds % 1000) * 1000000};
  const int saved_errno = errno;
  syscall(SYS_clock_nanosleep, CLOCK_REALTIME, 0, &time, nullptr);
  errno = saved_errno;
}

bool register_fork_handlers(bool (*prepare)(unsigned tries), void (*parent)(), void (*child)()) noexcept {
  fork_handlers = {prepare, parent, child};
  return pthread_atfork(prepare_fork, end_fork_in_parent, end_fork_in_child) == 0;
}

}  // namespace smallblock::os
