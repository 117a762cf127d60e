// The driver's blocks: made, dropped and turned over with plain malloc and free.
//
// The tables lie in memory mapped and touched before the baseline is read, so they cancel out of every difference.
// Every block is written in full when it is made, as a program would; its first word is checked when it is freed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace smallblock::bench {

// splitmix64: the same blocks in every process.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(next() % limit); }
  bool chance(double probability) { return static_cast<double>(next() >> 11) * 0x1.0p-53 < probability; }

 private:
  std::uint64_t state_;
};

inline constexpr std::size_t kGranuleBytes = 16;
inline constexpr std::size_t kSmallBytesMax = 512;

// Blocks of one size, or (size 0, "mixed") of every multiple of 16 up to 512 with equal chances.
class Blocks {
 public:
  Blocks(std::size_t size, std::size_t total_bytes, std::uint64_t seed);

  void fill();  // to the total, in one go
  void drop_all();
  // Each block lives on with probability `live`, and they do so in runs of `run` in the order of allocation: a gap
  // between two runs has a geometric length, so every share is met on average.
  void drop_all_but(double live, unsigned run);
  // `times` x count(): one random block dies, one of the same size (mixed: any) is born in its place.
  void turn_over(double times);
  // Frees each with probability 1/2 and writes nowhere itself; the table is useless afterwards.
  void free_half(std::uint64_t seed) const;
  void walk() const;  // reads every block

  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] std::size_t live_bytes() const { return live_bytes_; }

 private:
  [[nodiscard]] std::size_t any_size();
  void make(std::size_t slot);
  void free_block(std::size_t slot) const;
  void keep(std::size_t slot);  // moves it to the end of those already kept

  std::size_t size_;
  std::size_t total_bytes_;
  std::size_t capacity_;
  std::size_t count_ = 0;
  std::size_t live_bytes_ = 0;
  std::uint64_t** pointers_;
  std::uint8_t* granules_;  // of each block
  Random random_;
};

}  // namespace smallblock::bench
