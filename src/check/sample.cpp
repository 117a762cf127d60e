// See sample.hpp. The hook, and when a sample is due.

#include "check/sample.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "check/checked_blocks.hpp"
#include "check/guard.hpp"
#include "check/report.hpp"
#include "check/stack_depot.hpp"
#include "heap/background.hpp"
#include "heap/sample_hook.hpp"
#include "os/fault.hpp"
#include "os/port.hpp"

namespace smallblock {

constinit RarelyWritten<const SampleHook*> sample_hook;
constinit std::atomic<std::int64_t> blocks_to_sample{0};
constinit std::uint32_t sample_every_wanted = 0;

namespace check {

bool SampleSlots::reserve() noexcept {
  page_bytes_ = os::page_bytes();
  const Bytes bytes = (2 * Bytes{kSlots} + 1) * page_bytes_;
  start_ = static_cast<char*>(os::reserve(bytes, 64_KiB));
  if (start_ != nullptr) bytes_ = bytes;
  return start_ != nullptr;
}

void SampleSlots::release() noexcept {
  if (start_ != nullptr) os::unreserve(start_, bytes_);
  start_ = nullptr;
  bytes_ = 0;
}

void SampleSlots::describe(unsigned slot, Block& block) const noexcept {
  block.start = page_of(slot);
  block.end = block.start + page_bytes_;
  block.user = slots_[slot].user;
  block.requested = slots_[slot].requested;
  block.record = slots_[slot].record;
  block.index = slot;
  block.sampled = true;
}

bool SampleSlots::take(Block& block, Bytes alignment) noexcept {
  if (is_full()) return false;
  do {
    next_ = (next_ + 1) % kSlots;
  } while (slots_[next_].record.state == State::kLive);
  char* page = page_of(next_);
  if (!os::commit(page, page_bytes_)) return false;
  const Bytes room = round_up(std::max<Bytes>(block.requested, 1), alignment);
  block.record.state = State::kLive;
  slots_[next_] = {next_ % 2 == 0 ? page + page_bytes_ - room : page, block.requested, block.record};
  ++live_;
  describe(next_, block);
  return true;
}

void SampleSlots::give_back(const Block& block) noexcept {
  slots_[block.index].record = block.record;
  os::forbid(block.start, page_bytes_);
  --live_;
}

bool SampleSlots::find(const void* address, Block& block) const noexcept {
  const auto at = static_cast<Bytes>(static_cast<const char*>(address) - start_);
  const Bytes page = at / page_bytes_;
  const bool between = page % 2 == 0;
  const bool before_wins = between && at % page_bytes_ < page_bytes_ / 2;
  // The slots on both sides of a page between; the nearer one first.
  const Bytes left = page == 0 ? kSlots : (page - 1) / 2;
  const Bytes right = page / 2;
  const Bytes candidates[2] = {!between || before_wins ? left : right, !between || before_wins ? right : left};
  for (unsigned i = 0; i < (between ? 2U : 1U); ++i) {
    if (candidates[i] >= kSlots || slots_[candidates[i]].record.state == State::kNone) continue;
    describe(static_cast<unsigned>(candidates[i]), block);
    return true;
  }
  return false;
}

namespace {

constinit SampleSlots slots;
constinit std::uint32_t sample_every = 0;
// Under check_lock.
constinit std::uint64_t random_state = 0x9e3779b97f4a7c15U;

// From this N on sampling takes no more than this share of the time, measured: a frequent one has to wait for
// credit.
constexpr std::uint32_t kBoundedFrom = 1000;
constexpr std::int64_t kShare = 400;
constexpr std::int64_t kCreditMaxNs = 1000000;

// Under check_lock.
class Budget {
 public:
  bool has_credit() noexcept {
    if (sample_every < kBoundedFrom) return true;
    const auto now = static_cast<std::int64_t>(os::now_ns());
    credit_ns_ = std::min(credit_ns_ + (now - seen_ns_) / kShare, kCreditMaxNs);
    seen_ns_ = now;
    return credit_ns_ > 0;
  }
  void charge_since(std::uint64_t start_ns) noexcept {
    credit_ns_ -= static_cast<std::int64_t>(os::now_ns() - start_ns);
  }

 private:
  std::int64_t seen_ns_ = 0;
  std::int64_t credit_ns_ = 0;
};
constinit Budget budget;

std::int64_t next_distance() noexcept {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  // 1 to 2 N - 1, N in the mean, so that no rhythm of the program's escapes.
  return static_cast<std::int64_t>(1 + random_state % (2 * std::uint64_t{sample_every} - 1));
}

void* allocate_page(Bytes bytes, Bytes alignment, Door door) noexcept {
  Block block;
  block.requested = bytes;
  block.record.door = door;
  {
    const os::LockGuard guard(check_lock);
    blocks_to_sample.store(next_distance(), std::memory_order_relaxed);
    if (!slots.fits(std::max(bytes, alignment)) || slots.is_full() || !budget.has_credit()) return nullptr;
  }
  const std::uint64_t start_ns = os::now_ns();
  block.record.allocated_at = stack_depot.capture_here();
  const os::LockGuard guard(check_lock);
  if (!slots.take(block, alignment)) return nullptr;
  fill_new(block);
  budget.charge_since(start_ns);
  return block.user;
}

// Which of the C and C++ doors it was is known in check mode only.
bool is_same_door(Door one, Door other) noexcept {
  const auto plain = [](Door door) { return door == Door::kNew || door == Door::kNewArray ? Door::kMalloc : door; };
  return plain(one) == plain(other);
}

void deallocate_page(void* pointer, Door door) noexcept {
  const CallSite site{Call::kFree, door, pointer};
  const std::uint64_t start_ns = os::now_ns();
  const StackId freed_at = stack_depot.capture_here();
  Block block;
  bool found = false;
  {
    const os::LockGuard guard(check_lock);
    found = slots.find(pointer, block);
    if (found && pointer == block.user && block.record.state == State::kLive &&
        is_same_door(door, block.record.door) && has_whole_guards(block)) {
      block.record.state = State::kHeld;
      block.record.freed_at = freed_at;
      slots.give_back(block);
      return budget.charge_since(start_ns);
    }
  }
  if (!found) report_foreign(site, "lies between smallblock's sampled pages");
  if (pointer != block.user) report_interior(site, block);
  if (block.record.state != State::kLive) report_double_free(site, block);
  if (!is_same_door(door, block.record.door)) report_wrong_door(site, block);
  verify_guards(block);
}

Block sampled_block(const CallSite& site) noexcept {
  Block block;
  bool found = false;
  {
    const os::LockGuard guard(check_lock);
    found = slots.find(site.pointer, block);
  }
  if (!found) report_foreign(site, "lies between smallblock's sampled pages");
  if (site.pointer != block.user) report_interior(site, block);
  if (block.record.state != State::kLive) report_double_free(site, block);
  return block;
}

void* reallocate_page(void* pointer, Bytes bytes) noexcept {
  const Block block = sampled_block({Call::kReallocate, Door::kMalloc, pointer});
  void* moved = smallblock::allocate(bytes, block.record.door);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, pointer, std::min(bytes, block.requested));
  deallocate_page(pointer, block.record.door);
  return moved;
}

Bytes bytes_of_page(const void* pointer) noexcept {
  return sampled_block({Call::kUsableSize, Door::kMalloc, pointer}).requested;
}

bool owns_page(const void* pointer) noexcept {
  return slots.owns(pointer);
}

// Takes no lock: the thread may have been interrupted anywhere.
void on_fault(const void* address) {
  Block block;
  if (slots.owns(address) && slots.find(address, block)) report_fault(block, static_cast<const char*>(address));
}

constexpr SampleHook kSampleHook = {
    .allocate = allocate_page,
    .owns = owns_page,
    .deallocate = deallocate_page,
    .reallocate = reallocate_page,
    .usable_bytes = bytes_of_page,
};

}  // namespace

}  // namespace check

bool start_sampling(std::uint32_t every) noexcept {
  if (sample_hook.get() != nullptr) return true;
  if (!check::slots.reserve() || !check::stack_depot.reserve()) {
    check::slots.release();
    constexpr char kRefused[] = "smallblock: the system refuses the memory for sampling; it stays off\n";
    os::write_all(2, kRefused, sizeof kRefused - 1);
    return false;
  }
  check::sample_every = every;
  check::random_state ^= static_cast<std::uint64_t>(os::process_id()) << 32 | os::coarse_now_ms();
  blocks_to_sample.store(check::next_distance());
  os::handle_faults(check::on_fault);
  want_background_thread();
  sample_hook.set(&check::kSampleHook);
  return true;
}

}  // namespace smallblock
