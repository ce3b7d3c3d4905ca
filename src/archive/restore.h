// A store made anew as it was at an earlier point, out of a backup, the log of a store's directory, or both.
//
// Promises: what it read is only read, also when a store is at work there; the new directory becomes a store when
// everything in it is complete and was verified, record by record; the point is the end of a batch, so a transaction is
// restored whole or not at all. Must not know: commands.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "stave/file_system.h"
#include "stave/history.h"

namespace stave::archive {

struct RestoreRequest {
  std::string source;  ///< A backup, or the directory of a store.
  std::string log;  ///< With a backup: the directory of the same store, whose log goes on where it ends; empty: none.
  std::string target;  ///< Must be missing or empty.
  /// By LSN: everything before it. By time: everything before the first record that is younger. Unset: everything.
  std::variant<std::monostate, Lsn, UnixMs> point;
};

struct RestoreReport {
  Lsn first = kNoLsn;  ///< Where the log of the new store begins
  Lsn end = kNoLsn;    ///< and ends.
  UnixMs time{0};      ///< Of the last record before the end.
  std::uint64_t records = 0;
  std::uint64_t segments = 0;
  std::uint64_t bytes = 0;
  bool with_image = false;  ///< It starts from an image of the index; else it reads its log once.
};

/// Errors: kNotFound (no store or backup there), kConflict (the target is not empty; backup and log are of different
/// stores or went different ways; there is a gap between them), kInvalidArgument (nothing reaches to the point, or so
/// far back: the sentence names what can be reached; a log for what is no backup), kCorrupt (file and offset),
/// kUnsupported, kIo, kNoSpace.
Result<RestoreReport> restore(FileSystem& files, const RestoreRequest& request);

}  // namespace stave::archive
