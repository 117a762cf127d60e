// Double frees of every size class and interior pointers of every offset, in the release build's own way: an exact
// message, at the latest when the magazines are flushed. Blocks are made here and misused in a child each, so that
// the message's address is known.

#include <gtest/gtest.h>
#include <smallblock/smallblock.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <thread>
#include <vector>

#include "child.hpp"
#include "core/region.hpp"
#include "heap/registry.hpp"

namespace smallblock::test {
namespace {

constexpr bool kSanitized = !std::string_view(SMALLBLOCK_SANITIZE).empty();

constexpr char kDouble[] = "double free of a block";
constexpr char kInNoPool[] = "free of an address in no pool of blocks: freed before, or never allocated";
constexpr char kInterior[] = "free of an address that is not the start of a block";

std::string line(const char* what, const void* address) {
  char text[200];
  std::snprintf(text, sizeof text, "smallblock: %s (%p)\n", what, address);
  return text;
}

using Blocks = std::vector<char*>;

// Enough that some pages hold nothing else; the one that is freed twice lies on the last of them.
Blocks make_blocks(Bytes bytes) {
  Blocks blocks(std::max<Bytes>(130, 5 * 4096 / bytes));
  for (char*& block : blocks) block = static_cast<char*>(sb_malloc(bytes));
  std::sort(blocks.begin(), blocks.end());
  return blocks;
}

// Whether `misuse` ends a child with this line, at the latest at a trim.
testing::AssertionResult dies_with(const std::string& wanted, const std::function<void()>& misuse) {
  const Outcome outcome = in_child([&] {
    misuse();
    sb_trim();
    return 0;
  });
  if (outcome.died_of(SIGABRT) && outcome.text == wanted) return testing::AssertionSuccess();
  return testing::AssertionFailure() << outcome << "; wanted: " << wanted;
}

class DoubleFree : public testing::Test {
 protected:
  // For blocks of every class, or of a few: `misuse` frees the last block twice.
  template <typename Misuse>
  void of_every_class(const char* wanted, Misuse misuse) {
    for (unsigned index = 1; index <= kClassCount; index += kSanitized ? 9 : 1) {
      const Bytes bytes = kSizeClasses[index].block_bytes;
      const Blocks blocks = make_blocks(bytes);
      char* twice = blocks.back();
      EXPECT_TRUE(dies_with(line(wanted, twice), [&] { misuse(blocks, twice, bytes); })) << bytes << " bytes";
      for (char* block : blocks) sb_free(block);
      if (HasFailure()) return;
    }
  }
};

TEST_F(DoubleFree, AtOnce) {
  of_every_class(kDouble, [](const Blocks&, char* twice, Bytes) {
    sb_free(twice);
    sb_free(twice);
  });
}

TEST_F(DoubleFree, After1To64Others) {
  for (std::size_t others = 1; others <= 64; others += others < 10 ? 1 : 9) {
    of_every_class(kDouble, [others](const Blocks& blocks, char* twice, Bytes) {
      sb_free(twice);
      for (std::size_t i = 0; i < others; ++i) sb_free(blocks[i]);
      sb_free(twice);
    });
    if (kSanitized) return;
  }
}

TEST_F(DoubleFree, FromAnotherThread) {
  of_every_class(kDouble, [](const Blocks&, char* twice, Bytes) {
    sb_free(twice);
    std::thread([twice] { sb_free(twice); }).join();
  });
}

TEST_F(DoubleFree, WhenItsPoolWasFull) {
  of_every_class(kDouble, [](const Blocks&, char* twice, Bytes bytes) {
    const PoolRecord& record = region.record(region.pool_of(UserPointer{twice}));
    for (int i = 0; i < 100000 && record.state() != PoolState::kFull; ++i) sb_malloc(bytes);
    require(record.state() == PoolState::kFull, "the pool is full");
    sb_free(twice);
    sb_free(twice);
  });
}

TEST_F(DoubleFree, WhenItsPoolWasGivenBack) {
  of_every_class(kInNoPool, [](const Blocks& blocks, char* twice, Bytes) {
    for (char* block : blocks) sb_free(block);
    sb_trim();
    sb_free(twice);
    require(false, "a free into a pool that was given back comes back");
  });
}

TEST_F(DoubleFree, WhenItsPageWasPurged) {
  of_every_class(kDouble, [](const Blocks& blocks, char* twice, Bytes bytes) {
    const PoolIndex pool = region.pool_of(UserPointer{twice});
    // One of its pool stays, as far away as there is one.
    char* kept = nullptr;
    for (char* block : blocks) {
      if (kept == nullptr && region.pool_of(UserPointer{block}) == pool) {
        kept = block;
      } else {
        sb_free(block);
      }
    }
    if (kept + bytes + 4096 > twice) {
      // Alone in its pool: a full trim would close it, so there is no purged page to be in.
      sb_free(twice);
      if (kept == twice) sb_free(twice);
      return;
    }
    sb_trim();
    const unsigned page = region.offset_in(pool, UserPointer{twice}) >> page_log2;
    require((region.record(pool).purged_pages() >> page & 1) != 0, "the page is purged");
    sb_free(twice);
  });
}

TEST_F(DoubleFree, AfterAReallocThatMoved) {
  of_every_class(kDouble, [](const Blocks&, char* twice, Bytes bytes) {
    void* moved = sb_realloc(twice, bytes * 4 + 1000);
    require(moved != nullptr && moved != twice, "the block moved");
    sb_free(twice);
  });
}

TEST(DoubleFreeInAPrivateHeap, OfEveryClassIsFoundAtOnce) {
  sb_heap* heap = sb_heap_create();
  for (unsigned index = 1; index <= kClassCount; ++index) {
    const Bytes bytes = kSizeClasses[index].block_bytes;
    char* const first = static_cast<char*>(sb_heap_alloc(heap, bytes));
    char* const twice = static_cast<char*>(sb_heap_alloc(heap, bytes));
    EXPECT_TRUE(dies_with(line(kDouble, twice), [&] {
      sb_heap_free(heap, twice);
      sb_free(twice);
      require(false, "a double free in a private heap comes back");
    })) << bytes;
    EXPECT_TRUE(dies_with(line(kInterior, first + 1), [&] { sb_heap_free(heap, first + 1); })) << bytes;
  }
}

bool all_offsets_wanted() {
  return std::getenv("SMALLBLOCK_ALL_OFFSETS") != nullptr;
}

// All of them up to 512 bytes. Above, where a block has up to 32767: those near its ends and near every border of 4
// KiB, and some of the rest; all when asked for (faults.interior_pointers_all).
std::vector<Bytes> offsets_of(Bytes bytes) {
  std::vector<Bytes> offsets;
  for (Bytes offset = 1; offset < bytes; ++offset) {
    const Bytes to_border = std::min(offset % 4096, 4096 - offset % 4096);
    const bool near = offset <= 17 || bytes - offset <= 17 || to_border <= 1;
    const bool fine = bytes <= kConfig.fine_limit_bytes && (!kSanitized || bytes % 144 == 0);
    if (fine || near || offset % 509 == 0 || (offset % 4096 == 16 && !kSanitized) || all_offsets_wanted())
      offsets.push_back(offset);
  }
  return offsets;
}

class InteriorPointer : public testing::TestWithParam<int> {};

// The classes in four parts, so that they run side by side.
TEST_P(InteriorPointer, OfEveryOffsetIsFound) {
  const unsigned step = kSanitized ? 20 : 4;
  for (unsigned index = 1 + static_cast<unsigned>(GetParam()); index <= kClassCount; index += step) {
    const Bytes bytes = kSizeClasses[index].block_bytes;
    char* block = static_cast<char*>(sb_malloc(bytes));
    for (const Bytes offset : offsets_of(bytes)) {
      ASSERT_TRUE(dies_with(line(kInterior, block + offset), [&] { sb_free(block + offset); }))
          << "offset " << offset << " of " << bytes;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Part, InteriorPointer, testing::Range(0, 4));

// Where no block crosses a page, a page may end in a tail. Its start is a whole number of blocks behind the page's.
TEST(TailOfAPage, IsNoBlock) {
  unsigned with_tails = 0;
  for (const SizeClass& entry : kSizeClasses) {
    if (entry.capacity == entry.group_blocks) continue;
    ++with_tails;
    std::vector<void*> blocks;
    for (unsigned i = 0; i < 2U * entry.capacity; ++i) blocks.push_back(sb_malloc(entry.block_bytes));
    const PoolIndex pool = region.pool_of(UserPointer{blocks.back()});
    for (unsigned group = 0; group < entry.capacity / entry.group_blocks; ++group) {
      char* const tail =
          region.start_of(pool) + (group << entry.group_log2) + entry.group_blocks * entry.block_bytes;
      // The block behind it is out, then free.
      EXPECT_TRUE(dies_with(line(kInterior, tail), [&] { sb_free(tail); })) << entry.block_bytes;
      EXPECT_TRUE(dies_with(line(kInterior, tail), [tail, blocks]() mutable {
        blocks.pop_back();  // or the pool would go
        for (void* block : blocks) sb_free(block);
        sb_trim();
        sb_free(tail);
      })) << entry.block_bytes;
    }
    for (void* block : blocks) sb_free(block);
  }
  EXPECT_GT(with_tails, 5U);
}

}  // namespace
}  // namespace smallblock::test
