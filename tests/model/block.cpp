// The pattern: word i of a block is (seed + i) times an odd constant, so equal blocks and shifted copies differ.

#include "block.hpp"

#include <cstring>

namespace smallblock::model {

namespace {

constexpr std::size_t kWord = sizeof(std::uint64_t);

std::uint64_t word_at(const Block& block, std::size_t index) {
  return (block.seed + index) * 0x9e3779b97f4a7c15U;
}

// How many of the first `bytes` bytes are those of the words that expected(index) gives. Whole words are compared
// as such: this is where the model spends its time.
template <class Expected>
std::size_t equal_bytes(const void* address, std::size_t bytes, Expected expected) {
  const auto* data = static_cast<const unsigned char*>(address);
  std::size_t done = 0;
  for (; done + kWord <= bytes; done += kWord) {
    std::uint64_t found;
    std::memcpy(&found, data + done, kWord);
    if (found != expected(done / kWord)) break;
  }
  const std::uint64_t word = expected(done / kWord);
  unsigned char last[kWord];
  std::memcpy(last, &word, kWord);
  for (std::size_t i = 0; i < kWord && done < bytes && data[done] == last[i]; ++i) ++done;
  return done;
}

}  // namespace

void fill(const Block& block) {
  auto* data = static_cast<unsigned char*>(block.address);
  std::size_t done = 0;
  for (; done + kWord <= block.filled_bytes; done += kWord) {
    const std::uint64_t word = word_at(block, done / kWord);
    std::memcpy(data + done, &word, kWord);
  }
  const std::uint64_t word = word_at(block, done / kWord);
  std::memcpy(data + done, &word, block.filled_bytes - done);
}

std::size_t intact_bytes(const Block& block, std::size_t bytes) {
  return equal_bytes(block.address, bytes, [&block](std::size_t index) { return word_at(block, index); });
}

std::size_t zero_bytes(const void* address, std::size_t bytes) {
  return equal_bytes(address, bytes, [](std::size_t) { return std::uint64_t{0}; });
}

}  // namespace smallblock::model
