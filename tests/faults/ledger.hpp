// What a scenario with failing calls has: its live blocks, each with a pattern of its own, however it was asked
// for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace smallblock::test {

class Ledger {
 public:
  struct Block {
    void* address;
    std::size_t bytes;
    std::uint64_t seed;
  };

  // Takes what a request gave: NULL must come with ENOMEM. Set errno to 0 before the request.
  void take(void* address, std::size_t bytes);
  // The same of a resize of block `index`: on NULL the old one must still be there.
  void resized(std::size_t index, void* address, std::size_t bytes);
  // A block that the next one is freed by; NULL if there is none.
  void* give_up();
  void forget_all() { blocks_.clear(); }
  // Every live byte is what was written there.
  void verify() const;
  void free_all();

  std::size_t size() const { return blocks_.size(); }
  const Block& operator[](std::size_t index) const { return blocks_[index]; }
  long refused() const { return refused_; }

 private:
  std::vector<Block> blocks_;
  std::uint64_t next_seed_ = 1;
  long refused_ = 0;
};

}  // namespace smallblock::test
