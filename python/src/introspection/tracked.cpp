// See tracked.hpp.

#include "tracked.hpp"

#include <new>

namespace smallblock::python {

void TrackedObjects::visit_all(const Tracked& tracked) {
  PyObject* const all = tracked.objects.get();
  const Py_ssize_t count = PyList_GET_SIZE(all);
  some_are_frozen_ = tracked.some_are_frozen;
  if (some_are_frozen_) {
    met_.insert(address_of(all));
    for (Py_ssize_t index = 0; index < count; ++index) met_.insert(address_of(PyList_GET_ITEM(all, index)));
    PyObject* const modules = PyImport_GetModuleDict();
    if (met_.insert(address_of(modules))) look_into(modules);
  }
  for (Py_ssize_t index = 0; index < count; ++index) {
    PyObject* const object = PyList_GET_ITEM(all, index);
    if (object != all) look_into(object);
  }
}

// Called by CPython: nothing may be thrown.
int TrackedObjects::visit(PyObject* object, void* self) noexcept {
  auto& all = *static_cast<TrackedObjects*>(self);
  try {
    if (object != nullptr) all.reach(object);
    return 0;
  } catch (const std::bad_alloc&) {
    all.has_failed_ = true;
    return -1;
  }
}

void TrackedObjects::look_into(PyObject* object) {
  left_.push_back(object);
  while (!left_.empty()) {
    referrer_ = left_.back();
    left_.pop_back();
    on_object(referrer_);
    visit_references(referrer_, visit, this);
    if (has_failed_) throw std::bad_alloc();
  }
}

void TrackedObjects::reach(PyObject* object) {
  on_reference(referrer_, object);
  if (is_put_aside(object) && met_.insert(address_of(object))) left_.push_back(object);
}

bool TrackedObjects::is_put_aside(PyObject* object) const {
  if (PyDict_CheckExact(object) || PyTuple_CheckExact(object))
    return some_are_frozen_ || !PyObject_GC_IsTracked(object);
  return some_are_frozen_ && PyObject_IS_GC(object) != 0 && PyObject_GC_IsTracked(object) != 0;
}

}  // namespace smallblock::python
