// An input as a snapshot: a file if it begins like one, else the message in it, which compression would hide.

#include <memory>
#include <protozero/exception.hpp>
#include <stdexcept>

#include "inspect/image/snapshot_fields.hpp"
#include "inspect/image/snapshot_namer.hpp"
#include "look.hpp"
#include "target.hpp"

namespace smallblock::fuzz {

namespace {

constexpr std::size_t kPoolsMax = std::size_t{1} << 16;

inspect::Snapshot read(std::string_view bytes) {
  return bytes.starts_with("smblsnap") ? inspect::decode_snapshot(bytes) : inspect::read_message(bytes, kPoolsMax);
}

bool look_at_input(std::string_view bytes) {
  std::shared_ptr<const inspect::Snapshot> snapshot;
  try {
    snapshot = std::make_shared<const inspect::Snapshot>(read(bytes));
  } catch (const std::runtime_error&) {
    return false;
  } catch (const protozero::exception&) {
    return false;
  }
  check_image(snapshot->image);
  look_at(snapshot->image, {nullptr, std::make_unique<inspect::SnapshotNamer>(snapshot)});
  return true;
}

}  // namespace

std::string unpacked(std::string_view input) {
  return std::string(input);
}

std::string packed(std::string_view content) {
  return std::string(content);
}

void run_input(const std::uint8_t* data, std::size_t bytes, bool /*print*/) {
  count_input(look_at_input({reinterpret_cast<const char*>(data), bytes}));
}

}  // namespace smallblock::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  smallblock::fuzz::run_input(data, bytes, false);
  return 0;
}
