// The layout of the two reports. The text keeps the columns, words and widths of CPython's Objects/obmalloc.c.

#include "inspect/report.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>

#include "inspect/output.hpp"
#include "inspect/utf8.hpp"

namespace smallblock {

namespace {

// "18,446,744,073,709,551,615"
struct Grouped {
  explicit Grouped(std::uint64_t value) noexcept {
    char* next = text_ + sizeof text_ - 1;
    *next = '\0';
    int digits = 0;
    do {
      if (digits > 0 && digits % 3 == 0) *--next = ',';
      *--next = static_cast<char>('0' + value % 10);
      value /= 10;
      ++digits;
    } while (value > 0);
    begin_ = next;
  }
  Grouped(const Grouped&) = delete;
  Grouped& operator=(const Grouped&) = delete;
  const char* text() const noexcept { return begin_; }

 private:
  char text_[27];
  const char* begin_;
};

std::uint32_t class_count(const sb_stats& stats) noexcept {
  return stats.class_count < SB_STATS_CLASS_MAX ? stats.class_count : SB_STATS_CLASS_MAX;
}

bool has_anything(const sb_class_stats& figures) noexcept {
  return figures.pools_used != 0 || figures.blocks_in_use != 0 || figures.blocks_cached != 0;
}

// The unit that pools_empty counts in: the shortest pool.
std::uint32_t pool_unit_bytes(const sb_stats& stats) noexcept {
  std::uint32_t unit_bytes = class_count(stats) > 0 ? stats.classes[0].pool_bytes : 0;
  for (std::uint32_t index = 1; index < class_count(stats); ++index) {
    if (stats.classes[index].pool_bytes < unit_bytes) unit_bytes = stats.classes[index].pool_bytes;
  }
  return unit_bytes;
}

void print_line(Output& output, const char* label, std::uint64_t value) noexcept {
  output.print("%-35s=%21s\n", label, Grouped(value).text());
}

// "COUNT WHAT * EACH bytes = TOTAL"
void print_product(Output& output, std::uint64_t count, const char* what, std::uint64_t each, const char* unit,
                   std::uint64_t total) noexcept {
  char label[96];
  std::snprintf(label, sizeof label, "%" PRIu64 " %s * %" PRIu64 " %s", count, what, each, unit);
  print_line(output, label, total);
}

void print_classes(Output& output, const sb_stats& stats) noexcept {
  output.print("class   size   num pools   blocks in use  avail blocks        cached  pool KiB\n");
  output.print("-----   ----   ---------   -------------  ------------        ------  --------\n");
  for (std::uint32_t index = 0; index < class_count(stats); ++index) {
    const sb_class_stats& figures = stats.classes[index];
    if (!has_anything(figures)) continue;
    output.print("%5" PRIu32 " %6" PRIu32 " %11" PRIu64 " %15" PRIu64 " %13" PRIu64 " %13" PRIu64 " %9" PRIu32 "\n",
                 index, figures.block_bytes, figures.pools_used, figures.blocks_in_use, figures.blocks_free,
                 figures.blocks_cached, figures.pool_bytes / 1024);
  }
  output.print("\n");
}

void print_arenas(Output& output, const sb_stats& stats) noexcept {
  print_line(output, "# arenas allocated total", stats.arenas_opened_total);
  print_line(output, "# arenas reclaimed", stats.arenas_released_total);
  print_line(output, "# arenas highwater mark", stats.arenas_used_peak);
  print_line(output, "# arenas allocated current", stats.arenas_used);
  print_line(output, "# arenas kept, empty", stats.arenas_kept);
  print_product(output, stats.arenas_used + stats.arenas_kept, "arenas", stats.arena_bytes, "bytes/arena",
                stats.committed_bytes);
  output.print("\n");
}

void print_committed(Output& output, const sb_stats& stats) noexcept {
  const std::uint64_t kept_bytes = stats.arenas_kept * stats.arena_bytes;
  print_line(output, "# bytes in allocated blocks", stats.live_bytes);
  print_line(output, "# bytes in available blocks", stats.free_bytes);
  print_line(output, "# bytes in magazines (cached)", stats.cached_bytes);
  print_product(output, stats.pools_empty, "unused pools", pool_unit_bytes(stats), "bytes", stats.empty_bytes);
  print_line(output, "# bytes lost to pool tails", stats.tail_bytes);
  print_line(output, "# bytes in kept arenas", kept_bytes);
  print_line(
      output, "Total",
      stats.live_bytes + stats.free_bytes + stats.cached_bytes + stats.empty_bytes + stats.tail_bytes + kept_bytes);
  output.print("\n");
}

void print_overheads(Output& output, const sb_stats& stats) noexcept {
  print_line(output, "# bytes of metadata", stats.metadata_bytes);
  print_line(output, "# bytes of region reserved", stats.region_bytes);
  print_line(output, "# heaps of threads", stats.heaps);
  print_line(output, "# private heaps", stats.heaps_private);
  print_line(output, "# requests to the malloc below", stats.next_allocations);
}

// 10 * value / unit, rounded; the value may use all 64 bits.
std::uint64_t tenths_of(std::uint64_t value, std::uint64_t unit) noexcept {
  return value / unit * 10 + (value % unit * 10 + unit / 2) / unit;
}

// The bytes, exactly and in a unit for people, and in percent of the committed ones; of 0 there is no share.
void print_memory_line(Output& output, const char* label, std::uint64_t bytes, std::uint64_t committed) noexcept {
  constexpr std::uint64_t kKib = 1024;
  constexpr std::uint64_t kMib = kKib * 1024;
  const bool in_mib = bytes >= 10 * kMib;
  const std::uint64_t amount = tenths_of(bytes, in_mib ? kMib : kKib);
  output.print("%-35s=%21s%9" PRIu64 ".%" PRIu64 " %s", label, Grouped(bytes).text(), amount / 10, amount % 10,
               in_mib ? "MiB" : "KiB");
  if (committed >= 100) {
    const std::uint64_t percent = tenths_of(bytes, committed / 100);
    output.print("%5" PRIu64 ".%" PRIu64 "%%", percent / 10, percent % 10);
  }
  output.print("\n");
}

// Both were counted at one time, but the totals learn late of what lies in magazines: `stats` asked each of them.
sb_memory in_step(sb_memory memory, const sb_stats& stats) noexcept {
  const std::uint64_t out = memory.live_bytes + memory.cached_bytes;
  const double live_before = static_cast<double>(memory.live_bytes);
  memory.live_bytes = std::min(stats.live_bytes, out);
  memory.cached_bytes = out - memory.live_bytes;
  // It is a share of the live bytes.
  if (live_before > 0) {
    const double share = static_cast<double>(memory.rounding_bytes) / live_before;
    memory.rounding_bytes = static_cast<std::uint64_t>(share * static_cast<double>(memory.live_bytes));
  }
  memory.rounding_bytes = std::min(memory.rounding_bytes, memory.live_bytes);
  return memory;
}

// What the committed bytes are: six lines that add up to them. What lies beside the arenas. The most so far.
void print_memory(Output& output, const sb_memory& memory) noexcept {
  const std::uint64_t committed = memory.committed_bytes;
  const std::uint64_t named = memory.live_bytes + memory.cached_bytes + memory.free_resident_bytes +
                              memory.purged_bytes + memory.empty_resident_bytes;
  output.print("\nmemory%51s%14s%9s\n------%51s%14s%9s\n", "bytes", "", "share", "-----", "", "-----");
  print_memory_line(output, "# held by the program", memory.live_bytes, committed);
  print_memory_line(output, "#   of that, rounding (estimate)", memory.rounding_bytes, committed);
  print_memory_line(output, "# in magazines", memory.cached_bytes, committed);
  print_memory_line(output, "# free in used pools, in memory", memory.free_resident_bytes, committed);
  print_memory_line(output, "# free in used pools, not in memory", memory.purged_bytes, committed);
  print_memory_line(output, "# empty pools, in memory", memory.empty_resident_bytes, committed);
  print_memory_line(output, "# empty pools, not in memory", committed > named ? committed - named : 0, committed);
  print_memory_line(output, "Committed", committed, committed);
  print_memory_line(output, "# metadata", memory.metadata_bytes, committed);
  print_memory_line(output, "# blocks of the malloc below", memory.next_bytes, 0);
  print_memory_line(output, "# most in blocks at once", memory.peak_live_bytes, 0);
  print_memory_line(output, "# most committed at once", memory.peak_committed_bytes, 0);
}

// The text between the quotes of a JSON string, from any bytes.
void put_json_text(Output& output, const char* text) noexcept {
  while (*text != '\0') {
    const unsigned length = utf8_length(text);
    if (length == 0) {
      output.print("\\ufffd");
    } else if (is_control(text, length)) {
      output.print("\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(text[length - 1])));
    } else {
      if (*text == '"' || *text == '\\') output.put("\\", 1);
      output.put(text, length);
    }
    text += length > 0 ? length : 1;
  }
}

// The same for the one line of text that names the process: control characters would break the layout.
void put_plain_text(Output& output, const char* text) noexcept {
  while (*text != '\0') {
    const unsigned length = utf8_length(text);
    if (is_showable(text, length)) {
      output.put(text, length);
    } else {
      output.print("\xef\xbf\xbd");
    }
    text += length > 0 ? length : 1;
  }
}

void print_field(Output& output, const char* key, std::uint64_t value) noexcept {
  output.print("  \"%s\": %" PRIu64 ",\n", key, value);
}

void print_json_fields(Output& output, const sb_stats& stats) noexcept {
  print_field(output, "region_bytes", stats.region_bytes);
  print_field(output, "small_limit_bytes", stats.small_limit_bytes);
  print_field(output, "page_bytes", stats.page_bytes);
  print_field(output, "arena_bytes", stats.arena_bytes);
  print_field(output, "arenas_used", stats.arenas_used);
  print_field(output, "arenas_used_peak", stats.arenas_used_peak);
  print_field(output, "arenas_opened_total", stats.arenas_opened_total);
  print_field(output, "arenas_released_total", stats.arenas_released_total);
  print_field(output, "arenas_kept", stats.arenas_kept);
  print_field(output, "pools_empty", stats.pools_empty);
  print_field(output, "live_bytes", stats.live_bytes);
  print_field(output, "cached_bytes", stats.cached_bytes);
  print_field(output, "free_bytes", stats.free_bytes);
  print_field(output, "tail_bytes", stats.tail_bytes);
  print_field(output, "empty_bytes", stats.empty_bytes);
  print_field(output, "committed_bytes", stats.committed_bytes);
  print_field(output, "metadata_bytes", stats.metadata_bytes);
  print_field(output, "heaps", stats.heaps);
  print_field(output, "heaps_private", stats.heaps_private);
  print_field(output, "next_allocations", stats.next_allocations);
  print_field(output, "class_count", class_count(stats));
}

void print_json_memory(Output& output, const sb_memory& memory) noexcept {
  const struct {
    const char* key;
    std::uint64_t value;
  } fields[] = {
      {"live_bytes", memory.live_bytes},
      {"cached_bytes", memory.cached_bytes},
      {"free_resident_bytes", memory.free_resident_bytes},
      {"purged_bytes", memory.purged_bytes},
      {"empty_resident_bytes", memory.empty_resident_bytes},
      {"metadata_bytes", memory.metadata_bytes},
      {"rounding_bytes", memory.rounding_bytes},
      {"next_bytes", memory.next_bytes},
      {"committed_bytes", memory.committed_bytes},
      {"peak_live_bytes", memory.peak_live_bytes},
      {"peak_committed_bytes", memory.peak_committed_bytes},
  };
  output.print("  \"memory\": {");
  const char* separator = "\n";
  for (const auto& field : fields) {
    output.print("%s    \"%s\": %" PRIu64, separator, field.key, field.value);
    separator = ",\n";
  }
  output.print("\n  },\n");
}

void print_json_classes(Output& output, const sb_stats& stats) noexcept {
  output.print("  \"classes\": [");
  const char* separator = "\n";
  for (std::uint32_t index = 0; index < class_count(stats); ++index) {
    const sb_class_stats& figures = stats.classes[index];
    if (!has_anything(figures)) continue;
    output.print("%s    {\"class\": %" PRIu32 ", \"block_bytes\": %" PRIu32 ", \"pool_bytes\": %" PRIu32
                 ", \"pools_used\": %" PRIu64 ", \"blocks_capacity\": %" PRIu64 ", \"blocks_in_use\": %" PRIu64
                 ", \"blocks_cached\": %" PRIu64 ", \"blocks_free\": %" PRIu64 "}",
                 separator, index, figures.block_bytes, figures.pool_bytes, figures.pools_used,
                 figures.blocks_capacity, figures.blocks_in_use, figures.blocks_cached, figures.blocks_free);
    separator = ",\n";
  }
  output.print("\n  ]\n");
}

}  // namespace

bool write_text_report(const sb_stats& stats, const sb_memory& memory, const ReportProcess& process,
                       int descriptor) noexcept {
  Output output(descriptor);
  output.print("smallblock %s, process %d (", SB_VERSION_STRING, process.pid);
  put_plain_text(output, process.command);
  output.print(")\n\n");
  if (stats.region_bytes == 0) {
    output.print("No address space was to be had at start: every request goes to the malloc below.\n\n");
  }
  output.print("Small block threshold = %" PRIu64 ", in %" PRIu32 " size classes.\n\n", stats.small_limit_bytes,
               class_count(stats));
  print_classes(output, stats);
  print_arenas(output, stats);
  print_committed(output, stats);
  print_overheads(output, stats);
  print_memory(output, in_step(memory, stats));
  return output.finish();
}

bool write_json_report(const sb_stats& stats, const sb_memory& memory, const ReportProcess& process,
                       int descriptor) noexcept {
  Output output(descriptor);
  output.print("{\n  \"schema\": %d,\n  \"version\": \"%s\",\n", kReportSchema, SB_VERSION_STRING);
  output.print("  \"process\": {\"pid\": %d, \"command\": \"", process.pid);
  put_json_text(output, process.command);
  output.print("\"},\n");
  print_json_fields(output, stats);
  print_json_memory(output, in_step(memory, stats));
  print_json_classes(output, stats);
  output.print("}\n");
  return output.finish();
}

}  // namespace smallblock
