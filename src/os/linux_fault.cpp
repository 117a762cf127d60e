// Faults on Linux: SIGSEGV. Not on the alternate stack, which may be too small for a report.

#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

#include "os/fault.hpp"

namespace smallblock::os {

namespace {

void (*handler_now)(const void* address) = nullptr;
struct sigaction action_before;

void on_signal(int number, siginfo_t* information, void*) {
  if (information->si_code > 0) handler_now(information->si_addr);
  // The same access faults again. What was sent comes but once: so it is sent again.
  sigaction(number, &action_before, nullptr);
  if (information->si_code <= 0) syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), number, information);
}

}  // namespace

void handle_faults(void (*handler)(const void* address)) noexcept {
  handler_now = handler;
  struct sigaction action {};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigemptyset(&action.sa_mask);
  sigaction(SIGSEGV, &action, &action_before);
}

}  // namespace smallblock::os
