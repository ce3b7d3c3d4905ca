// Reading a segment from front to back, record by record, and judging what lies after its last whole batch.
//
// Promises: only whole batches are handed out, in order, every record verified where it lies in the read buffer.
// Must not know: directories, other segments, what to do about damage.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "log/log.h"

namespace stave::log {

/// A segment's contents as a file and the numbers to check it by.
struct SegmentSource {
  File* file = nullptr;
  std::string path;
  std::uint64_t base = 0;
  std::uint64_t seed = 0;
  std::uint64_t end = 0;  ///< Where its bytes end at the latest: the file's end or the next segment's base.
};

struct ScanResult {
  std::uint64_t batch_end = 0;  ///< End of the last whole batch.
  std::uint64_t stop = 0;       ///< Where the first bytes begin that are no whole valid record.
  std::uint64_t records = 0;    ///< In whole batches.
  std::uint64_t batches = 0;
  std::optional<UnixMs> first_time;
  bool closed = false;  ///< The last whole batch marks a clean close.
};

/// What follows the last whole batch of a log.
struct RestResult {
  std::optional<std::uint64_t> proof;  ///< A valid record which says that everything before it was durable once.
  std::uint64_t nonzero_end = 0;       ///< End of the last byte that is not zero.
};

class Scanner {
 public:
  Scanner();
  /// Replays the segment from `from` on, which is where a batch begins. Errors: kIo, kUnsupported (a flag of the
  /// future), and whatever `replay` returns.
  Result<ScanResult> scan(const SegmentSource& source, std::uint64_t from, const ReplayFn& replay);
  /// Examines [batch_end, source.end): proofs are looked for behind `stop`, at every byte. Errors: kIo.
  Result<RestResult> examine(const SegmentSource& source, std::uint64_t batch_end, std::uint64_t stop);
  /// The first position behind `after` where a valid record begins, whatever lies between. Errors: kIo.
  Result<std::optional<std::uint64_t>> next_valid(const SegmentSource& source, std::uint64_t after);

 private:
  void size_buffer(const SegmentSource& source);
  Result<std::size_t> read(const SegmentSource& source, std::uint64_t lsn, std::span<std::byte> into);
  Result<void> deliver(std::size_t count, const ReplayFn& replay, ScanResult& result);
  /// A valid record that begins in `bytes` (which lie at `front`), at `at` or later and before `last`. With
  /// `speaking`: only one which says that what lies before it was durable.
  Result<std::optional<std::uint64_t>> search(const SegmentSource& source, std::uint64_t front,
                                              std::span<const std::byte> bytes, std::size_t at, std::size_t last,
                                              bool speaking);
  Result<bool> is_valid(const SegmentSource& source, std::uint64_t lsn, std::uint32_t length);

  std::vector<std::byte> buffer_;
  std::vector<RecordView> views_;
};

}  // namespace stave::log
