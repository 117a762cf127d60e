// Snapshots: what is written is read again, files of earlier and later releases are read, and whatever is damaged,
// cut or made to hurt is an error, or an image that keeps the invariants of one that was walked.

#include "inspect/image/snapshot.hpp"

#include <gtest/gtest.h>
#include <zstd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

#include "heap/address_space.hpp"
#include "inspect/image/heap_walk.hpp"
#include "inspect/image/snapshot_fields.hpp"
#include "inspect/image/snapshot_namer.hpp"
#include "inspect/own_memory.hpp"
#include "inspect/traffic.hpp"

namespace smallblock::inspect {
namespace {

constexpr std::size_t kManyPools = 1U << 20;

// Of this process, with every field set.
Snapshot real_snapshot() {
  Traffic shared;
  sb_heap* heap = sb_heap_create();
  Snapshot snapshot;
  {
    Traffic own(heap);
    shared.run(8000);
    own.run(500);
    shared.drop_most();
    sb_trim();
    shared.run(300);
    const OwnMemory source;
    snapshot.image = walk(source, find_heap(source));
  }
  sb_heap_destroy(heap);
  snapshot.image.torn_pools = 3;
  snapshot.image.check_records = 1;
  snapshot.process = {4711, "python3 app.py", "3.12", 12345678, 1234567};
  snapshot.type_names = {"unknown", "dict", "zoo::Cat"};
  for (const PoolImage& pool : snapshot.image.pools) {
    auto& types = snapshot.types.emplace_back(pool.capacity);
    for (unsigned block = 0; block < pool.capacity; ++block)
      types[block] = pool.state_of(block) == BlockState::kLive ? block % 3 : 0;
  }
  return snapshot;
}

void expect_same_arenas(const HeapImage& one, const HeapImage& other) {
  ASSERT_EQ(one.arenas.size(), other.arenas.size());
  for (std::size_t i = 0; i < one.arenas.size(); ++i) {
    const ArenaImage& a = one.arenas[i];
    const ArenaImage& b = other.arenas[i];
    EXPECT_EQ(a.use, b.use);
    EXPECT_EQ(a.units_per_pool, b.units_per_pool);
    EXPECT_EQ(a.empty_units, b.empty_units);
    EXPECT_EQ(a.dirty_units & a.empty_units, b.dirty_units);
    EXPECT_EQ(a.pool_count, b.pool_count);
    EXPECT_TRUE(a.pool_count == 0 || a.first_pool == b.first_pool);
  }
}

void expect_same_pools(const HeapImage& one, const HeapImage& other) {
  ASSERT_EQ(one.pools.size(), other.pools.size());
  for (std::size_t i = 0; i < one.pools.size(); ++i) {
    const PoolImage& a = one.pools[i];
    const PoolImage& b = other.pools[i];
    EXPECT_EQ(std::tie(a.unit, a.owner, a.class_index, a.capacity, a.live, a.cached, a.free, a.purged),
              std::tie(b.unit, b.owner, b.class_index, b.capacity, b.live, b.cached, b.free, b.purged));
    EXPECT_EQ(std::tie(a.purged_pages, a.idle_pages, a.live_bits, a.cached_bits, a.purged_bits),
              std::tie(b.purged_pages, b.idle_pages, b.live_bits, b.cached_bits, b.purged_bits));
  }
}

void expect_same_geometry(const Geometry& a, const Geometry& b) {
  EXPECT_EQ(std::tie(a.region_address, a.region_bytes, a.given_up_bytes, a.first_unit_address, a.unit_bytes,
                     a.page_bytes),
            std::tie(b.region_address, b.region_bytes, b.given_up_bytes, b.first_unit_address, b.unit_bytes,
                     b.page_bytes));
  ASSERT_EQ(a.classes.size(), b.classes.size());
  for (std::size_t i = 0; i < a.classes.size(); ++i) {
    EXPECT_EQ(
        std::tie(a.classes[i].block_bytes, a.classes[i].capacity, a.classes[i].units, a.classes[i].group_bytes),
        std::tie(b.classes[i].block_bytes, b.classes[i].capacity, b.classes[i].units, b.classes[i].group_bytes));
  }
}

void expect_same_heap(const HeapImage& one, const HeapImage& other) {
  expect_same_geometry(one.geometry, other.geometry);
  expect_same_arenas(one, other);
  expect_same_pools(one, other);
  expect_counts_agree(other);
}

void expect_same(const Snapshot& one, const Snapshot& other) {
  expect_same_heap(one.image, other.image);
  for (const auto total : kTotals) EXPECT_EQ(one.image.totals.*total, other.image.totals.*total);
  ASSERT_EQ(one.image.requests.size(), other.image.requests.size());
  for (std::size_t i = 0; i < one.image.requests.size(); ++i) {
    EXPECT_EQ(one.image.requests[i].bytes, other.image.requests[i].bytes);
    EXPECT_EQ(one.image.requests[i].count, other.image.requests[i].count);
  }
  EXPECT_EQ(std::tie(one.image.time_ns, one.image.torn_pools, one.image.check_records),
            std::tie(other.image.time_ns, other.image.torn_pools, other.image.check_records));
  EXPECT_EQ(std::tie(one.process.pid, one.process.command, one.process.python_version),
            std::tie(other.process.pid, other.process.command, other.process.python_version));
  EXPECT_EQ(std::tie(one.process.resident_bytes, one.process.arenas_resident_bytes),
            std::tie(other.process.resident_bytes, other.process.arenas_resident_bytes));
  EXPECT_EQ(one.type_names, other.type_names);
  EXPECT_EQ(one.types, other.types);
}

// Writes a message again, with a change to each message in it. `path` names the message: 0 for the whole, else its
// tag, and 26 for a class in the geometry (2).
using Visit = std::function<bool(unsigned path, protozero::pbf_tag_type tag)>;  // false: left out
using Finish = std::function<void(unsigned path, protozero::pbf_writer&)>;

void copy_field(protozero::pbf_reader& from, protozero::pbf_writer& to) {
  const protozero::pbf_tag_type tag = from.tag();  // a reader that was read has none any more
  switch (from.wire_type()) {
    case protozero::pbf_wire_type::varint:
      to.add_uint64(tag, from.get_uint64());
      break;
    case protozero::pbf_wire_type::fixed64:
      to.add_fixed64(tag, from.get_fixed64());
      break;
    case protozero::pbf_wire_type::length_delimited:
      to.add_bytes(tag, from.get_view());
      break;
    default:
      from.skip();
  }
}

std::string rewritten(const std::string& message, const Visit& visit, const Finish& finish, unsigned path = 0) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  for (protozero::pbf_reader reader(message); reader.next();) {
    const unsigned tag = reader.tag();
    if (!visit(path, tag)) {
      reader.skip();
    } else if ((path == 0 && (tag <= 5 || tag == 10)) || (path == 2 && tag == 6)) {
      const std::string inner(reader.get_view());
      writer.add_message(tag, rewritten(inner, visit, finish, path == 0 ? tag : 26));
    } else {
      copy_field(reader, writer);
    }
  }
  finish(path, writer);
  return bytes;
}

std::string error_of(const std::function<void()>& run) {
  try {
    run();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return {};
}

std::string read_error(const Snapshot& snapshot) {
  return error_of([&] { read_message(write_message(snapshot), kManyPools); });
}

std::string packed(const std::string& message) {
  std::string bytes = "smblsnap\n";
  const std::size_t head = bytes.size();
  bytes.resize(head + ZSTD_compressBound(message.size()));
  bytes.resize(head + ZSTD_compress(bytes.data() + head, bytes.size() - head, message.data(), message.size(), 3));
  return bytes;
}

TEST(Snapshot, IsReadAsItWasWritten) {
  const Snapshot snapshot = real_snapshot();
  ASSERT_GT(snapshot.image.pools.size(), 50U);
  const HeapSummary sums = summarise(snapshot.image);
  ASSERT_GT(sums.all.purged_blocks, 0U);
  ASSERT_GT(sums.all.cached_blocks, 0U);
  expect_same(snapshot, decode_snapshot(encode_snapshot(snapshot)));
}

TEST(Snapshot, GoesThroughAFile) {
  sb_free(sb_malloc(100));
  fit_into_address_space(8_GiB);
  const Snapshot snapshot = real_snapshot();
  ASSERT_GT(snapshot.image.geometry.given_up_bytes, 0U);
  const auto file = std::filesystem::temp_directory_path() / ("smallblock-snapshot-" + std::to_string(getpid()));
  std::ofstream(file, std::ios::binary) << encode_snapshot(snapshot);
  EXPECT_TRUE(is_snapshot(file));
  expect_same(snapshot, load_snapshot(file));
  std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);
  EXPECT_EQ(error_of([&] { load_snapshot(file); }), "cannot use " + file.string() + ": its end is missing");
  std::filesystem::remove(file);
  EXPECT_FALSE(is_snapshot(file));
  EXPECT_EQ(error_of([&] { load_snapshot(file); }), "cannot read " + file.string());
}

TEST(Snapshot, FieldsOfALaterReleaseAreSkipped) {
  const Snapshot snapshot = real_snapshot();
  unsigned messages = 0;
  const std::string later = rewritten(
      write_message(snapshot), [](unsigned, unsigned) { return true; },
      [&messages](unsigned, protozero::pbf_writer& writer) {
        ++messages;
        writer.add_uint64(900, 1234567890123);
        writer.add_fixed64(901, 1);
        writer.add_fixed32(902, 1);
        writer.add_string(1000, "a field of later times");
        // Known numbers with another type of value.
        for (protozero::pbf_tag_type tag = 1; tag < 12; ++tag) writer.add_fixed32(tag, 5);
      });
  EXPECT_GT(messages, snapshot.image.pools.size() + snapshot.image.arenas.size());
  expect_same(snapshot, read_message(later, kManyPools));
}

TEST(Snapshot, OfAnEarlierReleaseHasLess) {
  const Snapshot snapshot = real_snapshot();
  const auto is_old = [](unsigned path, unsigned tag) {
    const bool is_heap = path == 0 && tag >= 2 && tag <= 4;
    const bool is_place = path == 3 || path == 2 || (path == 26 && tag < 4) || (path == 4 && tag != 3 && tag != 9);
    return is_heap || is_place;
  };
  const Snapshot old =
      read_message(rewritten(write_message(snapshot), is_old, [](unsigned, protozero::pbf_writer&) {}), kManyPools);
  HeapImage expected = snapshot.image;
  for (PoolImage& pool : expected.pools) pool.owner = 0;
  for (ClassImage& size_class : expected.geometry.classes)
    size_class.group_bytes = size_class.units * expected.geometry.unit_bytes;
  expect_same_heap(expected, old.image);
  EXPECT_TRUE(old.image.requests.empty());
  EXPECT_EQ(old.image.totals.arenas_used_peak, 0U);
  EXPECT_EQ(old.process.command, "");
  EXPECT_TRUE(old.types.empty());
  SnapshotNamer namer(std::make_shared<const Snapshot>(old));
  EXPECT_EQ(namer.count_types(old.image).front().name, "unknown");
}

TEST(Snapshot, TypesAreThoseOfTheBlocks) {
  const auto snapshot = std::make_shared<const Snapshot>(decode_snapshot(encode_snapshot(real_snapshot())));
  SnapshotNamer namer(snapshot);
  const PoolImage& pool = snapshot->image.pools.front();
  for (unsigned block = 0; block < pool.capacity; ++block) {
    const bool is_live = pool.state_of(block) == BlockState::kLive;
    EXPECT_EQ(namer.describe(snapshot->image, pool, block).type, is_live ? block % 3 : 0);
  }
}

TEST(Snapshot, CutAnywhereItIsAnError) {
  const std::string bytes = encode_snapshot(real_snapshot());
  for (std::size_t length = 0; length < bytes.size(); length += 1 + bytes.size() / 500)
    EXPECT_NE(error_of([&] { decode_snapshot(std::string_view(bytes).substr(0, length)); }), "") << length;
}

TEST(Snapshot, DamagedAnywhereItIsAnErrorOrAHeap) {
  const std::string good = write_message(real_snapshot());
  unsigned refused = 0;
  unsigned taken = 0;
  for (std::size_t at = 0; at < good.size(); at += 1 + good.size() / 2000) {
    for (const std::size_t bit : {at % 8, std::size_t{7}}) {
      std::string bytes = good;
      bytes[at] = static_cast<char>(bytes[at] ^ 1 << bit);
      const std::string error = error_of([&] {
        try {
          const Snapshot snapshot = read_message(bytes, kManyPools);
          ++taken;
          expect_counts_agree(snapshot.image);
          expect_same_pools(snapshot.image, read_message(write_message(snapshot), kManyPools).image);
        } catch (const protozero::exception&) {
          ++refused;
        }
      });
      if (!error.empty()) ++refused;
    }
  }
  EXPECT_GT(refused, 100U);
  EXPECT_GT(taken, 100U);
}

// A number whose bytes are missing at the very end.
TEST(Snapshot, NothingBehindTheEndIsRead) {
  const std::string message = write_message(real_snapshot());
  for (char tag = 6; tag <= 8; ++tag) {
    const std::string cut = message + static_cast<char>(tag << 3);
    const std::vector<char> exactly(cut.begin(), cut.end());
    EXPECT_THROW(read_message({exactly.data(), exactly.size()}, kManyPools), protozero::exception);
  }
}

TEST(Snapshot, DamagedCompressionIsAnErrorOrAHeap) {
  const std::string good = encode_snapshot(real_snapshot());
  for (std::size_t at = 0; at < good.size(); at += 1 + good.size() / 500) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x41);
    error_of([&] { expect_counts_agree(decode_snapshot(bytes).image); });
  }
}

TEST(Snapshot, AFewBytesDoNotUnfoldIntoMuch) {
  const std::string bomb = packed(std::string(std::size_t{120} << 20, '\0'));
  EXPECT_LT(bomb.size(), 20000U);
  EXPECT_EQ(error_of([&] { decode_snapshot(bomb); }), "it unfolds into more than any heap needs");
}

TEST(Snapshot, ManyEmptyPartsAreRefused) {
  const Snapshot snapshot = real_snapshot();
  std::string message = write_message(snapshot);
  for (unsigned i = 0; i < 1U << 19; ++i) message += std::string("\x1a\0", 2);
  EXPECT_EQ(error_of([&] { decode_snapshot(packed(message)); }), "it has more arenas than any heap");
  message = write_message(snapshot);
  for (unsigned i = 0; i < 1U << 13; ++i) message += std::string("\x1a\0", 2);
  for (unsigned i = 0; i < 1U << 19; ++i) message += "\x22\x04\x08\x01\x10\x01";
  EXPECT_EQ(error_of([&] { decode_snapshot(packed(message)); }), "it has more pools than its bytes can say");
  message = write_message(snapshot);
  for (unsigned i = 0; i < 1U << 20; ++i) message += std::string("\x4a\0", 2);
  EXPECT_EQ(error_of([&] { read_message(message, kManyPools); }), "it names more types than any program has");
}

TEST(Snapshot, WhatContradictsItselfIsRefused) {
  const Snapshot good = real_snapshot();
  ASSERT_EQ(read_error(good), "");
  struct Case {
    const char* error;
    std::function<void(Snapshot&)> change;
  };
  const Case cases[] = {
      {"its units have an impossible length", [](Snapshot& s) { s.image.geometry.unit_bytes = 0; }},
      {"its units have an impossible length", [](Snapshot& s) { s.image.geometry.unit_bytes = 1U << 30; }},
      {"its pages have an impossible length", [](Snapshot& s) { s.image.geometry.page_bytes = 4097; }},
      {"it has no size classes, or too many", [](Snapshot& s) { s.image.geometry.classes.resize(1); }},
      {"it has no size classes, or too many",
       [](Snapshot& s) { s.image.geometry.classes.resize(1000, s.image.geometry.classes[1]); }},
      {"a size class does not fit its pool", [](Snapshot& s) { s.image.geometry.classes[1].block_bytes = 0; }},
      {"a size class does not fit its pool", [](Snapshot& s) { s.image.geometry.classes[1].capacity = 1025; }},
      {"a size class does not fit its pool", [](Snapshot& s) { s.image.geometry.classes[1].units = 1U << 31; }},
      {"a size class does not fit its pool",
       [](Snapshot& s) { s.image.geometry.classes[1].block_bytes = 1U << 31; }},
      {"a size class does not fit its pool", [](Snapshot& s) { s.image.geometry.classes[1].group_bytes = 8; }},
      {"a size class does not fit its pool",
       [](Snapshot& s) { s.image.geometry.classes[1].group_bytes = 1U << 31; }},
      {"a size class does not fit its pool", [](Snapshot& s) { s.image.geometry.classes[3].group_bytes = 4096; }},
      {"a pool is of no size class", [](Snapshot& s) { s.image.pools[0].class_index = 0; }},
      {"a pool is of no size class", [](Snapshot& s) { s.image.pools[0].class_index = 200; }},
      {"a pool has blocks behind its end", [](Snapshot& s) { s.image.pools.back().live_bits[0] = ~0UL; }},
      {"a block has two states",
       [](Snapshot& s) {
         s.image.pools[0].live_bits[0] |= 1;
         s.image.pools[0].cached_bits[0] |= 1;
         s.image.pools[0].cached = 1;
       }},
      {"a pool has more types than blocks, or fewer", [](Snapshot& s) { s.types[0].push_back(0); }},
      {"a block is of no type", [](Snapshot& s) { s.types[0][0] = 3; }},
      {"a pool has pages behind its end", [](Snapshot& s) { s.image.pools[0].idle_pages = ~0UL; }},
      {"its pools overlap, or are not in order",
       [](Snapshot& s) {
         std::swap(s.image.pools[0], s.image.pools[1]);
         std::swap(s.types[0], s.types[1]);
       }},
      {"its pools overlap, or are not in order", [](Snapshot& s) { s.image.pools.back().unit = 0xffffffff; }},
      {"its pools overlap, or are not in order",
       [](Snapshot& s) { s.image.pools[1].unit = s.image.pools[0].unit; }},
      {"it has more pools than its arenas hold", [](Snapshot& s) { s.image.arenas.clear(); }},
      {"it has requests of other size classes than its own", [](Snapshot& s) { s.image.requests.resize(5000); }},
      {"a pool has more types than blocks, or fewer", [](Snapshot& s) { s.types[0].resize(5000); }},
      {"it has requests of other size classes than its own", [](Snapshot& s) { s.image.requests.resize(2); }},
  };
  for (const Case& each : cases) {
    Snapshot bad = good;
    each.change(bad);
    EXPECT_EQ(read_error(bad), each.error);
  }
  const std::string twice = write_message(good) + write_message(good);
  EXPECT_EQ(error_of([&] { read_message(twice, kManyPools); }), "it says twice how the heap is laid out");
  EXPECT_EQ(error_of([&] { read_message({}, kManyPools); }), "it does not say how the heap is laid out");
  EXPECT_EQ(error_of([] { decode_snapshot("smblsnap"); }), "it is no snapshot of smallblock");
}

TEST(Snapshot, NamesInItCannotSteerATerminal) {
  Snapshot snapshot = real_snapshot();
  snapshot.type_names[1] =
      "a\x1b[31mb\xc2\x9b"
      "c\x9b\xff d\xc3\xa9\n";
  snapshot.process.command = "\x1b]0;title\x07";
  const Snapshot read = decode_snapshot(encode_snapshot(snapshot));
  EXPECT_EQ(read.type_names[1], "a.[31mb.c.. d\xc3\xa9.");
  EXPECT_EQ(read.process.command, ".]0;title.");
}

}  // namespace
}  // namespace smallblock::inspect
