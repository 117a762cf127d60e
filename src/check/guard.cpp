// See guard.hpp.

#include "check/guard.hpp"

#include <cstring>

namespace smallblock::check {

namespace {

const char* first_other(const char* from, const char* to, unsigned char byte) noexcept {
  std::uint64_t wanted = 0;
  std::memset(&wanted, byte, sizeof wanted);
  for (; to - from >= static_cast<std::ptrdiff_t>(sizeof wanted); from += sizeof wanted) {
    std::uint64_t word = 0;
    std::memcpy(&word, from, sizeof word);
    if (word != wanted) break;
  }
  for (; from < to; ++from) {
    if (static_cast<unsigned char>(*from) != byte) return from;
  }
  return nullptr;
}

}  // namespace

void fill_guards(const Block& block) noexcept {
  std::memset(block.start, kGuardByte, static_cast<Bytes>(block.user - block.start));
  char* behind = block.user + block.requested;
  std::memset(behind, kGuardByte, static_cast<Bytes>(block.end - behind));
}

void fill_freed(const Block& block) noexcept {
  std::memset(block.start, kFreedByte, block.gross_bytes());
}

const char* changed_before(const Block& block) noexcept {
  if (first_other(block.start, block.user, kGuardByte) == nullptr) return nullptr;
  const char* last = block.user - 1;
  while (static_cast<unsigned char>(*last) == kGuardByte) --last;
  return last;
}

const char* changed_behind(const Block& block) noexcept {
  return first_other(block.user + block.requested, block.end, kGuardByte);
}

const char* changed_since_freed(const Block& block) noexcept {
  return first_other(block.start, block.end, kFreedByte);
}

}  // namespace smallblock::check
