// The RESP request parser: bytes from a client in, commands out, without copying.
//
// Promises: arguments are views, into the caller's buffer but for inline commands; any way of cutting the same bytes
// into pieces yields the same commands and the same error; memory grows with the bytes received, never with a length
// that was announced; the work is linear in the bytes, however small the pieces. Its error texts are those of Redis,
// because clients match on them. Must not know: sockets, sessions, what a command means.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace stave::resp {

/// What a client may announce. Before it has authenticated only what AUTH and HELLO need.
struct ParserLimits {
  std::int64_t arguments_max = 1024 * 1024;
  std::int64_t bulk_bytes_max = 512ll << 20;
  bool authenticated = true;
};

enum class ParseStatus : std::uint8_t {
  kCommand,     ///< One command was appended.
  kIncomplete,  ///< The bytes end within a command; come again with more.
  kError,       ///< The stream cannot be understood from here on; see `error()`.
};

class Parser {
 public:
  static constexpr std::size_t kLineBytesMax = 64 * 1024;
  static constexpr std::int64_t kUnauthenticatedArgumentsMax = 10;
  static constexpr std::int64_t kUnauthenticatedBulkBytesMax = 16 * 1024;

  /// Parses one command of `bytes[position, size)` and appends its arguments, which point into `bytes`.
  /// kCommand: `position` stands behind it. kIncomplete: `position` stands at its beginning; the next call must present
  /// the same bytes from there (they may have moved) and some more. Empty lines and empty arrays are skipped. Arguments
  /// of an inline command, which may need decoding, point into the parser and end with the next call.
  ParseStatus next(const char* bytes, std::size_t size, std::size_t& position, const ParserLimits& limits,
                   std::vector<std::string_view>& arguments);

  /// The sentence for the client, with "ERR ".
  [[nodiscard]] const std::string& error() const noexcept { return error_; }
  /// Forgets an incomplete command, so that it can be presented from its beginning again.
  void reset() noexcept;

  /// Whether an argument is being received, and then: how many bytes of the command come before it, and where it ends.
  [[nodiscard]] bool in_bulk() const noexcept { return bulk_ >= 0; }
  [[nodiscard]] std::size_t bulk_begin() const noexcept { return offset_; }
  [[nodiscard]] std::size_t bulk_end() const noexcept { return offset_ + static_cast<std::size_t>(bulk_) + 2; }
  /// How long it is, and whether it is the command's last.
  [[nodiscard]] std::size_t bulk_size() const noexcept { return static_cast<std::size_t>(bulk_); }
  [[nodiscard]] bool in_last_argument() const noexcept { return remaining_ == 1; }
  /// The argument that is being received is `bytes`, of its size, and lies apart: in what is presented its end follows
  /// its header at once. That holds for the command at the beginning of what is presented (`position` zero), also when
  /// it is presented again, until `forget_apart`.
  void set_apart(std::string_view bytes);
  void forget_apart() noexcept { apart_.clear(); }
  /// Whether the argument that is being received was set apart already: only its end is to come.
  [[nodiscard]] bool is_apart() const noexcept { return in_bulk() && apart_at(offset_) != nullptr; }

 private:
  struct Piece {
    std::uint64_t offset;
    std::uint64_t length;
    const char* apart;  ///< Where it lies when that is not in the caller's buffer.
  };
  /// An argument that lies apart, and where it would begin.
  struct Apart {
    std::size_t offset;
    std::string_view bytes;
  };
  /// A command of bulks that is there whole and well formed, as nearly every one is: its arguments, and where it ends.
  /// nullptr, and nothing was done: it takes a closer look.
  static const char* whole_command(const char* start, const char* end, const ParserLimits& limits,
                                   std::vector<std::string_view>& arguments);
  ParseStatus inline_command(const char* bytes, std::size_t size, std::size_t& position,
                             std::vector<std::string_view>& arguments);
  ParseStatus array_header(const char* start, const char* end, const ParserLimits& limits);
  ParseStatus elements(const char* start, const char* end, const ParserLimits& limits,
                       std::vector<std::string_view>& arguments);
  ParseStatus bulk_header(const char*& at, const char* end, const ParserLimits& limits);
  [[nodiscard]] const Apart* apart_at(std::size_t offset) const noexcept;
  ParseStatus suspend(const char* start, const char* at, std::vector<std::string_view>& arguments, std::size_t first);
  ParseStatus fail(std::string_view what);

  // Of the command that is being parsed; offsets count from its beginning.
  std::size_t offset_ = 0;       ///< Next byte not yet understood.
  std::int64_t remaining_ = -1;  ///< Arguments still to come; -1: the header has not been seen.
  std::int64_t bulk_ = -1;       ///< Length of the argument that begins at `offset_`; -1: its header comes first.
  std::vector<Piece> pieces_;    ///< Arguments found by earlier calls. Only an interrupted command has any.
  std::vector<Apart> apart_;     ///< Of the command at the beginning of what is presented.
  bool first_ = false;           ///< That is the one being parsed.
  std::string line_;             ///< The inline command that was decoded last.
  std::string error_;
};

}  // namespace stave::resp
