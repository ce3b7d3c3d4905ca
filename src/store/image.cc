#include "store/image.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/bytes.h"
#include "base/try.h"

namespace stave::store {

namespace {

constexpr std::string_view kMagic = "STAVEIMG";
constexpr std::string_view kTrailerMagic = "STAVEEND";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 128;
constexpr std::size_t kBlockHeaderBytes = 16;  // checksum, entries, bytes of the body
constexpr std::size_t kIndexEntryBytes = 32;
constexpr std::size_t kTrailerBytes = 64;
constexpr std::size_t kWriteBytes = 256u << 10;
constexpr std::uint64_t kIndexSalt = 0x9ddf'ea08'eb38'2d69;

// Bits of an entry's first byte; the type is in the second, beside the heat.
constexpr std::uint8_t kHasExpiry = 1;
constexpr std::uint8_t kSliding = 2;
constexpr std::uint8_t kHasVersion = 4;
constexpr std::uint8_t kDelta = 8;

template <class T>
void put(std::vector<std::byte>& out, T value) {
  const std::size_t at = out.size();
  out.resize(at + sizeof value);
  base::store(out.data() + at, value);
}
void put48(std::vector<std::byte>& out, std::uint64_t value) {
  const std::size_t at = out.size();
  out.resize(at + 8);
  base::store(out.data() + at, value);
  out.resize(at + 6);
}
void put_varint(std::vector<std::byte>& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::byte>(value | 0x80));
  out.push_back(static_cast<std::byte>(value));
}

/// Takes values off the front; `good` turns false, and stays so, when there is not enough.
struct Taker {
  std::span<const std::byte> rest;
  bool good = true;

  template <class T>
  T take() {
    if (rest.size() < sizeof(T)) return good = false, T{};
    const T value = base::load<T>(rest.data());
    rest = rest.subspan(sizeof(T));
    return value;
  }
  std::uint64_t take48() {
    const std::uint64_t low = take<std::uint32_t>();
    return low | static_cast<std::uint64_t>(take<std::uint16_t>()) << 32;
  }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = take<std::uint8_t>();
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return good = false, 0;
  }
  std::string_view text(std::uint64_t size) {
    if (rest.size() < size) return good = false, std::string_view{};
    const std::string_view view(reinterpret_cast<const char*>(rest.data()), size);
    rest = rest.subspan(size);
    return view;
  }
};

bool take_entry(Taker& taker, ImageEntry& entry) {
  const auto flags = taker.take<std::uint8_t>();
  const auto type_and_heat = taker.take<std::uint8_t>();
  entry.type = static_cast<keyspace::ValueType>(type_and_heat & 0xf);
  entry.heat = type_and_heat >> 4;
  entry.delta = (flags & kDelta) != 0;
  entry.address = Lsn{taker.take48()};
  entry.version = (flags & kHasVersion) != 0 ? Lsn{taker.take48()} : entry.address;
  entry.expiry = {};
  if ((flags & kHasExpiry) != 0) entry.expiry.at = UnixMs{static_cast<std::int64_t>(taker.take48())};
  if ((flags & kSliding) != 0) entry.expiry.sliding_ms = static_cast<std::int64_t>(taker.take48());
  entry.value_size = taker.varint();
  entry.key = taker.text(taker.varint());
  return taker.good;
}

}  // namespace

// --- writing ---------------------------------------------------------------------------------------------------------

Result<std::unique_ptr<ImageWriter>> ImageWriter::begin(std::unique_ptr<File> file, const ImageHeader& header) {
  std::unique_ptr<ImageWriter> writer(new ImageWriter(std::move(file)));
  std::vector<std::byte>& out = writer->buffer_;
  out.reserve(2 * kWriteBytes);
  const auto magic = std::as_bytes(std::span(kMagic));
  out.insert(out.end(), magic.begin(), magic.end());
  put(out, kVersion);
  put(out, static_cast<std::uint32_t>(kHeaderBytes));
  out.insert(out.end(), header.store_id.begin(), header.store_id.end());
  put(out, raw(header.from));
  put(out, raw(header.needs));
  put(out, raw(header.created));
  put(out, header.hash_key.k0);
  put(out, header.hash_key.k1);
  put(out, header.databases);
  put(out, header.shards);
  out.resize(kHeaderBytes - sizeof(std::uint64_t));
  writer->seed_ = base::xxh3(out, 0);
  put(out, writer->seed_);
  return writer;
}

void ImageWriter::begin_block(std::uint32_t shard, std::uint32_t position, Lsn as_of) {
  block_at_ = buffer_.size();
  blocks_.push_back({.offset = at_ + block_at_, .shard = shard, .position = position, .as_of = as_of});
  newest_ = std::max(newest_, as_of);
  buffer_.resize(block_at_ + kBlockHeaderBytes);
}

void ImageWriter::add(const ImageEntry& entry) {
  const bool moved = entry.version != entry.address;
  const bool sliding = !entry.expiry.never() && entry.expiry.sliding_ms != 0;
  put(buffer_, static_cast<std::uint8_t>((entry.expiry.never() ? 0 : kHasExpiry) | (sliding ? kSliding : 0) |
                                         (moved ? kHasVersion : 0) | (entry.delta ? kDelta : 0)));
  put(buffer_, static_cast<std::uint8_t>(static_cast<unsigned>(entry.type) | entry.heat << 4));
  put48(buffer_, raw(entry.address));
  if (moved) put48(buffer_, raw(entry.version));
  if (!entry.expiry.never()) put48(buffer_, static_cast<std::uint64_t>(raw(entry.expiry.at)));
  if (sliding) put48(buffer_, static_cast<std::uint64_t>(entry.expiry.sliding_ms));
  put_varint(buffer_, entry.value_size);
  put_varint(buffer_, entry.key.size());
  const auto key = std::as_bytes(std::span(entry.key));
  buffer_.insert(buffer_.end(), key.begin(), key.end());
  ++blocks_.back().entries;
}

Result<void> ImageWriter::end_block() {
  ImageBlock& block = blocks_.back();
  keys_ += block.entries;
  if (block.entries == 0) {
    buffer_.resize(block_at_);
    return {};
  }
  const auto body = std::span(buffer_).subspan(block_at_);
  block.bytes = static_cast<std::uint32_t>(body.size());
  base::store(body.data() + 8, block.entries);
  base::store(body.data() + 12, static_cast<std::uint32_t>(body.size() - kBlockHeaderBytes));
  base::store(body.data(), base::xxh3(body.subspan(8), seed_ ^ block.offset));
  if (buffer_.size() >= kWriteBytes) return flush();
  return {};
}

Result<void> ImageWriter::flush() {
  STAVE_TRY(file_->write_at(at_, buffer_));
  at_ += buffer_.size();
  buffer_.clear();
  return {};
}

Result<void> ImageWriter::finish() {
  STAVE_TRY(flush());
  const std::uint64_t index_at = at_;
  for (const ImageBlock& block : blocks_) {
    put(buffer_, block.offset);
    put(buffer_, block.bytes);
    put(buffer_, block.entries);
    put(buffer_, block.shard);
    put(buffer_, block.position);
    put(buffer_, raw(block.as_of));
  }
  const std::uint64_t index_checksum = base::xxh3(buffer_, seed_ ^ kIndexSalt);
  const std::size_t trailer_at = buffer_.size();
  const auto magic = std::as_bytes(std::span(kTrailerMagic));
  buffer_.insert(buffer_.end(), magic.begin(), magic.end());
  put(buffer_, index_at);
  put(buffer_, static_cast<std::uint64_t>(blocks_.size()));
  put(buffer_, index_checksum);
  put(buffer_, keys_);
  put(buffer_, raw(newest_));
  buffer_.resize(trailer_at + kTrailerBytes - sizeof(std::uint64_t));
  put(buffer_, base::xxh3(std::span(buffer_).subspan(trailer_at), seed_));
  STAVE_TRY(flush());
  return file_->sync_data();
}

// --- reading ---------------------------------------------------------------------------------------------------------

std::unexpected<Error> ImageReader::damaged(const char* what, std::uint64_t offset) const {
  return fail(Error(ErrorCode::kCorrupt, std::string(what) + "; the index can be rebuilt without this image")
                  .with_file(path_, static_cast<std::int64_t>(offset)));
}

Result<std::unique_ptr<ImageReader>> ImageReader::open(FileSystem& files, const std::string& path) {
  std::unique_ptr<ImageReader> reader(new ImageReader);
  reader->path_ = path;
  STAVE_ASSIGN(reader->file_, files.open(path, OpenMode::kRead));
  STAVE_ASSIGN(reader->bytes_, reader->file_->size());
  STAVE_TRY(reader->read_header());
  STAVE_TRY(reader->read_index());
  return reader;
}

Result<void> ImageReader::read_header() {
  std::array<std::byte, kHeaderBytes> bytes{};
  STAVE_ASSIGN(const std::size_t got, file_->read_at(0, bytes));
  if (got < kHeaderBytes || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0)
    return damaged("this is no index image", 0);
  Taker taker{std::span<const std::byte>(bytes).subspan(kMagic.size())};
  if (taker.take<std::uint32_t>() > kVersion)
    return fail(Error(ErrorCode::kUnsupported, "this index image is of a newer format").with_file(path_, 8));
  seed_ = base::load<std::uint64_t>(bytes.data() + kHeaderBytes - sizeof seed_);
  if (taker.take<std::uint32_t>() != kHeaderBytes ||
      seed_ != base::xxh3(std::span<const std::byte>(bytes).first(kHeaderBytes - sizeof seed_), 0))
    return damaged("the header of this index image fails its checksum", 0);
  std::memcpy(header_.store_id.data(), taker.text(16).data(), 16);
  header_.from = Lsn{taker.take<std::uint64_t>()};
  header_.needs = Lsn{taker.take<std::uint64_t>()};
  header_.created = UnixMs{taker.take<std::int64_t>()};
  header_.hash_key.k0 = taker.take<std::uint64_t>();
  header_.hash_key.k1 = taker.take<std::uint64_t>();
  header_.databases = taker.take<std::uint32_t>();
  header_.shards = taker.take<std::uint32_t>();
  return {};
}

Result<void> ImageReader::read_index() {
  if (bytes_ < kHeaderBytes + kTrailerBytes) return damaged("this index image is cut short", bytes_);
  const std::uint64_t trailer_at = bytes_ - kTrailerBytes;
  std::array<std::byte, kTrailerBytes> trailer{};
  STAVE_ASSIGN(std::size_t got, file_->read_at(trailer_at, trailer));
  const auto checksum = base::load<std::uint64_t>(trailer.data() + kTrailerBytes - sizeof(std::uint64_t));
  if (got < kTrailerBytes || std::memcmp(trailer.data(), kTrailerMagic.data(), kTrailerMagic.size()) != 0 ||
      checksum != base::xxh3(std::span<const std::byte>(trailer).first(kTrailerBytes - sizeof(std::uint64_t)), seed_))
    return damaged("the end of this index image is damaged or missing", trailer_at);
  Taker taker{std::span<const std::byte>(trailer).subspan(kTrailerMagic.size())};
  const auto index_at = taker.take<std::uint64_t>();
  const auto count = taker.take<std::uint64_t>();
  const auto index_checksum = taker.take<std::uint64_t>();
  keys_ = taker.take<std::uint64_t>();
  newest_ = Lsn{taker.take<std::uint64_t>()};
  if (index_at < kHeaderBytes || index_at > trailer_at || count != (trailer_at - index_at) / kIndexEntryBytes ||
      (trailer_at - index_at) % kIndexEntryBytes != 0)
    return damaged("the end of this index image does not fit its length", trailer_at);
  std::vector<std::byte> bytes(trailer_at - index_at);
  STAVE_ASSIGN(got, file_->read_at(index_at, bytes));
  if (got < bytes.size() || base::xxh3(bytes, seed_ ^ kIndexSalt) != index_checksum)
    return damaged("the block index of this index image fails its checksum", index_at);
  blocks_.reserve(count);
  taker = {bytes};
  for (std::uint64_t i = 0; i < count; ++i) {
    ImageBlock block;
    block.offset = taker.take<std::uint64_t>();
    block.bytes = taker.take<std::uint32_t>();
    block.entries = taker.take<std::uint32_t>();
    block.shard = taker.take<std::uint32_t>();
    block.position = taker.take<std::uint32_t>();
    block.as_of = Lsn{taker.take<std::uint64_t>()};
    blocks_.push_back(block);
  }
  return {};
}

Result<void> ImageReader::read(const ImageBlock& block, std::vector<std::byte>& buffer,
                               std::vector<ImageEntry>& entries) const {
  entries.clear();
  if (block.entries == 0) return {};
  buffer.resize(block.bytes);
  STAVE_ASSIGN(const std::size_t got, file_->read_at(block.offset, buffer));
  if (got < block.bytes || block.bytes < kBlockHeaderBytes ||
      base::load<std::uint64_t>(buffer.data()) !=
          base::xxh3(std::span<const std::byte>(buffer).subspan(8), seed_ ^ block.offset))
    return damaged("a block of this index image fails its checksum", block.offset);
  Taker taker{std::span<const std::byte>(buffer).subspan(kBlockHeaderBytes)};
  entries.reserve(block.entries);
  for (std::uint32_t i = 0; i < block.entries; ++i) {
    ImageEntry entry;
    if (!take_entry(taker, entry)) return damaged("a block of this index image ends too early", block.offset);
    entries.push_back(entry);
  }
  return {};
}

// --- what it knows ---------------------------------------------------------------------------------------------------

ImageKnowledge::ImageKnowledge(const ImageReader& image)
    : shards_(image.header().shards), blocks_(image.blocks()), newest_(image.newest()) {
  first_.assign(std::size_t{image.header().databases} * shards_ + 1, 0);
  for (const ImageBlock& block : blocks_)
    if (block.shard + 1 < first_.size()) ++first_[block.shard + 1];
  for (std::size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
}

Lsn ImageKnowledge::as_of(int database, std::uint64_t hash) const noexcept {
  const std::size_t shard = static_cast<std::size_t>(database) * shards_ + ((hash >> 8) & (shards_ - 1));
  if (shard + 1 >= first_.size()) return kNoLsn;
  const auto blocks = blocks_.subspan(first_[shard], first_[shard + 1] - first_[shard]);
  const auto after = std::ranges::upper_bound(blocks, hash >> 32, {}, &ImageBlock::position);
  return after == blocks.begin() ? kNoLsn : std::prev(after)->as_of;
}

// --- names -----------------------------------------------------------------------------------------------------------

std::string image_name(Lsn from) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string name(16, '0');
  for (std::size_t i = 0; i < 16; ++i) name[i] = kDigits[(raw(from) >> (60 - 4 * i)) & 0xf];
  return name + ".image";
}

std::optional<Lsn> parse_image_name(std::string_view name) noexcept {
  if (name.size() != 22 || !name.ends_with(".image")) return std::nullopt;
  std::uint64_t from = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + 16, from, 16);
  if (error != std::errc{} || end != name.data() + 16 || from == 0 || image_name(Lsn{from}) != name)
    return std::nullopt;
  return Lsn{from};
}

}  // namespace stave::store
