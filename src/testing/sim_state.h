// The inside of a SimFileSystem: one lock around the disk, the numbering of operations, and what is to go wrong when.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/random.h"
#include "stave/error.h"
#include "testing/sim_disk.h"
#include "testing/sim_file_system.h"

namespace stave::sim {

/// What becomes of an operation that was announced.
struct Verdict {
  int system_errno = 0;       ///< Not 0: it fails with this.
  bool takes_effect = true;   ///< Whether it does its work all the same (of a write, `part`).
  std::uint64_t part = 1024;  ///< How much of a write lands, in 1024ths.
};

class SimFileSystem::State {
 public:
  explicit State(std::uint64_t seed) : random_(seed) {}

  /// Numbers the call and tells who watches. Before the lock is taken: a watcher may look at the disk.
  std::uint64_t announce(OpKind kind, const std::string& path) STAVE_EXCLUDES(mutex);
  Verdict judge(std::uint64_t number, OpKind kind) STAVE_REQUIRES(mutex);
  /// The error of a verdict.
  [[nodiscard]] static Error error_of(const Verdict& verdict, std::string_view doing, const std::string& path);

  [[nodiscard]] std::uint64_t blocks_free() const STAVE_REQUIRES(mutex);
  /// Runs a change of `inode` and keeps count of the room it takes.
  void change(Inode& inode, const std::function<void()>& work) STAVE_REQUIRES(mutex);
  /// A name or a handle of `inode` came or went.
  void hold(const std::shared_ptr<Inode>& inode) STAVE_REQUIRES(mutex);
  void release(const std::shared_ptr<Inode>& inode) STAVE_REQUIRES(mutex);
  /// Takes over a disk whose names are the only holders.
  void adopt(SimDisk found) STAVE_REQUIRES(mutex);

  mutable base::Mutex mutex;
  SimDisk disk STAVE_GUARDED_BY(mutex);
  std::set<const Inode*> locked_files STAVE_GUARDED_BY(mutex);
  std::set<std::string> locked_directories STAVE_GUARDED_BY(mutex);
  std::vector<Fault> faults STAVE_GUARDED_BY(mutex);
  std::uint64_t faults_hit STAVE_GUARDED_BY(mutex) = 0;
  std::uint64_t operations STAVE_GUARDED_BY(mutex) = 0;
  std::uint64_t questions STAVE_GUARDED_BY(mutex) = 0;
  std::uint64_t crash_at STAVE_GUARDED_BY(mutex) = kForever;
  CrashEffect crash_effect STAVE_GUARDED_BY(mutex) = CrashEffect::kMaybe;
  bool crashed STAVE_GUARDED_BY(mutex) = false;
  std::uint64_t capacity STAVE_GUARDED_BY(mutex) = kNoLimit;
  std::uint64_t blocks_used STAVE_GUARDED_BY(mutex) = 0;
  std::shared_ptr<const std::function<void(const Operation&)>> watch STAVE_GUARDED_BY(mutex);
  base::Random& random() STAVE_REQUIRES(mutex) { return random_; }

 private:
  base::Random random_ STAVE_GUARDED_BY(mutex);
  std::map<const Inode*, std::uint64_t> holders_ STAVE_GUARDED_BY(mutex);
};

}  // namespace stave::sim
