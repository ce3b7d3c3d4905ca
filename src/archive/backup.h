// Backups: the sealed segments of the log, the newest image of the index and what values need to be read, in a
// directory of their own, while the store is at work.
//
// A sealed segment never changes. So a backup is made of second names of the store's own files, where the file system
// has them, or of copies; and a later backup into the same directory adds what is new and keeps what is there, even
// what the store itself has dropped since. Promises: a directory holds the backup of its manifest, whole, or none; what
// was there before stays good until the new one is complete; every record of a segment was verified when it was added.
// Must not know: commands, how a backup is turned into a store again (restore.h).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "archive/backup_manifest.h"
#include "store/engine.h"

namespace stave::archive {

struct BackupReport {
  Lsn first = kNoLsn;  ///< The log from here
  Lsn end = kNoLsn;    ///< up to here is in the backup now.
  UnixMs time{0};
  std::uint64_t files = 0;  ///< In the backup.
  std::uint64_t bytes = 0;
  std::uint64_t added_files = 0;  ///< By this run.
  std::uint64_t added_bytes = 0;
  std::uint64_t linked_files = 0;       ///< Of these, second names of the store's own files.
  std::uint64_t unreadable_images = 0;  ///< Left out: nothing needs them, they make the start of a store quick.
  bool afresh = false;  ///< What was there could not be added to, and was replaced: there is a gap between.
};

/// Asked between two files; an error, which the caller gets, gives up. Nothing is left half done by that.
using GoOn = std::function<Result<void>()>;

struct BackupOptions {
  /// Another backup of the store on the same file system as the new one: what it has of the log gets a second name
  /// there where the store's own file cannot have one. Anything else there is no error and serves nothing.
  std::string beside;
  GoOn go_on;
};

/// Backs up everything up to now into `directory`, which must be missing, empty, or hold a backup of the same store.
/// Writers go on meanwhile; nothing of the log is dropped until this is done. Errors: kConflict (something else is
/// there, or the backup of a store that went another way), kBusy (another backup into it goes on), kCorrupt (a segment
/// of the store is damaged), kIo, kNoSpace, kReadOnly, those of `go_on`.
Result<BackupReport> back_up(store::Engine& engine, const std::string& directory, const BackupOptions& options = {});

/// One thing that is wrong with a backup, as a sentence.
struct BackupCheck {
  BackupManifest manifest;
  std::vector<std::string> findings;  ///< Empty: everything is as it was made.
};
/// Reads everything. Errors: kNotFound (no complete backup there), kCorrupt (its manifest), kUnsupported, kIo, those of
/// `go_on`.
Result<BackupCheck> verify_backup(FileSystem& files, const std::string& directory, const GoOn& go_on = {});
/// Removes a backup: its manifest first, so that what is left when this is cut short is none. Of what is there, files
/// that no backup has stay, and the directory with them (kConflict). Errors: kBusy (one is being made there), kIo.
Result<void> remove_backup(FileSystem& files, const std::string& directory);

}  // namespace stave::archive
