// Wrong frees end the process with one line on stderr, at the latest when the magazines are flushed. Each death
// happens in a process of its own (EXPECT_EXIT forks).
#include <cstdio>
#include <thread>

#include "support.hpp"

namespace smallblock::test {
namespace {

// Enough blocks of one size to push every magazine and the depot back into the pools.
constexpr std::size_t kSpill = 50000;

// Exits with 0 if nobody stopped us, so that a missed wrong free fails the test.
template <class Misuse>
[[noreturn]] void misuse_then_spill(std::size_t bytes, Misuse misuse) {
  std::vector<void*> blocks(kSpill);
  for (void*& block : blocks) block = sb_malloc(bytes);
  misuse(static_cast<char*>(blocks[kSpill / 2]));
  for (void* block : blocks) {
    if (block != blocks[kSpill / 2]) sb_free(block);
  }
  std::fputs("nobody noticed\n", stderr);
  _Exit(0);
}

class WrongFree : public testing::TestWithParam<std::size_t> {};

TEST_P(WrongFree, Twice) {
  const auto misuse = [](char* block) {
    sb_free(block);
    sb_free(block);
  };
  EXPECT_EXIT(misuse_then_spill(GetParam(), misuse), testing::KilledBySignal(SIGABRT), "smallblock: .*free");
}

TEST_P(WrongFree, TwiceWithOthersBetween) {
  const auto misuse = [](char* block) {
    sb_free(block);
    std::vector<void*> others(1000);
    for (void*& other : others) other = sb_malloc(GetParam());
    for (void* other : others) sb_free(other);
    sb_free(block);
  };
  EXPECT_EXIT(misuse_then_spill(GetParam(), misuse), testing::KilledBySignal(SIGABRT), "smallblock: .*free");
}

TEST_P(WrongFree, TwiceFromTwoThreads) {
  const auto misuse = [](char* block) {
    sb_free(block);
    std::thread([block] { sb_free(block); }).join();
  };
  EXPECT_EXIT(misuse_then_spill(GetParam(), misuse), testing::KilledBySignal(SIGABRT), "smallblock: .*free");
}

TEST_P(WrongFree, TwiceInABatch) {
  const auto misuse = [](char* block) {
    void* twice[] = {block, block};
    sb_free_batch(2, twice);
  };
  EXPECT_EXIT(misuse_then_spill(GetParam(), misuse), testing::KilledBySignal(SIGABRT), "smallblock: .*free");
}

TEST_P(WrongFree, InteriorPointer) {
  for (std::size_t offset : {std::size_t{1}, std::size_t{8}, std::size_t{16}, GetParam() - 1}) {
    if (offset >= GetParam()) continue;
    const auto misuse = [offset](char* block) {
      sb_free(block + offset);
      sb_free(block);
    };
    EXPECT_EXIT(misuse_then_spill(GetParam(), misuse), testing::KilledBySignal(SIGABRT), "smallblock: ")
        << "offset " << offset;
  }
}

// All other blocks of its pool are free by then, so the one flush that sees the wrong address empties the pool.
TEST_P(WrongFree, InteriorPointerLastOfItsPool) {
  const auto misuse = [] {
    std::thread([] {
      std::vector<void*> blocks(2000);
      for (void*& block : blocks) block = sb_malloc(GetParam());
      for (std::size_t i = 1; i < blocks.size(); ++i) sb_free(blocks[i]);
      sb_free(static_cast<char*>(blocks[0]) + (GetParam() > 16 ? 16 : 1));
    }).join();
    std::fputs("nobody noticed\n", stderr);
    _Exit(0);
  };
  EXPECT_EXIT(misuse(), testing::KilledBySignal(SIGABRT), "smallblock: ");
}

INSTANTIATE_TEST_SUITE_P(Sizes, WrongFree, testing::Values(2, 16, 48, 64, 208, 512),
                         testing::PrintToStringParamName());

// Addresses in the region where no pool is: far from everything that was ever handed out.
TEST(WrongFreeOf, PointerToAnEmptyPool) {
  const auto free_far_away = [] {
    auto block = reinterpret_cast<std::uintptr_t>(sb_malloc(64));
    const std::uintptr_t step = stats().region_bytes / 4;
    for (std::uintptr_t address : {block + step, block + 2 * step, block - step, block - 2 * step}) {
      if (sb_owns(reinterpret_cast<void*>(address))) {
        sb_free(reinterpret_cast<void*>(address));
        for (std::size_t i = 0; i < kSpill; ++i) sb_free(sb_malloc(64));
      }
    }
    _Exit(0);
  };
  EXPECT_EXIT(free_far_away(), testing::KilledBySignal(SIGABRT), "smallblock: ");
}

TEST(WrongFreeOf, BlockOfAnotherHeap) {
  const auto free_in_wrong_heap = [](std::size_t bytes) {
    sb_heap* one = sb_heap_create();
    sb_heap* other = sb_heap_create();
    sb_heap_free(other, sb_heap_alloc(one, bytes));
    sb_heap_destroy(other);
    _Exit(0);
  };
  EXPECT_EXIT(free_in_wrong_heap(64), testing::KilledBySignal(SIGABRT), "smallblock: .*heap");
  EXPECT_EXIT(free_in_wrong_heap(100000), testing::KilledBySignal(SIGABRT), "smallblock: .*heap");
}

TEST(WrongFreeOf, SharedBlockInAPrivateHeap) {
  const auto free_shared = [] {
    sb_heap_free(sb_heap_create(), sb_malloc(64));
    _Exit(0);
  };
  EXPECT_EXIT(free_shared(), testing::KilledBySignal(SIGABRT), "smallblock: .*heap");
}

TEST(WrongFreeOf, HeapBlockTwice) {
  const auto free_twice = [](std::size_t bytes) {
    sb_heap* heap = sb_heap_create();
    void* keep = sb_heap_alloc(heap, bytes);
    void* block = sb_heap_alloc(heap, bytes);
    sb_heap_free(heap, block);
    sb_heap_free(heap, block);
    sb_heap_free(heap, keep);
    _Exit(0);
  };
  EXPECT_EXIT(free_twice(64), testing::KilledBySignal(SIGABRT), "smallblock: .*free");
}

TEST(WrongFreeOf, BlockOfADestroyedHeap) {
  const auto free_late = [] {
    sb_heap* heap = sb_heap_create();
    void* block = sb_heap_alloc(heap, 64);
    sb_heap_destroy(heap);
    sb_free(block);
    _Exit(0);
  };
  EXPECT_EXIT(free_late(), testing::KilledBySignal(SIGABRT), "smallblock: ");
}

// The line names the address, so that it can be looked up in a log or a core.
TEST(WrongFreeOf, MessageIsOneLineWithTheAddress) {
  const auto misuse = [](char* block) {
    sb_free(block);
    sb_free(block);
  };
  EXPECT_EXIT(misuse_then_spill(64, misuse), testing::KilledBySignal(SIGABRT),
              "^smallblock: [^\n]*0x[0-9a-f]+[^\n]*\n");
}

}  // namespace
}  // namespace smallblock::test
