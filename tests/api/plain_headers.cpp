// A program without exceptions and without RTTI: the C++ headers compile and work in it. Ends with 0 if they do.
#include <smallblock/heap.hpp>
#include <smallblock/memory_resource.hpp>

#include <memory_resource>
#include <vector>

int main() {
  const std::vector<int, smallblock::allocator<int>> ours(40, 7);
  const std::pmr::vector<int> through(ours.begin(), ours.end(), smallblock::memory_resource::default_resource());
  smallblock::heap heap;
  const std::pmr::vector<int> on_heap(through.begin(), through.end(), heap.resource());
  const std::vector<int, smallblock::heap_allocator<int>> copy(on_heap.begin(), on_heap.end(), heap);
  const bool holds = copy.size() == 40 && copy[39] == 7;
  const bool owns = heap.owns(copy.data()) && heap.owns(on_heap.data());
  return holds && owns && smallblock::memory_resource::owns(through.data()) ? 0 : 1;
}
