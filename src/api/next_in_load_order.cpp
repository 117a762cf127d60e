// The next allocator of a preloaded process: the definitions of malloc and its family that come after ours in load
// order, that is the C library's or those of another preloaded allocator.
//
// The table starts with functions that look the real ones up on first use. Looking up may itself allocate; such a
// request is small (served by a block) or, while the look-up runs, is served from a static buffer that is never
// freed.

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

alignas(16) char bootstrap_buffer[32_KiB];
Bytes bootstrap_used = 0;
// The thread that is looking up, or 0. Another thread that comes meanwhile looks up the same for itself.
constinit std::atomic<os::ThreadNumber> looking_up{0};

bool in_bootstrap(const void* block) noexcept {
  return UserPointer{block}.address() - UserPointer{bootstrap_buffer}.address() < sizeof bootstrap_buffer;
}

void* bootstrap_allocate(std::size_t bytes) noexcept {
  const Bytes start = __atomic_fetch_add(&bootstrap_used, round_up(bytes, 16), __ATOMIC_RELAXED);
  if (bytes > sizeof bootstrap_buffer || start + bytes > sizeof bootstrap_buffer) {
    errno = ENOMEM;
    return nullptr;
  }
  return bootstrap_buffer + start;
}

template <typename Function>
void look_up(Function& slot, const char* name) noexcept {
  void* symbol = os::next_symbol(name);
  if (symbol == nullptr) fail("no allocator comes after the preload library in load order");
  std::memcpy(&slot, &symbol, sizeof slot);
}

// A free or realloc of what the bootstrap buffer gave can come at any later time.
void free_checked(void* block) {
  if (!in_bootstrap(block)) found.free(block);
}

void* realloc_checked(void* block, std::size_t bytes) {
  if (!in_bootstrap(block)) return found.realloc(block, bytes);
  void* moved = found.malloc(bytes);
  const Bytes room = static_cast<Bytes>(bootstrap_buffer + sizeof bootstrap_buffer - static_cast<char*>(block));
  if (moved != nullptr) std::memcpy(moved, block, bytes < room ? bytes : room);
  return moved;
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
  table.free = free_checked;
  table.realloc = realloc_checked;
  next_allocator = table;
  looking_up.store(0, std::memory_order_relaxed);
  return true;
}

void* first_malloc(std::size_t bytes) {
  return look_up_all() ? next_allocator.malloc(bytes) : bootstrap_allocate(bytes);
}
void* first_calloc(std::size_t count, std::size_t bytes) {
  return look_up_all() ? next_allocator.calloc(count, bytes) : bootstrap_allocate(count * bytes);
}
void* first_realloc(void* block, std::size_t bytes) {
  return look_up_all() ? next_allocator.realloc(block, bytes) : bootstrap_allocate(bytes);
}
void first_free(void* block) {
  if (!in_bootstrap(block) && look_up_all()) next_allocator.free(block);
}
void* first_aligned_alloc(std::size_t alignment, std::size_t bytes) {
  return look_up_all() ? next_allocator.aligned_alloc(alignment, bytes) : bootstrap_allocate(bytes);
}
std::size_t first_usable_size(void* block) {
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
};

}  // namespace smallblock
