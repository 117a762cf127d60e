#include "blocks.hpp"

#include <sys/mman.h>

#include <cmath>
#include <cstdlib>
#include <cstring>

#include "reading.hpp"

namespace smallblock::bench {
namespace {

constexpr std::uint64_t kMark = 0x9e3779b97f4a7c15;

std::uint64_t mark_of(const std::uint64_t* block) {
  return reinterpret_cast<std::uintptr_t>(block) ^ kMark;
}

template <typename Entry>
Entry* map_table(std::size_t entries) {
  void* table = mmap(nullptr, entries * sizeof(Entry), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (table == MAP_FAILED) fail("no memory for its tables; choose a smaller --scale");
  return static_cast<Entry*>(table);
}

}  // namespace

std::uint64_t Random::next() {
  std::uint64_t mixed = state_ += 0x9e3779b97f4a7c15;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

// Mixed blocks have 264 bytes on average; a twentieth more room than that is never used up.
Blocks::Blocks(std::size_t size, std::size_t total_bytes, std::uint64_t seed)
    : size_(size),
      total_bytes_(total_bytes),
      capacity_(size != 0 ? total_bytes / size + 1 : total_bytes / 251 + 10000),
      pointers_(map_table<std::uint64_t*>(capacity_)),
      granules_(map_table<std::uint8_t>(capacity_)),
      random_(seed) {}

std::size_t Blocks::any_size() {
  return size_ != 0 ? size_ : (random_.below(kSmallBytesMax / kGranuleBytes) + 1) * kGranuleBytes;
}

void Blocks::make(std::size_t slot) {
  const std::size_t bytes = any_size();
  void* block = std::malloc(bytes);
  if (block == nullptr) fail("malloc returned NULL");
  std::memset(block, 0x5a, bytes);
  pointers_[slot] = static_cast<std::uint64_t*>(block);
  *pointers_[slot] = mark_of(pointers_[slot]);
  granules_[slot] = static_cast<std::uint8_t>(bytes / kGranuleBytes);
  live_bytes_ += bytes;
}

void Blocks::free_block(std::size_t slot) const {
  if (*pointers_[slot] != mark_of(pointers_[slot])) fail("a live block has changed");
  std::free(pointers_[slot]);
}

void Blocks::keep(std::size_t slot) {
  pointers_[count_] = pointers_[slot];
  granules_[count_] = granules_[slot];
  live_bytes_ += granules_[slot] * kGranuleBytes;
  ++count_;
}

void Blocks::fill() {
  while (live_bytes_ + kSmallBytesMax <= total_bytes_ && count_ < capacity_) make(count_++);
}

void Blocks::drop_all() {
  for (std::size_t slot = 0; slot < count_; ++slot) free_block(slot);
  count_ = live_bytes_ = 0;
}

void Blocks::drop_all_but(double live, unsigned run) {
  const double gap_mean = run * (1 - live) / live;
  const double gap_end = gap_mean > 1 ? 1 / gap_mean : 1;
  const std::size_t before = count_;
  count_ = live_bytes_ = 0;
  bool alive = false;
  unsigned left = 0;  // of this run
  for (std::size_t slot = 0; slot < before; ++slot) {
    if (run == 1) {
      alive = random_.chance(live);
    } else if (alive && --left == 0) {
      alive = false;
    } else if (!alive && random_.chance(gap_end)) {
      alive = true;
      left = run;
    }
    if (alive) {
      keep(slot);
    } else {
      free_block(slot);
    }
  }
}

void Blocks::turn_over(double times) {
  if (count_ == 0) return;
  const auto steps = static_cast<std::size_t>(std::llround(times * static_cast<double>(count_)));
  for (std::size_t step = 0; step < steps; ++step) {
    const std::size_t slot = random_.below(count_);
    free_block(slot);
    live_bytes_ -= granules_[slot] * kGranuleBytes;
    make(slot);
  }
}

void Blocks::free_half(std::uint64_t seed) const {
  Random random(seed);
  for (std::size_t slot = 0; slot < count_; ++slot) {
    if (random.chance(0.5)) free_block(slot);
  }
}

void Blocks::walk() const {
  for (std::size_t slot = 0; slot < count_; ++slot) {
    if (*pointers_[slot] != mark_of(pointers_[slot])) fail("a live block has changed");
  }
}

}  // namespace smallblock::bench
