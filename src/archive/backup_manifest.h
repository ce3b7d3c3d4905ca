// The list of what belongs to a backup: lines of text, the last of which is the checksum of the others.
//
// It is written last and appears at once, so a directory holds the backup that its manifest names, whole, or none.
// Files that it does not name count for nothing. Must not know: engines, how files come to be there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "log/segment.h"
#include "stave/file_system.h"
#include "stave/units.h"

namespace stave::archive {

inline constexpr std::string_view kManifestName = "MANIFEST";
/// The identity of the store, under a name by which nobody takes the backup for a store.
inline constexpr std::string_view kBackupIdentityName = "STAVE.backup";

struct BackupFile {
  std::string name;
  std::uint64_t bytes = 0;
  std::uint64_t checksum = 0;  ///< XXH3-64 of the whole file.
  friend bool operator==(const BackupFile&, const BackupFile&) = default;
};

struct BackupManifest {
  log::StoreId store_id{};
  Lsn first = kNoLsn;  ///< The log from here
  Lsn end = kNoLsn;    ///< up to here is in the backup.
  UnixMs time{0};      ///< When it was made.
  std::vector<BackupFile> files;

  [[nodiscard]] const BackupFile* find(std::string_view name) const noexcept;
  /// A piece of the log. Its file may be longer than that, by bytes that count for nothing.
  struct Segment {
    Lsn base = kNoLsn;
    Lsn end = kNoLsn;
    const BackupFile* file = nullptr;
  };
  /// Oldest first.
  [[nodiscard]] std::vector<Segment> segments() const;
};

std::string encode_manifest(const BackupManifest& manifest);
/// Errors: kCorrupt, kUnsupported (a later format); both name `path`.
Result<BackupManifest> decode_manifest(std::string_view text, const std::string& path);
/// Errors: kNotFound (there is none in the directory), those of `decode_manifest`, kIo.
Result<BackupManifest> load_manifest(FileSystem& files, const std::string& directory);

/// Size and checksum of a file. Cost: reads all of it.
Result<BackupFile> measure_file(FileSystem& files, const std::string& directory, const std::string& name);
/// Copies a file, whose copy must not exist, syncs the copy, and measures it on the way. At most the first `bytes`.
Result<BackupFile> copy_file(FileSystem& files, const std::string& from, const std::string& to,
                             std::uint64_t bytes = ~std::uint64_t{0});

}  // namespace stave::archive
