// The arenas: where an empty pool comes from and where it goes.
//
// Used arenas with room are listed by kind and by how many places are free; a pool comes from the fullest one that
// has an empty pool in memory, else from the fullest one, as pymalloc's usable_arenas does (obmalloc.c, nfp2lasta),
// so that sparse arenas drain. The memory of empty pools goes back to the system: what exceeds a spare
// (kConfig.spare_units_min) at once, as long as that is a small part of the process's time
// (kConfig.units_at_once_per_ms), the rest when it was left alone for decay_ms. If the program asks for released
// memory again within regret_ms, the spare doubles, and it halves in calm times. Called by heap/ without a depot
// lock. Invariant: audit().
#pragma once

#include "base/index_list.hpp"
#include "core/decay.hpp"
#include "core/region.hpp"
#include "core/watch_queue.hpp"
#include "os/lock.hpp"

namespace smallblock {

struct ArenaCounts {
  std::uint64_t used = 0;
  std::uint64_t used_peak = 0;
  std::uint64_t kept = 0;
  std::uint64_t opened_total = 0;
  std::uint64_t released_total = 0;
  std::uint64_t units_free = 0;   // in used arenas
  std::uint64_t units_dirty = 0;  // free ones whose memory was not given back, in used and kept arenas
};

class ArenaTable {
 public:
  // An empty pool for an arena of this kind; none when the region is used up or the system refuses memory. Its
  // record's purged_pages() say which of its pages are not in memory. O(1).
  PoolIndex open_pool(ArenaKind kind) noexcept;

  // Takes back a pool that PoolOrder has closed. May give memory back to the system. O(1).
  void close_pool(PoolIndex pool, unsigned units_log2) noexcept;

  // Gives back what the arenas that are due have in empty pools.
  void look(LookRound& round) noexcept;
  // How many arenas are waiting to be looked at.
  std::uint32_t watched() noexcept;

  // Gives up the address space of arenas that were never taken into use, but for so many arenas in all (rounded up
  // to whole huge pages). Any thread.
  void give_up_beyond(std::uint32_t arenas) noexcept;

  // No further arena is committed when committed arenas and the next allocator's blocks would exceed this.
  void limit_committed(Bytes bytes) noexcept { committed_limit_.store(bytes); }

  ArenaCounts counts() noexcept;
  void describe(HeapDescriptor& descriptor) const noexcept;

  // Arenas ever committed; they are the first ones of the region.
  std::uint32_t committed_once() const noexcept { return next_new_.load(); }

  // Proves that every used arena is listed where its free places say, and that the counts are right. O(arenas).
  void audit() noexcept;

  // A fork must also wait until no caller is inside (heap/in_hand.hpp): an arena may be in its hands.
  os::Lock& lock() noexcept { return lock_; }

 private:
  using List = IndexList<ArenaIndex, Region>;
  // Used arenas of one kind, those with dirty units or those without: by_free[n - 1] has those with n free places,
  // bit n - 1 of `listed` says whether there are any.
  struct Listed {
    List by_free[ArenaRecord::kUnits];
    std::uint64_t listed = 0;
  };

  static constexpr unsigned slots_of(unsigned units_log2) noexcept { return ArenaRecord::kUnits >> units_log2; }

  void list(ArenaIndex arena) noexcept;
  void unlist(ArenaIndex arena) noexcept;
  static std::uint64_t units_of(unsigned slot, unsigned units_log2) noexcept;
  void take_slot(ArenaIndex arena, unsigned slot) noexcept;
  void return_slot(ArenaIndex arena, unsigned slot) noexcept;
  bool may_commit() const noexcept;
  ArenaIndex take_unused() noexcept;
  ArenaIndex commit_new() noexcept;
  ArenaIndex open_arena(ArenaKind kind) noexcept;
  Listed& listed_with(const ArenaRecord& record) noexcept;
  static ArenaIndex fullest(const Listed& arenas) noexcept;
  ArenaIndex choose_arena(ArenaKind kind) noexcept;
  void count_used(int arenas) noexcept;
  void count_kept(int arenas) noexcept;
  void count_dirty(int units) noexcept;
  void add_dirty(ArenaIndex arena, std::uint64_t units) noexcept;
  void note_regret(const ArenaRecord& record) noexcept;
  void give_back_surplus(ArenaIndex arena) noexcept;
  bool may_go_at_once(std::uint64_t units) noexcept;
  std::uint32_t age_of_look(const LookRound& round) const noexcept;
  static std::uint64_t purgeable(const ArenaRecord& record, std::uint64_t units) noexcept;
  bool purge(ArenaIndex arena, std::uint64_t units) noexcept;
  std::uint64_t take_slots(ArenaIndex arena, std::uint64_t units) noexcept;
  void keep_or_release(ArenaIndex arena) noexcept;
  std::uint64_t audit(const Listed& arenas, ArenaKind kind) noexcept;
  template <typename SystemCall>
  bool without_lock(SystemCall system_call) noexcept;

  os::Lock lock_{os::LockRank::kArenaTable};
  Listed clean_[kArenaKinds];
  Listed dirty_[kArenaKinds];
  List kept_;
  WatchQueue<ArenaIndex, Region> watch_;
  List released_;
  List refused_;  // the system refused to commit them; tried again later
  Relaxed<std::uint32_t> next_new_;
  std::uint64_t spare_units_max_ = kConfig.spare_units_min;
  Relaxed<Bytes> committed_limit_{~Bytes{0}};
  std::uint64_t units_at_once_ = kConfig.units_at_once_first;
  std::uint32_t counted_at_once_ms_ = 0;
  std::uint32_t regretted_ms_ = 0;
  std::uint32_t refused_ms_ = 0;
  std::uint32_t purge_refused_ms_ = 0;
  ArenaCounts counts_;
};

[[gnu::visibility("hidden")]] extern constinit ArenaTable arena_table;

}  // namespace smallblock
