// Unit types: bytes, addresses and indices that cannot be mixed up.
//
// Every layer uses these. A pointer that a client hands in is a UserPointer until core/region.hpp has proved that
// it lies in a pool; only then is it a block. All of this compiles to plain integers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace smallblock {

using Bytes = std::size_t;

// An index into one table. Tag keeps the tables apart; raw() is the way out.
template <typename Tag>
class Index {
 public:
  using Raw = std::uint32_t;
  static constexpr Raw kNoneRaw = 0xffffffffU;

  constexpr Index() noexcept = default;
  constexpr explicit Index(std::size_t raw) noexcept : raw_(static_cast<Raw>(raw)) {}

  static constexpr Index none() noexcept { return Index{}; }
  constexpr bool is_none() const noexcept { return raw_ == kNoneRaw; }
  constexpr Raw raw() const noexcept { return raw_; }
  constexpr bool operator==(const Index&) const noexcept = default;

 private:
  Raw raw_ = kNoneRaw;
};

// A pool's place in the region: (address - region base) / pool bytes. The first pools hold metadata.
using PoolIndex = Index<struct PoolTag>;
// An arena's place among the arenas of the region.
using ArenaIndex = Index<struct ArenaTag>;
// A block's place in its pool.
using BlockIndex = Index<struct BlockTag>;

// The size class: 1 is 16 bytes, 2 is 32 bytes ...; 0 is "no class": the pool is empty, private or metadata.
using ClassIndex = std::uint8_t;
inline constexpr ClassIndex kNoClass = 0;

// Whatever address a client passed in: nothing is known about it.
class UserPointer {
 public:
  constexpr explicit UserPointer(const void* pointer) noexcept : pointer_(pointer) {}
  std::uintptr_t address() const noexcept { return reinterpret_cast<std::uintptr_t>(pointer_); }
  const void* unsafe_pointer() const noexcept { return pointer_; }

 private:
  const void* pointer_;
};

inline namespace literals {
constexpr Bytes operator""_KiB(unsigned long long count) noexcept {
  return static_cast<Bytes>(count) << 10;
}
constexpr Bytes operator""_MiB(unsigned long long count) noexcept {
  return static_cast<Bytes>(count) << 20;
}
constexpr Bytes operator""_GiB(unsigned long long count) noexcept {
  return static_cast<Bytes>(count) << 30;
}
}  // namespace literals

}  // namespace smallblock
