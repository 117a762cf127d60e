// The data symbols that readers look for in a process, in a library of a few kilobytes: fuzz inputs name this file
// as the one that was mapped, and looking into it costs little. make_reader_seeds.cpp fills them.
#include <stdint.h>

#define EXPORTED __attribute__((visibility("default")))

EXPORTED uint64_t smallblock_heap[64] = {1};
EXPORTED uint64_t Py_Version = 1;
EXPORTED uint64_t PyType_Type[64] = {1};
EXPORTED uint64_t PyFloat_Type[64] = {1};
EXPORTED uint64_t PySet_Type[64] = {1};
EXPORTED uint64_t PyGen_Type[64] = {1};
EXPORTED uint64_t _ZTVN10__cxxabiv117__class_type_infoE[8] = {1};
EXPORTED uint64_t fake_types[8][64] = {{1}};
EXPORTED uint64_t fake_classes[2][16] = {{1}};
EXPORTED char fake_names[16][64] = {"x"};
