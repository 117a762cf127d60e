// The four ways in which a preload fails silently: no dynamic loader, another dynamic loader than ours, and secure
// mode by set-user-id, set-group-id or file capabilities.

#include "cli/preload_check.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>

#include "cli/elf_file.hpp"

namespace smallblock::cli {

namespace {

constexpr int kScriptDepthMax = 5;  // as deep as the kernel follows #!

std::optional<std::string> why_secure_mode(const std::filesystem::path& program) {
  struct stat status;
  if (stat(program.c_str(), &status) != 0) return std::nullopt;
  if ((status.st_mode & S_ISUID) != 0 && status.st_uid != geteuid()) return "it is set-user-id";
  if ((status.st_mode & S_ISGID) != 0 && status.st_gid != getegid()) return "it is set-group-id";
  if (geteuid() != 0 && getxattr(program.c_str(), "security.capability", nullptr, 0) > 0) {
    return "it has file capabilities";
  }
  return std::nullopt;
}

std::string own_loader() {
  const auto head = read_executable_head("/proc/self/exe");
  return head ? std::filesystem::path(head->interpreter).filename().string() : std::string{};
}

std::optional<std::string> why_elf_fails(const std::filesystem::path& program, const std::string& loader) {
  if (loader.empty()) return "it is statically linked";
  const std::string name = std::filesystem::path(loader).filename().string();
  const std::string own = own_loader();
  if (!own.empty() && name != own) return fmt::format("it uses another dynamic loader, {}", loader);
  return why_secure_mode(program);
}

bool is_executable_file(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored) && access(path.c_str(), X_OK) == 0;
}

// The program that a script runs in: its interpreter, or what `env` is asked to start if that is one plain word.
std::optional<std::filesystem::path> next_program(const ExecutableHead& script) {
  const std::filesystem::path interpreter = script.interpreter;
  if (interpreter.filename() == "env" && !script.argument.empty() &&
      script.argument.find_first_of("-= \t") == std::string::npos) {
    return find_program(script.argument);
  }
  return interpreter;
}

}  // namespace

std::optional<std::filesystem::path> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    return is_executable_file(name) ? std::optional<std::filesystem::path>(name) : std::nullopt;
  }
  const char* search = std::getenv("PATH");
  const std::string folders = search != nullptr ? search : "/bin:/usr/bin";
  for (std::size_t begin = 0; begin <= folders.size();) {
    const std::size_t end = std::min(folders.find(':', begin), folders.size());
    const std::filesystem::path folder = begin == end ? "." : folders.substr(begin, end - begin);
    if (is_executable_file(folder / name)) return folder / name;
    begin = end + 1;
  }
  return std::nullopt;
}

bool has_interpreter(const std::filesystem::path& program) {
  std::filesystem::path current = program;
  for (int depth = 0; depth <= kScriptDepthMax; ++depth) {
    const auto head = read_executable_head(current);
    if (!head || head->kind == ExecutableHead::Kind::kOther) return true;  // a shell's, if anybody's
    const bool is_elf = head->kind == ExecutableHead::Kind::kElf;
    if (is_elf && head->interpreter.empty()) return true;  // static
    if (!is_executable_file(head->interpreter)) return false;
    if (is_elf) return true;
    current = head->interpreter;
  }
  return false;
}

std::optional<std::string> why_preload_fails(const std::filesystem::path& program) {
  std::optional<std::filesystem::path> current = program;
  for (int depth = 0; depth <= kScriptDepthMax && current; ++depth) {
    const auto head = read_executable_head(*current);
    if (!head) return std::nullopt;
    if (head->kind == ExecutableHead::Kind::kElf) {
      auto reason = why_elf_fails(*current, head->interpreter);
      if (reason && depth > 0) reason = fmt::format("its interpreter is {}: {}", current->string(), *reason);
      return reason;
    }
    if (head->kind != ExecutableHead::Kind::kScript) return std::nullopt;
    current = next_program(*head);
  }
  return std::nullopt;
}

}  // namespace smallblock::cli
