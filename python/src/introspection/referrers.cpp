// See referrers.hpp.

#include "referrers.hpp"

#include <algorithm>

#include "object_names.hpp"
#include "tracked.hpp"

namespace smallblock::python {

namespace {

constexpr std::size_t kNamesMax = 5;

class Search : public TrackedObjects {
 public:
  Search(const BlockTable& blocks, const std::unordered_map<std::uint64_t, std::uint64_t>& targets)
      : TrackedObjects(blocks), targets_(targets), wanted_(blocks) {
    for (const auto& [address, type] : targets) wanted_.insert(address);
  }

  Referrers finish() const {
    Referrers referrers;
    for (const auto& [target, counts] : counts_) {
      std::unordered_map<std::string, std::uint64_t> by_name;
      for (const auto& [type, count] : counts) by_name[full_name_of(type)] += count;
      std::vector<std::pair<std::string, std::uint64_t>> sorted(by_name.begin(), by_name.end());
      std::sort(sorted.begin(), sorted.end(), [](const auto& one, const auto& other) {
        return one.second != other.second ? one.second > other.second : one.first < other.first;
      });
      auto& names = referrers[target];
      for (std::size_t i = 0; i < std::min(kNamesMax, sorted.size()); ++i) names.push_back(sorted[i].first);
    }
    return referrers;
  }

 private:
  // Memory without an object in it, such as a list's items, has the object that keeps it.
  void on_object(PyObject* object) override {
    const Parts parts = parts_of(object);
    for (const Part& part : parts.span()) {
      if (wanted_.contains(part.address)) note(object, part.address, 0);
    }
  }

  void on_reference(PyObject* referrer, PyObject* object) override {
    if (wanted_.contains(address_of(object))) note(referrer, address_of(object), address_of(Py_TYPE(object)));
  }

  void note(PyObject* referrer, std::uint64_t address, std::uint64_t type) {
    const auto target = targets_.find(address);
    if (target != targets_.end() && target->second == type) ++counts_[address][Py_TYPE(referrer)];
  }

  const std::unordered_map<std::uint64_t, std::uint64_t>& targets_;
  SeenSet wanted_;
  std::unordered_map<std::uint64_t, std::unordered_map<PyTypeObject*, std::uint64_t>> counts_;
};

}  // namespace

Referrers find_referrers(const BlockTable& blocks, const Tracked& tracked,
                         const std::unordered_map<std::uint64_t, std::uint64_t>& targets) {
  Search search(blocks, targets);
  search.visit_all(tracked);
  return search.finish();
}

}  // namespace smallblock::python
