// Which instructions of a library a malloc or free really executes: single-steps a child that runs on it.
//
//     hot_path_probe LIBRARY [NAME=OFFSET ...]
//
// Prints one line per call: the function's name, then the offsets in LIBRARY of the executed instructions, in
// order. Called by check_hot_path.py, which disassembles them. NAME=OFFSET: where a function that LIBRARY does not
// export lies. The child is this program again, with LIBRARY preloaded; it marks the calls with breakpoints whose
// register says which call follows. x86-64 Linux only.
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

namespace {

// The entry points, in pairs; of operator delete both the plain and the sized one.
struct Pair {
  const char* allocate;
  const char* release;
  bool has_context;  // CPython's functions take a pointer of the allocator's own first
};
constexpr Pair kPairs[] = {{"malloc", "free", false},
                           {"_Znwm", "_ZdlPv", false},
                           {"_Znwm", "_ZdlPvm", false},
                           {"python_malloc", "python_free", true}};
constexpr std::size_t kBytes = 24;
constexpr int kRounds = 9;
constexpr std::uint64_t kEndMark = 0;

using Allocate = void*(std::size_t);
using Release = void(void*, std::size_t);  // free ignores the second argument
using AllocateInContext = void*(void*, std::size_t);
using ReleaseInContext = void(void*, void*);

void mark(std::uint64_t call) {
  asm volatile("int3" : : "D"(call) : "memory");
}

const char* name_of(std::uint64_t call) {
  const Pair& pair = kPairs[(call - 1) / 2];
  return call % 2 == 1 ? pair.allocate : pair.release;
}

// An exported function, or the one at the offset that the environment gives; null if there is neither.
void* find_function(const char* name) {
  if (void* exported = dlsym(RTLD_DEFAULT, name)) return exported;
  const char* offset = std::getenv(name);
  Dl_info info{};
  if (offset == nullptr || dladdr(dlsym(RTLD_DEFAULT, "malloc"), &info) == 0) return nullptr;
  return static_cast<char*>(info.dli_fbase) + std::strtoul(offset, nullptr, 0);
}

void call_pair(const Pair& pair, std::uint64_t first_call) {
  void* allocate = find_function(pair.allocate);
  void* release = find_function(pair.release);
  if (allocate == nullptr || release == nullptr) return;
  void* block = nullptr;
  mark(first_call);
  if (pair.has_context) {
    block = reinterpret_cast<AllocateInContext*>(allocate)(nullptr, kBytes);
  } else {
    block = reinterpret_cast<Allocate*>(allocate)(kBytes);
  }
  mark(kEndMark);
  mark(first_call + 1);
  if (pair.has_context) {
    reinterpret_cast<ReleaseInContext*>(release)(nullptr, block);
  } else {
    reinterpret_cast<Release*>(release)(block, kBytes);
  }
  mark(kEndMark);
}

// Leaves a magazine that is neither empty nor full, so that what follows are hits.
void warm_up() {
  void* blocks[16];
  for (int round = 0; round < 100; ++round) {
    for (void*& block : blocks) block = std::malloc(kBytes);
    for (void* block : blocks) std::free(block);
  }
  for (int i = 0; i < 3; ++i) blocks[i] = std::malloc(kBytes);
  asm volatile("" : : "r"(blocks) : "memory");
}

int run_child() {
  warm_up();
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < std::size(kPairs); ++i) call_pair(kPairs[i], 2 * i + 1);
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

int trace_child(pid_t child, const std::string& library) {
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
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 1 && std::getenv("HOT_PATH_CHILD") != nullptr) return run_child();
  if (argc < 2) {
    std::fprintf(stderr, "usage: hot_path_probe LIBRARY [NAME=OFFSET ...]\n");
    return 2;
  }
  const std::string library = argv[1];
  const pid_t child = fork();
  if (child < 0) give_up("fork");
  if (child != 0) return trace_child(child, library);

  for (int i = 2; i < argc; ++i) {
    const std::string option = argv[i];
    const std::size_t equals = option.find('=');
    setenv(option.substr(0, equals).c_str(), option.substr(equals + 1).c_str(), 1);
  }
  setenv("HOT_PATH_CHILD", "1", 1);
  setenv("LD_PRELOAD", library.c_str(), 1);
  setenv("LD_BIND_NOW", "1", 1);
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) give_up("PTRACE_TRACEME");
  execl("/proc/self/exe", "hot_path_probe", static_cast<char*>(nullptr));
  give_up("exec");
}
