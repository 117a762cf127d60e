// What check mode says before it ends the process: one paragraph on stderr, and abort.
//
// The first line says what is wrong with which address; then come the block and the stacks. No lock may be held:
// the names of functions come from the dynamic linker and from files. The first thread that reports ends the
// process; others wait for that.
#pragma once

#include "check/record.hpp"

namespace smallblock::check {

// What the program asked for when the fault was found.
enum class Call : std::uint8_t { kFree, kReallocate, kUsableSize };

struct CallSite {
  Call call;
  Door door;
  const void* pointer;
  Bytes bytes = kUnsized;  // what a sized free said
};

// The pointer is the block's, but another than this call may free, or not any more.
[[noreturn]] void report_double_free(const CallSite& site, const Block& block) noexcept;
[[noreturn]] void report_wrong_door(const CallSite& site, const Block& block) noexcept;
[[noreturn]] void report_wrong_size(const CallSite& site, const Block& block) noexcept;
// The pointer lies in, before or behind what the program asked for.
[[noreturn]] void report_interior(const CallSite& site, const Block& block) noexcept;
// It is of no block: `what` completes "free of 0x..., which ".
[[noreturn]] void report_foreign(const CallSite& site, const char* what) noexcept;

// `byte` is the one that changed; found by a call that had to do with the block, or when it left the quarantine.
[[noreturn]] void report_overrun(const Block& block, const char* byte) noexcept;
[[noreturn]] void report_underrun(const Block& block, const char* byte) noexcept;
// An access faulted, in a sampled block's page or beside it.
[[noreturn]] void report_fault(const Block& block, const char* address) noexcept;
[[noreturn]] void report_write_after_free(const Block& block, const char* byte) noexcept;

}  // namespace smallblock::check
