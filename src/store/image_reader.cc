#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "base/try.h"
#include "store/image.h"
#include "store/image_bytes.h"

namespace stave::store {

using namespace image_bytes;

namespace {

bool known_type(std::uint8_t type) noexcept {
  switch (static_cast<keyspace::ValueType>(type)) {
    case keyspace::ValueType::kString:
    case keyspace::ValueType::kJson:
    case keyspace::ValueType::kHash:
    case keyspace::ValueType::kList:
    case keyspace::ValueType::kSet:
    case keyspace::ValueType::kSortedSet:
    case keyspace::ValueType::kStream:
    case keyspace::ValueType::kPage:
    case keyspace::ValueType::kPagedHash:
    case keyspace::ValueType::kPagedList:
    case keyspace::ValueType::kPagedSet:
    case keyspace::ValueType::kPagedSortedSet:
    case keyspace::ValueType::kPagedStream:
    case keyspace::ValueType::kPagedString:
    case keyspace::ValueType::kSketch:
    case keyspace::ValueType::kPagedSketch: return true;
  }
  return false;
}

void take_entry(Taker& taker, std::uint8_t flags, std::uint8_t type_and_heat, ImageEntry& entry) {
  entry.type = static_cast<keyspace::ValueType>(type_and_heat & 0xf);
  entry.heat = type_and_heat >> 4;
  entry.delta = (flags & kDelta) != 0;
  entry.patches = static_cast<unsigned>(flags & kPatches) >> kPatchesShift;
  entry.address = Lsn{taker.take48()};
  entry.version = (flags & kHasVersion) != 0 ? Lsn{taker.take48()} : entry.address;
  entry.expiry = {};
  if ((flags & kHasExpiry) != 0) entry.expiry.at = UnixMs{static_cast<std::int64_t>(taker.take48())};
  if ((flags & kSliding) != 0) entry.expiry.sliding_ms = static_cast<std::int64_t>(taker.take48());
  entry.value_size = taker.varint();
  entry.key = taker.text(taker.varint());
}

void take_leaf(Taker& taker, ImageLeaf& leaf) {
  leaf.identity = Lsn{taker.take48()};
  leaf.address = Lsn{taker.take48()};
  leaf.version = Lsn{taker.take48()};
  leaf.base = Lsn{taker.take48()};
  leaf.count = taker.varint();
  leaf.bound = taker.text(taker.varint());
}

}  // namespace

std::unexpected<Error> ImageReader::damaged(const char* what, std::uint64_t offset) const {
  return fail(Error(ErrorCode::kCorrupt, std::string(what) + "; the index can be rebuilt without this image")
                  .with_file(path_, static_cast<std::int64_t>(offset)));
}

std::unexpected<Error> ImageReader::newer(const char* what, std::uint64_t offset) const {
  return fail(Error(ErrorCode::kUnsupported, std::string(what) + "; open the store with a newer Stave")
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

// Magic, checksum, version, in this order: the header of every version has the same size and the same checksum, so that
// a flipped bit in the version is damage and not the future.
Result<void> ImageReader::read_header() {
  std::array<std::byte, kHeaderBytes> bytes{};
  STAVE_ASSIGN(const std::size_t got, file_->read_at(0, bytes));
  if (got < kHeaderBytes || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0)
    return damaged("this is no index image", 0);
  seed_ = base::load<std::uint64_t>(bytes.data() + kHeaderBytes - sizeof seed_);
  if (seed_ != base::xxh3(std::span<const std::byte>(bytes).first(kHeaderBytes - sizeof seed_), 0))
    return damaged("the header of this index image fails its checksum", 0);
  Taker taker{std::span<const std::byte>(bytes).subspan(kMagic.size())};
  const auto version = taker.take<std::uint32_t>();
  if (version > kVersion) return newer("this index image is of a newer format", 8);
  if (version < kVersion)
    return fail(Error(ErrorCode::kNotFound,
                      "this index image is of an older format, which is not read any more; the index is rebuilt")
                    .with_file(path_, 8));
  if (taker.take<std::uint32_t>() != kHeaderBytes)
    return damaged("the header of this index image contradicts itself", 12);
  std::memcpy(header_.store_id.data(), taker.text(16).data(), 16);
  header_.from = Lsn{taker.take<std::uint64_t>()};
  header_.needs = Lsn{taker.take<std::uint64_t>()};
  header_.created = UnixMs{taker.take<std::int64_t>()};
  header_.hash_key.k0 = taker.take<std::uint64_t>();
  header_.hash_key.k1 = taker.take<std::uint64_t>();
  header_.databases = taker.take<std::uint32_t>();
  header_.shards = taker.take<std::uint32_t>();
  STAVE_ASSERT(taker.good);
  if (header_.from == kNoLsn || header_.needs > header_.from || header_.databases == 0 ||
      !std::has_single_bit(header_.shards))
    return damaged("the header of this index image contradicts itself", 0);
  return {};
}

Result<void> ImageReader::read_index() {
  if (bytes_ < kHeaderBytes + kTrailerBytes) return damaged("this index image is cut short", bytes_);
  const std::uint64_t trailer_at = bytes_ - kTrailerBytes;
  std::array<std::byte, kTrailerBytes> bytes{};
  STAVE_ASSIGN(const std::size_t got, file_->read_at(trailer_at, bytes));
  if (got < kTrailerBytes || std::memcmp(bytes.data(), kTrailerMagic.data(), kTrailerMagic.size()) != 0 ||
      base::load<std::uint64_t>(bytes.data() + kTrailerBytes - 8) !=
          base::xxh3(std::span<const std::byte>(bytes).first(kTrailerBytes - 8), seed_))
    return damaged("this index image does not end as it should", trailer_at);
  Taker taker{std::span<const std::byte>(bytes).subspan(kTrailerMagic.size())};
  const auto index_at = taker.take<std::uint64_t>();
  const auto heads = taker.take<std::uint64_t>();
  const auto leaf_blocks = taker.take<std::uint64_t>();
  const auto checksum = taker.take<std::uint64_t>();
  keys_ = taker.take<std::uint64_t>();
  leaves_ = taker.take<std::uint64_t>();
  newest_ = Lsn{taker.take<std::uint64_t>()};
  if (index_at < kHeaderBytes || index_at > trailer_at || heads > (trailer_at - index_at) / kIndexEntryBytes ||
      leaf_blocks > (trailer_at - index_at) / kLeafIndexEntryBytes)
    return damaged("the index of this image cannot be where it should", trailer_at);
  std::vector<std::byte> index(trailer_at - index_at);
  STAVE_ASSIGN(const std::size_t read, file_->read_at(index_at, index));
  if (read < index.size() || checksum != base::xxh3(index, seed_ ^ kIndexSalt))
    return damaged("the index of this image fails its checksum", index_at);
  if (!take_index(index, heads, leaf_blocks) || !check_index(index_at))
    return damaged("the index of this image contradicts itself", index_at);
  return {};
}

bool ImageReader::take_index(std::span<const std::byte> index, std::uint64_t heads, std::uint64_t leaf_blocks) {
  Taker taker{index};
  blocks_.reserve(heads);
  for (std::uint64_t i = 0; i < heads; ++i) {
    ImageBlock block;
    block.offset = taker.take<std::uint64_t>();
    block.bytes = taker.take<std::uint32_t>();
    block.entries = taker.take<std::uint32_t>();
    block.shard = taker.take<std::uint32_t>();
    block.position = taker.take<std::uint32_t>();
    block.as_of = Lsn{taker.take<std::uint64_t>()};
    blocks_.push_back(block);
  }
  leaf_blocks_.reserve(leaf_blocks);
  for (std::uint64_t i = 0; i < leaf_blocks && taker.good; ++i) {
    ImageLeafBlock block;
    block.offset = taker.take<std::uint64_t>();
    block.bytes = taker.take<std::uint32_t>();
    block.leaves = taker.take<std::uint32_t>();
    block.as_of = Lsn{taker.take<std::uint64_t>()};
    block.identity = Lsn{taker.take<std::uint64_t>()};
    block.bound = taker.text(taker.take<std::uint32_t>());
    leaf_blocks_.push_back(std::move(block));
  }
  return taker.good && taker.rest.empty();
}

// What the writer has asserted: blocks one behind the other, in order, and no sum that does not add up.
bool ImageReader::check_index(std::uint64_t index_at) const {
  std::uint64_t at = kHeaderBytes;
  std::uint64_t keys = 0;
  std::uint64_t leaves = 0;
  Lsn known = header_.from;
  const auto follows = [&](std::uint64_t offset, std::uint32_t bytes, std::uint32_t count, Lsn as_of) {
    const bool good = offset == at && as_of >= known && (count == 0 ? bytes == 0 : bytes > kBlockHeaderBytes);
    at += bytes;
    known = as_of;
    return good;
  };
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const ImageBlock& block = blocks_[i];
    if (!follows(block.offset, block.bytes, block.entries, block.as_of)) return false;
    if (block.shard >= std::uint64_t{header_.databases} * header_.shards) return false;
    if (i > 0 && std::pair(blocks_[i - 1].shard, blocks_[i - 1].position) >= std::pair(block.shard, block.position))
      return false;
    keys += block.entries;
  }
  for (std::size_t i = 0; i < leaf_blocks_.size(); ++i) {
    const ImageLeafBlock& block = leaf_blocks_[i];
    if (!follows(block.offset, block.bytes, block.leaves, block.as_of) || block.identity == kNoLsn) return false;
    if (i > 0 && std::pair(leaf_blocks_[i - 1].identity, std::string_view(leaf_blocks_[i - 1].bound)) >=
                     std::pair(block.identity, std::string_view(block.bound)))
      return false;
    leaves += block.leaves;
  }
  const bool any = !blocks_.empty() || !leaf_blocks_.empty();
  return at == index_at && keys == keys_ && leaves == leaves_ && newest_ == (any ? known : kNoLsn);
}

Result<std::span<const std::byte>> ImageReader::read_block(std::uint64_t offset, std::uint32_t bytes,
                                                           std::vector<std::byte>& buffer) const {
  STAVE_ASSERT(bytes > kBlockHeaderBytes);
  buffer.resize(bytes);
  STAVE_ASSIGN(const std::size_t got, file_->read_at(offset, buffer));
  const auto block = std::span<const std::byte>(buffer);
  if (got < bytes || base::load<std::uint64_t>(block.data()) != base::xxh3(block.subspan(8), seed_ ^ offset))
    return damaged("a block of this index image fails its checksum", offset);
  return block.subspan(kBlockHeaderBytes);
}

bool ImageReader::plausible(Lsn record, Lsn as_of) const noexcept {
  return record != kNoLsn && record < as_of;
}

Result<void> ImageReader::read(const ImageBlock& block, std::vector<std::byte>& buffer,
                               std::vector<ImageEntry>& entries) const {
  entries.clear();
  if (block.entries == 0) return {};
  STAVE_ASSIGN(const auto body, read_block(block.offset, block.bytes, buffer));
  Taker taker{body};
  entries.reserve(block.entries);
  for (std::uint32_t i = 0; i < block.entries; ++i) {
    const auto flags = taker.take<std::uint8_t>();
    const auto type_and_heat = taker.take<std::uint8_t>();
    if ((flags & ~kKnownBits) != 0 || !known_type(type_and_heat & 0xf))
      return newer("a key in this index image is of a kind that this version does not know", block.offset);
    ImageEntry& entry = entries.emplace_back();
    take_entry(taker, flags, type_and_heat, entry);
    if (!taker.good) return damaged("a block of this index image ends too early", block.offset);
    if (!plausible(entry.address, block.as_of) || !plausible(entry.version, block.as_of) ||
        entry.address < header_.needs)
      return damaged("a block of this index image contradicts itself", block.offset);
  }
  if (!taker.rest.empty()) return damaged("a block of this index image ends too late", block.offset);
  return {};
}

Result<void> ImageReader::read(const ImageLeafBlock& block, std::vector<std::byte>& buffer,
                               std::vector<ImageLeaf>& leaves) const {
  leaves.clear();
  if (block.leaves == 0) return {};
  STAVE_ASSIGN(const auto body, read_block(block.offset, block.bytes, buffer));
  Taker taker{body};
  leaves.reserve(block.leaves);
  std::pair low(block.identity, std::string_view(block.bound));
  for (std::uint32_t i = 0; i < block.leaves; ++i) {
    if ((taker.take<std::uint8_t>() & ~kKnownLeafBits) != 0)
      return newer("a leaf in this index image is of a kind that this version does not know", block.offset);
    ImageLeaf& leaf = leaves.emplace_back();
    take_leaf(taker, leaf);
    if (!taker.good) return damaged("a block of this index image ends too early", block.offset);
    const std::pair place(leaf.identity, leaf.bound);
    const bool ordered = i == 0 ? low <= place : low < place;
    low = place;
    if (!ordered || !plausible(leaf.identity, block.as_of) || !plausible(leaf.address, block.as_of) ||
        !plausible(leaf.version, block.as_of) || !plausible(leaf.base, block.as_of) || leaf.base < header_.needs ||
        leaf.base > leaf.address || leaf.version > leaf.address)
      return damaged("a block of this index image contradicts itself", block.offset);
  }
  if (!taker.rest.empty()) return damaged("a block of this index image ends too late", block.offset);
  return {};
}

Result<void> ImageReader::verify(base::FunctionRef<Result<void>()> between) const {
  // The disk is asked, not the memory that the image was just written through.
  static_cast<void>(file_->drop_cache());
  std::vector<std::byte> buffer;
  std::vector<ImageEntry> entries;
  for (const ImageBlock& block : blocks_) {
    STAVE_TRY(between());
    STAVE_TRY(read(block, buffer, entries));
  }
  std::vector<ImageLeaf> leaves;
  for (const ImageLeafBlock& block : leaf_blocks_) {
    STAVE_TRY(between());
    STAVE_TRY(read(block, buffer, leaves));
  }
  return {};
}

}  // namespace stave::store
