// The log: one totally ordered sequence of batches in a directory of segment files.
//
// Promises: (1) what `wait_durable` returned for is on disk; (2) recovery yields whole batches in LSN order, a prefix
// of what was appended that includes everything acknowledged; (3) after a failed write or sync nothing is ever
// acknowledged again (read-only until reopened); (4) a full disk refuses new batches with kNoSpace, harms none
// that were accepted, and clears by itself once there is room; what makes room (deletes, cleaning, trims) goes on
// longer.
// Writers reserve a range of LSNs by moving the tail (one compare-and-swap, tried again when another was faster) and
// encode straight into a ring buffer; whoever flushes takes the prefix that is complete, writes it to the active
// segment and syncs once for everybody who waits. A batch too large for the ring gets its place in the same order and
// is written there beside it. Only who asks for durability waits for a sync, also when a segment ends. Must not know:
// keys' meaning, the index, commands.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "log/record.h"
#include "log/segment.h"
#include "log/unwritten.h"
#include "stave/clock.h"
#include "stave/file_system.h"
#include "stave/options.h"

namespace stave::log {

/// Counts of durations by power of two: bucket i holds those below 2^i nanoseconds that bucket i - 1 does not.
using DurationCounts = std::array<std::uint64_t, 40>;

struct LogStats {
  Lsn first{};    ///< Where the first segment that is present begins.
  Lsn tail{};     ///< End of everything appended.
  Lsn written{};  ///< The operating system has everything before it.
  Lsn durable{};  ///< End of what is on disk.
  std::uint64_t segments = 0;
  std::uint64_t bytes_on_disk = 0;
  std::uint64_t syncs = 0;
  std::uint64_t sync_ns = 0;     ///< Time that syncs which succeeded have taken, together
  DurationCounts sync_counts{};  ///< and how long each took.
  std::uint64_t writes = 0;
  bool read_only = false;  ///< An I/O failure latched.
  bool full = false;       ///< Refusing for want of room.
};

/// One file of the log.
struct SegmentInfo {
  Lsn base;                  ///< LSN of its first record.
  Lsn end;                   ///< Where the next one begins; of the active one: the end of what is written.
  std::uint64_t file_bytes;  ///< What it takes on the disk.
  bool sealed;               ///< Never written to again, and durable. Those that are not come last.
};

/// What the caller of `open` knows already. The default: nothing, everything is replayed.
struct StartAt {
  /// An image of the index covers everything before this batch boundary: replay begins here. What lies before is only
  /// checked to be present.
  Lsn from = kNoLsn;
  /// Addresses from here on are in use as far as the image knows: the first segment present must not begin behind it,
  /// unless the log replayed says that what lies before that segment was written again.
  Lsn needs = kNoLsn;
  /// The log is known to have been durable up to here (an image says so, be it used or not): one that ends before is
  /// damaged, not torn.
  Lsn proven = kNoLsn;
  /// The log may begin here although nothing in it says yet that what lies before is not needed: it is a copy that is
  /// not whole (docs/replication.md).
  Lsn begins = kNoLsn;
  /// Which store is to be created where there is none; nullopt: a new one, whose log begins at kFirstLsn.
  struct Birth {
    StoreId store_id{};
    Lsn base = kFirstLsn;
  };
  std::optional<Birth> birth;
};

/// Bytes of the log as they lie on the disk; see `Log::read_written`.
struct Stretch {
  Lsn from = kNoLsn;
  Lsn to = kNoLsn;
  std::uint64_t seed = 0;  ///< Of the checks of the records in it, which lie in one segment.
  bool whole = false;      ///< A batch ends where it ends.
};

/// What a batch that was taken over from another log is appended of; used again and again, so that it costs no memory.
struct TakenOver {
  std::vector<RecordSpec> records;
  std::vector<Lsn> lsns;
  Unwritten later;
  /// Writes what `append_at` left to be done. Blocks for as long as the disk takes.
  void write() noexcept {
    if (later) later.write(records, lsns);
  }
};

/// What recovery found, for the operator and for tests.
struct RecoveryReport {
  Lsn from = kFirstLsn;  ///< Where the replay began.
  std::uint64_t records = 0;
  std::uint64_t batches = 0;
  std::uint64_t bytes = 0;
  std::uint64_t torn_bytes = 0;  ///< Bytes after the last whole batch that were cut (and kept in `*.cut`).
  bool clean = false;            ///< The store had been closed in good order.
};

/// Receives every record of every whole batch, in order. An error stops recovery and is returned by open.
using ReplayFn = std::function<Result<void>(std::span<const RecordView> batch_run)>;

class Log {
 public:
  /// Opens or creates the log in `directory` (which the caller has locked) and replays it into `replay`, which gets
  /// runs of records (many batches at a time, never half of one). `options` as documented; only the log's fields are
  /// read. Errors: kCorrupt (file, offset and what to do), kUnsupported (newer format), kIo, kNoSpace, kPermission.
  static Result<std::unique_ptr<Log>> open(std::string directory, const Options& options, const ReplayFn& replay,
                                           RecoveryReport* report);
  /// The same from an image of the index on. More errors, and then nothing on the disk has been changed, so that the
  /// caller can try an older image or everything: kNotFound (the log ends before `start.from`, begins behind it, or has
  /// no batch there), kCorrupt (what `start` says to be there is not).
  static Result<std::unique_ptr<Log>> open(std::string directory, const Options& options, const StartAt& start,
                                           const ReplayFn& replay, RecoveryReport* report);
  virtual ~Log() = default;

  /// Appends the batch and gives each record its LSN (`lsns[i]` for `batch[i]`); returns the LSN where the batch ends,
  /// which is what to wait for. In memory only when this returns. At most 1M records and 4 GiB - 1 each. A record whose
  /// `prev_in_batch` names an earlier one of the batch gets the address of that one as its `prev`.
  /// A batch that only deletes, moves (`version`) or trims may use room that others may not: the reserve.
  /// Errors: kReadOnly, kNoSpace, kTooLarge, kAborted (closed): nothing was appended. kIo: the disk failed while a
  /// batch too large for the ring buffer was written; whether it is in the log is unknown, and the log is read-only.
  /// Cost: one copy of the payload and one checksum; waits for a write when the ring buffer is full, and for a sync
  /// when the disk is many segments behind or full. A batch too large for the ring (a quarter of it) is written at
  /// once, large payloads from where they lie, and so copies next to nothing; others go on appending and reading
  /// meanwhile, but what they append behind it is `written` and `durable` only when it is. Threads: any.
  virtual Result<Lsn> append(std::span<const RecordSpec> batch, std::span<Lsn> lsns) = 0;
  /// The same for who holds locks: a batch too large for the ring gets its place and its LSNs, and `later` what is left
  /// to do, which is nearly all of it. A batch that fits is appended as ever and leaves `later` empty.
  virtual Result<Lsn> append(std::span<const RecordSpec> batch, std::span<Lsn> lsns, Unwritten& later) = 0;
  /// While it follows another log, this one takes nothing but what `append_at` brings: `append` is refused with
  /// kReadOnly, and a clean close leaves no mark, for that would be a record that the other log has not.
  virtual void follow(bool on) noexcept = 0;
  /// Appends a whole batch of another log, whose records carry their LSNs, at just these: each is sealed anew, under
  /// this log's own salt. Returns the batch's end. `copy.write()` is to be called when locks were let go. Errors: as
  /// `append`; kConflict (this log ends elsewhere, or does not follow), kCorrupt (no records that could be written
  /// again as they are): nothing was appended. Threads: one.
  virtual Result<Lsn> append_at(std::span<const RecordView> batch, TakenOver& copy) = 0;
  /// Reads what is written from `from` on, which is where a batch begins or the end of an earlier stretch: as much as
  /// fits `into` and lies in one segment; nothing when no more is written. Nothing is verified: whoever gets the bytes
  /// does that, by the seed. Errors: kInvalidArgument (not written as far), kNotFound (dropped), kCorrupt (the file is
  /// shorter), kIo. Threads: any.
  virtual Result<Stretch> read_written(Lsn from, std::span<std::byte> into) = 0;
  /// Batches longer than this do not go through the ring.
  [[nodiscard]] virtual std::uint64_t ring_batch_max() const noexcept = 0;

  /// Whether `append` would be refused now, and why; cheap (one relaxed load in the good case).
  virtual Result<void> writable() const = 0;
  /// Whether the disk has room beside what is prepared. Without, what is small may still be written, for a while; what
  /// is larger than what is prepared is refused. Errors: kNoSpace. Cost: a system call.
  virtual Result<void> room() = 0;

  /// Blocks until everything before `lsn` is on disk; the caller may do the writing for everyone (leader and
  /// followers). Errors: kReadOnly/kIo: whether it is on disk is unknown.
  virtual Result<void> wait_durable(Lsn lsn) = 0;
  /// Blocks until the operating system has everything before `lsn`: it survives the death of this process.
  virtual Result<void> wait_written(Lsn lsn) = 0;
  /// Hands the operating system everything before `lsn` that is not behind a large batch which is being written. What
  /// is follows by itself when that batch is there, and listeners are told. Errors: kReadOnly, kIo.
  virtual Result<void> write_out_before(Lsn lsn) = 0;

  /// Asks the flusher thread to make everything before `lsn` durable, without waiting. Its listeners are told.
  virtual void request_sync(Lsn lsn) = 0;
  /// `listener` is called on the flusher's thread after every progress of `durable()`, when a large batch has been
  /// written and on failure; it must be quick (write an eventfd). Returns a handle for `remove_listener`, which returns
  /// only when the listener runs no more.
  virtual std::uint64_t add_listener(std::function<void()> listener) = 0;
  virtual void remove_listener(std::uint64_t handle) = 0;
  /// `listener` is called by whoever has written, after every progress of `written()`, with locks held: it must be very
  /// quick and call nothing of the log. One, or none, which is so for good when this returns.
  virtual void set_written_listener(std::function<void()> listener) = 0;

  [[nodiscard]] virtual Lsn tail() const noexcept = 0;
  [[nodiscard]] virtual Lsn written() const noexcept = 0;
  [[nodiscard]] virtual Lsn durable() const noexcept = 0;
  /// The latched failure, as a fresh copy; success while there is none.
  [[nodiscard]] virtual Result<void> health() const = 0;
  /// From now on nothing is written or acknowledged, as after a failed write: somebody else knows why it must not be.
  virtual void give_up(Error why) = 0;

  /// Housekeeping that is due at `now_ns`: interval sync, write-out of a lingering buffer, roll by age, the next
  /// segment written ahead, another try after a full disk. Returns nanoseconds until it wants to be called again.
  virtual std::uint64_t tick(std::uint64_t now_ns, UnixMs wall) = 0;

  /// Changes what `tick` syncs on its own: what was written longer than the interval ago, unless the policy is kOs.
  virtual void set_sync(Sync policy) = 0;

  /// Reads the record at `lsn` back from disk or buffer and verifies it; the view points into `buffer`.
  /// Errors: kNotFound (no such address), kCorrupt, kIo, kNoMemory.
  virtual Result<RecordView> read(Lsn lsn, std::vector<std::byte>& buffer) = 0;
  /// How long the record at `lsn` is, without reading all of it; only its header is verified. Errors: as `read`.
  virtual Result<std::uint32_t> length_at(Lsn lsn) = 0;
  /// Where `read` is to put a payload of so many bytes; nullptr: there is no memory for it.
  using PlaceFn = base::FunctionRef<std::byte*(std::size_t bytes)>;
  /// A payload from this size on gets a place of its own.
  static constexpr std::size_t kPlacedFrom = 1u << 20;
  /// The same, but a payload of kPlacedFrom or more that is not compressed is read straight to where `place`, which is
  /// asked once at most, wants it. When the record then turns out to be bad, what lies there means nothing.
  virtual Result<RecordView> read(Lsn lsn, std::vector<std::byte>& buffer, PlaceFn place) = 0;

  /// Hands out every whole batch in [from, to), in order; both are ends of batches (or kFirstLsn, or the base of a
  /// segment), `to` at most `written()`. Appends go on meanwhile; no lock is held while `visit` runs. Errors:
  /// kInvalidArgument (`to`), kNotFound (`from` has been dropped, or is while this runs), kCorrupt, kIo, kNoMemory,
  /// whatever `visit` returns.
  virtual Result<void> scan(Lsn from, Lsn to, const ReplayFn& visit) = 0;

  /// The segments that are present, oldest first, as far as they are written; never empty. The last one is being
  /// written to, and those before it are sealed once they are durable, which takes a moment after they ended.
  [[nodiscard]] virtual std::vector<SegmentInfo> segments() const = 0;
  /// Removes the sealed segments that end at or before `lsn`, oldest first and each durably before the next, so that
  /// whatever a crash leaves is one contiguous log. The active one stays. First makes everything appended so far
  /// durable: the kTrim record that must have been appended before, without which a log that lacks its first segments
  /// is not opened again. Who reads from a removed file goes on; later reads of its addresses give kNotFound. Returns
  /// the bytes freed. Errors: kReadOnly, kIo; what has been removed until then stays removed.
  virtual Result<std::uint64_t> drop_before(Lsn lsn) = 0;
  /// Seals the active segment now, if it holds anything, and waits until it is sealed; others do not. Errors:
  /// kReadOnly, kNoSpace, kAborted (closed), kIo.
  virtual Result<void> roll() = 0;

  /// Writes and syncs everything, marks the clean close and stops the flusher. Further appends are refused (kAborted).
  virtual Result<void> close(UnixMs now) = 0;

  [[nodiscard]] virtual LogStats stats() const = 0;
  /// 16 random bytes chosen when the store was created.
  [[nodiscard]] virtual std::span<const std::byte, 16> store_id() const noexcept = 0;
};

}  // namespace stave::log
