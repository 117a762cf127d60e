// smallblock._introspection: questions about the heap of this process, as Python functions; _blocks.py, _types.py
// and _pinned.py are its callers.
//
// Each takes what _smallblock.heap() gives, walks the heap once, and answers with plain lists and dictionaries.
// Without the GIL the heap is only read, as from outside, and nothing in it is believed to be an object.

#include <Python.h>

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>

#include "answers.hpp"
#include "cost.hpp"
#include "inspect/image/questions.hpp"
#include "object_names.hpp"
#include "pinned.hpp"
#include "type_parts.hpp"

namespace smallblock::python {

namespace {

struct TypesJob : Job {
  using Job::Job;
  std::vector<inspect::TypeSums> sums;
  std::unique_ptr<BlockTable> table;
  void work() override {
    OwnHeap heap(descriptor);
    sums = heap.names.count_types(heap.image);
    table = std::make_unique<BlockTable>(heap.image);
  }
};

Owned type_row(const std::string& type, std::uint64_t blocks, std::uint64_t bytes, const PartSums& parts) {
  return Dictionary()
      .put("type", type)
      .put("blocks", blocks)
      .put("bytes", bytes)
      .put("part_blocks", parts.blocks)
      .put("part_bytes", parts.bytes)
      .take();
}

// Blocks that turn out to be parts are no longer unknown. A type may have parts alone: its objects lie elsewhere.
Owned types_answer(const TypesJob& job) {
  auto parts = sum_parts(*job.table, tracked_objects());
  PartSums known;
  for (const auto& [type, sums] : parts) {
    known.blocks += sums.blocks;
    known.bytes += sums.bytes;
  }
  Owned rows = list();
  for (const inspect::TypeSums& sums : job.sums) {
    const PartSums own = parts[sums.name];
    parts.erase(sums.name);
    const PartSums out = sums.name == "unknown" ? known : PartSums();
    append(rows, type_row(sums.name, sums.blocks - std::min(sums.blocks, out.blocks),
                          sums.bytes - std::min(sums.bytes, out.bytes), own));
  }
  for (const auto& [type, sums] : parts) append(rows, type_row(type, 0, 0, sums));
  return rows;
}

PyObject* types(PyObject*, PyObject* descriptor) {
  auto* const job = new_job<TypesJob>(descriptor);
  if (job == nullptr) return nullptr;
  run_without_gil(job);
  return answer([job] { return types_answer(*finished(job)); });
}

std::string file_of(const void* address) {
  Dl_info info;
  const std::string name = dladdr(address, &info) != 0 && info.dli_fname != nullptr ? info.dli_fname : "";
  if (name.empty() || name.front() == '/') return name;
  // The program itself, as it was called.
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? name : program.string();
}

int add_name(dl_phdr_info* library, std::size_t /*bytes*/, void* names) noexcept {
  try {
    static_cast<std::vector<std::string>*>(names)->emplace_back(library->dlpi_name);
    return 0;
  } catch (const std::bad_alloc&) {
    return 1;
  }
}

// The malloc that serves what smallblock passes on: the first one in load order that is no smallblock.
std::string file_of_malloc() {
  std::vector<std::string> names;
  dl_iterate_phdr(add_name, &names);
  for (const std::string& name : names) {
    if (name.empty() || name.find("libsmallblock") != std::string::npos) continue;
    void* const library = dlopen(name.c_str(), RTLD_LAZY | RTLD_NOLOAD);
    if (library == nullptr) continue;
    const void* const found = dlsym(library, "malloc");
    dlclose(library);
    // A library is asked with all that it needs.
    if (found != nullptr && file_of(found) == name) return name;
  }
  return "";
}

Owned elsewhere_answer(const OwnHeap& heap, PyObject* object, const inspect::PythonType& type) {
  return Dictionary()
      .put("is_served", owned(PyBool_FromLong(0)))
      .put("file", file_of(object))
      .put("malloc_file", file_of_malloc())
      .put("asked_bytes", asked_of(object, type).bytes)
      .put("where", inspect::place_without_block(heap.image, address_of(object)))
      .take();
}

// A letter a block: see the legend of explain().
std::string states_of(const inspect::PoolImage& pool) {
  constexpr std::array kLetters = {'.', '#', 'c', '-'};
  std::string states;
  for (unsigned block = 0; block < pool.capacity; ++block)
    states.push_back(kLetters[static_cast<std::size_t>(pool.state_of(block))]);
  return states;
}

std::string neighbour(OwnHeap& heap, const inspect::PoolImage& pool, unsigned block) {
  if (block >= pool.capacity || pool.state_of(block) != inspect::BlockState::kLive) return "";
  return heap.names.describe(heap.image, pool, block).type_name;
}

Owned parts_answer(const BlockTable& table, PyObject* object) {
  Owned rows = list();
  const Parts parts = parts_of(object);
  for (const Part& part : parts.span()) {
    append(rows, Dictionary()
                     .put("what", std::string(part.what))
                     .put("address", part.address)
                     .put("asked_bytes", part.bytes)
                     .put("block_bytes", table.block_bytes(part.address))
                     .take());
  }
  return rows;
}

Owned served_answer(OwnHeap& heap, const inspect::BlockPlace& place, PyObject* object, const Asked& asked) {
  const inspect::HeapImage& image = heap.image;
  const inspect::PoolImage& pool = image.pools[place.pool];
  const inspect::BlockDetail detail = heap.names.describe(image, pool, place.block);
  const std::uint64_t exact = asked.is_exact ? asked.bytes : 0;
  return Dictionary()
      .put("is_served", owned(PyBool_FromLong(1)))
      .put("arena", pool.unit / inspect::kUnitsPerArena)
      .put("pool", pool.unit % inspect::kUnitsPerArena)
      .put("pool_address", image.pool_address(pool))
      .put("pool_bytes", std::uint64_t{image.pool_units(pool)} * image.geometry.unit_bytes)
      .put("index", place.block)
      .put("capacity", pool.capacity)
      .put("size_class", pool.class_index - 1U)  // as stats() counts them
      .put("address", image.block_address(pool, place.block))
      .put("block_bytes", image.block_bytes(pool))
      .put("object_offset", place.offset)
      .put("requested_bytes", detail.requested_bytes != 0 ? detail.requested_bytes : exact)
      .put("gc_header", owned(PyBool_FromLong(PyType_IS_GC(Py_TYPE(object)) ? 1 : 0)))
      .put("states", states_of(pool))
      .put("before", place.block == 0 ? "" : neighbour(heap, pool, place.block - 1))
      .put("after", neighbour(heap, pool, place.block + 1))
      .take();
}

PyObject* place(PyObject*, PyObject* arguments) {
  unsigned long long descriptor = 0;
  PyObject* object = nullptr;
  if (!PyArg_ParseTuple(arguments, "KO", &descriptor, &object)) return nullptr;
  return answer([descriptor, object] {
    OwnHeap heap(descriptor);
    const inspect::PythonType type = type_of(object);
    const auto found = heap.image.find(address_of(object));
    Owned answered =
        found ? served_answer(heap, *found, object, asked_of(object, type)) : elsewhere_answer(heap, object, type);
    const std::pair<const char*, Owned> always[] = {
        {"type", text(full_name_of(Py_TYPE(object)))},
        {"text", text(text_of(object, type))},
        {"parts", parts_answer(BlockTable(heap.image), object)},
        {"buffer_bytes", number(buffer_bytes_of(object, size_method_of(Py_TYPE(object))))}};
    for (const auto& [name, value] : always) {
      if (PyDict_SetItemString(answered.get(), name, value.get()) != 0) throw PythonError();
    }
    return answered;
  });
}

Dictionary sums_answer(const CostSums& sums) {
  Dictionary answered;
  answered.put("objects", sums.objects)
      .put("blocks", sums.blocks)
      .put("block_bytes", sums.block_bytes)
      .put("elsewhere_bytes", sums.elsewhere_bytes);
  return answered;
}

Owned cost_answer(const Cost& cost) {
  const Owned types = list();
  for (const TypeCost& row : cost.types) append(types, sums_answer(row.sums).put("type", row.type).take());
  const Owned objects = list();
  for (const ObjectCost& row : cost.objects) {
    append(objects, sums_answer(row.sums)
                        .put("type", row.type)
                        .put("text", row.text)
                        .put("address", row.address)
                        .put("is_shared", owned(PyBool_FromLong(row.is_shared ? 1 : 0)))
                        .take());
  }
  return sums_answer(cost.all)
      .put("shared_objects", cost.shared_objects)
      .put("types", types)
      .put("largest", objects)
      .take();
}

PyObject* cost(PyObject*, PyObject* arguments) {
  unsigned long long descriptor = 0;
  PyObject* root = nullptr;
  Py_ssize_t limit = 0;
  if (!PyArg_ParseTuple(arguments, "KOn", &descriptor, &root, &limit)) return nullptr;
  return answer([descriptor, root, limit] {
    const OwnProcess memory(descriptor);
    const BlockTable table(inspect::walk(memory, inspect::find_heap(memory)));
    return cost_answer(cost_of(table, root, static_cast<std::size_t>(limit)));
  });
}

PyMethodDef methods[] = {{"types", types, METH_O, nullptr},
                         {"place", place, METH_VARARGS, nullptr},
                         {"pinned", pinned, METH_VARARGS, nullptr},
                         {"cost", cost, METH_VARARGS, nullptr},
                         {nullptr, nullptr, 0, nullptr}};

PyModuleDef_Slot module_slots[] = {
#if PY_VERSION_HEX >= 0x030c0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
    {0, nullptr}};

PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                          "smallblock._introspection",
                          "The heap of this process; use the functions of the package smallblock.",
                          0,
                          methods,
                          module_slots,
                          nullptr,
                          nullptr,
                          nullptr};

}  // namespace

}  // namespace smallblock::python

PyMODINIT_FUNC PyInit__introspection() {
  return PyModuleDef_Init(&smallblock::python::definition);
}
