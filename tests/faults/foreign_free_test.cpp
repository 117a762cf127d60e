// Frees of what never was a block of ours, from every place an address can come from. What lies in the region ends
// the process with an exact message; everything else reaches the next allocator as it is, and nobody reads it
// before. In check mode most of the others are named too.

#include <gtest/gtest.h>
#include <smallblock/smallblock.h>
#include <sys/mman.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "child.hpp"
#include "core/arena_table.hpp"
#include "core/region.hpp"
#include "heap/next_allocator.hpp"
#include "heap/registry.hpp"

namespace smallblock::test {
namespace {

constexpr char kInNoPool[] = "free of an address in no pool of blocks: freed before, or never allocated";
constexpr char kInNoBlock[] = "which lies in smallblock's region, but in no block";
constexpr char kMisaligned[] = "which is not aligned as any block is";
constexpr char kNotMapped[] = "which is not mapped";
constexpr char kOwnData[] = "which lies in the program's or a library's own data";
constexpr char kOnStack[] = "which lies on this thread's stack";
// It is the next allocator's business.
constexpr char kNext[] = "";

alignas(16) char static_data[64];
alignas(16) constexpr char kConstantData[64] = "constant";
alignas(16) thread_local char thread_data[64];
char* const libc_block = static_cast<char*>(std::malloc(100));

char* at(std::uintptr_t address) {
  return reinterpret_cast<char*>(address);
}

char* pages(int protection) {
  void* address = mmap(nullptr, 65536, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return static_cast<char*>(address);
}

char* region_start() {
  return region.start_of(PoolIndex{0});
}

char* region_end() {
  return region_start() + region.bytes();
}

char* first_of_arena(std::uint32_t arena) {
  return region.start_of(region.first_pool_of(ArenaIndex{arena}));
}

struct Origin {
  const char* name;
  char* (*make)();
  const char* plain;
  const char* checked;
};

constexpr Origin kOrigins[] = {
    {"one", [] { return at(1); }, kNext, kMisaligned},
    {"small number", [] { return at(64); }, kNext, kNotMapped},
    {"not canonical", [] { return at(std::uintptr_t{1} << 47); }, kNext, kNotMapped},
    {"negative", [] { return at(~std::uintptr_t{15}); }, kNext, kNotMapped},
    {"kernel half", [] { return at(0xffff800000000000); }, kNext, kNotMapped},
    {"static data", [] { return static_data + 16; }, kNext, kOwnData},
    {"constant data", [] { return const_cast<char*>(kConstantData) + 16; }, kNext, kOwnData},
    {"data of this thread", [] { return thread_data + 16; }, kNext, kNext},
    {"inside a block of libc", [] { return libc_block + 32; }, kNext, kNext},
    {"mapped pages", [] { return pages(PROT_READ | PROT_WRITE) + 4096; }, kNext, kNext},
    {"pages that only read", [] { return pages(PROT_READ) + 4096; }, kNext, kNext},
    {"pages without access", [] { return pages(PROT_NONE) + 4096; }, kNext, kNotMapped},
    {"unmapped pages",
     [] {
       char* address = pages(PROT_READ);
       munmap(address, 65536);
       return address;
     },
     kNext, kNotMapped},
    {"just before the region", [] { return region_start() - 16; }, kNext, kNotMapped},
    {"just behind the region", [] { return region_end(); }, kNext, kNotMapped},
    {"class table", [] { return region_start() + 64; }, kInNoPool, kInNoBlock},
    {"gap behind the class table", [] { return region_start() + region.bytes() / 8192 + 32; }, kInNoPool,
     kInNoBlock},
    {"pool record",
     [] { return reinterpret_cast<char*>(&region.record(PoolIndex{region.first_pool_of(ArenaIndex{0})})); },
     kInNoPool, kInNoBlock},
    {"heap area", [] { return region.heap_area() + 64; }, kInNoPool, kInNoBlock},
    {"just before the first arena", [] { return first_of_arena(0) - 16; }, kInNoPool, kInNoBlock},
    {"empty pool", [] { return first_of_arena(0) + 63 * kConfig.pool_bytes; }, kInNoPool, kInNoBlock},
    {"arena not in use", [] { return first_of_arena(20) + 4096; }, kInNoPool, kInNoBlock},
    {"last arena", [] { return region_end() - kConfig.arena_bytes; }, kInNoPool, kInNoBlock},
};

// What reached the next allocator, in the child.
void* reached = nullptr;

void watch_next_allocator() {
  next_allocator.usable_size = [](void*) { return std::size_t{0}; };
  next_allocator.free = [](void* block) { reached = block; };
}

// Ends with 0 if the next allocator got the very address.
int free_it(char* address) {
  watch_next_allocator();
  sb_free(address);
  require(reached == address, "the next allocator gets the address");
  return 0;
}

void expect_message(const Origin& origin, const std::string& wanted, const Outcome& outcome) {
  EXPECT_TRUE(outcome.died_of(SIGABRT)) << origin.name << ": " << outcome;
  EXPECT_EQ(outcome.text.substr(0, outcome.text.find('\n') + 1), wanted) << origin.name;
}

TEST(ForeignFree, OfEveryOriginAbortsOrReachesTheNextAllocatorUnread) {
  sb_free(sb_malloc(1));
  for (const Origin& origin : kOrigins) {
    char* address = origin.make();
    const Outcome outcome = in_child([address] { return free_it(address); });
    if (origin.plain == kNext) {
      EXPECT_TRUE(outcome.exited_with(0)) << origin.name << ": " << outcome;
      continue;
    }
    char wanted[200];
    std::snprintf(wanted, sizeof wanted, "smallblock: %s (%p)\n", origin.plain, static_cast<void*>(address));
    expect_message(origin, wanted, outcome);
  }
}

TEST(ForeignFree, OfAStackAddressReachesTheNextAllocator) {
  sb_free(sb_malloc(1));
  const Outcome outcome = in_child([] {
    alignas(16) char local[64];
    return free_it(local);
  });
  EXPECT_TRUE(outcome.exited_with(0)) << outcome;
}

TEST(ForeignFree, InCheckModeIsNamed) {
  ASSERT_EQ(sb_check_enable(), 0);
  sb_free(sb_malloc(1));
  for (const Origin& origin : kOrigins) {
    char* address = origin.make();
    const Outcome outcome = in_child([address] { return free_it(address); });
    if (origin.checked == kNext) {
      EXPECT_TRUE(outcome.exited_with(0)) << origin.name << ": " << outcome;
      continue;
    }
    char wanted[200];
    std::snprintf(wanted, sizeof wanted, "smallblock: free of %p, %s\n", static_cast<void*>(address),
                  origin.checked);
    expect_message(origin, wanted, outcome);
  }
}

TEST(ForeignFree, InCheckModeOfTheStackIsNamed) {
  if (!std::string_view(SMALLBLOCK_SANITIZE).empty()) GTEST_SKIP() << "a sanitizer may move locals off the stack";
  ASSERT_EQ(sb_check_enable(), 0);
  const Outcome outcome = in_child([] {
    alignas(16) char local[64];
    return free_it(local);
  });
  EXPECT_TRUE(outcome.died_of(SIGABRT)) << outcome;
  EXPECT_NE(outcome.text.find(kOnStack), std::string::npos) << outcome;
}

}  // namespace
}  // namespace smallblock::test
