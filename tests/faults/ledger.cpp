// See ledger.hpp.

#include "ledger.hpp"

#include <smallblock/smallblock.h>

#include <algorithm>
#include <cerrno>

#include "child.hpp"

namespace smallblock::test {

namespace {

// Of a large block its start and its end say enough.
constexpr std::size_t kChecked = 2048;

unsigned char byte_of(std::uint64_t seed, std::size_t index) {
  return static_cast<unsigned char>((seed * 0x9e3779b97f4a7c15U >> 40) + index * 7);
}

template <typename Visit>
void for_checked_bytes(void* address, std::size_t bytes, Visit visit) {
  auto* data = static_cast<unsigned char*>(address);
  const std::size_t head = std::min(bytes, kChecked);
  for (std::size_t i = 0; i < head; ++i) visit(data[i], i);
  for (std::size_t i = std::max(head, bytes - head); i < bytes; ++i) visit(data[i], i);
}

void fill(const Ledger::Block& block) {
  for_checked_bytes(block.address, block.bytes,
                    [&](unsigned char& byte, std::size_t i) { byte = byte_of(block.seed, i); });
}

void check(const Ledger::Block& block, std::size_t bytes) {
  const std::size_t limit = std::min({bytes, block.bytes, kChecked});
  const auto* data = static_cast<const unsigned char*>(block.address);
  for (std::size_t i = 0; i < limit; ++i) require(data[i] == byte_of(block.seed, i), "a live byte is as written");
  if (bytes != block.bytes) return;
  for_checked_bytes(block.address, bytes, [&](const unsigned char& byte, std::size_t i) {
    require(byte == byte_of(block.seed, i), "a live byte at the end is as written");
  });
}

}  // namespace

void Ledger::take(void* address, std::size_t bytes) {
  if (address == nullptr) {
    require(errno == ENOMEM, "NULL comes with ENOMEM");
    ++refused_;
    return;
  }
  require(reinterpret_cast<std::uintptr_t>(address) % 16 == 0, "a block is aligned");
  blocks_.push_back({address, bytes, next_seed_++});
  fill(blocks_.back());
}

void Ledger::resized(std::size_t index, void* address, std::size_t bytes) {
  if (address == nullptr) {
    require(errno == ENOMEM, "NULL comes with ENOMEM");
    check(blocks_[index], blocks_[index].bytes);
    ++refused_;
    return;
  }
  Block& block = blocks_[index];
  block.address = address;
  check({address, std::min(bytes, block.bytes), block.seed}, std::min(bytes, kChecked));
  block = {address, bytes, next_seed_++};
  fill(block);
}

void* Ledger::give_up() {
  if (blocks_.empty()) return nullptr;
  void* address = blocks_.back().address;
  check(blocks_.back(), blocks_.back().bytes);
  blocks_.pop_back();
  return address;
}

void Ledger::verify() const {
  for (const Block& block : blocks_) check(block, block.bytes);
}

void Ledger::free_all() {
  while (!blocks_.empty()) sb_free(give_up());
}

}  // namespace smallblock::test
