// All objects that CPython's collector leads to, and what they refer to at once.
//
// Called by referrers.cpp and type_parts.cpp, with the GIL. The collector puts dicts and tuples aside that can be
// in no cycle, and gc.freeze() puts aside all that there is: those are followed from the objects that refer to
// them, and from the modules. What was frozen and is in a running function's variables alone is not found.
#pragma once

#include "answers.hpp"
#include "objects.hpp"
#include "seen_set.hpp"

namespace smallblock::python {

class TrackedObjects {
 public:
  explicit TrackedObjects(const BlockTable& blocks) : met_(blocks) {}
  TrackedObjects(const TrackedObjects&) = delete;
  TrackedObjects& operator=(const TrackedObjects&) = delete;
  virtual ~TrackedObjects() = default;

  // O(all objects); throws std::bad_alloc.
  void visit_all(const Tracked& tracked);

 protected:
  // Neither may run Python code.
  virtual void on_object(PyObject* object) = 0;
  virtual void on_reference(PyObject* referrer, PyObject* object) = 0;

 private:
  static int visit(PyObject* object, void* self) noexcept;
  void look_into(PyObject* object);
  void reach(PyObject* object);
  bool is_put_aside(PyObject* object) const;

  SeenSet met_;  // of those that are put aside; if some are frozen, of all
  bool some_are_frozen_ = false;
  std::vector<PyObject*> left_;
  PyObject* referrer_ = nullptr;
  bool has_failed_ = false;
};

}  // namespace smallblock::python
