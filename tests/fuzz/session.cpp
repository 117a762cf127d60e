// Performs the steps and checks the whole: see session.hpp. What a single block must be, the model checks.

#include "session.hpp"

#include <algorithm>
#include <cerrno>
#include <iostream>

#include "base/units.hpp"
#include "fault_calls.hpp"
#include "fault_port.hpp"
#include "heap/audit.hpp"
#include "heap/next_allocator.hpp"

namespace smallblock::fuzz {

namespace {

using model::Block;
using test::call_faults;
using test::CallFault;
using test::faults;

// What one input may ask for; more would only make it slow.
constexpr std::uint64_t kOperationsMax = 30000;
constexpr std::uint64_t kAskedBytesMax = 96_MiB;
constexpr std::uint64_t kOperationsPerAudit = 1000;
// Each thread adds its figures of the next allocator up in steps, and a refill may take a whole magazine more.
constexpr std::uint64_t kLimitSlackBytes = (kThreads + 1) * 64_KiB + 128_KiB;

CallFault next_fault;
NextAllocator real_next;

void call_on_soft(void* /*context*/) {
  sb_free(sb_malloc(200));
}

// The malloc below, failing on demand.
void install_next_fault() {
  real_next = next_allocator;
  next_allocator.malloc = [](std::size_t bytes) { return next_fault.fails() ? nullptr : real_next.malloc(bytes); };
  next_allocator.calloc = [](std::size_t count, std::size_t bytes) {
    return next_fault.fails() ? nullptr : real_next.calloc(count, bytes);
  };
  next_allocator.realloc = [](void* block, std::size_t bytes) {
    return next_fault.fails() ? nullptr : real_next.realloc(block, bytes);
  };
  next_allocator.aligned_alloc = [](std::size_t alignment, std::size_t bytes) {
    return next_fault.fails() ? nullptr : real_next.aligned_alloc(alignment, bytes);
  };
}

sb_memory memory() {
  sb_memory now{};
  sb_memory_get(&now, sizeof now);
  return now;
}

sb_stats statistics() {
  sb_stats now{};
  sb_stats_get(&now, sizeof now);
  return now;
}

std::uint64_t block_bytes(const Block& block) {
  return block.live() && sb_owns(block.address) ? block.usable_bytes : 0;
}

std::uint64_t heap_bytes(const model::SharedHeap& heap) {
  std::uint64_t bytes = 0;
  for (const Block& block : heap.blocks) bytes += sb_owns(block.address) ? block.usable_bytes : block.bytes;
  return bytes;
}

}  // namespace

void prepare_process() {
  // The smallest region can be used up.
  faults.reserve_limit_bytes = 64_MiB;
  faults.clock_stands = true;
  faults.clock_ms = 1000000;
  install_next_fault();
}

Session::Session() : world_(std::make_unique<model::World>(model::WorldOptions{.threads = kThreads})) {
  for (unsigned thread = 0; thread < kThreads; ++thread) states_.emplace_back(*world_, thread);
}

Session::~Session() = default;

std::uint64_t Session::run(const std::vector<Step>& steps, bool print) {
  std::size_t first = 0;
  while (first < steps.size()) {
    std::size_t end = first;
    while (end < steps.size() && steps[end].what != What::kHop && steps[end].what != What::kThreadExit) ++end;
    run_on_thread(steps, first, end, print);
    if (end == steps.size()) break;
    if (print) std::cerr << steps[end] << "\n";
    const unsigned thread = steps[end].operation.number % kThreads;
    if (steps[end].what == What::kHop) {
      thread_ = thread;
    } else {
      workers_[thread].reset();
    }
    first = end + 1;
  }
  finish();
  return operations_;
}

void Session::run_on_thread(const std::vector<Step>& steps, std::size_t first, std::size_t end, bool print) {
  if (first == end) return;
  worker(thread_).run([&] {
    for (std::size_t i = first; i < end; ++i) {
      if (print) std::cerr << "  thread " << thread_ << ": " << steps[i] << "\n";
      perform(steps[i]);
    }
  });
}

void Session::perform(const Step& step) {
  const model::Operation& numbers = step.operation;
  switch (step.what) {
    case What::kOperation:
      return repeat(step);
    case What::kClock: {
      static constexpr std::array<std::uint32_t, 8> kStepsMs = {1, 10, 32, 101, 999, 1001, 5000, 3600000};
      faults.clock_ms += kStepsMs[numbers.number % kStepsMs.size()];
      return;
    }
    case What::kLimits:
      return set_limits(numbers, kProcess);
    case What::kHeapLimits:
      return set_limits(numbers, numbers.slot % kHeaps);
    case What::kFault:
      return set_fault(numbers);
    case What::kAudit:
      return audit();
    case What::kHop:
    case What::kThreadExit:
      return;
  }
}

void Session::repeat(const Step& step) {
  for (unsigned i = 0; i < step.times && operations_ < kOperationsMax && asked_bytes_ < kAskedBytesMax; ++i) {
    const model::Operation operation = step.turn(i);
    state().perform(operation);
    ++operations_;
    asked_bytes_ += operation.kind == model::Kind::kMallocBatch ? operation.bytes * 128 : operation.bytes;
    if (operation.kind == model::Kind::kHeapDestroy) hard_[operation.slot % kHeaps] = {};
    if (operations_ - audited_at_ >= kOperationsPerAudit) audit();
  }
}

// Above what is used now, so that there is something to do before the limit is reached; a heap's few blocks of the
// next allocator need not be in the process's sum yet. Number: which.
void Session::set_limits(const model::Operation& numbers, std::size_t owner) {
  const sb_memory now = memory();
  const std::uint64_t own = owner == kProcess ? 0 : heap_bytes(world_->heaps[owner]);
  const std::uint64_t live =
      std::max(now.live_bytes + now.cached_bytes + now.next_bytes, own) + numbers.bytes * 8 + 1;
  const std::uint64_t committed = now.committed_bytes + now.next_bytes + numbers.bytes * 32 + 1;
  sb_limits limits{};
  limits.on_soft = call_on_soft;
  if ((numbers.number & 1) != 0) limits.hard_live_bytes = live;
  if ((numbers.number & 2) != 0) limits.hard_committed_bytes = committed;
  if ((numbers.number & 4) != 0) limits.soft_live_bytes = live - live / 4;
  if ((numbers.number & 8) != 0) limits.soft_committed_bytes = committed - committed / 4;
  if (owner == kProcess) {
    sb_limits_set(&limits);
  } else {
    sb_heap_limits_set(world_->heaps[owner].handle, &limits);
  }
  hard_[owner] = {limits.hard_live_bytes, limits.hard_committed_bytes};
  note_refusals();
}

void Session::note_refusals() {
  const bool limited = std::any_of(hard_.begin(), hard_.end(),
                                   [](const Hard& hard) { return hard.live_bytes + hard.committed_bytes != 0; });
  world_->may_refuse = limited || next_fault.error != 0;
}

// Number: which call, with which error, once or from now on; slot: how many calls succeed before. Of four numbers
// one ends all faults.
void Session::set_fault(const model::Operation& numbers) {
  static constexpr std::array<int, 4> kErrors = {ENOMEM, EAGAIN, EINVAL, EPERM};
  CallFault fault{.error = kErrors[numbers.number / 4 % 4],
                  .calls_left = static_cast<long>(numbers.slot % 16),
                  .once = (numbers.number & 16) != 0};
  switch (numbers.number % 4) {
    case 0:
      call_faults.mprotect = fault;
      return;
    case 1:
      call_faults.madvise = fault;
      return;
    case 2:
      fault.error = ENOMEM;
      next_fault = fault;
      return note_refusals();
    default:
      call_faults = {};
      next_fault = {};
      return note_refusals();
  }
}

void Session::audit() {
  audited_at_ = operations_;
  audit_heap(Magazines::kOfAll);
  std::uint64_t expected_bytes = 0;
  for (model::State& each : states_) {
    for (std::size_t i = 0; i < model::State::kSlots; ++i) expected_bytes += block_bytes(each.slot(i));
  }
  for (const model::Mailbox& mailbox : world_->mailboxes) {
    for (const Block& block : mailbox.blocks) expected_bytes += block_bytes(block);
  }
  for (const model::SharedHeap& heap : world_->heaps) {
    for (const Block& block : heap.blocks) expected_bytes += block_bytes(block);
  }
  const sb_stats stats = statistics();
  if (stats.live_bytes != expected_bytes) {
    std::cerr << "fuzz: the statistics say that " << stats.live_bytes << " bytes are live, and " << expected_bytes
              << " are\n";
    state().fail("live bytes are counted wrongly", {});
  }
  const sb_memory now = memory();
  check_limit("live", now.live_bytes + now.cached_bytes + now.next_bytes, hard_[kProcess].live_bytes,
              kLimitSlackBytes);
  check_limit("committed", now.committed_bytes + now.next_bytes, hard_[kProcess].committed_bytes, kLimitSlackBytes);
  for (std::size_t heap = 0; heap < kHeaps; ++heap) {
    check_limit("a heap's live", heap_bytes(world_->heaps[heap]), hard_[heap].live_bytes, 0);
  }
}

void Session::check_limit(const char* what, std::uint64_t used_bytes, std::uint64_t hard_bytes,
                          std::uint64_t slack_bytes) {
  if (hard_bytes == 0 || used_bytes <= hard_bytes + slack_bytes) return;
  std::cerr << "fuzz: " << what << " bytes are " << used_bytes << " at a hard limit of " << hard_bytes << "\n";
  state().fail("a hard limit was passed", {});
}

// Frees everything, ends all threads, and trims: nothing may be left.
void Session::finish() {
  worker(0).run([this] {
    audit();
    for (model::State& each : states_) each.release_everything();
    for (model::SharedHeap& heap : world_->heaps) {
      for (const Block& block : heap.blocks) states_.front().dying(block);
    }
  });
  for (std::unique_ptr<Worker>& each : workers_) each.reset();
  const bool all_struck = world_->ledger.pieces() == 0;
  world_.reset();
  call_faults = {};
  next_fault = {};
  sb_limits_set(nullptr);
  sb_decay_set(1000);
  sb_trim();
  audit_heap(Magazines::kOfAll);

  const sb_memory left = memory();
  const sb_stats stats = statistics();
  std::uint64_t pools = 0;
  for (std::uint32_t i = 0; i < stats.class_count; ++i) pools += stats.classes[i].pools_used;
  const bool nothing = left.live_bytes == 0 && left.cached_bytes == 0 && left.free_resident_bytes == 0 &&
                       left.purged_bytes == 0 && left.empty_resident_bytes == 0 && left.next_bytes == 0 &&
                       left.committed_bytes == 0 && pools == 0 && stats.heaps == 0 && stats.heaps_private == 0;
  if (all_struck && nothing) return;
  std::cerr << "fuzz: after everything was freed, all threads had ended and a trim: live " << left.live_bytes
            << ", cached " << left.cached_bytes << ", free in pools " << left.free_resident_bytes << ", purged "
            << left.purged_bytes << ", empty " << left.empty_resident_bytes << ", next " << left.next_bytes
            << ", committed " << left.committed_bytes << " bytes; " << pools << " pools, " << stats.heaps
            << " thread heaps, " << stats.heaps_private << " private heaps; the ledger is "
            << (all_struck ? "empty" : "not empty") << "\n";
  std::abort();
}

Worker& Session::worker(unsigned thread) {
  if (workers_[thread] == nullptr) workers_[thread] = std::make_unique<Worker>();
  return *workers_[thread];
}

}  // namespace smallblock::fuzz
