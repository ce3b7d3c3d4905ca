// What lies on a simulated disk, twice: as the running system sees it, and as a power cut would leave it.
//
// Promises: a file's change is durable after `sync` of that file, a name's after `sync_directory` of its directory, and
// nothing is durable otherwise; `after_crash` may then keep, lose, tear or reorder each unsynced change on its own. A
// rename is one change: the old name, the new name and what it replaced move together or not at all.
// Must not know: operations' numbers, faults, handles, threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/paged_bytes.h"
#include "base/random.h"

namespace stave::sim {

/// What the power cut does to everything that was not synced. Each file and each name decides for itself.
enum class CrashMode : std::uint8_t {
  kDropUnsynced,  ///< Nothing unsynced survives.
  kKeepAll,       ///< Everything survives, as after the death of the process alone.
  kSubset,        ///< Each change survives or not.
  kReordered,     ///< Later changes survive, earlier ones are lost.
  kTornByte,      ///< As kSubset, and a write may survive from any byte or up to any byte.
  kTorn512,       ///< As kSubset, and each 512-byte sector of a write survives or not.
  kTorn4096,      ///< As kSubset, and each 4-KiB page of a write survives or not.
};
inline constexpr CrashMode kCrashModes[] = {CrashMode::kDropUnsynced, CrashMode::kKeepAll,  CrashMode::kSubset,
                                            CrashMode::kReordered,    CrashMode::kTornByte, CrashMode::kTorn512,
                                            CrashMode::kTorn4096};
const char* to_string(CrashMode mode) noexcept;

/// A file apart from its name: it lives while a name or a handle leads to it.
class Inode {
 public:
  static constexpr std::uint64_t kBlockBytes = base::PagedBytes::kPageBytes;

  /// The file as the running system sees it.
  [[nodiscard]] const base::PagedBytes& live() const noexcept { return live_; }
  /// Blocks that take room: written or reserved.
  [[nodiscard]] std::uint64_t blocks() const noexcept { return block_count_; }
  /// How many blocks more a write there would take.
  [[nodiscard]] std::uint64_t blocks_missing(std::uint64_t offset, std::uint64_t length) const noexcept;

  void write(std::uint64_t offset, std::span<const std::byte> bytes);
  void truncate(std::uint64_t size);
  void allocate(std::uint64_t size);
  /// Everything written so far is durable.
  void sync();
  /// What Linux does when writing back fails: some of it is lost, the cache goes on showing all of it, and it counts
  /// as clean, so that no later sync writes it again.
  void sync_fails(base::Random& random);
  /// The cache forgets what counts as clean; what shows then is the disk.
  void drop_cache();

  /// The file as a power cut leaves it.
  [[nodiscard]] std::shared_ptr<Inode> after_crash(CrashMode mode, base::Random& random) const;
  [[nodiscard]] std::shared_ptr<Inode> clone() const { return std::make_shared<Inode>(*this); }
  /// Changes the medium itself, behind everybody's back: both images.
  void corrupt(const std::function<void(base::PagedBytes&)>& damage);

 private:
  /// One unsynced change: bytes at an offset, or a new size.
  struct Change {
    std::uint64_t offset = 0;  ///< Of the bytes; the new size when there are none.
    std::shared_ptr<const std::vector<std::byte>> bytes;
  };
  static void apply(const Change& change, base::PagedBytes& image);
  static void tear(const Change& change, std::size_t unit, base::Random& random, base::PagedBytes& image);
  static void lose(const Change& change, base::Random& random, base::PagedBytes& image);
  void survive(CrashMode mode, base::Random& random, base::PagedBytes& image) const;
  void take_blocks(std::uint64_t offset, std::uint64_t length);

  base::PagedBytes live_;
  base::PagedBytes durable_;
  std::vector<Change> unsynced_;
  std::vector<bool> blocks_;
  std::uint64_t block_count_ = 0;
};

/// Names and the files they lead to. Paths are normal (base/path.h); the caller has checked them.
class SimDisk {
 public:
  using Names = std::map<std::string, std::shared_ptr<Inode>>;

  [[nodiscard]] const Names& names() const noexcept { return live_; }
  [[nodiscard]] bool is_directory(const std::string& path) const { return directories_.contains(path); }
  [[nodiscard]] std::shared_ptr<Inode> find(const std::string& path) const;
  /// The errno of a call that wants a file at `path` and finds none: EISDIR, ENOTDIR or ENOENT.
  [[nodiscard]] int why_no_file(const std::string& path) const;
  /// The same of a call that wants a directory.
  [[nodiscard]] int why_no_directory(const std::string& path) const;

  /// Directories are durable at once: `FileSystem::create_directories` promises to sync their parents.
  void create_directory(const std::string& path) { directories_.insert(path); }
  /// Directly below it.
  [[nodiscard]] std::vector<std::string> directories_in(const std::string& path) const;
  [[nodiscard]] bool is_empty(const std::string& path) const;
  void remove_directory(const std::string& path) { directories_.erase(path); }
  std::shared_ptr<Inode> create(const std::string& path);
  void rename(const std::string& from, const std::string& to);
  void remove(const std::string& path);
  void sync_directory(const std::string& path);
  /// As `Inode::sync_fails`, for names.
  void sync_directory_fails(const std::string& path, base::Random& random);
  /// Takes a name away from both images, as a careless hand would.
  void lose_name(const std::string& path);

  /// The disk as a power cut leaves it.
  [[nodiscard]] SimDisk after_crash(CrashMode mode, base::Random& random) const;
  /// The disk as the death of the process leaves it: nothing is lost yet, and nothing more is durable.
  [[nodiscard]] SimDisk after_kill() const;

 private:
  struct NameChange {
    enum class Kind : std::uint8_t { kLink, kUnlink, kRename };
    Kind kind{};
    std::string directory;  ///< Its sync makes the change durable. For a rename: the new name's.
    std::string from;       ///< kRename: the old name.
    std::string name;
    std::shared_ptr<Inode> inode;
  };
  static void apply(const NameChange& change, Names& names);

  Names live_;
  Names durable_;
  std::vector<NameChange> unsynced_;
  std::set<std::string> directories_{"/", "."};
};

}  // namespace stave::sim
