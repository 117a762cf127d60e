// /proc/PID for what is mapped, process_vm_readv and process_vm_writev for the memory.
//
// A symbol's address is found without the load bias: it lies in the writable mapping that holds its file offset.

#include "cli/target/remote_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <map>

#include "cli/error.hpp"
#include "cli/target/remote_symbol.hpp"
#include "cli/target/task_state.hpp"

namespace smallblock::cli {

namespace {

constexpr const char* kDeleted = " (deleted)";

// Nothing, and errno, if it cannot be opened or read.
std::optional<std::string> read_file(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  std::string text;
  std::array<char, 65536> part;
  ssize_t bytes = 0;
  while ((bytes = read(file, part.data(), part.size())) > 0)
    text.append(part.data(), static_cast<std::size_t>(bytes));
  const int error = errno;
  close(file);
  errno = error;
  return bytes < 0 ? std::nullopt : std::optional<std::string>(text);
}

// The number after "KEY" in a file of lines "KEY  NUMBER ...".
std::optional<std::uint64_t> number_after(const std::string& text, const std::string& key) {
  const auto begin = ("\n" + text).find("\n" + key);
  if (begin == std::string::npos) return std::nullopt;
  std::uint64_t number = 0;
  if (std::sscanf(text.c_str() + begin + key.size(), "%" SCNu64, &number) != 1) return std::nullopt;
  return number;
}

// As the kernel judges it: the real user id counts, and Yama's scope among processes of one user.
std::string why_refused(pid_t pid) {
  const auto status = read_file(fmt::format("/proc/{}/status", pid));
  const auto owner = status ? number_after(*status, "Uid:") : std::nullopt;
  if (getuid() != 0 && (!owner || *owner != getuid()))
    return "it belongs to another user: do this as that user or as root";
  const auto scope = read_file("/proc/sys/kernel/yama/ptrace_scope");
  if (scope && scope->starts_with("3")) return "kernel.yama.ptrace_scope is 3: nobody may until the next start";
  if (scope && !scope->starts_with("0")) {
    return "kernel.yama.ptrace_scope is not 0: do this as root, or set it with 'sysctl kernel.yama.ptrace_scope=0'";
  }
  return "the system protects it: do this as root, in a container with the capability SYS_PTRACE";
}

// /proc may be mounted so that it hides the processes of other users.
int why_not_listed(pid_t pid) {
  return kill(pid, 0) != 0 && errno == EPERM ? EPERM : ESRCH;
}

}  // namespace

RemoteProcess::RemoteProcess(pid_t pid) : pid_(pid), thread_(reading_thread(pid)) {
  const auto maps = read_file(proc_file("maps"));
  if (!maps) throw_refused(errno == ENOENT ? why_not_listed(pid) : errno);
  // One that has ended and was not waited for is still listed.
  if (maps->empty() && has_ended(pid, thread_)) throw_refused(ESRCH);
  mappings_ = parse_mappings(*maps);
}

SymbolSearch RemoteProcess::find_data_symbol(const char* name) const {
  SymbolSearch search;
  std::map<std::string, std::optional<std::uint64_t>> offsets;
  for (const Mapping& mapping : mappings_) {
    if (!mapping.holds_data || !mapping.path.starts_with('/')) continue;
    const auto [entry, is_new] = offsets.try_emplace(mapping.path);
    if (is_new) {
      const int file = open_mapped_file(mapping);
      if (file < 0) {
        search.unread_files.push_back(mapping.path);
        continue;
      }
      entry->second = data_symbol_offset(file, name);
      close(file);
    }
    if (!entry->second || *entry->second < mapping.file_offset) continue;
    const std::uint64_t address = mapping.begin + (*entry->second - mapping.file_offset);
    if (address < mapping.end) search.addresses.push_back(address);
  }
  return search;
}

// map_files leads to the mapped file itself, whatever its name means by now and wherever, but is open to root
// alone.
int RemoteProcess::open_mapped_file(const Mapping& mapping) const {
  const std::array<std::string, 2> names{
      proc_file(fmt::format("map_files/{:x}-{:x}", mapping.begin, mapping.end)),
      mapping.path.ends_with(kDeleted) ? std::string() : proc_file("root") + mapping.path};
  for (const std::string& name : names) {
    struct stat status;
    // Opening a device can do things.
    if (name.empty() || stat(name.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    const int file = open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file >= 0) return file;
  }
  return -1;
}

std::optional<std::uint64_t> RemoteProcess::resident_bytes() const {
  if (const auto rollup = read_file(proc_file("smaps_rollup"))) {
    if (const auto resident_kib = number_after(*rollup, "Rss:")) return *resident_kib * 1024;
  }
  const auto status = read_file(proc_file("status"));
  const auto resident_kib = status ? number_after(*status, "VmRSS:") : std::nullopt;
  return resident_kib ? std::optional(*resident_kib * 1024) : std::nullopt;
}

void RemoteProcess::read_pieces(std::span<inspect::Piece> pieces) const {
  int error = read_process_memory(thread_, pieces);
  if (error == ESRCH && find_other_thread()) error = read_process_memory(thread_, pieces);
  if (error != 0) throw_refused(error);
}

std::vector<std::uint64_t> RemoteProcess::find_symbol(const char* name) const {
  std::vector<std::uint64_t> addresses;
  std::map<std::string, std::optional<SymbolPlace>> places;
  for (const Mapping& mapping : mappings_) {
    if (!mapping.path.starts_with('/')) continue;
    const auto [entry, is_new] = places.try_emplace(mapping.path);
    if (is_new) {
      const int file = open_mapped_file(mapping);
      if (file < 0) continue;
      entry->second = data_symbol_place(file, name);
      close(file);
    }
    // The mapping that the file begins with says where it was loaded.
    if (entry->second && mapping.file_offset == entry->second->first_offset)
      addresses.push_back(mapping.begin + (entry->second->value - entry->second->first_value));
  }
  return addresses;
}

std::vector<inspect::MappedFile> RemoteProcess::mappings() const {
  return mapped_files(mappings_);
}

// Anonymous memory, in memory or in swap, and as much more as it may well write while it is looked at.
std::uint64_t RemoteProcess::written_bytes() const {
  constexpr std::uint64_t kMeanwhileBytes = 16 << 20;
  const auto status = read_file(proc_file("status")).value_or("");
  const auto bytes_after = [&status](const char* key) { return number_after(status, key).value_or(0) * 1024; };
  // Kernels before 4.5 do not tell anonymous memory from that of files.
  const auto in_memory = bytes_after(status.find("\nRssAnon:") == std::string::npos ? "VmRSS:" : "RssAnon:");
  return in_memory + bytes_after("VmSwap:") + kMeanwhileBytes;
}

bool RemoteProcess::write_bytes(std::uint64_t address, const void* source, std::size_t bytes) const {
  const iovec here{const_cast<void*>(source), bytes};
  const iovec there{reinterpret_cast<void*>(address), bytes};
  const ssize_t done = process_vm_writev(thread_, &here, 1, &there, 1, 0);
  if (done < 0 && errno != EFAULT) throw_refused(errno);
  return done == static_cast<ssize_t>(bytes);
}

// The thread by which it was read may end before the process.
bool RemoteProcess::find_other_thread() const {
  const pid_t before = thread_;
  thread_ = reading_thread(pid_);
  return thread_ != before;
}

void RemoteProcess::throw_refused(int error) const {
  if (error == ESRCH) throw Error(kExitNoProcess, fmt::format("there is no process {} (any more)", pid_));
  if (error == EPERM || error == EACCES) {
    throw Error(kExitNoPermission, fmt::format("may not look into process {}: {}", pid_, why_refused(pid_)));
  }
  throw Error(kExitProblem, fmt::format("cannot look into process {}: {}", pid_, std::strerror(error)));
}

std::string RemoteProcess::proc_file(const std::string& name) const {
  return fmt::format("/proc/{}/{}", thread_.load(), name);
}

}  // namespace smallblock::cli
