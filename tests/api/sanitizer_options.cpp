// Defaults for builds with a sanitizer: the tests ask for impossible sizes on purpose and want NULL for them, and
// leave children of forks with threads that ended in the parent.
extern "C" {
const char* __asan_default_options();
const char* __tsan_default_options();
__attribute__((visibility("default"))) const char* __asan_default_options() {
  return "allocator_may_return_null=1";
}
__attribute__((visibility("default"))) const char* __tsan_default_options() {
  return "allocator_may_return_null=1:die_after_fork=0:report_thread_leaks=0";
}
}
