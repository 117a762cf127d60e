// The first call of a process, whichever it is, starts the engine, so that what the environment says counts for it.
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "support.hpp"

namespace smallblock::test {
namespace {

constexpr std::size_t kLarge = 4 << 20;

struct FirstCall {
  const char* name;
  void* (*call)();
};
void PrintTo(const FirstCall& first, std::ostream* out) {
  *out << first.name;
}

class FirstCalls : public testing::TestWithParam<FirstCall> {};

// In a child, which has called nothing before.
bool is_refused_at_first(void* (*call)()) {
  const pid_t child = fork();
  if (child == 0) {
    setenv("SMALLBLOCK_HARD_LIMIT", "1M", 1);
    errno = 0;
    _exit(call() == nullptr && errno == ENOMEM ? 0 : 1);
  }
  return wait_for(child) == 0;
}

TEST_P(FirstCalls, KeepsTheHardLimitOfTheEnvironment) {
  EXPECT_TRUE(is_refused_at_first(GetParam().call));
}

void* batch_of_one() {
  void* block = nullptr;
  sb_malloc_batch(kLarge, 1, &block);
  return block;
}

INSTANTIATE_TEST_SUITE_P(Each, FirstCalls,
                         testing::Values(FirstCall{"malloc", [] { return sb_malloc(kLarge); }},
                                         FirstCall{"calloc", [] { return sb_calloc(4, kLarge / 4); }},
                                         FirstCall{"realloc", [] { return sb_realloc(nullptr, kLarge); }},
                                         FirstCall{"aligned_alloc", [] { return sb_aligned_alloc(4096, kLarge); }},
                                         FirstCall{"batch", batch_of_one}),
                         [](const auto& tested) { return std::string(tested.param.name); });

// Nothing but the first call would say that the address is no block: the malloc below does not know it.
TEST(FirstFree, OfAForeignAddressIsNamedInCheckMode) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer's own report comes first";
  static char no_block[64];
  EXPECT_DEATH(
      {
        setenv("SMALLBLOCK_CHECK", "1", 1);
        sb_free(no_block + 16);
      },
      "smallblock: free of 0x[0-9a-f]+");
}

}  // namespace
}  // namespace smallblock::test
