// Signals as the system wants them named.
#pragma once

#include <signal.h>

#include <initializer_list>

namespace smallblock::cli {

inline sigset_t signal_set(std::initializer_list<int> signals) {
  sigset_t all;
  sigemptyset(&all);
  for (const int signal : signals) sigaddset(&all, signal);
  return all;
}

}  // namespace smallblock::cli
