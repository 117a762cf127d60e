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

// A value that is written once, while other threads may already look at it and live with either state. Its loads
// are plain, so that a compiler can fold them into a compare; only a thread sanitizer sees them as what they are.
template <typename T>
class WrittenOnce {
 public:
  constexpr WrittenOnce() noexcept = default;
  constexpr explicit WrittenOnce(T value) noexcept : value_(value) {}

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
