// See tracked.hpp.

#include "tracked.hpp"

#include <new>

namespace smallblock::python {

void TrackedObjects::visit_all(PyObject* tracked) {
  const Py_ssize_t count = PyList_GET_SIZE(tracked);
  for (Py_ssize_t index = 0; index < count; ++index) {
    PyObject* const object = PyList_GET_ITEM(tracked, index);
    if (object != tracked) look_into(object);
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
  if (!PyDict_CheckExact(object) && !PyTuple_CheckExact(object)) return;
  if (!PyObject_GC_IsTracked(object) && put_aside_.insert(address_of(object))) left_.push_back(object);
}

}  // namespace smallblock::python
