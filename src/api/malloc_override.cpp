// The malloc family as the C library defines it, for the preload library. Sizes, errors and errno are those of the
// GNU C library's manual ("Replacing malloc"); all but malloc_trim is one call into heap/.
//
// A program that has a malloc of its own may lack the forms that it does not call itself, and the libraries do.
// What those give must then be what the program's free takes, which at best is the next allocator's.

#include <smallblock/smallblock.h>

#include <bit>
#include <cerrno>
#include <cstddef>

#include "api/in_process.hpp"
#include "api/next_in_load_order.hpp"
#include "base/relaxed.hpp"
#include "heap/next_allocator.hpp"
#include "heap/slow_path.hpp"
#include "os/port.hpp"

#define SB_EXPORT __attribute__((visibility("default")))

using namespace smallblock;

extern "C" {

SB_EXPORT void free(void* block) noexcept;
SB_EXPORT void* realloc(void* block, std::size_t bytes) noexcept;

// Ours under a name that nobody can replace.
[[gnu::alias("free"), gnu::visibility("hidden"), gnu::leaf]] void sb_own_free(void* block) noexcept;

}  // extern "C"

namespace {

void* refuse(int error) noexcept {
  errno = error;
  return nullptr;
}

// Where the address is another one it is looked at once: what is no definition is a jump, and that leads to ours.
bool free_is_ours() noexcept {
  enum : int { kUnknown, kOurs, kNotOurs };
  static constinit Relaxed<int> known{kUnknown};
  if (in_process(free) == in_process(sb_own_free)) return true;
  if (known.load() == kUnknown) {
    const auto* address = reinterpret_cast<const void*>(in_process(free));
    known.store(os::is_defined_at(address) ? kNotOurs : kOurs);
  }
  return known.load() == kOurs;
}

// Blocks that the process's free will get.
void* aligned_for_free(std::size_t alignment, std::size_t bytes) noexcept {
  if (free_is_ours()) return allocate_aligned(alignment, bytes);
  void* block = next_allocator.aligned_alloc(alignment, bytes);
  return block != nullptr ? block : refuse(ENOMEM);
}

Bytes bytes_in_memory() noexcept {
  sb_memory now{};
  sb_memory_get(&now, sizeof now);
  return now.live_bytes + now.cached_bytes + now.free_resident_bytes + now.empty_resident_bytes +
         now.metadata_bytes;
}

}  // namespace

extern "C" {

[[gnu::aligned(kHitAlignment)]] SB_EXPORT void* malloc(std::size_t bytes) noexcept {
  return allocate(bytes);
}

[[gnu::aligned(kHitAlignment)]] SB_EXPORT void free(void* block) noexcept {
  deallocate(block);
}

SB_EXPORT void cfree(void* block) noexcept {
  deallocate(block);
}

SB_EXPORT void free_sized(void* block, std::size_t bytes) noexcept {
  deallocate_sized(block, bytes);
}

SB_EXPORT void free_aligned_sized(void* block, std::size_t, std::size_t bytes) noexcept {
  deallocate_sized(block, bytes);
}

SB_EXPORT void* calloc(std::size_t count, std::size_t bytes) noexcept {
  return allocate_zeroed(count, bytes);
}

SB_EXPORT void* realloc(void* block, std::size_t bytes) noexcept {
  if (block == nullptr) return allocate(bytes);
  if (bytes != 0) return reallocate(block, bytes);
  deallocate(block);
  return nullptr;
}

SB_EXPORT void* reallocarray(void* block, std::size_t count, std::size_t bytes) noexcept {
  std::size_t total = 0;
  if (__builtin_mul_overflow(count, bytes, &total)) return refuse(ENOMEM);
  return in_process(realloc)(block, total);
}

SB_EXPORT int posix_memalign(void** result, std::size_t alignment, std::size_t bytes) noexcept {
  if (!std::has_single_bit(alignment) || alignment % sizeof(void*) != 0) return EINVAL;
  const int saved_errno = errno;
  void* block = aligned_for_free(alignment, bytes);
  errno = saved_errno;
  if (block == nullptr) return ENOMEM;
  *result = block;
  return 0;
}

SB_EXPORT void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  if (!std::has_single_bit(alignment)) return refuse(EINVAL);
  return aligned_for_free(alignment, bytes);
}

// Like the GNU C library: an alignment that is no power of two is rounded up to one.
SB_EXPORT void* memalign(std::size_t alignment, std::size_t bytes) noexcept {
  if (alignment > (~std::size_t{0} >> 1) + 1) return refuse(EINVAL);
  return aligned_for_free(std::bit_ceil(alignment), bytes);
}

SB_EXPORT void* valloc(std::size_t bytes) noexcept {
  return aligned_for_free(os::page_bytes(), bytes);
}

SB_EXPORT void* pvalloc(std::size_t bytes) noexcept {
  const Bytes page = os::page_bytes();
  if (bytes > ~Bytes{0} - page) return refuse(ENOMEM);
  return aligned_for_free(page, round_up(bytes == 0 ? 1 : bytes, page));
}

// What is free here, and then what is free below. 1: some memory went back.
SB_EXPORT int malloc_trim(std::size_t kept_bytes) noexcept {
  const Bytes before_bytes = bytes_in_memory();
  sb_trim();
  const bool is_less = bytes_in_memory() < before_bytes;
  return trim_next_allocator(kept_bytes) != 0 || is_less ? 1 : 0;
}

SB_EXPORT std::size_t malloc_usable_size(void* block) noexcept {
  return usable_bytes(block);
}

}  // extern "C"
