// What two machines of a group say to each other, as bytes: frames of a header and a payload (docs/format.md).
//
// Promises: a frame is handed out only when both of its checksums hold; a peer that announces more than a frame may
// have is refused before any memory is taken for it. Must not know: what follows from a frame.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "replication/link.h"
#include "stave/error.h"
#include "stave/units.h"

namespace stave::replication {

/// The numbers are on the wire.
enum class FrameKind : std::uint8_t {
  kHello = 1,       ///< Follower: what it has (hello.h).
  kWelcome = 2,     ///< Leader: how it goes on (hello.h).
  kRefusal = 3,     ///< Leader: why it does not; a sentence.
  kLog = 4,         ///< Leader: bytes of its log, [from, to).
  kEnd = 5,         ///< Leader: how far its log is written (`to`); there is nothing more for now.
  kAck = 6,         ///< Follower: its log is written up to `from`, and durable up to `to`.
  kDictionary = 7,  ///< Leader: a file that values in the log to come are compressed with.
  kHandOver = 8,    ///< Leader: its log ends at `to` (`from` 1: wherever the follower's ends); the follower is to lead.
  kTaken = 9,       ///< Follower: it leads now, in that term.
};

struct Frame {
  FrameKind kind{};
  bool whole = false;  ///< Of kLog: a batch ends where it ends.
  bool sync =
      false;  ///< Of kLog and kEnd: somebody waits until it is on the follower's disk, whatever that one's policy.
  std::uint64_t term = 0;  ///< That the sender is in.
  Lsn from = kNoLsn;
  Lsn to = kNoLsn;
  std::uint64_t seed = 0;  ///< Of kLog: of the checks of the records. Else: the sender's time, in milliseconds.
  std::span<const std::byte> payload = {};
};

inline constexpr std::size_t kFrameHeaderBytes = 64;
inline constexpr std::size_t kPayloadBytesMax = 2u << 20;
/// Of the log, in one frame.
inline constexpr std::size_t kLogBytesMax = 256u << 10;

using FrameHeader = std::array<std::byte, kFrameHeaderBytes>;
FrameHeader encode_header(const Frame& frame) noexcept;
/// Sends it whole. Errors: those of the link.
Result<void> send_frame(Link& link, const Frame& frame);

class FrameReader {
 public:
  explicit FrameReader(Link& link) noexcept : link_(link) {}
  /// The next frame; nullopt: not all of one came within `wait_ms`. Its payload is valid until the next call. Errors:
  /// kCorrupt (no frame, or it was damaged on the way), kUnsupported (a later protocol), those of the link.
  Result<std::optional<Frame>> next(std::int64_t wait_ms);
  /// Whether a whole frame has come already.
  [[nodiscard]] bool ready() const noexcept;

 private:
  Result<std::size_t> wanted() const;

  Link& link_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(64u << 10);
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace stave::replication
