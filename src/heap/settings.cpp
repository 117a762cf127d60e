// Reading the environment; see settings.hpp.

#include "heap/settings.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "core/region.hpp"
#include "heap/background.hpp"
#include "heap/check_hook.hpp"
#include "heap/limits.hpp"
#include "heap/memory_return.hpp"
#include "heap/sample_hook.hpp"
#include "os/memory_tool.hpp"
#include "os/port.hpp"

namespace smallblock {

namespace {

void refuse(const char* name, const char* text, const char* wanted) noexcept {
  constexpr int kTextShown = 80;
  char line[256];
  const char* rest = std::strlen(text) > kTextShown ? "..." : "";
  const int length = std::snprintf(line, sizeof line, "smallblock: %s=%.*s%s is not %s; it is left out\n", name,
                                   kTextShown, text, rest, wanted);
  const auto bytes = static_cast<Bytes>(length < 0 ? 0 : length);
  os::write_all(2, line, bytes < sizeof line ? bytes : sizeof line - 1);
}

bool is_on(const char* name) noexcept {
  const char* text = os::environment(name);
  if (text == nullptr || std::strcmp(text, "0") == 0 || *text == '\0') return false;
  if (std::strcmp(text, "1") == 0) return true;
  refuse(name, text, "0 or 1");
  return false;
}

void read_decay() noexcept {
  const char* name = "SMALLBLOCK_DECAY_MS";
  const char* text = os::environment(name);
  if (text == nullptr || *text == '\0') return;
  char* end = nullptr;
  const long value = std::strtol(text, &end, 10);
  if (end == text || *end != '\0' || value < -1 || value > INT32_MAX) {
    return refuse(name, text, "a number of milliseconds, -1 for never");
  }
  set_decay(static_cast<std::int32_t>(value));
}

// "1" or "sample:N".
void read_check() noexcept {
  const char* name = "SMALLBLOCK_CHECK";
  const char* text = os::environment(name);
  constexpr char kSample[] = "sample:";
  constexpr Bytes kSampleLength = sizeof kSample - 1;
  if (text == nullptr || *text == '\0') {
    check_mode_wanted = os::is_memory_tool_for_blocks();
    return;
  }
  if (std::strcmp(text, "0") == 0) return;
  if (std::strcmp(text, "1") == 0) {
    check_mode_wanted = true;
    return;
  }
  const bool sampled = std::strncmp(text, kSample, kSampleLength) == 0;
  const char* digits = text + kSampleLength;
  char* end = nullptr;
  const unsigned long long every =
      sampled && *digits >= '0' && *digits <= '9' ? std::strtoull(digits, &end, 10) : 0;
  if (every == 0 || *end != '\0' || every > INT32_MAX) return refuse(name, text, "0, 1 or sample:N");
  sample_every_wanted = static_cast<std::uint32_t>(every);
}

// A byte in any notation of C; 0: off.
void read_perturb() noexcept {
  const char* name = "SMALLBLOCK_PERTURB";
  const char* text = os::environment(name);
  if (text == nullptr || *text == '\0') return;
  char* end = nullptr;
  const unsigned long value = std::strtoul(text, &end, 0);
  if (*text < '0' || *text > '9' || *end != '\0' || value > 0xff) return refuse(name, text, "a byte, 0 to 255");
  perturb_byte = static_cast<unsigned char>(value);
}

// "512M", "2G", "1000000": bytes, or Limits::kNone.
Bytes read_bytes(const char* name) noexcept {
  const char* text = os::environment(name);
  if (text == nullptr || *text == '\0') return Limits::kNone;
  char* end = nullptr;
  const unsigned long long value = std::strtoull(text, &end, 10);
  unsigned shift = 0;
  if (*end == 'K' || *end == 'k') shift = 10;
  if (*end == 'M' || *end == 'm') shift = 20;
  if (*end == 'G' || *end == 'g') shift = 30;
  if (*end == 'T' || *end == 't') shift = 40;
  if (shift != 0) ++end;
  const bool digits = *text >= '0' && *text <= '9';
  if (!digits || *end != '\0' || value == 0 || value == Limits::kNone || value > (Limits::kNone >> shift)) {
    refuse(name, text, "a number of bytes such as 512M or 2G (K, M, G, T)");
    return Limits::kNone;
  }
  return static_cast<Bytes>(value) << shift;
}

void read_address_space() noexcept {
  const char* name = "SMALLBLOCK_ADDRESS_SPACE";
  const Bytes bytes = read_bytes(name);
  if (bytes < kConfig.region_bytes_min) return refuse(name, os::environment(name), "at least 64M");
  region.want_at_most(bytes);
}

}  // namespace

void read_settings() noexcept {
  read_decay();
  if (is_on("SMALLBLOCK_BACKGROUND")) want_background_thread();
  if (is_on("SMALLBLOCK_HUGEPAGES")) region.want_huge_pages();
  read_address_space();
  read_check();
  read_perturb();
  Limits::Values limits;
  limits.soft_live_bytes = read_bytes("SMALLBLOCK_SOFT_LIMIT");
  limits.hard_live_bytes = read_bytes("SMALLBLOCK_HARD_LIMIT");
  set_process_limits(limits);
}

}  // namespace smallblock
