// Limits on memory, soft and hard, of the process or of one private heap.
//
// Every growth asks first: a refill that takes blocks out of the pools, an arena, a block of the next allocator. At
// the soft limit memory is given back and the owner is called; at the hard limit a request fails with ENOMEM, of
// the process after memory was given back in vain. The process's first refusal comes a little below its hard limit:
// what lies between is for what the program allocates to deal with it, such as a MemoryError of Python's and its
// traceback. Without limits a question costs one load. Called by heap/slow_path, heap/next_blocks and
// heap/private_heap, with no lock held.
#pragma once

#include <atomic>

#include "base/relaxed.hpp"
#include "base/units.hpp"
#include "os/lock.hpp"

namespace smallblock {

// What a limit is set on. Live: blocks out of their pools, magazines included, and what the next allocator gave.
// Committed: arenas that are in use or kept, and the same.
struct MemoryUse {
  Bytes live_bytes;
  Bytes committed_bytes;
};

class Limits {
 public:
  static constexpr Bytes kNone = ~Bytes{0};

  struct Values {
    Bytes soft_live_bytes = kNone;
    Bytes hard_live_bytes = kNone;
    Bytes soft_committed_bytes = kNone;
    Bytes hard_committed_bytes = kNone;
    // Called by the thread that crosses a soft limit, without a lock; may allocate, free and set limits.
    void (*on_soft)(void* context) = nullptr;
    void* context = nullptr;
  };

  // Of a private heap, to which a trim gives nothing: it closes empty pools at once.
  constexpr Limits() noexcept = default;
  // Of the process. `reserve_bytes` at most, and 1/64 of the hard limit, are kept for after a refusal.
  constexpr explicit Limits(Bytes reserve_bytes) noexcept : trims_(true), reserve_bytes_(reserve_bytes) {}

  // For all threads, soon. A call of the on_soft before may still begin or be running when this returns.
  void set(const Values& values) noexcept;

  bool any() const noexcept { return any_.load(); }

  // Whether so much more may be used. `use` says what is used now; it is called again after memory was given back.
  template <typename Use>
  bool admit(Use use, const MemoryUse& more) noexcept {
    if (!any()) [[likely]]
      return true;
    if (within_hard(use(), more)) {
      note_soft(use(), more);
      return true;
    }
    if (trims_ && give_back() && within_hard(use(), more)) return true;
    refused_.store(true);
    return false;
  }

  // A request was refused, and use has not fallen since: what is left of the reserve is to be shared out sparingly.
  bool is_in_reserve() const noexcept { return refused_.load(); }

 private:
  bool within_hard(const MemoryUse& use, const MemoryUse& more) noexcept;
  bool is_in_call() const noexcept;
  void note_soft(const MemoryUse& use, const MemoryUse& more) noexcept;
  bool give_back() noexcept;

  Relaxed<bool> any_;
  std::atomic<bool> above_soft_{false};  // one thread calls
  Relaxed<std::int32_t> call_process_;   // in a call of on_soft here, by this process: what it allocates is not
                                         // looked at. A child that was forked meanwhile is in no call.
  Relaxed<bool> refused_;
  bool trims_ = false;
  Bytes reserve_bytes_ = 0;
  Relaxed<std::uint32_t> trimmed_ms_;
  Relaxed<Bytes> soft_live_{kNone};
  Relaxed<Bytes> hard_live_{kNone};
  Relaxed<Bytes> soft_committed_{kNone};
  Relaxed<Bytes> hard_committed_{kNone};
  void (*on_soft_)(void*) = nullptr;  // and its context, under limits_lock()
  void* context_ = nullptr;
};

// Of all limits there are: held while they are set, or a callback and its context are copied.
os::Lock& limits_lock() noexcept;

// The process's.
[[gnu::visibility("hidden")]] extern constinit Limits process_limits;
MemoryUse process_use() noexcept;
void set_process_limits(const Limits::Values& values) noexcept;

inline bool process_may_grow(const MemoryUse& more) noexcept {
  return process_limits.admit(process_use, more);
}

}  // namespace smallblock
