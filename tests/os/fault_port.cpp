// The linker sends the engine's calls of the port here (--wrap) and ours to the real one.

#include "fault_port.hpp"

#include "os/port.hpp"

using smallblock::Bytes;

namespace smallblock::test {

Faults faults;

namespace {

bool fails(long& left) {
  if (left < 0) return false;
  if (left == 0) return true;
  --left;
  return false;
}

}  // namespace
}  // namespace smallblock::test

using smallblock::test::fails;
using smallblock::test::faults;

// The names are the linker's, not ours to choose.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" {

void* __real__ZN10smallblock2os7reserveEmm(Bytes bytes, Bytes alignment);
bool __real__ZN10smallblock2os6commitEPvm(void* address, Bytes bytes);
bool __real__ZN10smallblock2os8decommitEPvm(void* address, Bytes bytes);
unsigned __real__ZN10smallblock2os15decommit_rangesEPKNS0_5RangeEj(const smallblock::os::Range* ranges,
                                                                   unsigned count);
std::uint32_t __real__ZN10smallblock2os13coarse_now_msEv();

void* __wrap__ZN10smallblock2os7reserveEmm(Bytes bytes, Bytes alignment) {
  if (bytes > faults.reserve_limit_bytes) return nullptr;
  return __real__ZN10smallblock2os7reserveEmm(bytes, alignment);
}

bool __wrap__ZN10smallblock2os6commitEPvm(void* address, Bytes bytes) {
  return !fails(faults.commits_left) && __real__ZN10smallblock2os6commitEPvm(address, bytes);
}

bool __wrap__ZN10smallblock2os8decommitEPvm(void* address, Bytes bytes) {
  return !fails(faults.decommits_left) && __real__ZN10smallblock2os8decommitEPvm(address, bytes);
}

// Each range counts as one call.
unsigned __wrap__ZN10smallblock2os15decommit_rangesEPKNS0_5RangeEj(const smallblock::os::Range* ranges,
                                                                   unsigned count) {
  if (faults.decommits_left < 0) {
    return __real__ZN10smallblock2os15decommit_rangesEPKNS0_5RangeEj(ranges, count);
  }
  for (unsigned i = 0; i < count; ++i) {
    if (!__wrap__ZN10smallblock2os8decommitEPvm(ranges[i].address, ranges[i].bytes)) return i;
  }
  return count;
}

std::uint32_t __wrap__ZN10smallblock2os13coarse_now_msEv() {
  return faults.clock_stands ? faults.clock_ms : __real__ZN10smallblock2os13coarse_now_msEv();
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
