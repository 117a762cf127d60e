/* Writes what a program asks of malloc and free into a mapped file: the traces that ./survivors reads.
 *
 * Preloaded, with RETENTION_TRACE=FILE. The file begins with the number of events (and 8 bytes of nothing); an
 * event is an address and the bytes asked for, 0 for a free, both 64 bits, in the order of the calls. Events beyond
 * kEventsMax are counted but not written. Only the process that it is preloaded into is recorded, not its children.
 * The blocks are glibc's own, through the names under which it offers them to a malloc in front of it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern void* __libc_malloc(size_t bytes);
extern void* __libc_calloc(size_t count, size_t bytes);
extern void* __libc_realloc(void* block, size_t bytes);
extern void* __libc_memalign(size_t alignment, size_t bytes);
extern void __libc_free(void* block);

enum { kEventsMax = 48 * 1000 * 1000, kGranuleBytes = 16 };

typedef struct {
  uint64_t address;
  uint64_t bytes;
} event;

static event* events; /* the first one holds the count */

static void record(const void* block, size_t bytes) {
  if (events == NULL || block == NULL) return;
  const uint64_t place = __atomic_add_fetch(&events[0].address, 1, __ATOMIC_RELAXED);
  if (place <= kEventsMax) events[place] = (event){(uintptr_t)block, bytes};
}

static void* record_new(void* block, size_t bytes) {
  record(block, bytes != 0 ? bytes : 1);
  return block;
}

static void stop_in_child(void) {
  events = NULL;
}

__attribute__((constructor)) static void open_trace(void) {
  const char* path = getenv("RETENTION_TRACE");
  if (path == NULL) return;
  const size_t bytes = sizeof(event) * (kEventsMax + 1);
  const int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  void* mapped = MAP_FAILED;
  if (file >= 0 && ftruncate(file, (off_t)bytes) == 0) {
    mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  }
  if (mapped == MAP_FAILED) {
    fprintf(stderr, "retention_recorder: RETENTION_TRACE=%s cannot be written\n", path);
    exit(2);
  }
  close(file);
  unsetenv("RETENTION_TRACE");
  pthread_atfork(NULL, NULL, stop_in_child);
  events = mapped;
}

void* malloc(size_t bytes) {
  return record_new(__libc_malloc(bytes), bytes);
}

void* calloc(size_t count, size_t bytes) {
  return record_new(__libc_calloc(count, bytes), count * bytes);
}

void free(void* block) {
  record(block, 0);
  __libc_free(block);
}

/* The death is written before the address can be reused. A block that grows in place counts as a new one. */
void* realloc(void* block, size_t bytes) {
  if (block == NULL) return malloc(bytes);
  const uintptr_t before = (uintptr_t)block;
  record(block, 0);
  void* moved = __libc_realloc(block, bytes);
  if (moved != NULL) {
    record_new(moved, bytes);
  } else if (bytes != 0) {
    record((const void*)before, kGranuleBytes); /* still alive; its size is lost */
  }
  return moved;
}

void* memalign(size_t alignment, size_t bytes) {
  return record_new(__libc_memalign(alignment, bytes), bytes);
}

void* aligned_alloc(size_t alignment, size_t bytes) {
  return memalign(alignment, bytes);
}

int posix_memalign(void** block, size_t alignment, size_t bytes) {
  if (alignment % sizeof(void*) != 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
  void* made = memalign(alignment, bytes);
  if (made == NULL) return ENOMEM;
  *block = made;
  return 0;
}
