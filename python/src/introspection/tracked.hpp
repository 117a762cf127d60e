// All objects that CPython's collector leads to, and what they refer to at once.
//
// Called by referrers.cpp and type_parts.cpp, with the GIL. The collector puts dicts and tuples aside that can be
// in no cycle: those are followed from the objects that refer to them.
#pragma once

#include "objects.hpp"
#include "seen_set.hpp"

namespace smallblock::python {

class TrackedObjects {
 public:
  explicit TrackedObjects(const BlockTable& blocks) : put_aside_(blocks) {}
  TrackedObjects(const TrackedObjects&) = delete;
  TrackedObjects& operator=(const TrackedObjects&) = delete;
  virtual ~TrackedObjects() = default;

  // `tracked` is what gc.get_objects() gave. O(all objects); throws std::bad_alloc.
  void visit_all(PyObject* tracked);

 protected:
  // Neither may run Python code.
  virtual void on_object(PyObject* object) = 0;
  virtual void on_reference(PyObject* referrer, PyObject* object) = 0;

 private:
  static int visit(PyObject* object, void* self) noexcept;
  void look_into(PyObject* object);
  void reach(PyObject* object);

  SeenSet put_aside_;
  std::vector<PyObject*> left_;
  PyObject* referrer_ = nullptr;
  bool has_failed_ = false;
};

}  // namespace smallblock::python
