// Whole stores as files: snapshots, and stores made anew (store.h has the calls).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "stave/file_system.h"
#include "stave/history.h"
#include "stave/units.h"

namespace stave {

/// What a snapshot file is written in. Loading finds out by itself.
enum class SnapshotFormat : std::uint8_t {
  kByName = 0,   ///< What the name ends in: .json, .ndjson or .jsonl; all else is binary.
  kBinary = 1,   ///< Everything, compressed, with checksums.
  kBinary1 = 2,  ///< The simple binary form: strings of database 0 without expiries.
  kJson = 3,     ///< One JSON document.
  kNdjson = 4,   ///< One JSON object per line.
};

struct SnapshotSummary {
  std::uint64_t keys = 0;
  std::uint64_t bytes = 0;  ///< Of the file.
  Lsn lsn = kNoLsn;         ///< Everything before it is in the file, and nothing behind it.
  UnixMs time{0};
};

struct LoadSummary {
  std::uint64_t keys = 0;     ///< Put into the store.
  std::uint64_t expired = 0;  ///< Left out: their time was up.
  std::uint64_t skipped = 0;  ///< Left out: of a type that this version does not have.
};

struct RestoreOptions {
  /// With a backup: the directory of the same store, whose log goes on where the backup ends. Empty: none.
  std::string_view log{};
  /// As of when; unset: everything. By LSN everything *before* it (`get_at` and `revert` include the record at the
  /// LSN); by time, everything before the first record that is younger.
  std::optional<Point> point{};
  /// Null: the system's.
  FileSystem* file_system = nullptr;
};

struct RestoreSummary {
  Lsn first = kNoLsn;  ///< Where the log of the new store begins
  Lsn end = kNoLsn;    ///< and ends.
  UnixMs time{0};      ///< Of the last record before the end.
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
};

}  // namespace stave
