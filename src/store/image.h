// An image of the index: every key with its type, expiry, version and the address of its record, but no values; a file
// from which a restart takes the index instead of reading the whole log.
//
// Two sections. *Heads*: blocks of some hundred keys in the order of (database, shard, position of the hash). *Leaves*:
// what a collection too large for one record consists of, in blocks of their own, in the order of (identity, lower
// bound), so that an image can be cut inside a key. Each block has a checksum; behind them a sparse index of the
// blocks, so that a key or a leaf can be looked up in place; then a trailer. Every block tells the LSN up to which it
// knows the log: blocks are taken one after the other while writers go on, and whoever loads the image reads the log
// from the image's `from` on and skips, for each key and each leaf, what its block knows already. The format is
// specified in docs/format.md. Promises: an image that opens is whole, or the damage is found when its block is read.
// Must not know: the engine, threads, what a value is.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/hash.h"
#include "keyspace/entry.h"
#include "stave/file_system.h"
#include "stave/units.h"

namespace stave::store {

struct ImageHeader {
  std::array<std::byte, 16> store_id{};
  Lsn from = kNoLsn;   ///< Where the log is to be read from, after the image. The end of a batch.
  Lsn needs = kNoLsn;  ///< No entry has a record before it.
  UnixMs created{0};
  base::HashKey hash_key{};
  std::uint32_t databases = 0;
  std::uint32_t shards = 0;  ///< Per database.
};

/// One key. Views point into the block that was decoded.
struct ImageEntry {
  keyspace::ValueType type{};
  unsigned heat = 0;
  bool delta = false;    ///< See keyspace::Entry.
  unsigned patches = 0;  ///< Likewise; not without `delta`.
  std::uint64_t value_size = 0;
  Expiry expiry{};
  Lsn address = kNoLsn;
  Lsn version = kNoLsn;
  std::string_view key;
};

/// One leaf of a collection. Views point into the block that was decoded.
struct ImageLeaf {
  Lsn identity = kNoLsn;  ///< Of the collection: where in the log it was made.
  std::string_view
      bound;             ///< Its lower bound; the next leaf of the collection has a greater one. In the order of bytes.
  Lsn address = kNoLsn;  ///< Where it stands: its newest record.
  Lsn version = kNoLsn;  ///< Its last change.
  Lsn base = kNoLsn;     ///< The record that ends its chain.
  std::uint64_t count = 0;  ///< Elements in it.
};

/// One block of keys, as the sparse index tells it.
struct ImageBlock {
  std::uint64_t offset = 0;
  std::uint32_t bytes = 0;
  std::uint32_t entries = 0;
  std::uint32_t shard = 0;  ///< keyspace::ShardId.
  std::uint32_t position =
      0;               ///< First position of the hash that it covers; it ends where the next one of the shard begins.
  Lsn as_of = kNoLsn;  ///< It knows every record before this.
};

/// One block of leaves, likewise. It covers everything from its lower end up to that of the next block.
struct ImageLeafBlock {
  std::uint64_t offset = 0;
  std::uint32_t bytes = 0;
  std::uint32_t leaves = 0;
  Lsn as_of = kNoLsn;
  Lsn identity = kNoLsn;
  std::string bound;
};

class ImageWriter {
 public:
  /// Writes into `file`, which is empty. The file counts only after `finish`.
  static Result<std::unique_ptr<ImageWriter>> begin(std::unique_ptr<File> file, const ImageHeader& header);
  /// Begins a block of keys; everything up to the next one lies in it. In the order of (shard, position), all of them
  /// before the first block of leaves; no block knows less than the one before.
  void begin_block(std::uint32_t shard, std::uint32_t position, Lsn as_of);
  void add(const ImageEntry& entry);
  /// Begins a block of leaves, from (identity, bound) on. In that order.
  void begin_leaf_block(Lsn identity, std::string_view bound, Lsn as_of);
  void add(const ImageLeaf& leaf);
  /// Ends the block. Errors: those of the file; the image is then worthless.
  Result<void> end_block();
  /// Writes index and trailer, and syncs.
  Result<void> finish();
  [[nodiscard]] std::uint64_t keys() const noexcept { return keys_; }
  [[nodiscard]] std::uint64_t leaves() const noexcept { return leaves_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return at_ + buffer_.size(); }
  /// The greatest `as_of` so far: the log must be durable up to there before the image gets its name.
  [[nodiscard]] Lsn newest() const noexcept { return newest_; }

 private:
  explicit ImageWriter(std::unique_ptr<File> file) : file_(std::move(file)) {}
  void open_block(Lsn as_of);
  void check_record(Lsn record, Lsn as_of) const;
  Result<void> flush();

  enum class Open : std::uint8_t { kNone, kHeads, kLeaves };

  std::unique_ptr<File> file_;
  std::vector<std::byte> buffer_;  ///< Not yet written: whole blocks, then the one in progress.
  std::uint64_t at_ = 0;           ///< File offset of the buffer.
  std::size_t block_at_ = 0;
  Open open_ = Open::kNone;
  std::vector<ImageBlock> blocks_;
  std::vector<ImageLeafBlock> leaf_blocks_;
  Lsn last_identity_ = kNoLsn;  ///< Of the last leaf,
  std::string last_bound_;      ///< likewise.
  std::uint64_t seed_ = 0;
  std::uint64_t keys_ = 0;
  std::uint64_t leaves_ = 0;
  Lsn from_ = kNoLsn;
  Lsn needs_ = kNoLsn;
  std::uint64_t shards_ = 0;  ///< Of all databases.
  Lsn newest_ = kNoLsn;
};

class ImageReader {
 public:
  /// Reads header, trailer and sparse index. Errors: kCorrupt (file and offset), kUnsupported (a newer format),
  /// kNotFound (of an older format, which nobody reads any more; or not there), kIo.
  static Result<std::unique_ptr<ImageReader>> open(FileSystem& files, const std::string& path);
  [[nodiscard]] const ImageHeader& header() const noexcept { return header_; }
  [[nodiscard]] std::span<const ImageBlock> blocks() const noexcept { return blocks_; }
  [[nodiscard]] std::span<const ImageLeafBlock> leaf_blocks() const noexcept { return leaf_blocks_; }
  [[nodiscard]] std::uint64_t keys() const noexcept { return keys_; }
  [[nodiscard]] std::uint64_t leaves() const noexcept { return leaves_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] Lsn newest() const noexcept { return newest_; }
  /// Reads a block into `buffer` and decodes it into `entries`. Errors: kCorrupt, kUnsupported (something in it that
  /// only a later version knows), kIo. Threads: any, each with buffers of its own.
  Result<void> read(const ImageBlock& block, std::vector<std::byte>& buffer, std::vector<ImageEntry>& entries) const;
  Result<void> read(const ImageLeafBlock& block, std::vector<std::byte>& buffer, std::vector<ImageLeaf>& leaves) const;
  /// Reads every block. Errors: as `read`. `between` is called before each.
  Result<void> verify(base::FunctionRef<Result<void>()> between) const;

 private:
  ImageReader() = default;
  Result<void> read_header();
  Result<void> read_index();
  bool take_index(std::span<const std::byte> index, std::uint64_t heads, std::uint64_t leaf_blocks);
  [[nodiscard]] bool check_index(std::uint64_t index_at) const;
  Result<std::span<const std::byte>> read_block(std::uint64_t offset, std::uint32_t bytes,
                                                std::vector<std::byte>& buffer) const;
  [[nodiscard]] bool plausible(Lsn record, Lsn as_of) const noexcept;
  [[nodiscard]] std::unexpected<Error> damaged(const char* what, std::uint64_t offset) const;
  [[nodiscard]] std::unexpected<Error> newer(const char* what, std::uint64_t offset) const;

  std::unique_ptr<File> file_;
  std::string path_;
  ImageHeader header_;
  std::vector<ImageBlock> blocks_;
  std::vector<ImageLeafBlock> leaf_blocks_;
  std::uint64_t seed_ = 0;
  std::uint64_t keys_ = 0;
  std::uint64_t leaves_ = 0;
  std::uint64_t bytes_ = 0;
  Lsn newest_ = kNoLsn;
};

/// What an image knows of the log, key by key and leaf by leaf. The image outlives it.
class ImageKnowledge {
 public:
  explicit ImageKnowledge(const ImageReader& image);
  /// Every record of the key before this is in the image.
  [[nodiscard]] Lsn as_of(int database, std::uint64_t hash, std::string_view key) const noexcept;
  /// Every record before this of the leaf that holds `bound` is.
  [[nodiscard]] Lsn leaf_as_of(Lsn identity, std::string_view bound) const noexcept;
  /// No record from here on is.
  [[nodiscard]] Lsn newest() const noexcept { return newest_; }

 private:
  std::size_t shards_;
  std::vector<std::size_t> first_;  ///< By shard: its first block.
  std::span<const ImageBlock> blocks_;
  std::span<const ImageLeafBlock> leaf_blocks_;
  Lsn newest_;
};

/// `%016x.image` by the image's `from`.
std::string image_name(Lsn from);
std::optional<Lsn> parse_image_name(std::string_view name) noexcept;

}  // namespace stave::store
