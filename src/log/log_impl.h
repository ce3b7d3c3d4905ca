// The log put together from its parts: tail, space, group commit, flusher, catalog.
//
// Three locks, taken in this order and never the other way: `write_mutex_` for who moves bytes from the ring into the
// active segment and rolls it; `sync_mutex_` for who syncs it (so writing goes on during a sync); the parts' own.
// Must not know: keys' meaning, the index, commands.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "log/catalog.h"
#include "log/flusher.h"
#include "log/group_commit.h"
#include "log/log.h"
#include "log/recovery.h"
#include "log/segment.h"
#include "log/space.h"
#include "log/tail.h"

namespace stave::log {

class LogImpl final : public Log {
 public:
  LogImpl(std::string directory, const Options& options, base::RingMemory ring, const Recovered& recovered);
  ~LogImpl() override;
  /// Creates what a new store or a cut log needs, and opens the gate.
  Result<void> start(const Recovered& recovered);

  Result<Lsn> append(std::span<const RecordSpec> batch, std::span<Lsn> lsns) override;
  Result<void> writable() const override;
  Result<void> wait_durable(Lsn lsn) override;
  Result<void> wait_written(Lsn lsn) override;
  void request_sync(Lsn lsn) override;
  std::uint64_t add_listener(std::function<void()> listener) override;
  void remove_listener(std::uint64_t handle) override;
  Lsn tail() const noexcept override { return Lsn{tail_.end()}; }
  Lsn written() const noexcept override { return Lsn{tail_.written()}; }
  Lsn durable() const noexcept override { return Lsn{durable_.load(std::memory_order_acquire)}; }
  Result<void> health() const override;
  std::uint64_t tick(std::uint64_t now_ns, UnixMs wall) override;
  void set_sync(Sync policy) override { interval_sync_.store(policy != Sync::kOs, std::memory_order_relaxed); }
  Result<RecordView> read(Lsn lsn, std::vector<std::byte>& buffer) override;
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

  // append.cc
  void encode_batch(std::span<const RecordSpec> batch, std::span<Lsn> lsns, const Tail::Reservation& at) noexcept;
  Result<void> make_way(std::uint64_t size) STAVE_EXCLUDES(write_mutex_);
  Result<void> make_room(std::uint64_t end) STAVE_EXCLUDES(write_mutex_);
  Result<Lsn> append_oversize(std::span<const RecordSpec> batch, std::span<Lsn> lsns, std::uint64_t size)
      STAVE_EXCLUDES(write_mutex_);
  Result<void> write_oversize(std::span<const RecordSpec> batch, std::span<Lsn> lsns, std::uint64_t size)
      STAVE_REQUIRES(write_mutex_);
  Result<void> write_payload(std::string_view payload, std::uint64_t at, std::size_t slice_bytes)
      STAVE_REQUIRES(write_mutex_);
  void nudge();
  Result<void> refusal() const;

  // flush.cc
  Result<void> write_out(std::uint64_t target) STAVE_REQUIRES(write_mutex_);
  Result<void> write_to_active(std::span<const std::byte> bytes, std::uint64_t at) STAVE_REQUIRES(write_mutex_);
  std::uint64_t first_boundary(std::uint64_t from, std::uint64_t threshold) const STAVE_REQUIRES(write_mutex_);
  Result<void> roll_active() STAVE_REQUIRES(write_mutex_);
  Result<void> replace_active() STAVE_REQUIRES(write_mutex_);
  Result<void> roll_if_due() STAVE_REQUIRES(write_mutex_);
  bool roll_due() const STAVE_REQUIRES(write_mutex_) { return tail_.written() >= active_base_ + segment_bytes_; }
  Result<void> sync_written() STAVE_EXCLUDES(sync_mutex_);
  void count_sync(std::uint64_t ns) noexcept;
  Result<void> flush(std::uint64_t target) STAVE_EXCLUDES(write_mutex_, sync_mutex_);
  /// Writes out whatever is complete.
  Result<void> write_out_now() STAVE_EXCLUDES(write_mutex_);
  std::unexpected<Error> latch(Error&& error);

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
  Result<void> roll_gently() STAVE_REQUIRES(write_mutex_);

  // housekeeping.cc
  bool flusher_round();
  void prepare_ahead();
  void roll_by_age(UnixMs wall) STAVE_EXCLUDES(write_mutex_);
  Result<void> write_close_mark(UnixMs now) STAVE_REQUIRES(write_mutex_);

  // Fixed from birth.
  const std::string directory_;
  FileSystem& files_;
  Clock& clock_;
  const std::uint64_t segment_bytes_;
  const std::int64_t segment_age_ms_;
  const std::uint64_t sync_interval_ns_;
  const bool background_;
  const std::uint64_t ring_batch_max_;
  Identity identity_;
  std::uint64_t salt_;
  std::uint64_t seed_;

  Tail tail_;
  Space space_;
  Catalog catalog_;

  // What appenders look at beside the tail; changes rarely.
  std::atomic<State> state_{State::kOpen};
  std::atomic<bool> full_{false};
  std::atomic<bool> interval_sync_;
  std::atomic<std::uint64_t> full_retry_ns_{0};

  base::Mutex write_mutex_;
  std::shared_ptr<File> active_ STAVE_GUARDED_BY(write_mutex_);
  std::uint64_t active_base_ STAVE_GUARDED_BY(write_mutex_) = 0;
  std::optional<UnixMs> active_since_ STAVE_GUARDED_BY(write_mutex_);

  base::Mutex sync_mutex_;
  std::shared_ptr<File> sync_file_ STAVE_GUARDED_BY(sync_mutex_);
  std::atomic<std::uint64_t> durable_;

  base::Mutex drop_mutex_;  ///< One removes segments at a time. Taken before all others.

  mutable base::Mutex failure_mutex_;
  std::optional<Error> failure_ STAVE_GUARDED_BY(failure_mutex_);

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
