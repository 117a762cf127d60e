// xdg-open of a file with a redirection in it; see browser.hpp.

#include "cli/view/browser.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "cli/preload_check.hpp"
#include "cli/signals.hpp"
#include "cli/subprocess.hpp"
#include "cli/temporary_folder.hpp"

namespace smallblock::cli {

namespace {

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

// Empty if it cannot be written.
std::string write_redirection(const std::string& url) {
  const auto folder =
      is_set("XDG_RUNTIME_DIR") ? std::filesystem::path(std::getenv("XDG_RUNTIME_DIR")) : temporary_folder();
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
  const sigset_t none = signal_set({});
  const sigset_t ignored = signal_set({SIGPIPE});
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &ignored);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_RDWR, 0);
  const std::vector<std::string> words{"xdg-open", file};
  pid_t pid = -1;
  const int error =
      posix_spawnp(&pid, words.front().c_str(), &actions, &attributes, as_pointers(words).data(), environ);
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
