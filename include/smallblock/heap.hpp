// smallblock::heap: a private heap whose blocks all go at once when it does, and two ways to put standard
// containers on it: heap_resource (pmr) and heap_allocator<T> (the classic allocator interface).
//
// For data that dies together: the nodes of one document, one request, one compiler pass. Header-only over the
// C interface. A heap must outlive the containers on it, or they must not be touched any more, not even to
// destroy them: std::destroy_at after the heap is gone is a use after free.
#ifndef SMALLBLOCK_HEAP_HPP
#define SMALLBLOCK_HEAP_HPP

#include <smallblock/smallblock.h>
#include <smallblock/allocator.hpp>

#include <cstddef>
#include <limits>
#include <memory>
#include <memory_resource>
#include <new>
#include <type_traits>

namespace smallblock {

namespace detail {

inline void* heap_allocate(sb_heap* heap, std::size_t bytes, std::size_t alignment) {
  void* block =
      alignment > kDefaultAlignment ? sb_heap_aligned_alloc(heap, alignment, bytes) : sb_heap_alloc(heap, bytes);
  if (block == nullptr) throw_or_abort<std::bad_alloc>();
  return block;
}

}  // namespace detail

// A private heap as a std::pmr::memory_resource; made by heap::resource(), valid as long as the heap, also
// after the heap has been moved. Two are equal if they belong to the same heap; without RTTI each one only to
// itself. Thread-safe.
class heap_resource final : public std::pmr::memory_resource {
 public:
  explicit heap_resource(sb_heap* heap) noexcept : heap_(heap) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return detail::heap_allocate(heap_, bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t, std::size_t) override { sb_heap_free(heap_, block); }
  [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
#ifdef __cpp_rtti
    const auto* resource = dynamic_cast<const heap_resource*>(&other);
    return resource != nullptr && resource->heap_ == heap_;
#else
    return this == &other;
#endif
  }

  sb_heap* heap_;
};

// A move-only owner of one private heap. allocate, deallocate and owns may be called from several threads at
// once; moving, assigning and destroying want the object to themselves. A heap that was moved from may only be
// assigned to or destroyed.
class heap {
 public:
  // Throws std::bad_alloc when the system refuses memory.
  heap() : handle_(sb_heap_create()) {
    if (handle_ == nullptr) detail::throw_or_abort<std::bad_alloc>();
    resource_ = std::make_unique<heap_resource>(handle_.get());
  }

  // A block of at least `bytes` bytes (0 is allowed) at a multiple of `alignment`, a power of two; every block is
  // at a multiple of 16. Throws std::bad_alloc if no memory is left or an alignment above 16 is no power of two.
  // O(1) up to the small limit.
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment = kDefaultAlignment) {
    return detail::heap_allocate(handle_.get(), bytes, alignment);
  }

  // Gives one block of this heap back; nullptr is ignored. A block of another heap ends the process with a
  // message. O(1).
  void deallocate(void* block) noexcept {
    if (block != nullptr) sb_heap_free(handle_.get(), block);
  }

  // Whether the address lies in a pool of this heap or in one of its large blocks. Any address may be asked for.
  [[nodiscard]] bool owns(const void* address) const noexcept { return sb_heap_owns(handle_.get(), address); }

  // The pmr resource on this heap; the heap owns it.
  [[nodiscard]] heap_resource* resource() const noexcept { return resource_.get(); }

  // The C interface's heap, for sb_heap_* calls; this object keeps owning it.
  [[nodiscard]] sb_heap* native_handle() const noexcept { return handle_.get(); }

 private:
  struct Destroy {
    void operator()(sb_heap* handle) const noexcept { sb_heap_destroy(handle); }
  };

  std::unique_ptr<sb_heap, Destroy> handle_;
  std::unique_ptr<heap_resource> resource_;
};

// The standard allocator interface on a private heap. A container's elements stay on its heap when it is copied
// into (no propagation); they travel with moves and swaps, which then cost O(1). Copies of a container use the
// same heap. Thread-safe.
template <class T>
class heap_allocator {
  static_assert(!std::is_const_v<T> && !std::is_volatile_v<T>,
                "heap_allocator<T> needs a T without const or volatile");

 public:
  using value_type = T;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using propagate_on_container_copy_assignment = std::false_type;
  using propagate_on_container_move_assignment = std::true_type;
  using propagate_on_container_swap = std::true_type;
  using is_always_equal = std::false_type;

  // The heap must outlive every block, but may be moved meanwhile.
  heap_allocator(const heap& owner) noexcept : heap_(owner.native_handle()) {}
  heap_allocator(heap&&) = delete;
  template <class U>
  heap_allocator(const heap_allocator<U>& other) noexcept : heap_(other.native_handle()) {}

  // Memory for `count` objects of T, aligned for T; count may be 0. Throws std::bad_array_new_length if
  // count * sizeof(T) overflows size_t, std::bad_alloc if no memory is left.
  [[nodiscard]] T* allocate(std::size_t count) {
    if (count > std::numeric_limits<std::size_t>::max() / sizeof(T))
      detail::throw_or_abort<std::bad_array_new_length>();
    return static_cast<T*>(detail::heap_allocate(heap_, count * sizeof(T), alignof(T)));
  }

  // Gives back what allocate returned to any heap_allocator on the same heap.
  void deallocate(T* block, std::size_t) noexcept { sb_heap_free(heap_, block); }

  [[nodiscard]] sb_heap* native_handle() const noexcept { return heap_; }

  template <class U>
  friend bool operator==(const heap_allocator& left, const heap_allocator<U>& right) noexcept {
    return left.native_handle() == right.native_handle();
  }

 private:
  sb_heap* heap_;
};

}  // namespace smallblock

#endif
