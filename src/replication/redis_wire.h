// What a Redis sends to its replicas, taken apart: lines, the snapshot's frame, and the stream of commands.
//
// Promises: memory grows with what came, never with what was announced; what makes no sense is an error that says what
// was expected. Must not know: sockets, what commands do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stave/error.h"

namespace stave::replication {

/// What was answered to PSYNC.
struct PsyncAnswer {
  bool full = false;         ///< A snapshot comes first.
  std::string replid;        ///< Empty: the one that was asked for stays.
  std::uint64_t offset = 0;  ///< Of a full one: where the snapshot ends in the stream.
};
/// Errors: kBusy (the master cannot now), kUnsupported (it does not know PSYNC), kCorrupt.
Result<PsyncAnswer> parse_psync_answer(std::string_view line);

/// How the snapshot that follows is framed.
struct SnapshotFrame {
  std::uint64_t bytes = 0;  ///< So many; with a mark: unknown.
  std::string mark;         ///< 40 bytes that end it; empty: its length is known.
};
inline constexpr std::size_t kMarkBytes = 40;
/// Of the line "$123" or "$EOF:…". Errors: kCorrupt, kBusy (the master says why it cannot).
Result<SnapshotFrame> parse_snapshot_frame(std::string_view line);

/// One command of the stream. The words lie in the buffer that it was parsed from.
struct RedisCall {
  int database = 0;
  std::vector<std::string_view> words;
};

/// What stands or falls together: one command, or all of a transaction; and where it ends.
struct RedisUnit {
  std::vector<RedisCall> calls;  ///< None: only the place has changed (PING, SELECT).
  std::uint64_t end = 0;         ///< Bytes of the stream up to its end.
  int database = 0;              ///< Selected there.
};

/// The stream, from the buffer that it is received into to units.
class RedisStream {
 public:
  /// A transaction, or a command, of more bytes is refused.
  static constexpr std::size_t kUnitBytesMax = std::size_t{1} << 30;

  RedisStream(std::uint64_t offset, int database)
      : unit_{.calls = {}, .end = offset, .database = database}, offset_(offset) {}

  void add(std::string_view bytes);
  /// The next unit; nullopt: it has not come whole. Its words are good until `drop`. `asked` is set when the master
  /// wants to know how far this side is. Errors: kCorrupt, kTooLarge.
  Result<std::optional<RedisUnit>> next(bool& asked);
  /// What was taken is not needed any more.
  void drop();
  /// Bytes of the stream that have come.
  [[nodiscard]] std::uint64_t received() const noexcept { return offset_ + buffer_.size(); }

 private:
  enum class Step : std::uint8_t { kMore, kCall };
  Result<Step> parse(std::size_t& at, std::vector<std::string_view>& words) const;
  /// Up to the line's end, which is taken; nullopt: it has not come.
  Result<std::optional<std::string_view>> line(std::size_t& at) const;
  Result<bool> take(std::vector<std::string_view> words);
  /// Changes the buffer so that what was at `shift` is at its front; words of the unit that is not whole move along.
  template <class Change>
  void change(std::size_t shift, Change&& change);

  std::string buffer_;
  std::size_t begin_ = 0;  ///< Of the unit that is not whole.
  std::size_t at_ = 0;     ///< Up to here it was parsed.
  RedisUnit unit_;
  bool open_ = false;     ///< It is a transaction.
  bool asked_ = false;    ///< In it.
  std::uint64_t offset_;  ///< Of the buffer's first byte.
};

}  // namespace stave::replication
