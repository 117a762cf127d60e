// Names for blocks: the Python type of an object in a block, its short value; the C++ class of one with a vtable.
//
// A CPython process is recognised by its exported symbols; an object by its structure: the type it points at must
// prove to be a type, and the size that the type gives must lead to the block's size class with the object at the
// offset that the type's flags demand. What cannot be proved has no name. Reads the target through a MemorySource,
// so that wrong pointers are refused, never followed into a crash. Called by the commands and the Python package.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "inspect/image/block_namer.hpp"
#include "inspect/image/heap_image.hpp"
#include "inspect/image/memory_source.hpp"

namespace smallblock::inspect {

class BlockNames : public BlockNamer {
 public:
  explicit BlockNames(const MemorySource& source);
  ~BlockNames() override;
  BlockNames(BlockNames&&) noexcept;
  BlockNames& operator=(BlockNames&&) noexcept;

  // "3.12", or empty if the target is no CPython process.
  const std::string& python_version() const noexcept override;
  std::string untold_python() const override;

  std::vector<std::vector<TypeId>> name_pools(const HeapImage& image,
                                              std::span<const PoolImage* const> pools) override;
  BlockDetail describe(const HeapImage& image, const PoolImage& pool, unsigned block) override;
  const std::string& type_name(TypeId id) const override;
  std::size_t type_count() const;  // ids are below it

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace smallblock::inspect
