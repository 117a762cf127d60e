// Raises trims_requested in the process's smallblock_control (heap/control.hpp), sees to it that the process looks
// there (cli/nudge.hpp), and waits for trims_done to follow.
//
// Two commands at once: both may raise it to the same number, and the one trim that follows serves both. A command
// that was held up between its read and its write can put an older number back; a command that still waits sees
// that its own is lost and writes it again. One that does not wait may lose its trim, never the process anything.

#include "cli/trim.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "cli/error.hpp"
#include "cli/nudge.hpp"
#include "cli/target/remote_process.hpp"
#include "heap/control.hpp"
#include "inspect/image/printable.hpp"

namespace smallblock::cli {

namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kControlSymbol = "smallblock_control";
constexpr char kMagic[] = {'s', 'm', 'a', 'l', 'l', 'b', 'l', 'k'};
constexpr std::uint32_t kVersion = 1;
constexpr std::chrono::milliseconds kPollFirst{2};
constexpr std::chrono::milliseconds kPollMax{50};

struct Asked {
  std::uint64_t address;
  std::uint32_t number;  // of the trim that was asked for
};

// The counters wrap around.
bool is_before(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(a - b) < 0;
}

bool has_magic(const std::optional<Control>& control) {
  return control && std::memcmp(control->magic, kMagic, sizeof kMagic) == 0;
}

[[noreturn]] void throw_none(const RemoteProcess& process, const SymbolSearch& search) {
  if (!search.unread_files.empty()) {
    throw Error(kExitNoSmallblock,
                fmt::format("found no smallblock in process {}, but could not read {}: try as root", process.pid(),
                            inspect::printable(fmt::format("{}", fmt::join(search.unread_files, ", ")))));
  }
  throw Error(
      kExitNoSmallblock,
      fmt::format("process {} has no smallblock in it: start it with 'smallblock run', or link it (a static "
                  "program that was stripped hides it)",
                  process.pid()));
}

// The addresses of the controls. There are two where a program that is linked with the library also has it
// preloaded; one of them serves.
std::vector<std::uint64_t> find_controls(const RemoteProcess& process) {
  const SymbolSearch search = process.find_data_symbol(kControlSymbol);
  std::vector<std::uint64_t> addresses;
  std::optional<std::uint32_t> other_version;
  for (const std::uint64_t address : search.addresses) {
    const auto control = process.read<Control>(address);
    if (!has_magic(control)) continue;
    if (control->version == kVersion && control->struct_bytes >= sizeof(Control)) {
      addresses.push_back(address);
    } else {
      other_version = control->version;
    }
  }
  if (!addresses.empty()) return addresses;
  if (!other_version) throw_none(process, search);
  throw Error(
      kExitOtherVersion,
      fmt::format("the smallblock in process {} speaks version {} of this request, this command version {}: "
                  "use the command that came with that library",
                  process.pid(), *other_version, kVersion));
}

// Looked at afresh right before each write: the process may have become another program meanwhile.
Control read_control(const RemoteProcess& process, std::uint64_t address) {
  const auto control = process.read<Control>(address);
  if (has_magic(control)) return *control;
  throw Error(kExitNoProcess,
              fmt::format("process {} has become another program before it trimmed: ask again", process.pid()));
}

void write_number(const RemoteProcess& process, const Asked& asked) {
  process.write(asked.address + offsetof(Control, trims_requested), asked.number);
}

std::vector<Asked> ask(const RemoteProcess& process, const std::vector<std::uint64_t>& addresses) {
  std::vector<Asked> all;
  for (const std::uint64_t address : addresses) {
    const Control control = read_control(process, address);
    all.push_back({address, control.trims_requested.load() + 1});
    write_number(process, all.back());
  }
  nudge_heaps(process);
  return all;
}

bool is_done(const RemoteProcess& process, const std::vector<Asked>& all) {
  bool done = false;
  for (const Asked& asked : all) {
    const Control control = read_control(process, asked.address);
    done = done || !is_before(control.trims_done.load(), asked.number);
    if (is_before(control.trims_requested.load(), asked.number)) write_number(process, asked);
  }
  return done;
}

bool wait_until_done(const RemoteProcess& process, const std::vector<Asked>& all, int wait_ms) {
  const auto deadline = Clock::now() + std::chrono::milliseconds(wait_ms);
  for (auto pause = kPollFirst; !is_done(process, all); pause = std::min(pause * 2, kPollMax)) {
    if (Clock::now() >= deadline) return false;
    std::this_thread::sleep_for(pause);
  }
  return true;
}

double mebibytes(std::uint64_t bytes) {
  return static_cast<double>(bytes) / (1 << 20);
}

}  // namespace

void ask_for_trim(pid_t pid) {
  const RemoteProcess process(pid);
  ask(process, find_controls(process));
}

int run_trim(const TrimRequest& request) {
  const RemoteProcess process(request.pid);
  const auto addresses = find_controls(process);
  const auto bytes_before = process.resident_bytes().value_or(0);
  const auto asked = ask(process, addresses);
  if (request.wait_ms == 0) {
    fmt::print("asked: process {} trims when it next frees or allocates\n", request.pid);
    return 0;
  }
  if (!wait_until_done(process, asked, request.wait_ms)) {
    throw Error(
        kExitPending,
        fmt::format("asked, but process {} has not finished within {} ms: it is still at it, or no thread of it "
                    "frees or allocates, which starts it (with SMALLBLOCK_BACKGROUND=1 it needs none)",
                    request.pid, request.wait_ms));
  }
  const auto bytes_after = process.resident_bytes();
  const std::string after =
      bytes_after ? fmt::format("{:.1f} MiB resident", mebibytes(*bytes_after)) : "process ended";
  fmt::print("trimmed: {:.1f} MiB -> {}\n", mebibytes(bytes_before), after);
  return 0;
}

}  // namespace smallblock::cli
