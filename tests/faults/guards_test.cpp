// Check mode: writes past the end, before the start and after free, of every size class, each in a child that must
// end with the exact message: of the byte, the block, and its size as it was asked for.

#include <gtest/gtest.h>
#include <smallblock/smallblock.h>
#include <sys/wait.h>

#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include "child.hpp"
#include "core/region.hpp"

namespace smallblock::test {
namespace {

constexpr char kPastEnd[] = "write past the end of";
constexpr char kBeforeStart[] = "write before the start of";
constexpr char kAfterFree[] = "write after free to";

// Sizes that fill a class to the last byte with its frame, that leave most of a class, and that are the next
// allocator's.
std::vector<Bytes> sizes() {
  std::vector<Bytes> all;
  for (unsigned index = 2; index <= kClassCount; ++index) {
    all.push_back(kSizeClasses[index].block_bytes - 17);
    all.push_back(kSizeClasses[index - 1].block_bytes - 16);
  }
  all.push_back(33000);
  all.push_back(100001);
  return all;
}

char* make(Bytes bytes) {
  auto* block = static_cast<char*>(sb_malloc(bytes));
  std::memset(block, 0x11, bytes);
  return block;
}

std::string line(const char* what, const char* block, Bytes bytes, long byte, unsigned value) {
  char text[200];
  std::snprintf(text, sizeof text, "smallblock: %s %p, a %sblock of %lu bytes from malloc: byte %ld is 0x%02x\n",
                what, static_cast<const void*>(block), what == kAfterFree ? "freed " : "", bytes, byte, value);
  return text;
}

class Guards : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(sb_check_enable(), 0); }

  void dies_with(const std::string& wanted, const std::function<void()>& misuse) {
    const Outcome outcome = in_child([&] {
      // Without the symbols, which take a tenth of a second: no file can be opened.
      const rlimit no_files{3, 3};
      setrlimit(RLIMIT_NOFILE, &no_files);
      misuse();
      return 0;
    });
    ++tried_;
    EXPECT_TRUE(outcome.died_of(SIGABRT) && outcome.text.starts_with(wanted)) << outcome << "; wanted: " << wanted;
  }
  void TearDown() override { std::printf("%d tried\n", tried_); }

  int tried_ = 0;
};

TEST_F(Guards, FindEveryDoubleFree) {
  unsigned turn = 0;
  for (const Bytes bytes : sizes()) {
    char* block = make(bytes);
    std::vector<char*> others(64);
    for (char*& other : others) other = make(bytes);
    char wanted[200];
    std::snprintf(wanted, sizeof wanted, "smallblock: double free of %p, a freed block of %lu bytes from malloc\n",
                  static_cast<void*>(block), bytes);
    dies_with(wanted, [&] {
      switch (turn++ % 4) {
        case 0:
          sb_free(block);
          break;
        case 1:
          sb_free(block);
          for (char* other : others) sb_free(other);
          break;
        case 2:
          std::thread([block] { sb_free(block); }).join();
          break;
        default:
          require(sb_realloc(block, bytes + 1) != block, "a resize moves");
      }
      sb_free(block);
    });
    if (HasFailure()) return;
  }
}

TEST_F(Guards, FindEveryInteriorPointer) {
  for (const Bytes bytes : sizes()) {
    char* block = make(bytes);
    for (const Bytes offset : {Bytes{1}, Bytes{8}, Bytes{16}, bytes / 2, bytes - 1}) {
      if (offset == 0 || offset >= bytes) continue;
      char wanted[100];
      std::snprintf(wanted, sizeof wanted, "smallblock: free of %p, ", static_cast<void*>(block + offset));
      dies_with(wanted, [&] { sb_free(block + offset); });
    }
    if (HasFailure()) return;
  }
}

using Find = void (*)(char* block);
constexpr Find kFinders[] = {
    [](char* block) { sb_free(block); },
    [](char* block) { sb_realloc(block, 5); },
};

TEST_F(Guards, FindEveryOverrun) {
  unsigned turn = 0;
  for (const Bytes bytes : sizes()) {
    char* before = make(bytes);
    char* block = make(bytes);
    char* after = make(bytes);
    // Neighbours that live, and that are free.
    if (turn % 2 == 0) sb_free(before);
    if (turn % 2 == 0) sb_free(after);
    for (const unsigned value : {0x00U, 0xFFU, 0x5CU}) {
      const Find find = kFinders[turn++ % 2];
      dies_with(line(kPastEnd, block, bytes, static_cast<long>(bytes), value), [&] {
        block[bytes] = static_cast<char>(value);
        find(block);
      });
    }
    for (const Bytes more : {8UL, 32UL}) {
      dies_with(line(kPastEnd, block, bytes, static_cast<long>(bytes), 0x77), [&] {
        std::memset(block + bytes, 0x77, more);
        sb_free(block);
      });
    }
    if (HasFailure()) return;
  }
}

// The first block of an arena, of a pool, and one in the middle.
TEST_F(Guards, FindEveryUnderrun) {
  for (const Bytes bytes : {1UL, 31UL, 100UL, 480UL, 600UL, 5000UL, 30000UL, 50000UL}) {
    std::vector<char*> blocks(300);
    for (char*& block : blocks) block = make(bytes);
    for (const std::size_t which : {std::size_t{0}, std::size_t{1}, blocks.size() / 2}) {
      char* block = blocks[which];
      for (long distance = 1; distance <= 16; distance += distance < 4 ? 1 : 4) {
        dies_with(line(kBeforeStart, block, bytes, -distance, 0x21), [&] {
          block[-distance] = 0x21;
          sb_free(block);
        });
      }
    }
    if (HasFailure()) return;
    for (char* block : blocks) sb_free(block);
  }
}

void reuse(char*) {
  // More than the quarantine holds.
  for (int i = 0; i < 1000; ++i) sb_free(sb_malloc(20000));
}

void purge(char*) {
  sb_trim();
}

void fork_and_trim(char*) {
  const pid_t child = fork();
  if (child == 0) {
    sb_trim();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) {
    // As the child ended.
    signal(WTERMSIG(status), SIG_DFL);
    raise(WTERMSIG(status));
  }
}

TEST_F(Guards, FindEveryWriteAfterFree) {
  unsigned turn = 0;
  for (const Bytes bytes : sizes()) {
    // Each takes some milliseconds.
    if (turn++ % 4 != 0 && bytes < 30000) continue;
    for (const Bytes offset : {Bytes{0}, Bytes{8}, bytes - 1}) {
      if (offset >= bytes) continue;
      char* block = make(bytes);
      constexpr Find kLater[] = {reuse, purge, fork_and_trim};
      const Find later = kLater[tried_ % 3];
      dies_with(line(kAfterFree, block, bytes, static_cast<long>(offset), 0x21), [&] {
        sb_free(block);
        block[offset] = 0x21;
        later(block);
      });
      sb_free(block);
    }
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace smallblock::test
