// Which pages of a pool are free and which are purged; see pool.hpp for the invariant.
//
// Blocks of many classes cross page borders: a page is free when every block that touches it is.
// bench/retention/layout shows which classes keep their blocks within pages, and what that would cost and gain for
// the others.

#include "core/pool.hpp"

namespace smallblock {

namespace {

BlockRange blocks_on_pages(const SizeClass& size_class, unsigned first_page, unsigned page_count) noexcept {
  return blocks_touching(size_class, Bytes{first_page} << page_log2, Bytes{first_page + page_count} << page_log2);
}

}  // namespace

constinit unsigned page_log2 = 12;

// visit(first block, count), each block once: a block may touch two runs of purged pages.
template <typename Visit>
void PoolRecord::for_each_purged(Visit visit) const noexcept {
  const SizeClass& size_class = kSizeClasses[class_index];
  unsigned seen = 0;
  for_each_run(purged_pages(), [&](unsigned first_page, unsigned page_count) {
    const BlockRange blocks = blocks_on_pages(size_class, first_page, page_count);
    const unsigned first = blocks.first < seen ? seen : blocks.first;
    if (first < blocks.end) visit(first, blocks.end - first);
    if (seen < blocks.end) seen = blocks.end;
  });
}

unsigned PoolRecord::count_purged() const noexcept {
  if (purged_pages() == 0) return 0;
  if (purged_pages() == pages_of_pool(units_log2())) return capacity;
  unsigned blocks = 0;
  for_each_purged([&](unsigned, unsigned count) { blocks += count; });
  return blocks;
}

// Hides the blocks on purged pages from take_lowest, or shows them again.
void PoolRecord::assign_purged(bool free) noexcept {
  std::uint64_t* const bits = free_bits();
  for_each_purged([&](unsigned first, unsigned count) {
    for_each_word(first, count, [&](unsigned word, std::uint64_t mask) {
      bits[word] = free ? bits[word] | mask : bits[word] & ~mask;
      return true;
    });
  });
}

std::uint64_t PoolRecord::free_pages() const noexcept {
  const SizeClass& size_class = kSizeClasses[class_index];
  const std::uint64_t* const bits = free_bits();
  const auto all_free = [&](unsigned word, std::uint64_t mask) { return (~bits[word] & mask) == 0; };
  const auto pages = static_cast<unsigned>(std::popcount(pages_of_pool(units_log2())));
  std::uint64_t free = 0;
  for (unsigned page = 0; page < pages; ++page) {
    const BlockRange blocks = blocks_on_pages(size_class, page, 1);
    if (for_each_word(blocks.first, blocks.end - blocks.first, all_free)) free |= std::uint64_t{1} << page;
  }
  return free;
}

void PoolRecord::purge(std::uint64_t pages) noexcept {
  set_purged_pages(purged_pages() | pages);
  purged_blocks = static_cast<std::uint16_t>(count_purged());
}

void PoolRecord::unpurge(std::uint64_t pages) noexcept {
  set_purged_pages(purged_pages() & ~pages);
  purged_blocks = static_cast<std::uint16_t>(count_purged());
}

void PoolRecord::unpurge_for(unsigned wanted) noexcept {
  const SizeClass& size_class = kSizeClasses[class_index];
  std::uint64_t purged = purged_pages();
  while (resident_blocks() < wanted && purged != 0) {
    const BlockRange blocks = blocks_on_pages(size_class, lowest_bit(purged), 1);
    purged &= purged - 1;
    // A block that also touches the next purged page stays purged.
    unsigned end = blocks.end;
    if (purged != 0) {
      const unsigned still_purged = blocks_on_pages(size_class, lowest_bit(purged), 1).first;
      if (still_purged < end) end = still_purged;
    }
    if (blocks.first < end) purged_blocks = static_cast<std::uint16_t>(purged_blocks - (end - blocks.first));
  }
  set_purged_pages(purged);
}

}  // namespace smallblock
