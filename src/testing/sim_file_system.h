// A file system on a simulated disk: it can lose power at any operation, fail, fill up and rot, all from a seed.
//
// Every call that changes something is an operation and has a number, from 1. A test runs its load once to learn how
// many there are, then lets the power fail at each of them, or looks at the disk before each of them (`on_operation`),
// which needs one run for all. Promises: what it does replays from the seed when one thread calls it; a copy of the
// disk shares what did not change, so that thousands of crashes of a small store take a second.
//
//   SimFileSystem disk(seed);
//   disk.on_operation([&](const Operation& next) {
//     const auto promised = acknowledged;  // first what was promised, then what the disk would keep
//     for (CrashMode mode : kCrashModes) check(disk.after_crash(mode, seed + next.number), promised);
//   });
//   run_the_load(disk);
//
// Must not know: what the bytes mean.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "stave/file_system.h"
#include "testing/sim_disk.h"

namespace stave::sim {

enum class OpKind : std::uint8_t {
  // Operations. They are numbered together.
  kCreate,
  kWrite,
  kSyncData,
  kAllocate,
  kTruncate,
  kCreateDirectories,
  kRename,
  kRemove,
  kSyncDirectory,
  // Questions. They change nothing; they are numbered together, apart from the operations.
  kOpen,
  kRead,
  kLook,  ///< list, exists, size, identity, free_bytes, drop_cache
};
constexpr bool is_question(OpKind kind) noexcept {
  return kind >= OpKind::kOpen;
}
const char* to_string(OpKind kind) noexcept;

struct Operation {
  std::uint64_t number = 0;
  OpKind kind{};
  std::string path;
};

inline constexpr std::uint64_t kForever = std::numeric_limits<std::uint64_t>::max();
inline constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

/// A failure to come.
struct Fault {
  std::uint64_t at = 1;             ///< Number of the first operation (or question) that may fail.
  std::optional<OpKind> kind = {};  ///< Only this kind; otherwise any operation, and no question.
  int system_errno = 5;             ///< EIO, ENOSPC, EMFILE, …
  std::uint64_t times = 1;          ///< How many of those that match fail; kForever: all.
  /// The operation fails after it did something: of a write a first part lands, which is what a short write looks like
  /// from above the seam; anything else happens, and only its answer is bad.
  bool partial = false;
};

/// Whether the operation that meets the power cut did something: decided from the seed, or never.
enum class CrashEffect : std::uint8_t { kMaybe, kNone };

/// Threads: any.
class SimFileSystem final : public FileSystem {
 public:
  explicit SimFileSystem(std::uint64_t seed = 1);
  SimFileSystem(SimFileSystem&&) noexcept;
  SimFileSystem& operator=(SimFileSystem&&) noexcept;
  ~SimFileSystem() override;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<void> create_directories(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<std::vector<std::string>> list_directories(const std::string& path) override;
  Result<bool> exists(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> remove_directory(const std::string& path) override;
  Result<void> sync_directory(const std::string& path) override;
  Result<std::unique_ptr<Directory>> open_directory(const std::string& path) override;
  Result<std::unique_ptr<DirectoryLock>> lock(const std::string& path) override;
  Result<std::unique_ptr<DirectoryLock>> lock_directory(const std::string& path) override;
  Result<FileIdentity> identity(const std::string& path) override;
  Result<std::uint64_t> free_bytes(const std::string& path) override;

  /// Operations so far.
  [[nodiscard]] std::uint64_t operations() const;
  /// Questions so far.
  [[nodiscard]] std::uint64_t questions() const;
  /// `watch` is called before each operation takes effect, without a lock, so it may look at the disk (`after_crash`,
  /// `dump`). Null: nobody. It is not called once the power is off.
  void on_operation(std::function<void(const Operation&)> watch);

  /// The power fails at operation `number`: it and everything after it, questions too, fails with kIo.
  void crash_at(std::uint64_t number, CrashEffect effect = CrashEffect::kMaybe);
  [[nodiscard]] bool crashed() const;
  /// The disk as it is found if the power fails now (or failed, when it did). Independent of this one; no faults, no
  /// locks, the same capacity, operations counted from 1 again.
  [[nodiscard]] SimFileSystem after_crash(CrashMode mode, std::uint64_t seed) const;
  /// The disk as it is found if only the process dies now: all is there, and what was not synced is not durable still.
  [[nodiscard]] SimFileSystem after_kill(std::uint64_t seed) const;

  void inject(const Fault& fault);
  void clear_faults();
  /// How many operations and questions failed because of injected faults.
  [[nodiscard]] std::uint64_t faults_hit() const;

  /// Room for files, in whole blocks of 4 KiB. Files that no longer fit stay; they cannot grow.
  void set_capacity(std::uint64_t bytes);
  [[nodiscard]] std::uint64_t used_bytes() const;

  /// Damage to the medium, behind the back of whoever has the file open. kNotFound, or kInvalidArgument outside of the
  /// file.
  Result<void> flip_bit(const std::string& path, std::uint64_t bit);
  Result<void> truncate_file(const std::string& path, std::uint64_t size);
  Result<void> zero_range(const std::string& path, std::uint64_t offset, std::uint64_t length);
  /// Exchanges two stretches of a file that do not overlap.
  Result<void> swap_ranges(const std::string& path, std::uint64_t a, std::uint64_t b, std::uint64_t length);
  Result<void> overwrite(const std::string& path, std::uint64_t offset, std::span<const std::byte> bytes);
  Result<void> delete_file(const std::string& path);

  /// Every file as the running system sees it, by path.
  [[nodiscard]] std::map<std::string, std::string> dump() const;

 private:
  class State;
  class SimFile;
  class SimLock;
  class SimDirectory;
  explicit SimFileSystem(std::shared_ptr<State> state);
  /// Does `work` to both images of the file, where they reach to `end`.
  Result<void> damage(const std::string& path, std::uint64_t end, const std::function<void(base::PagedBytes&)>& work);

  std::shared_ptr<State> state_;
};

}  // namespace stave::sim
