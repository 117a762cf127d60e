// Life of the preload library: what happens before main() and after it.

#include "api/cpython_hook.hpp"
#include "api/exit_report.hpp"
#include "api/next_in_load_order.hpp"
#include "api/system_calls.hpp"
#include "heap/registry.hpp"

namespace {

// Before the constructors of the program and of libraries that do not say when; those of the C library and of what
// other preloaded libraries need may have run, and have allocated.
[[gnu::constructor(101)]] void start() {
  smallblock::find_next_allocator();
  smallblock::find_next_calls();
  smallblock::start_engine();
  smallblock::prepare_exit_report();
  smallblock::hook_cpython();
}

[[gnu::destructor(101)]] void finish() {
  smallblock::write_exit_report();
}

}  // namespace
