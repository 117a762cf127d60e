// See referrers.hpp.

#include "referrers.hpp"

#include <algorithm>

#include "objects.hpp"
#include "seen_set.hpp"

namespace smallblock::python {

namespace {

constexpr std::size_t kNamesMax = 5;

class Search {
 public:
  Search(const BlockTable& blocks, const std::unordered_map<std::uint64_t, std::uint64_t>& targets)
      : targets_(targets), wanted_(blocks), put_aside_(blocks) {
    for (const auto& [address, type] : targets) wanted_.insert(address);
  }

  void look_into(PyObject* object) {
    left_.push_back(object);
    while (!left_.empty()) {
      referrer_ = left_.back();
      left_.pop_back();
      look_at_parts();
      visit_references(referrer_, visit, this);
      if (has_failed_) throw std::bad_alloc();
    }
  }

  Referrers finish() const {
    Referrers referrers;
    for (const auto& [target, counts] : counts_) {
      std::vector<std::pair<std::string, std::uint64_t>> sorted(counts.begin(), counts.end());
      std::sort(sorted.begin(), sorted.end(), [](const auto& one, const auto& other) {
        return one.second != other.second ? one.second > other.second : one.first < other.first;
      });
      auto& names = referrers[target];
      for (std::size_t i = 0; i < std::min(kNamesMax, sorted.size()); ++i) names.push_back(sorted[i].first);
    }
    return referrers;
  }

 private:
  // Called by CPython: nothing may be thrown.
  static int visit(PyObject* object, void* search) noexcept {
    auto& self = *static_cast<Search*>(search);
    try {
      if (object != nullptr) self.reach(object);
      return 0;
    } catch (const std::bad_alloc&) {
      self.has_failed_ = true;
      return -1;
    }
  }

  // Memory without an object in it, such as a list's items, has the object that keeps it.
  void look_at_parts() {
    const Parts parts = parts_of(referrer_);
    for (const Part& part : parts.span()) {
      if (wanted_.contains(part.address)) note(part.address, 0);
    }
  }

  void note(std::uint64_t address, std::uint64_t type) {
    const auto target = targets_.find(address);
    if (target != targets_.end() && target->second == type) ++counts_[address][Py_TYPE(referrer_)->tp_name];
  }

  void reach(PyObject* object) {
    if (wanted_.contains(address_of(object))) note(address_of(object), address_of(Py_TYPE(object)));
    if (!PyDict_CheckExact(object) && !PyTuple_CheckExact(object)) return;
    if (!PyObject_GC_IsTracked(object) && put_aside_.insert(address_of(object))) left_.push_back(object);
  }

  const std::unordered_map<std::uint64_t, std::uint64_t>& targets_;
  SeenSet wanted_;
  SeenSet put_aside_;
  std::vector<PyObject*> left_;
  PyObject* referrer_ = nullptr;
  bool has_failed_ = false;
  std::unordered_map<std::uint64_t, std::unordered_map<std::string, std::uint64_t>> counts_;
};

}  // namespace

Referrers find_referrers(const BlockTable& blocks, PyObject* tracked,
                         const std::unordered_map<std::uint64_t, std::uint64_t>& targets) {
  Search search(blocks, targets);
  const Py_ssize_t count = PyList_GET_SIZE(tracked);
  for (Py_ssize_t index = 0; index < count; ++index) {
    PyObject* const object = PyList_GET_ITEM(tracked, index);
    if (object != tracked) search.look_into(object);
  }
  return search.finish();
}

}  // namespace smallblock::python
