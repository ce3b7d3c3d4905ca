// Pieces of a leader's log, as they come, put together into whole batches that were verified.
//
// Promises: a batch is handed out only when all of it is there and every record of it passes the checks that its leader
// wrote it with; memory grows with what has come, never with what was announced. Must not know: frames, what is done
// with a batch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "log/record.h"
#include "stave/error.h"

namespace stave::replication {

class Assembler {
 public:
  /// `from`: where the log goes on.
  explicit Assembler(Lsn from) noexcept : front_(raw(from)) {}

  /// Errors: kConflict (it does not go on where the last piece ended), kCorrupt (another seed within a batch).
  Result<void> add(Lsn from, std::uint64_t seed, std::span<const std::byte> bytes);
  /// The next whole batch; empty: there is none yet. Valid until the next call of either. Errors: kCorrupt,
  /// kUnsupported (a flag of the future).
  Result<std::span<const log::RecordView>> next();

 private:
  void let_go() noexcept;

  std::vector<std::byte> bytes_;
  std::uint64_t front_;  ///< LSN of the first of them.
  std::uint64_t seed_ = 0;
  std::size_t stepped_ = 0;  ///< Bytes of records of the batch at the front whose headers were looked at.
  std::size_t taken_ = 0;    ///< Bytes that were handed out, and go.
  std::vector<log::RecordView> views_;
};

}  // namespace stave::replication
