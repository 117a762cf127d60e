// The encoding of steps: what, slot, number, two bytes of size, times. See step.hpp.

#include "step.hpp"

#include <algorithm>
#include <array>
#include <ostream>

namespace smallblock::fuzz {

namespace {

using model::Kind;

struct Code {
  What what;
  Kind kind = Kind::kCheck;
};

// By the first byte's low five bits; make_seeds.py has the same list. The commonest operations come twice.
constexpr std::array<Code, 32> kCodes = {{
    {What::kOperation, Kind::kMalloc},
    {What::kOperation, Kind::kCalloc},
    {What::kOperation, Kind::kRealloc},
    {What::kOperation, Kind::kAligned},
    {What::kOperation, Kind::kFree},
    {What::kOperation, Kind::kFreeSized},
    {What::kOperation, Kind::kMallocBatch},
    {What::kOperation, Kind::kFreeBatch},
    {What::kOperation, Kind::kCheck},
    {What::kOperation, Kind::kGive},
    {What::kOperation, Kind::kTake},
    {What::kOperation, Kind::kHeapAlloc},
    {What::kOperation, Kind::kHeapFree},
    {What::kOperation, Kind::kHeapRealloc},
    {What::kOperation, Kind::kHeapDestroy},
    {What::kOperation, Kind::kStatistics},
    {What::kOperation, Kind::kTrim},
    {What::kOperation, Kind::kDecay},
    {What::kHop},
    {What::kThreadExit},
    {What::kClock},
    {What::kLimits},
    {What::kHeapLimits},
    {What::kFault},
    {What::kAudit},
    {What::kOperation, Kind::kMalloc},
    {What::kOperation, Kind::kFree},
    {What::kOperation, Kind::kFree},
    {What::kOperation, Kind::kHeapAlloc},
    {What::kOperation, Kind::kHeapFree},
    {What::kOperation, Kind::kTrim},
    {What::kHop},
}};

// Many blocks in few bytes of input: slots are 16 apart, a row of up to 256 follows one.
constexpr std::array<unsigned, 16> kTimes = {1, 1, 1, 1, 1, 1, 2, 3, 4, 8, 16, 32, 64, 100, 128, 256};
constexpr unsigned kSlotStep = 16;

std::uint64_t size_of(unsigned coarse, unsigned fine) {
  const std::uint64_t low = coarse & 31;
  switch (coarse >> 5) {
    case 4:
      return low << 6 | (fine & 63);
    case 5:
      return low << 10 | fine << 2;
    case 6:  // on both sides of the largest block
      return 32768 - 128 + low * 8 + (fine & 7);
    case 7:
      return low << 12 | fine << 4;
    default:
      return (coarse & 127) << 2 | (fine & 3);
  }
}

bool works_on_heap(Kind kind) {
  return kind == Kind::kHeapAlloc || kind == Kind::kHeapFree || kind == Kind::kHeapRealloc ||
         kind == Kind::kHeapDestroy;
}

// What each turn costs, so that an input cannot take for ever.
unsigned times_max(Kind kind) {
  switch (kind) {
    case Kind::kMallocBatch:
    case Kind::kFreeBatch:
      return 8;
    case Kind::kHeapDestroy:
    case Kind::kStatistics:
    case Kind::kTrim:
    case Kind::kDecay:
      return 1;
    default:
      return kTimes.back();
  }
}

Step decode_one(const std::uint8_t* data) {
  const Code code = kCodes[data[0] & 31];
  Step step{.what = code.what, .operation = {code.kind, data[1], data[2], size_of(data[3], data[4])}};
  step.times = kTimes[data[5] & 15];
  step.stride = 1 + (data[5] >> 4) % 8;
  if (code.what != What::kOperation) {
    step.times = 1;
    return step;
  }
  model::Operation& operation = step.operation;
  step.times = std::min(step.times, times_max(code.kind));
  if (!works_on_heap(code.kind)) operation.slot *= kSlotStep;
  // Large alignments waste whole pages.
  if ((code.kind == Kind::kAligned || code.kind == Kind::kHeapAlloc) && operation.number < 250) {
    operation.number %= code.kind == Kind::kAligned || operation.number >= 200 ? 16 : 5;
  }
  // The model does these rarely, by their number.
  if (code.kind == Kind::kHeapDestroy || code.kind == Kind::kStatistics || code.kind == Kind::kTrim) {
    operation.number = 0;
  }
  return step;
}

}  // namespace

model::Operation Step::turn(unsigned number) const {
  model::Operation result = operation;
  if (!works_on_heap(operation.kind)) result.slot += number * stride;
  if (operation.kind == Kind::kHeapFree || operation.kind == Kind::kHeapRealloc) result.number += number * stride;
  return result;
}

std::vector<Step> decode(const std::uint8_t* data, std::size_t bytes) {
  std::vector<Step> steps;
  steps.reserve(bytes / kStepBytes);
  for (; bytes >= kStepBytes; data += kStepBytes, bytes -= kStepBytes) steps.push_back(decode_one(data));
  return steps;
}

std::ostream& operator<<(std::ostream& out, const Step& step) {
  static constexpr std::array<const char*, 8> kNames = {"operation", "hop",         "thread exit", "clock",
                                                        "limits",    "heap limits", "fault",       "audit"};
  const model::Operation& operation = step.operation;
  if (step.what == What::kOperation) {
    out << operation;
    if (step.times > 1) out << " // " << step.times << " times, " << step.stride << " on each time";
    return out;
  }
  return out << kNames[static_cast<unsigned>(step.what)] << " " << operation.slot << ", " << operation.number
             << ", " << operation.bytes;
}

}  // namespace smallblock::fuzz
