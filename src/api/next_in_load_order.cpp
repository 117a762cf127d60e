// The next allocator of a preloaded process: the definitions of malloc and its family that come after ours in load
// order, that is the C library's or those of another preloaded allocator.
//
// The table starts with functions that look the real ones up, should anybody allocate before our constructor does
// so. Looking up may itself allocate; such a request is small (served by a block) or, while the look-up runs, is
// served from a static buffer that is never freed.

#include "api/next_in_load_order.hpp"

#include <atomic>
#include <cerrno>
#include <cstring>

#include "base/bits.hpp"
#include "base/check.hpp"
#include "heap/next_allocator.hpp"
#include "os/port.hpp"

namespace smallblock {

namespace {

NextAllocator found;
// Not every allocator has one: then it is the C library's, or null.
using Trim = int(std::size_t kept_bytes);
constinit Trim* found_trim = nullptr;

// Each block of the buffer stands behind its size.
constexpr Bytes kBootstrapAlignment = 16;
alignas(kBootstrapAlignment) char bootstrap_buffer[32_KiB];
Bytes bootstrap_used = 0;
// The thread that is looking up, or 0. Another thread that comes meanwhile looks up the same for itself.
constinit std::atomic<os::ThreadNumber> looking_up{0};

bool in_bootstrap(const void* block) noexcept {
  return UserPointer{block}.address() - UserPointer{bootstrap_buffer}.address() < sizeof bootstrap_buffer;
}

Bytes bootstrap_bytes(const void* block) noexcept {
  Bytes bytes = 0;
  std::memcpy(&bytes, static_cast<const char*>(block) - sizeof bytes, sizeof bytes);
  return bytes;
}

void* bootstrap_allocate(std::size_t bytes, std::size_t alignment = kBootstrapAlignment) noexcept {
  if (bytes < sizeof bootstrap_buffer && alignment < sizeof bootstrap_buffer) {
    const Bytes border = alignment < kBootstrapAlignment ? kBootstrapAlignment : alignment;
    const Bytes needed = round_up(bytes, kBootstrapAlignment) + border;
    const Bytes start = __atomic_fetch_add(&bootstrap_used, needed, __ATOMIC_RELAXED);
    if (start + needed <= sizeof bootstrap_buffer) {
      char* behind_size = bootstrap_buffer + start + kBootstrapAlignment;
      const std::uintptr_t address = UserPointer{behind_size}.address();
      char* block = behind_size + (round_up(address, border) - address);
      std::memcpy(block - sizeof bytes, &bytes, sizeof bytes);
      return block;
    }
  }
  errno = ENOMEM;
  return nullptr;
}

template <typename Function>
void look_up(Function& slot, const char* name) noexcept {
  void* symbol = os::next_symbol(name);
  if (symbol == nullptr) fail("no allocator comes after the preload library in load order");
  std::memcpy(&slot, &symbol, sizeof slot);
}

void* move_out_of_bootstrap(void* block, void* target, std::size_t bytes) noexcept {
  const Bytes old_bytes = bootstrap_bytes(block);
  if (target != nullptr) std::memcpy(target, block, bytes < old_bytes ? bytes : old_bytes);
  return target;
}

// A free or realloc of what the bootstrap buffer gave can come at any later time.
void free_checked(void* block) {
  if (!in_bootstrap(block)) found.free(block);
}
void* realloc_checked(void* block, std::size_t bytes) {
  if (!in_bootstrap(block)) return found.realloc(block, bytes);
  return move_out_of_bootstrap(block, found.malloc(bytes), bytes);
}
std::size_t usable_size_checked(void* block) {
  return in_bootstrap(block) ? bootstrap_bytes(block) : found.usable_size(block);
}

// False while this thread is in the middle of it.
bool look_up_all() noexcept {
  if (looking_up.load(std::memory_order_relaxed) == os::thread_number()) return false;
  looking_up.store(os::thread_number(), std::memory_order_relaxed);
  NextAllocator table{};
  look_up(table.malloc, "malloc");
  look_up(table.calloc, "calloc");
  look_up(table.realloc, "realloc");
  look_up(table.free, "free");
  look_up(table.aligned_alloc, "memalign");
  look_up(table.usable_size, "malloc_usable_size");
  found = table;
  found_trim = reinterpret_cast<Trim*>(os::next_symbol("malloc_trim"));
  // Whoever sees one of these finds the real ones behind it.
  std::atomic_thread_fence(std::memory_order_release);
  table.free = free_checked;
  table.realloc = realloc_checked;
  table.usable_size = usable_size_checked;
  table.is_early_block = in_bootstrap;
  next_allocator = table;
  looking_up.store(0, std::memory_order_relaxed);
  return true;
}

void* first_malloc(std::size_t bytes) {
  return look_up_all() ? next_allocator.malloc(bytes) : bootstrap_allocate(bytes);
}
void* first_calloc(std::size_t count, std::size_t bytes) {
  if (look_up_all()) return next_allocator.calloc(count, bytes);
  Bytes total = 0;
  return bootstrap_allocate(__builtin_mul_overflow(count, bytes, &total) ? sizeof bootstrap_buffer : total);
}
void* first_realloc(void* block, std::size_t bytes) {
  if (look_up_all()) return next_allocator.realloc(block, bytes);
  void* target = bootstrap_allocate(bytes);
  return in_bootstrap(block) ? move_out_of_bootstrap(block, target, bytes) : target;
}
void first_free(void* block) {
  if (!in_bootstrap(block) && look_up_all()) next_allocator.free(block);
}
void* first_aligned_alloc(std::size_t alignment, std::size_t bytes) {
  return look_up_all() ? next_allocator.aligned_alloc(alignment, bytes) : bootstrap_allocate(bytes, alignment);
}
std::size_t first_usable_size(void* block) {
  if (in_bootstrap(block)) return bootstrap_bytes(block);
  return look_up_all() ? next_allocator.usable_size(block) : 0;
}

}  // namespace

NextAllocator next_allocator = {
    .malloc = first_malloc,
    .calloc = first_calloc,
    .realloc = first_realloc,
    .free = first_free,
    .aligned_alloc = first_aligned_alloc,
    .usable_size = first_usable_size,
    .is_early_block = in_bootstrap,
};

void find_next_allocator() noexcept {
  if (next_allocator.malloc == first_malloc) look_up_all();
}

int trim_next_allocator(std::size_t kept_bytes) noexcept {
  find_next_allocator();
  return found_trim != nullptr ? found_trim(kept_bytes) : 0;
}

}  // namespace smallblock
