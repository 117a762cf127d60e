// Random work on the heap of this process, and what every image of it must keep: for the tests of the heap image.
#pragma once

#include <gtest/gtest.h>
#include <smallblock/smallblock.h>

#include <map>
#include <random>
#include <set>
#include <vector>

#include "inspect/image/heap_image.hpp"

namespace smallblock::inspect {

inline void expect_counts_agree(const HeapImage& image) {
  for (const PoolImage& pool : image.pools) {
    std::map<BlockState, unsigned> counts;
    for (unsigned block = 0; block < pool.capacity; ++block) ++counts[pool.state_of(block)];
    EXPECT_EQ(counts[BlockState::kLive], pool.live);
    EXPECT_EQ(counts[BlockState::kCached], pool.cached);
    EXPECT_EQ(counts[BlockState::kFree], pool.free);
    EXPECT_EQ(counts[BlockState::kPurged], pool.purged);
  }
}

class Traffic {
 public:
  explicit Traffic(sb_heap* heap = nullptr) : heap_(heap) {}
  ~Traffic() {
    for (void* block : blocks_) sb_free(block);
  }
  void run(unsigned steps) {
    for (unsigned step = 0; step < steps; ++step) {
      if (blocks_.empty() || random_() % 100 < 55) {
        // Sizes of all magnitudes alike, up to the small limit.
        const std::size_t bytes = 1 + random_() % (std::size_t{16} << random_() % 12);
        blocks_.push_back(heap_ == nullptr ? sb_malloc(bytes) : sb_heap_alloc(heap_, bytes));
      } else {
        sb_free(take());
      }
    }
  }
  void drop_most() {
    while (blocks_.size() > 50) sb_free(take());
  }
  void add_to(std::set<std::uint64_t>& all) const {
    for (void* block : blocks_) all.insert(reinterpret_cast<std::uint64_t>(block));
  }

 private:
  void* take() {
    const std::size_t victim = random_() % blocks_.size();
    std::swap(blocks_[victim], blocks_.back());
    void* block = blocks_.back();
    blocks_.pop_back();
    return block;
  }
  sb_heap* heap_;
  std::vector<void*> blocks_;
  std::mt19937 random_{20240615};
};

}  // namespace smallblock::inspect
