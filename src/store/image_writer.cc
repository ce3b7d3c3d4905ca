#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/try.h"
#include "store/image.h"
#include "store/image_bytes.h"

namespace stave::store {

using namespace image_bytes;

namespace {
constexpr std::size_t kWriteBytes = 256u << 10;
}

Result<std::unique_ptr<ImageWriter>> ImageWriter::begin(std::unique_ptr<File> file, const ImageHeader& header) {
  STAVE_ASSERT(header.from != kNoLsn && header.needs <= header.from);
  STAVE_ASSERT(header.databases != 0 && header.shards != 0 && (header.shards & (header.shards - 1)) == 0);
  std::unique_ptr<ImageWriter> writer(new ImageWriter(std::move(file)));
  writer->from_ = header.from;
  writer->needs_ = header.needs;
  writer->shards_ = std::uint64_t{header.databases} * header.shards;
  std::vector<std::byte>& out = writer->buffer_;
  out.reserve(2 * kWriteBytes);
  put_text(out, kMagic);
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
  STAVE_ASSERT(out.size() <= kHeaderBytes - sizeof(std::uint64_t));
  out.resize(kHeaderBytes - sizeof(std::uint64_t));
  writer->seed_ = base::xxh3(out, 0);
  put(out, writer->seed_);
  return writer;
}

// Whoever loads the image reads on behind `from`: a block that knew less than that would leave a gap.
void ImageWriter::open_block(Lsn as_of) {
  STAVE_ASSERT(open_ == Open::kNone && as_of >= from_ && as_of >= newest_);
  newest_ = as_of;
  block_at_ = buffer_.size();
  buffer_.resize(block_at_ + kBlockHeaderBytes);
}

void ImageWriter::check_record(Lsn record, Lsn as_of) const {
  STAVE_ASSERT(record != kNoLsn && record < as_of);
}

void ImageWriter::begin_block(std::uint32_t shard, std::uint32_t position, Lsn as_of) {
  STAVE_ASSERT(leaf_blocks_.empty() && shard < shards_);
  STAVE_ASSERT(blocks_.empty() ||
               std::pair(blocks_.back().shard, blocks_.back().position) < std::pair(shard, position));
  open_block(as_of);
  open_ = Open::kHeads;
  blocks_.push_back({.offset = at_ + block_at_, .shard = shard, .position = position, .as_of = as_of});
}

void ImageWriter::add(const ImageEntry& entry) {
  STAVE_ASSERT(open_ == Open::kHeads && entry.heat < 16 && entry.address >= needs_);
  check_record(entry.address, blocks_.back().as_of);
  check_record(entry.version, blocks_.back().as_of);
  const bool versioned = entry.version != entry.address;
  const bool sliding = !entry.expiry.never() && entry.expiry.sliding_ms != 0;
  put(buffer_, static_cast<std::uint8_t>((entry.expiry.never() ? 0 : kHasExpiry) | (sliding ? kSliding : 0) |
                                         (versioned ? kHasVersion : 0) | (entry.delta ? kDelta : 0) |
                                         entry.patches << kPatchesShift));
  put(buffer_, static_cast<std::uint8_t>(static_cast<unsigned>(entry.type) | entry.heat << 4));
  put48(buffer_, raw(entry.address));
  if (versioned) put48(buffer_, raw(entry.version));
  if (!entry.expiry.never()) put48(buffer_, static_cast<std::uint64_t>(raw(entry.expiry.at)));
  if (sliding) put48(buffer_, static_cast<std::uint64_t>(entry.expiry.sliding_ms));
  put_varint(buffer_, entry.value_size);
  put_varint(buffer_, entry.key.size());
  put_text(buffer_, entry.key);
  ++blocks_.back().entries;
}

void ImageWriter::begin_leaf_block(Lsn identity, std::string_view bound, Lsn as_of) {
  STAVE_ASSERT(identity != kNoLsn);
  // Behind everything before: the block that covered it, and the last leaf in it.
  STAVE_ASSERT(leaf_blocks_.empty() ||
               std::pair(leaf_blocks_.back().identity, std::string_view(leaf_blocks_.back().bound)) <
                   std::pair(identity, bound));
  STAVE_ASSERT(last_identity_ == kNoLsn ||
               std::pair(last_identity_, std::string_view(last_bound_)) < std::pair(identity, bound));
  open_block(as_of);
  open_ = Open::kLeaves;
  leaf_blocks_.push_back({.offset = at_ + block_at_,
                          .bytes = 0,
                          .leaves = 0,
                          .as_of = as_of,
                          .identity = identity,
                          .bound = std::string(bound)});
}

void ImageWriter::add(const ImageLeaf& leaf) {
  STAVE_ASSERT(open_ == Open::kLeaves);
  ImageLeafBlock& block = leaf_blocks_.back();
  const std::pair place(leaf.identity, leaf.bound);
  STAVE_ASSERT(std::pair(block.identity, std::string_view(block.bound)) <= place);
  STAVE_ASSERT(last_identity_ == kNoLsn || std::pair(last_identity_, std::string_view(last_bound_)) < place);
  check_record(leaf.identity, block.as_of);
  check_record(leaf.address, block.as_of);
  check_record(leaf.version, block.as_of);
  check_record(leaf.base, block.as_of);
  // The chain leads backwards, from where the leaf stands to its base.
  STAVE_ASSERT(leaf.base >= needs_ && leaf.base <= leaf.address && leaf.version <= leaf.address);
  put(buffer_, std::uint8_t{0});
  put48(buffer_, raw(leaf.identity));
  put48(buffer_, raw(leaf.address));
  put48(buffer_, raw(leaf.version));
  put48(buffer_, raw(leaf.base));
  put_varint(buffer_, leaf.count);
  put_varint(buffer_, leaf.bound.size());
  put_text(buffer_, leaf.bound);
  ++block.leaves;
  last_identity_ = leaf.identity;
  last_bound_ = leaf.bound;
}

Result<void> ImageWriter::end_block() {
  STAVE_ASSERT(open_ != Open::kNone);
  const bool heads = std::exchange(open_, Open::kNone) == Open::kHeads;
  const std::uint32_t count = heads ? blocks_.back().entries : leaf_blocks_.back().leaves;
  const std::uint64_t offset = heads ? blocks_.back().offset : leaf_blocks_.back().offset;
  (heads ? keys_ : leaves_) += count;
  if (count == 0) {
    buffer_.resize(block_at_);
    return {};
  }
  const auto body = std::span(buffer_).subspan(block_at_);
  STAVE_ASSERT(offset == at_ + block_at_ && body.size() <= 0xffff'ffff);
  (heads ? blocks_.back().bytes : leaf_blocks_.back().bytes) = static_cast<std::uint32_t>(body.size());
  base::store(body.data() + 8, count);
  base::store(body.data() + 12, static_cast<std::uint32_t>(body.size() - kBlockHeaderBytes));
  base::store(body.data(), base::xxh3(body.subspan(8), seed_ ^ offset));
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
  STAVE_ASSERT(open_ == Open::kNone);
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
  STAVE_ASSERT(buffer_.size() == blocks_.size() * kIndexEntryBytes);
  for (const ImageLeafBlock& block : leaf_blocks_) {
    put(buffer_, block.offset);
    put(buffer_, block.bytes);
    put(buffer_, block.leaves);
    put(buffer_, raw(block.as_of));
    put(buffer_, raw(block.identity));
    put(buffer_, static_cast<std::uint32_t>(block.bound.size()));
    put_text(buffer_, block.bound);
  }
  const std::uint64_t index_checksum = base::xxh3(buffer_, seed_ ^ kIndexSalt);
  const std::size_t trailer_at = buffer_.size();
  put_text(buffer_, kTrailerMagic);
  put(buffer_, index_at);
  put(buffer_, static_cast<std::uint64_t>(blocks_.size()));
  put(buffer_, static_cast<std::uint64_t>(leaf_blocks_.size()));
  put(buffer_, index_checksum);
  put(buffer_, keys_);
  put(buffer_, leaves_);
  put(buffer_, raw(newest_));
  STAVE_ASSERT(buffer_.size() <= trailer_at + kTrailerBytes - sizeof(std::uint64_t));
  buffer_.resize(trailer_at + kTrailerBytes - sizeof(std::uint64_t));
  put(buffer_, base::xxh3(std::span(buffer_).subspan(trailer_at), seed_));
  STAVE_TRY(flush());
  return file_->sync_data();
}

}  // namespace stave::store
