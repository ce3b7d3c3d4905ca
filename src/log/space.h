// Room on the disk, prepared before it is needed: the rest of the active segment and the spare that comes next.
//
// Promises: what the tail was allowed to admit fits into blocks that are already there, so a full disk refuses new
// batches and harms none that were accepted. Preparing goes in steps of a few MiB, off the path of the writers. A
// segment ends with the first batch that reaches its size; such a batch may run over by `overrun`, for which there is
// room too. What gives room has room of its own (`Use`): the cleaner and deletes go on below the reserve that stops
// writers, deletes within a margin of the prepared blocks that nobody else gets, and what lets segments go has the last
// of it. Nothing here waits for a sync but `sync_ahead` and `found`.
//
// Two locks: `work_mutex_` for who prepares, held while files are written; under it `mutex_` for the numbers, held for
// moments only. Must not know: records, syncing of data, recovery.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "log/patience.h"
#include "log/segment.h"
#include "log/tail.h"

namespace stave::log {

class Space {
 public:
  struct Config {
    FileSystem* files = nullptr;
    Directory* names = nullptr;  ///< The directory, held open.
    std::string directory;
    std::uint64_t segment_bytes = 0;
    std::uint64_t overrun = 0;  ///< Largest batch that goes through the ring.
    /// Nothing is prepared for writers while the file system has less room than this; once there are sealed segments,
    /// than this and one segment, so that the oldest can always be cleaned.
    std::uint64_t reserve_bytes = 0;
    Patience patience{false};
    bool zero_fill = false;  ///< Write zeros ahead, not only allocate: a later sync has less to do.
  };

  Space(Config config, Tail& tail) : config_(std::move(config)), tail_(tail) {}

  /// The segment to append to: its file, and where in the log its prepared bytes begin and end.
  void adopt(std::shared_ptr<File> file, std::uint64_t base, std::uint64_t prepared) STAVE_EXCLUDES(mutex_);

  /// Does one step towards a limit for `use` of at least `wanted`. Returns whether there was something to do.
  /// Errors: kNoSpace; anything else is a failed write.
  Result<bool> prepare(std::uint64_t wanted, Use use) STAVE_EXCLUDES(work_mutex_, mutex_);
  /// Has the spare's zeros reach the disk now, and not with the first sync of the segment. Every error is a failed
  /// sync. One calls it at a time.
  Result<void> sync_ahead() STAVE_EXCLUDES(mutex_);
  /// Makes the active segment's room reach `end`, however far that is. Errors as `prepare`. Not during a roll.
  Result<void> extend_active(std::uint64_t end, Use use) STAVE_EXCLUDES(work_mutex_, mutex_);
  /// Makes sure that there is a spare, however small. Errors as `prepare`.
  Result<void> ensure_spare(Use use) STAVE_EXCLUDES(work_mutex_, mutex_);
  /// Returns once nobody prepares room any more in a segment that was active when a roll began: from then on its file
  /// has the size that it is given. Cost: at most one write of zeros is waited for.
  void let_go() STAVE_EXCLUDES(work_mutex_, mutex_);
  /// Whether there is any room to prepare for writers; prepares nothing. Errors: kNoSpace.
  Result<void> look_for_room() STAVE_EXCLUDES(work_mutex_, mutex_);
  /// No writer is admitted any more, whatever is left, until a step that was prepared for writers has found room: one
  /// of them was refused, and it is the same for all.
  void stop_writers() STAVE_EXCLUDES(mutex_);
  /// Whether there is anything to clean, for which room is to be left.
  void set_sealed(bool any) noexcept { sealed_.store(any, std::memory_order_relaxed); }
  [[nodiscard]] bool has_spare() const noexcept { return has_spare_.load(std::memory_order_acquire); }

  /// Turns the spare, which must be there, into the segment `header`, named as one that was begun, and makes it the
  /// active one. Waits for no sync: nothing of it is durable yet. One rolls at a time. Every error is a failed write.
  Result<std::shared_ptr<File>> roll(const SegmentHeader& header) STAVE_EXCLUDES(mutex_);
  /// The same, but when it returns the segment is durable and has its own name.
  Result<std::shared_ptr<File>> found(const SegmentHeader& header) STAVE_EXCLUDES(mutex_);
  /// Lowers the limit to what would fit if the segment were rolled at `base` already. False, and nothing is changed,
  /// when more than that has been admitted. `roll` lifts the limit again.
  bool limit_for_roll_at(std::uint64_t base) STAVE_EXCLUDES(mutex_);

  /// Nobody is admitted, and nobody is still encoding, until the gate opens.
  void close_gate() STAVE_EXCLUDES(mutex_);
  void open_gate() STAVE_EXCLUDES(mutex_);
  /// Closes the gate for good, without waiting for anybody.
  void shut() STAVE_EXCLUDES(mutex_);

  [[nodiscard]] std::uint64_t active_file_bytes() const STAVE_EXCLUDES(mutex_);
  /// The active segment has room prepared for what lies in the log from `from` to `to`.
  [[nodiscard]] bool covers(std::uint64_t from, std::uint64_t to) const STAVE_EXCLUDES(mutex_);
  /// Deletes the spare.
  Result<void> remove_spare() STAVE_EXCLUDES(work_mutex_, mutex_);

  /// Room that is never given to batches, so that the mark of a clean close always fits.
  static constexpr std::uint64_t kCloseBytes = 64;
  /// Room for trim records alone. Each lets a segment go, which is room again.
  static constexpr std::uint64_t kTrimBytes = 1024;

 private:
  static constexpr std::uint64_t kNoCap = std::numeric_limits<std::uint64_t>::max();

  /// What one step makes ready: bytes of the active segment or of the spare, which may have to be created (no file).
  struct Piece {
    std::shared_ptr<File> file;
    std::uint64_t from = 0;
    std::uint64_t to = 0;
  };

  [[nodiscard]] std::uint64_t goal() const noexcept { return config_.segment_bytes + config_.overrun + kCloseBytes; }
  [[nodiscard]] std::uint64_t usable(std::uint64_t prepared) const noexcept;
  /// Prepared bytes that only deletes and trim records get: some ten thousand of them.
  [[nodiscard]] std::uint64_t margin() const noexcept {
    return std::min<std::uint64_t>(1u << 20, config_.segment_bytes / 16);
  }
  /// How much of what is prepared is not for `use`.
  [[nodiscard]] std::uint64_t kept_from(Use use) const noexcept;
  [[nodiscard]] std::uint64_t limit() const STAVE_REQUIRES(mutex_);
  [[nodiscard]] std::uint64_t limit_of(Use use) const STAVE_REQUIRES(mutex_);
  void publish() STAVE_REQUIRES(mutex_);
  /// What is to be prepared next; nullopt: everything is.
  [[nodiscard]] std::optional<Piece> next_piece() const STAVE_REQUIRES(mutex_);
  Result<void> step(Piece piece) STAVE_REQUIRES(work_mutex_) STAVE_EXCLUDES(mutex_);
  void note_prepared(const Piece& piece) STAVE_REQUIRES(work_mutex_) STAVE_EXCLUDES(mutex_);
  Result<void> check_reserve(Use use, bool& below) const;
  /// Before anything is prepared for `use`: kNoSpace when it is for writers, and only others may; what others may have
  /// now, writers do not get.
  Result<void> begin_preparing(Use use) STAVE_EXCLUDES(mutex_);
  void end_preparing(Use use) STAVE_EXCLUDES(mutex_);
  Result<std::uint64_t> fill(File& file, std::uint64_t from, std::uint64_t to) STAVE_REQUIRES(work_mutex_);
  Result<void> fill_some(Piece& piece) STAVE_REQUIRES(work_mutex_);
  Result<std::shared_ptr<File>> create_spare() STAVE_REQUIRES(work_mutex_) STAVE_EXCLUDES(mutex_);
  Result<void> stretch(const Piece& piece) STAVE_REQUIRES(work_mutex_) STAVE_EXCLUDES(mutex_);
  Result<std::shared_ptr<File>> head_spare(const SegmentHeader& header) STAVE_EXCLUDES(mutex_);
  Result<void> name_spare(const std::string& name);
  std::shared_ptr<File> activate_spare(std::uint64_t base) STAVE_EXCLUDES(mutex_);
  /// Begins, does `work` and ends; what it lacks is told as a lack of space.
  template <class Work>
  Result<void> prepare_by(Use use, Work&& work) STAVE_REQUIRES(work_mutex_);

  const Config config_;
  Tail& tail_;
  base::Mutex work_mutex_;                  ///< Taken before mutex_.
  std::atomic<std::uint32_t> waiting_ = 0;  ///< Who wants to extend the active segment and waits for it.
  std::vector<std::byte> zeros_ STAVE_GUARDED_BY(work_mutex_);
  mutable base::Mutex mutex_;
  std::shared_ptr<File> active_ STAVE_GUARDED_BY(mutex_);
  std::uint64_t active_base_ STAVE_GUARDED_BY(mutex_) = 0;
  std::uint64_t active_prepared_ STAVE_GUARDED_BY(mutex_) = 0;
  std::shared_ptr<File> spare_ STAVE_GUARDED_BY(mutex_);
  std::uint64_t spare_prepared_ STAVE_GUARDED_BY(mutex_) = 0;
  std::uint64_t spare_synced_ STAVE_GUARDED_BY(mutex_) = 0;
  std::uint64_t cap_ STAVE_GUARDED_BY(mutex_) = kNoCap;
  std::uint64_t writers_cap_ STAVE_GUARDED_BY(mutex_) = kNoCap;  ///< What is prepared behind it is not for writers.
  bool gate_closed_ STAVE_GUARDED_BY(mutex_) = false;
  bool shut_ STAVE_GUARDED_BY(mutex_) = false;
  std::atomic<bool> has_spare_{false};
  std::atomic<bool> sealed_{false};
};

}  // namespace stave::log
