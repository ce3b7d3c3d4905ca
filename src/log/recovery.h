// What a directory holds when it is opened: the store's identity, the segments, the whole batches in them, and where to
// go on.
//
// Promises: what was acknowledged is replayed; damage that is not a torn tail is refused, with file, offset and LSN;
// a torn tail is kept in `.cut` files before it leaves the log; a crash in the middle of it changes nothing.
// Must not know: appending, threads.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "log/log.h"
#include "log/segment.h"

namespace stave::log {

struct RecoveredSegment {
  std::uint64_t base = 0;
  std::uint64_t salt = 0;
  std::string path;
  bool begun = false;  ///< Found without a name of its own; it has one by the time that recovery returns.
};

struct Recovered {
  bool fresh = false;                   ///< No store yet: create the first segment, then the identity.
  std::optional<StartAt::Birth> birth;  ///< Of a fresh one: which, if it is not to be a new one.
  Identity identity;
  std::vector<RecoveredSegment> segments;
  std::uint64_t end = raw(kFirstLsn);
  /// The newest segment's file, when the log goes on in it; otherwise a new segment begins at `end`, with a new salt.
  std::shared_ptr<File> active;
  std::optional<UnixMs> active_since;  ///< Time of its first record.
  std::uint64_t marked = 0;            ///< The segment that the directory says was the newest; 0: it does not say.
};

/// Replays the directory from `start` on and, after an unclean stop, cuts what is torn. Errors: as `Log::open`; nothing
/// on the disk is changed before everything has been found to be in order.
Result<Recovered> recover(FileSystem& files, const std::string& directory, const Options& options, const StartAt& start,
                          const ReplayFn& replay, RecoveryReport& report);

}  // namespace stave::log
