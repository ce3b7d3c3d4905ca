#include <zstd.h>

#include <memory>

#include "base/assert.h"
#include "base/try.h"
#include "exchange/big_endian.h"
#include "exchange/binary2.h"
#include "exchange/collection.h"

namespace stave::exchange {

namespace {

using namespace binary2;

struct Block {
  BlockKind kind{};
  Codec codec{};
  std::uint32_t entries = 0;
  std::uint32_t raw_bytes = 0;
  std::uint32_t stored_bytes = 0;
  std::uint64_t body_check = 0;
  std::uint64_t seed = 0;
  std::uint64_t offset = 0;  ///< In the file, of its header.
};

/// Takes the parts of entries off a block's raw bytes. A nullopt means that the block is shorter than it says.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}
  [[nodiscard]] bool at_end() const noexcept { return bytes_.empty(); }

  std::optional<std::string_view> take(std::uint64_t count) noexcept {
    if (count > bytes_.size()) return std::nullopt;
    const std::string_view taken = bytes_.substr(0, static_cast<std::size_t>(count));
    bytes_.remove_prefix(taken.size());
    return taken;
  }
  template <class Unsigned>
  std::optional<Unsigned> number() noexcept {
    const auto taken = take(sizeof(Unsigned));
    if (!taken) return std::nullopt;
    return load_big<Unsigned>(*taken);
  }
  std::optional<std::string_view> sized() noexcept {
    std::uint64_t length = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      const auto byte = number<std::uint8_t>();
      if (!byte) return std::nullopt;
      length |= static_cast<std::uint64_t>(*byte & 0x7f) << shift;
      if ((*byte & 0x80) == 0) return take(length);
    }
    return std::nullopt;
  }

 private:
  std::string_view bytes_;
};

struct BlockEntry {
  Item item;
  unsigned kind = 0;
};

std::optional<BlockEntry> parse_entry(Cursor& cursor) {
  BlockEntry entry;
  const auto tag = cursor.number<std::uint8_t>();
  if (!tag || (*tag & kReserved) != 0) return std::nullopt;
  entry.kind = *tag & kKindMask;
  if ((*tag & kHasDatabase) != 0) {
    const auto database = cursor.number<std::uint16_t>();
    if (!database) return std::nullopt;
    entry.item.database = *database;
  }
  constexpr auto kTimeMax = static_cast<std::uint64_t>(kUnixMsMax);
  if ((*tag & kHasExpiry) != 0) {
    const auto at = cursor.number<std::uint64_t>();
    if (!at || *at == 0 || *at > kTimeMax) return std::nullopt;
    entry.item.expiry.at = UnixMs{static_cast<std::int64_t>(*at)};
  }
  if ((*tag & kHasSliding) != 0) {
    const auto period = cursor.number<std::uint64_t>();
    if (!period || *period == 0 || *period > kTimeMax || entry.item.expiry.never()) return std::nullopt;
    entry.item.expiry.sliding_ms = static_cast<std::int64_t>(*period);
  }
  const auto key = cursor.sized();
  if (!key) return std::nullopt;
  const auto value = cursor.sized();
  if (!value) return std::nullopt;
  entry.item.key = *key;
  entry.item.value = *value;
  return entry;
}

class Binary2Reader {
 public:
  Binary2Reader(Source& source, Sink& sink, const Limits& limits) : source_(source), sink_(sink), limits_(limits) {}

  Result<Summary> run() {
    STAVE_TRY(read_header());
    for (;;) {
      STAVE_ASSIGN(const Block block, read_block_header());
      STAVE_ASSIGN(const std::string_view stored, source_.take(block.stored_bytes));
      if (check(stored, block.seed) != block.body_check)
        return source_.corrupt(block.offset, "a block's content fails its checksum");
      ++blocks_;
      if (block.kind == BlockKind::kEnd) {
        STAVE_TRY(read_end(block, stored));
        return summary_;
      }
      STAVE_ASSIGN(const std::string_view raw, unpack(block, stored));
      STAVE_ASSERT(raw.size() == block.raw_bytes);
      STAVE_TRY(read_entries(block, raw));
    }
  }

 private:
  Result<void> read_header() {
    STAVE_ASSIGN(const std::string_view rest, source_.take(kFileHeaderBytes - kBinaryMagicBytes));
    std::string header;
    append_big(header, kBinaryMagic);
    append_big(header, std::uint32_t{2});
    header.append(rest.substr(0, 24));
    STAVE_ASSERT(header.size() == kFileHeaderBytes - sizeof seed_);
    seed_ = check(header, 0);
    if (load_big<std::uint64_t>(rest.substr(24)) != seed_) return source_.corrupt(0, "the header fails its checksum");
    const auto time = load_big<std::uint64_t>(rest);
    const auto lsn = load_big<std::uint64_t>(rest.substr(8));
    const auto flags = load_big<std::uint64_t>(rest.substr(16));
    if (time > static_cast<std::uint64_t>(kUnixMsMax) || lsn > kLsnMax)
      return source_.corrupt(8, "the snapshot's time or LSN lies out of bounds");
    if (flags != 0)
      return source_.fail_at(24, ErrorCode::kUnsupported, "the snapshot uses features of a later version");
    summary_.header.time = UnixMs{static_cast<std::int64_t>(time)};
    summary_.header.lsn = Lsn{lsn};
    return {};
  }

  Result<Block> read_block_header() {
    Block block{.seed = seed_ + blocks_, .offset = source_.offset()};
    STAVE_ASSIGN(const std::string_view head, source_.take(kBlockHeaderBytes));
    if (load_big<std::uint64_t>(head.substr(24)) != check(head.substr(0, 24), block.seed))
      return source_.corrupt(block.offset, "a block's header fails its checksum");
    block.kind = static_cast<BlockKind>(head[0]);
    block.codec = static_cast<Codec>(head[1]);
    block.entries = load_big<std::uint32_t>(head.substr(4));
    block.raw_bytes = load_big<std::uint32_t>(head.substr(8));
    block.stored_bytes = load_big<std::uint32_t>(head.substr(12));
    block.body_check = load_big<std::uint64_t>(head.substr(16));
    if ((block.kind != BlockKind::kEntries && block.kind != BlockKind::kEnd) ||
        (block.codec != Codec::kNone && block.codec != Codec::kZstd) || head[2] != 0 || head[3] != 0)
      return source_.fail_at(block.offset, ErrorCode::kUnsupported, "a block of a kind that only a later Stave knows");
    const std::uint64_t most =
        std::uint64_t{kBlockBytes} + kEntryHeadBytesMax + limits_.key_bytes_max + limits_.value_bytes_max;
    if (block.raw_bytes > most)
      return source_.fail_at(
          block.offset, ErrorCode::kTooLarge,
          "a block of " + std::to_string(block.raw_bytes) + " bytes; the limits allow " + std::to_string(most));
    if (block.stored_bytes > block.raw_bytes)
      return source_.corrupt(block.offset, "a block that is larger compressed than it was");
    return block;
  }

  Result<std::string_view> unpack(const Block& block, std::string_view stored) {
    if (block.codec == Codec::kNone) {
      if (stored.size() != block.raw_bytes) return source_.corrupt(block.offset, "a block's sizes contradict");
      return stored;
    }
    // The frame says its size itself; what contradicts the header gets no memory.
    if (ZSTD_getFrameContentSize(stored.data(), stored.size()) != block.raw_bytes)
      return source_.corrupt(block.offset, "a block's sizes contradict");
    if (zstd_ == nullptr) zstd_.reset(ZSTD_createDCtx());
    if (zstd_ == nullptr) return fail(ErrorCode::kNoMemory, "no memory to decompress a snapshot");
    if (raw_.capacity() > 8 * kBlockBytes && block.raw_bytes < kBlockBytes) raw_ = std::string();
    raw_.resize(block.raw_bytes);
    const std::size_t size = ZSTD_decompressDCtx(zstd_.get(), raw_.data(), raw_.size(), stored.data(), stored.size());
    if (ZSTD_isError(size) != 0 || size != block.raw_bytes)
      return source_.corrupt(block.offset, "a block does not decompress");
    return std::string_view(raw_);
  }

  Result<void> read_entries(const Block& block, std::string_view raw) {
    Cursor cursor(raw);
    for (std::uint32_t i = 0; i < block.entries; ++i) {
      auto entry = parse_entry(cursor);
      if (!entry) return source_.corrupt(block.offset, "a block's entry " + std::to_string(i) + " is malformed");
      Item& item = entry->item;
      if (item.key.size() > limits_.key_bytes_max || item.value.size() > limits_.value_bytes_max)
        return source_.fail_at(block.offset, ErrorCode::kTooLarge, "a key or value over the limit");
      if (item.database >= limits_.databases)
        return source_.fail_at(block.offset, ErrorCode::kInvalidArgument,
                               "there is no database " + std::to_string(item.database));
      const auto kind = kind_numbered(entry->kind);
      if (!kind) {
        ++summary_.skipped;
        STAVE_TRY(sink_.skip({item.database, item.key, "type " + std::to_string(entry->kind)}));
        continue;
      }
      if (!well_formed(*kind, item.value))
        return source_.corrupt(
            block.offset, "a block's entry " + std::to_string(i) + ": a malformed " + std::string(to_string(*kind)));
      item.kind = *kind;
      ++summary_.entries;
      STAVE_TRY(sink_.take(item));
    }
    if (!cursor.at_end()) return source_.corrupt(block.offset, "a block goes on after its last entry");
    return {};
  }

  Result<void> read_end(const Block& block, std::string_view body) {
    STAVE_ASSERT(blocks_ != 0 && body.size() == block.stored_bytes);
    if (body.size() != kEndBytes || load_big<std::uint64_t>(body) != summary_.entries + summary_.skipped ||
        load_big<std::uint64_t>(body.substr(8)) != blocks_ - 1)
      return source_.corrupt(block.offset, "the snapshot's end does not fit its content");
    summary_.header.count = summary_.entries + summary_.skipped;
    return {};
  }

  struct FreeContext {
    void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
  };

  Source& source_;
  Sink& sink_;
  const Limits& limits_;
  Summary summary_{.format = Format::kBinary2};
  std::uint64_t seed_ = 0;
  std::uint64_t blocks_ = 0;
  std::string raw_;
  std::unique_ptr<ZSTD_DCtx, FreeContext> zstd_;
};

}  // namespace

// The header of every version is as long as that of 2 and has its checksum there.
Result<void> check_unknown_header(Source& source, std::string_view head) {
  STAVE_ASSERT(head.size() == kBinaryMagicBytes);
  std::string header(head);
  STAVE_ASSIGN(const std::string_view rest, source.take(kFileHeaderBytes - kBinaryMagicBytes));
  header.append(rest.substr(0, 24));
  if (load_big<std::uint64_t>(rest.substr(24)) != check(header, 0))
    return source.corrupt(4, "the header fails its checksum");
  return {};
}

Result<Summary> read_binary2(Source& source, Sink& sink, const Limits& limits) {
  return Binary2Reader(source, sink, limits).run();
}

}  // namespace stave::exchange
