// The right of one process to a store's directory, and whether the name still leads to the directory it was given for.
//
// Two locks. The directory itself: no careless hand can remove that without the store. And the file LOCK, the only one
// that version 0.1 knows. Promises: while this claim holds, no other open of the directory succeeds, in this process or
// another, of this version or of 0.1; when the directory, or the store's identity in it, is moved away or replaced,
// `check` says so. Must not know: what lies in the directory besides, what is done about it. Threads: one at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "stave/file_system.h"

namespace stave::store {

class DirectoryClaim {
 public:
  DirectoryClaim(FileSystem& files, std::string directory) : files_(files), directory_(std::move(directory)) {}

  /// Errors: kBusy (somebody has the store open), kNotFound, kPermission, kIo.
  Result<void> take();
  /// From now on the store is the one whose identity file lies in the directory. Errors: as `FileSystem::open`.
  Result<void> settle();
  /// Errors: kConflict, with a sentence for the operator: what lies at the store's name is not, or is soon not, this
  /// process's alone. What cannot be told now is left for the next time. Cost: three questions to the file system.
  Result<void> check();
  void release();

 private:
  [[nodiscard]] bool moved(const std::string& path, const FileIdentity& known) const;
  Result<void> check_lock_file();

  FileSystem& files_;
  const std::string directory_;
  std::unique_ptr<DirectoryLock> lock_file_;
  std::unique_ptr<DirectoryLock> directory_lock_;
  std::unique_ptr<File> identity_file_;  ///< Held open, so that its number is not given away.
  std::optional<FileIdentity> lock_file_is_;
  std::optional<FileIdentity> directory_is_;
  std::optional<FileIdentity> store_is_;
};

}  // namespace stave::store
