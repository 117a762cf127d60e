// A value that one thread writes and others may read at any time, without order: a plain load and a plain store.
//
// Used where statistics, a forked child or a viewer read what its owner is changing. Nothing may be concluded from
// it about other memory. Copying the whole object is for its owner only.
#pragma once

namespace smallblock {

template <typename T>
class Relaxed {
 public:
  constexpr Relaxed() noexcept = default;
  constexpr explicit Relaxed(T value) noexcept : value_(value) {}

  T load() const noexcept { return __atomic_load_n(&value_, __ATOMIC_RELAXED); }
  void store(T value) noexcept { __atomic_store_n(&value_, value, __ATOMIC_RELAXED); }

 private:
  T value_{};
};

// A count that its owner sets, and that others may lower meanwhile; without order. Copying the whole object is for
// its owner only.
template <typename T>
class SharedCount {
 public:
  T load() const noexcept { return __atomic_load_n(&value_, __ATOMIC_RELAXED); }
  // Returns the one before.
  T exchange(T value) noexcept { return __atomic_exchange_n(&value_, value, __ATOMIC_RELAXED); }
  // To 0 at least. Returns by how much.
  T lower(T by) noexcept {
    T before = load();
    T lowered = before < by ? before : by;
    while (!__atomic_compare_exchange_n(&value_, &before, static_cast<T>(before - lowered), true, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED))
      lowered = before < by ? before : by;
    return lowered;
  }

 private:
  T value_{};
};

// A pointer that one thread hands out and any other may take: whoever exchanges it has what it points at, with
// everything that was written there before.
template <typename T>
class HandOver {
 public:
  // Only as a hint: what it points at may be taken at any time.
  T* peek() const noexcept { return __atomic_load_n(&pointer_, __ATOMIC_RELAXED); }
  T* take() noexcept {
    return peek() == nullptr ? nullptr : __atomic_exchange_n(&pointer_, nullptr, __ATOMIC_ACQUIRE);
  }
  // Nothing may be there: only the owner puts, after a take.
  void put(T* pointer) noexcept { __atomic_store_n(&pointer_, pointer, __ATOMIC_RELEASE); }

 private:
  T* pointer_ = nullptr;
};

// A value that is written rarely, while other threads may look at it and live with the old state for a while. Its
// loads are plain, so that a compiler can fold them into a compare; only a thread sanitizer sees them as they are.
template <typename T>
class RarelyWritten {
 public:
  constexpr RarelyWritten() noexcept = default;
  constexpr explicit RarelyWritten(T value) noexcept : value_(value) {}

#if defined(__SANITIZE_THREAD__)
  T get() const noexcept {
    return __atomic_load_n(&value_, __ATOMIC_RELAXED);
  }
#else
  T get() const noexcept {
    return value_;
  }
#endif
  void set(T value) noexcept {
    __atomic_store_n(&value_, value, __ATOMIC_RELAXED);
  }

 private:
  T value_{};
};

}  // namespace smallblock
