// The checks: SB_CHECK always, SB_ASSERT in debug builds but compiled in all of them.
//
// A failed check ends the process with one line on stderr. fail() is provided by the os layer, because writing is a
// system call; nothing here prints on its own.
#pragma once

namespace smallblock {

// Writes "smallblock: WHAT (ADDRESS)" to stderr and aborts. Takes no lock, allocates nothing.
[[noreturn]] void fail(const char* what, const void* address = nullptr) noexcept;

#ifdef NDEBUG
inline constexpr bool kAsserting = false;
#else
inline constexpr bool kAsserting = true;
#endif

}  // namespace smallblock

#define SB_CHECK(condition) ((condition) ? static_cast<void>(0) : ::smallblock::fail("check failed: " #condition))
#define SB_ASSERT(condition)                                         \
  ((!::smallblock::kAsserting || (condition)) ? static_cast<void>(0) \
                                              : ::smallblock::fail("assertion failed: " #condition))
