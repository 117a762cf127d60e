// Pages of 16 and 64 KiB, larger than or as large as a unit: what is live is never given back with a neighbour.
// The port's page size is replaced; madvise rounds the length up to a page as Linux does, and refuses a start that
// is no border.

#include <gtest/gtest.h>
#include <smallblock/smallblock.h>
#include <sys/mman.h>

#include <cstring>
#include <random>
#include <vector>

#include "base/bits.hpp"
#include "heap/audit.hpp"
#include "os/port.hpp"

namespace {

smallblock::Bytes page = 4096;
unsigned long misaligned = 0;
unsigned long given_back = 0;

}  // namespace

// The linker sends the engine's calls of the port here.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" {

smallblock::Bytes __wrap__ZN10smallblock2os10page_bytesEv() {
  return page;
}

bool __wrap__ZN10smallblock2os8decommitEPvm(void* address, smallblock::Bytes bytes) {
  if (reinterpret_cast<std::uintptr_t>(address) % page != 0) {
    ++misaligned;
    return false;
  }
  ++given_back;
  return madvise(address, smallblock::round_up(bytes, page), MADV_DONTNEED) == 0;
}

unsigned __wrap__ZN10smallblock2os15decommit_rangesEPKNS0_5RangeEj(const smallblock::os::Range* ranges,
                                                                   unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    if (!__wrap__ZN10smallblock2os8decommitEPvm(ranges[i].address, ranges[i].bytes)) return i;
  }
  return count;
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)

namespace smallblock {
namespace {

class PageSize : public ::testing::TestWithParam<Bytes> {};

struct Live {
  unsigned char* block;
  Bytes bytes;
  unsigned char mark;
};

TEST_P(PageSize, NothingLiveIsLost) {
  page = GetParam();
  std::mt19937 random(11);
  std::vector<Live> live;
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 60000; ++i) {
      const Bytes bytes = random() % 10 == 0 ? 1 + random() % 32768 : 1 + random() % 600;
      auto* block = static_cast<unsigned char*>(sb_malloc(bytes));
      const auto mark = static_cast<unsigned char>(random());
      std::memset(block, mark, bytes);
      live.push_back({block, bytes, mark});
    }
    std::vector<Live> kept;
    const unsigned keep_one_in = round % 2 == 0 ? 50 : 3;
    for (const Live& each : live) {
      if (random() % keep_one_in == 0) {
        kept.push_back(each);
      } else {
        sb_free(each.block);
      }
    }
    live.swap(kept);
    sb_trim();
    for (const Live& each : live) {
      for (Bytes i = 0; i < each.bytes; ++i) ASSERT_EQ(each.block[i], each.mark);
    }
    audit_heap();
  }
  EXPECT_EQ(misaligned, 0U);
  EXPECT_GT(given_back, 0U);
  for (const Live& each : live) sb_free(each.block);
  sb_trim();
  audit_heap();
}

INSTANTIATE_TEST_SUITE_P(Sizes, PageSize, ::testing::Values(4_KiB, 16_KiB, 64_KiB));

}  // namespace
}  // namespace smallblock
