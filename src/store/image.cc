#include "store/image.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/assert.h"
#include "store/value.h"

namespace stave::store {

ImageKnowledge::ImageKnowledge(const ImageReader& image)
    : shards_(image.header().shards),
      blocks_(image.blocks()),
      leaf_blocks_(image.leaf_blocks()),
      newest_(image.newest()) {
  first_.assign(std::size_t{image.header().databases} * shards_ + 1, 0);
  for (const ImageBlock& block : blocks_) {
    STAVE_ASSERT(block.shard + 1 < first_.size());
    ++first_[block.shard + 1];
  }
  for (std::size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
}

Lsn ImageKnowledge::as_of(int database, std::uint64_t hash, std::string_view key) const noexcept {
  const std::uint64_t choice = database == kPagesNumber ? keyspace::Keyspace::together_hash(hash, key) : hash;
  const std::size_t shard = static_cast<std::size_t>(database) * shards_ + ((choice >> 8) & (shards_ - 1));
  if (shard + 1 >= first_.size()) return kNoLsn;
  const auto blocks = blocks_.subspan(first_[shard], first_[shard + 1] - first_[shard]);
  const auto after = std::ranges::upper_bound(blocks, hash >> 32, {}, &ImageBlock::position);
  return after == blocks.begin() ? kNoLsn : std::prev(after)->as_of;
}

Lsn ImageKnowledge::leaf_as_of(Lsn identity, std::string_view bound) const noexcept {
  const auto after = std::ranges::upper_bound(
      leaf_blocks_, std::pair(identity, bound), {},
      [](const ImageLeafBlock& b) { return std::pair(b.identity, std::string_view(b.bound)); });
  return after == leaf_blocks_.begin() ? kNoLsn : std::prev(after)->as_of;
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
  // Small letters only: each image has one name.
  if (!std::ranges::all_of(name.substr(0, 16), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }))
    return std::nullopt;
  std::uint64_t from = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + 16, from, 16);
  if (error != std::errc{} || end != name.data() + 16 || from == 0) return std::nullopt;
  return Lsn{from};
}

}  // namespace stave::store
