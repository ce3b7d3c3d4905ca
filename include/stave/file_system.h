// The file system as a seam: every byte that Stave stores goes through these calls and no others.
//
// Promises of an implementation: what `sync_data` returned for survives a power cut, provided that the
// directory entry was made durable by `sync_directory`; anything else may be lost, torn or reordered.
// Errors, of every call: kNotFound, kPermission, kNoSpace, kNoMemory, kTooLarge (past the largest file), kBusy (too
// many open files), kInvalidArgument (a directory where a file should be, or the reverse; a write to a file opened to
// read), kIo for everything else, after which it is unknown what happened. The error names the file. Must not know:
// what the bytes mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stave/error.h"

namespace stave {

/// One open file. Threads: any, as far as calls touch different bytes; `close` last and alone.
class File {
 public:
  virtual ~File() = default;
  /// Reads up to `into.size()` bytes at `offset`; fewer only at the end of the file. Returns the count.
  virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) = 0;
  /// Writes all bytes at `offset`, growing the file when needed. EINTR and short writes are continued inside. After a
  /// failure a first part may have been written; the error's offset says how far it came, as far as that is known.
  virtual Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) = 0;
  /// Makes what was written durable (data and size). Never call it again after a failure.
  virtual Result<void> sync_data() = 0;
  /// Reserves real blocks for the first `size` bytes, so that writing there cannot run out of space. New bytes read as
  /// zero. Never shrinks. After a failure the file may have grown. Where the file system cannot reserve, zeros are
  /// written after the present end, and holes before it stay holes.
  virtual Result<void> allocate(std::uint64_t size) = 0;
  virtual Result<void> truncate(std::uint64_t size) = 0;
  virtual Result<std::uint64_t> size() = 0;
  /// Forgets cached pages of this file where the system allows it, so that the next read asks the disk.
  virtual Result<void> drop_cache() = 0;
};

/// Holds a directory for one process; released by the destructor.
class DirectoryLock {
 public:
  virtual ~DirectoryLock() = default;
};

/// Which file or directory a name leads to: equal for all names of one, and another once something else has its name.
/// That holds while somebody has the first one open; the numbers of what is gone are given away again.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t number = 0;
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

/// A directory held open, so that making its names durable needs no descriptor that may be lacking by then.
class Directory {
 public:
  virtual ~Directory() = default;
  /// As `FileSystem::sync_directory`. Never call it again after a failure.
  virtual Result<void> sync() = 0;
};

enum class OpenMode : std::uint8_t {
  kRead,       ///< Must exist.
  kReadWrite,  ///< Must exist.
  kCreate,     ///< Must not exist (kConflict); read and write. New files are 0600.
};

/// A tree of files. Paths are plain strings, absolute or relative to the process. Threads: any.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  /// Creates the directory and its missing parents (0700) and makes their names durable. Existing is fine.
  virtual Result<void> create_directories(const std::string& path) = 0;
  /// Plain names of the files in a directory, sorted. Directories, links and the like are left out.
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
  /// The same of the directories in it. The default knows no way (kUnsupported).
  virtual Result<std::vector<std::string>> list_directories(const std::string& path);
  /// Whether there is a file or a directory (or anything else) of that name.
  virtual Result<bool> exists(const std::string& path) = 0;
  /// Renames a file and replaces `to` atomically. Durable after `sync_directory` of the directory `to` is in.
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  /// Gives a file another name, which must not exist (kConflict): one file under two names, until one is removed.
  /// Durable after `sync_directory` of the directory `to` is in. kUnsupported where that cannot be: on another file
  /// system, or on one whose files have one name only.
  virtual Result<void> link(const std::string& from, const std::string& to);
  /// Removes the name of a file; who has it open keeps it.
  virtual Result<void> remove(const std::string& path) = 0;
  /// Removes an empty directory; kConflict when it is not. Durable after `sync_directory` of the directory it was in.
  /// The default knows no way (kUnsupported).
  virtual Result<void> remove_directory(const std::string& path);
  /// Makes every name in the directory durable. kUnsupported when the file system cannot.
  virtual Result<void> sync_directory(const std::string& path) = 0;
  /// Holds the directory open, under whatever name it has later. The default holds nothing and goes by the path.
  virtual Result<std::unique_ptr<Directory>> open_directory(const std::string& path);
  /// Takes the exclusive lock file `path`, creating it when missing; kBusy when another process, or this one, holds it.
  /// It ends with the process, however that ends; the file stays. Whoever removes the file makes room for another lock.
  virtual Result<std::unique_ptr<DirectoryLock>> lock(const std::string& path) = 0;
  /// The same for a directory itself, which must exist: nothing in it can be removed to get round the lock, and the
  /// lock goes along when the directory is renamed. kUnsupported where the file system cannot.
  virtual Result<std::unique_ptr<DirectoryLock>> lock_directory(const std::string& path) = 0;
  /// What the name leads to, links followed. No descriptor is needed for it.
  virtual Result<FileIdentity> identity(const std::string& path) = 0;
  /// Bytes a writer may still use on the file system that holds `path`.
  virtual Result<std::uint64_t> free_bytes(const std::string& path) = 0;

  /// The operating system's files. Static storage; never destroyed.
  static FileSystem& system();
};

/// A file system in memory, for tests, for the shell's `--file` mode and for caches that need no disk.
std::unique_ptr<FileSystem> make_memory_file_system();

}  // namespace stave
