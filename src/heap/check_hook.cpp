// See check_hook.hpp.

#include "heap/check_hook.hpp"

#include "heap/memory_return.hpp"
#include "heap/registry.hpp"
#include "os/port.hpp"

namespace smallblock {

namespace {

// The heap of a thread that comes to check mode: without blocks, and marked for a signal handler that forks.
class Checked {
 public:
  explicit Checked(ThreadHeap* heap) noexcept : heap_(heap) {
    if (heap_ == nullptr) return;
    if (heap_->limit_bytes != 0) flush_heap(*heap_);
    before_ = heap_->busy.load();
    heap_->busy.store(kBusyElsewhere);
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  ~Checked() {
    if (heap_ == nullptr) return;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    heap_->busy.store(before_);
  }
  Checked(const Checked&) = delete;
  Checked& operator=(const Checked&) = delete;

 private:
  ThreadHeap* heap_;
  std::uint8_t before_ = kNoClass;
};

}  // namespace

constinit RarelyWritten<const CheckHook*> check_hook;
constinit bool check_mode_wanted = false;
constinit unsigned char perturb_byte = 0;

void hand_over_to(const CheckHook& hook) noexcept {
  if (prepare_doors_for_check_mode != nullptr) prepare_doors_for_check_mode();
  check_hook.set(&hook);
  // From here on a miss sees the hook after it has said that it is busy; those that came before are waited for.
  os::synchronise_threads();
  wait_for_misses();
  trim();
}

void* allocate_checked(Bytes bytes, Bytes alignment, Door door) noexcept {
  const Checked checked(attach_thread(Occasion::kAllocate));
  return check_hook.get()->allocate(bytes, alignment, door);
}

void* allocate_checked_in(ThreadHeap& heap, Bytes bytes, Bytes alignment, Door door) noexcept {
  const Checked checked(&heap);
  return check_hook.get()->allocate(bytes, alignment, door);
}

void deallocate_checked(void* pointer, Door door, Bytes bytes) noexcept {
  const Checked checked(attach_thread(Occasion::kFree));
  check_hook.get()->deallocate(pointer, door, bytes);
}

void deallocate_checked_in(ThreadHeap& heap, void* pointer, Door door) noexcept {
  const Checked checked(&heap);
  check_hook.get()->deallocate(pointer, door, kUnsized);
}

void* reallocate_checked(void* pointer, Bytes bytes, Door door) noexcept {
  const Checked checked(attach_thread(Occasion::kAllocate));
  return check_hook.get()->reallocate(pointer, bytes, door);
}

}  // namespace smallblock
