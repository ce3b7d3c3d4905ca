// The log put together from its parts: tail, space, group commit, flusher, catalog.
//
// Three locks, taken in this order and never the other way: `write_mutex_` for who moves bytes from the ring into the
// active segment and rolls it; `sync_mutex_` for who syncs it (so writing goes on during a sync); the parts' own.
// Nobody waits for the disk's sync under `write_mutex_`, but for the close.
//
// Positions: durable <= written <= placed <= complete <= tail. What lies before `placed` (the tail's `released`) has
// its place in a file, and its bytes are no longer in the ring. All of it is written, except the large batches that are
// being written beside the ring; `written` ends where the first of these begins.
// Must not know: keys' meaning, the index, commands.
#pragma once

#include <array>
#include <atomic>
#include <limits>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "log/catalog.h"
#include "log/flusher.h"
#include "log/group_commit.h"
#include "log/log.h"
#include "log/patience.h"
#include "log/recovery.h"
#include "log/segment.h"
#include "log/space.h"
#include "log/tail.h"

namespace stave::log {

class LogImpl final : public Log {
 public:
  LogImpl(std::string directory, const Options& options, base::RingMemory ring, std::unique_ptr<Directory> names,
          const Recovered& recovered);
  ~LogImpl() override;
  /// Creates what a new store or a cut log needs, and opens the gate.
  Result<void> start(const Recovered& recovered);

  Result<Lsn> append(std::span<const RecordSpec> batch, std::span<Lsn> lsns) override;
  Result<Lsn> append(std::span<const RecordSpec> batch, std::span<Lsn> lsns, Unwritten& later) override;
  std::uint64_t ring_batch_max() const noexcept override { return ring_batch_max_; }
  void follow(bool on) noexcept override { following_.store(on, std::memory_order_relaxed); }
  Result<Lsn> append_at(std::span<const RecordView> batch, TakenOver& copy) override;
  Result<Stretch> read_written(Lsn from, std::span<std::byte> into) override;
  Result<void> writable() const override;
  Result<void> room() override { return space_.look_for_room(); }
  Result<void> wait_durable(Lsn lsn) override;
  Result<void> wait_written(Lsn lsn) override;
  Result<void> write_out_before(Lsn lsn) override;
  void request_sync(Lsn lsn) override;
  /// See written_news.h.
  Lsn tell_of_written() noexcept;
  std::uint64_t add_listener(std::function<void()> listener) override;
  void remove_listener(std::uint64_t handle) override;
  void set_written_listener(std::function<void()> listener) override STAVE_EXCLUDES(write_mutex_);
  Lsn tail() const noexcept override { return Lsn{tail_.end()}; }
  Lsn written() const noexcept override { return Lsn{written_.load(std::memory_order_acquire)}; }
  Lsn durable() const noexcept override { return Lsn{durable_.load(std::memory_order_acquire)}; }
  Result<void> health() const override;
  void give_up(Error why) override { static_cast<void>(latch(std::move(why))); }
  std::uint64_t tick(std::uint64_t now_ns, UnixMs wall) override;
  void set_sync(Sync policy) override { interval_sync_.store(policy != Sync::kOs, std::memory_order_relaxed); }
  Result<RecordView> read(Lsn lsn, std::vector<std::byte>& buffer) override;
  Result<std::uint32_t> length_at(Lsn lsn) override;
  Result<RecordView> read(Lsn lsn, std::vector<std::byte>& buffer, PlaceFn place) override;
  Result<void> scan(Lsn from, Lsn to, const ReplayFn& visit) override;
  std::vector<SegmentInfo> segments() const override;
  Result<std::uint64_t> drop_before(Lsn lsn) override;
  Result<void> roll() override;
  Result<void> close(UnixMs now) override;
  LogStats stats() const override;
  std::span<const std::byte, 16> store_id() const noexcept override { return identity_.store_id; }

 private:
  enum class State : std::uint8_t { kOpen, kClosing, kFailed };
  /// A batch too large for the ring, which is being written to its place by who appends it.
  struct Beside {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    std::shared_ptr<File> file;
    std::uint64_t segment_base = 0;
  };
  /// A segment that was begun and is not known to be durable, nor what lies before it.
  struct Roll {
    std::uint64_t old_base = 0;  ///< Of the segment before it.
    std::uint64_t base = 0;
    std::shared_ptr<File> file;
    std::string begun_path;
    std::string path;
  };
  enum class Settle : std::uint8_t { kNeeded, kAll };
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
  /// Who appends waits for the disk when so many segments are not durable yet.
  static constexpr std::size_t kUnsettledMax = 8;

  /// What `Unwritten` holds of a large batch.
  class BesideWork;

  // append.cc
  Result<Lsn> append_or_place(std::span<const RecordSpec> batch, std::span<Lsn> lsns, Unwritten* later);
  void encode_batch(std::span<const RecordSpec> batch, std::span<Lsn> lsns, const Tail::Reservation& at,
                    std::uint64_t size) noexcept;
  /// What the batch may use; only asked when there is not plenty.
  static Use use_of(std::span<const RecordSpec> batch) noexcept;
  Result<void> make_way(std::uint64_t size, Use use) STAVE_EXCLUDES(write_mutex_);
  Result<void> make_room(std::uint64_t end, Use use) STAVE_EXCLUDES(write_mutex_);
  /// Writers are refused from now on, for this reason, until there is room.
  void note_full(const Error& why) STAVE_EXCLUDES(failure_mutex_);
  void nudge();
  Result<void> refusal() const;

  // follow.cc
  static std::unexpected<Error> follows();

  // beside.cc
  Result<Lsn> append_beside(std::span<const RecordSpec> batch, std::span<Lsn> lsns, std::uint64_t size)
      STAVE_EXCLUDES(write_mutex_);
  Result<Lsn> place_for_later(std::span<const RecordSpec> batch, std::span<Lsn> lsns, std::uint64_t size,
                              Unwritten& later) STAVE_EXCLUDES(write_mutex_);
  Result<std::unique_ptr<BesideWork>> begin_beside(std::span<const RecordSpec> batch, std::uint64_t size)
      STAVE_EXCLUDES(write_mutex_);
  Result<void> finish_beside(std::span<const RecordSpec> batch, std::span<Lsn> lsns, const Beside& place,
                             std::span<std::byte> block) STAVE_EXCLUDES(write_mutex_);
  Result<Beside> place_beside(std::uint64_t size, UnixMs time, Use use) STAVE_REQUIRES(write_mutex_);
  Result<Beside> place_at_end(std::uint64_t size, UnixMs time, Use use) STAVE_REQUIRES(write_mutex_);
  Result<void> make_room_at(std::uint64_t start, std::uint64_t size, Use use) STAVE_REQUIRES(write_mutex_);
  Result<void> note_prepared(Result<void> step);
  Result<void> write_beside(std::span<const RecordSpec> batch, std::span<Lsn> lsns, const Beside& place,
                            std::span<std::byte> block);
  Result<void> write_payload(const Beside& place, std::string_view payload, std::uint64_t at, std::size_t slice_bytes);
  void end_beside(const Beside& place, bool written) STAVE_EXCLUDES(write_mutex_);
  bool is_beside(std::uint64_t position) const STAVE_REQUIRES(write_mutex_);

  // flush.cc
  Result<void> write_out(std::uint64_t target) STAVE_REQUIRES(write_mutex_);
  Result<void> write_to(File& file, std::uint64_t segment_base, std::span<const std::byte> bytes, std::uint64_t at);
  std::uint64_t first_boundary(std::uint64_t from, std::uint64_t threshold) const STAVE_REQUIRES(write_mutex_);
  std::uint64_t placed() const noexcept { return tail_.released(); }
  /// Sets `written` to what it is now that more has been placed or a large batch is there.
  void advance_written() STAVE_REQUIRES(write_mutex_);
  /// Waits, without the lock, until the large batches before `position`, which is placed, are there.
  Result<void> await_written(std::uint64_t position) STAVE_REQUIRES(write_mutex_);
  /// How far a group commit for `position` goes: not past a large batch that is being written while there is something
  /// to be synced before it.
  std::uint64_t within_reach(std::uint64_t position) const noexcept;
  Result<void> sync_written(Settle settle) STAVE_EXCLUDES(sync_mutex_);
  Result<void> sync(File& file) STAVE_REQUIRES(sync_mutex_);
  void advance_durable(std::uint64_t position) STAVE_REQUIRES(sync_mutex_);
  void count_sync(std::uint64_t ns) noexcept;
  Result<void> flush(std::uint64_t target) STAVE_EXCLUDES(write_mutex_, sync_mutex_);
  /// Writes out everything before `target`; waits for memory that it needs, and fails for good without.
  Result<void> write_out_patiently(std::uint64_t target) STAVE_EXCLUDES(write_mutex_);
  /// Writes out whatever is complete.
  Result<void> write_out_now() STAVE_EXCLUDES(write_mutex_);
  std::unexpected<Error> latch(Error&& error);

  // roll.cc
  bool roll_due() const STAVE_REQUIRES(write_mutex_) { return placed() >= active_base_ + segment_bytes_; }
  Result<void> roll_if_due() STAVE_REQUIRES(write_mutex_);
  Result<void> roll_active() STAVE_REQUIRES(write_mutex_);
  Result<void> replace_active() STAVE_REQUIRES(write_mutex_);
  /// The oldest segment that is not settled, if it begins before `limit`.
  Roll* first_unsettled(std::uint64_t limit) STAVE_EXCLUDES(rolls_mutex_);
  Result<void> settle_rolls(std::uint64_t limit) STAVE_REQUIRES(sync_mutex_);
  Result<void> settle(const Roll& roll) STAVE_REQUIRES(sync_mutex_);
  std::uint64_t covered_by(const Roll& roll) STAVE_EXCLUDES(rolls_mutex_);

  // read.cc
  Result<RecordView> read_guarded(Lsn lsn, std::vector<std::byte>& buffer, const PlaceFn* place)
      STAVE_EXCLUDES(write_mutex_);
  Result<RecordView> read_unguarded(Lsn lsn, std::vector<std::byte>& buffer, const PlaceFn* place)
      STAVE_EXCLUDES(write_mutex_);
  Result<RecordView> read_written(Lsn lsn, const Catalog::Place& segment, std::vector<std::byte>& buffer,
                                  const PlaceFn* place);
  Result<void> scan_unguarded(std::uint64_t from, std::uint64_t to, const ReplayFn& visit);

  // retire.cc
  Result<void> drop_first(const Catalog::Range& segment) STAVE_REQUIRES(drop_mutex_);
  Result<void> roll_gently(Use use) STAVE_REQUIRES(write_mutex_);

  // housekeeping.cc
  bool flusher_round();
  void sync_requested();
  void prepare_ahead();
  void sync_ahead() STAVE_EXCLUDES(ahead_mutex_);
  void settle_all() STAVE_EXCLUDES(sync_mutex_);
  void mark_newest() STAVE_EXCLUDES(mark_mutex_);
  void roll_by_age(UnixMs wall) STAVE_EXCLUDES(write_mutex_);
  Result<void> write_close_mark(UnixMs now) STAVE_REQUIRES(write_mutex_);

  // Fixed from birth.
  const std::string directory_;
  FileSystem& files_;
  const std::unique_ptr<Directory> names_;  ///< Held open: rolling and dropping need no descriptor for it.
  Clock& clock_;
  const std::uint64_t segment_bytes_;
  const std::int64_t segment_age_ms_;
  const std::uint64_t sync_interval_ns_;
  const bool background_;
  const std::uint64_t ring_batch_max_;
  const Patience patience_;
  Identity identity_;
  std::uint64_t salt_;
  std::uint64_t seed_;

  Tail tail_;
  Space space_;
  Catalog catalog_;

  // What appenders look at beside the tail; changes rarely.
  std::atomic<State> state_{State::kOpen};
  std::atomic<bool> full_{false};
  std::atomic<bool> following_{false};
  std::atomic<bool> interval_sync_;
  std::atomic<std::uint64_t> full_retry_ns_{0};

  base::Mutex write_mutex_;
  std::shared_ptr<File> active_ STAVE_GUARDED_BY(write_mutex_);
  std::uint64_t active_base_ STAVE_GUARDED_BY(write_mutex_) = 0;
  std::optional<UnixMs> active_since_ STAVE_GUARDED_BY(write_mutex_);
  std::vector<Beside> beside_ STAVE_GUARDED_BY(write_mutex_);  ///< Ascending.
  base::ConditionVariable beside_ended_;                       ///< With write_mutex_.
  std::function<void()> written_listener_ STAVE_GUARDED_BY(write_mutex_);
  std::atomic<std::uint64_t> first_beside_{kNever};            ///< Where the first of them begins.
  std::atomic<bool> beside_news_{false};                       ///< One has ended, and listeners do not know.
  std::atomic<bool> written_wanted_{false};  ///< Somebody wants to hear of the next progress of `written_`,
  std::atomic<bool> written_news_{false};    ///< and there was some.
  std::atomic<std::uint64_t> written_;

  base::Mutex sync_mutex_;
  std::shared_ptr<File> sync_file_ STAVE_GUARDED_BY(sync_mutex_);
  std::atomic<std::uint64_t> durable_;
  base::Mutex ahead_mutex_;  ///< Who syncs what is prepared ahead. Taken under sync_mutex_, for a moment.

  base::Mutex rolls_mutex_;
  /// Oldest first; the front is removed by who holds `sync_mutex_`, so it stays where it is for them.
  std::list<Roll> rolls_ STAVE_GUARDED_BY(rolls_mutex_);
  std::atomic<std::size_t> unsettled_{0};  ///< How many.
  std::atomic<std::uint64_t> named_{0};    ///< Base of the newest segment that has its own name.
  std::atomic<std::uint64_t> marked_{0};   ///< Of the one that the directory says was the newest.
  base::Mutex mark_mutex_;

  base::Mutex drop_mutex_;  ///< One removes segments at a time. Taken before all others.

  mutable base::Mutex failure_mutex_;
  std::optional<Error> failure_ STAVE_GUARDED_BY(failure_mutex_);
  std::optional<Error> shortage_ STAVE_GUARDED_BY(failure_mutex_);  ///< Why `full_`.

  std::atomic<std::uint64_t> requested_{0};  ///< Furthest position the flusher thread was asked to make durable.
  std::atomic<std::uint64_t> syncs_{0};
  std::atomic<std::uint64_t> sync_ns_{0};
  std::array<std::atomic<std::uint64_t>, std::tuple_size_v<DurationCounts>> sync_counts_{};
  std::atomic<std::uint64_t> writes_{0};
  base::Mutex tick_mutex_;
  std::uint64_t unsynced_since_ns_ STAVE_GUARDED_BY(tick_mutex_) = 0;
  std::uint64_t announced_ = 0;  ///< The flusher thread's own: what its listeners know.
  bool announced_failure_ = false;

  GroupCommit group_;
  Flusher flusher_;  // last: its thread uses everything above
};

}  // namespace stave::log
