// The three handlers; see fork.hpp.

#include "heap/fork.hpp"

#include <algorithm>
#include <atomic>

#include "core/arena_table.hpp"
#include "heap/check_hook.hpp"
#include "heap/depot.hpp"
#include "heap/heap_area.hpp"
#include "heap/in_hand.hpp"
#include "heap/limits.hpp"
#include "heap/magazine_store.hpp"
#include "heap/memory_return.hpp"
#include "heap/private_heap.hpp"
#include "heap/registry.hpp"
#include "os/port.hpp"

namespace smallblock {

namespace {

// For all locks together: longer than most are held, and short enough for a signal handler. Each further try has
// twice as much, so often: where many threads want few processors, all locks may take longer. Those that a fork
// holds back have as much.
constexpr std::uint32_t kForkPatienceMs = 100;
constexpr unsigned kForkPatienceDoublings = 6;

enum class ForkHandlers : std::uint8_t { kNew, kHandled, kRefused };

constinit std::atomic<ForkHandlers> handlers{ForkHandlers::kNew};
// Between prepare and the handlers after it; written with every lock held.
constinit bool forking = false;
// Forks by handlers that interrupt one between these two, in its own thread.
constinit unsigned forks_inside = 0;
// This process was forked by a handler that interrupted the engine: what others had counted is not known.
constinit bool in_hand_is_unknown = false;
constinit bool interrupted_now = false;

// Those that are always there, above the private heaps' in the order of os/lock.hpp.
template <typename Visit>
void for_each_inner_lock(Visit visit) noexcept {
  visit(check_layer_lock());
  for (unsigned index = 1; index <= kClassCount; ++index) visit(depots[index].lock());
  visit(arena_table.lock());
  visit(magazine_store.lock());
  visit(heap_area.lock());
  visit(limits_lock());
}

template <typename Visit>
void for_each_lock(Visit visit) noexcept {
  visit(return_lock());
  visit(heap_list_lock());
  visit_private_locks([](os::Lock& lock, void* context) { (*static_cast<Visit*>(context))(lock); }, &visit);
  for_each_inner_lock(visit);
}

// Whether a signal handler forks in the middle of our work in this very thread.
bool is_interrupted() noexcept {
  if (engine_is_interrupted() || InHand::here() || return_lock().is_mine() || heap_list_lock().is_mine() ||
      holds_private_lock())
    return true;
  bool mine = false;
  for_each_inner_lock([&mine](const os::Lock& lock) { mine = mine || lock.is_mine(); });
  return mine;
}

void unlock_all() noexcept {
  for_each_lock([](os::Lock& lock) { lock.unlock_after_fork(); });
}

// False: others hold it up, and everything is let go again.
bool before_fork(unsigned tries) noexcept {
  if (os::Lock::passes()) {
    // Else the process is about to end, and its abort handler forks: nothing is to be kept in order any more.
    if (forking) ++forks_inside;
    return true;
  }
  const bool interrupted = is_interrupted();
  const std::uint32_t until_ms = os::coarse_now_ms() + (kForkPatienceMs << std::min(tries, kForkPatienceDoublings));
  bool has_all = true;
  for_each_lock([&](os::Lock& lock) { has_all = lock.lock_for_fork(until_ms) && has_all; });
  if (!interrupted && (!has_all || !(in_hand_is_unknown || InHand::nothing()))) {
    unlock_all();
    if (has_all) InHand::hold_back_others(true);
    return false;
  }
  InHand::hold_back_others(false);
  os::Lock::pass_all();
  interrupted_now = interrupted;
  forking = true;
  return true;
}

void after_fork_in_parent() noexcept {
  if (forks_inside != 0) {
    --forks_inside;
    return;
  }
  if (!forking) return;
  forking = false;
  os::Lock::pass_no_more();
  unlock_all();
}

void after_fork_in_child() noexcept {
  if (!forking) return;
  forking = false;
  forks_inside = 0;
  // Another thread whose fork is held up may have said so meanwhile.
  InHand::hold_back_others(false);
  in_hand_is_unknown = interrupted_now;
  if (!interrupted_now) {
    InHand::forget_others();
    begin_trims_again();
  }
  os::Lock::pass_no_more();
  for_each_lock([](os::Lock& lock) { lock.reset_in_child(); });
  // To take over what the others had needs locks that the interrupted work may hold.
  start_heaps_in_child(!interrupted_now);
}

// Before anybody can fork: a fork in another thread must not fall between the first lock and the registration.
[[gnu::constructor]] void handle_forks_early() noexcept {
  handle_forks();
}

}  // namespace

// Not those that the fork itself waits for.
void InHand::wait_for_fork() noexcept {
  if (os::Lock::passes() || here() || return_lock().is_mine()) return;
  for (unsigned waited_ms = 0; fork_is_held_up.load() && waited_ms < kForkPatienceMs; ++waited_ms) os::sleep_ms(1);
}

Standstill::Standstill() noexcept {
  for (unsigned tries = 0; !before_fork(tries); ++tries) os::sleep_ms(1);
}

Standstill::~Standstill() {
  after_fork_in_parent();
}

bool handle_forks() noexcept {
  ForkHandlers expected = ForkHandlers::kNew;
  if (handlers.compare_exchange_strong(expected, ForkHandlers::kHandled)) {
    const NoHeapHere no_heap_here;
    if (!os::register_fork_handlers(before_fork, after_fork_in_parent, after_fork_in_child))
      handlers.store(ForkHandlers::kRefused);
  }
  return handlers.load() == ForkHandlers::kHandled;
}

}  // namespace smallblock
