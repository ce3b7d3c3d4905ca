// Reads the log along: every change behind an LSN, in order, each once.
//
// Promises: nothing is told that the store's policy does not call done yet (`ChangeFeed::horizon`); every record is
// verified; nothing is left out silently: where the log no longer reaches back so far, that is the answer. Memory: one
// buffer, and one record where that is larger. What the cleaner writes again, what reads put off and what is the
// store's own (pages, marks) is no change of anybody's. Must not know: who reads, how it is told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "log/record.h"
#include "store/change_feed.h"
#include "store/engine.h"
#include "store/logged_change.h"

namespace stave::store {

/// Threads: one at a time.
class ChangeReader {
 public:
  struct Wish {
    bool values = false;
    const ChangeFilter* filter = nullptr;  ///< Null: everything. It outlives the reader.
  };
  /// Of what happened behind `since`, which is any LSN: the record there, or where its reader has got to, included in
  /// what is known. kNoLsn: everything since the store was born.
  ChangeReader(Engine& engine, Lsn since, Wish wish);

  struct Step {
    std::size_t shown = 0;
    bool more = false;  ///< There is more to read now.
  };
  /// Shows what comes next until `show` returns false (that one was taken), about `bytes_max` of the log were read, or
  /// there is no more. Waits for the disk. Errors: kNotFound (the log no longer reaches back so far; the sentence names
  /// `oldest_position`), kConflict (it never was that long), kCorrupt, kIo, kNoMemory: what was shown was right.
  Result<Step> read(std::size_t bytes_max, base::FunctionRef<bool(const LoggedChange&)> show);

  /// Where to go on from: everything up to here, included, was shown or is not wanted.
  [[nodiscard]] Lsn position() const noexcept;
  /// What `ChangeFeed::when` is to be asked for: more than this is to be known before there is anything to read.
  [[nodiscard]] Lsn waits_past() const noexcept { return Lsn{at_}; }

  /// The first position that `engine`'s log can be read from.
  [[nodiscard]] static Lsn oldest_position(Engine& engine);

 private:
  /// Finds out where to begin. False: there is nothing to read yet.
  Result<bool> resolve(std::uint64_t horizon);
  Result<void> find_batch(std::uint64_t start, std::uint64_t horizon);
  /// At least so many bytes of the log from `at` on.
  Result<std::span<const std::byte>> bytes_at(std::uint64_t at, std::uint64_t horizon, std::size_t needed);
  struct Head {
    std::uint32_t length = 0;
    bool commit = false;
  };
  Result<Head> head_at(std::uint64_t at, std::uint64_t horizon);
  Result<log::RecordView> record_at(std::uint64_t at, std::uint64_t horizon);
  /// Whether the record is a change that is wanted, which is `found_` then.
  Result<bool> take(const log::RecordView& record);
  Result<void> take_value(const log::RecordView& record);
  [[nodiscard]] std::unexpected<Error> gone() const;
  [[nodiscard]] std::unexpected<Error> damaged(std::uint64_t lsn) const;

  Engine& engine_;
  const Wish wish_;
  std::uint64_t at_;         ///< The next record to look at; before `resolved_`: the first address that may be one.
  std::uint64_t batch_ = 0;  ///< Where its batch begins; 0: it is the first of one.
  bool resolved_ = false;
  bool holds_ = false;  ///< There is a change that was found and not shown: it is not known yet whether others follow.
  LoggedChange held_;
  LoggedChange found_;
  std::vector<std::byte> buffer_;
  std::uint64_t buffered_ = 0;      ///< LSN of its first byte,
  std::size_t buffered_bytes_ = 0;  ///< how many are there,
  std::uint64_t seed_ = 0;          ///< and what their checks are made with.
  std::string scratch_;
};

}  // namespace stave::store
