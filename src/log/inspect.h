// Looking through a store's log for everything that is wrong with it, without stopping at the first thing.
//
// Promises: nothing is written and nothing is locked; every byte of the log is either in a whole batch that is handed
// out, or in a range that is called lost, or behind the log's end; whatever recovery would refuse is found, and what it
// would accept is not called damage. Between damage, records are found again by trying every byte.
// Must not know: the index, what values mean.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "log/log.h"
#include "log/scan.h"

namespace stave::log {

enum class Severity : std::uint8_t {
  kNote,    ///< Worth knowing; the store opens with it and loses nothing.
  kDamage,  ///< Something that was there is not what it was.
};

struct Finding {
  Severity severity{};
  std::string file;
  std::int64_t offset = -1;  ///< -1: the file as a whole.
  Lsn lsn = kNoLsn;
  std::string sentence;
};

/// Addresses that nothing whole is left of: [from, to).
struct LostRange {
  Lsn from;
  Lsn to;
};

struct InspectedSegment {
  Lsn base;
  std::uint64_t salt = 0;
  UnixMs created{0};
};

struct Inspection {
  Identity identity;
  std::vector<InspectedSegment> segments;  ///< Those whose records can be checked, oldest first.
  std::vector<LostRange> lost;             ///< Ascending, apart from one another.
  Lsn end = kNoLsn;                        ///< End of the last whole batch.
  Lsn trimmed = kFirstLsn;                 ///< What lies before is not needed, says the log itself.
  std::uint64_t records = 0;
  std::uint64_t batches = 0;
  std::uint64_t torn_bytes = 0;  ///< Behind the end: never acknowledged; opening the store cuts them.
  bool clean = false;            ///< The last thing in the log is the mark of a clean close.
  std::uint64_t damages = 0;     ///< Findings that are damage.
  [[nodiscard]] bool lost_at(Lsn lsn) const noexcept;
};

class Inspector {
 public:
  struct Hooks {
    std::function<void(const Finding&)> found;
    /// Gets every record of every whole batch, in order. `uncertain`: the run is one batch behind lost bytes, which may
    /// have begun in them.
    std::function<Result<void>(std::span<const RecordView> run, bool uncertain)> visit;
  };

  /// `proven`: the log was durable up to there, as far as somebody else knows.
  Inspector(FileSystem& files, std::string directory, Lsn proven, Hooks hooks);
  ~Inspector();

  /// Errors: kNotFound (nothing of a store there), kUnsupported (a later format), kIo of the directory, whatever
  /// `visit` returns. Damage is no error.
  Result<void> run();
  /// As far as it has come, also while `visit` runs.
  [[nodiscard]] const Inspection& state() const noexcept { return state_; }

 private:
  struct Candidate;

  Result<void> look_at_names();
  Result<void> look_at_identity();
  Result<bool> only_begun();
  Result<void> look_at_headers();
  Result<void> look_at_header(Candidate& candidate);
  Result<void> choose_identity();
  Result<void> guess_salts();
  Result<void> look_at_records();
  Result<bool> walk(std::size_t index, std::uint64_t end, bool open);
  Result<ScanResult> scan(const SegmentSource& source, std::uint64_t from, bool uncertain);
  Result<bool> ends_here(std::size_t index, const SegmentSource& source, const ScanResult& scanned);
  void judge_beginning();
  void judge_end();
  void lose(std::uint64_t from, std::uint64_t to);
  void report(Severity severity, std::string file, std::int64_t offset, Lsn lsn, std::string sentence);
  Result<void> take(std::span<const RecordView> run, bool uncertain);

  FileSystem& files_;
  const std::string directory_;
  const Lsn proven_;
  const Hooks hooks_;
  Scanner scanner_;
  std::vector<Candidate> candidates_;
  Lsn marked_ = kNoLsn;  ///< The segment that the directory says was the newest.
  std::optional<Identity> identity_;
  Inspection state_;
};

}  // namespace stave::log
