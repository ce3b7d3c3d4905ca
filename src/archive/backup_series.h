// Backups that follow one another, each in a directory of its own below one root, the oldest of which give way.
//
// Promises: a new one counts only once all of it was read again and found as it was written; none gives way before
// that; the newest good one never does; what else lies below the root is not touched. Each is whole by itself: files
// that did not change are second names of one file where the file system has them. Must not know: when the next one is
// due, commands.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "archive/backup.h"

namespace stave::archive {

/// What stays: what is among the newest `count`, and what is younger than `age_ms`.
struct Retention {
  std::uint64_t count = 1;  ///< At least 1.
  std::int64_t age_ms = 0;  ///< 0: the age keeps nothing.
};

/// A complete backup below a root.
struct BackupPlace {
  std::string directory;
  BackupManifest manifest;
  bool of_series = false;  ///< Made by `add_to_series`: its name says so.
};

/// "auto-2026-11-21T14-05-00Z"
std::string series_name(UnixMs at);
bool is_series_name(std::string_view name) noexcept;

/// The complete backups of a store below `root`, oldest first, by when they were made; none where there is no such
/// directory. Cost: reads their manifests. Errors: kIo, kUnsupported (directories cannot be listed).
Result<std::vector<BackupPlace>> list_backups(FileSystem& files, const std::string& root, const log::StoreId& store);

struct SeriesReport {
  BackupReport backup;
  std::string directory;
  std::uint64_t removed = 0;  ///< Earlier ones that gave way.
  std::uint64_t kept = 0;     ///< Of the series, this one included.
};

/// Makes the next one below `root`, named by the wall clock, reads all of it again, then removes what `keep` does not
/// keep. Errors: those of `back_up`; kCorrupt, when what was written is not what is read: it is removed.
Result<SeriesReport> add_to_series(store::Engine& engine, const std::string& root, const Retention& keep,
                                   const GoOn& go_on = {});

}  // namespace stave::archive
