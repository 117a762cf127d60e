// smallblock::memory_resource: the process-wide allocator as a std::pmr::memory_resource.
//
// For pmr containers: std::pmr::vector<int> v(smallblock::memory_resource::default_resource()), or for the whole
// program: std::pmr::set_default_resource(smallblock::memory_resource::default_resource()).
// Header-only over the C interface. It has no state: all instances are equal; without RTTI each one only to itself.
#ifndef SMALLBLOCK_MEMORY_RESOURCE_HPP
#define SMALLBLOCK_MEMORY_RESOURCE_HPP

#include <smallblock/smallblock.h>
#include <smallblock/allocator.hpp>

#include <cstddef>
#include <memory_resource>
#include <new>

namespace smallblock {

// Thread-safe, like the allocator under it. allocate(bytes, alignment) takes any size and any power of two as
// alignment and throws std::bad_alloc if it cannot be had; deallocate wants the same two figures back.
// O(1) up to the small limit.
class memory_resource final : public std::pmr::memory_resource {
 public:
  // The instance that lives as long as the process; it may be used even from destructors of static objects.
  [[nodiscard]] static memory_resource* default_resource() noexcept {
    alignas(memory_resource) static std::byte storage[sizeof(memory_resource)];
    static memory_resource* instance = ::new (static_cast<void*>(storage)) memory_resource;
    return instance;
  }

  // Whether the address lies in smallblock's region, in a block or not; any address may be asked for. False for
  // blocks that came from the malloc underneath: those above the small limit. O(1).
  [[nodiscard]] static bool owns(const void* address) noexcept { return sb_owns(address); }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    void* block = alignment > kDefaultAlignment ? sb_aligned_alloc(alignment, bytes) : sb_malloc(bytes);
    if (block == nullptr) detail::throw_or_abort<std::bad_alloc>();
    return block;
  }

  void do_deallocate(void* block, std::size_t bytes, std::size_t) override { sb_free_sized(block, bytes); }

  [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
#ifdef __cpp_rtti
    return dynamic_cast<const memory_resource*>(&other) != nullptr;
#else
    return this == &other;
#endif
  }
};

}  // namespace smallblock

#endif
