// What the programs of misuse share. Each does one thing wrong; its first line says what check mode has to say, the
// second what happens without it (run_misuse.py).
#pragma once

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

// The compiler must not see what is done to the block.
static inline char* hidden(char* block) {
  __asm__ volatile("" : "+r"(block) : : "memory");
  return block;
}

// Enough of every small size that magazines spill and pools are used again.
static inline int use_the_heap(void) {
  enum { kBlocks = 20000 };
  static char* blocks[kBlocks];
  for (size_t bytes = 16; bytes <= 128; bytes += 8) {
    for (int i = 0; i < kBlocks; ++i) blocks[i] = (char*)malloc(bytes);
    for (int i = 0; i < kBlocks; ++i) free(blocks[i]);
  }
  return 0;
}
