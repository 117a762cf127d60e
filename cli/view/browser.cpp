// xdg-open of a file with a redirection in it; see browser.hpp.

#include "cli/view/browser.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "cli/preload_check.hpp"

namespace smallblock::cli {

namespace {

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

// Empty if it cannot be written.
std::string write_redirection(const std::string& url) {
  std::error_code ignored;
  const auto folder = is_set("XDG_RUNTIME_DIR") ? std::filesystem::path(std::getenv("XDG_RUNTIME_DIR"))
                                                : std::filesystem::temp_directory_path(ignored);
  constexpr std::string_view kSuffix = ".html";
  std::string name = (folder / "smallblock-view-XXXXXX").string() + std::string(kSuffix);
  const int file = mkostemps(name.data(), kSuffix.size(), O_CLOEXEC);
  if (file < 0) return {};
  const std::string text = fmt::format("<!doctype html><meta http-equiv=\"refresh\" content=\"0;url={}\">\n", url);
  const bool is_written = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(file);
  if (is_written) return name;
  unlink(name.c_str());
  return {};
}

// The signals that this command waits for, and what the HTTP library ignores, are not the browser's: it may stay.
bool start_xdg_open(const std::string& file) {
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  sigaddset(&signals, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_RDWR, 0);
  std::array<std::string, 2> words{"xdg-open", file};
  std::array<char*, 3> arguments{words[0].data(), words[1].data(), nullptr};
  pid_t pid = -1;
  const int error = posix_spawnp(&pid, arguments.front(), &actions, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return error == 0;
}

}  // namespace

std::optional<Browser> Browser::open(const std::string& url) {
  if (!is_set("DISPLAY") && !is_set("WAYLAND_DISPLAY")) return std::nullopt;
  if (!find_program("xdg-open")) return std::nullopt;
  Browser browser(write_redirection(url));
  if (browser.file_.empty() || !start_xdg_open(browser.file_)) return std::nullopt;
  return browser;
}

Browser::~Browser() {
  if (!file_.empty()) unlink(file_.c_str());
}

}  // namespace smallblock::cli
