// The facts are from Include/cpython/ and Include/internal/ of each release; see objects.hpp.

#include "objects.hpp"

#include <frameobject.h>

#include <algorithm>
#include <cstring>

#include "object_names.hpp"

namespace smallblock::python {

namespace {

constexpr std::size_t kTextBytesMax = 1024;

std::uint64_t usable(std::uint64_t slots) {
  return (slots << 1) / 3;
}

// PyDictKeysObject, which no public header has.
struct KeysHead {
  std::uint64_t slots = 0;  // 1: the static table of empty dicts
  std::uint64_t bytes = 0;
  std::int64_t references = 0;
};

template <typename T>
T read_at(const void* memory, std::size_t offset) {
  T value;
  std::memcpy(&value, static_cast<const char*>(memory) + offset, sizeof value);
  return value;
}

KeysHead keys_head(const void* keys) {
  KeysHead head;
  head.references = read_at<std::int64_t>(keys, 0);
#if PY_VERSION_HEX >= 0x030b0000
  constexpr std::uint64_t kHeadBytes = 32;
  constexpr unsigned char kGeneral = 0;  // entries with a hash
  head.slots = std::uint64_t{1} << read_at<unsigned char>(keys, 8);
  const std::uint64_t index_bytes = std::uint64_t{1} << read_at<unsigned char>(keys, 9);
  const std::uint64_t entry_bytes = read_at<unsigned char>(keys, 10) == kGeneral ? 24 : 16;
#else
  constexpr std::uint64_t kHeadBytes = 40;
  constexpr std::uint64_t entry_bytes = 24;
  head.slots = read_at<std::uint64_t>(keys, 8);
  std::uint64_t index_bytes = head.slots;
  if (head.slots > 0xff) index_bytes = head.slots * (head.slots > 0xffffffff ? 8 : head.slots > 0xffff ? 4 : 2);
#endif
  head.bytes = kHeadBytes + index_bytes + usable(head.slots) * entry_bytes;
  return head;
}

// Where the values of a dict with shared keys, or of an instance, begin in their block.
const void* values_start(const void* values) {
#if PY_VERSION_HEX >= 0x030b0000 && PY_VERSION_HEX < 0x030d0000
  return static_cast<const char*>(values) - read_at<unsigned char>(values, 0 - std::size_t{1});
#else
  return values;
#endif
}

void add_dict_parts(Parts& parts, PyObject* object) {
  const auto* const dict = reinterpret_cast<const PyDictObject*>(object);
  if (dict->ma_keys == nullptr) return;
  const KeysHead head = keys_head(dict->ma_keys);
  // Keys that are shared belong to the class.
  if (head.slots > 1 && (dict->ma_values == nullptr || head.references == 1))
    parts.add("table", dict->ma_keys, head.bytes);
  if (dict->ma_values == nullptr) return;
#if PY_VERSION_HEX >= 0x030d0000
  constexpr std::size_t kEmbeddedOffset = 2;
  if (read_at<unsigned char>(dict->ma_values, kEmbeddedOffset) != 0) return;
#endif
  // 3.9 and 3.10 share one static array among empty ones.
  if (head.slots > 1) parts.add("values", values_start(dict->ma_values), 0);
}

#if PY_VERSION_HEX >= 0x030b0000 && PY_VERSION_HEX < 0x030d0000
const void* attribute_values(PyObject* object) {
#if PY_VERSION_HEX >= 0x030c0000
  const auto word = read_at<std::uint64_t>(object, 0 - 3 * sizeof(void*));
  return (word & 1) != 0 ? reinterpret_cast<const void*>(word + 1) : nullptr;  // CPython takes 1 away
#else
  return read_at<const void*>(object, 0 - 4 * sizeof(void*));
#endif
}
#endif

void add_attribute_parts(Parts& parts, [[maybe_unused]] PyObject* object) {
#if PY_VERSION_HEX >= 0x030b0000 && PY_VERSION_HEX < 0x030d0000
  if ((Py_TYPE(object)->tp_flags & inspect::kManagedDict) == 0) return;
  const void* const values = attribute_values(object);
  if (values != nullptr) parts.add("attributes", values_start(values), 0);
#else
  static_cast<void>(parts);
#endif
}

}  // namespace

Parts parts_of(PyObject* object) {
  Parts parts;
  if (PyList_Check(object)) {
    const auto* const list = reinterpret_cast<const PyListObject*>(object);
    parts.add("items", list->ob_item, static_cast<std::uint64_t>(list->allocated) * sizeof(PyObject*));
  } else if (PyDict_Check(object)) {
    add_dict_parts(parts, object);
  } else if (PyAnySet_Check(object)) {
    const auto* const set = reinterpret_cast<const PySetObject*>(object);
    if (set->table != set->smalltable)
      parts.add("table", set->table, (static_cast<std::uint64_t>(set->mask) + 1) * sizeof(setentry));
  } else if (PyByteArray_Check(object)) {
    const auto* const array = reinterpret_cast<const PyByteArrayObject*>(object);
    parts.add("bytes", array->ob_bytes, static_cast<std::uint64_t>(array->ob_alloc));
  }
  add_attribute_parts(parts, object);
  return parts;
}

inspect::PythonType type_of(PyObject* object) {
  const PyTypeObject* const named = Py_TYPE(object);
  inspect::PythonType type;
  type.address = address_of(named);
  type.basic_bytes = static_cast<std::uint64_t>(named->tp_basicsize);
  type.item_bytes = static_cast<std::uint64_t>(named->tp_itemsize);
  type.flags = named->tp_flags;
  type.is_float = PyFloat_CheckExact(object);
  type.is_set = PyAnySet_CheckExact(object);
  type.unsized_items = PyGen_CheckExact(object) || PyCoro_CheckExact(object) || PyAsyncGen_CheckExact(object) ||
                       PyFrame_Check(object);
  return type;
}

static_assert(offsetof(PyTypeObject, tp_dict) == inspect::kTypeDictOffset);
static_assert(offsetof(PyDictObject, ma_keys) == inspect::kDictKeysOffset);

PyObject* size_method_of(PyTypeObject* type) {
  PyObject* const name = PyUnicode_InternFromString("__sizeof__");
  if (name == nullptr) throw std::bad_alloc();
  PyObject* const method = _PyType_Lookup(type, name);
  Py_DECREF(name);
  if (method == nullptr || !Py_IS_TYPE(method, &PyMethodDescr_Type)) return nullptr;
  if ((reinterpret_cast<PyMethodDescrObject*>(method)->d_method->ml_flags & METH_NOARGS) == 0) return nullptr;
  // What these say is known; a text of a subclass lies in a buffer.
  const PyTypeObject* const owner = PyDescr_TYPE(method);
  const std::array known = {&PyBaseObject_Type, &PyList_Type,  &PyDict_Type,      &PySet_Type,  &PyFrozenSet_Type,
                            &PyLong_Type,       &PyBytes_Type, &PyByteArray_Type, &PyTuple_Type};
  if (std::find(known.begin(), known.end(), owner) != known.end() || type == &PyUnicode_Type) return nullptr;
  return method;
}

bool leads_to_its_buffer([[maybe_unused]] PyObject* size_method) {
#if PY_VERSION_HEX >= 0x030c0000
  return size_method != nullptr && std::strcmp(PyDescr_TYPE(size_method)->tp_name, "_io.BytesIO") == 0;
#else
  return false;
#endif
}

namespace {

// 0 if it fails.
std::uint64_t ask_size(PyObject* object, PyObject* method) {
  PyObject* const said = PyObject_CallOneArg(method, object);
  const std::size_t bytes = said != nullptr && PyLong_Check(said) ? PyLong_AsSize_t(said) : 0;
  Py_XDECREF(said);
  if (PyErr_Occurred() == nullptr) return bytes;
  PyErr_Clear();
  return 0;
}

}  // namespace

std::uint64_t buffer_bytes_of(PyObject* object, PyObject* size_method) {
  if (size_method == nullptr) return 0;
  const inspect::PythonType type = type_of(object);
  const std::uint64_t asked_bytes = asked_of(object, type).bytes;
  if (asked_bytes == 0) return 0;
  // sys.getsizeof adds what stands before the object.
  std::uint64_t known_bytes = asked_bytes - inspect::PythonLayout(PY_MINOR_VERSION).bytes_before(type);
  const Parts parts = parts_of(object);
  for (const Part& part : parts.span()) known_bytes += part.bytes;
  const std::uint64_t said_bytes = ask_size(object, size_method);
  return said_bytes - std::min(said_bytes, known_bytes);
}

Asked asked_of(PyObject* object, const inspect::PythonType& type) {
  constexpr std::size_t kHeadBytes = 40;  // of the fixed part the layout looks at no more; no text is shorter
  std::array<unsigned char, kHeadBytes> head{};
  std::memcpy(head.data(), object, std::min<std::size_t>(type.basic_bytes, head.size()));
  const inspect::PythonLayout layout(PY_MINOR_VERSION);
  const auto need = layout.need(type, head);
  if (!need) return {};
  if (type.unsized_items) {
    PyObject* const method = size_method_of(Py_TYPE(object));
    const std::uint64_t said_bytes = method != nullptr ? ask_size(object, method) : 0;
    return {std::max(need->least, said_bytes + layout.bytes_before(type)), false};
  }
  return {need->least, need->least == need->most || PyTuple_CheckExact(object) || PyBytes_CheckExact(object)};
}

std::string text_of(PyObject* object, const inspect::PythonType& type) {
  std::string name = own_name_of(object);
  if (!name.empty()) return name;
  const inspect::PythonLayout layout(PY_MINOR_VERSION);
  const std::uint64_t asked_bytes = asked_of(object, type).bytes;
  const std::uint64_t before_bytes = layout.bytes_before(type);
  if (asked_bytes <= before_bytes) return {};
  const std::uint64_t own_bytes = asked_bytes - before_bytes;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(object);
  return layout.value(type, {bytes, std::min<std::size_t>(own_bytes, kTextBytesMax)});
}

// A dict with another key visits all of them itself.
bool has_text_keys_alone(PyObject* dict) {
  Py_ssize_t position = 0;
  PyObject* key = nullptr;
  while (PyDict_Next(dict, &position, &key, nullptr) != 0) {
    if (!PyUnicode_CheckExact(key)) return false;
  }
  return true;
}

void visit_references(PyObject* object, visitproc visit, void* argument) {
  if (PyDict_Check(object) && reinterpret_cast<PyDictObject*>(object)->ma_keys != nullptr &&
      has_text_keys_alone(object)) {
    Py_ssize_t position = 0;
    PyObject* key = nullptr;
    while (PyDict_Next(object, &position, &key, nullptr) != 0) {
      if (visit(key, argument) != 0) return;
    }
  }
  const traverseproc traverse = PyObject_IS_GC(object) ? Py_TYPE(object)->tp_traverse : nullptr;
  if (traverse != nullptr) traverse(object, visit, argument);
}

bool is_program(PyObject* object) {
  return PyType_Check(object) || PyModule_Check(object) || PyFunction_Check(object) || PyCFunction_Check(object) ||
         PyCode_Check(object) || PyFrame_Check(object);
}

}  // namespace smallblock::python
