// Says of itself that it has a heap of 64 GiB in four million pools, and has a few megabytes: all their records are
// the same pages, mapped over and over. It has no smallblock; what it is looked at by is its own smallblock_heap.

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "core/arena.hpp"
#include "core/heap_descriptor.hpp"
#include "core/pool.hpp"

namespace smallblock {

namespace {

constexpr std::uint32_t kArenas = 65536;
constexpr Bytes kFileBytes = 1_MiB;
std::uint32_t committed = kArenas;

template <typename Record>
std::uint64_t repeated(const Record& record, std::size_t count) {
  const int file = memfd_create("records", 0);
  if (file < 0 || ftruncate(file, kFileBytes) != 0) return 0;
  const Bytes bytes = count * sizeof(Record);
  auto* all = static_cast<char*>(mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  for (Bytes at = 0; at < bytes; at += kFileBytes)
    mmap(all + at, kFileBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
  for (Bytes at = 0; at < kFileBytes; at += sizeof record) std::memcpy(all + at, &record, sizeof record);
  return reinterpret_cast<std::uint64_t>(all);
}

bool boast() {
  ClassIndex class_index = 1;
  while (kSizeClasses[class_index].capacity > PoolRecord::kOwnBlocksMax ||
         kSizeClasses[class_index].units_log2 != 0)
    ++class_index;
  PoolRecord pool{};
  pool.class_index = class_index;
  pool.capacity = kSizeClasses[class_index].capacity;
  ArenaRecord arena{};
  arena.state = ArenaState::kUsed;
  HeapDescriptor& heap = smallblock_heap;
  heap.region_bytes = kArenas * kConfig.arena_bytes;
  heap.arena_records = repeated(arena, kArenas);
  heap.pool_records = repeated(pool, std::size_t{kArenas} * ArenaRecord::kUnits);
  heap.arena_count = kArenas;
  heap.page_bytes = 4096;
  heap.unit_bytes = kConfig.pool_bytes;
  heap.arenas_committed_once = reinterpret_cast<std::uint64_t>(&committed);
  heap.region_address = 1_GiB;
  return heap.arena_records != 0 && heap.pool_records != 0;
}

}  // namespace

}  // namespace smallblock

smallblock::HeapDescriptor smallblock_heap = {
    {'s', 'm', 'b', 'l', 'h', 'e', 'a', 'p'}, smallblock::HeapDescriptor::kLayout, sizeof smallblock_heap};

int main() {
  if (!smallblock::boast()) return 1;
  std::puts("ready");
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}
