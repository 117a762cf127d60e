// See guard.hpp.

#include "check/guard.hpp"

#include <cstring>

#include "check/perturb.hpp"
#include "os/memory_tool.hpp"

namespace smallblock::check {

namespace {

// By a tool that finds a wrong access when it happens. A sampled block has pages of its own instead.
bool is_watched(const Block& block) noexcept {
  return os::is_marking() && !block.sampled;
}

unsigned char freed_byte() noexcept {
  return perturb_byte != 0 ? perturb_byte : kFreedByte;
}

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

void fill_new(const Block& block) noexcept {
  const auto lead = static_cast<Bytes>(block.user - block.start);
  char* behind = block.user + block.requested;
  const auto trail = static_cast<Bytes>(block.end - behind);
  if (is_watched(block)) {
    os::mark_usable(block.user, block.requested);
    fill_fresh(block.user, block.requested);
    os::mark_forbidden(block.start, lead);
    os::mark_forbidden(behind, trail);
    return os::mark_block(block.user, block.requested);
  }
  std::memset(block.start, kGuardByte, lead);
  std::memset(behind, kGuardByte, trail);
  fill_fresh(block.user, block.requested);
}

void fill_freed(const Block& block) noexcept {
  if (!is_watched(block)) {
    std::memset(block.start, freed_byte(), block.gross_bytes());
    return;
  }
  os::mark_freed(block.user, block.requested);
  os::mark_forbidden(block.start, block.gross_bytes());
}

const char* changed_before(const Block& block) noexcept {
  if (is_watched(block) || first_other(block.start, block.user, kGuardByte) == nullptr) return nullptr;
  const char* last = block.user - 1;
  while (static_cast<unsigned char>(*last) == kGuardByte) --last;
  return last;
}

const char* changed_behind(const Block& block) noexcept {
  return is_watched(block) ? nullptr : first_other(block.user + block.requested, block.end, kGuardByte);
}

const char* changed_since_freed(const Block& block) noexcept {
  return is_watched(block) ? nullptr : first_other(block.start, block.end, freed_byte());
}

}  // namespace smallblock::check
