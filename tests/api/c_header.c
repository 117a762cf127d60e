/* The public header is a C11 header: this file is compiled as C with all warnings, and called by c_header_test. */
#include <smallblock/smallblock.h>

int c_interface_works(void);

int c_interface_works(void) {
  sb_stats stats;
  void* blocks[2];
  sb_heap* heap = sb_heap_create();
  void* block = sb_malloc(10);
  if (heap == NULL || block == NULL || !sb_owns(block)) return 0;
  block = sb_realloc(block, 100);
  sb_free_sized(block, 100);
  if (sb_malloc_batch(32, 2, blocks) != 2) return 0;
  sb_free_batch(2, blocks);
  if (!sb_heap_owns(heap, sb_heap_alloc(heap, 5))) return 0;
  sb_heap_destroy(heap);
  return sb_stats_get(&stats, sizeof stats) == 0 && stats.version == SB_STATS_VERSION;
}
