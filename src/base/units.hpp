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

// The same in three bytes, for records that link to each other. A region has fewer units than that:
// base/config.hpp.
class PoolLink {
 public:
  constexpr PoolLink& operator=(PoolIndex pool) noexcept {
    for (unsigned byte = 0; byte < sizeof raw_; ++byte)
      raw_[byte] = static_cast<std::uint8_t>(pool.raw() >> 8 * byte);
    return *this;
  }
  // Implicit, so that the lists of pools and of arenas are one template.
  constexpr operator PoolIndex() const noexcept {
    const PoolIndex::Raw raw = raw_[0] | PoolIndex::Raw{raw_[1]} << 8 | PoolIndex::Raw{raw_[2]} << 16;
    return raw == kNoneRaw ? PoolIndex::none() : PoolIndex{raw};
  }
  constexpr bool is_none() const noexcept { return PoolIndex{*this}.is_none(); }

  static constexpr PoolIndex::Raw kNoneRaw = 0xffffff;

 private:
  std::uint8_t raw_[3] = {0xff, 0xff, 0xff};
};

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
