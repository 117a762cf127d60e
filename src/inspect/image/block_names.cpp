// Reads live blocks and asks python_names and cxx_names what they hold; see block_names.hpp.

#include "inspect/image/block_names.hpp"

#include <algorithm>
#include <cstring>
#include <map>

#include "check/record.hpp"
#include "inspect/image/cxx_names.hpp"
#include "inspect/image/python_names.hpp"

namespace smallblock::inspect {

namespace {

constexpr std::uint32_t kWholeBlocksMax = 512;  // longer blocks are not read whole
constexpr std::size_t kHeadBytes = 64;
constexpr std::size_t kDescribedBytesMax = 1024;
constexpr const char* kUnknown = "unknown";

// A pool as it lies in memory, or the first bytes of its blocks one after the other.
struct PoolBytes {
  std::vector<unsigned char> memory;
  const ClassImage* whole = nullptr;
  std::span<const unsigned char> block(unsigned index) const {
    if (whole != nullptr) return {memory.data() + whole->offset_of(index), whole->block_bytes};
    return {memory.data() + std::size_t{index} * kHeadBytes, kHeadBytes};
  }
};

// Pages that were given back are not read: that would bring them into memory.
void plan_whole_pool(const HeapImage& image, const PoolImage& pool, PoolBytes& bytes, std::vector<Piece>& pieces) {
  const std::size_t length = std::size_t{image.pool_units(pool)} * image.geometry.unit_bytes;
  const std::size_t page = std::min<std::size_t>(image.geometry.page_bytes, length);
  bytes.memory.resize(length);
  std::size_t begin = 0;
  for (std::size_t offset = 0; offset <= length; offset += page) {
    const bool is_gap = offset == length || (pool.purged_pages >> (offset / page) & 1) != 0;
    if (!is_gap) continue;
    if (offset > begin) pieces.push_back({image.pool_address(pool) + begin, &bytes.memory[begin], offset - begin});
    begin = offset + page;
  }
}

void plan_heads(const HeapImage& image, const PoolImage& pool, PoolBytes& bytes, std::vector<Piece>& pieces) {
  bytes.memory.resize(std::size_t{pool.capacity} * kHeadBytes);
  for (unsigned block = 0; block < pool.capacity; ++block) {
    if (pool.state_of(block) == BlockState::kLive)
      pieces.push_back({image.block_address(pool, block), &bytes.memory[block * kHeadBytes], kHeadBytes});
  }
}

std::vector<PoolBytes> read_pools(const MemorySource& source, const HeapImage& image,
                                  std::span<const PoolImage* const> pools) {
  std::vector<PoolBytes> all(pools.size());
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < pools.size(); ++i) {
    const ClassImage& size_class = image.geometry.classes[pools[i]->class_index];
    if (size_class.block_bytes <= kWholeBlocksMax) {
      all[i].whole = &size_class;
      plan_whole_pool(image, *pools[i], all[i], pieces);
    } else {
      plan_heads(image, *pools[i], all[i], pieces);
    }
  }
  source.read_pieces(pieces);
  return all;
}

}  // namespace

struct BlockNames::State {
  const MemorySource& source;
  std::optional<PythonNames> python;
  CxxNames cxx;
  std::string version;
  std::vector<std::string> names{kUnknown};
  std::map<std::string, TypeId, std::less<>> ids{{kUnknown, 0}};
  std::unordered_map<std::uint64_t, TypeId> id_of_type;  // by address; of the image at image_time_ns
  std::uint64_t image_time_ns = 0;

  explicit State(const MemorySource& memory)
      : source(memory), python(PythonNames::find(memory)), cxx(memory), version(python ? python->version() : "") {}

  TypeId id_of(const std::string& name) {
    const auto [entry, is_new] = ids.try_emplace(name, static_cast<TypeId>(names.size()));
    if (is_new) names.push_back(name);
    return entry->second;
  }

  // A type may have gone since another image, and its address be another's.
  void begin(const HeapImage& image) {
    if (image.time_ns == image_time_ns) return;
    image_time_ns = image.time_ns;
    id_of_type.clear();
    if (python) python->forget();
  }

  TypeId name_block(const HeapImage& image, unsigned class_index, std::span<const unsigned char> bytes,
                    std::uint32_t lead_bytes) {
    if (python) {
      if (const auto object = python->object_in(image, class_index, bytes, lead_bytes)) {
        const auto [entry, is_new] = id_of_type.try_emplace(object->type->address, 0);
        if (is_new) entry->second = id_of(object->type->name);
        return entry->second;
      }
    }
    std::uint64_t first = 0;
    if (lead_bytes + sizeof first > bytes.size()) return 0;
    std::memcpy(&first, bytes.data() + lead_bytes, sizeof first);
    const std::string& name = cxx.class_of(first);
    return name.empty() ? 0 : id_of(name);
  }

  // Of a live block in check mode.
  std::optional<check::Record> record_of(const HeapImage& image, const PoolImage& pool, unsigned block) const {
    if (image.check_records == 0) return std::nullopt;
    const std::uint64_t offset = image.block_address(pool, block) - image.geometry.first_unit_address;
    alignas(check::Record) unsigned char bytes[sizeof(check::Record)];
    if (!source.read_bytes(image.check_records + offset, bytes, sizeof bytes)) return std::nullopt;
    const auto& record = *reinterpret_cast<const check::Record*>(bytes);
    const bool is_good = record.state == check::State::kLive && lead_bytes(record) < image.block_bytes(pool);
    return is_good ? std::optional(record) : std::nullopt;
  }

  // What check mode puts before the bytes that were asked for.
  static std::uint32_t lead_bytes(const std::optional<check::Record>& record) {
    return record ? static_cast<std::uint32_t>(record->lead_granules * sizeof(check::Record)) : 0;
  }
};

BlockNames::BlockNames(const MemorySource& source) : state_(std::make_unique<State>(source)) {}
BlockNames::~BlockNames() = default;
BlockNames::BlockNames(BlockNames&&) noexcept = default;
BlockNames& BlockNames::operator=(BlockNames&&) noexcept = default;

const std::string& BlockNames::python_version() const noexcept {
  return state_->version;
}

std::string BlockNames::untold_python() const {
  return PythonNames::untold_version(state_->source);
}

const std::string& BlockNames::type_name(TypeId id) const {
  return state_->names.at(id);
}

std::size_t BlockNames::type_count() const {
  return state_->names.size();
}

std::vector<std::vector<TypeId>> BlockNames::name_pools(const HeapImage& image,
                                                        std::span<const PoolImage* const> pools) {
  state_->begin(image);
  const std::vector<PoolBytes> bytes = read_pools(state_->source, image, pools);
  std::vector<std::vector<TypeId>> ids(pools.size());
  for (std::size_t i = 0; i < pools.size(); ++i) {
    const PoolImage& pool = *pools[i];
    ids[i].resize(pool.capacity);
    for (unsigned block = 0; block < pool.capacity; ++block) {
      if (pool.state_of(block) != BlockState::kLive) continue;
      const std::uint32_t lead = State::lead_bytes(state_->record_of(image, pool, block));
      ids[i][block] = state_->name_block(image, pool.class_index, bytes[i].block(block), lead);
    }
  }
  return ids;
}

BlockDetail BlockNames::describe(const HeapImage& image, const PoolImage& pool, unsigned block) {
  state_->begin(image);
  BlockDetail detail;
  detail.type_name = kUnknown;
  std::vector<unsigned char> bytes(std::min<std::size_t>(image.block_bytes(pool), kDescribedBytesMax));
  if (pool.state_of(block) != BlockState::kLive) return detail;
  if (!state_->source.read_bytes(image.block_address(pool, block), bytes.data(), bytes.size())) return detail;
  const std::optional<check::Record> record = state_->record_of(image, pool, block);
  const std::uint32_t lead = State::lead_bytes(record);
  if (record) detail.requested_bytes = record->requested;
  detail.type = state_->name_block(image, pool.class_index, bytes, lead);
  detail.type_name = state_->names[detail.type];
  if (!state_->python) return detail;
  const auto object = state_->python->object_in(image, pool.class_index, bytes, lead);
  if (!object) return detail;
  detail.object_offset = static_cast<std::uint32_t>(object->offset);
  detail.gc_header = object->type->has(kHasGc);
  detail.type_address = object->type->address;
  detail.size_bytes = object->need_bytes;
  detail.value = state_->python->text_of(*object, image.block_address(pool, block) + object->offset,
                                         std::span(bytes).subspan(object->offset));
  return detail;
}

}  // namespace smallblock::inspect
