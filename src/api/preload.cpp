// Life of the preload library: what happens before main() and after it.

#include "api/cpython_hook.hpp"
#include "api/exit_report.hpp"
#include "heap/registry.hpp"

namespace {

// Early, so that our fork handlers surround those of every library that registers its own later.
[[gnu::constructor(101)]] void start() {
  smallblock::start_engine();
  smallblock::prepare_exit_report();
  smallblock::hook_cpython();
}

[[gnu::destructor(101)]] void finish() {
  smallblock::write_exit_report();
}

}  // namespace
