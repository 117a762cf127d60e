// The os port of the schedules: one region, a clock that stands, threads and forks of the case. System calls that
// change memory are points. Nothing here waits for the real system.

#include "os/port.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

#include "base/bits.hpp"
#include "base/check.hpp"
#include "core/region.hpp"
#include "points.hpp"
#include "scheduler.hpp"
#include "snapshot.hpp"
#include "world.hpp"

namespace smallblock {

void fail(const char* what, const void* address) noexcept {
  schedules::give_up(what, address);
}

}  // namespace smallblock

namespace smallblock::os {

using schedules::Step;
using schedules::world;

Bytes page_bytes() noexcept {
  return 4096;
}

// The smallest region: a snapshot is as large.
void* reserve(Bytes bytes, Bytes alignment) noexcept {
  if (bytes > kConfig.region_bytes_min) return nullptr;
  void* raw =
      mmap(nullptr, bytes + alignment, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (raw == MAP_FAILED) return nullptr;
  auto* region_start = reinterpret_cast<void*>(round_up(reinterpret_cast<std::uintptr_t>(raw), alignment));
  schedules::set_region(region_start, bytes);
  return region_start;
}

void unreserve(void* /*address*/, Bytes /*bytes*/) noexcept {}

bool commit(void* address, Bytes /*bytes*/) noexcept {
  schedules::point(Step::kSystemCall, address);
  return true;
}

namespace {

// Nobody writes into blocks here, so only the bookkeeping has anything to lose.
void empty(void* address, Bytes bytes) noexcept {
  schedules::check_nobody_has(address, bytes);
  if (address < region.start_of(PoolIndex{0})) std::memset(address, 0, bytes);
}

}  // namespace

void forbid(void* /*address*/, Bytes /*bytes*/) noexcept {}

bool decommit(void* address, Bytes bytes) noexcept {
  schedules::point(Step::kSystemCall, address);
  empty(address, bytes);
  return true;
}

unsigned decommit_ranges(const Range* ranges, unsigned count) noexcept {
  schedules::point(Step::kSystemCall, ranges);
  for (unsigned i = 0; i < count; ++i) empty(ranges[i].address, ranges[i].bytes);
  return count;
}

void advise_huge_pages(void* /*address*/, Bytes /*bytes*/, HugePages /*advice*/) noexcept {}

bool address_space_limited() noexcept {
  return false;
}

Bytes address_space_bytes() noexcept {
  return 0;
}

std::uint32_t coarse_now_ms() noexcept {
  return world.now_ms;
}

std::uint64_t now_ns() noexcept {
  return std::uint64_t{world.now_ms} * 1'000'000;
}

void synchronise_threads() noexcept {}

std::uint32_t thread_id() noexcept {
  return schedules::thread_here();
}

int process_id() noexcept {
  return 1;
}

void* global_symbol(const char* /*name*/) noexcept {
  return nullptr;
}

bool thread_runs(std::uint32_t thread) noexcept {
  return !world.ended[thread - 1];
}

bool is_shut_in() noexcept {
  return false;
}

bool start_thread(void (* /*run*/)()) noexcept {
  return false;
}

void sleep_ms(std::uint32_t /*milliseconds*/) noexcept {
  schedules::point(Step::kYield, nullptr);
}
void watch_pressure() noexcept {}
bool sleep_or_pressure(std::uint32_t /*milliseconds*/) noexcept {
  return false;
}

bool is_last_thread() noexcept {
  return false;
}
void end_process() noexcept {
  std::abort();
}

bool register_thread_exit(void (*handler)(void*)) noexcept {
  world.exit_handler = handler;
  return true;
}

bool arm_thread_exit(void* value) noexcept {
  world.exit_values[schedules::acting()] = value;
  return true;
}

bool register_fork_handlers(bool (*prepare)(unsigned tries), void (*parent)(), void (*child)()) noexcept {
  world.before_fork = prepare;
  world.after_fork_in_parent = parent;
  world.after_fork_in_child = child;
  return true;
}

bool write_all(int /*descriptor*/, const void* /*data*/, Bytes /*bytes*/) noexcept {
  return true;
}

const char* environment(const char* /*name*/) noexcept {
  return nullptr;
}

}  // namespace smallblock::os
