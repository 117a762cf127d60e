// Where a thread may be stopped: what the shadowed headers and the port tell the scheduler.
//
// A point comes before what it names, but kUnlock, which comes after. Outside of a schedule (while a case is
// prepared or checked) a point is nothing. The shadowed headers are before src/ in the include path of this test
// alone.
#pragma once

#include <cstdint>
#include <type_traits>

namespace smallblock::os {
class Lock;
}

namespace smallblock::schedules {

enum class Step : std::uint8_t {
  kStart,
  kLock,
  kTryLock,
  kUnlock,
  kLookAtHandOver,
  kTakeHandOver,
  kPutHandOver,
  kRelaxedLoad,
  kRelaxedStore,
  kSystemCall,
  kYield,
  kFork,
  kEnd,
};

void point(Step step, const void* object) noexcept;
// Returns when the lock is free for the caller.
void wait_until_free(os::Lock& lock) noexcept;
// Of the scheduler; never 0.
unsigned thread_here() noexcept;
// Set by --fine: Relaxed values are points too.
extern bool relaxed_are_points;

// A pointer to an object is what HandOver holds. Everything else in base/relaxed.hpp is without order.
template <typename T>
inline constexpr bool kIsHandOver = std::is_class_v<std::remove_pointer_t<T>>&& std::is_pointer_v<T>;

template <typename T>
T load(const T* place, int order) noexcept {
  if (kIsHandOver<T>) {
    point(Step::kLookAtHandOver, place);
  } else if (relaxed_are_points) {
    point(Step::kRelaxedLoad, place);
  }
  return __atomic_load_n(place, order);
}

template <typename T, typename Value>
void store(T* place, Value value, int order) noexcept {
  if (kIsHandOver<T>) {
    point(Step::kPutHandOver, place);
  } else if (relaxed_are_points) {
    point(Step::kRelaxedStore, place);
  }
  __atomic_store_n(place, value, order);
}

template <typename T, typename Value>
T exchange(T* place, Value value, int order) noexcept {
  if (kIsHandOver<T>) {
    point(Step::kTakeHandOver, place);
  } else if (relaxed_are_points) {
    point(Step::kRelaxedStore, place);
  }
  return __atomic_exchange_n(place, static_cast<T>(value), order);
}

}  // namespace smallblock::schedules
