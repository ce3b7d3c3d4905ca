#include "types/sketch/digest.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

namespace stave::types::sketch {

namespace {

constexpr std::size_t kCompressionAt = 4;
constexpr std::size_t kClustersAt = 8;
constexpr std::size_t kBehindAt = 12;
constexpr std::size_t kLeastAt = 16;
constexpr std::size_t kGreatestAt = 24;
constexpr std::size_t kWeightAt = 32;
constexpr std::size_t kBehindWeightAt = 40;
constexpr std::size_t kMergingsAt = 48;
constexpr std::size_t kRoomAt = 56;
constexpr std::size_t kClusterBytes = 16;
constexpr std::uint32_t kRoomMin = 16;

void store_cluster(char* to, const Digest::Cluster& cluster) noexcept {
  base::store(to, cluster.mean);
  base::store(to + 8, cluster.weight);
}

bool by_mean(const Digest::Cluster& a, const Digest::Cluster& b) noexcept {
  return a.mean != b.mean ? a.mean < b.mean : a.weight < b.weight;
}

/// Neither overflows nor leaves the two. Both have a weight.
Digest::Cluster joined(const Digest::Cluster& a, const Digest::Cluster& b) noexcept {
  const std::uint64_t weight = a.weight + b.weight;
  const double part = static_cast<double>(b.weight) / static_cast<double>(weight);
  return {std::clamp(a.mean * (1 - part) + b.mean * part, std::min(a.mean, b.mean), std::max(a.mean, b.mean)), weight};
}

/// Up to which part of all a cluster may go that begins behind that part: one unit of k1 farther.
double end_of(double part, double unit) noexcept {
  const double k = std::asin(std::clamp(2 * part - 1, -1.0, 1.0)) + unit;
  return k >= std::numbers::pi / 2 ? 1 : (std::sin(k) + 1) / 2;
}

/// Joins neighbours as far as the scale lets them. Two of what is left make up more than a unit, so that these are at
/// most 4 * compression + 1. `all` is in order.
std::vector<Digest::Cluster> merged(const std::vector<Digest::Cluster>& all, std::uint32_t compression) {
  double total = 0;
  for (const Digest::Cluster& cluster : all) total += static_cast<double>(cluster.weight);
  // Twice as fine as asked for: there is room, and the answers are better by as much.
  const double unit = std::numbers::pi / (2.0 * compression);
  std::vector<Digest::Cluster> kept;
  double before = 0;  // the weight of all but the last that is kept
  double end = 0;
  for (const Digest::Cluster& cluster : all) {
    if (!kept.empty()) {
      const double with = before + static_cast<double>(kept.back().weight) + static_cast<double>(cluster.weight);
      if (with <= end * total) {
        kept.back() = joined(kept.back(), cluster);
        continue;
      }
      before += static_cast<double>(kept.back().weight);
    }
    kept.push_back(cluster);
    end = end_of(before / total, unit);
  }
  return kept;
}

}  // namespace

// --- layout ----------------------------------------------------------------------------------------------------------

void Digest::make(Editor& bytes, std::uint32_t compression) {
  STAVE_ASSERT(bytes.size() == 0 && compression >= 1 && compression <= kCompressionMax);
  Head head(Kind::kDigest);
  head.put<std::uint32_t>(kCompressionAt, compression);
  bytes.extend(kHeadBytes);
  bytes.write(0, head.view());
}

std::optional<std::uint64_t> Digest::size_of(const Head& head) noexcept {
  const auto compression = head.get<std::uint32_t>(kCompressionAt);
  if (compression == 0 || compression > kCompressionMax) return std::nullopt;
  const auto clusters = head.get<std::uint32_t>(kClustersAt);
  const auto behind = head.get<std::uint32_t>(kBehindAt);
  const auto room = head.get<std::uint32_t>(kRoomAt);
  if (std::uint64_t{clusters} + behind > std::min(room, capacity_for(compression))) return std::nullopt;
  const auto weight = head.get<std::uint64_t>(kWeightAt);
  const auto behind_weight = head.get<std::uint64_t>(kBehindWeightAt);
  if (weight > kWeightMax || behind_weight > kWeightMax - weight) return std::nullopt;
  return kHeadBytes + std::uint64_t{room} * kClusterBytes;
}

bool Digest::well_formed(const Reader& bytes) {
  const Digest digest(bytes);
  const std::vector<Cluster> all = digest.all();
  if (all.size() != std::size_t{digest.clusters_} + digest.behind_) return false;
  std::uint64_t weights[2] = {0, 0};
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!(all[i].mean >= digest.least_ && all[i].mean <= digest.greatest_) || all[i].weight > kWeightMax) return false;
    if (i != 0 && i < digest.clusters_ && all[i].mean < all[i - 1].mean) return false;
    std::uint64_t& sum = weights[i < digest.clusters_ ? 0 : 1];
    sum += all[i].weight;
    if (sum > kWeightMax) return false;
  }
  if (!all.empty() && !(std::isfinite(digest.least_) && std::isfinite(digest.greatest_))) return false;
  return weights[0] == digest.weight_ && weights[1] == digest.behind_weight_;
}

Digest::Digest(const Reader& bytes) : bytes_(bytes) {
  const Head head = Head::of(bytes);
  compression_ = head.get<std::uint32_t>(kCompressionAt);
  clusters_ = head.get<std::uint32_t>(kClustersAt);
  behind_ = head.get<std::uint32_t>(kBehindAt);
  least_ = head.get<double>(kLeastAt);
  greatest_ = head.get<double>(kGreatestAt);
  weight_ = head.get<std::uint64_t>(kWeightAt);
  behind_weight_ = head.get<std::uint64_t>(kBehindWeightAt);
  mergings_ = head.get<std::uint64_t>(kMergingsAt);
  room_ = head.get<std::uint32_t>(kRoomAt);
  STAVE_ASSERT(bytes.size() == kHeadBytes + std::uint64_t{room_} * kClusterBytes && clusters_ + behind_ <= room_);
}

void Digest::finish(Editor& bytes) const {
  Head head(Kind::kDigest);
  head.put<std::uint32_t>(kCompressionAt, compression_);
  head.put<std::uint32_t>(kClustersAt, clusters_);
  head.put<std::uint32_t>(kBehindAt, behind_);
  head.put<double>(kLeastAt, least_);
  head.put<double>(kGreatestAt, greatest_);
  head.put<std::uint64_t>(kWeightAt, weight_);
  head.put<std::uint64_t>(kBehindWeightAt, behind_weight_);
  head.put<std::uint64_t>(kMergingsAt, mergings_);
  head.put<std::uint32_t>(kRoomAt, room_);
  bytes.write(0, head.view());
}

/// As they lie there. Fewer than there are: a page cannot be had.
std::vector<Digest::Cluster> Digest::all() const {
  const std::uint32_t count = clusters_ + behind_;
  std::vector<Cluster> all;
  all.reserve(count);
  std::string scratch;
  for (std::uint64_t at = 0; at < std::uint64_t{count} * kClusterBytes; at += kPageBytes) {
    const auto size =
        static_cast<std::size_t>(std::min<std::uint64_t>(kPageBytes, std::uint64_t{count} * kClusterBytes - at));
    const std::string_view page = bytes_.read(kHeadBytes + at, size, scratch);
    for (std::size_t i = 0; i < size; i += kClusterBytes) {
      const Cluster cluster{base::load<double>(page.data() + i), base::load<std::uint64_t>(page.data() + i + 8)};
      if (cluster.weight != 0) all.push_back(cluster);
    }
  }
  return all;
}

std::vector<Digest::Cluster> Digest::sorted() const {
  std::vector<Cluster> clusters = all();
  std::ranges::sort(clusters, by_mean);
  return clusters;
}

void Digest::make_room(Editor& bytes, std::uint32_t count) {
  if (count <= room_) return;
  const std::uint32_t most = std::max(count, capacity_for(compression_));
  const std::uint32_t room = std::min(most, std::max({count, kRoomMin, room_ > most / 2 ? most : 2 * room_}));
  bytes.extend(std::uint64_t{room - room_} * kClusterBytes);
  room_ = room;
}

// --- changes ---------------------------------------------------------------------------------------------------------

/// Makes clusters of all of these, which are all there is.
void Digest::merge(Editor& bytes, std::vector<Cluster> all) {
  std::ranges::sort(all, by_mean);
  const std::vector<Cluster> kept = merged(all, compression_);
  clusters_ = static_cast<std::uint32_t>(kept.size());
  weight_ += behind_weight_;
  behind_ = 0;
  behind_weight_ = 0;
  ++mergings_;
  STAVE_ASSERT(clusters_ <= capacity_for(compression_));
  make_room(bytes, clusters_);
  std::string text(kept.size() * kClusterBytes, '\0');
  for (std::size_t i = 0; i < kept.size(); ++i) store_cluster(text.data() + i * kClusterBytes, kept[i]);
  bytes.write(kHeadBytes, text);
}

bool Digest::add(Editor& bytes, double number) {
  STAVE_ASSERT(&bytes == &bytes_ && std::isfinite(number));
  if (weight() >= kWeightMax) return false;
  if (clusters_ + behind_ >= capacity_for(compression_)) merge(bytes, all());
  const std::uint32_t at = clusters_ + behind_;
  make_room(bytes, at + 1);
  char text[kClusterBytes];
  store_cluster(text, {number, 1});
  bytes.write(kHeadBytes + std::uint64_t{at} * kClusterBytes, {text, sizeof text});
  const bool first = weight() == 0;
  least_ = first ? number : std::min(least_, number);
  greatest_ = first ? number : std::max(greatest_, number);
  ++behind_;
  ++behind_weight_;
  return true;
}

bool Digest::take_in(Editor& bytes, std::span<const Reader* const> others, std::uint32_t compression, bool anew) {
  STAVE_ASSERT(&bytes == &bytes_);
  std::vector<Cluster> clusters = anew ? std::vector<Cluster>() : all();
  std::uint64_t sum = anew ? 0 : weight();
  double least = least_;
  double greatest = greatest_;
  bool empty = sum == 0;
  for (const Reader* const other : others) {
    const Digest digest(*other);
    if (digest.weight() > kWeightMax - sum) return false;
    if (digest.weight() == 0) continue;
    sum += digest.weight();
    least = empty ? digest.least() : std::min(least, digest.least());
    greatest = empty ? digest.greatest() : std::max(greatest, digest.greatest());
    empty = false;
    const std::vector<Cluster> more = digest.all();
    clusters.insert(clusters.end(), more.begin(), more.end());
  }
  compression_ = compression;
  weight_ = sum;
  behind_weight_ = 0;
  least_ = empty ? 0 : least;
  greatest_ = empty ? 0 : greatest;
  merge(bytes, std::move(clusters));
  return true;
}

void Digest::reset(Editor& bytes) {
  clusters_ = behind_ = 0;
  weight_ = behind_weight_ = mergings_ = 0;
  least_ = greatest_ = 0;
  finish(bytes);
}

// --- the line --------------------------------------------------------------------------------------------------------

/// A number that stands for itself is flat as long as it is one; a cluster is its mean in its middle, and what lies
/// between is straight.
DigestLine::DigestLine(const Digest& digest) : clusters_(digest.sorted()) {
  const double least = digest.least();
  const double greatest = digest.greatest();
  for (const Digest::Cluster& cluster : clusters_) {
    const auto weight = static_cast<double>(cluster.weight);
    if (cluster.weight == 1) {
      points_.push_back({size_, cluster.mean});
      points_.push_back({size_ + 1, cluster.mean});
    } else {
      if (points_.empty()) points_.push_back({0, least});
      points_.push_back({size_ + weight / 2, cluster.mean});
    }
    size_ += weight;
  }
  if (points_.empty()) points_.push_back({0, least});
  if (points_.back().position < size_) points_.push_back({size_, greatest});
}

double DigestLine::number_at(double position) const noexcept {
  // Where two numbers meet, the second.
  const auto after = std::ranges::upper_bound(points_, position, {}, [](const Point& point) { return point.position; });
  if (after == points_.begin()) return points_.front().number;
  if (after == points_.end()) return points_.back().number;
  const Point& from = *(after - 1);
  const double part = (position - from.position) / (after->position - from.position);
  return std::clamp(from.number * (1 - part) + after->number * part, from.number, after->number);
}

double DigestLine::position_of(double number) const noexcept {
  // The first that is not less, and the first that is greater: between these lie those that equal it.
  const auto cross = [&](std::vector<Point>::const_iterator at) {
    if (at == points_.begin()) return at->position;
    if (at == points_.end()) return points_.back().position;
    const Point& from = *(at - 1);
    if (at->number == number || from.number == number) return at->number == number ? at->position : from.position;
    const double part = number / (at->number - from.number) - from.number / (at->number - from.number);
    return from.position + std::clamp(part, 0.0, 1.0) * (at->position - from.position);
  };
  const auto begin = std::ranges::lower_bound(points_, number, {}, [](const Point& point) { return point.number; });
  const auto end = std::ranges::upper_bound(points_, number, {}, [](const Point& point) { return point.number; });
  return (cross(begin) + cross(end)) / 2;
}

double DigestLine::mean_between(double from, double to) const noexcept {
  double mean = 0;
  double taken = 0;
  double at = 0;
  for (const Digest::Cluster& cluster : clusters_) {
    const double end = at + static_cast<double>(cluster.weight);
    const double part = std::min(end, to) - std::max(at, from);
    at = end;
    if (part <= 0) continue;
    taken += part;
    mean = mean * (1 - part / taken) + cluster.mean * (part / taken);
  }
  return taken > 0 ? mean : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace stave::types::sketch
