// Blocks that cross threads, threads that come and go, and the first and last thing that a thread does.
#include <pthread.h>

#include <atomic>
#include <barrier>
#include <cstdlib>
#include <thread>

#include "support.hpp"

namespace smallblock::test {
namespace {

TEST(Threads, BlocksAllocatedInOneAreFreedInAnother) {
  const std::uint64_t before = blocks_in_use();
  for (int round = 0; round < 20; ++round) {
    std::vector<void*> blocks(3000);
    std::thread producer([&blocks] {
      for (std::size_t i = 0; i < blocks.size(); ++i) {
        blocks[i] = sb_malloc(i % 900);
        fill(blocks[i], i % 900, i);
      }
    });
    producer.join();
    EXPECT_EQ(blocks_in_use() > before, true);
    std::thread consumer([&blocks] {
      for (std::size_t i = 0; i < blocks.size(); ++i) {
        EXPECT_TRUE(holds(blocks[i], i % 900, i));
        sb_free(blocks[i]);
      }
    });
    consumer.join();
  }
  EXPECT_EQ(blocks_in_use(), before);
}

// Each gets the answer that holds, and none works on a table that another is about to make.
TEST(Threads, SwitchCheckModeOnAllAtOnce) {
  constexpr int kThreads = 8;
  std::barrier begin(kThreads);
  std::atomic<int> refused = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      begin.arrive_and_wait();
      if (sb_check_enable() != 0) ++refused;
      for (std::size_t bytes = 1; bytes < 4000; bytes += 13) {
        void* block = sb_malloc(bytes);
        fill(block, bytes, bytes);
        EXPECT_EQ(sb_usable_size(block), bytes);  // not the block's: check mode is on
        sb_free(block);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(refused, 0);
}

// One writer, one reader, a ring between them: the block is the message.
TEST(Threads, ProducerAndConsumerRunAtOnce) {
  constexpr std::size_t kMessages = kSanitized ? 50000 : 1000000;
  const std::uint64_t before = blocks_in_use();
  std::vector<std::atomic<std::uint64_t*>> ring(256);
  std::thread consumer([&ring] {
    for (std::uint64_t i = 0; i < kMessages; ++i) {
      std::uint64_t* block;
      while ((block = ring[i % ring.size()].exchange(nullptr, std::memory_order_acquire)) == nullptr) {
        std::this_thread::yield();
      }
      ASSERT_EQ(*block, i);
      sb_free(block);
    }
  });
  for (std::uint64_t i = 0; i < kMessages; ++i) {
    auto* block = static_cast<std::uint64_t*>(sb_malloc(64));
    *block = i;
    std::uint64_t* expected = nullptr;
    while (!ring[i % ring.size()].compare_exchange_weak(expected, block, std::memory_order_release)) {
      expected = nullptr;
      std::this_thread::yield();
    }
  }
  consumer.join();
  EXPECT_EQ(blocks_in_use(), before);
}

TEST(Threads, ExitGivesTheMagazinesBack) {
  sb_free(sb_malloc(1));
  const sb_stats before = stats();
  std::atomic<bool> done = false;
  std::atomic<int> ready = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      std::vector<void*> blocks(500);
      for (void*& block : blocks) block = sb_malloc(48);
      for (void* block : blocks) sb_free(block);
      ++ready;
      while (!done) std::this_thread::yield();
    });
  }
  while (ready != 8) std::this_thread::yield();
  EXPECT_EQ(stats().heaps, before.heaps + 8);
  done = true;
  for (std::thread& thread : threads) thread.join();
  const sb_stats after = stats();
  EXPECT_EQ(after.heaps, before.heaps);
  EXPECT_EQ(blocks_in_use(after), blocks_in_use(before));
  EXPECT_EQ(after.live_bytes, before.live_bytes);
}

// What exited threads had cached must serve later threads, or memory would grow with every thread.
TEST(Threads, ManyShortThreadsDoNotGrowTheHeap) {
  std::uint64_t committed_bytes = 0;
  std::uint64_t metadata_bytes = 0;
  for (int round = 0; round < 400; ++round) {
    std::thread([] {
      std::vector<void*> blocks;
      for (std::size_t i = 0; i < 2000; ++i) blocks.push_back(sb_malloc(i % 512));
      for (void* block : blocks) sb_free(block);
    }).join();
    if (round == 10) {
      committed_bytes = stats().committed_bytes;
      metadata_bytes = stats().metadata_bytes;
    }
  }
  EXPECT_LE(stats().committed_bytes, committed_bytes);
  EXPECT_LE(stats().metadata_bytes, metadata_bytes + 65536);
  EXPECT_EQ(stats().live_bytes, 0U);
}

// CTest runs each test in a process of its own, so these are the first calls that the library sees but for the
// statistics, which do not start it.
TEST(Threads, TheFirstCallsOfAProcessMayComeAtOnce) {
  const std::uint64_t heaps_before = stats().heaps;
  std::atomic<bool> go = false;
  std::vector<std::thread> threads;
  for (std::size_t id = 0; id < 8; ++id) {
    threads.emplace_back([&go, id] {
      void* foreign = std::malloc(100);
      while (!go) std::this_thread::yield();
      sb_free(id % 2 == 0 ? foreign : nullptr);
      EXPECT_FALSE(sb_owns(&go));
      void* block = sb_malloc(id * 8);
      EXPECT_TRUE(sb_owns(block));
      sb_free(block);
      if (id % 2 != 0) sb_free(foreign);
    });
  }
  go = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(stats().live_bytes, 0U);
  EXPECT_EQ(stats().heaps, heaps_before) << "all threads have exited";
}

TEST(Threads, AnyCallMayBeTheFirstOfAThread) {
  void* block = sb_malloc(100);
  void* batch[3];
  sb_heap* heap = sb_heap_create();
  const auto in_new_thread = [](auto call) { std::thread(call).join(); };
  in_new_thread([&] { EXPECT_GE(sb_usable_size(block), 100U); });
  in_new_thread([&] { EXPECT_NE(block = sb_realloc(block, 400), nullptr); });
  in_new_thread([&] { sb_free(block); });
  in_new_thread([] { sb_free(sb_calloc(3, 5)); });
  in_new_thread([] { sb_free(sb_aligned_alloc(256, 5)); });
  in_new_thread([&] { EXPECT_EQ(sb_malloc_batch(80, 3, batch), 3U); });
  in_new_thread([&] { sb_free_batch(3, batch); });
  in_new_thread([&] { EXPECT_NE(block = sb_heap_alloc(heap, 80), nullptr); });
  in_new_thread([&] { sb_heap_free(heap, block); });
  in_new_thread([] { stats(); });
  in_new_thread([] { EXPECT_EQ(sb_malloc(kTooLarge), nullptr); });
  in_new_thread([&] { sb_heap_destroy(heap); });
  EXPECT_EQ(stats().live_bytes, 0U);
}

pthread_key_t keys[3];
std::atomic<int> destructor_calls;

// Frees what the thread left, allocates, and asks for two further rounds.
void last_words(void* block) {
  thread_local int rounds = 0;
  ++destructor_calls;
  EXPECT_TRUE(holds(block, 64, 5));
  sb_free(block);
  void* last = sb_malloc(200);
  EXPECT_NE(last, nullptr);
  sb_free(last);
  if (++rounds > 6) return;
  for (pthread_key_t key : keys) {
    if (pthread_getspecific(key) != nullptr) continue;
    void* next = sb_malloc(64);
    fill(next, 64, 5);
    pthread_setspecific(key, next);
    return;
  }
}

// Destructors of thread data may run after ours: they still may allocate and free, and nothing is lost.
TEST(Threads, DestructorsOfThreadDataMayAllocate) {
  for (pthread_key_t& key : keys) ASSERT_EQ(pthread_key_create(&key, last_words), 0);
  sb_free(sb_malloc(1));
  const sb_stats before = stats();
  for (int round = 0; round < 50; ++round) {
    std::thread([] {
      for (pthread_key_t key : keys) {
        void* block = sb_malloc(64);
        fill(block, 64, 5);
        pthread_setspecific(key, block);
      }
    }).join();
  }
  EXPECT_EQ(destructor_calls, 50 * 9);
  EXPECT_EQ(blocks_in_use(), blocks_in_use(before));
  EXPECT_EQ(stats().heaps, before.heaps) << "a heap that was made during thread exit must go, too";
  for (pthread_key_t key : keys) pthread_key_delete(key);
}

}  // namespace
}  // namespace smallblock::test
