// One table of metric families, written for all processes family by family; see openmetrics.hpp.

#include "cli/openmetrics.hpp"

#include <fmt/format.h>

#include <array>
#include <iterator>

#include "inspect/utf8.hpp"

namespace smallblock::cli {

namespace {

enum class Kind : std::uint8_t { kGauge, kCounter, kInfo };

// The samples of one process in one family.
class Samples {
 public:
  Samples(std::string& text, std::string name, const std::string& process_labels)
      : text_(text), name_(std::move(name)), process_labels_(process_labels) {}

  template <typename Value>
  void add(Value value, std::string_view labels = {}) {
    fmt::format_to(std::back_inserter(text_), "{}{{{}{}{}}} {}\n", name_, process_labels_,
                   labels.empty() ? "" : ",", labels, value);
  }

 private:
  std::string& text_;
  const std::string name_;
  const std::string& process_labels_;
};

struct Family {
  const char* name;  // without _total and _info
  Kind kind;
  const char* unit;  // the name's last word, or empty
  const char* help;
  void (*write)(const HeapReport& report, Samples& samples);
};

template <std::uint64_t sb_memory::*kField>
void write_memory(const HeapReport& report, Samples& samples) {
  samples.add(report.figures.memory.*kField);
}

template <std::uint64_t sb_stats::*kField>
void write_stats(const HeapReport& report, Samples& samples) {
  samples.add(report.figures.stats.*kField);
}

// Calls write(row, index, label) for each class that has a pool, or had one once.
template <typename Write>
void for_each_class(const HeapReport& report, Write write) {
  const sb_stats& stats = report.figures.stats;
  for (std::uint32_t row = 0; row < stats.class_count; ++row) {
    const inspect::ClassRequests requests =
        row + 1 < report.requests.size() ? report.requests[row + 1] : inspect::ClassRequests{};
    if (stats.classes[row].pools_used == 0 && requests.count == 0) continue;
    write(stats.classes[row], requests, fmt::format("block_bytes=\"{}\"", stats.classes[row].block_bytes));
  }
}

void write_blocks(const HeapReport& report, Samples& samples) {
  for_each_class(report, [&](const sb_class_stats& row, const auto&, const std::string& label) {
    samples.add(row.blocks_in_use, label + ",state=\"live\"");
    samples.add(row.blocks_cached, label + ",state=\"cached\"");
    samples.add(row.blocks_free, label + ",state=\"free\"");
  });
}

void write_class_bytes(const HeapReport& report, Samples& samples) {
  for_each_class(report, [&](const sb_class_stats& row, const auto&, const std::string& label) {
    samples.add(row.blocks_in_use * row.block_bytes, label + ",state=\"live\"");
    samples.add(row.blocks_cached * row.block_bytes, label + ",state=\"cached\"");
    samples.add(row.blocks_free * row.block_bytes, label + ",state=\"free\"");
  });
}

void write_pools(const HeapReport& report, Samples& samples) {
  for_each_class(report, [&](const sb_class_stats& row, const auto&, const std::string& label) {
    samples.add(row.pools_used, label);
  });
}

void write_refills(const HeapReport& report, Samples& samples) {
  for_each_class(report, [&](const sb_class_stats&, const inspect::ClassRequests& requests,
                             const std::string& label) { samples.add(requests.count, label); });
}

void write_arenas(const HeapReport& report, Samples& samples) {
  samples.add(report.figures.stats.arenas_used, "state=\"used\"");
  samples.add(report.figures.stats.arenas_kept, "state=\"kept\"");
}

void write_heaps(const HeapReport& report, Samples& samples) {
  samples.add(report.figures.stats.heaps, "kind=\"thread\"");
  samples.add(report.figures.stats.heaps_private, "kind=\"private\"");
}

void write_resident(const HeapReport& report, Samples& samples) {
  if (report.resident_bytes) samples.add(*report.resident_bytes);
}

constexpr std::array kFamilies{
    Family{"smallblock_process", Kind::kInfo, "", "A process that has smallblock in it.",
           [](const HeapReport&, Samples& samples) { samples.add(1); }},
    Family{"smallblock_process_resident_bytes", Kind::kGauge, "bytes", "Memory of the whole process (RSS).",
           write_resident},
    Family{"smallblock_live_bytes", Kind::kGauge, "bytes", "Blocks that the program holds.",
           write_memory<&sb_memory::live_bytes>},
    Family{"smallblock_cached_bytes", Kind::kGauge, "bytes", "Blocks in magazines, ready to be handed out again.",
           write_memory<&sb_memory::cached_bytes>},
    Family{"smallblock_free_bytes", Kind::kGauge, "bytes", "Free in used pools, in memory.",
           write_memory<&sb_memory::free_resident_bytes>},
    Family{"smallblock_purged_bytes", Kind::kGauge, "bytes", "Free in used pools, not in memory.",
           write_memory<&sb_memory::purged_bytes>},
    Family{"smallblock_empty_bytes", Kind::kGauge, "bytes", "Empty pools whose memory was not given back.",
           write_memory<&sb_memory::empty_resident_bytes>},
    Family{"smallblock_metadata_bytes", Kind::kGauge, "bytes", "Records, tables, heaps and magazines in memory.",
           write_memory<&sb_memory::metadata_bytes>},
    Family{"smallblock_rounding_bytes", Kind::kGauge, "bytes",
           "Of the blocks that are out, what was not asked for; an estimate.",
           write_memory<&sb_memory::rounding_bytes>},
    Family{"smallblock_next_bytes", Kind::kGauge, "bytes", "Blocks of the malloc below.",
           write_memory<&sb_memory::next_bytes>},
    Family{"smallblock_committed_bytes", Kind::kGauge, "bytes", "Arenas used and kept.",
           write_memory<&sb_memory::committed_bytes>},
    Family{"smallblock_peak_live_bytes", Kind::kGauge, "bytes", "The most that blocks took at once.",
           write_memory<&sb_memory::peak_live_bytes>},
    Family{"smallblock_peak_committed_bytes", Kind::kGauge, "bytes", "The most that was committed at once.",
           write_memory<&sb_memory::peak_committed_bytes>},
    Family{"smallblock_region_bytes", Kind::kGauge, "bytes", "Address space reserved.",
           write_stats<&sb_stats::region_bytes>},
    Family{"smallblock_arenas", Kind::kGauge, "", "Arenas with a pool (used), and empty ones in memory (kept).",
           write_arenas},
    Family{"smallblock_arenas_used_peak", Kind::kGauge, "", "The most arenas in use at once.",
           write_stats<&sb_stats::arenas_used_peak>},
    Family{"smallblock_arenas_opened", Kind::kCounter, "", "Times that an arena was taken into use.",
           write_stats<&sb_stats::arenas_opened_total>},
    Family{"smallblock_arenas_released", Kind::kCounter, "", "Times that an empty arena's memory was given back.",
           write_stats<&sb_stats::arenas_released_total>},
    Family{"smallblock_heaps", Kind::kGauge, "", "Heaps of threads, and private heaps with a pool.", write_heaps},
    Family{"smallblock_next_allocations", Kind::kCounter, "", "Small requests that the malloc below had to serve.",
           write_stats<&sb_stats::next_allocations>},
    Family{"smallblock_class_blocks", Kind::kGauge, "", "Blocks of a size class, by state.", write_blocks},
    Family{"smallblock_class_bytes", Kind::kGauge, "bytes", "Bytes of those blocks.", write_class_bytes},
    Family{"smallblock_class_pools", Kind::kGauge, "", "Pools of a size class with at least one block out.",
           write_pools},
    Family{"smallblock_class_refills", Kind::kCounter, "",
           "Times that blocks of a size class were taken out of its pools.", write_refills},
    Family{"smallblock_torn_pools", Kind::kGauge, "",
           "Pools that changed each time they were read, and are missing from the other figures.",
           [](const HeapReport& report, Samples& samples) { samples.add(report.torn_pools); }},
    Family{"smallblock_read_seconds", Kind::kGauge, "seconds", "How long it took to read the heap.",
           [](const HeapReport& report, Samples& samples) { samples.add(report.read_seconds); }},
};

std::string escaped(const std::string& text) {
  std::string result;
  for (const char* next = text.c_str(); *next != '\0';) {
    const unsigned length = utf8_length(next);
    if (*next == '\n') {
      result += "\\n";
    } else if (!is_showable(next, length)) {
      result += "\xef\xbf\xbd";
    } else {
      if (*next == '"' || *next == '\\') result += '\\';
      result.append(next, length);
    }
    next += length == 0 ? 1 : length;
  }
  return result;
}

std::string sample_name(const Family& family) {
  if (family.kind == Kind::kCounter) return fmt::format("{}_total", family.name);
  return family.kind == Kind::kInfo ? fmt::format("{}_info", family.name) : family.name;
}

// The older format knows no info and names a counter by its samples.
void write_head(std::string& text, const Family& family, MetricsForm form) {
  const bool is_open = form == MetricsForm::kOpenMetrics;
  const std::string name = is_open ? family.name : sample_name(family);
  const char* type = family.kind == Kind::kCounter ? "counter" : "gauge";
  if (is_open && family.kind == Kind::kInfo) type = "info";
  auto end = std::back_inserter(text);
  fmt::format_to(end, "# HELP {} {}\n# TYPE {} {}\n", name, family.help, name, type);
  if (is_open && *family.unit != '\0') fmt::format_to(end, "# UNIT {} {}\n", name, family.unit);
}

}  // namespace

const char* content_type(MetricsForm form) {
  return form == MetricsForm::kOpenMetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                           : "text/plain; version=0.0.4; charset=utf-8";
}

MetricsForm form_for(std::string_view accept) {
  return accept.find("application/openmetrics-text") == std::string_view::npos ? MetricsForm::kPrometheus
                                                                               : MetricsForm::kOpenMetrics;
}

std::string metrics_of(std::span<const HeapReport> reports, MetricsForm form) {
  std::vector<std::string> labels;
  for (const HeapReport& report : reports)
    labels.push_back(fmt::format("pid=\"{}\",command=\"{}\"", report.pid, escaped(report.command)));
  std::string text;
  for (const Family& family : kFamilies) {
    write_head(text, family, form);
    for (std::size_t process = 0; process < reports.size(); ++process) {
      Samples samples(text, sample_name(family), labels[process]);
      family.write(reports[process], samples);
    }
  }
  if (form == MetricsForm::kOpenMetrics) text += "# EOF\n";
  return text;
}

}  // namespace smallblock::cli
