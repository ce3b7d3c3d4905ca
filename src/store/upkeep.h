// When it is time for a checkpoint, for cleaning, for dropping segments, and the thread that does them.
//
// Promises: the log takes no more than `max_space_amplification` times what is alive in it, some segments aside, as far
// as nothing has to be kept for history or a snapshot; after a restart the log is read for no longer than
// `checkpoint_bytes` take; no call of a user waits for any of it, unless it asked to. Without a thread `tick` does the
// same in bounded steps. Must not know: how any of it is done.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "store/change_feed.h"
#include "store/checkpoint.h"
#include "store/cleaner.h"
#include "store/consumers.h"
#include "store/engine.h"
#include "store/live_bytes.h"

namespace stave::store {

class Upkeep {
 public:
  explicit Upkeep(Engine& engine);
  ~Upkeep() { stop(); }
  Upkeep(const Upkeep&) = delete;
  Upkeep& operator=(const Upkeep&) = delete;

  /// What recovery found: the images and where the log's live part begins.
  void adopt(ImageShelf::Found images, Lsn boundary);
  /// A trim record said so.
  void note_boundary(Lsn boundary) noexcept;
  /// Starts the thread; `warm` values are brought back first.
  void start(bool warm);
  /// Ends the thread and whatever it does, in bounded time.
  void stop();

  /// What those who read the log along have in common, and those of them who have a name.
  [[nodiscard]] ChangeFeed& change_feed() noexcept { return change_feed_; }
  [[nodiscard]] Consumers& consumers() noexcept { return consumers_; }

  /// As Engine::checkpoint and Engine::clean.
  Result<void> checkpoint() STAVE_EXCLUDES(work_mutex_);
  Result<CleanReport> clean() STAVE_EXCLUDES(work_mutex_);
  /// Cleans everything, and keeps nothing for history: what was overwritten or deleted before is in no file of the
  /// directory any more. Errors: as `clean`; kBusy: a backup or a snapshot is reading the log.
  Result<CleanReport> purge() STAVE_EXCLUDES(work_mutex_);
  /// Asks the thread for a cleaning, without waiting (BGREWRITEAOF). False when one is going on.
  bool ask_to_clean() STAVE_EXCLUDES(wake_mutex_);
  /// One bounded step of what is due, such as one segment cleaned; true when there is more to do at once. For the
  /// thread, and for engines without one.
  bool tick() STAVE_EXCLUDES(work_mutex_);
  /// While one is there, no segment of the log is dropped. Making one waits for a removal that is going on.
  class Pin {
   public:
    explicit Pin(Upkeep& upkeep);
    ~Pin();
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;

   private:
    Upkeep& upkeep_;
  };
  /// While one is there, nothing of the log from its place on is dropped, but for what lies more than
  /// `keep_bytes_max` before the end: for a follower or a consumer that reads it. Threads: any.
  class Keep {
   public:
    Keep(Upkeep& upkeep, Lsn from);
    ~Keep();
    Keep(const Keep&) = delete;
    Keep& operator=(const Keep&) = delete;
    void move(Lsn from) noexcept;

   private:
    friend class Upkeep;
    Upkeep& upkeep_;
    Lsn from_;  ///< Under `drop_mutex_`.
  };
  /// The image that a clean stop leaves behind, unless the log is short anyway.
  void close() STAVE_EXCLUDES(work_mutex_);

  // Live settings; see Options.
  std::atomic<double> max_space_amplification;
  std::atomic<std::uint64_t> clean_bytes_per_second;
  std::atomic<std::uint64_t> checkpoint_bytes;
  std::atomic<std::int64_t> checkpoint_interval_ms;
  std::atomic<std::int64_t> history_ms;
  std::atomic<std::uint64_t> history_bytes;
  std::atomic<std::uint64_t> keep_bytes_max{kKeepBytesMax};
  static constexpr std::uint64_t kKeepBytesMax = std::uint64_t{1} << 30;

  /// Whether values are still being brought back after the start.
  [[nodiscard]] bool warming() const noexcept { return warming_.load(std::memory_order_relaxed); }
  [[nodiscard]] CheckpointStats checkpoint_stats() const { return checkpoint_.stats(); }
  [[nodiscard]] CleanerStats cleaner_stats() const;
  /// Keys whose values were found unreadable, which keeps the log from being cleaned.
  [[nodiscard]] std::uint64_t lost_values() const noexcept { return lost_values_.load(std::memory_order_relaxed); }
  /// Bytes of the log for a byte of keys, values and headers; values may be packed.
  [[nodiscard]] double stored_ratio() const noexcept { return live_.ratio(); }
  /// Bytes of the log that are needed, garbage among them included. What is kept behind that for history is not
  /// counted: it could not be given back.
  [[nodiscard]] std::uint64_t needed_bytes() const;

 private:
  /// Something that is done by itself, and left alone for a while after it failed, whatever becomes of the others.
  struct Job {
    std::uint64_t failed_until_ns = 0;
  };
  void run();
  void wait_a_while();
  template <class Work>
  void attempt(Job& job, Work&& work) STAVE_REQUIRES(work_mutex_);
  [[nodiscard]] std::uint64_t log_behind_image() const;
  bool checkpoint_due();
  /// Whether more of the log than that part of what may be garbage is garbage.
  [[nodiscard]] bool over(double part_of_garbage) const;
  [[nodiscard]] Lsn history_limit() const;
  [[nodiscard]] Lsn followers_limit() const STAVE_REQUIRES(drop_mutex_);
  Result<void> write_checkpoint() STAVE_REQUIRES(work_mutex_);
  Result<bool> clean_one() STAVE_REQUIRES(work_mutex_);
  Result<bool> clean_a_step() STAVE_REQUIRES(work_mutex_);
  Result<void> drop_if_due() STAVE_REQUIRES(work_mutex_);
  [[nodiscard]] bool sweep_due() STAVE_REQUIRES(work_mutex_);
  Result<void> sweep() STAVE_REQUIRES(work_mutex_);
  void begin_round() STAVE_REQUIRES(work_mutex_);
  void end_round() STAVE_REQUIRES(work_mutex_);
  [[nodiscard]] bool blocked() STAVE_REQUIRES(work_mutex_);
  void note_losses(std::vector<Cleaner::Loss> losses) STAVE_REQUIRES(work_mutex_);
  Result<void> drop() STAVE_REQUIRES(work_mutex_);
  Result<void> clean_round() STAVE_REQUIRES(work_mutex_);
  Result<CleanReport> clean_everything() STAVE_REQUIRES(work_mutex_);
  Result<void> remove_cuttings() STAVE_REQUIRES(work_mutex_);
  void pause(std::uint64_t bytes) STAVE_EXCLUDES(wake_mutex_);

  Engine& engine_;
  Checkpoint checkpoint_;
  base::Mutex work_mutex_;
  base::Mutex drop_mutex_;  ///< Held while segments are removed.
  std::size_t pins_ STAVE_GUARDED_BY(drop_mutex_) = 0;
  std::vector<const Keep*> keeps_ STAVE_GUARDED_BY(drop_mutex_);
  std::atomic<std::uint64_t> boundary_{0};
  LiveBytes live_;
  std::atomic<bool> forgets_{false};  ///< History counts for nothing now.
  Job cleaning_job_ STAVE_GUARDED_BY(work_mutex_);
  Job checkpoint_job_ STAVE_GUARDED_BY(work_mutex_);
  Job sweep_job_ STAVE_GUARDED_BY(work_mutex_);
  std::uint64_t next_sweep_ns_ STAVE_GUARDED_BY(work_mutex_) = 0;
  /// The same when room is short.
  std::uint64_t soonest_sweep_ns_ STAVE_GUARDED_BY(work_mutex_) = 0;
  /// The cleaner is on its way round the log as it was, up to here.
  std::optional<std::uint64_t> round_ STAVE_GUARDED_BY(work_mutex_);
  /// Why nothing is cleaned: the values of these keys cannot be read.
  std::vector<Cleaner::Loss> losses_ STAVE_GUARDED_BY(work_mutex_);

  std::atomic<bool> warming_{false};
  std::atomic<bool> cleaning_{false};
  std::atomic<std::uint64_t> runs_{0};
  std::atomic<std::uint64_t> scanned_{0};
  std::atomic<std::uint64_t> relocated_{0};
  std::atomic<std::uint64_t> relocated_records_{0};
  std::atomic<std::uint64_t> freed_{0};
  std::atomic<std::uint64_t> damaged_segments_{0};
  std::atomic<std::uint64_t> lost_values_{0};
  std::atomic<std::uint64_t> first_lost_{0};

  base::Mutex wake_mutex_;
  base::ConditionVariable wake_;
  bool asked_ STAVE_GUARDED_BY(wake_mutex_) = false;
  std::atomic<bool> stop_{false};
  std::thread thread_;

  ChangeFeed change_feed_;
  Consumers consumers_;  // its members keep the log, so they go first
};

}  // namespace stave::store
