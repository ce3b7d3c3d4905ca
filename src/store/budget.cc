#include "store/budget.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/interleave.h"
#include "base/random.h"
#include "store/expiry.h"
#include "store/graveyard.h"
#include "store/orphans.h"
#include "store/residence.h"

namespace stave::store {

using keyspace::Entry;
using keyspace::Shard;
using keyspace::ShardId;

namespace {

/// Beyond the ceiling by more than these parts of it a write pays for more: sooner where that loses nothing.
struct Patience {
  std::uint64_t behind_part;
  std::uint64_t far_behind_part;
};
constexpr Patience kSpilling{100, 33};
constexpr Patience kEvicting{50, 20};
constexpr std::size_t kEvictedAtOnce = 8;
/// Gaps that are not worth the work of closing them; as a part of what is held, and besides.
constexpr std::uint64_t kGapPart = 16;
constexpr std::uint64_t kGapBytes = 512u << 10;

bool volatile_only(MemoryPolicy policy) noexcept {
  return policy == MemoryPolicy::kVolatileLru || policy == MemoryPolicy::kVolatileLfu ||
         policy == MemoryPolicy::kVolatileRandom || policy == MemoryPolicy::kVolatileTtl;
}
bool at_random(MemoryPolicy policy) noexcept {
  return policy == MemoryPolicy::kAllKeysRandom || policy == MemoryPolicy::kVolatileRandom;
}

}  // namespace

void Budget::set(std::uint64_t max, MemoryPolicy policy) noexcept {
  policy_.store(policy, std::memory_order_relaxed);
  ceiling_.store(std::max(max, used()), std::memory_order_relaxed);
  max_.store(max, std::memory_order_relaxed);
  exhausted_.store(false, std::memory_order_relaxed);
}

std::uint64_t Budget::used() const noexcept {
  const std::uint64_t held = keyspace_.held_bytes();
  const std::uint64_t dying = keyspace_.dying_bytes() + graveyard_.bytes();
  return held - std::min(held, dying) + options_.log_buffer_bytes + outside_.load(std::memory_order_relaxed) +
         buffers_.load(std::memory_order_relaxed);
}

bool Budget::take_buffer(std::uint64_t bytes) noexcept {
  const std::uint64_t limit = max();
  const std::uint64_t before = buffers_.fetch_add(bytes, std::memory_order_relaxed);
  if (limit == 0 || before + bytes <= buffers_granted(limit) || used() <= limit) return true;
  give_buffer(bytes);
  refused_buffers_.fetch_add(1, std::memory_order_relaxed);
  return false;
}

void Budget::give_buffer(std::uint64_t bytes) noexcept {
  const std::uint64_t before = buffers_.fetch_sub(bytes, std::memory_order_relaxed);
  STAVE_ASSERT(before >= bytes);
}

bool Budget::may_bring(std::uint64_t brought, std::uint64_t bytes) const noexcept {
  const std::uint64_t limit = max();
  // One value is always shown, however large: there is no other way to read it.
  if (limit == 0 || brought == 0) return true;
  return brought + bytes <= buffers_granted(limit) || has_room(bytes);
}

void Budget::measure_process() {
  constexpr std::uint64_t kEveryNs = 100'000'000;
  if (!options_.process_memory) return;
  const std::uint64_t now = clock_.monotonic_ns();
  if (now < next_sample_ns_) return;
  next_sample_ns_ = now + kEveryNs;
  const std::uint64_t held = keyspace_.held_bytes() + buffers_.load(std::memory_order_relaxed);
  const std::uint64_t process = options_.process_memory();
  const std::uint64_t besides = process - std::min(process, held);
  if (samples_taken_ == 0) process_at_first_ = besides;
  samples_[samples_taken_++ % kSamples] = besides - std::min(besides, process_at_first_);
  outside_.store(*std::ranges::min_element(samples_), std::memory_order_relaxed);
  // It may grow while nobody calls who would make room.
  settle();
}

BudgetStats Budget::stats() const noexcept {
  BudgetStats stats;
  stats.used = used();
  peak_.store(std::max(peak_.load(std::memory_order_relaxed), stats.used), std::memory_order_relaxed);
  stats.peak = peak_.load(std::memory_order_relaxed);
  stats.limit = max();
  stats.outside = outside_.load(std::memory_order_relaxed);
  stats.buffers = buffers_.load(std::memory_order_relaxed);
  stats.refused_buffers = refused_buffers_.load(std::memory_order_relaxed);
  stats.spilled_values = spilled_.load(std::memory_order_relaxed);
  stats.evicted_keys = evicted_.load(std::memory_order_relaxed);
  stats.looked_at = looked_at_.load(std::memory_order_relaxed);
  stats.exhausted = exhausted_.load(std::memory_order_relaxed);
  return stats;
}

Result<void> Budget::admit_over() {
  make_room();
  if (!over()) return {};
  if (exhausted_.load(std::memory_order_relaxed) && write_out()) make_room();
  if (!over()) return {};
  if (policy() != MemoryPolicy::kNoEviction && !exhausted_.load(std::memory_order_relaxed)) return {};
  return fail(
      ErrorCode::kNoMemory,
      policy() == MemoryPolicy::kSpill
          ? "command not allowed when used memory > 'maxmemory': the keys alone take it; raise it or delete keys."
          : "command not allowed when used memory > 'maxmemory'.");
}

/// Values whose records are not written cannot leave, and the log may hold nearly as many as there are: they are
/// written, then. False when that is not what it is about.
bool Budget::write_out() {
  if (policy() != MemoryPolicy::kSpill || log_ == nullptr || !unwritten_.exchange(false, std::memory_order_relaxed))
    return false;
  // A log that cannot be written to says so to whoever writes.
  if (!log_->wait_written(log_->tail())) return false;
  exhausted_.store(false, std::memory_order_relaxed);
  return true;
}

// While the log is read nothing can be logged. Nor need it: values are in the log, whatever the policy.
MemoryPolicy Budget::policy_now() const noexcept {
  return log_ != nullptr ? policy() : MemoryPolicy::kSpill;
}

/// How many steps of the hand whoever takes memory pays for.
std::uint64_t Budget::steps_owed() noexcept {
  // While the store is opened nobody waits for a single write, and nobody else moves the hand: twice round, at most.
  if (log_ == nullptr) return 2 * keyspace_.shard_count() + keyspace_.keys() * 2 / kStepEntries;
  const std::uint64_t now = used();
  std::uint64_t ceiling = ceiling_.load(std::memory_order_relaxed);
  const std::uint64_t lower = std::max(max(), std::min(ceiling, now));
  if (lower < ceiling) {
    // Should somebody else lower it at this moment, the next one does it again.
    ceiling_.store(lower, std::memory_order_relaxed);
    ceiling = lower;
  }
  const Patience& patience = policy() == MemoryPolicy::kSpill ? kSpilling : kEvicting;
  if (now <= ceiling + ceiling / patience.behind_part) return kStepsPerWrite;
  return now <= ceiling + ceiling / patience.far_behind_part ? kStepsBehind : kStepsMax;
}

void Budget::make_room() {
  const bool nothing_leaves = policy_now() == MemoryPolicy::kNoEviction;
  const std::uint64_t steps = steps_owed();
  for (std::uint64_t i = 0; i < steps && over(); ++i) {
    if (nothing_leaves && !orphans_.waiting()) break;
    if (exhausted_.load(std::memory_order_relaxed) && i >= kStepsPerWrite) break;
    if (!hand_mutex_.try_lock()) {
      // Somebody is at it; only when that is not enough the others wait, for a step and not for all of them.
      if (steps <= kStepsPerWrite) return;
      hand_mutex_.lock();
    }
    base::interleave::yield_point("budget: next step");
    step();
    hand_mutex_.unlock();
  }
  if (!over()) note_room();
}

void Budget::note_room() noexcept {
  relieved_.store(true, std::memory_order_relaxed);
  exhausted_.store(false, std::memory_order_relaxed);
}

bool Budget::relieve() {
  // Keys that are deleted are gone for good, and leave room in pages that are held all the same: the next writes have
  // that. So at the limit writers alone make what room they need; here is only brought down what is far from it.
  const auto far_over = [this] {
    static_cast<void>(steps_owed());  // lets the ceiling follow
    return ceiling_.load(std::memory_order_relaxed) > max() || used() > max() + max() / kEvicting.behind_part;
  };
  const auto wanted = [&] {
    const MemoryPolicy how = policy_now();
    return over() && how != MemoryPolicy::kNoEviction && !exhausted_.load(std::memory_order_relaxed) &&
           (how == MemoryPolicy::kSpill || far_over());
  };
  for (int i = 0; i < kStepsMax && wanted(); ++i) {
    base::MutexLock lock(hand_mutex_);
    step();
  }
  if (!over()) note_room();
  return wanted();
}

void Budget::advance(bool shard_done) {
  if (!shard_done) return;
  position_ = 0;
  if (++shard_ < keyspace_.shard_count()) return;
  shard_ = 0;
  const bool nothing = std::exchange(taken_, 0) == 0 && !cooled_;
  if (relieved_.exchange(false, std::memory_order_relaxed)) {
    fruitless_ = 0;
  } else if (fruitless_ < std::numeric_limits<std::uint8_t>::max()) {
    ++fruitless_;
  }
  exhausted_.store(fruitless_ >= turns_to_try(nothing), std::memory_order_relaxed);
  unwritten_.store(std::exchange(unwritten_met_, 0) != 0, std::memory_order_relaxed);
  cooled_ = false;
}

/// Turns after which there is nothing to be hoped for, `nothing` having been gained in the last one. What leaves during
/// a turn may be no more than what comes meanwhile, the values of new keys; so it is not enough that something does.
int Budget::turns_to_try(bool nothing) const {
  // One that looks for every gap; some, until whole chunks are empty; until the hottest value is cold, twice over.
  constexpr int kForGaps = 2;
  constexpr int kForChunks = 4;
  constexpr int kForHeat = 16;
  if (policy_now() != MemoryPolicy::kSpill) return nothing ? 1 : std::numeric_limits<int>::max();
  if (nothing) return kForGaps;
  return cooled_ ? kForHeat : kForChunks;
}

void Budget::step() {
  const MemoryPolicy how = policy_now();
  if (log_ != nullptr && orphans_.waiting()) {
    orphans_.remove_some(keyspace_, deadlines_);
    ++taken_;
    return;
  }
  if (how == MemoryPolicy::kNoEviction) return;
  // Empty shards are passed by at no cost: there may be thousands.
  for (std::size_t passed = keyspace_.shard_count(); passed > 0; --passed) {
    if (keyspace_.shard(shard_).size() != 0) break;
    advance(true);
  }
  Shard& shard = keyspace_.shard(shard_);
  // Pieces of collections are nothing to delete by themselves, whatever the policy; they are in the log.
  const bool pages = shard_ / keyspace_.shards_per_database() == static_cast<std::size_t>(pages_database(keyspace_));
  if (how == MemoryPolicy::kSpill || pages) {
    advance(spill_step(shard));
  } else {
    if (!tidy_step(shard)) evict_step(shard_, shard, how);
  }
}

// Looks at some entries; true when the hand has passed the last one of the shard.
bool Budget::spill_step(Shard& shard) {
  std::array<Entry, 2 * kStepEntries> seen;
  std::size_t count = 0;
  const Lsn written = log_ != nullptr ? log_->written() : Lsn{kLsnMax};
  base::ShortLock lock(shard.mutex());
  position_ = shard.scan(position_, kStepEntries, [&](Entry entry) {
    // A bucket that overflows may hold more than fits; the rest is met in the next round.
    if (count < seen.size()) seen[count++] = entry;
  });
  looked_at_.fetch_add(count, std::memory_order_relaxed);
  // What all shards may leave in gaps is a part of the limit.
  const std::uint64_t gaps_max =
      std::min<std::uint64_t>(2 * keyspace::kChunkBytes, max() / kGapPart / (2 * keyspace_.shards_per_database()));
  const bool gaps = fruitless_ != 0 || sparse(shard, kGapPart, gaps_max);
  std::uint64_t spilled = 0;
  for (std::size_t i = 0; i < count; ++i) {
    Entry entry = seen[i];
    const std::uint64_t hash = keyspace_.hash(entry.key());
    if (entry.resident()) {
      if (entry.heat() > 0) {
        entry.set_heat(entry.heat() - 1);
        cooled_ = true;
        continue;
      }
      if (entry.newest_record() >= written) {
        ++unwritten_met_;
      } else if (shard.spill(hash, entry)) {
        ++spilled;
        continue;
      }
    } else if (entry.heat() > 0) {
      entry.set_heat(entry.heat() - 1);
    }
    if (gaps && shard.tidy(hash, entry)) ++taken_;
  }
  taken_ += spilled;
  spilled_.fetch_add(spilled, std::memory_order_relaxed);
  if (spilled != 0) residence_.note_spilled();
  return position_ >= Shard::kScanEnd;
}

/// Whether a shard holds pages that its entries could do without. `bytes`: so many in gaps are not worth the work.
bool Budget::sparse(const Shard& shard, std::uint64_t part, std::uint64_t bytes) const {
  const keyspace::MemoryUse use = shard.memory();
  return use.slack > use.entries / part + bytes ||
         keyspace_.free_block_bytes() > keyspace_.held_bytes() / kGapPart + kGapBytes;
}

// Before keys are deleted for the room they take, the room that deleted ones left is closed up: else half the memory
// could be gaps. False: there is nothing to be gained here.
bool Budget::tidy_step(Shard& shard) {
  constexpr std::uint64_t kPart = 8;
  /// A short stretch, for when nothing is moved the step goes on to delete.
  constexpr std::size_t kStretch = kStepEntries / 4;
  std::uint64_t moved = 0;
  std::array<Entry, 2 * kStretch> seen;
  std::size_t count = 0;
  {
    base::ShortLock lock(shard.mutex());
    if (!sparse(shard, kPart, keyspace::kChunkBytes)) return false;
    position_ = shard.scan(position_, kStretch, [&](Entry entry) {
      if (count < seen.size()) seen[count++] = entry;
    });
    for (std::size_t i = 0; i < count; ++i)
      if (shard.tidy(keyspace_.hash(seen[i].key()), seen[i])) ++moved;
  }
  looked_at_.fetch_add(count, std::memory_order_relaxed);
  const bool passed = position_ >= Shard::kScanEnd;
  if (moved == 0) {
    if (passed) position_ = 0;
    return false;
  }
  taken_ += moved;
  advance(passed);
  return true;
}

void Budget::evict_step(ShardId id, Shard& shard, MemoryPolicy how) {
  std::uint64_t cooled = 0;
  std::uint64_t looked_at = 0;
  bool passed = true;
  bool large = false;
  try {
    std::vector<std::string> keys;
    base::ShortLock lock(shard.mutex());
    if (how == MemoryPolicy::kVolatileTtl) {
      shard.collect_due(UnixMs{std::numeric_limits<std::int64_t>::max()}, 1, keys);
    } else if (at_random(how)) {
      for (int draw = 0; draw < 16 && keys.empty(); ++draw) {
        const Entry entry = shard.random_entry(base::thread_random());
        if (entry && (!volatile_only(how) || entry.has_expiry())) keys.emplace_back(entry.key());
      }
    } else {
      position_ = shard.scan(position_, kStepEntries, [&](Entry entry) {
        ++looked_at;
        if (volatile_only(how) && !entry.has_expiry()) return;
        if (entry.heat() > 0) {
          entry.set_heat(entry.heat() - 1);
          ++cooled;
        } else if (!large && keys.size() < kEvictedAtOnce) {
          keys.emplace_back(entry.key());
          large = is_root(entry.type());  // whose pages go before the next key does
        }
      });
      passed = position_ >= Shard::kScanEnd;
    }
    if (!keys.empty()) {
      const std::size_t gone = deadlines_.remove_logged(id, keys, log::RecordKind::kEvict);
      taken_ += gone;
      evicted_.fetch_add(gone, std::memory_order_relaxed);
    }
  } catch (const std::bad_alloc&) {
    // Not even for the names of those that are to go: perhaps for those of the next shard.
    passed = true;
  }
  looked_at_.fetch_add(looked_at, std::memory_order_relaxed);
  cooled_ |= cooled != 0;
  advance(passed);
}

}  // namespace stave::store
