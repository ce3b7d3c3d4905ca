// Count-min sketches: how often was this added, about? Never too few, and seldom too many by more than was asked for.
//
// `depth` rows of `width` counters; an element counts in one of each row, and its count is the least of these (Cormode
// and Muthukrishnan, 2005). With w counters a row, a count is too large by more than 2 n / w of n in all with a chance
// of 2^-depth. Head: 4 u32 depth, 8 u64 width, 16 u64 sum of all; behind it the rows, u32 each. Must not know: keys,
// commands.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "types/sketch/sketch.h"

namespace stave::types::sketch {

class CountMin {
 public:
  static constexpr std::uint32_t kDepthMax = 1024;

  [[nodiscard]] static constexpr std::uint64_t bytes_for(std::uint64_t width, std::uint32_t depth) noexcept {
    const std::uint64_t limit = std::uint64_t{1} << 48;
    return width > limit / depth ? ~std::uint64_t{0} : kHeadBytes + width * depth * sizeof(std::uint32_t);
  }
  /// Writes an empty one to `bytes`, which are none. Neither number is 0.
  static void make(Editor& bytes, std::uint64_t width, std::uint32_t depth);
  [[nodiscard]] static std::optional<std::uint64_t> size_of(const Head& head) noexcept;

  /// One that is well formed; it outlives this.
  explicit CountMin(const Reader& bytes);
  [[nodiscard]] std::uint64_t width() const noexcept { return width_; }
  [[nodiscard]] std::uint32_t depth() const noexcept { return depth_; }
  [[nodiscard]] std::uint64_t sum() const noexcept { return sum_; }
  [[nodiscard]] std::uint32_t count(std::string_view element) const;

  /// Adds to the same bytes, and returns the count then; nullopt: a counter had to stop at the greatest there is.
  /// `finish` when all were added.
  std::optional<std::uint32_t> add(Editor& bytes, std::string_view element, std::uint32_t times);
  /// Becomes the sum of others of the same shape, each with a weight, of which one may be itself. False, and nothing
  /// was changed: a counter would be below zero, or above the greatest.
  struct Weighted {
    const Reader* bytes;
    std::int64_t weight;
  };
  [[nodiscard]] bool become_sum(Editor& bytes, std::span<const Weighted> others);
  void finish(Editor& bytes) const;

 private:
  [[nodiscard]] std::uint64_t place(const Hash& hash, std::uint32_t row) const noexcept;

  const Reader& bytes_;
  std::uint32_t depth_;
  std::uint64_t width_;
  std::uint64_t sum_;
};

}  // namespace stave::types::sketch
