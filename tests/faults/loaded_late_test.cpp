// The library loaded by dlopen: again and again, unloaded with blocks and threads alive, and twice in one process.

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <thread>
#include <vector>

#include "child.hpp"

namespace smallblock::test {
namespace {

// SMALLBLOCK_LIBRARY: the shared library's path.
struct Library {
  void* handle;
  void* (*malloc)(std::size_t);
  void (*free)(void*);
  bool (*owns)(const void*);
};

Library load(const char* path) {
  void* handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) std::fprintf(stderr, "%s\n", dlerror());
  require(handle != nullptr, "the library loads");
  const auto find = [handle](const char* name) { return dlsym(handle, name); };
  return {handle, reinterpret_cast<void* (*)(std::size_t)>(find("sb_malloc")),
          reinterpret_cast<void (*)(void*)>(find("sb_free")),
          reinterpret_cast<bool (*)(const void*)>(find("sb_owns"))};
}

TEST(LoadedLate, AThousandTimesWithLiveBlocksAndThreads) {
  const Outcome outcome = in_child([] {
    std::vector<char*> blocks;
    std::vector<std::thread> threads;
    for (int round = 0; round < 1000; ++round) {
      const Library library = load(SMALLBLOCK_LIBRARY);
      auto* block = static_cast<char*>(library.malloc(100));
      require(library.owns(block), "its blocks are its own");
      std::memset(block, round & 0xff, 100);
      blocks.push_back(block);
      // Its heap must go home at the thread's end, whoever has the library open then.
      if (round % 50 == 0) threads.emplace_back([library] { library.free(library.malloc(50)); });
      require(dlclose(library.handle) == 0, "the library can be closed");
    }
    for (std::thread& thread : threads) thread.join();
    const Library library = load(SMALLBLOCK_LIBRARY);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      require(static_cast<unsigned char>(blocks[i][99]) == (i & 0xff), "blocks outlive dlclose");
      library.free(blocks[i]);
    }
    return 0;
  });
  EXPECT_TRUE(outcome.exited_with(0)) << outcome;
}

TEST(LoadedLate, TwoCopiesKeepTheirBlocksApart) {
  const std::filesystem::path copy =
      std::filesystem::temp_directory_path() / ("smallblock_copy_" + std::to_string(getpid()) + ".so");
  std::filesystem::copy_file(SMALLBLOCK_LIBRARY, copy);
  const Outcome outcome = in_child([&copy] {
    const Library one = load(SMALLBLOCK_LIBRARY);
    const Library other = load(copy.c_str());
    require(one.malloc != other.malloc, "there are two");
    std::vector<void*> ours;
    std::vector<void*> theirs;
    for (std::size_t i = 0; i < 5000; ++i) {
      ours.push_back(one.malloc(1 + i * 7 % 3000));
      theirs.push_back(other.malloc(1 + i * 7 % 3000));
      require(one.owns(ours.back()) && !other.owns(ours.back()), "a block is its own copy's");
      require(other.owns(theirs.back()) && !one.owns(theirs.back()), "and the other's the other's");
    }
    std::thread([&] {
      for (void* block : ours) one.free(block);
      for (void* block : theirs) other.free(block);
    }).join();
    const pid_t child = fork();
    if (child == 0) {
      other.free(other.malloc(30));
      one.free(one.malloc(30));
      _exit(0);
    }
    int status = -1;
    require(waitpid(child, &status, 0) == child && status == 0, "both survive a fork");
    return 0;
  });
  std::filesystem::remove(copy);
  EXPECT_TRUE(outcome.exited_with(0)) << outcome;
}

}  // namespace
}  // namespace smallblock::test
