// One reading of the whole store as it was at one LSN, while writers go on.
//
// How: the walk visits the shards a few entries at a time and shows those that have not changed since the cut. What did
// change has a record behind the cut, and the first such record of a key names the record it replaced: so when all
// shards have been visited, the log is read from the cut to the end of the walk, and for every key that had changed
// before the walk came by, the record it held at the cut is read back. No copy is made, memory is constant, and a
// writer is never kept from its shard for longer than it takes to look at a few entries.
// Flushed databases hand their contents over to the walks in progress; swapped ones are followed.
// Promises: every key that lived at the cut is shown exactly once, as it was then. Must not know: file formats.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/breaks.h"
#include "base/function_ref.h"
#include "base/mutex.h"
#include "store/cut_pages.h"
#include "store/engine.h"

namespace stave::store {

/// A key at the cut. Views end with the callback.
struct SnapshotItem {
  int database = 0;
  std::string_view key;
  ValueType type{};
  bool json = false;
  std::string_view value;
  Expiry expiry{};
  Lsn version = kNoLsn;
};

struct SnapshotReport {
  Lsn cut = kNoLsn;  ///< Everything before it is in the snapshot, and nothing behind it.
  UnixMs time{0};
  std::uint64_t keys = 0;
  std::uint64_t from_log = 0;  ///< Of these, how many were taken from the log because they changed meanwhile.
};

class SnapshotWalk {
 public:
  explicit SnapshotWalk(Engine& engine);
  ~SnapshotWalk();
  SnapshotWalk(const SnapshotWalk&) = delete;
  SnapshotWalk& operator=(const SnapshotWalk&) = delete;

  /// Where the store is cut; fixed by the constructor.
  [[nodiscard]] Lsn cut() const noexcept { return cut_; }
  [[nodiscard]] UnixMs time() const noexcept { return time_; }

  /// Shows everything, in no order, on the calling thread, with no lock held. An error of `show` ends it. Errors
  /// besides: kCorrupt, kIo (a value cannot be read), kNoMemory. Call once.
  Result<SnapshotReport> run(base::FunctionRef<Result<void>(const SnapshotItem&)> show);

  /// The contents of a shard leave the store by the record at `flush` (under its lock). For the engine.
  void inherit(keyspace::ShardId id, Lsn flush, const std::shared_ptr<keyspace::Shard>& contents)
      STAVE_EXCLUDES(mutex_);
  /// Two databases change places by the record at `swap` (under all their locks). For the engine.
  void swapped(int first, int second, Lsn swap) STAVE_EXCLUDES(mutex_);

 private:
  using Show = base::FunctionRef<Result<void>(const SnapshotItem&)>;
  /// What the walk knows of one stretch of a shard: every record before `as_of`.
  struct Stretch {
    std::uint64_t position;
    Lsn as_of;
  };
  struct Found {
    std::string key;
    std::string value;
    ValueType type{};
    Expiry expiry{};
    Lsn version = kNoLsn;
    Lsn address = kNoLsn;  ///< Where the value is to be read; kNoLsn: it is here.
  };
  /// The root of a collection, to be shown when all its pages have been met.
  struct Root {
    int database = 0;
    std::string key;
    std::string value;
    ValueType type{};
    Expiry expiry{};
    Lsn version = kNoLsn;
  };
  /// Where the contents of a shard of the cut are now.
  struct Place {
    keyspace::ShardId id = 0;
    std::shared_ptr<keyspace::Shard> inherited;
  };

  Result<void> walk_shard(keyspace::ShardId origin, Show show);
  std::uint64_t look(keyspace::ShardId origin, std::uint64_t position);
  [[nodiscard]] Place place(keyspace::ShardId origin) const STAVE_EXCLUDES(mutex_);
  std::uint64_t collect(keyspace::Shard& shard, std::uint64_t position) STAVE_REQUIRES(shard.mutex());
  Result<void> show_item(int database, const Found& found, Show show);
  Result<void> show_collections(Show show);
  Result<void> read_log(Show show);
  Result<void> look_at_record(const log::RecordView& record, std::vector<int>& origins, Show show);
  [[nodiscard]] Lsn as_of(int database, std::uint64_t hash, std::string_view key) const;
  [[nodiscard]] bool was_dead(const log::RecordView& held, const log::RecordView& next) const noexcept;

  Engine& engine_;
  Lsn cut_ = kNoLsn;
  UnixMs time_{0};
  SnapshotReport report_;
  std::vector<std::vector<Stretch>> stretches_;  ///< By shard of the cut.
  std::vector<Found> found_;                     ///< The first `found_count_` count; their strings keep their memory.
  std::size_t found_count_ = 0;
  std::vector<Root> roots_;
  CutPages pages_;
  std::string value_;
  std::vector<std::byte> buffer_;
  base::Breaks breaks_;
  bool relocations_ = false;  ///< The cleaner was at work behind the cut.

  mutable base::Mutex mutex_;
  std::vector<std::shared_ptr<keyspace::Shard>> inherited_ STAVE_GUARDED_BY(mutex_);  ///< By shard of the cut.
  std::vector<int> place_of_ STAVE_GUARDED_BY(mutex_);  ///< By database of the cut: which one it is now.
};

}  // namespace stave::store
