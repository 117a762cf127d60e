// Taking stacks: without descriptors of our own, and where no thread may be cancelled. Which addresses lie on one.

#include "os/stack.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <iterator>

namespace smallblock {
namespace {

std::ptrdiff_t open_descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

// On fresh pages of the stack, which an unwinder may want to look at first.
[[gnu::noinline]] unsigned capture_deep(int depth) {
  volatile char frame[4096];
  frame[0] = static_cast<char>(depth);
  const void* frames[20];
  const unsigned count = depth == 0 ? os::capture_stack(frames, 20) : capture_deep(depth - 1);
  return count + static_cast<unsigned>(frame[0] == 127);
}

[[gnu::noinline]] std::uintptr_t address_in_a_dead_frame() {
  char local[8192];
  char* volatile address = local;
  return reinterpret_cast<std::uintptr_t>(address);
}

TEST(Stack, IsCapturedWithoutDescriptors) {
  const std::ptrdiff_t before = open_descriptors();
  os::prepare_stacks();
  EXPECT_GT(capture_deep(10), 10U);
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Stack, NobodyIsCancelledWhileItIsLookedAt) {
  os::prepare_stacks();
  static std::atomic<bool> done{false};
  pthread_t thread{};
  const auto look = [](void*) -> void* {
    pthread_cancel(pthread_self());
    capture_deep(10);
    os::is_on_this_stack(reinterpret_cast<const void*>(address_in_a_dead_frame()));
    done = true;
    pthread_testcancel();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, nullptr, look, nullptr), 0);
  void* result = nullptr;
  pthread_join(thread, &result);
  EXPECT_EQ(result, PTHREAD_CANCELED);
  EXPECT_TRUE(done);
}

TEST(Stack, FramesOfFunctionsThatHaveReturnedLieOnIt) {
  EXPECT_TRUE(os::is_on_this_stack(reinterpret_cast<const void*>(address_in_a_dead_frame())));
  const char local = 0;
  EXPECT_TRUE(os::is_on_this_stack(&local));
  static const char elsewhere = 0;
  EXPECT_FALSE(os::is_on_this_stack(&elsewhere));
}

}  // namespace
}  // namespace smallblock
