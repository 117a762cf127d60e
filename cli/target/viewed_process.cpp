// A running process, or its core dump, as a heap to look at; see viewed_heap.hpp.

#include <chrono>
#include <mutex>
#include <utility>

#include "cli/target/attach.hpp"
#include "cli/target/process_facts.hpp"
#include "cli/target/viewed_heap.hpp"

namespace smallblock::cli {

namespace {

constexpr std::chrono::seconds kBetweenArenas{2};  // a word a page is much to read

// Where the memory of an image goes when the last who looks at it is done: the next walk uses it again.
class SpareImage {
 public:
  inspect::HeapImage take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(image_, {});
  }
  void give(inspect::HeapImage&& image) {
    const std::lock_guard lock(mutex_);
    image_ = std::move(image);
  }

 private:
  std::mutex mutex_;
  inspect::HeapImage image_;
};

class ViewedProcess : public ViewedHeap {
 public:
  explicit ViewedProcess(const std::string& target)
      : heap_(target), facts_(heap_.is_process() ? inspect::ProcessFacts{} : heap_.facts({})) {
    if (!heap_.is_process()) return;
    facts_.pid = heap_.process().pid();
    facts_.command = command_of(heap_.process().pid());
  }

  Kind kind() const override { return heap_.is_process() ? Kind::kProcess : Kind::kCore; }
  pid_t pid() const override { return static_cast<pid_t>(facts_.pid); }
  const ProcessEnd* end() const override { return heap_.is_process() ? &heap_.end() : nullptr; }
  std::string command() const override { return facts_.command; }

  std::shared_ptr<const inspect::HeapImage> walk() override {
    auto image = std::make_unique<inspect::HeapImage>(heap_.walk(spare_->take()));
    return {image.release(), [spare = spare_](inspect::HeapImage* last) {
              const std::unique_ptr<inspect::HeapImage> owned(last);
              spare->give(std::move(*owned));
            }};
  }

  ResidentBytes resident_bytes(const inspect::HeapImage& image) override {
    ResidentBytes bytes;
    if (!heap_.is_process()) return bytes;
    bytes.process = quick_resident_bytes(pid());
    const auto now = std::chrono::steady_clock::now();
    if (now - arenas_time_ < kBetweenArenas) return bytes;
    arenas_time_ = now;
    bytes.arenas = resident_arenas_bytes(pid(), image);
    return bytes;
  }

  NamedMemory name() override {
    auto memory = heap_.memory_now();
    auto namer = std::make_unique<inspect::BlockNames>(*memory);
    return {std::move(memory), std::move(namer)};
  }

 private:
  AttachedHeap heap_;
  std::shared_ptr<SpareImage> spare_ = std::make_shared<SpareImage>();
  inspect::ProcessFacts facts_;
  std::chrono::steady_clock::time_point arenas_time_;
};

}  // namespace

std::unique_ptr<ViewedHeap> view_process(const std::string& target) {
  return std::make_unique<ViewedProcess>(target);
}

}  // namespace smallblock::cli
