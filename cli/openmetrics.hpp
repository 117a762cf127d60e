// Reports of heaps as metrics: in the OpenMetrics text format, and in the older one of Prometheus.
//
// docs/statistics.md lists the metrics; docs/grafana-dashboard.json is drawn from them. Every sample has the labels
// pid and command. The two forms differ in the names that stand in the comments, in units, and in the last line.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cli/heap_report.hpp"

namespace smallblock::cli {

enum class MetricsForm : std::uint8_t { kOpenMetrics, kPrometheus };

const char* content_type(MetricsForm form);

// What a client takes, by its Accept header: OpenMetrics if it names it.
MetricsForm form_for(std::string_view accept);

std::string metrics_of(std::span<const HeapReport> reports, MetricsForm form);

}  // namespace smallblock::cli
