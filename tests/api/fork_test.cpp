// fork while other threads allocate: no deadlock, and the child owns what it inherited.
#include <unistd.h>

#include <atomic>
#include <latch>
#include <optional>
#include <thread>

#include "support.hpp"

namespace smallblock::test {
namespace {

constexpr int kForks = kSanitized ? 20 : 200;

struct Block {
  void* address;
  std::size_t bytes;
};

void churn(const std::atomic<bool>& stop, std::size_t id) {
  void* blocks[256] = {};
  for (std::size_t i = 0; !stop; ++i) {
    void*& block = blocks[i * 7 % 256];
    sb_free(block);
    block = sb_malloc((i * 37 + id) % 1500);
  }
  for (void* block : blocks) sb_free(block);
}

// A private heap's pools come and go with their blocks: there is nearly always one on its way.
void open_and_close_pools(const std::atomic<bool>& stop, std::size_t id) {
  sb_heap* heap = sb_heap_create();
  void* blocks[300];
  while (!stop) {
    for (void*& block : blocks) block = sb_heap_alloc(heap, 600 + (id += 7919) % 32000);
    for (void* block : blocks) sb_heap_free(heap, block);
  }
  sb_heap_destroy(heap);
}

// Threads that allocate and free until the end of the scope.
class BusyThreads {
 public:
  using Work = void(const std::atomic<bool>& stop, std::size_t id);
  explicit BusyThreads(std::size_t count, Work* work = churn) : started_(static_cast<std::ptrdiff_t>(count)) {
    for (std::size_t id = 0; id < count; ++id) {
      threads_.emplace_back([this, id, work] {
        started_.count_down();
        work(stop_, id);
      });
    }
    // A thread that starts holds AddressSanitizer's own locks, which a child would inherit.
    started_.wait();
  }
  ~BusyThreads() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  BusyThreads(const BusyThreads&) = delete;
  BusyThreads& operator=(const BusyThreads&) = delete;

 private:
  std::latch started_;
  std::atomic<bool> stop_ = false;
  std::vector<std::thread> threads_;
};

// Checks and frees everything that the parent had, allocates anew, and says what went wrong by its exit code.
int use_inherited_blocks(std::vector<Block>& blocks, sb_heap* heap, void* heap_block) {
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (!holds(blocks[i].address, blocks[i].bytes, i)) return 2;
    sb_free(blocks[i].address);
  }
  if (!holds(heap_block, 100, 1) || sb_heap_alloc(heap, 50) == nullptr) return 3;
  sb_heap_destroy(heap);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    blocks[i] = {sb_malloc(i % 800), i % 800};
    if (blocks[i].address == nullptr) return 4;
    fill(blocks[i].address, blocks[i].bytes, i + 1);
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (!holds(blocks[i].address, blocks[i].bytes, i + 1)) return 5;
    sb_free(blocks[i].address);
  }
  sb_stats figures{};
  if (sb_stats_get(&figures, sizeof figures) != 0) return 6;
  return figures.heaps <= 1 ? 0 : 7;
}

TEST(Fork, ChildFreesTheParentsBlocksWhileThreadsAllocate) {
  const std::uint64_t before = blocks_in_use();
  std::optional<BusyThreads> busy(2);
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < 3000; ++i) {
    blocks.push_back({sb_malloc(i % 700), i % 700});
    fill(blocks.back().address, blocks.back().bytes, i);
  }
  sb_heap* heap = sb_heap_create();
  void* heap_block = sb_heap_alloc(heap, 100);
  fill(heap_block, 100, 1);

  for (int round = 0; round < kForks; ++round) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) _exit(use_inherited_blocks(blocks, heap, heap_block));
    const int status = wait_for(child);
    ASSERT_NE(status, -1) << "the child hung after fork " << round;
    ASSERT_TRUE(WIFEXITED(status)) << "fork " << round << ": child died of signal " << WTERMSIG(status);
    ASSERT_EQ(WEXITSTATUS(status), 0) << "fork " << round;
  }

  busy.reset();
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    ASSERT_TRUE(holds(blocks[i].address, blocks[i].bytes, i)) << "a child's write reached the parent";
    sb_free(blocks[i].address);
  }
  sb_heap_destroy(heap);
  EXPECT_EQ(blocks_in_use(), before);
}

TEST(Fork, ComesBackWhileManyThreadsOpenAndClosePools) {
  const BusyThreads busy(32, open_and_close_pools);
  for (int round = 0; round < 10; ++round) {
    alarm(kHangSeconds);
    const pid_t child = fork();
    alarm(0);
    ASSERT_GE(child, 0);
    if (child == 0) _exit(0);
    ASSERT_EQ(wait_for(child), 0);
  }
}

TEST(Fork, GrandchildrenWork) {
  void* block = sb_malloc(100);
  fill(block, 100, 5);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    void* mine = sb_malloc(60);
    const pid_t grandchild = fork();
    if (grandchild == 0) {
      const bool good = holds(block, 100, 5);
      sb_free(block);
      sb_free(mine);
      sb_free(sb_malloc(60));
      _exit(good ? 0 : 2);
    }
    _exit(grandchild > 0 && wait_for(grandchild) == 0 ? 0 : 3);
  }
  EXPECT_EQ(wait_for(child), 0);
  sb_free(block);
}

TEST(Fork, ChildMayStartThreads) {
  if (kThreadSanitized) GTEST_SKIP() << "ThreadSanitizer forbids threads after a fork";
  const BusyThreads busy(1);
  for (int round = 0; round < 20; ++round) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      {
        const BusyThreads of_child(1);
        for (std::size_t i = 0; i < 10000; ++i) sb_free(sb_malloc(i % 600));
      }
      _exit(0);
    }
    ASSERT_EQ(wait_for(child), 0) << round;
  }
}

}  // namespace
}  // namespace smallblock::test
