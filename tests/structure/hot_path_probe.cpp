// Which instructions of a library a malloc or free really executes: single-steps a child that runs on it.
//
//     hot_path_probe LIBRARY
//
// Prints one line per call: the function's name, then the offsets in LIBRARY of the executed instructions, in
// order. Called by check_hot_path.py, which disassembles them. The child is this program again, with LIBRARY
// preloaded; it marks the calls with breakpoints whose register says which call follows. To the preload hook it
// looks like a CPython, before 3.12 in one child and after it in another, so that the hook hands over its
// functions. x86-64 Linux only.
#include <dlfcn.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

// What the hook asks an interpreter for; the layout is CPython's PyMemAllocatorEx.
struct PythonAllocator {
  void* context;
  void* (*malloc)(void* context, std::size_t bytes);
  void* (*calloc)(void* context, std::size_t count, std::size_t bytes);
  void* (*realloc)(void* context, void* block, std::size_t bytes);
  void (*free)(void* context, void* block);
};

namespace {

// Written by the hook before main().
constinit PythonAllocator python_allocator{};
constexpr const char* kVersionVariable = "HOT_PATH_PYTHON_VERSION";
constexpr const char* kWithOneGil = "3.11.0";
constexpr const char* kWithManyGils = "3.12.0";

bool has_one_gil() {
  const char* version = std::getenv(kVersionVariable);
  return version != nullptr && std::strcmp(version, kWithOneGil) == 0;
}

}  // namespace

extern "C" {
[[gnu::visibility("default")]] void PyMem_SetAllocator(int, PythonAllocator* allocator) {
  python_allocator = *allocator;
}
[[gnu::visibility("default")]] const char* Py_GetVersion() {
  return has_one_gil() ? kWithOneGil : kWithManyGils;
}
}

namespace {

// The entry points, in pairs; of operator delete both the plain and the sized one.
struct Pair {
  const char* allocate;
  const char* release;
};
constexpr Pair kPairs[] = {{"malloc", "free"},
                           {"_Znwm", "_ZdlPv"},
                           {"_Znwm", "_ZdlPvm"},
                           {"python_malloc", "python_free"},
                           {"python_malloc_one_gil", "python_free_one_gil"}};
constexpr std::size_t kPythonPair = 3;
constexpr std::size_t kOneGilPair = 4;
constexpr std::size_t kBytes = 24;
constexpr int kRounds = 9;
constexpr std::uint64_t kEndMark = 0;

using Allocate = void*(std::size_t);
using Release = void(void*, std::size_t);  // free ignores the second argument

void mark(std::uint64_t call) {
  asm volatile("int3" : : "D"(call) : "memory");
}

const char* name_of(std::uint64_t call) {
  const Pair& pair = kPairs[(call - 1) / 2];
  return call % 2 == 1 ? pair.allocate : pair.release;
}

void call_pair(const Pair& pair, std::uint64_t first_call) {
  auto* allocate = reinterpret_cast<Allocate*>(dlsym(RTLD_DEFAULT, pair.allocate));
  auto* release = reinterpret_cast<Release*>(dlsym(RTLD_DEFAULT, pair.release));
  mark(first_call);
  void* block = allocate(kBytes);
  mark(kEndMark);
  mark(first_call + 1);
  release(block, kBytes);
  mark(kEndMark);
}

void call_python_pair(std::uint64_t first_call) {
  const PythonAllocator python = python_allocator;
  mark(first_call);
  void* block = python.malloc(python.context, kBytes);
  mark(kEndMark);
  mark(first_call + 1);
  python.free(python.context, block);
  mark(kEndMark);
}

void* allocate_as_usual(bool for_python) {
  return for_python ? python_allocator.malloc(python_allocator.context, kBytes) : std::malloc(kBytes);
}
void release_as_usual(bool for_python, void* block) {
  if (for_python) {
    python_allocator.free(python_allocator.context, block);
  } else {
    std::free(block);
  }
}

// Leaves a magazine that is neither empty nor full, so that what follows are hits.
void warm_up(bool for_python) {
  void* blocks[16];
  for (int round = 0; round < 100; ++round) {
    for (void*& block : blocks) block = allocate_as_usual(for_python);
    for (void* block : blocks) release_as_usual(for_python, block);
  }
  for (int i = 0; i < 3; ++i) blocks[i] = allocate_as_usual(for_python);
  asm volatile("" : : "r"(blocks) : "memory");
}

int run_child() {
  const bool has_python = python_allocator.malloc != nullptr;
  warm_up(false);
  if (has_python) warm_up(true);
  for (int round = 0; round < kRounds; ++round) {
    if (has_one_gil()) {
      if (has_python) call_python_pair(2 * kOneGilPair + 1);
      continue;
    }
    for (std::size_t i = 0; i < kPythonPair; ++i) call_pair(kPairs[i], 2 * i + 1);
    if (has_python) call_python_pair(2 * kPythonPair + 1);
  }
  return 0;
}

[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "hot_path_probe: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

struct Mapping {
  std::uint64_t start = 0, end = 0;
};

// Where the library lies in the child; all its segments as one range.
Mapping find_mapping(pid_t child, const std::string& library) {
  Mapping found;
  const std::string path = "/proc/" + std::to_string(child) + "/maps";
  FILE* maps = std::fopen(path.c_str(), "r");
  if (maps == nullptr) give_up(path.c_str());
  char line[4096];
  while (std::fgets(line, sizeof line, maps) != nullptr) {
    std::string_view text(line);
    if (!text.ends_with('\n') || !text.substr(0, text.size() - 1).ends_with(library)) continue;
    char* rest = nullptr;
    const std::uint64_t start = std::strtoull(line, &rest, 16);
    if (found.end == 0) found.start = start;
    found.end = std::strtoull(rest + 1, nullptr, 16);
  }
  std::fclose(maps);
  return found;
}

// Runs the child to its next breakpoint and returns the call that it announces; false at its end.
bool next_mark(pid_t child, std::uint64_t* call) {
  if (ptrace(PTRACE_CONT, child, nullptr, nullptr) != 0) give_up("PTRACE_CONT");
  int status = 0;
  if (waitpid(child, &status, 0) != child) give_up("waitpid");
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return false;
  if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP) {
    std::fprintf(stderr, "hot_path_probe: the child ended with status 0x%x\n", static_cast<unsigned>(status));
    std::exit(1);
  }
  user_regs_struct registers{};
  if (ptrace(PTRACE_GETREGS, child, nullptr, &registers) != 0) give_up("PTRACE_GETREGS");
  *call = registers.rdi;
  return true;
}

// Steps from one mark to the closing one, whose breakpoint stops the child without advancing past a step.
std::vector<std::uint64_t> step_through(pid_t child, const Mapping& mapping) {
  std::vector<std::uint64_t> offsets;
  for (;;) {
    user_regs_struct registers{};
    if (ptrace(PTRACE_GETREGS, child, nullptr, &registers) != 0) give_up("PTRACE_GETREGS");
    const std::uint64_t at = registers.rip;
    if (at >= mapping.start && at < mapping.end) offsets.push_back(at - mapping.start);
    const long code = ptrace(PTRACE_PEEKTEXT, child, at, nullptr);
    if ((code & 0xff) == 0xcc) return offsets;
    if (ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0) give_up("PTRACE_SINGLESTEP");
    int status = 0;
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) give_up("the child died while it was stepped");
  }
}

void trace_child(pid_t child, const std::string& library) {
  int status = 0;
  if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) give_up("the child did not start");
  std::uint64_t call = kEndMark;
  while (next_mark(child, &call)) {
    if (call == kEndMark || call > 2 * std::size(kPairs)) continue;
    const Mapping mapping = find_mapping(child, library);
    std::printf("%s", name_of(call));
    for (const std::uint64_t offset : step_through(child, mapping)) std::printf(" 0x%lx", offset);
    std::printf("\n");
  }
}

[[noreturn]] void become_child(const char* version, const std::string& library) {
  setenv(kVersionVariable, version, 1);
  setenv("LD_PRELOAD", library.c_str(), 1);
  setenv("LD_BIND_NOW", "1", 1);
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) give_up("PTRACE_TRACEME");
  execl("/proc/self/exe", "hot_path_probe", static_cast<char*>(nullptr));
  give_up("exec");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 1 && std::getenv(kVersionVariable) != nullptr) return run_child();
  if (argc != 2) {
    std::fprintf(stderr, "usage: hot_path_probe LIBRARY\n");
    return 2;
  }
  for (const char* version : {kWithManyGils, kWithOneGil}) {
    std::fflush(stdout);
    const pid_t child = fork();
    if (child < 0) give_up("fork");
    if (child == 0) become_child(version, argv[1]);
    trace_child(child, argv[1]);
  }
  return 0;
}
