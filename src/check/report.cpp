// See report.hpp. The paragraph is written piece by piece, so that its first line stands even if a name cannot be
// found without harm.

#include "check/report.hpp"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "check/stack_depot.hpp"
#include "os/memory_tool.hpp"
#include "os/port.hpp"
#include "os/stack.hpp"

namespace smallblock::check {

namespace {

constexpr int kStandardError = 2;

constinit std::atomic<os::ThreadNumber> reporter{0};

const char* maker_of(Door door) noexcept {
  switch (door) {
    case Door::kNew:
      return "operator new";
    case Door::kNewArray:
      return "operator new[]";
    case Door::kPythonMem:
      return "CPython's mem domain";
    case Door::kPythonObject:
      return "CPython's obj domain";
    case Door::kMalloc:
      break;
  }
  return "malloc";
}

const char* name_of(const CallSite& site) noexcept {
  if (site.call == Call::kUsableSize) return "usable size";
  if (site.call == Call::kReallocate) {
    if (site.door == Door::kPythonMem) return "realloc by CPython's mem domain";
    return site.door == Door::kPythonObject ? "realloc by CPython's obj domain" : "realloc";
  }
  switch (site.door) {
    case Door::kNew:
      return "operator delete";
    case Door::kNewArray:
      return "operator delete[]";
    case Door::kPythonMem:
      return "free by CPython's mem domain";
    case Door::kPythonObject:
      return "free by CPython's obj domain";
    case Door::kMalloc:
      break;
  }
  return "free";
}

[[gnu::format(printf, 1, 2)]] void say(const char* format, ...) noexcept {
  char text[1024];
  va_list arguments;
  va_start(arguments, format);
  const int length = std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (length <= 0) return;
  const auto bytes = static_cast<Bytes>(length);
  os::write_all(kStandardError, text, bytes < sizeof text ? bytes : sizeof text - 1);
}

// From here on this thread is the one that reports, and no lock of ours stops it.
void begin() noexcept {
  os::ThreadNumber nobody = 0;
  if (!reporter.compare_exchange_strong(nobody, os::thread_number())) {
    if (nobody == os::thread_number()) std::abort();
    while (true) os::sleep_ms(1000);
  }
  os::Lock::pass_all();
}

struct Line {
  unsigned number;
  unsigned parts;
  const char* module;
};

void say_source_line(void* context, const char* function, const char* file, int line) {
  auto& at = *static_cast<Line*>(context);
  const char* name = os::readable_name(function);
  if (at.parts++ == 0) {
    say("    #%-2u %s at %s:%d\n", at.number, name != nullptr ? name : "?", file, line);
  } else {
    say("        %s at %s:%d\n", name != nullptr ? name : "?", file, line);
  }
}

void say_frame(unsigned number, const void* code, const os::CodePlace& place) noexcept {
  Line line{number, 0, place.module};
  os::visit_lines(code, say_source_line, &line);
  if (line.parts != 0) return;
  const char* name = os::readable_name(place.symbol);
  say("    #%-2u %s in %s+%#zx\n", number, name != nullptr ? name : "?",
      place.module != nullptr ? place.module : "?", static_cast<std::size_t>(place.offset));
}

// Without the leading frames that are ours.
void say_stack(const char* title, StackDepot::Frames stack) noexcept {
  say("  %s:\n", title);
  if (stack.count == 0) return say("    (not known)\n");
  unsigned number = 0;
  for (unsigned i = 0; i < stack.count; ++i) {
    // A return address stands behind its call.
    const void* code = static_cast<const char*>(stack.frames[i]) - 1;
    const os::CodePlace place = os::place_of_code(code);
    if (number == 0 && place.is_ours) continue;
    say_frame(number++, code, place);
  }
}

void say_this_stack(const char* title) noexcept {
  const void* frames[StackDepot::kFramesMax];
  say_stack(title, {frames, os::capture_stack(frames, StackDepot::kFramesMax)});
}

void say_block(const Block& block) noexcept {
  if (block.sampled) {
    say("  the block: %p to %p, sampled, in the page at %p\n", static_cast<void*>(block.user),
        static_cast<void*>(block.user + block.requested), static_cast<void*>(block.start));
  } else if (block.class_index == kNoClass) {
    say("  the block: %p to %p, of the next allocator\n", static_cast<void*>(block.user),
        static_cast<void*>(block.user + block.requested));
  } else {
    say("  the block: number %u of pool %u, class %u of %u bytes, from %p to %p\n", block.index, block.pool.raw(),
        block.class_index - 1U, kSizeClasses[block.class_index].block_bytes, static_cast<void*>(block.start),
        static_cast<void*>(block.end));
  }
  if (block.record.state == State::kNone) return;
  say_stack("allocated here", stack_depot.frames_of(block.record.allocated_at));
  if (block.record.state != State::kLive) say_stack("freed here", stack_depot.frames_of(block.record.freed_at));
}

// "a block of 24 bytes from malloc".
struct Name {
  char text[96];
  explicit Name(const Block& block) noexcept {
    const char* freed = block.record.state == State::kHeld || block.record.state == State::kFreed ? "freed " : "";
    if (block.record.state == State::kNone) {
      std::snprintf(text, sizeof text, "a block of up to %zu bytes from before check mode", block.requested);
    } else {
      std::snprintf(text, sizeof text, "a %sblock of %zu bytes from %s", freed, block.requested,
                    maker_of(block.record.door));
    }
  }
};

[[noreturn]] void end() noexcept {
  std::abort();
}

[[noreturn]] void end_with(const Block& block) noexcept {
  say_this_stack("this call");
  say_block(block);
  end();
}

unsigned value_of(const char* byte) noexcept {
  return static_cast<unsigned char>(*byte);
}

}  // namespace

void report_double_free(const CallSite& site, const Block& block) noexcept {
  begin();
  // It has the stacks, and shows them.
  if (os::marking_for == os::MemoryTool::kMemcheck) os::mark_freed(const_cast<void*>(site.pointer), 0);
  const char* what = site.call == Call::kFree ? "double free" : name_of(site);
  say("smallblock: %s of %p, %s\n", what, site.pointer, Name(block).text);
  end_with(block);
}

void report_wrong_door(const CallSite& site, const Block& block) noexcept {
  begin();
  say("smallblock: %s of %p, %s\n", name_of(site), site.pointer, Name(block).text);
  end_with(block);
}

void report_wrong_size(const CallSite& site, const Block& block) noexcept {
  begin();
  say("smallblock: %s of %p with size %zu, %s\n", name_of(site), site.pointer, site.bytes, Name(block).text);
  end_with(block);
}

void report_interior(const CallSite& site, const Block& block) noexcept {
  begin();
  const auto* pointer = static_cast<const char*>(site.pointer);
  const char* where = "into";
  std::ptrdiff_t distance = pointer - block.user;
  if (distance < 0) {
    where = "before";
    distance = -distance;
  } else if (static_cast<Bytes>(distance) >= block.requested) {
    where = "behind the end of";
    distance -= static_cast<std::ptrdiff_t>(block.requested);
  }
  say("smallblock: %s of %p, which lies %td bytes %s %s\n", name_of(site), site.pointer, distance, where,
      Name(block).text);
  end_with(block);
}

void report_foreign(const CallSite& site, const char* what) noexcept {
  begin();
  say("smallblock: %s of %p, which %s\n", name_of(site), site.pointer, what);
  say_this_stack("this call");
  end();
}

void report_overrun(const Block& block, const char* byte) noexcept {
  begin();
  say("smallblock: write past the end of %p, %s: byte %td is 0x%02x\n", static_cast<void*>(block.user),
      Name(block).text, byte - block.user, value_of(byte));
  end_with(block);
}

void report_underrun(const Block& block, const char* byte) noexcept {
  begin();
  say("smallblock: write before the start of %p, %s: byte %td is 0x%02x\n", static_cast<void*>(block.user),
      Name(block).text, byte - block.user, value_of(byte));
  end_with(block);
}

void report_fault(const Block& block, const char* address) noexcept {
  begin();
  const char* what = "access after free to";
  if (block.record.state == State::kLive) {
    what = address < block.user ? "access before the start of" : "access past the end of";
  }
  say("smallblock: %s %p, %s: byte %td\n", what, static_cast<void*>(block.user), Name(block).text,
      address - block.user);
  end_with(block);
}

void report_write_after_free(const Block& block, const char* byte) noexcept {
  begin();
  say("smallblock: write after free to %p, %s: byte %td is 0x%02x\n", static_cast<void*>(block.user),
      Name(block).text, byte - block.user, value_of(byte));
  end_with(block);
}

}  // namespace smallblock::check
