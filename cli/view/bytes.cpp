// Encoding; see bytes.hpp.

#include "cli/view/bytes.hpp"

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>
#include <unordered_map>

namespace smallblock::cli {

namespace {

using inspect::BlockState;
using inspect::PoolImage;
using Json = nlohmann::ordered_json;

static_assert(std::endian::native == std::endian::little, "put() copies bytes as they lie in memory");

constexpr std::uint32_t kFrameMagic = 0x66426d53;
constexpr std::uint32_t kBlocksMagic = 0x62426d53;
constexpr std::uint32_t kRecordBytes = 16;
constexpr std::uint8_t kAgeUnknown = 255;
constexpr std::uint16_t kUnitAgeUnknown = 0xffff;

template <typename T>
void put(std::string& bytes, T number) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}

std::string begin(std::uint32_t magic, const Json& json) {
  const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string bytes;
  put(bytes, magic);
  put(bytes, static_cast<std::uint32_t>(text.size()));
  bytes += text;
  bytes.resize((bytes.size() + 7) / 8 * 8);
  return bytes;
}

void put_unit(std::string& bytes, const ViewFrame& frame, std::uint32_t unit) {
  const UnitView& view = frame.units[unit];
  const std::uint64_t age_s = (frame.clock_ms - view.changed_ms) / 1000;
  put(bytes, unit);
  put(bytes, view.record.class_index);
  put(bytes, view.record.flags);
  put(bytes, view.record.live);
  put(bytes, view.record.cached);
  put(bytes, view.record.free);
  put(bytes, view.record.purged);
  const std::uint64_t known_s = std::min<std::uint64_t>(age_s, kUnitAgeUnknown - 1);
  put(bytes, view.changed_frame == frame.first ? kUnitAgeUnknown : static_cast<std::uint16_t>(known_s));
}

const char* name_of(TargetState state) {
  switch (state) {
    case TargetState::kLive:
      return "live";
    case TargetState::kLost:
      return "lost";
    case TargetState::kExited:
      return "exited";
  }
  return "lost";
}

Json layers_json(const Layers& layers) {
  return {{"resident", layers.resident}, {"region_resident", layers.region_resident},
          {"live", layers.live},         {"cached", layers.cached},
          {"free", layers.free},         {"purged", layers.purged},
          {"tail", layers.tail},         {"empty_resident", layers.empty_resident},
          {"metadata", layers.metadata}, {"next", layers.next},
          {"other", layers.other},       {"committed", layers.committed}};
}

Json arenas_json(const inspect::HeapImage& image) {
  using inspect::ArenaUse;
  const auto count = [&image](ArenaUse use) {
    return std::count_if(image.arenas.begin(), image.arenas.end(),
                         [use](const inspect::ArenaImage& arena) { return arena.use == use; });
  };
  return {
      {"used", count(ArenaUse::kUsed)}, {"kept", count(ArenaUse::kKept)}, {"released", count(ArenaUse::kReleased)}};
}

Json frame_json(const ViewFrame& frame, std::uint32_t since, std::size_t record_count) {
  const inspect::TotalsImage& totals = frame.image->totals;
  Json classes = Json::array();
  for (const inspect::HeapSums& sums : frame.summary.by_class)
    classes.push_back({sums.pools, sums.live_blocks, sums.cached_blocks, sums.free_blocks, sums.purged_blocks});
  Json changed = Json::array();
  for (std::size_t arena = 0; arena < frame.arenas.size(); ++arena) {
    if (frame.arenas[arena].changed_frame > since)
      changed.push_back({arena, static_cast<unsigned>(frame.arenas[arena].use)});
  }
  return {{"frame", frame.number},
          {"since", since},
          {"program", frame.program},
          {"time_ms", frame.time_ms},
          {"clock_ms", frame.clock_ms},
          {"state", name_of(frame.state)},
          {"units", frame.units.size()},
          {"records", record_count},
          {"layers", layers_json(frame.layers)},
          {"classes", std::move(classes)},
          {"torn_pools", frame.image->torn_pools},
          {"arenas", arenas_json(*frame.image)},
          {"totals",
           {{"peak_live_bytes", totals.peak_live_bytes},
            {"peak_committed_bytes", totals.peak_committed_bytes},
            {"arenas_opened_total", totals.arenas_opened_total},
            {"arenas_released_total", totals.arenas_released_total},
            {"heaps", totals.heaps},
            {"heaps_private", totals.heaps_private}}},
          {"arenas_changed", std::move(changed)}};
}

const PoolImage* pool_that_begins(const ViewFrame& frame, std::uint32_t unit) {
  const PoolImage* pool = frame.image->pool_at_unit(unit);
  return pool != nullptr && pool->unit == unit ? pool : nullptr;
}

Json blocks_json(const ViewFrame& frame, const std::vector<std::uint32_t>& units) {
  Json pools = Json::array();
  for (const std::uint32_t unit : units) {
    const PoolImage* pool = pool_that_begins(frame, unit);
    pools.push_back({{"unit", unit},
                     {"class", pool == nullptr ? 0 : pool->class_index},
                     {"capacity", pool == nullptr ? 0 : pool->capacity},
                     {"ok", pool != nullptr}});
  }
  return {{"frame", frame.number}, {"pools", std::move(pools)}};
}

}  // namespace

std::string frame_bytes(const ViewFrame& frame, std::uint32_t since) {
  if (since > frame.number) since = 0;
  std::vector<std::uint32_t> units;
  for (std::uint32_t unit = 0; unit < frame.units.size(); ++unit) {
    const UnitView& view = frame.units[unit];
    if (since == 0 ? view.record != UnitRecord{} : view.changed_frame > since) units.push_back(unit);
  }
  std::string bytes = begin(kFrameMagic, frame_json(frame, since, units.size()));
  bytes.reserve(bytes.size() + units.size() * kRecordBytes);
  for (const std::uint32_t unit : units) put_unit(bytes, frame, unit);
  return bytes;
}

std::string block_states(const ViewFrame& frame, const std::vector<std::uint32_t>& units) {
  std::string bytes = begin(kBlocksMagic, blocks_json(frame, units));
  for (const std::uint32_t unit : units) {
    const PoolImage* pool = pool_that_begins(frame, unit);
    for (unsigned block = 0; pool != nullptr && block < pool->capacity; ++block)
      put(bytes, static_cast<std::uint8_t>(pool->state_of(block)));
  }
  return bytes;
}

std::string block_ages(const ViewFrame& frame, const std::vector<std::uint32_t>& units, const BlockAges& ages) {
  std::string bytes = begin(kBlocksMagic, blocks_json(frame, units));
  for (const std::uint32_t unit : units) {
    const PoolImage* pool = pool_that_begins(frame, unit);
    for (unsigned block = 0; pool != nullptr && block < pool->capacity; ++block) {
      const auto age_s = ages.age_s(*pool, block);
      const auto bucket = static_cast<std::uint8_t>(age_s ? 1 + std::bit_width(*age_s) : kAgeUnknown);
      put(bytes, pool->state_of(block) == BlockState::kLive ? bucket : std::uint8_t{0});
    }
  }
  return bytes;
}

std::string block_types(const ViewFrame& frame, const std::vector<std::uint32_t>& units,
                        inspect::BlockNamer& namer) {
  std::vector<const PoolImage*> pools;
  for (const std::uint32_t unit : units) {
    if (const PoolImage* pool = pool_that_begins(frame, unit)) pools.push_back(pool);
  }
  std::unordered_map<inspect::TypeId, std::uint16_t> places{{0, 0}};
  Json types = Json::array({namer.type_name(0)});
  std::string ids;
  for (const auto& pool : namer.name_pools(*frame.image, pools)) {
    for (const inspect::TypeId type : pool) {
      const bool has_room = types.size() < 0xffff;
      const auto [entry, is_new] =
          places.try_emplace(type, static_cast<std::uint16_t>(has_room ? types.size() : 0));
      if (is_new && has_room) types.push_back(namer.type_name(type));
      put(ids, entry->second);
    }
  }
  Json json = blocks_json(frame, units);
  json["types"] = std::move(types);
  return begin(kBlocksMagic, json) + ids;
}

}  // namespace smallblock::cli
