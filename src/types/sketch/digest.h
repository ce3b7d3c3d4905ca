// T-digests: of very many numbers, which is larger than that part of them, and the like, about.
//
// What was added is kept as clusters of numbers that lie together, a mean and a weight each; the nearer to either end,
// the lighter, so that what is rare is told the most exactly (Dunning and Ertl, Computing Extremely Accurate Quantiles
// Using t-Digests, 2019: the merging form, with the scale k1). New numbers are put behind the clusters one by one, and
// merged into them when they are as many as there is room for. A cluster of one number is exact, and so is every answer
// about few numbers. Head: 4 u32 compression, 8 u32 clusters, 12 u32 numbers behind them, 16 f64 least and 24 f64
// greatest number, 32 u64 weight of the clusters, 40 u64 of those behind, 48 u64 mergings, 56 u32 room; behind it so
// many pairs of a mean, f64, and a weight, u64, clusters in order. Must not know: keys, commands.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "types/sketch/sketch.h"

namespace stave::types::sketch {

class Digest {
 public:
  /// Weight in all: a double counts no farther.
  static constexpr std::uint64_t kWeightMax = std::uint64_t{1} << 53;
  static constexpr std::uint32_t kCompressionMax = std::uint32_t{1} << 28;

  struct Cluster {
    double mean = 0;
    std::uint64_t weight = 0;
  };
  /// How many clusters and numbers there may be.
  [[nodiscard]] static constexpr std::uint32_t capacity_for(std::uint32_t compression) noexcept {
    return 6 * compression + 10;
  }
  /// How large one becomes at most.
  [[nodiscard]] static constexpr std::uint64_t bytes_for(std::uint32_t compression) noexcept {
    return kHeadBytes + std::uint64_t{capacity_for(compression)} * 16;
  }
  /// Writes an empty one to `bytes`, which are none; `compression` from 1 to kCompressionMax.
  static void make(Editor& bytes, std::uint32_t compression);
  [[nodiscard]] static std::optional<std::uint64_t> size_of(const Head& head) noexcept;
  /// Whether all of a form whose size is that of its head is without contradictions.
  [[nodiscard]] static bool well_formed(const Reader& bytes);

  /// One that is well formed; it outlives this.
  explicit Digest(const Reader& bytes);
  [[nodiscard]] std::uint32_t compression() const noexcept { return compression_; }
  [[nodiscard]] std::uint32_t clusters() const noexcept { return clusters_; }
  [[nodiscard]] std::uint32_t behind() const noexcept { return behind_; }
  [[nodiscard]] std::uint64_t weight() const noexcept { return weight_ + behind_weight_; }
  [[nodiscard]] std::uint64_t weight_behind() const noexcept { return behind_weight_; }
  [[nodiscard]] std::uint64_t mergings() const noexcept { return mergings_; }
  /// Of the numbers; nothing means anything when there are none.
  [[nodiscard]] double least() const noexcept { return least_; }
  [[nodiscard]] double greatest() const noexcept { return greatest_; }
  /// All that is there, in order. Cost: sorting what is behind.
  [[nodiscard]] std::vector<Cluster> sorted() const;

  /// Adds a finite number to the same bytes. False, and nothing was changed: it is too many. `finish` when all were.
  [[nodiscard]] bool add(Editor& bytes, double number);
  /// Takes in all of others, one of which may be itself, and has that compression from then on; `anew`: forgets what it
  /// had. False, and nothing was changed: too many numbers.
  [[nodiscard]] bool take_in(Editor& bytes, std::span<const Reader* const> others, std::uint32_t compression,
                             bool anew);
  void reset(Editor& bytes);
  void finish(Editor& bytes) const;

 private:
  [[nodiscard]] std::vector<Cluster> all() const;
  void merge(Editor& bytes, std::vector<Cluster> all);
  void make_room(Editor& bytes, std::uint32_t count);

  const Reader& bytes_;
  std::uint32_t compression_;
  std::uint32_t clusters_;
  std::uint32_t behind_;
  double least_;
  double greatest_;
  std::uint64_t weight_;
  std::uint64_t behind_weight_;
  std::uint64_t mergings_;
  std::uint32_t room_;
};

/// The numbers of a digest as a line: from position 0 to its weight the number there, in order.
class DigestLine {
 public:
  /// Of one that is not empty.
  explicit DigestLine(const Digest& digest);
  /// How many there are.
  [[nodiscard]] double size() const noexcept { return size_; }
  /// The number at a position, from 0 to size.
  [[nodiscard]] double number_at(double position) const noexcept;
  /// How many are less than that number, and half of those that equal it, which lies from the least to the greatest.
  [[nodiscard]] double position_of(double number) const noexcept;
  /// The mean of those between two positions, the second beyond the first.
  [[nodiscard]] double mean_between(double from, double to) const noexcept;

 private:
  struct Point {
    double position = 0;
    double number = 0;
  };
  std::vector<Digest::Cluster> clusters_;
  std::vector<Point> points_;
  double size_ = 0;
};

}  // namespace stave::types::sketch
