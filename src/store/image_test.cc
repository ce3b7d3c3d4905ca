#include "store/image.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/random.h"
#include "testing/sim_file_system.h"

namespace stave::store {
namespace {

constexpr Lsn kFrom{10'000};
constexpr Lsn kNeeds{5'000};
constexpr std::string_view kPath = "/db/image";

ImageHeader header() {
  ImageHeader header{.from = kFrom,
                     .needs = kNeeds,
                     .created = UnixMs{1'700'000'000'000},
                     .hash_key = {.k0 = 1, .k1 = 2},
                     .databases = 2,
                     .shards = 4};
  for (std::size_t i = 0; i < header.store_id.size(); ++i) header.store_id[i] = static_cast<std::byte>(i);
  return header;
}

struct Key {
  std::string key;
  ImageEntry entry;
};
struct Leaf {
  std::string bound;
  ImageLeaf leaf;
};

/// What was written, block by block.
struct Written {
  std::vector<std::vector<Key>> heads;
  std::vector<std::vector<Leaf>> leaves;
};

ImageEntry random_entry(base::Random& random, Lsn as_of) {
  ImageEntry entry{.type = static_cast<keyspace::ValueType>(random.below(7)),
                   .heat = static_cast<unsigned>(random.below(16)),
                   .delta = random.one_in(5),
                   .patches = static_cast<unsigned>(random.below(4)),
                   .value_size = random.below(3) == 0 ? random.next() >> random.below(64) : random.below(200)};
  entry.address = kNeeds + random.below(as_of - kNeeds);
  entry.version = random.coin() ? entry.address : Lsn{1 + random.below(raw(as_of) - 1)};
  if (random.coin()) entry.expiry.at = UnixMs{static_cast<std::int64_t>(1 + random.below(kUnixMsMax))};
  if (!entry.expiry.never() && random.coin())
    entry.expiry.sliding_ms = 1 + static_cast<std::int64_t>(random.below(1u << 30));
  return entry;
}

ImageLeaf random_leaf(base::Random& random, Lsn identity, Lsn as_of) {
  ImageLeaf leaf{.identity = identity, .count = random.below(1u << random.below(20))};
  leaf.base = kNeeds + random.below(as_of - kNeeds);
  leaf.address = leaf.base + random.below(as_of - leaf.base);
  leaf.version = Lsn{1 + random.below(raw(leaf.address))};
  return leaf;
}

/// Writes an image from a seed.
Written write(FileSystem& files, std::uint64_t seed, bool leaves = true) {
  base::Random random(seed);
  Written written;
  EXPECT_TRUE(files.create_directories("/db"));
  auto file = files.open(std::string(kPath), OpenMode::kCreate);
  EXPECT_TRUE(file);
  auto writer = ImageWriter::begin(std::move(*file), header());
  EXPECT_TRUE(writer);
  Lsn as_of = kFrom;
  for (std::uint32_t shard = 0; shard < 8; ++shard) {
    std::uint32_t position = 0;
    for (auto blocks = 1 + random.below(3); blocks > 0; --blocks) {
      as_of = as_of + random.below(100);
      (*writer)->begin_block(shard, position, as_of);
      auto& block = written.heads.emplace_back();
      block.reserve(6);  // entries view their keys
      for (auto count = random.below(6); count > 0; --count) {
        block.push_back({std::string(random.below(50), static_cast<char>('a' + count)), random_entry(random, as_of)});
        block.back().entry.key = block.back().key;
        (*writer)->add(block.back().entry);
      }
      EXPECT_TRUE((*writer)->end_block());
      position += 1 + static_cast<std::uint32_t>(random.below(1u << 28));
    }
  }
  std::uint64_t identity = 100;
  for (auto blocks = leaves ? 1 + random.below(6) : 0; blocks > 0; --blocks) {
    as_of = as_of + random.below(100);
    identity += random.below(2);
    std::string bound = std::to_string(1'000'000 + 1'000 * (100 - blocks));
    (*writer)->begin_leaf_block(Lsn{identity}, bound, as_of);
    auto& block = written.leaves.emplace_back();
    for (auto count = random.below(6); count > 0; --count) {
      // Several collections in one block, several blocks of one collection.
      if (random.one_in(4)) ++identity;
      block.push_back({bound, random_leaf(random, Lsn{identity}, as_of)});
      bound += static_cast<char>('0' + random.below(10));
    }
    for (Leaf& leaf : block) {
      leaf.leaf.bound = leaf.bound;
      (*writer)->add(leaf.leaf);
    }
    EXPECT_TRUE((*writer)->end_block());
  }
  EXPECT_EQ((*writer)->newest(), as_of);
  EXPECT_TRUE((*writer)->finish());
  return written;
}

auto fields(const ImageEntry& e) {
  return std::tuple(e.type, e.heat, e.delta, e.patches, e.value_size, e.expiry.at, e.expiry.sliding_ms, e.address,
                    e.version, e.key);
}
auto fields(const ImageLeaf& l) {
  return std::tuple(l.identity, l.bound, l.address, l.version, l.base, l.count);
}

TEST(Image, gives_back_both_sections_as_they_were_written) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    const auto files = make_memory_file_system();
    const Written written = write(*files, seed);
    const auto image = ImageReader::open(*files, std::string(kPath));
    ASSERT_TRUE(image) << image.error().describe();
    const ImageHeader& read = (*image)->header();
    EXPECT_EQ(read.from, kFrom);
    EXPECT_EQ(read.needs, kNeeds);
    EXPECT_EQ(read.created, header().created);
    EXPECT_EQ(read.store_id, header().store_id);
    EXPECT_EQ(std::tuple(read.hash_key.k0, read.hash_key.k1, read.databases, read.shards), std::tuple(1u, 2u, 2u, 4u));
    std::vector<std::byte> buffer;
    std::vector<ImageEntry> entries;
    ASSERT_EQ((*image)->blocks().size(), written.heads.size());
    std::uint64_t keys = 0;
    for (std::size_t i = 0; i < written.heads.size(); ++i) {
      ASSERT_TRUE((*image)->read((*image)->blocks()[i], buffer, entries));
      ASSERT_EQ(entries.size(), written.heads[i].size());
      for (std::size_t k = 0; k < entries.size(); ++k) ASSERT_EQ(fields(entries[k]), fields(written.heads[i][k].entry));
      keys += entries.size();
    }
    std::vector<ImageLeaf> leaves;
    std::uint64_t count = 0;
    ASSERT_EQ((*image)->leaf_blocks().size(), written.leaves.size());
    for (std::size_t i = 0; i < written.leaves.size(); ++i) {
      ASSERT_TRUE((*image)->read((*image)->leaf_blocks()[i], buffer, leaves));
      ASSERT_EQ(leaves.size(), written.leaves[i].size());
      for (std::size_t k = 0; k < leaves.size(); ++k) ASSERT_EQ(fields(leaves[k]), fields(written.leaves[i][k].leaf));
      count += leaves.size();
    }
    EXPECT_EQ((*image)->keys(), keys);
    EXPECT_EQ((*image)->leaves(), count);
    EXPECT_TRUE((*image)->verify([]() -> Result<void> { return {}; }));
  }
}

TEST(Image, may_be_empty) {
  const auto files = make_memory_file_system();
  ASSERT_TRUE(files->create_directories("/db"));
  auto file = files->open(std::string(kPath), OpenMode::kCreate);
  auto writer = ImageWriter::begin(std::move(*file), header());
  ASSERT_TRUE((*writer)->finish());
  const auto image = ImageReader::open(*files, std::string(kPath));
  ASSERT_TRUE(image) << image.error().describe();
  EXPECT_EQ((*image)->keys() + (*image)->leaves(), 0u);
  EXPECT_EQ((*image)->newest(), kNoLsn);
}

// Each bit of each part: header, blocks of both kinds, indexes, trailer.
TEST(Image, with_any_bit_flipped_is_damaged_and_never_something_else) {
  sim::SimFileSystem files(1);
  write(files, 3);
  const std::uint64_t bits = 8 * files.dump().at(std::string(kPath)).size();
  for (std::uint64_t bit = 0; bit < bits; ++bit) {
    ASSERT_TRUE(files.flip_bit(std::string(kPath), bit));
    const auto image = ImageReader::open(files, std::string(kPath));
    const auto whole = image ? (*image)->verify([]() -> Result<void> { return {}; })
                             : Result<void>(std::unexpected(image.error().clone()));
    ASSERT_FALSE(whole) << "bit " << bit;
    ASSERT_EQ(whole.error().code(), ErrorCode::kCorrupt) << "bit " << bit << ": " << whole.error().describe();
    ASSERT_EQ(whole.error().file(), kPath);
    ASSERT_TRUE(files.flip_bit(std::string(kPath), bit));
  }
}

TEST(Image, cut_short_anywhere_is_damaged) {
  sim::SimFileSystem disk(1);
  write(disk, 4);
  const std::uint64_t size = disk.dump().at(std::string(kPath)).size();
  for (std::uint64_t left = 0; left < size; left += 1 + left / 40) {
    sim::SimFileSystem files = disk.after_crash(sim::CrashMode::kKeepAll, 1);
    ASSERT_TRUE(files.truncate_file(std::string(kPath), left));
    const auto image = ImageReader::open(files, std::string(kPath));
    ASSERT_FALSE(image) << left;
    EXPECT_EQ(image.error().code(), ErrorCode::kCorrupt);
  }
}

/// Bytes of the file replaced, and the checksums of header, trailer and one block made right again.
class Forgery {
 public:
  explicit Forgery(sim::SimFileSystem& files) : files_(files), bytes_(files.dump().at(std::string(kPath))) {}
  std::string& bytes() { return bytes_; }
  void sign_header() { put(120, base::xxh3(part(0, 120), 0)); }
  void sign_block(std::uint64_t offset, std::uint32_t size) {
    put(offset, base::xxh3(part(offset + 8, size - 8), seed() ^ offset));
  }
  void write() { ASSERT_TRUE(files_.overwrite(std::string(kPath), 0, base::as_bytes(bytes_))); }

 private:
  [[nodiscard]] std::span<const std::byte> part(std::uint64_t at, std::uint64_t size) const {
    return base::as_bytes(bytes_).subspan(at, size);
  }
  [[nodiscard]] std::uint64_t seed() const { return base::load<std::uint64_t>(bytes_.data() + 120); }
  void put(std::uint64_t at, std::uint64_t value) { base::store(bytes_.data() + at, value); }
  sim::SimFileSystem& files_;
  std::string bytes_;
};

TEST(Image, of_another_format_is_told_from_damage) {
  for (const std::uint32_t version : {1u, 3u, 4098u}) {
    sim::SimFileSystem files(1);
    write(files, 5);
    Forgery forgery(files);
    base::store(forgery.bytes().data() + 8, version);
    forgery.write();
    EXPECT_EQ(ImageReader::open(files, std::string(kPath)).error().code(), ErrorCode::kCorrupt);
    forgery.sign_header();
    forgery.write();
    EXPECT_EQ(ImageReader::open(files, std::string(kPath)).error().code(),
              version < 2 ? ErrorCode::kNotFound : ErrorCode::kUnsupported);
  }
}

// Passed over, a bit of the future would make something else of the key.
TEST(Image, with_a_bit_of_the_future_is_unsupported) {
  // Flags of the future. Of a type there is none: all sixteen numbers are taken.
  const std::vector<std::pair<std::uint64_t, int>> futures = {{16, 6}, {16, 7}};
  for (const auto& [at, what] : futures) {
    sim::SimFileSystem files(1);
    write(files, 6);
    auto image = ImageReader::open(files, std::string(kPath));
    ASSERT_TRUE(image);
    const auto blocks = (*image)->blocks();
    const auto block = std::ranges::find_if(blocks, [](const ImageBlock& b) { return b.entries != 0; });
    ASSERT_NE(block, blocks.end());
    Forgery forgery(files);
    char& byte = forgery.bytes()[block->offset + at];
    byte = static_cast<char>(byte | 1 << what);
    forgery.sign_block(block->offset, block->bytes);
    forgery.write();
    EXPECT_EQ((*image)->verify([]() -> Result<void> { return {}; }).error().code(), ErrorCode::kUnsupported);
  }
  for (int bit = 0; bit < 8; ++bit) {
    sim::SimFileSystem files(1);
    write(files, 7);
    auto image = ImageReader::open(files, std::string(kPath));
    ASSERT_TRUE(image);
    const auto blocks = (*image)->leaf_blocks();
    const auto block = std::ranges::find_if(blocks, [](const ImageLeafBlock& b) { return b.leaves != 0; });
    ASSERT_NE(block, blocks.end());
    Forgery forgery(files);
    forgery.bytes()[block->offset + 16] |= static_cast<char>(1 << bit);
    forgery.sign_block(block->offset, block->bytes);
    forgery.write();
    EXPECT_EQ((*image)->verify([]() -> Result<void> { return {}; }).error().code(), ErrorCode::kUnsupported);
  }
}

TEST(Image, knows_up_to_where_it_knows_each_key_and_each_leaf) {
  const auto files = make_memory_file_system();
  ASSERT_TRUE(files->create_directories("/db"));
  auto file = files->open(std::string(kPath), OpenMode::kCreate);
  auto writer = ImageWriter::begin(std::move(*file), header());
  ASSERT_TRUE(writer);
  const auto head = [&](std::uint32_t shard, std::uint32_t position, std::uint64_t as_of) {
    (*writer)->begin_block(shard, position, kFrom + as_of);
    ASSERT_TRUE((*writer)->end_block());
  };
  head(0, 0, 1);
  head(0, 1000, 2);
  head(5, 0, 3);
  const auto leaf = [&](std::uint64_t identity, std::string_view bound, std::uint64_t as_of) {
    (*writer)->begin_leaf_block(Lsn{identity}, bound, kFrom + as_of);
    ASSERT_TRUE((*writer)->end_block());
  };
  leaf(100, "", 4);
  leaf(100, "m", 5);
  leaf(200, "", 6);
  ASSERT_TRUE((*writer)->finish());
  const auto image = ImageReader::open(*files, std::string(kPath));
  ASSERT_TRUE(image) << image.error().describe();
  const ImageKnowledge knowledge(**image);
  const auto position = [](std::uint64_t shard, std::uint64_t at) { return at << 32 | shard << 8; };
  EXPECT_EQ(knowledge.as_of(0, position(0, 999), ""), kFrom + 1);
  EXPECT_EQ(knowledge.as_of(0, position(0, 1000), ""), kFrom + 2);
  EXPECT_EQ(knowledge.as_of(1, position(1, 5), ""), kFrom + 3);
  EXPECT_EQ(knowledge.as_of(0, position(1, 5), ""), kNoLsn);
  EXPECT_EQ(knowledge.leaf_as_of(Lsn{99}, "z"), kNoLsn);
  EXPECT_EQ(knowledge.leaf_as_of(Lsn{100}, ""), kFrom + 4);
  EXPECT_EQ(knowledge.leaf_as_of(Lsn{100}, "lzz"), kFrom + 4);
  EXPECT_EQ(knowledge.leaf_as_of(Lsn{100}, "m"), kFrom + 5);
  EXPECT_EQ(knowledge.leaf_as_of(Lsn{150}, "a"), kFrom + 5);
  EXPECT_EQ(knowledge.leaf_as_of(Lsn{200}, "a"), kFrom + 6);
  EXPECT_EQ(knowledge.newest(), kFrom + 6);
}

/// What a writer must never be asked ends the process before it is on the disk.
class ImageOrder : public ::testing::Test {
 protected:
  ImageOrder() {
    EXPECT_TRUE(files_->create_directories("/db"));
    auto file = files_->open(std::string(kPath), OpenMode::kCreate);
    writer_ = std::move(*ImageWriter::begin(std::move(*file), header()));
  }
  std::unique_ptr<FileSystem> files_ = make_memory_file_system();
  std::unique_ptr<ImageWriter> writer_;
};

TEST_F(ImageOrder, of_blocks_is_kept) {
  writer_->begin_block(1, 10, kFrom + 5);
  EXPECT_DEATH(writer_->begin_block(1, 20, kFrom + 5), "assertion");
  ASSERT_TRUE(writer_->end_block());
  EXPECT_DEATH(writer_->begin_block(1, 10, kFrom + 5), "assertion");
  EXPECT_DEATH(writer_->begin_block(0, 99, kFrom + 5), "assertion");
  EXPECT_DEATH(writer_->begin_block(8, 0, kFrom + 5), "assertion");
  EXPECT_DEATH(writer_->begin_block(2, 0, kFrom + 4), "assertion") << "no block knows less than the one before";
  writer_->begin_leaf_block(Lsn{7}, "b", kFrom + 5);
  ASSERT_TRUE(writer_->end_block());
  EXPECT_DEATH(writer_->begin_block(2, 0, kFrom + 5), "assertion") << "keys come first";
  EXPECT_DEATH(writer_->begin_leaf_block(Lsn{7}, "a", kFrom + 5), "assertion");
  EXPECT_DEATH(writer_->begin_leaf_block(Lsn{6}, "z", kFrom + 5), "assertion");
}

TEST_F(ImageOrder, of_records_is_kept) {
  const Lsn as_of = kFrom + 5;
  writer_->begin_block(0, 0, as_of);
  const auto entry = [](Lsn address, Lsn version) {
    return ImageEntry{.address = address, .version = version, .key = "k"};
  };
  EXPECT_DEATH(writer_->add(entry(as_of, as_of)), "assertion") << "what comes later is not known yet";
  EXPECT_DEATH(writer_->add(entry(Lsn{4'999}, Lsn{4'999})), "assertion") << "the log may lack it";
  EXPECT_DEATH(writer_->add(entry(kNoLsn, kNoLsn)), "assertion");
  writer_->add(entry(kNeeds, Lsn{1}));
  ASSERT_TRUE(writer_->end_block());
  writer_->begin_leaf_block(Lsn{7}, "b", as_of);
  const auto leaf = [](std::string_view bound, Lsn address, Lsn base) {
    return ImageLeaf{.identity = Lsn{7}, .bound = bound, .address = address, .version = address, .base = base};
  };
  EXPECT_DEATH(writer_->add(leaf("a", kNeeds, kNeeds)), "assertion") << "before its block";
  EXPECT_DEATH(writer_->add(leaf("b", kNeeds, kNeeds + 1)), "assertion") << "a chain leads backwards";
  writer_->add(leaf("b", kNeeds, kNeeds));
  EXPECT_DEATH(writer_->add(leaf("b", kNeeds, kNeeds)), "assertion") << "twice";
  ASSERT_TRUE(writer_->end_block());
}

}  // namespace
}  // namespace stave::store
