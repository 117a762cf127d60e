// Translating between units and pages; see unit_pages.hpp.

#include "core/unit_pages.hpp"

namespace smallblock {

namespace {

// One of the two is 1.
unsigned pages_per_unit() noexcept {
  return page_log2 < kPoolShift ? 1U << (kPoolShift - page_log2) : 1;
}
unsigned units_per_page() noexcept {
  return page_log2 > kPoolShift ? 1U << (page_log2 - kPoolShift) : 1;
}

// Of `bits`, each whole group of `group` bits becomes `spread` bits.
std::uint64_t regroup(std::uint64_t bits, unsigned bit_count, unsigned group, unsigned spread) noexcept {
  std::uint64_t result = 0;
  for (unsigned i = 0; i + group <= bit_count; i += group) {
    const std::uint64_t whole = low_bits(group) << i;
    if ((bits & whole) == whole) result |= low_bits(spread) << (i / group * spread);
  }
  return result;
}

// The units of these places for pools of so many units.
std::uint64_t units_of_slots(std::uint64_t slots, unsigned units_log2) noexcept {
  if (units_log2 == 0) return slots;
  std::uint64_t units = 0;
  for (; slots != 0; slots &= slots - 1) units |= low_bits(1U << units_log2) << (lowest_bit(slots) << units_log2);
  return units;
}

}  // namespace

std::uint64_t pages_of_units(std::uint64_t units, unsigned units_log2) noexcept {
  const std::uint64_t all = low_bits(1U << units_log2);
  if ((units & all) == all) return pages_of_pool(units_log2);
  if ((units & all) == 0) return 0;
  return regroup(units, 1U << units_log2, units_per_page(), pages_per_unit());
}

std::uint64_t units_of_pages(std::uint64_t pages, unsigned units_log2) noexcept {
  if (pages == 0) return 0;
  const auto page_count = static_cast<unsigned>(std::popcount(pages_of_pool(units_log2)));
  return regroup(pages, page_count, pages_per_unit(), units_per_page());
}

std::uint64_t whole_pages(const ArenaRecord& record, std::uint64_t units) noexcept {
  if (units_per_page() == 1) return units;
  const std::uint64_t free = units_of_slots(record.free_slots, record.units_log2());
  std::uint64_t touched = 0;
  for (unsigned unit = 0; unit < ArenaRecord::kUnits; unit += units_per_page()) {
    const std::uint64_t page = low_bits(units_per_page()) << unit;
    if ((units & page) != 0 && (free & page) == page) touched |= page;
  }
  return touched;
}

}  // namespace smallblock
