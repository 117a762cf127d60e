// A stack of objects to look at, and the references of each; see cost.hpp.

#include "cost.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <unordered_map>

#include "object_names.hpp"
#include "seen_set.hpp"

namespace smallblock::python {

namespace {

struct Candidate {
  PyObject* object;
  CostSums sums;
};

struct MetType {
  CostSums sums;
  PyObject* size_method = nullptr;
};

constexpr auto kCostsMore = [](const Candidate& one, const Candidate& other) {
  return one.sums.bytes() > other.sums.bytes();
};

void add(CostSums& sum, const CostSums& more) {
  sum.objects += more.objects;
  sum.blocks += more.blocks;
  sum.block_bytes += more.block_bytes;
  sum.elsewhere_bytes += more.elsewhere_bytes;
}

bool lies_in_a_file(PyObject* object) {
  Dl_info info;
  return dladdr(object, &info) != 0;
}

class Traversal {
 public:
  Traversal(const BlockTable& blocks, std::size_t limit)
      : blocks_(blocks), limit_(limit), seen_(blocks), seen_again_(blocks) {}

  Cost run(PyObject* root) {
    seen_.insert(address_of(root));
    left_.push_back(root);
    while (!left_.empty()) {
      PyObject* const object = left_.back();
      left_.pop_back();
      look_at(object);
      visit_references(object, visit, this);
      if (has_failed_) throw std::bad_alloc();
    }
    return finish();
  }

 private:
  // Called by CPython: nothing may be thrown.
  static int visit(PyObject* object, void* traversal) noexcept {
    auto& self = *static_cast<Traversal*>(traversal);
    try {
      self.reach(object);
      return 0;
    } catch (const std::bad_alloc&) {
      self.has_failed_ = true;
      return -1;
    }
  }

  void reach(PyObject* object) {
    if (object == nullptr || is_program(object)) return;
    if (seen_.insert(address_of(object))) {
      left_.push_back(object);
    } else if (seen_again_.insert(address_of(object))) {
      ++cost_.shared_objects;
    }
  }

  void look_at(PyObject* object) {
    CostSums sums;
    sums.objects = 1;
    const std::uint32_t own_bytes = blocks_.block_bytes(address_of(object));
    if (own_bytes != 0) {
      sums.blocks = 1;
      sums.block_bytes = own_bytes;
    } else if (!lies_in_a_file(object)) {
      sums.elsewhere_bytes = asked_of(object, type_of(object)).bytes;
    }
    const Parts parts = parts_of(object);
    for (const Part& part : parts.span()) add_part(sums, part);
    const auto [of_type, is_new] = by_type_.try_emplace(Py_TYPE(object));
    if (is_new) of_type->second.size_method = size_method_of(Py_TYPE(object));
    PyObject* const size_method = of_type->second.size_method;
    if (!leads_to_its_buffer(size_method)) sums.elsewhere_bytes += buffer_bytes_of(object, size_method);
    add(cost_.all, sums);
    add(of_type->second.sums, sums);
    keep(object, sums);
  }

  void add_part(CostSums& sums, const Part& part) {
    if (!seen_.insert(part.address)) return;
    const std::uint32_t block_bytes = blocks_.block_bytes(part.address);
    if (block_bytes == 0) {
      sums.elsewhere_bytes += part.bytes;
    } else {
      ++sums.blocks;
      sums.block_bytes += block_bytes;
    }
  }

  void keep(PyObject* object, const CostSums& sums) {
    if (sums.bytes() == 0) return;
    if (kept_.size() < limit_) {
      kept_.push_back({object, sums});
      std::push_heap(kept_.begin(), kept_.end(), kCostsMore);
    } else if (limit_ != 0 && kCostsMore(Candidate{object, sums}, kept_.front())) {
      std::pop_heap(kept_.begin(), kept_.end(), kCostsMore);
      kept_.back() = {object, sums};
      std::push_heap(kept_.begin(), kept_.end(), kCostsMore);
    }
  }

  Cost finish() {
    std::unordered_map<std::string, CostSums> by_name;
    for (const auto& [type, met] : by_type_) add(by_name[full_name_of(type)], met.sums);
    for (const auto& [name, sums] : by_name) cost_.types.push_back({name, sums});
    std::sort(cost_.types.begin(), cost_.types.end(), [](const TypeCost& one, const TypeCost& other) {
      return one.sums.bytes() != other.sums.bytes() ? one.sums.bytes() > other.sums.bytes() : one.type < other.type;
    });
    std::sort_heap(kept_.begin(), kept_.end(), kCostsMore);
    for (const Candidate& candidate : kept_) {
      const inspect::PythonType type = type_of(candidate.object);
      cost_.objects.push_back({full_name_of(Py_TYPE(candidate.object)), text_of(candidate.object, type),
                               address_of(candidate.object), candidate.sums,
                               seen_again_.contains(address_of(candidate.object))});
    }
    return std::move(cost_);
  }

  const BlockTable& blocks_;
  std::size_t limit_;
  SeenSet seen_;
  SeenSet seen_again_;
  std::vector<PyObject*> left_;
  std::vector<Candidate> kept_;  // a heap, the cheapest in front
  std::unordered_map<PyTypeObject*, MetType> by_type_;
  bool has_failed_ = false;
  Cost cost_;
};

}  // namespace

Cost cost_of(const BlockTable& blocks, PyObject* root, std::size_t limit) {
  return Traversal(blocks, limit).run(root);
}

}  // namespace smallblock::python
