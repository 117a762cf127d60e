// A program that replaces the four basic forms of operator new and delete and nothing else, as the standard allows:
// every other form must end in these. preload_test runs it with and without the preload library.
//   preload_own_operators --list    prints the names of the cases
//   preload_own_operators NAME      runs one
//
// Its blocks carry a header, so that a block that passes by one of the four is noticed at once.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <new>
#include <vector>

namespace {

struct alignas(64) Header {
  std::size_t magic;
};
constexpr std::size_t kPlain = 0x1234;
constexpr std::size_t kAligned = 0x5678;

long live;
bool refuse;
// Not static: the compiler must not pair new with delete and drop both.
void* volatile passed;

void* make_block(std::size_t bytes, std::size_t magic) {
  auto* header =
      refuse ? nullptr : static_cast<Header*>(std::aligned_alloc(64, sizeof(Header) + (bytes / 64 + 1) * 64));
  if (header == nullptr) throw std::bad_alloc();
  header->magic = magic;
  ++live;
  return header + 1;
}

void release_block(void* block, std::size_t magic) {
  if (block == nullptr) return;
  Header* header = static_cast<Header*>(block) - 1;
  if (header->magic != magic) {
    std::puts("a block without its header");
    std::_Exit(1);
  }
  header->magic = 0;
  --live;
  std::free(header);
}

}  // namespace

void* operator new(std::size_t bytes) {
  return make_block(bytes, kPlain);
}
void operator delete(void* block) noexcept {
  release_block(block, kPlain);
}
void* operator new(std::size_t bytes, std::align_val_t) {
  return make_block(bytes, kAligned);
}
void operator delete(void* block, std::align_val_t) noexcept {
  release_block(block, kAligned);
}

namespace {

constexpr auto kAlignment = std::align_val_t{64};
using std::nothrow;

template <class Make, class Release>
void pair(const char* name, Make make, Release release) {
  const long before = live;
  passed = make();
  const long made = live - before;
  if (passed != nullptr) std::memset(passed, 1, 100);
  release(static_cast<void*>(passed));
  std::printf("%s: %ld made, %ld left\n", name, made, live - before);
}

void plain_forms() {
  const auto make = [] { return operator new(100); };
  const auto make_array = [] { return operator new[](100); };
  pair("sized delete", make, [](void* block) { operator delete(block, 100); });
  pair("nothrow delete", make, [](void* block) { operator delete(block, nothrow); });
  pair("delete[]", make_array, [](void* block) { operator delete[](block); });
  pair("sized delete[]", make_array, [](void* block) { operator delete[](block, 100); });
  pair("nothrow delete[]", make_array, [](void* block) { operator delete[](block, nothrow); });
  pair(
      "nothrow new", [] { return operator new(100, nothrow); }, [](void* block) { operator delete(block); });
  pair(
      "nothrow new[]", [] { return operator new[](100, nothrow); }, [](void* block) { operator delete[](block); });
}

void aligned_forms() {
  const auto make = [] { return operator new(100, kAlignment); };
  const auto make_array = [] { return operator new[](100, kAlignment); };
  const auto release = [](void* block) { operator delete(block, kAlignment); };
  const auto release_array = [](void* block) { operator delete[](block, kAlignment); };
  pair("sized delete", make, [](void* block) { operator delete(block, 100, kAlignment); });
  pair("nothrow delete", make, [](void* block) { operator delete(block, kAlignment, nothrow); });
  pair("delete[]", make_array, release_array);
  pair("sized delete[]", make_array, [](void* block) { operator delete[](block, 100, kAlignment); });
  pair("nothrow delete[]", make_array, [](void* block) { operator delete[](block, kAlignment, nothrow); });
  pair(
      "nothrow new", [] { return operator new(100, kAlignment, nothrow); }, release);
  pair(
      "nothrow new[]", [] { return operator new[](100, kAlignment, nothrow); }, release_array);
}

// The program's own exception comes out of the throwing forms and stays in the others.
void own_refusal() {
  refuse = true;
  std::printf("nothrow new: %s\n", operator new(100, nothrow) == nullptr ? "null" : "a block");
  std::printf("nothrow new[]: %s\n", operator new[](100, nothrow) == nullptr ? "null" : "a block");
  std::printf("aligned: %s\n", operator new(100, kAlignment, nothrow) == nullptr ? "null" : "a block");
  try {
    passed = operator new[](100);
    std::puts("new[]: a block");
  } catch (const std::bad_alloc&) {
    std::puts("new[]: bad_alloc");
  }
}

struct Object {
  char content[48];
};

void many_objects() {
  std::vector<Object*> objects;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 50000; ++i) {
      objects.push_back(new Object);
      std::memset(objects.back()->content, i, sizeof(Object));
    }
    for (Object* object : objects) delete object;
    objects.clear();
  }
  std::printf("live: %ld\n", live - 1);  // the vector's
}

struct Case {
  const char* name;
  void (*run)();
};

const Case kCases[] = {{"plain_forms", plain_forms},
                       {"aligned_forms", aligned_forms},
                       {"own_refusal", own_refusal},
                       {"many_objects", many_objects}};

}  // namespace

int main(int argc, char** argv) {
  for (const Case& one : kCases) {
    if (argc == 2 && std::strcmp(argv[1], "--list") == 0) std::puts(one.name);
    if (argc == 2 && std::strcmp(argv[1], one.name) == 0) one.run();
  }
  return argc == 2 ? 0 : 2;
}
