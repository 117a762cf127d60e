// For the programs of this folder: the first lines say what a tool must report; "nothing" means that it is silent.
#pragma once

#include <smallblock/smallblock.h>
#include <string.h>

// The compiler must not see through it.
static inline char* hidden(char* address) {
  __asm__("" : "+r"(address));
  return address;
}
