// The memory budget: how much keys, values and indexes may take, and what gives way when it is reached.
//
// Under `spill` cold values leave memory and stay in the log; under the eviction policies keys are deleted, and logged
// as such. A hand goes round the shards and cools entries down, and takes what is cold already (the clock algorithm,
// after Corbato 1968, with eight degrees of heat). Sparse pages are emptied on the way, so that what was freed can
// serve other sizes. Whoever takes memory while there is too little moves the hand by some steps first, each of some
// dozen entries under one shard's lock; the keeper moves it until there is enough again. Pages that nobody names any
// more go before anything else does. A write is refused only when whole turns of the hand were not enough: no value
// is left that could leave, not one whose record is only to be written, and no gap. Promises: no write pays for more
// than `kStepsMax` steps, and waits for nobody's but the one under way; writers that are faster than the keeper pay
// more, up to that, so that memory stays within a tenth of the limit, or of what it was when the limit was lowered,
// while entries are no smaller than what is written; nothing is taken that the log could not give back. Must not know:
// commands.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "base/mutex.h"
#include "keyspace/keyspace.h"
#include "log/log.h"
#include "stave/error.h"
#include "stave/options.h"
#include "store/buffer_meter.h"
#include "store/reports.h"

namespace stave::store {

class Deadlines;
class Graveyard;
class Orphans;
class Residence;

class Budget final : public BufferMeter {
 public:
  /// Steps of the hand that a write pays for: usually; when memory grows all the same; at the very most.
  static constexpr int kStepsPerWrite = 4;
  static constexpr int kStepsBehind = 16;
  static constexpr int kStepsMax = 64;
  /// Entries that a step looks at, more or less: a bucket is looked at whole.
  static constexpr std::size_t kStepEntries = 48;

  Budget(keyspace::Keyspace& keyspace, const Graveyard& graveyard, Orphans& orphans, Deadlines& deadlines,
         Residence& residence, Clock& clock, const Options& options) noexcept
      : keyspace_(keyspace),
        graveyard_(graveyard),
        orphans_(orphans),
        deadlines_(deadlines),
        residence_(residence),
        clock_(clock),
        options_(options) {}
  /// Until then nothing can be logged, and values leave memory whatever the policy says.
  void attach(log::Log& log) noexcept { log_ = &log; }

  /// `max` 0: no limit. A limit below what is used is reached in time. Threads: any, at any time.
  void set(std::uint64_t max, MemoryPolicy policy) noexcept;
  [[nodiscard]] std::uint64_t max() const noexcept { return max_.load(std::memory_order_relaxed); }
  [[nodiscard]] MemoryPolicy policy() const noexcept {
    // Who follows removes no keys: values leave memory, and that is all.
    return follows_.load(std::memory_order_relaxed) ? MemoryPolicy::kSpill : policy_.load(std::memory_order_relaxed);
  }
  void set_follows(bool yes) noexcept { follows_.store(yes, std::memory_order_relaxed); }
  /// Bytes that count against the limit: what is on its way back to the system does not.
  [[nodiscard]] std::uint64_t used() const noexcept;

  /// Called before memory is taken, with no shard held. Some relaxed loads while there is room. Errors: kNoMemory:
  /// nothing is left to take out, or the policy forbids it.
  Result<void> admit() {
    if (!over()) [[likely]]
      return {};
    return admit_over();
  }
  /// Called after memory was taken for a read.
  void settle() {
    if (over()) make_room();
  }
  /// Whether `bytes` more would fit.
  [[nodiscard]] bool has_room(std::uint64_t bytes) const noexcept {
    const std::uint64_t limit = max();
    return limit == 0 || used() + bytes <= limit;
  }
  /// Whether there is hardly any room left.
  [[nodiscard]] bool tight() const noexcept {
    const std::uint64_t limit = max();
    return limit != 0 && used() > limit - limit / 16;
  }
  /// The doors' buffers count like everything else, and values make way for them. But they fill and drain in moments,
  /// often under a shard's lock, where nothing can make way: so a part of the limit is theirs whatever else there is.
  [[nodiscard]] bool take_buffer(std::uint64_t bytes) noexcept override;
  void force_buffer(std::uint64_t bytes) noexcept override { buffers_.fetch_add(bytes, std::memory_order_relaxed); }
  void give_buffer(std::uint64_t bytes) noexcept override;
  /// Whether a value of `bytes` may be brought into memory for somebody who asked for several at one instant: as
  /// `take_buffer`, for what will count by itself once it is there. `brought`: those of the same call before it.
  [[nodiscard]] bool may_bring(std::uint64_t brought, std::uint64_t bytes) const noexcept;
  /// Moves the hand on while there is too little room, a bounded step; true when there is more to do at once. For the
  /// keeper.
  bool relieve();
  [[nodiscard]] BudgetStats stats() const noexcept;
  /// Looks at what the process takes besides, now and then, and makes room for it; see Options::process_memory. The
  /// first call says where growth begins. Threads: one at a time.
  void measure_process();

 private:
  [[nodiscard]] bool over() const noexcept {
    const std::uint64_t limit = max();
    return limit != 0 && used() > limit;
  }
  /// What buffers may take whatever else there is: a part of the limit, and of a small one enough to work with.
  static constexpr std::uint64_t kBuffersPart = 4;
  static constexpr std::uint64_t kBuffersMin = 8u << 20;
  [[nodiscard]] static std::uint64_t buffers_granted(std::uint64_t limit) noexcept {
    return limit / kBuffersPart > kBuffersMin ? limit / kBuffersPart : kBuffersMin;
  }
  [[nodiscard]] MemoryPolicy policy_now() const noexcept;
  Result<void> admit_over();
  bool write_out();
  void note_room() noexcept;
  void make_room();
  [[nodiscard]] std::uint64_t steps_owed() noexcept;
  void step() STAVE_REQUIRES(hand_mutex_);
  bool spill_step(keyspace::Shard& shard) STAVE_REQUIRES(hand_mutex_);
  [[nodiscard]] bool sparse(const keyspace::Shard& shard, std::uint64_t part,
                            std::uint64_t bytes) const STAVE_NO_THREAD_SAFETY_ANALYSIS;
  bool tidy_step(keyspace::Shard& shard) STAVE_REQUIRES(hand_mutex_);
  void evict_step(keyspace::ShardId id, keyspace::Shard& shard, MemoryPolicy policy) STAVE_REQUIRES(hand_mutex_);
  void advance(bool shard_done) STAVE_REQUIRES(hand_mutex_);
  [[nodiscard]] int turns_to_try(bool nothing) const STAVE_REQUIRES(hand_mutex_);

  keyspace::Keyspace& keyspace_;
  const Graveyard& graveyard_;
  Orphans& orphans_;
  Deadlines& deadlines_;
  Residence& residence_;
  Clock& clock_;
  const Options& options_;
  log::Log* log_ = nullptr;
  std::atomic<std::uint64_t> max_{0};
  std::atomic<MemoryPolicy> policy_{MemoryPolicy::kSpill};
  std::atomic<bool> follows_{false};
  /// Turns of the hand were not enough, though it looked for every gap.
  std::atomic<bool> exhausted_{false};
  /// There was room since the hand passed the first shard.
  std::atomic<bool> relieved_{false};
  /// In that turn there were values that would have given way, had their records been written.
  std::atomic<bool> unwritten_{false};
  mutable std::atomic<std::uint64_t> peak_{0};
  std::atomic<std::uint64_t> spilled_{0};
  std::atomic<std::uint64_t> evicted_{0};
  std::atomic<std::uint64_t> buffers_{0};
  std::atomic<std::uint64_t> refused_buffers_{0};
  std::atomic<std::uint64_t> looked_at_{0};
  /// What is used must not grow beyond: the limit, or while a lowered one is not reached what was used then and less
  /// and less.
  std::atomic<std::uint64_t> ceiling_{0};

  /// Bytes of the process that are not the keyspace's; the least that was seen of late, for what comes and goes at once
  /// must not drive out values.
  std::atomic<std::uint64_t> outside_{0};
  static constexpr std::size_t kSamples = 8;
  std::array<std::uint64_t, kSamples> samples_{};
  std::uint64_t samples_taken_ = 0;
  std::uint64_t next_sample_ns_ = 0;
  std::uint64_t process_at_first_ = 0;

  base::Mutex hand_mutex_;
  keyspace::ShardId shard_ STAVE_GUARDED_BY(hand_mutex_) = 0;
  std::uint64_t position_ STAVE_GUARDED_BY(hand_mutex_) = 0;
  // Since the hand passed the first shard.
  std::uint64_t taken_ STAVE_GUARDED_BY(hand_mutex_) = 0;  ///< What left, or was moved.
  std::uint64_t unwritten_met_ STAVE_GUARDED_BY(hand_mutex_) = 0;
  bool cooled_ STAVE_GUARDED_BY(hand_mutex_) = false;
  /// Turns in a row that were not enough. While there are any, every gap is looked for.
  std::uint8_t fruitless_ STAVE_GUARDED_BY(hand_mutex_) = 0;
};

}  // namespace stave::store
