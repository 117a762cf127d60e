// Reads parameters, asks heap_answers.cpp and bytes.cpp; see answers.hpp.

#include "cli/view/answers.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <sstream>
#include <vector>

#include "cli/error.hpp"
#include "cli/heap_answers.hpp"
#include "cli/number.hpp"
#include "cli/trim.hpp"
#include "cli/untold_python.hpp"
#include "cli/view/bytes.hpp"

namespace smallblock::cli {

namespace {

constexpr const char* kBinary = "application/octet-stream";
constexpr std::size_t kUnitsMax = 256;
constexpr std::size_t kPinnedDefault = 20;
constexpr std::size_t kPinnedMax = 200;
constexpr std::uint64_t kTypesForMs = 2000;
constexpr std::size_t kSearchBytesMax = 2000;  // what a request line has room for, each byte escaped

std::uint64_t steady_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

const char* name_of(ViewedHeap::Kind kind) {
  switch (kind) {
    case ViewedHeap::Kind::kProcess:
      return "process";
    case ViewedHeap::Kind::kCore:
      return "core";
    case ViewedHeap::Kind::kSnapshot:
      return "snapshot";
  }
  return "";
}

Json geometry_json(const inspect::Geometry& geometry) {
  Json classes = Json::array();
  for (const inspect::ClassImage& each : geometry.classes)
    classes.push_back({{"block_bytes", each.block_bytes},
                       {"capacity", each.capacity},
                       {"units", each.units},
                       {"group_bytes", each.group_bytes}});
  return {{"region_address", hexadecimal(geometry.region_address)},
          {"first_unit_address", hexadecimal(geometry.first_unit_address)},
          {"unit_bytes", geometry.unit_bytes},
          {"page_bytes", geometry.page_bytes},
          {"units_per_arena", inspect::kUnitsPerArena},
          {"classes", std::move(classes)}};
}

}  // namespace

Answer error_answer(int status, const std::string& sentence) {
  return {status, text_of({{"error", sentence}})};
}

Answer ViewAnswers::find(const std::string& path, const Parameters& parameters) {
  if (path == "/api/target") return target_answer();
  if (path == "/api/frame") return frame_answer(parameters);
  if (path == "/api/blocks") return blocks_answer(parameters);
  if (path == "/api/block") return block_answer(parameters);
  if (path == "/api/types") return types_answer();
  if (path == "/api/pinned") return pinned_answer(parameters);
  if (path == "/api/waste") {
    const auto frame = target_.current();
    return {200, text_of(cli::waste_answer(*frame->image, frame->layers.untouched))};
  }
  if (path == "/api/search") return search_answer(parameters);
  return error_answer(404, "there is nothing at this path");
}

Answer ViewAnswers::get(const std::string& path, const Parameters& parameters) {
  try {
    return find(path, parameters);
  } catch (const Error& error) {
    return error_answer(410, error.what());
  } catch (const std::exception& error) {
    return error_answer(500, error.what());
  }
}

Answer ViewAnswers::post(const std::string& path) {
  if (path != "/api/trim") return error_answer(404, "there is nothing at this path");
  if (!allow_actions_) return error_answer(403, "this view only looks: start it with --allow-actions to trim");
  if (target_.heap().kind() != ViewedHeap::Kind::kProcess)
    return error_answer(403, "only a process can be trimmed");
  try {
    target_.heap().end()->check();
    ask_for_trim(target_.heap().pid());
    return {200, text_of({{"asked", true}})};
  } catch (const Error& error) {
    return error_answer(410, error.what());
  }
}

Answer ViewAnswers::target_answer() {
  const ViewedHeap& heap = target_.heap();
  std::string python;
  std::string why_no_types;
  try {
    target_.with_names([&](const NamedMemory& names) {
      python = names.namer->python_version();
      why_no_types = why_untold(*names.namer);
    });
  } catch (const Error&) {
    python.clear();  // it has ended before anybody asked
  }
  const auto frame = target_.current();
  const bool can_act = allow_actions_ && heap.kind() == ViewedHeap::Kind::kProcess;
  return {200, text_of({{"kind", name_of(heap.kind())},
                        {"pid", heap.pid()},
                        {"command", heap.command()},
                        {"program", frame->program},
                        {"python", python},
                        {"why_no_types", why_no_types},
                        {"actions", can_act},
                        {"rate_hz", target_.rate_hz()},
                        {"geometry", geometry_json(frame->image->geometry)}})};
}

Answer ViewAnswers::frame_answer(const Parameters& parameters) {
  const auto since = as_number<std::uint32_t>(parameters("since"));
  if (!since) return error_answer(400, "since=N names the number of a frame, or is 0");
  const auto newest = *since == 0 ? target_.current() : target_.wait_newer(*since);
  return {200, frame_bytes(*newest, *since), kBinary};
}

Answer ViewAnswers::blocks_answer(const Parameters& parameters) {
  std::vector<std::uint32_t> units;
  std::istringstream list(parameters("units"));
  for (std::string word; std::getline(list, word, ',');) {
    const auto unit = as_number<std::uint32_t>(word);
    if (!unit || units.size() == kUnitsMax)
      return error_answer(400, fmt::format("units= takes at most {} numbers, separated by commas", kUnitsMax));
    units.push_back(*unit);
  }
  const std::string what = parameters("what");
  const auto frame = target_.current();
  Answer answer{200, "", kBinary};
  if (what == "state") {
    answer.body = block_states(*frame, units);
  } else if (what == "age") {
    target_.with_ages([&](const BlockAges& ages) { answer.body = block_ages(*frame, units, ages); });
  } else if (what == "type") {
    target_.with_names([&](const NamedMemory& names) { answer.body = block_types(*frame, units, *names.namer); });
  } else {
    return error_answer(400, "what= is one of state, type, age");
  }
  return answer;
}

Answer ViewAnswers::block_answer(const Parameters& parameters) {
  const auto address = as_address(parameters("address"));
  if (!address) return error_answer(400, "address= takes an address, as in 0x7f0000001000");
  const auto frame = target_.current();
  Json json;
  target_.with_names([&](const NamedMemory& names) {
    target_.with_ages(
        [&](const BlockAges& ages) { json = cli::block_answer(*frame->image, names, *address, &ages); });
  });
  return {json.contains("error") ? 404 : 200, text_of(json)};
}

Answer ViewAnswers::types_answer() {
  const auto frame = target_.current();
  const std::lock_guard lock(types_mutex_);
  const bool is_fresh = types_.frame == frame->number || steady_ms() - types_.made_ms < kTypesForMs;
  if (types_.text.empty() || !is_fresh) {
    Json json{{"frame", frame->number}};
    target_.with_names(
        [&](const NamedMemory& names) { json.update(cli::types_answer(*frame->image, *names.namer)); });
    types_ = {frame->number, steady_ms(), text_of(json)};
  }
  return {200, types_.text};
}

Answer ViewAnswers::pinned_answer(const Parameters& parameters) {
  const std::size_t limit = as_number<std::uint32_t>(parameters("limit")).value_or(kPinnedDefault);
  const Values values = parameters("values") == "0" ? Values::kLeftOut : Values::kShown;
  const auto frame = target_.current();
  Answer answer;
  target_.with_names([&](const NamedMemory& names) {
    answer.body = text_of(cli::pinned_answer(*frame->image, *names.namer, std::min(limit, kPinnedMax), values));
  });
  return answer;
}

Answer ViewAnswers::search_answer(const Parameters& parameters) {
  const std::string text = parameters("q");
  if (text.empty() || text.size() > kSearchBytesMax) {
    return error_answer(400,
                        fmt::format("q= takes an address (0x...) or a part of a type's name, of {} bytes at most",
                                    kSearchBytesMax));
  }
  const auto frame = target_.current();
  Answer answer;
  target_.with_names([&](const NamedMemory& names) {
    answer.body = text_of(cli::search_answer(*frame->image, *names.namer, text));
  });
  return answer;
}

}  // namespace smallblock::cli
