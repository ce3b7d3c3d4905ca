// What a store can be told when it is opened. The server's options table refers to these and to nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "stave/clock.h"
#include "stave/file_system.h"

namespace stave {

/// When a write counts as done.
enum class Sync : std::uint8_t {
  kDefault = 0,   ///< What the store was opened with.
  kAlways = 1,    ///< On disk before the call returns. Survives a power cut.
  kInterval = 2,  ///< Handed to the log at once; on disk within `sync_interval_ms`.
  kOs = 3,        ///< Handed to the log at once; on disk when the operating system pleases.
};

/// What gives way when `max_memory_bytes` is reached.
enum class MemoryPolicy : std::uint8_t {
  kSpill = 0,   ///< Cold values leave memory and stay in the log; nothing is lost.
  kNoEviction,  ///< Writes that need memory are refused (kNoMemory).
  kAllKeysLru,  ///< Keys are deleted, the longest unused first; likewise below. Approximate, as in Redis.
  kAllKeysLfu,
  kAllKeysRandom,
  kVolatileLru,  ///< Only keys that have an expiry; likewise below.
  kVolatileLfu,
  kVolatileRandom,
  kVolatileTtl,  ///< Those that would die first.
};

/// How values are packed in the log. Values already there stay readable whatever is chosen.
enum class Packing : std::uint8_t {
  kNone = 0,
  kLz4 = 1,   ///< Fast; values from some hundred bytes on.
  kZstd = 2,  ///< Smaller; small values too, with a dictionary trained from the store's own data.
};

/// The most that `Options::key_bytes_max` and `value_bytes_max` may be: no store holds anything longer. Bytes.
inline constexpr std::size_t kKeyBytesLimit = 8u << 20;
inline constexpr std::size_t kValueBytesLimit = std::size_t{2} << 30;

struct Options {
  Sync sync = Sync::kAlways;
  /// Longest time a write stays unsynced under `kInterval`. Milliseconds, 1 to 3,600,000.
  std::int64_t sync_interval_ms = 1000;
  /// A segment is closed when it reaches this size. Bytes, 64 KiB to 4 GiB.
  std::uint64_t segment_bytes = 64ull << 20;
  /// A segment is closed when its first record is this old. Milliseconds; 0: never by age.
  std::int64_t segment_age_ms = 0;
  /// Bytes of log held in memory on their way to the disk. A power of two, 64 KiB to 1 GiB.
  std::size_t log_buffer_bytes = 4u << 20;
  /// Number of databases, 1 to 255.
  int databases = 16;
  /// Shards per database, a power of two up to 4096; 0: chosen from the number of processors.
  std::size_t shards = 0;
  /// Longest key to write. Bytes, 1 to kKeyBytesLimit.
  std::size_t key_bytes_max = 64u << 10;
  /// Longest value to write. Bytes, 1 to kValueBytesLimit.
  std::size_t value_bytes_max = 512u << 20;
  /// Writes are refused with kNoSpace while the file system has less room than this, and than a segment more once there
  /// is something to clean: deletes and cleaning may use it. Bytes; 0: none.
  std::uint64_t disk_reserve_bytes = 16u << 20;
  /// Bytes of memory that keys, values and indexes may take; 0: no limit.
  std::uint64_t max_memory_bytes = 0;
  MemoryPolicy memory_policy = MemoryPolicy::kSpill;
  Packing packing = Packing::kLz4;
  /// zstd's, 1 to 19.
  int packing_level = 3;
  /// The log may take this many times the bytes that are alive, before the cleaner gives space back. 1.1 to 100; 0: the
  /// cleaner never runs by itself.
  double max_space_amplification = 2.0;
  /// Bytes a second that the cleaner may read; 0: as fast as it needs.
  std::uint64_t clean_bytes_per_second = 0;
  /// An image of the index is written when the log grew by this much since the last one; 0: only on a clean close.
  std::uint64_t checkpoint_bytes = 256ull << 20;
  /// And when the last one is this old and anything was written. Milliseconds; 0: never by age.
  std::int64_t checkpoint_interval_ms = 3'600'000;
  /// What was overwritten and deleted is kept at least this long, and up to this many bytes, for history and
  /// point-in-time restore. Both 0: until the cleaner needs the space.
  std::int64_t history_ms = 0;
  std::uint64_t history_bytes = 0;
  bool create_if_missing = true;
  /// Housekeeping (expiry, interval sync, roll by age) runs on a thread of the store. A test that wants one
  /// thread and a seed turns this off and calls `Store::tick()`.
  bool background = true;

  /// Seams. Null: the system's. They must outlive the store.
  FileSystem* file_system = nullptr;
  Clock* clock = nullptr;
  /// Told about things an operator should know (a torn tail that was cut). Null: nobody. Called from any thread.
  std::function<void(std::string_view)> notice;
  /// The same of what is in order, and worth a line in a log: a backup that was made. Null: nobody.
  std::function<void(std::string_view)> information;
  /// How much memory the process has for itself, for programs that hold nothing but this store: what that grows beyond
  /// keys, values and tables (connections, buffers, gaps between allocations) then counts against max_memory_bytes, and
  /// the budget holds for the process. Asked some ten times a second. Null: only what the store holds counts.
  std::function<std::uint64_t()> process_memory;
};

}  // namespace stave
