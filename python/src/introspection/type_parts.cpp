// See type_parts.hpp.

#include "type_parts.hpp"

#include "object_names.hpp"
#include "tracked.hpp"

namespace smallblock::python {

namespace {

class PartCount : public TrackedObjects {
 public:
  explicit PartCount(const BlockTable& blocks) : TrackedObjects(blocks), blocks_(blocks), seen_(blocks) {}

  std::unordered_map<std::string, PartSums> finish() const {
    std::unordered_map<std::string, PartSums> by_name;
    for (const auto& [type, sums] : by_type_) {
      PartSums& sum = by_name[full_name_of(type)];
      sum.blocks += sums.blocks;
      sum.bytes += sums.bytes;
    }
    return by_name;
  }

 private:
  void on_object(PyObject* object) override {
    const Parts parts = parts_of(object);
    for (const Part& part : parts.span()) {
      const std::uint32_t block_bytes = blocks_.block_bytes(part.address);
      if (block_bytes == 0 || !seen_.insert(part.address)) continue;
      PartSums& sums = by_type_[Py_TYPE(object)];
      ++sums.blocks;
      sums.bytes += block_bytes;
    }
  }

  // The collector does not know bytearrays.
  void on_reference(PyObject* /*referrer*/, PyObject* object) override {
    if (PyByteArray_Check(object)) on_object(object);
  }

  const BlockTable& blocks_;
  SeenSet seen_;
  std::unordered_map<PyTypeObject*, PartSums> by_type_;
};

}  // namespace

std::unordered_map<std::string, PartSums> sum_parts(const BlockTable& blocks, const Tracked& tracked) {
  PartCount count(blocks);
  count.visit_all(tracked);
  return count.finish();
}

}  // namespace smallblock::python
