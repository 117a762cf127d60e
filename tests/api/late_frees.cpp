// Threads that allocate nothing and free only after their exit handlers have run: glibc frees the thread-local
// memory of other threads there, when it gives cached stacks up. Run under the preload; no heap may stay behind.

#include <dlfcn.h>
#include <pthread.h>
#include <smallblock/smallblock.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>

namespace {

constexpr std::uint64_t kHeapsMax = 30;

void* idle(void* value) {
  usleep(1000);
  return value;
}

}  // namespace

int main() {
  const auto get = reinterpret_cast<int (*)(sb_stats*, std::size_t)>(dlsym(RTLD_DEFAULT, "sb_stats_get"));
  if (get == nullptr) {
    std::fputs("late_frees: smallblock is not preloaded\n", stderr);
    return 2;
  }
  pthread_attr_t detached;
  pthread_attr_init(&detached);
  pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
  for (int burst = 0; burst < 100; ++burst) {
    for (int i = 0; i < 20; ++i) {
      pthread_t thread{};
      if (pthread_create(&thread, &detached, idle, nullptr) != 0) return 2;
    }
    usleep(4000);
  }
  usleep(50000);
  sb_stats stats;
  get(&stats, sizeof stats);
  std::printf("late_frees: 2000 threads, %lu heaps\n", stats.heaps);
  return stats.heaps <= kHeapsMax ? 0 : 1;
}
