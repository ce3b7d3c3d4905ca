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
  /// Number of databases, 1 to 256.
  int databases = 16;
  /// Shards per database, a power of two up to 4096; 0: chosen from the number of processors.
  std::size_t shards = 0;
  std::size_t key_bytes_max = 64u << 10;
  std::size_t value_bytes_max = 512u << 20;
  /// Writes are refused with kNoSpace while the file system has less room than this. Bytes.
  std::uint64_t disk_reserve_bytes = 16u << 20;
  bool create_if_missing = true;
  /// Housekeeping (expiry, interval sync, roll by age) runs on a thread of the store. A test that wants one
  /// thread and a seed turns this off and calls `Store::tick()`.
  bool background = true;

  /// Seams. Null: the system's. They must outlive the store.
  FileSystem* file_system = nullptr;
  Clock* clock = nullptr;
  /// Told about things an operator should know (a torn tail that was cut). Null: nobody. Called from any thread.
  std::function<void(std::string_view)> notice;
};

}  // namespace stave
