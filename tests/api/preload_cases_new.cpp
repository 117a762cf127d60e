// operator new and delete under the preload: every replaceable form, and what happens when memory runs out.
#include <malloc.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <new>

#include "preload_helper.hpp"

namespace smallblock::preload {
namespace {

using std::align_val_t;
using std::nothrow;

const std::size_t kSizes[] = {0, 1, 16, 24, 100, 512, 100000};

// Blocks of every form of new go back through every form of delete that fits.
void scalar_forms() {
  for (std::size_t bytes : kSizes) {
    void* blocks[] =
        {operator new(bytes), operator new(bytes), operator new(bytes, nothrow), operator new(bytes, nothrow)};
    for (void* block : blocks) {
      REQUIRE(good(block, bytes) && ours(block) == (bytes <= small_limit()));
      std::memset(block, 1, bytes);
    }
    operator delete(blocks[0]);
    operator delete(blocks[1], bytes);
    operator delete(blocks[2], nothrow);
    operator delete(blocks[3]);
  }
}

void array_forms() {
  for (std::size_t bytes : kSizes) {
    void* blocks[] = {operator new[](bytes), operator new[](bytes), operator new[](bytes, nothrow),
                                                                    operator new[](bytes, nothrow)};
    for (void* block : blocks) {
      REQUIRE(good(block, bytes) && ours(block) == (bytes <= small_limit()));
      std::memset(block, 1, bytes);
    }
    operator delete[](blocks[0]);
    operator delete[](blocks[1], bytes);
    operator delete[](blocks[2], nothrow);
    operator delete[](blocks[3]);
  }
}

void aligned_scalar_forms() {
  for (std::size_t number = 1; number <= 8192; number *= 2) {
    const auto alignment = static_cast<align_val_t>(number);
    for (std::size_t bytes : kSizes) {
      void* blocks[] =
          {operator new(bytes, alignment), operator new(bytes, alignment), operator new(bytes, alignment, nothrow)};
      for (void* block : blocks) {
        REQUIRE(good(block, bytes, number));
        if (number <= 64 && bytes <= 256) REQUIRE(ours(block));
        std::memset(block, 1, bytes);
      }
      operator delete(blocks[0], alignment);
      operator delete(blocks[1], bytes, alignment);
      operator delete(blocks[2], alignment, nothrow);
    }
  }
}

void aligned_array_forms() {
  for (std::size_t number = 1; number <= 8192; number *= 2) {
    const auto alignment = static_cast<align_val_t>(number);
    for (std::size_t bytes : kSizes) {
      void* blocks[] = {operator new[](bytes, alignment), operator new[](bytes, alignment),
                                                          operator new[](bytes, alignment, nothrow)};
      for (void* block : blocks) {
        REQUIRE(good(block, bytes, number));
        if (number <= 64 && bytes <= 256) REQUIRE(ours(block));
        std::memset(block, 1, bytes);
      }
      operator delete[](blocks[0], alignment);
      operator delete[](blocks[1], bytes, alignment);
      operator delete[](blocks[2], alignment, nothrow);
    }
  }
}

void delete_of_null() {
  constexpr auto kAlignment = align_val_t{64};
  operator delete(nullptr);
  operator delete(nullptr, 10);
  operator delete(nullptr, nothrow);
  operator delete(nullptr, kAlignment);
  operator delete(nullptr, 10, kAlignment);
  operator delete(nullptr, kAlignment, nothrow);
  operator delete[](nullptr);
  operator delete[](nullptr, 10);
  operator delete[](nullptr, nothrow);
  operator delete[](nullptr, kAlignment);
  operator delete[](nullptr, 10, kAlignment);
  operator delete[](nullptr, kAlignment, nothrow);
}

struct Base {
  virtual ~Base() = default;
  std::array<char, 40> data{};
};
struct alignas(128) Derived : Base {
  std::array<char, 200> more{};
};

void expressions() {
  for (int i = 0; i < 1000; ++i) {
    Base* object = new Derived;
    REQUIRE(good(object, sizeof(Derived), 128) && ours(object));
    delete object;
    auto* array = new long[static_cast<std::size_t>(i) % 60];
    REQUIRE(ours(array));
    delete[] array;
  }
}

template <class Call>
bool throws_bad_alloc(Call call) {
  try {
    call();
  } catch (const std::bad_alloc&) {
    return true;
  }
  return false;
}

void failure_throws() {
  const std::size_t bytes = impossible_size();
  constexpr auto kAlignment = align_val_t{64};
  REQUIRE(throws_bad_alloc([=] { keep(operator new(bytes)); }));
  REQUIRE(throws_bad_alloc([=] { keep(operator new[](bytes)); }));
  REQUIRE(throws_bad_alloc([=] { keep(operator new(bytes, kAlignment)); }));
  REQUIRE(throws_bad_alloc([=] { keep(operator new[](bytes, kAlignment)); }));
  REQUIRE(operator new(bytes, nothrow) == nullptr);
  REQUIRE(operator new[](bytes, nothrow) == nullptr);
  REQUIRE(operator new(bytes, kAlignment, nothrow) == nullptr);
  REQUIRE(operator new[](bytes, kAlignment, nothrow) == nullptr);
}

int handler_calls;

// Gives up at the third call, as a handler does that has nothing left to release.
void counting_handler() {
  if (++handler_calls == 3) std::set_new_handler(nullptr);
}

struct OutOfMemory : std::bad_alloc {};

template <class Call>
int calls_of_handler(Call call) {
  handler_calls = 0;
  std::set_new_handler(counting_handler);
  call();
  return handler_calls;
}

void new_handler() {
  const std::size_t bytes = impossible_size();
  constexpr auto kAlignment = align_val_t{64};
  const auto throwing = [=] { REQUIRE(throws_bad_alloc([=] { keep(operator new(bytes)); })); };
  REQUIRE(calls_of_handler(throwing) == 3);
  const auto aligned = [=] { REQUIRE(throws_bad_alloc([=] { keep(operator new[](bytes, kAlignment)); })); };
  REQUIRE(calls_of_handler(aligned) == 3);
  REQUIRE(calls_of_handler([=] { REQUIRE(operator new(bytes, nothrow) == nullptr); }) == 3);
  REQUIRE(calls_of_handler([=] { REQUIRE(operator new(bytes, kAlignment, nothrow) == nullptr); }) == 3);

  std::set_new_handler([] { throw OutOfMemory(); });
  bool own_exception = false;
  try {
    keep(operator new(bytes));
  } catch (const OutOfMemory&) {
    own_exception = true;
  }
  REQUIRE(own_exception);
  REQUIRE(operator new(bytes, nothrow) == nullptr);
}

const Case kCases[] = {{"new_scalar_forms", scalar_forms},
                       {"new_array_forms", array_forms},
                       {"new_aligned_scalar_forms", aligned_scalar_forms},
                       {"new_aligned_array_forms", aligned_array_forms},
                       {"delete_of_null", delete_of_null},
                       {"new_expressions", expressions},
                       {"new_failure_throws", failure_throws},
                       {"new_handler", new_handler}};

}  // namespace

std::span<const Case> new_cases() {
  return kCases;
}

}  // namespace smallblock::preload
