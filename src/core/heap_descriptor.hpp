// Where everything of this heap lies, for a reader in another process or of a core dump: the exported symbol
// smallblock_heap.
//
// Each structure writes the fields of its own (describe()) when the engine starts; then nothing here changes. The
// reader is src/inspect/image/heap_walk.cpp. It includes the same headers, so `layout` must rise whenever a record,
// a magazine, a heap or a pool changes its shape; fields here are only ever added at the end.
#pragma once

#include <cstdint>

namespace smallblock {

struct HeapDescriptor {
  static constexpr std::uint32_t kLayout = 4;

  char magic[8];
  std::uint32_t layout;
  std::uint32_t struct_bytes;

  // The region; 0: the engine has not started.
  std::uint64_t region_address = 0;
  std::uint64_t region_bytes = 0;
  std::uint64_t arena_records = 0;
  std::uint64_t pool_records = 0;
  std::uint64_t heap_area = 0;
  std::uint64_t heap_area_bytes = 0;
  std::uint32_t first_pool = 0;
  std::uint32_t arena_count = 0;
  std::uint32_t page_bytes = 0;
  std::uint32_t unit_bytes = 0;

  // Addresses of what changes.
  std::uint64_t arenas_committed_once = 0;  // std::uint32_t
  std::uint64_t arena_counts = 0;           // ArenaCounts
  std::uint64_t all_heaps = 0;              // ThreadHeap*
  std::uint64_t newest_full_magazines = 0;  // Magazine*, of class 0
  std::uint64_t depot_stride = 0;           // bytes from one class's to the next
  std::uint64_t slab_count = 0;             // std::uint32_t, see heap/magazine_store
  std::uint64_t magazines_resident = 0;     // std::uint64_t
  std::uint64_t slab_table_bytes = 0;       // Bytes
  std::uint64_t heap_area_used = 0;         // Bytes
  std::uint64_t totals = 0;                 // Totals
  std::uint64_t next_allocations = 0;       // std::uint64_t
  std::uint64_t check_records = 0;          // check/record.hpp, one a granule from arena 0 on; 0: not in check mode
  std::uint64_t class_requests = 0;         // two std::uint64_t, bytes and count, of class 0; depot_stride apart
  std::uint64_t bitmaps[2] = {};            // core/region.hpp
  std::uint64_t in_hand = 0;                // int, see heap/in_hand.hpp
  std::uint64_t arena_count_now = 0;        // std::uint32_t; less than arena_count: what is beyond was given up
};

}  // namespace smallblock

extern "C" {
[[gnu::visibility("default")]] extern smallblock::HeapDescriptor smallblock_heap;
}
