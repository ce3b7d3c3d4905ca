#include <zstd.h>

#include <limits>

#include "base/assert.h"
#include "base/try.h"
#include "exchange/big_endian.h"
#include "exchange/binary2.h"

namespace stave::exchange {

namespace {

using namespace binary2;

constexpr int kZstdLevel = 1;

void append_varint(std::string& to, std::size_t length) {
  for (; length >= 0x80; length >>= 7) to.push_back(static_cast<char>((length & 0x7f) | 0x80));
  to.push_back(static_cast<char>(length));
}

class Binary2Writer final : public Writer {
 public:
  Binary2Writer(ByteOutput& output, Codec codec) : output_(output), codec_(codec) {}
  ~Binary2Writer() override { ZSTD_freeCCtx(zstd_); }
  Binary2Writer(const Binary2Writer&) = delete;
  Binary2Writer& operator=(const Binary2Writer&) = delete;

  Result<void> begin(const Header& header) override {
    STAVE_ASSERT(blocks_ == 0 && entries_ == 0);
    if (codec_ == Codec::kZstd && zstd_ == nullptr && (zstd_ = ZSTD_createCCtx()) == nullptr)
      return fail(ErrorCode::kNoMemory, "no memory to compress a snapshot");
    std::string bytes;
    append_big(bytes, kBinaryMagic);
    append_big(bytes, std::uint32_t{2});
    append_big(bytes, static_cast<std::uint64_t>(raw(header.time)));
    append_big(bytes, raw(header.lsn));
    append_big(bytes, std::uint64_t{0});
    seed_ = check(bytes, 0);
    append_big(bytes, seed_);
    STAVE_ASSERT(bytes.size() == kFileHeaderBytes);
    return output_.write(base::as_bytes(bytes));
  }

  Result<void> take(const Item& item) override {
    constexpr std::size_t kEntryBytesMax = std::numeric_limits<std::uint32_t>::max() - kBlockBytes - kEntryHeadBytesMax;
    if (item.key.size() > kEntryBytesMax || item.value.size() > kEntryBytesMax - item.key.size())
      return fail(ErrorCode::kTooLarge, "a key and value of 4 GiB together do not fit into a binary snapshot");
    STAVE_ASSERT(item.database >= 0 && item.database <= std::numeric_limits<std::uint16_t>::max());
    STAVE_ASSERT((static_cast<unsigned>(item.kind) & ~kKindMask) == 0);
    const unsigned tag = static_cast<unsigned>(item.kind) | (item.expiry.never() ? 0 : kHasExpiry) |
                         (item.expiry.sliding_ms == 0 ? 0 : kHasSliding) | (item.database == 0 ? 0 : kHasDatabase);
    raw_.push_back(static_cast<char>(tag));
    if (item.database != 0) append_big(raw_, static_cast<std::uint16_t>(item.database));
    if (!item.expiry.never()) append_big(raw_, static_cast<std::uint64_t>(raw(item.expiry.at)));
    if (item.expiry.sliding_ms != 0) append_big(raw_, static_cast<std::uint64_t>(item.expiry.sliding_ms));
    append_varint(raw_, item.key.size());
    raw_.append(item.key);
    append_varint(raw_, item.value.size());
    raw_.append(item.value);
    ++entries_in_block_;
    ++entries_;
    return raw_.size() < kBlockBytes ? Result<void>{} : write_entries();
  }

  Result<void> finish() override {
    if (entries_in_block_ != 0) STAVE_TRY(write_entries());
    std::string end;
    append_big(end, entries_);
    append_big(end, blocks_);
    STAVE_ASSERT(end.size() == kEndBytes && raw_.empty());
    return write_block(BlockKind::kEnd, Codec::kNone, 0, end.size(), end);
  }

 private:
  Result<void> write_entries() {
    STAVE_ASSERT(entries_in_block_ != 0 && entries_in_block_ <= entries_ && !raw_.empty());
    std::string_view body = raw_;
    Codec codec = Codec::kNone;
    if (codec_ == Codec::kZstd) {
      packed_.resize(ZSTD_compressBound(raw_.size()));
      const std::size_t size =
          ZSTD_compressCCtx(zstd_, packed_.data(), packed_.size(), raw_.data(), raw_.size(), kZstdLevel);
      if (ZSTD_isError(size) != 0) return fail(ErrorCode::kNoMemory, ZSTD_getErrorName(size));
      if (size < raw_.size()) {
        codec = Codec::kZstd;
        body = std::string_view(packed_).substr(0, size);
      }
    }
    STAVE_TRY(write_block(BlockKind::kEntries, codec, entries_in_block_, raw_.size(), body));
    // One large value must not keep its memory for the rest of the file.
    if (raw_.capacity() > 8 * kBlockBytes) raw_ = packed_ = std::string();
    raw_.clear();
    entries_in_block_ = 0;
    return {};
  }

  Result<void> write_block(BlockKind kind, Codec codec, std::uint32_t entries, std::size_t raw_size,
                           std::string_view body) {
    STAVE_ASSERT(body.size() <= raw_size && raw_size <= std::numeric_limits<std::uint32_t>::max());
    const std::uint64_t seed = seed_ + blocks_++;
    std::string head;
    head.push_back(static_cast<char>(kind));
    head.push_back(static_cast<char>(codec));
    append_big(head, std::uint16_t{0});
    append_big(head, entries);
    append_big(head, static_cast<std::uint32_t>(raw_size));
    append_big(head, static_cast<std::uint32_t>(body.size()));
    append_big(head, check(body, seed));
    append_big(head, check(head, seed));
    STAVE_ASSERT(head.size() == kBlockHeaderBytes);
    STAVE_TRY(output_.write(base::as_bytes(head)));
    return output_.write(base::as_bytes(body));
  }

  ByteOutput& output_;
  Codec codec_;
  ZSTD_CCtx* zstd_ = nullptr;
  std::uint64_t seed_ = 0;
  std::uint64_t blocks_ = 0;
  std::uint64_t entries_ = 0;
  std::uint32_t entries_in_block_ = 0;
  std::string raw_;
  std::string packed_;
};

}  // namespace

std::unique_ptr<Writer> make_binary2_writer(ByteOutput& output, Codec codec) {
  return std::make_unique<Binary2Writer>(output, codec);
}

}  // namespace stave::exchange
