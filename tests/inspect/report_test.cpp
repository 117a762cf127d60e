// The two reports of one hand-made sb_stats, byte for byte, and their behaviour at the edges.
//
// The golden texts are what docs/statistics.md explains: whoever changes one changes the other.

#include "inspect/report.hpp"

#include <fcntl.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "inspect/temporary_file.hpp"

namespace smallblock {
namespace {

using tests::TemporaryFile;

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;

// Three arenas, two of them in use, one class with long pools and one without any. The bytes add up, as real ones
// do.
sb_stats sample_stats() {
  sb_stats stats{};
  stats.version = SB_STATS_VERSION;
  stats.struct_bytes = sizeof stats;
  stats.region_bytes = 256 * kKiB * kMiB;
  stats.small_limit_bytes = 2048;
  stats.page_bytes = 4096;
  stats.arena_bytes = kMiB;
  stats.arenas_used = 2;
  stats.arenas_used_peak = 1234;
  stats.arenas_opened_total = 5678;
  stats.arenas_released_total = 5675;
  stats.arenas_kept = 1;
  stats.pools_empty = 121;
  stats.live_bytes = 1000 * 32 + 7 * 48 + 20 * 2048;
  stats.cached_bytes = 20 * 32 + 5 * 48 + 2 * 2048;
  stats.free_bytes = 4 * 32 + 329 * 48 + 10 * 2048;
  stats.tail_bytes = 16;
  stats.empty_bytes = 121 * 16 * kKiB;
  stats.committed_bytes = 3 * kMiB;
  stats.metadata_bytes = 45678;
  stats.heaps = 3;
  stats.heaps_private = 1;
  stats.next_allocations = 4;
  stats.class_count = 4;
  stats.classes[0] = {16, 16384, 0, 0, 0, 0, 0};
  stats.classes[1] = {32, 16384, 2, 1024, 1000, 20, 4};
  stats.classes[2] = {48, 16384, 1, 341, 7, 5, 329};
  stats.classes[3] = {2048, 65536, 1, 32, 20, 2, 10};
  return stats;
}

// Of the same process; 8 KiB of its used pools and most of its empty ones were given back.
sb_memory sample_memory() {
  const sb_stats stats = sample_stats();
  sb_memory memory{};
  memory.version = SB_MEMORY_VERSION;
  memory.struct_bytes = sizeof memory;
  memory.live_bytes = stats.live_bytes;
  memory.cached_bytes = stats.cached_bytes;
  memory.free_resident_bytes = stats.free_bytes + stats.tail_bytes - 8192;
  memory.purged_bytes = 8192;
  memory.empty_resident_bytes = 48 * 16 * kKiB;
  memory.metadata_bytes = stats.metadata_bytes;
  memory.rounding_bytes = 12345;
  memory.next_bytes = 20 * kMiB + 300 * kKiB;
  memory.committed_bytes = stats.committed_bytes;
  memory.peak_live_bytes = 1234 * kMiB;
  memory.peak_committed_bytes = 1300 * kMiB;
  return memory;
}

constexpr const char* kGoldenText = "smallblock " SB_VERSION_STRING R"(, process 4711 (python3)

Small block threshold = 2048, in 4 size classes.

class   size   num pools   blocks in use  avail blocks        cached  pool KiB
-----   ----   ---------   -------------  ------------        ------  --------
    1     32           2            1000             4            20        16
    2     48           1               7           329             5        16
    3   2048           1              20            10             2        64

# arenas allocated total           =                5,678
# arenas reclaimed                 =                5,675
# arenas highwater mark            =                1,234
# arenas allocated current         =                    2
# arenas kept, empty               =                    1
3 arenas * 1048576 bytes/arena     =            3,145,728

# bytes in allocated blocks        =               73,296
# bytes in available blocks        =               36,400
# bytes in magazines (cached)      =                4,976
121 unused pools * 16384 bytes     =            1,982,464
# bytes lost to pool tails         =                   16
# bytes in kept arenas             =            1,048,576
Total                              =            3,145,728

# bytes of metadata                =               45,678
# bytes of region reserved         =      274,877,906,944
# heaps of threads                 =                    3
# private heaps                    =                    1
# requests to the malloc below     =                    4

memory                                              bytes                  share
------                                              -----                  -----
# held by the program              =               73,296       71.6 KiB    2.3%
#   of that, rounding (estimate)   =               12,345       12.1 KiB    0.4%
# in magazines                     =                4,976        4.9 KiB    0.2%
# free in used pools, in memory    =               28,224       27.6 KiB    0.9%
# free in used pools, not in memory=                8,192        8.0 KiB    0.3%
# empty pools, in memory           =              786,432      768.0 KiB   25.0%
# empty pools, not in memory       =            2,244,608     2192.0 KiB   71.4%
Committed                          =            3,145,728     3072.0 KiB  100.0%
# metadata                         =               45,678       44.6 KiB    1.5%
# blocks of the malloc below       =           21,278,720       20.3 MiB
# most in blocks at once           =        1,293,942,784     1234.0 MiB
# most committed at once           =        1,363,148,800     1300.0 MiB
)";

constexpr const char* kGoldenJson = R"({
  "schema": 2,
  "version": ")" SB_VERSION_STRING R"(",
  "process": {"pid": 4711, "command": "python3"},
  "region_bytes": 274877906944,
  "small_limit_bytes": 2048,
  "page_bytes": 4096,
  "arena_bytes": 1048576,
  "arenas_used": 2,
  "arenas_used_peak": 1234,
  "arenas_opened_total": 5678,
  "arenas_released_total": 5675,
  "arenas_kept": 1,
  "pools_empty": 121,
  "live_bytes": 73296,
  "cached_bytes": 4976,
  "free_bytes": 36400,
  "tail_bytes": 16,
  "empty_bytes": 1982464,
  "committed_bytes": 3145728,
  "metadata_bytes": 45678,
  "heaps": 3,
  "heaps_private": 1,
  "next_allocations": 4,
  "class_count": 4,
  "memory": {
    "live_bytes": 73296,
    "cached_bytes": 4976,
    "free_resident_bytes": 28224,
    "purged_bytes": 8192,
    "empty_resident_bytes": 786432,
    "metadata_bytes": 45678,
    "rounding_bytes": 12345,
    "next_bytes": 21278720,
    "committed_bytes": 3145728,
    "peak_live_bytes": 1293942784,
    "peak_committed_bytes": 1363148800
  },
  "classes": [
    {"class": 1, "block_bytes": 32, "pool_bytes": 16384, "pools_used": 2, "blocks_capacity": 1024, "blocks_in_use": 1000, "blocks_cached": 20, "blocks_free": 4},
    {"class": 2, "block_bytes": 48, "pool_bytes": 16384, "pools_used": 1, "blocks_capacity": 341, "blocks_in_use": 7, "blocks_cached": 5, "blocks_free": 329},
    {"class": 3, "block_bytes": 2048, "pool_bytes": 65536, "pools_used": 1, "blocks_capacity": 32, "blocks_in_use": 20, "blocks_cached": 2, "blocks_free": 10}
  ]
}
)";

std::string text_of(const sb_stats& stats, const char* command = "python3",
                    const sb_memory& memory = sample_memory()) {
  const TemporaryFile file;
  EXPECT_TRUE(write_text_report(stats, memory, {.pid = 4711, .command = command}, file.descriptor()));
  return file.content();
}

std::string json_of(const sb_stats& stats, const char* command = "python3") {
  const TemporaryFile file;
  EXPECT_TRUE(write_json_report(stats, sample_memory(), {.pid = 4711, .command = command}, file.descriptor()));
  return file.content();
}

TEST(Report, TextIsTheGoldenOne) {
  EXPECT_EQ(text_of(sample_stats()), kGoldenText);
}

TEST(Report, JsonIsTheGoldenOne) {
  EXPECT_EQ(json_of(sample_stats()), kGoldenJson);
}

TEST(Report, TextStaysWithin80ColumnsWithTheLargestFiguresOfOneRegion) {
  sb_stats stats = sample_stats();
  stats.region_bytes = std::uint64_t{1} << 40;
  stats.live_bytes = stats.region_bytes - 1;
  stats.class_count = SB_STATS_CLASS_MAX;
  for (auto& figures : stats.classes) {
    figures = {32768, 262144, 16'777'216, 999'999'999'999, 999'999'999'999, 999'999'999'999, 999'999'999'999};
  }
  sb_memory memory = sample_memory();
  memory.live_bytes = memory.purged_bytes = memory.committed_bytes = memory.peak_live_bytes = stats.region_bytes;
  std::istringstream lines(text_of(stats, "python3", memory));
  std::size_t longest = 0;
  for (std::string line; std::getline(lines, line);) longest = std::max(longest, line.size());
  EXPECT_LE(longest, 80U);
}

TEST(Report, TextSaysNoShareOfNothing) {
  const std::string text = text_of(sample_stats(), "python3", sb_memory{});
  EXPECT_EQ(text.find('%'), std::string::npos) << text;
  EXPECT_NE(text.find("Committed                          =                    0        0.0 KiB\n"),
            std::string::npos)
      << text;
}

// The sums may belong to different moments.
TEST(Report, TextKeepsLinesFromBelowZero) {
  sb_memory memory = sample_memory();
  memory.live_bytes = memory.committed_bytes + 1;
  EXPECT_NE(
      text_of(sample_stats(), "python3", memory).find("# empty pools, not in memory       =                    0"),
      std::string::npos);
}

TEST(Report, JsonKeepsTheLargestNumbers) {
  sb_stats stats = sample_stats();
  stats.live_bytes = ~std::uint64_t{0};
  stats.classes[1].blocks_in_use = ~std::uint64_t{0};
  const auto report = nlohmann::json::parse(json_of(stats));
  EXPECT_EQ(report["live_bytes"].get<std::uint64_t>(), ~std::uint64_t{0});
  EXPECT_EQ(report["classes"][0]["blocks_in_use"].get<std::uint64_t>(), ~std::uint64_t{0});
}

TEST(Report, JsonTakesAnyCommandName) {
  const auto command_of = [](const char* name) {
    return nlohmann::json::parse(json_of(sample_stats(), name))["process"]["command"].get<std::string>();
  };
  EXPECT_EQ(command_of("a\"b\\c\n\x01\x7f"), "a\"b\\c\n\x01\x7f");
  EXPECT_NE(json_of(sample_stats(), "a\xc2\x9bm").find("a\\u009bm"), std::string::npos) << "it steers terminals";
  EXPECT_EQ(command_of("a\xc2\x9bm\xc2\xa0"), "a\xc2\x9bm\xc2\xa0");
  EXPECT_EQ(command_of("pyth\xc3\xb6n"), "pyth\xc3\xb6n");
  EXPECT_EQ(command_of("bad\xff\xc3"), "bad\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(command_of(""), "");
  const std::string longest(5000, 'x');
  EXPECT_EQ(command_of(longest.c_str()), longest);
}

TEST(Report, TextNamesTheProcessOnOneLine) {
  const std::string text = text_of(sample_stats(), "two\nlines\xff\xc2\x9bm");
  EXPECT_NE(text.find(", process 4711 (two\xef\xbf\xbdlines\xef\xbf\xbd\xef\xbf\xbdm)\n\n"), std::string::npos)
      << text;
}

TEST(Report, AnEmptyProcessHasAnEmptyTable) {
  sb_stats stats{};
  const auto report = nlohmann::json::parse(json_of(stats));
  EXPECT_TRUE(report["classes"].is_array());
  EXPECT_TRUE(report["classes"].empty());
  EXPECT_NE(text_of(stats).find("0 unused pools * 0 bytes "), std::string::npos);
}

TEST(Report, AMissingRegionIsSaid) {
  sb_stats stats = sample_stats();
  EXPECT_EQ(text_of(stats).find("No address space"), std::string::npos);
  stats.region_bytes = 0;
  EXPECT_NE(text_of(stats).find("No address space"), std::string::npos);
}

TEST(Report, ACountBeyondTheArrayIsCut) {
  sb_stats stats = sample_stats();
  stats.class_count = 1000000;
  EXPECT_EQ(nlohmann::json::parse(json_of(stats))["class_count"], SB_STATS_CLASS_MAX);
}

TEST(Report, AFullDiskIsReported) {
  const int full = open("/dev/full", O_WRONLY);
  ASSERT_GE(full, 0);
  const ReportProcess process{.pid = 1, .command = "x"};
  EXPECT_FALSE(write_text_report(sample_stats(), sample_memory(), process, full));
  EXPECT_FALSE(write_json_report(sample_stats(), sample_memory(), process, full));
  close(full);
}

}  // namespace
}  // namespace smallblock
