// Cuckoo filters that grow: "was this added?", from which elements can be taken out again.
//
// Each element leaves 16 bits, its mark, in one of two buckets; a mark that finds no room moves another one to that
// one's other bucket, and so on (Fan et al., Cuckoo Filter, 2014). With b marks a bucket a false yes has a chance of
// about 2 b / 65,535 for each of the filters, of which another, larger one is added when the last is full. Head: 2 u16
// marks a bucket, 4 u32 filters, 8 u64 elements, 16 u64 taken out, 24 u64 buckets of the first filter, a power of two,
// 32 u32 expansion (0: it does not grow), 36 u32 moves at most. Behind it the filters, bucket after bucket, u16 each,
// 0: free. Must not know: keys, commands.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "types/sketch/sketch.h"

namespace stave::types::sketch {

class Cuckoo {
 public:
  static constexpr std::uint64_t kCapacityMax = std::uint64_t{1} << 32;
  static constexpr std::uint16_t kBucketMax = 255;
  static constexpr std::uint32_t kMovesMax = 65535;
  static constexpr std::uint32_t kExpansionMax = 32768;

  struct Options {
    std::uint64_t capacity = 1024;
    std::uint16_t bucket = 2;
    std::uint32_t moves = 20;
    std::uint32_t expansion = 1;
  };
  [[nodiscard]] static std::uint64_t bytes_for(const Options& options) noexcept;
  static void make(Editor& bytes, const Options& options);
  [[nodiscard]] static std::optional<std::uint64_t> size_of(const Head& head);

  /// One that is well formed; it outlives this.
  explicit Cuckoo(const Reader& bytes);
  /// How often it may have been added: never less than it was.
  [[nodiscard]] std::uint64_t count(std::string_view element) const;

  enum class Added : std::uint8_t { kYes, kFull, kTooLarge };
  /// `finish` when all was added and removed.
  Added add(Editor& bytes, std::string_view element, std::uint64_t bytes_max);
  /// False: it is not there.
  bool remove(Editor& bytes, std::string_view element);
  void finish(Editor& bytes) const;

  [[nodiscard]] std::uint64_t elements() const noexcept { return elements_; }
  [[nodiscard]] std::uint64_t removed() const noexcept { return removed_; }
  [[nodiscard]] std::uint64_t buckets() const noexcept;
  [[nodiscard]] std::size_t filters() const noexcept { return filters_.size(); }
  [[nodiscard]] std::uint16_t bucket_size() const noexcept { return bucket_; }
  [[nodiscard]] std::uint32_t moves() const noexcept { return moves_; }
  [[nodiscard]] std::uint32_t expansion() const noexcept { return expansion_; }

 private:
  struct Filter {
    std::uint64_t at = 0;
    std::uint64_t buckets = 0;
  };
  /// Of an element: its mark, and where it may stand in any filter.
  struct Mark {
    std::uint64_t hash = 0;
    std::uint16_t mark = 0;
  };
  static Mark mark_of(std::string_view element) noexcept;
  static std::uint64_t other(std::uint64_t bucket, std::uint16_t mark, std::uint64_t buckets) noexcept;
  static std::optional<std::vector<Filter>> filters_in(const Head& head);
  [[nodiscard]] std::uint64_t slot(const Filter& filter, std::uint64_t bucket, std::uint64_t place) const noexcept {
    return filter.at + (bucket * bucket_ + place) * sizeof(std::uint16_t);
  }
  [[nodiscard]] std::string_view marks(const Filter& filter, std::uint64_t bucket, std::string& scratch) const {
    return bytes_.read(slot(filter, bucket, 0), bucket_ * sizeof(std::uint16_t), scratch);
  }
  /// The place of a mark in a bucket.
  [[nodiscard]] std::optional<std::uint64_t> find(const Filter& filter, std::uint64_t bucket, std::uint16_t mark) const;
  [[nodiscard]] bool put(Editor& bytes, const Filter& filter, const Mark& mark) const;
  [[nodiscard]] bool move_others(Editor& bytes, const Filter& filter, const Mark& mark) const;
  [[nodiscard]] Head head() const noexcept;

  const Reader& bytes_;
  std::uint16_t bucket_;
  std::uint32_t expansion_;
  std::uint32_t moves_;
  std::uint64_t elements_;
  std::uint64_t removed_;
  std::vector<Filter> filters_;
};

}  // namespace stave::types::sketch
