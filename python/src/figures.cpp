// The engine's C structs as Python's dictionaries, and as text; see figures.hpp.

#include "figures.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "engine.hpp"
#include "inspect/report.hpp"

namespace smallblock::python {

namespace {

struct Field {
  const char* name;
  std::size_t offset;
};

bool put(PyObject* dictionary, const char* name, unsigned long long number) {
  PyObject* const value = PyLong_FromUnsignedLongLong(number);
  if (value == nullptr) return false;
  const int status = PyDict_SetItemString(dictionary, name, value);
  Py_DECREF(value);
  return status == 0;
}

template <std::size_t kCount>
PyObject* dictionary_of(const void* record, const Field (&fields)[kCount]) {
  PyObject* const dictionary = PyDict_New();
  if (dictionary == nullptr) return nullptr;
  for (const Field& field : fields) {
    uint64_t number = 0;
    std::memcpy(&number, static_cast<const char*>(record) + field.offset, sizeof number);
    if (put(dictionary, field.name, number)) continue;
    Py_DECREF(dictionary);
    return nullptr;
  }
  return dictionary;
}

#define SMALLBLOCK_FIELD(record, name) \
  { #name, offsetof(record, name) }

constexpr Field kMemoryFields[] = {
    SMALLBLOCK_FIELD(sb_memory, live_bytes),           SMALLBLOCK_FIELD(sb_memory, cached_bytes),
    SMALLBLOCK_FIELD(sb_memory, free_resident_bytes),  SMALLBLOCK_FIELD(sb_memory, purged_bytes),
    SMALLBLOCK_FIELD(sb_memory, empty_resident_bytes), SMALLBLOCK_FIELD(sb_memory, metadata_bytes),
    SMALLBLOCK_FIELD(sb_memory, rounding_bytes),       SMALLBLOCK_FIELD(sb_memory, next_bytes),
    SMALLBLOCK_FIELD(sb_memory, committed_bytes),      SMALLBLOCK_FIELD(sb_memory, peak_live_bytes),
    SMALLBLOCK_FIELD(sb_memory, peak_committed_bytes)};

constexpr Field kStatsFields[] = {
    SMALLBLOCK_FIELD(sb_stats, region_bytes),        SMALLBLOCK_FIELD(sb_stats, small_limit_bytes),
    SMALLBLOCK_FIELD(sb_stats, page_bytes),          SMALLBLOCK_FIELD(sb_stats, arena_bytes),
    SMALLBLOCK_FIELD(sb_stats, arenas_used),         SMALLBLOCK_FIELD(sb_stats, arenas_used_peak),
    SMALLBLOCK_FIELD(sb_stats, arenas_opened_total), SMALLBLOCK_FIELD(sb_stats, arenas_released_total),
    SMALLBLOCK_FIELD(sb_stats, arenas_kept),         SMALLBLOCK_FIELD(sb_stats, pools_empty),
    SMALLBLOCK_FIELD(sb_stats, live_bytes),          SMALLBLOCK_FIELD(sb_stats, cached_bytes),
    SMALLBLOCK_FIELD(sb_stats, free_bytes),          SMALLBLOCK_FIELD(sb_stats, tail_bytes),
    SMALLBLOCK_FIELD(sb_stats, empty_bytes),         SMALLBLOCK_FIELD(sb_stats, committed_bytes),
    SMALLBLOCK_FIELD(sb_stats, metadata_bytes),      SMALLBLOCK_FIELD(sb_stats, heaps),
    SMALLBLOCK_FIELD(sb_stats, heaps_private),       SMALLBLOCK_FIELD(sb_stats, next_allocations)};

constexpr Field kClassFields[] = {
    SMALLBLOCK_FIELD(sb_class_stats, pools_used), SMALLBLOCK_FIELD(sb_class_stats, blocks_capacity),
    SMALLBLOCK_FIELD(sb_class_stats, blocks_in_use), SMALLBLOCK_FIELD(sb_class_stats, blocks_cached),
    SMALLBLOCK_FIELD(sb_class_stats, blocks_free)};

#undef SMALLBLOCK_FIELD

// Steals nothing of a borrowed name; takes `value` over.
bool put_object(PyObject* dictionary, const char* name, PyObject* value) {
  if (value == nullptr) return false;
  const int status = PyDict_SetItemString(dictionary, name, value);
  Py_DECREF(value);
  return status == 0;
}

// Classes that have a pool or a cached block, as in the JSON report.
PyObject* classes_of(const sb_stats& stats) {
  PyObject* const list = PyList_New(0);
  if (list == nullptr) return nullptr;
  for (uint32_t i = 0; i < stats.class_count; ++i) {
    const sb_class_stats& row = stats.classes[i];
    if (row.pools_used == 0 && row.blocks_cached == 0) continue;
    PyObject* const dictionary = dictionary_of(&row, kClassFields);
    const bool good = dictionary != nullptr && put(dictionary, "index", i) &&
                      put(dictionary, "block_bytes", row.block_bytes) &&
                      put(dictionary, "pool_bytes", row.pool_bytes) && PyList_Append(list, dictionary) == 0;
    Py_XDECREF(dictionary);
    if (good) continue;
    Py_DECREF(list);
    return nullptr;
  }
  return list;
}

}  // namespace

PyObject* stats(PyObject* /*module*/, PyObject* /*nothing*/) {
  sb_stats all{};
  sb_memory memory{};
  engine().stats_get(&all, sizeof all);
  engine().memory_get(&memory, sizeof memory);
  PyObject* const dictionary = dictionary_of(&all, kStatsFields);
  if (dictionary == nullptr) return nullptr;
  if (put_object(dictionary, "memory", dictionary_of(&memory, kMemoryFields)) &&
      put_object(dictionary, "classes", classes_of(all)) &&
      put_object(dictionary, "version", PyUnicode_FromString(engine().version()))) {
    return dictionary;
  }
  Py_DECREF(dictionary);
  return nullptr;
}

PyObject* write_report(PyObject* /*module*/, PyObject* descriptor) {
  const int file = PyObject_AsFileDescriptor(descriptor);
  if (file < 0) return nullptr;
  sb_stats all{};
  sb_memory memory{};
  engine().stats_get(&all, sizeof all);
  engine().memory_get(&memory, sizeof memory);
  if (write_text_report(all, memory, {.pid = getpid(), .command = program_invocation_name}, file)) Py_RETURN_NONE;
  return PyErr_SetFromErrno(PyExc_OSError);
}

}  // namespace smallblock::python
