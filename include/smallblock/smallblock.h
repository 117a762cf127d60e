/* The C interface of smallblock: small-object allocation, heaps and statistics.
 *
 * Every function may be called from any thread at any time unless its comment says otherwise. Requests above
 * the small limit (sb_stats.small_limit_bytes) go to the malloc underneath; sb_free takes both kinds back.
 * A pointer into the region that is no live block's start ends the process with one line on stderr, at the latest
 * when it would go back into its pool (docs/design.md, "Wrong frees").
 */
#ifndef SMALLBLOCK_SMALLBLOCK_H
#define SMALLBLOCK_SMALLBLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SB_VERSION_MAJOR 0
#define SB_VERSION_MINOR 1
#define SB_VERSION_PATCH 0
#define SB_VERSION_STRING "0.1.0"

#ifdef __cplusplus
#define SB_NOEXCEPT noexcept
extern "C" {
#else
#define SB_NOEXCEPT
#endif

#define SB_API __attribute__((visibility("default")))

/* A block of at least `bytes` bytes, 16-byte aligned, or NULL with errno ENOMEM. bytes == 0 gives a block
 * that can be freed. O(1). */
SB_API void* sb_malloc(size_t bytes) SB_NOEXCEPT;

/* count * bytes zeroed bytes. NULL with errno ENOMEM if the product overflows. O(bytes). */
SB_API void* sb_calloc(size_t count, size_t bytes) SB_NOEXCEPT;

/* Resizes in place when the new size fits the block and fills at least half of it, else moves the block.
 * A block above the small limit is the malloc below's to resize, whatever its new size. block == NULL is sb_malloc;
 * bytes == 0 frees the block and returns NULL. On failure: NULL with errno ENOMEM, the block stays. O(1) in place,
 * else O(bytes). */
SB_API void* sb_realloc(void* block, size_t bytes) SB_NOEXCEPT;

/* Gives a block back. NULL is ignored; errno is kept. O(1). */
SB_API void sb_free(void* block) SB_NOEXCEPT;

/* Like sb_free; `bytes` is the size that was asked for: check mode ends the process when it is another. O(1). */
SB_API void sb_free_sized(void* block, size_t bytes) SB_NOEXCEPT;

/* A block whose address is a multiple of `alignment`, a power of two; otherwise NULL with errno EINVAL.
 * NULL with errno ENOMEM when memory ran out. O(1). */
SB_API void* sb_aligned_alloc(size_t alignment, size_t bytes) SB_NOEXCEPT;

/* The bytes that the block really has, at least what was asked for. 0 for NULL. O(1). */
SB_API size_t sb_usable_size(const void* block) SB_NOEXCEPT;

/* Whether the address lies in smallblock's region (in a block or not). Any address may be asked for. O(1). */
SB_API bool sb_owns(const void* address) SB_NOEXCEPT;

/* Fills blocks[0..count) with blocks of `bytes` bytes and returns how many it got; fewer than count only when
 * memory ran out (errno ENOMEM). O(count). */
SB_API size_t sb_malloc_batch(size_t bytes, size_t count, void** blocks) SB_NOEXCEPT;

/* Frees blocks[0..count); NULL entries are ignored. The array's contents are not changed. O(count). */
SB_API void sb_free_batch(size_t count, void** blocks) SB_NOEXCEPT;

/* A private heap: its blocks lie in pools of its own, and destroying it frees them all at once.
 * Blocks may be allocated and freed from any thread. sb_free knows them too, and sb_realloc keeps them in their
 * heap. */
typedef struct sb_heap sb_heap;

/* NULL with errno ENOMEM when the system refuses memory. O(1). */
SB_API sb_heap* sb_heap_create(void) SB_NOEXCEPT;

/* As sb_malloc and sb_aligned_alloc, from this heap; also NULL with errno ENOMEM at its hard limit. Under the
 * heap's lock: threads that share a heap wait for each other. O(1). */
SB_API void* sb_heap_alloc(sb_heap* heap, size_t bytes) SB_NOEXCEPT;
SB_API void* sb_heap_aligned_alloc(sb_heap* heap, size_t alignment, size_t bytes) SB_NOEXCEPT;

/* Frees one block of this heap; a block of another heap ends the process with a message. NULL is ignored. O(1). */
SB_API void sb_heap_free(sb_heap* heap, void* block) SB_NOEXCEPT;

/* Frees every block of the heap and the heap itself. No thread may still use either. NULL is ignored. O(pools), and
 * O(large blocks of all heaps) if this heap has any. */
SB_API void sb_heap_destroy(sb_heap* heap) SB_NOEXCEPT;

/* Whether the address lies in a pool of this heap, or in a large block that it got from the malloc below. O(1) for
 * pools; else O(large blocks of all heaps) if this heap has any. */
SB_API bool sb_heap_owns(const sb_heap* heap, const void* address) SB_NOEXCEPT;

/* Gives back to the system everything that can go, now and for all threads: magazines, free pages inside used
 * pools, empty pools and arenas. Magazines that other threads have in use follow at their next free. May be called
 * at any time, but not from a signal handler. O(pools), and what the kernel takes for each
 * page: about 0.1 s where 1 GB goes back, 10 ms where little does. */
SB_API void sb_trim(void) SB_NOEXCEPT;

/* Switches check mode on, for good: from now on misuse is reported when it happens, and ends the process
 * (docs/reliability.md). What was allocated before is checked less. Returns 0, or -1 with errno ENOMEM when the
 * system refuses the memory for it. SMALLBLOCK_CHECK=1 in the environment does it from the start. O(pools). */
SB_API int sb_check_enable(void) SB_NOEXCEPT;

/* How long memory must have been left alone before it goes back by itself, in milliseconds: below 0 never, 0 at
 * once, else up to INT32_MAX (default 1000, or the environment's SMALLBLOCK_DECAY_MS). While less than half of the
 * heap's memory is in blocks, a part of that is enough. It goes back a little at a time, on allocations and frees
 * that miss their magazine. */
SB_API void sb_decay_set(int32_t milliseconds) SB_NOEXCEPT;

/* What explains a process's memory, in sums that are always at hand: O(1), no lock. Each is right by itself; two
 * may belong to different moments. Blocks that lie in a thread's magazines are counted as of the thread's last
 * miss, so `live_bytes` and `cached_bytes` may each be wrong by what one thread caches (at most 128 KiB unless it
 * is busy). */
typedef struct sb_memory {
  uint32_t version; /* SB_MEMORY_VERSION */
  uint32_t struct_bytes;
  uint64_t live_bytes;           /* blocks that the program holds */
  uint64_t cached_bytes;         /* blocks in magazines of threads and of the depot */
  uint64_t free_resident_bytes;  /* free blocks of used pools, in memory (with pools' ends too short for a block) */
  uint64_t purged_bytes;         /* pages of used pools that are not in memory: given back, or not used yet */
  uint64_t empty_resident_bytes; /* empty pools whose memory was not given back */
  uint64_t metadata_bytes;       /* records, class table, heaps and magazines that were touched */
  uint64_t rounding_bytes;  /* of live_bytes: what was not asked for; estimated from the requests that missed */
  uint64_t next_bytes;      /* blocks of the malloc below, as that counts them */
  uint64_t committed_bytes; /* arenas used and kept */
  uint64_t peak_live_bytes; /* the most that live, cached and next_bytes were together */
  uint64_t peak_committed_bytes; /* the most that committed_bytes and next_bytes were together */
} sb_memory;

#define SB_MEMORY_VERSION 1

/* Fills at most `struct_bytes` bytes of *memory. Returns 0, or -1 with errno EINVAL when struct_bytes is too small
 * for the first two fields or memory is NULL. */
SB_API int sb_memory_get(sb_memory* memory, size_t struct_bytes) SB_NOEXCEPT;

/* Limits in bytes; 0: none. Live is what blocks take, magazines and the malloc below included; committed is arenas
 * and the malloc below. A request that takes use above a soft limit trims first and calls on_soft once, in the
 * thread that asked for memory and without a lock: it may allocate and free, and must not throw. When limits are
 * set anew, such a call of before may still be running, or begin just after. At a hard limit requests fail with
 * NULL and ENOMEM after a trim was of no use; memory that is held already stays. A refill counts as live what it
 * puts into a magazine. */
typedef struct sb_limits {
  uint64_t soft_live_bytes;
  uint64_t hard_live_bytes;
  uint64_t soft_committed_bytes;
  uint64_t hard_committed_bytes;
  void (*on_soft)(void* context);
  void* context;
} sb_limits;

/* The process's limits, from now on. NULL lifts them. */
SB_API void sb_limits_set(const sb_limits* limits) SB_NOEXCEPT;

/* The limits of one private heap, beside the process's. NULL lifts them. */
SB_API void sb_heap_limits_set(sb_heap* heap, const sb_limits* limits) SB_NOEXCEPT;

#define SB_STATS_VERSION 1
#define SB_STATS_CLASS_MAX 96

/* One size class. All counts are of blocks; the figures of one class belong to one moment as long as no other
 * thread allocates meanwhile. */
typedef struct sb_class_stats {
  uint32_t block_bytes;
  uint32_t pool_bytes;
  uint64_t pools_used;      /* pools with at least one block out */
  uint64_t blocks_capacity; /* blocks that those pools have */
  uint64_t blocks_in_use;   /* held by the program */
  uint64_t blocks_cached;   /* in magazines of threads and of the depot */
  uint64_t blocks_free;     /* in the pools' bitmaps */
} sb_class_stats;

/* Append-only: a later version adds fields at the end and raises `version`. */
typedef struct sb_stats {
  uint32_t version;      /* SB_STATS_VERSION of the library */
  uint32_t struct_bytes; /* how much of this struct the library filled */
  uint64_t region_bytes; /* address space reserved; 0: nothing was asked for yet, or all goes to the malloc below */
  uint64_t small_limit_bytes;
  uint64_t page_bytes;
  uint64_t arena_bytes;
  uint64_t arenas_used; /* arenas with at least one pool out */
  uint64_t arenas_used_peak;
  uint64_t arenas_opened_total;   /* times that an arena was taken into use */
  uint64_t arenas_released_total; /* times that an empty arena's memory was given back */
  uint64_t arenas_kept;           /* empty, but kept committed against thrashing */
  uint64_t pools_empty;           /* empty pools in used arenas, counted in units of one pool */
  uint64_t live_bytes;            /* blocks_in_use * block_bytes, all classes */
  uint64_t cached_bytes;          /* blocks_cached * block_bytes */
  uint64_t free_bytes;            /* blocks_free * block_bytes */
  uint64_t tail_bytes;            /* ends of used pools, or of pages in them, too short for a block */
  uint64_t empty_bytes;           /* in empty pools of used arenas */
  uint64_t committed_bytes;       /* arenas used and kept, times arena_bytes */
  uint64_t metadata_bytes;        /* records, class table, heaps and magazines that were touched */
  uint64_t heaps;                 /* of threads, at most one each; CPython up to 3.11 shares one more */
  uint64_t heaps_private;         /* made by sb_heap_create */
  uint64_t next_allocations;      /* small requests that fell through to the next allocator */
  uint32_t class_count;
  uint32_t reserved;
  sb_class_stats classes[SB_STATS_CLASS_MAX];
} sb_stats;

/* Fills at most `struct_bytes` bytes of *stats (pass sizeof *stats). Returns 0, or -1 with errno EINVAL when
 * struct_bytes is too small for the first two fields or stats is NULL. Takes each class's lock for a moment;
 * O(classes + heaps). */
SB_API int sb_stats_get(sb_stats* stats, size_t struct_bytes) SB_NOEXCEPT;

/* SB_VERSION_STRING of the library that runs. */
SB_API const char* sb_version(void) SB_NOEXCEPT;

#ifdef __cplusplus
}
#endif
#endif
