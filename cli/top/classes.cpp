// One table of columns: what a row's number is, and how it is written; see classes.hpp.

#include "cli/top/classes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cli/top/bars.hpp"
#include "cli/top/numbers.hpp"

namespace smallblock::cli {

namespace {

struct ClassRow {
  double block_bytes;
  const inspect::HeapSums* sums;
  const ClassChanges* changes;  // null: not known
  double seconds;
};

enum class Form : std::uint8_t { kCount, kBytes, kPercent, kRate };

struct Column {
  const char* name;
  int width;  // with the blank before it
  Form form;
  double (*number)(const ClassRow& row);
};

double resident_bytes(const inspect::HeapSums& sums) {
  return static_cast<double>(sums.live_bytes + sums.cached_bytes + sums.free_bytes);
}

double rate(const ClassRow& row, std::uint64_t ClassChanges::*field) {
  if (row.changes == nullptr || row.seconds <= 0) return 0;
  return static_cast<double>(row.changes->*field) / row.seconds;
}

template <std::uint64_t inspect::HeapSums::*kField>
double sum(const ClassRow& row) {
  return static_cast<double>(row.sums->*kField);
}

constexpr std::array kColumns{
    Column{"size", 5, Form::kCount, [](const ClassRow& row) { return row.block_bytes; }},
    Column{"pools", 7, Form::kCount, sum<&inspect::HeapSums::pools>},
    Column{"live", 8, Form::kCount, sum<&inspect::HeapSums::live_blocks>},
    Column{"cached", 8, Form::kCount, sum<&inspect::HeapSums::cached_blocks>},
    Column{"free", 7, Form::kCount, sum<&inspect::HeapSums::free_blocks>},
    Column{"purged", 8, Form::kCount, sum<&inspect::HeapSums::purged_blocks>},
    Column{"used", 6, Form::kPercent,
           [](const ClassRow& row) {
             const double resident = resident_bytes(*row.sums);
             return resident > 0 ? 100 * static_cast<double>(row.sums->live_bytes) / resident : 0;
           }},
    Column{"bytes", 7, Form::kBytes, sum<&inspect::HeapSums::live_bytes>},
    Column{
        "idle", 6, Form::kBytes,
        [](const ClassRow& row) { return resident_bytes(*row.sums) - static_cast<double>(row.sums->live_bytes); }},
    Column{"refills", 11, Form::kRate, [](const ClassRow& row) { return rate(row, &ClassChanges::refills); }},
    Column{"new", 7, Form::kRate, [](const ClassRow& row) { return rate(row, &ClassChanges::new_blocks); }},
    Column{"gone", 8, Form::kRate, [](const ClassRow& row) { return rate(row, &ClassChanges::gone_blocks); }},
};

std::string cell_text(const Column& column, const ClassRow& row) {
  const double number = column.number(row);
  switch (column.form) {
    case Form::kBytes:
      return short_bytes(number);
    case Form::kPercent:
      return fmt::format("{:.0f}%", number);
    case Form::kRate:
      if (row.changes == nullptr) return "-";
      break;
    case Form::kCount:
      break;
  }
  return short_count(number, column.width - 1);
}

std::vector<ClassRow> sorted_rows(const ClassTable& table) {
  std::vector<ClassRow> rows;
  const double seconds = table.changes == nullptr ? 0 : table.changes->seconds;
  for (std::size_t index = 1; index < table.summary.by_class.size(); ++index) {
    const inspect::HeapSums& sums = table.summary.by_class[index];
    if (sums.pools == 0) continue;
    const bool is_known = table.changes != nullptr && index < table.changes->by_class.size();
    rows.push_back({static_cast<double>(table.image.geometry.classes[index].block_bytes), &sums,
                    is_known ? &table.changes->by_class[index] : nullptr, seconds});
  }
  const auto number = kColumns[table.order.column].number;
  std::stable_sort(rows.begin(), rows.end(), [&](const ClassRow& one, const ClassRow& other) {
    return table.order.is_rising ? number(one) < number(other) : number(one) > number(other);
  });
  return rows;
}

constexpr int kBarColumnsMin = 12;

// The columns that there is room for, from the left; the one that rows are sorted by is always among them.
std::vector<std::size_t> columns_within(const ClassOrder& order, int columns) {
  std::vector<std::size_t> shown;
  int room = columns - kColumns[order.column].width;
  bool is_full = false;
  for (std::size_t index = 0; index < kColumns.size(); ++index) {
    if (index != order.column) {
      is_full = is_full || kColumns[index].width > room;
      if (is_full) continue;
      room -= kColumns[index].width;
    }
    shown.push_back(index);
  }
  return shown;
}

// Returns where the last one ends.
int draw_heads(const std::vector<std::size_t>& shown, const ClassOrder& order, int row, Canvas& canvas) {
  int column_end = 0;
  for (const std::size_t index : shown) {
    const Column& column = kColumns[index];
    column_end += column.width;
    const bool is_sorted = index == order.column;
    const std::string arrow = is_sorted ? (order.is_rising ? "▲" : "▼") : "";
    const Style style{is_sorted ? Hue::kNone : Hue::kMuted, Hue::kNone, is_sorted, false};
    canvas.put_right(row, column_end, arrow + column.name + (column.form == Form::kRate ? "/s" : ""), style);
  }
  return column_end;
}

}  // namespace

std::vector<std::string> class_columns() {
  std::vector<std::string> names;
  names.reserve(kColumns.size());
  for (const Column& column : kColumns) names.emplace_back(column.name);
  return names;
}

ClassOrder order_by(unsigned column) {
  return {column, column == 0};
}

int class_columns_wide() {
  int columns = 0;
  for (const Column& column : kColumns) columns += column.width;
  return columns;
}

int class_rows(const inspect::HeapSummary& summary) {
  return static_cast<int>(std::count_if(summary.by_class.begin(), summary.by_class.end(),
                                        [](const inspect::HeapSums& sums) { return sums.pools != 0; }));
}

void draw_classes(const ClassTable& table, int first, int row, int row_end, Canvas& canvas) {
  const std::vector<std::size_t> shown = columns_within(table.order, canvas.columns());
  const int column_end = draw_heads(shown, table.order, row++, canvas);
  const std::vector<ClassRow> rows = sorted_rows(table);
  for (auto index = static_cast<std::size_t>(first); index < rows.size() && row < row_end; ++index, ++row) {
    const inspect::HeapSums& sums = *rows[index].sums;
    int end = 0;
    for (const std::size_t column : shown) {
      end += kColumns[column].width;
      const Style style{column == 0 ? Hue::kLive : Hue::kNone, Hue::kNone, column == 0, false};
      canvas.put_right(row, end, cell_text(kColumns[column], rows[index]), style);
    }
    const int bar = column_end + 2;
    if (canvas.columns() - 1 - bar < kBarColumnsMin) continue;
    draw_bar({{Hue::kLive, static_cast<double>(sums.live_bytes)},
              {Hue::kCached, static_cast<double>(sums.cached_bytes)},
              {Hue::kFree, static_cast<double>(sums.free_bytes)},
              {Hue::kPurged, static_cast<double>(sums.purged_bytes)}},
             row, bar, canvas.columns() - 1, canvas);
  }
}

}  // namespace smallblock::cli
