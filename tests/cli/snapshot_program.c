// Replaces blocks at full speed in several threads, each of which keeps a table of what it has: what a snapshot
// from outside is compared with.
//
//   snapshot_program FILE THREADS SLOTS
//
// FILE is mapped: a word that starts the threads once it is not 0, then a table for each thread. Once filled, each
// slot has a block but while it is replaced. The program says "ready" when the threads wait, and ends with its
// input.
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define NO_SLOT UINT64_MAX

// Of one thread; its blocks follow, each the address or 0.
struct table {
  _Atomic uint64_t operations;
  _Atomic uint64_t changing;  // the slot that is being replaced, or NO_SLOT
};

static _Atomic uint64_t* is_started;
static size_t slots;
static size_t table_bytes;

static void* work(void* argument) {
  struct table* table = argument;
  _Atomic uint64_t* blocks = (_Atomic uint64_t*)(table + 1);
  uint64_t random = (uint64_t)(uintptr_t)table | 1;
  while (*is_started == 0) sched_yield();
  for (size_t slot = 0; slot < slots; ++slot) {
    table->changing = slot;
    blocks[slot] = (uint64_t)(uintptr_t)malloc(100);
    table->changing = NO_SLOT;
  }
  while (1) {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    const size_t slot = random % slots;
    table->changing = slot;
    free((void*)(uintptr_t)blocks[slot]);
    blocks[slot] = (uint64_t)(uintptr_t)malloc(1 + (random >> 32) % 600);
    table->changing = NO_SLOT;
    ++table->operations;
  }
  return NULL;
}

int main(int count, char** words) {
  if (count != 4) return 2;
  const size_t threads = (size_t)atol(words[2]);
  slots = (size_t)atol(words[3]);
  table_bytes = sizeof(struct table) + slots * sizeof(uint64_t);
  const size_t bytes = sizeof(uint64_t) + threads * table_bytes;
  const int file = open(words[1], O_RDWR | O_CREAT, 0600);
  if (file < 0 || ftruncate(file, (off_t)bytes) != 0) return 1;
  char* memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) return 1;
  is_started = (_Atomic uint64_t*)memory;
  for (size_t i = 0; i < threads; ++i) {
    struct table* table = (struct table*)(memory + sizeof(uint64_t) + i * table_bytes);
    pthread_t thread;
    table->changing = NO_SLOT;
    if (pthread_create(&thread, NULL, work, table) != 0) return 1;
  }
  puts("ready");
  fflush(stdout);
  while (getchar() != EOF) {
  }
  return 0;
}
