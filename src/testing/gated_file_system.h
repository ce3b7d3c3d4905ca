// A file system with a gate: while it is closed, calls of one kind wait before it. With it a test shows who waits for
// the disk and who does not, without a clock.
//
// Promises: everything else is as in the file system behind it. Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "stave/file_system.h"

namespace stave::sim {

/// Open until a test closes it.
class Gate {
 public:
  /// `kSync`: of a file or of a directory.
  enum class Call : std::uint8_t { kRead, kWrite, kSync };

  /// From now on such calls on files whose path contains `path_part` wait; of writes only those of `bytes_min` and
  /// more.
  void close(Call call, std::string path_part, std::size_t bytes_min = 0) STAVE_EXCLUDES(mutex_);
  /// Returns once a call waits; false when none did for half a minute: then none will.
  bool await() STAVE_EXCLUDES(mutex_);
  /// Lets everyone through.
  void open() STAVE_EXCLUDES(mutex_);
  /// For the file system: waits where the gate is closed.
  void pass(Call call, const std::string& path, std::size_t bytes = 0) STAVE_EXCLUDES(mutex_);

 private:
  base::Mutex mutex_;
  base::ConditionVariable changed_;
  bool closed_ STAVE_GUARDED_BY(mutex_) = false;
  Call call_ STAVE_GUARDED_BY(mutex_) = Call::kRead;
  std::string path_part_ STAVE_GUARDED_BY(mutex_);
  std::size_t bytes_min_ STAVE_GUARDED_BY(mutex_) = 0;
  int waiting_ STAVE_GUARDED_BY(mutex_) = 0;
};

/// `files` and `gate` must outlive it.
std::unique_ptr<FileSystem> make_gated_file_system(FileSystem& files, Gate& gate);

}  // namespace stave::sim
