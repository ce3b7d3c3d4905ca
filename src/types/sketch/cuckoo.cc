#include "types/sketch/cuckoo.h"

#include <algorithm>
#include <bit>
#include <unordered_map>
#include <utility>

namespace stave::types::sketch {

namespace {

constexpr std::size_t kBucketAt = 2;
constexpr std::size_t kFiltersAt = 4;
constexpr std::size_t kCuckooElementsAt = 8;
constexpr std::size_t kRemovedAt = 16;
constexpr std::size_t kBucketsAt = 24;
constexpr std::size_t kCuckooExpansionAt = 32;
constexpr std::size_t kMovesAt = 36;
constexpr std::uint32_t kFiltersMax = 1024;
constexpr std::uint64_t kBucketsMax = std::uint64_t{1} << 38;

std::uint16_t load_mark(const char* at) noexcept {
  return base::load<std::uint16_t>(at);
}
void write_mark(Editor& bytes, std::uint64_t at, std::uint16_t mark) {
  char text[sizeof mark];
  base::store(text, mark);
  bytes.write(at, {text, sizeof text});
}

std::uint64_t buckets_for(const Cuckoo::Options& options) noexcept {
  return std::bit_ceil(std::max<std::uint64_t>(options.capacity / options.bucket, 1));
}

}  // namespace

std::uint64_t Cuckoo::bytes_for(const Options& options) noexcept {
  return kHeadBytes + buckets_for(options) * options.bucket * sizeof(std::uint16_t);
}

void Cuckoo::make(Editor& bytes, const Options& options) {
  STAVE_ASSERT(bytes.size() == 0 && options.bucket != 0 && options.capacity <= kCapacityMax);
  Head head(Kind::kCuckoo);
  head.put<std::uint16_t>(kBucketAt, options.bucket);
  head.put<std::uint32_t>(kFiltersAt, 1);
  head.put<std::uint64_t>(kBucketsAt, buckets_for(options));
  // A filter's buckets are a power of two, so what it grows by is one too.
  head.put<std::uint32_t>(kCuckooExpansionAt, options.expansion == 0 ? 0 : std::bit_ceil(options.expansion));
  head.put<std::uint32_t>(kMovesAt, options.moves);
  bytes.extend(bytes_for(options));
  bytes.write(0, head.view());
}

std::optional<std::vector<Cuckoo::Filter>> Cuckoo::filters_in(const Head& head) {
  const auto bucket = head.get<std::uint16_t>(kBucketAt);
  const auto filters = head.get<std::uint32_t>(kFiltersAt);
  const auto expansion = head.get<std::uint32_t>(kCuckooExpansionAt);
  std::uint64_t buckets = head.get<std::uint64_t>(kBucketsAt);
  const auto moves = head.get<std::uint32_t>(kMovesAt);
  if (bucket == 0 || bucket > kBucketMax || filters == 0 || filters > kFiltersMax || moves > kMovesMax)
    return std::nullopt;
  if (expansion > kExpansionMax || (expansion != 0 && !std::has_single_bit(expansion))) return std::nullopt;
  if (expansion == 0 && filters > 1) return std::nullopt;
  std::vector<Filter> found;
  std::uint64_t at = kHeadBytes;
  for (std::uint32_t i = 0; i < filters; ++i) {
    if (!std::has_single_bit(buckets) || buckets > kBucketsMax) return std::nullopt;
    found.push_back({.at = at, .buckets = buckets});
    at += buckets * bucket * sizeof(std::uint16_t);
    buckets *= expansion;
  }
  return found;
}

std::optional<std::uint64_t> Cuckoo::size_of(const Head& head) {
  const auto filters = filters_in(head);
  if (!filters) return std::nullopt;
  const Filter& last = filters->back();
  return last.at + last.buckets * head.get<std::uint16_t>(kBucketAt) * sizeof(std::uint16_t);
}

Cuckoo::Cuckoo(const Reader& bytes) : bytes_(bytes) {
  const Head head = Head::of(bytes);
  bucket_ = head.get<std::uint16_t>(kBucketAt);
  expansion_ = head.get<std::uint32_t>(kCuckooExpansionAt);
  moves_ = head.get<std::uint32_t>(kMovesAt);
  elements_ = head.get<std::uint64_t>(kCuckooElementsAt);
  removed_ = head.get<std::uint64_t>(kRemovedAt);
  auto filters = filters_in(head);
  STAVE_ASSERT(filters.has_value() && size_of(head) == bytes.size());
  filters_ = std::move(*filters);
}

Cuckoo::Mark Cuckoo::mark_of(std::string_view element) noexcept {
  const Hash hash = hash_of(element);
  return {.hash = hash.low, .mark = static_cast<std::uint16_t>(1 + hash.high % 65535)};
}

std::uint64_t Cuckoo::other(std::uint64_t bucket, std::uint16_t mark, std::uint64_t buckets) noexcept {
  return bucket ^ (mixed(mark) & (buckets - 1));
}

std::uint64_t Cuckoo::buckets() const noexcept {
  std::uint64_t sum = 0;
  for (const Filter& filter : filters_) sum += filter.buckets;
  return sum;
}

std::optional<std::uint64_t> Cuckoo::find(const Filter& filter, std::uint64_t bucket, std::uint16_t mark) const {
  std::string scratch;
  const std::string_view held = marks(filter, bucket, scratch);
  for (std::uint64_t place = 0; place < bucket_; ++place)
    if (load_mark(held.data() + place * sizeof mark) == mark) return place;
  return std::nullopt;
}

std::uint64_t Cuckoo::count(std::string_view element) const {
  const Mark mark = mark_of(element);
  std::uint64_t sum = 0;
  std::string scratch;
  for (const Filter& filter : filters_) {
    const std::uint64_t first = mark.hash & (filter.buckets - 1);
    const std::uint64_t second = other(first, mark.mark, filter.buckets);
    for (const std::uint64_t bucket : {first, second}) {
      const std::string_view held = marks(filter, bucket, scratch);
      for (std::uint64_t place = 0; place < bucket_; ++place)
        sum += load_mark(held.data() + place * sizeof mark.mark) == mark.mark ? 1 : 0;
      if (first == second) break;
    }
  }
  return sum;
}

/// Where there is room.
bool Cuckoo::put(Editor& bytes, const Filter& filter, const Mark& mark) const {
  const std::uint64_t first = mark.hash & (filter.buckets - 1);
  for (const std::uint64_t bucket : {first, other(first, mark.mark, filter.buckets)}) {
    const auto free = find(filter, bucket, 0);
    if (!free) continue;
    write_mark(bytes, slot(filter, bucket, *free), mark.mark);
    return true;
  }
  return false;
}

/// Makes room, or changes nothing.
bool Cuckoo::move_others(Editor& bytes, const Filter& filter, const Mark& mark) const {
  std::unordered_map<std::uint64_t, std::uint16_t> moved;  // what is to be written where
  std::string scratch;
  std::uint16_t homeless = mark.mark;
  std::uint64_t bucket = mark.hash & (filter.buckets - 1);
  for (std::uint32_t i = 0; i < moves_; ++i) {
    const std::string_view held = marks(filter, bucket, scratch);
    std::uint64_t victim = i % bucket_;
    const auto mark_at = [&](std::uint64_t place) {
      const auto known = moved.find(slot(filter, bucket, place));
      return known != moved.end() ? known->second : load_mark(held.data() + place * sizeof homeless);
    };
    for (std::uint64_t place = 0; place < bucket_; ++place)
      if (mark_at(place) == 0) victim = place;
    const std::uint16_t old = mark_at(victim);
    moved[slot(filter, bucket, victim)] = homeless;
    if (old == 0) {
      for (const auto& [at, fresh] : moved) write_mark(bytes, at, fresh);
      return true;
    }
    homeless = old;
    bucket = other(bucket, homeless, filter.buckets);
  }
  return false;
}

Cuckoo::Added Cuckoo::add(Editor& bytes, std::string_view element, std::uint64_t bytes_max) {
  STAVE_ASSERT(&bytes == &bytes_);
  const Mark mark = mark_of(element);
  const bool room =
      std::any_of(filters_.rbegin(), filters_.rend(), [&](const Filter& filter) { return put(bytes, filter, mark); });
  if (!room && !move_others(bytes, filters_.back(), mark)) {
    if (expansion_ == 0) return Added::kFull;
    const std::uint64_t buckets = filters_.back().buckets * expansion_;
    if (buckets > kBucketsMax || filters_.size() == kFiltersMax) return Added::kTooLarge;
    const std::uint64_t more = buckets * bucket_ * sizeof(std::uint16_t);
    if (more > bytes_max || bytes.size() > bytes_max - more) return Added::kTooLarge;
    filters_.push_back({.at = bytes.size(), .buckets = buckets});
    bytes.extend(more);
    const bool put_there = put(bytes, filters_.back(), mark);
    STAVE_ASSERT(put_there);
  }
  ++elements_;
  return Added::kYes;
}

bool Cuckoo::remove(Editor& bytes, std::string_view element) {
  STAVE_ASSERT(&bytes == &bytes_);
  const Mark mark = mark_of(element);
  for (auto filter = filters_.rbegin(); filter != filters_.rend(); ++filter) {
    const std::uint64_t first = mark.hash & (filter->buckets - 1);
    for (const std::uint64_t bucket : {first, other(first, mark.mark, filter->buckets)}) {
      const auto place = find(*filter, bucket, mark.mark);
      if (!place) continue;
      write_mark(bytes, slot(*filter, bucket, *place), 0);
      if (elements_ > 0) --elements_;
      ++removed_;
      return true;
    }
  }
  return false;
}

Head Cuckoo::head() const noexcept {
  Head head(Kind::kCuckoo);
  head.put<std::uint16_t>(kBucketAt, bucket_);
  head.put<std::uint32_t>(kFiltersAt, static_cast<std::uint32_t>(filters_.size()));
  head.put<std::uint64_t>(kCuckooElementsAt, elements_);
  head.put<std::uint64_t>(kRemovedAt, removed_);
  head.put<std::uint64_t>(kBucketsAt, filters_.front().buckets);
  head.put<std::uint32_t>(kCuckooExpansionAt, expansion_);
  head.put<std::uint32_t>(kMovesAt, moves_);
  return head;
}

void Cuckoo::finish(Editor& bytes) const {
  bytes.write(0, head().view());
}

}  // namespace stave::types::sketch
