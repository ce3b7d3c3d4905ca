// The reader's half of RESP2 and RESP3: bytes in any portions in, replies out.
//
// Promises: memory grows with what was received, never with what was announced; depth, size and number of elements have
// limits; the work is linear in the bytes, however they are cut. After an error the stream means nothing any more.
// Must not know: sockets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stave/error.h"
#include "stave/reply.h"

namespace stave::client {

struct ReplyLimits {
  std::uint64_t bytes_max = std::uint64_t{1} << 30;  ///< Of one whole reply, as it is sent.
  std::uint64_t elements_max = 64'000'000;           ///< In one whole reply, at all depths.
  int depth_max = 64;
};

class ReplyParser {
 public:
  explicit ReplyParser(const ReplyLimits& limits) : limits_(limits) {}

  /// Takes the next bytes of the stream.
  void feed(std::string_view bytes) { input_.append(bytes); }
  /// The next whole reply, or nullopt when bytes are missing. Errors: kCorrupt (not the protocol), kTooLarge (a limit).
  Result<std::optional<Reply>> next();
  /// Whether nothing is left over: neither bytes nor half a reply.
  [[nodiscard]] bool idle() const noexcept { return at_ == input_.size() && open_.empty() && !bulk_; }

 private:
  /// An aggregate that waits for elements.
  struct Open {
    Reply reply;
    std::uint64_t missing = 0;
    bool attribute = false;  ///< Said about the reply that follows; read and dropped.
  };
  /// A string whose bytes are arriving.
  struct Bulk {
    Reply reply;
    std::uint64_t missing = 0;
  };

  Result<std::optional<std::string_view>> line();
  Result<bool> bulk_arrived();
  Result<bool> read_header();
  Result<void> read_simple(char type, std::string_view text);
  Result<void> open_aggregate(char type, std::string_view text);
  Result<void> open_bulk(char type, std::string_view text);
  Result<void> spend(std::uint64_t bytes);
  /// Hands a finished value to the aggregate that waits for it, or out.
  void finish(Reply&& reply);

  ReplyLimits limits_;
  std::string input_;
  std::size_t at_ = 0;       ///< First byte of `input_` that was not read yet.
  std::size_t scanned_ = 0;  ///< No line end before this.
  std::vector<Open> open_;
  std::optional<Bulk> bulk_;
  std::optional<Reply> done_;
  std::uint64_t bytes_ = 0;  ///< Of the reply under way.
  std::uint64_t elements_ = 0;
};

}  // namespace stave::client
