// smallblock::allocator<T>: the standard library's allocator interface over the process-wide allocator.
//
// For containers: std::vector<T, smallblock::allocator<T>>, std::map<..., smallblock::allocator<...>>.
// Header-only over the C interface. It has no state: every instance may free what any other allocated.
#ifndef SMALLBLOCK_ALLOCATOR_HPP
#define SMALLBLOCK_ALLOCATOR_HPP

#include <smallblock/smallblock.h>

#include <cstddef>
#include <cstdlib>
#include <limits>
#include <new>
#include <type_traits>

namespace smallblock {

// What every block has without asking, in bytes. Larger alignments cost an aligned allocation.
inline constexpr std::size_t kDefaultAlignment = 16;

namespace detail {

// What cannot be thrown, in a program without exceptions, ends it.
template <class Exception>
[[noreturn]] inline void throw_or_abort() {
#ifdef __cpp_exceptions
  throw Exception();
#else
  std::abort();
#endif
}

}  // namespace detail

// Thread-safe: any instance may be used from any thread. O(1) for arrays up to the small limit.
template <class T>
class allocator {
  static_assert(!std::is_const_v<T> && !std::is_volatile_v<T>, "allocator<T> needs a T without const or volatile");

 public:
  using value_type = T;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using propagate_on_container_copy_assignment = std::true_type;
  using propagate_on_container_move_assignment = std::true_type;
  using propagate_on_container_swap = std::true_type;
  using is_always_equal = std::true_type;

  constexpr allocator() noexcept = default;
  template <class U>
  constexpr allocator(const allocator<U>&) noexcept {}

  // Memory for `count` objects of T, aligned for T; count may be 0. Throws std::bad_array_new_length if
  // count * sizeof(T) overflows size_t, std::bad_alloc if no memory is left.
  [[nodiscard]] T* allocate(std::size_t count) {
    if (count > std::numeric_limits<std::size_t>::max() / sizeof(T))
      detail::throw_or_abort<std::bad_array_new_length>();
    const std::size_t bytes = count * sizeof(T);
    void* block = nullptr;
    if constexpr (alignof(T) > kDefaultAlignment) {
      block = sb_aligned_alloc(alignof(T), bytes);
    } else {
      block = sb_malloc(bytes);
    }
    if (block == nullptr) detail::throw_or_abort<std::bad_alloc>();
    return static_cast<T*>(block);
  }

  // Gives back what allocate(count) returned, from any thread and any instance. Keeps errno.
  void deallocate(T* block, std::size_t count) noexcept { sb_free_sized(block, count * sizeof(T)); }

  template <class U>
  friend constexpr bool operator==(const allocator&, const allocator<U>&) noexcept {
    return true;
  }
};

}  // namespace smallblock

#endif
