#include "replication/frame.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/try.h"

namespace stave::replication {

namespace {

//  0  u32 magic         "SRF1"
//  4  u8  kind
//  5  u8  flags         1: a batch ends where the payload ends; 2: it is to be synced
//  6  u16 zero
//  8  u32 payload bytes
// 12  u32 zero
// 16  u64 term
// 24  u64 from
// 32  u64 to
// 40  u64 seed, or time
// 48  u64 XXH3(payload, what stands at 56)
// 56  u64 XXH3(bytes 0..47, 0)
constexpr std::uint32_t kFrameMagic = 0x31465253;
constexpr std::uint8_t kWhole = 1;
constexpr std::uint8_t kSync = 2;
constexpr std::size_t kPayloadCheckAt = 48;
constexpr std::size_t kHeaderCheckAt = 56;

constexpr FrameKind kLastKind = FrameKind::kTaken;

}  // namespace

FrameHeader encode_header(const Frame& frame) noexcept {
  FrameHeader header{};
  base::store(header.data(), kFrameMagic);
  header[4] = static_cast<std::byte>(frame.kind);
  header[5] = static_cast<std::byte>((frame.whole ? kWhole : 0) | (frame.sync ? kSync : 0));
  base::store(header.data() + 8, static_cast<std::uint32_t>(frame.payload.size()));
  base::store(header.data() + 16, frame.term);
  base::store(header.data() + 24, raw(frame.from));
  base::store(header.data() + 32, raw(frame.to));
  base::store(header.data() + 40, frame.seed);
  const std::uint64_t check = base::xxh3(std::span<const std::byte>(header).first(kPayloadCheckAt), 0);
  base::store(header.data() + kPayloadCheckAt, base::xxh3(frame.payload, check));
  base::store(header.data() + kHeaderCheckAt, check);
  return header;
}

Result<void> send_frame(Link& link, const Frame& frame) {
  const FrameHeader header = encode_header(frame);
  STAVE_TRY(link.send(header));
  return frame.payload.empty() ? Result<void>{} : link.send(frame.payload);
}

// How many bytes the first frame in the buffer has, as far as that is known.
Result<std::size_t> FrameReader::wanted() const {
  if (end_ - begin_ < kFrameHeaderBytes) return kFrameHeaderBytes;
  const std::byte* const header = buffer_.data() + begin_;
  if (base::load<std::uint64_t>(header + kHeaderCheckAt) !=
      base::xxh3(std::span<const std::byte>(header, kPayloadCheckAt), 0))
    return fail(ErrorCode::kCorrupt, "what came over the connection is no frame, or was damaged on the way");
  if (base::load<std::uint32_t>(header) != kFrameMagic)
    return fail(ErrorCode::kUnsupported, "the other side speaks a later version of the protocol of replication");
  const std::size_t payload = base::load<std::uint32_t>(header + 8);
  if (payload > kPayloadBytesMax)
    return fail(ErrorCode::kCorrupt, "a frame of " + std::to_string(payload) + " bytes was announced; at most " +
                                         std::to_string(kPayloadBytesMax) + " are allowed");
  return kFrameHeaderBytes + payload;
}

bool FrameReader::ready() const noexcept {
  const auto size = wanted();
  return !size || (end_ - begin_ >= *size && end_ - begin_ >= kFrameHeaderBytes);
}

Result<std::optional<Frame>> FrameReader::next(std::int64_t wait_ms) {
  for (;;) {
    STAVE_ASSIGN(const std::size_t size, wanted());
    if (end_ - begin_ >= size && size >= kFrameHeaderBytes && end_ - begin_ >= kFrameHeaderBytes) {
      STAVE_ASSIGN(const std::size_t all, wanted());
      if (end_ - begin_ >= all) break;
      continue;
    }
    if (begin_ != 0 && buffer_.size() - begin_ < size) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (buffer_.size() - begin_ < size) buffer_.resize(begin_ + size);
    if (begin_ == end_) begin_ = end_ = 0;
    STAVE_ASSIGN(const std::size_t got, link_.receive(std::span(buffer_).subspan(end_), wait_ms));
    if (got == 0) return std::nullopt;
    end_ += got;
  }
  STAVE_ASSIGN(const std::size_t size, wanted());
  const std::byte* const header = buffer_.data() + begin_;
  Frame frame;
  frame.payload = {header + kFrameHeaderBytes, size - kFrameHeaderBytes};
  if (base::load<std::uint64_t>(header + kPayloadCheckAt) !=
      base::xxh3(frame.payload, base::load<std::uint64_t>(header + kHeaderCheckAt)))
    return fail(ErrorCode::kCorrupt, "a frame was damaged on the way");
  frame.kind = static_cast<FrameKind>(header[4]);
  if (frame.kind < FrameKind::kHello || frame.kind > kLastKind)
    return fail(ErrorCode::kUnsupported, "the other side sends frames of a kind that this version does not know");
  frame.whole = (static_cast<std::uint8_t>(header[5]) & kWhole) != 0;
  frame.sync = (static_cast<std::uint8_t>(header[5]) & kSync) != 0;
  frame.term = base::load<std::uint64_t>(header + 16);
  frame.from = Lsn{base::load<std::uint64_t>(header + 24)};
  frame.to = Lsn{base::load<std::uint64_t>(header + 32)};
  frame.seed = base::load<std::uint64_t>(header + 40);
  if (raw(frame.from) > kLsnMax || raw(frame.to) > kLsnMax)
    return fail(ErrorCode::kCorrupt, "a frame names addresses that no log has");
  begin_ += size;
  return frame;
}

}  // namespace stave::replication
