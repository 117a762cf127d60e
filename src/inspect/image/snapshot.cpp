// Files and compression around the message; see snapshot.hpp.

#include "inspect/image/snapshot.hpp"

#include <zstd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <memory>
#include <protozero/exception.hpp>
#include <stdexcept>

#include "inspect/image/snapshot_fields.hpp"

namespace smallblock::inspect {

namespace {

constexpr std::string_view kMagic = "smblsnap\n";
constexpr int kLevel = 3;
constexpr std::size_t kMessageBytesMax = std::size_t{4} << 30;
// A few bytes can be made to unfold into a whole disk. Of heaps whose pools are all alike, a pool takes a byte at
// least, and 500 bytes of the message are one of the file: beyond several times that it is none of ours.
constexpr std::size_t kUnfoldsFreely = std::size_t{64} << 20;
constexpr std::size_t kUnfoldsMax = 2048;
constexpr std::size_t kPoolsFree = std::size_t{1} << 18;
constexpr std::size_t kPoolsPerByte = 2;

std::string unfold(std::string_view packed) {
  const std::size_t bytes_max = std::min(kMessageBytesMax, kUnfoldsFreely + packed.size() * kUnfoldsMax);
  struct End {
    void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
  };
  const std::unique_ptr<ZSTD_DCtx, End> context(ZSTD_createDCtx());
  if (context == nullptr) throw std::bad_alloc();
  std::string message;
  std::string part(ZSTD_DStreamOutSize(), '\0');
  ZSTD_inBuffer input{packed.data(), packed.size(), 0};
  std::size_t left = 1;
  while (left != 0) {
    ZSTD_outBuffer output{part.data(), part.size(), 0};
    const std::size_t before = input.pos;
    left = ZSTD_decompressStream(context.get(), &output, &input);
    if (ZSTD_isError(left) != 0) throw std::runtime_error("its compression is damaged");
    message.append(part.data(), output.pos);
    if (message.size() > bytes_max) throw std::runtime_error("it unfolds into more than any heap needs");
    if (left != 0 && output.pos == 0 && input.pos == before) throw std::runtime_error("its end is missing");
  }
  return message;
}

}  // namespace

std::string encode_snapshot(const Snapshot& snapshot) {
  const std::string message = write_message(snapshot);
  if (message.size() > kMessageBytesMax)
    throw std::runtime_error("this heap needs more than 4 GiB in a snapshot; without types it is less");
  std::string bytes(kMagic);
  bytes.resize(kMagic.size() + ZSTD_compressBound(message.size()));
  const std::size_t packed = ZSTD_compress(bytes.data() + kMagic.size(), bytes.size() - kMagic.size(),
                                           message.data(), message.size(), kLevel);
  if (ZSTD_isError(packed) != 0) throw std::runtime_error(ZSTD_getErrorName(packed));
  bytes.resize(kMagic.size() + packed);
  return bytes;
}

Snapshot decode_snapshot(std::string_view bytes) {
  if (!bytes.starts_with(kMagic)) throw std::runtime_error("it is no snapshot of smallblock");
  const std::string_view packed = bytes.substr(kMagic.size());
  const std::string message = unfold(packed);
  try {
    return read_message(message, kPoolsFree + packed.size() * kPoolsPerByte);
  } catch (const protozero::exception& error) {
    throw std::runtime_error(std::string("its message is damaged: ") + error.what());
  }
}

Snapshot load_snapshot(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (!stream) throw std::runtime_error("cannot read " + file.string());
  try {
    return decode_snapshot(bytes);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error("cannot use " + file.string() + ": " + error.what());
  }
}

bool is_snapshot(const std::filesystem::path& file) {
  // Whoever opens a pipe waits for its other end.
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) return false;
  std::array<char, kMagic.size()> start{};
  std::ifstream stream(file, std::ios::binary);
  return stream.read(start.data(), start.size()) && std::string_view(start.data(), start.size()) == kMagic;
}

}  // namespace smallblock::inspect
