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

enum { kMany = 20000 };
static char* many[kMany];

// Enough of every small size that magazines spill and pools are used again.
static inline int use_the_heap(void) {
  for (size_t bytes = 16; bytes <= 128; bytes += 8) {
    for (int i = 0; i < kMany; ++i) many[i] = (char*)malloc(bytes);
    for (int i = 0; i < kMany; ++i) free(many[i]);
  }
  return 0;
}
