// Core dumps that were cut short or made to hurt, by hand: what a fuzzer is not likely to come upon.

#include "cli/target/core_file.hpp"

#include <elf.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "cli/error.hpp"
#include "core_writer.hpp"
#include "inspect/image/snapshot.hpp"

namespace smallblock::fuzz {
namespace {

using cli::CoreFile;
namespace files = std::filesystem;

constexpr std::uint64_t kAddress = 0x10000;
constexpr std::size_t kPartBytes = 1000;

class CoreFiles : public testing::Test {
 protected:
  CoreFiles() : folder_(files::temp_directory_path() / ("smallblock-core-" + std::to_string(getpid()))) {
    files::create_directory(folder_);
  }
  ~CoreFiles() override { files::remove_all(folder_); }

  std::string write(const std::string& bytes) const {
    const files::path path = folder_ / "core";
    std::ofstream(path, std::ios::binary) << bytes;
    return path.string();
  }

  static std::string two_parts(std::span<const inspect::MappedFile> mapped = {}) {
    return core_dump(
        {{kAddress, std::string(kPartBytes, 'a')}, {kAddress + kPartBytes, std::string(kPartBytes, 'b')}}, mapped);
  }

  const files::path folder_;
};

std::string read(const CoreFile& core, std::uint64_t address, std::size_t bytes) {
  std::string target(bytes, '\0');
  return core.read_bytes(address, target.data(), bytes) ? target : std::string();
}

std::string error_of(const std::string& path) {
  try {
    const CoreFile core(path);
  } catch (const cli::Error& error) {
    return error.what();
  }
  return {};
}

TEST_F(CoreFiles, ReadsAcrossParts) {
  const CoreFile core(write(two_parts()));
  EXPECT_EQ(read(core, kAddress + kPartBytes - 2, 4), "aabb");
  EXPECT_EQ(read(core, kAddress + 2 * kPartBytes - 2, 2), "bb");
  EXPECT_EQ(read(core, kAddress + 2 * kPartBytes - 2, 3), "");
  EXPECT_EQ(read(core, kAddress - 1, 3), "");
  EXPECT_EQ(read(core, ~std::uint64_t{0} - 1, 8), "");
  EXPECT_EQ(core.facts().pid, 4711);
  EXPECT_EQ(core.facts().command, "python3 app.py");
}

TEST_F(CoreFiles, CutShortItHasWhatIsLeft) {
  std::string bytes = two_parts();
  bytes.resize(bytes.size() - kPartBytes / 2);
  const CoreFile core(write(bytes));
  EXPECT_EQ(read(core, kAddress + kPartBytes, 3), "bbb");
  EXPECT_EQ(read(core, kAddress + 2 * kPartBytes - 3, 3), "");
}

// A small file must not stand for much memory: all parts would be the same bytes.
TEST_F(CoreFiles, PartsThatOverlapAreRefused) {
  std::string bytes = two_parts();
  const std::uint64_t whole = bytes.size();
  for (int part = 1; part < 3; ++part) {
    Elf64_Phdr segment;
    char* place = &bytes[sizeof(Elf64_Ehdr) + static_cast<std::size_t>(part) * sizeof segment];
    std::memcpy(&segment, place, sizeof segment);
    segment.p_offset = 0;
    segment.p_filesz = whole;
    std::memcpy(place, &segment, sizeof segment);
  }
  const std::string path = write(bytes);
  EXPECT_EQ(error_of(path), "'" + path + "' is a damaged core dump: parts of it overlap");
}

TEST_F(CoreFiles, NoDeviceOrPipeIsOpened) {
  const std::string pipe = folder_ / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const std::uint64_t begin = 0x7f0000000000;
  for (const std::string& name : {pipe, std::string("/dev/zero"), folder_.string(), std::string()}) {
    const inspect::MappedFile mapped{begin, begin + 4096, name};
    const CoreFile core(write(two_parts({&mapped, 1})));
    EXPECT_EQ(core.mappings().size(), 1U);
    EXPECT_TRUE(core.find_symbol("smallblock_heap").empty()) << name;
    EXPECT_EQ(read(core, begin, 8), "") << name;
  }
}

TEST_F(CoreFiles, MappedFilesAreReadInSmallPiecesOnly) {
  const std::uint64_t begin = 0x7f0000000000;
  const inspect::MappedFile mapped{begin, begin + 8192, files::canonical("/proc/self/exe").string()};
  const CoreFile core(write(two_parts({&mapped, 1})));
  EXPECT_EQ(read(core, begin, 4), ELFMAG);
  EXPECT_EQ(read(core, begin, 4096).size(), 4096U);
  EXPECT_EQ(read(core, begin, 4097), "");
}

// Ten thousand names for one file.
TEST_F(CoreFiles, AFileUnderManyNamesIsReadOnce) {
  const std::string own = files::canonical("/proc/self/exe").string();
  std::vector<inspect::MappedFile> mapped;
  for (std::uint64_t i = 0; i < 10000; ++i)
    mapped.push_back({i << 20, (i << 20) + 4096, std::string(i % 50, '/') + own});
  const CoreFile core(write(two_parts(mapped)));
  EXPECT_EQ(core.find_symbol("smallblock_heap").size(), mapped.size());
}

TEST_F(CoreFiles, WhatIsNoCoreDumpIsRefused) {
  for (const std::string& bytes : {std::string(),
                                   std::string("\x7f"
                                               "ELF"),
                                   std::string(5000, 'x')}) {
    const std::string path = write(bytes);
    EXPECT_EQ(error_of(path), "'" + path + "' is no core dump of a 64-bit process, and no snapshot");
    EXPECT_FALSE(cli::is_core_dump(path));
  }
  EXPECT_NE(error_of(folder_ / "missing").find("neither a process id nor a file"), std::string::npos);
  EXPECT_NE(error_of(folder_).find("is no core dump"), std::string::npos);
  // Whoever opens a pipe waits for its other end.
  const std::string pipe = folder_ / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_NE(error_of(pipe).find("is no core dump"), std::string::npos);
  EXPECT_FALSE(cli::is_core_dump(pipe));
  EXPECT_FALSE(inspect::is_snapshot(pipe));
}

}  // namespace
}  // namespace smallblock::fuzz
