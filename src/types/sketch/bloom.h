// Bloom filters that grow: "was this added?", with no false no, and false yeses at most as often as was asked for.
//
// A filter is layers, each for so many elements; when the last is full another is added, larger by `expansion` and half
// as often wrong, so that all together keep the promise (Almeida et al., Scalable Bloom Filters, 2007). A layer's bits
// lie in blocks of a page, and an element's bits in one of them, so that adding one changes one page (Putze et al.,
// 2007; a block is so large that it costs some 3% of the bits). Head: 4 u32 layers, 8 u64 elements, 16 u64 capacity of
// the first layer, 24 f64 rate, 32 u32 expansion, 0: it does not grow. Everything else follows from these. Must not
// know: keys, commands.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "types/sketch/sketch.h"

namespace stave::types::sketch {

class Bloom {
 public:
  static constexpr double kRateMin = 1e-15;
  static constexpr double kRateMax = 0.25;  ///< What is asked for beyond is given that.
  static constexpr std::uint64_t kCapacityMax = std::uint64_t{1} << 30;
  static constexpr std::uint32_t kExpansionMax = 32768;

  struct Options {
    double rate = 0.01;  ///< Of false yeses; above 0, below 1.
    std::uint64_t capacity = 100;
    std::uint32_t expansion = 2;  ///< 0: it does not grow.
  };
  /// How many bytes one takes to which nothing was added.
  [[nodiscard]] static std::uint64_t bytes_for(const Options& options) noexcept;
  /// Writes an empty one to `bytes`, which are none.
  static void make(Editor& bytes, const Options& options);
  /// The size that the sketch of that head has; nullopt: it contradicts itself.
  [[nodiscard]] static std::optional<std::uint64_t> size_of(const Head& head) noexcept;

  /// One that is well formed; it outlives this.
  explicit Bloom(const Reader& bytes);
  [[nodiscard]] bool contains(std::string_view element) const;
  [[nodiscard]] std::uint64_t elements() const noexcept { return elements_; }
  [[nodiscard]] std::uint64_t capacity() const noexcept;
  [[nodiscard]] std::size_t layers() const noexcept { return layers_.size(); }
  [[nodiscard]] std::uint32_t expansion() const noexcept { return options_.expansion; }

  enum class Added : std::uint8_t { kNew, kThere, kFull, kTooLarge };
  /// Adds to the same bytes; `bytes_max`: as large as it may become. `finish` when all were added.
  Added add(Editor& bytes, std::string_view element, std::uint64_t bytes_max);
  void finish(Editor& bytes) const;

 private:
  struct Layer {
    std::uint64_t capacity = 0;
    std::uint64_t at = 0;  ///< Where its blocks begin.
    std::uint64_t blocks = 0;
    std::size_t block_bytes = 0;
    unsigned probes = 0;
    [[nodiscard]] std::uint64_t end() const noexcept { return at + blocks * block_bytes; }
  };
  static Options options_in(const Head& head) noexcept;
  static std::optional<Layer> layer(const Options& options, std::size_t number, std::uint64_t after) noexcept;
  [[nodiscard]] bool has(const Layer& layer, const Hash& hash, std::string& scratch) const;
  [[nodiscard]] Head head() const noexcept;

  const Reader& bytes_;
  Options options_;
  std::uint64_t elements_ = 0;
  std::vector<Layer> layers_;
};

}  // namespace stave::types::sketch
