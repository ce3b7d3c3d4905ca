// Lists of the heaviest: which elements were added most often, about, and how often?
//
// `depth` rows of `width` counters, each with the mark of the element that it counts. Whoever meets another one's
// counter takes one off it, with a chance that shrinks with what it holds, and has it when nothing is left; so what
// comes often keeps its counters (Yang et al., HeavyKeeper, 2019). An element's count is the greatest of its counters:
// never too large, unless two elements have one mark. The k of the greatest counts are kept by name. Chance comes of a
// number that is kept with the rest: the same calls make the same bytes.
//
// Head: 4 u32 k, 8 u32 width, 12 u32 depth, 16 f64 decay, 24 u64 chance, 32 u32 listed, 36 u32 room for names, 40 u32
// of it used, 44 u32 of that by names of listed ones. Behind it k places of the list (u32 mark, u32 count, u32 size of
// the name, u32 where it begins), of which those listed are a heap whose first is the least; then the counters (u32
// mark, u32 count), row after row; then the room for names. Must not know: keys, commands.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "types/sketch/sketch.h"

namespace stave::types::sketch {

class Top {
 public:
  struct Options {
    std::uint32_t k = 1;
    std::uint32_t width = 8;
    std::uint32_t depth = 7;
    double decay = 0.9;  ///< Above 0, at most 1.
  };
  /// How many bytes one takes to which nothing was added.
  [[nodiscard]] static std::uint64_t bytes_for(const Options& options) noexcept;
  /// Writes an empty one to `bytes`, which are none. No number is 0.
  static void make(Editor& bytes, const Options& options);
  [[nodiscard]] static std::optional<std::uint64_t> size_of(const Head& head) noexcept;
  /// Whether all of a form whose size is that of its head is without contradictions.
  [[nodiscard]] static bool well_formed(const Reader& bytes);

  /// One that is well formed; it outlives this.
  explicit Top(const Reader& bytes);
  [[nodiscard]] const Options& options() const noexcept { return options_; }
  [[nodiscard]] bool listed(std::string_view element) const;
  [[nodiscard]] std::uint32_t count(std::string_view element) const;
  struct Listed {
    std::string name;
    std::uint32_t count = 0;
  };
  /// The most often added first.
  [[nodiscard]] std::vector<Listed> list() const;

  struct Added {
    bool too_large = false;               ///< Its name has no room, and nothing was changed.
    std::optional<std::string> expelled;  ///< Which one left the list for it.
  };
  /// Adds to the same bytes, `times` times. `bytes_max`: as large as they may become. `finish` when all were added.
  Added add(Editor& bytes, std::string_view element, std::uint32_t times, std::uint64_t bytes_max);
  void finish(Editor& bytes) const;

 private:
  struct Place {
    std::uint32_t mark = 0;
    std::uint32_t count = 0;
    std::uint32_t size = 0;
    std::uint32_t at = 0;
  };
  struct Counter {
    std::uint32_t mark = 0;
    std::uint32_t count = 0;
  };
  [[nodiscard]] static std::uint64_t counters_at(const Options& options) noexcept;
  static Options options_in(const Head& head) noexcept;
  [[nodiscard]] std::uint64_t counter_at(const Hash& hash, std::uint32_t row) const noexcept;
  [[nodiscard]] Counter counter(std::uint64_t at) const;
  [[nodiscard]] Place place(std::uint32_t number) const;
  void put(Editor& bytes, std::uint32_t number, const Place& place) const;
  [[nodiscard]] std::string name(const Place& place) const;
  [[nodiscard]] std::optional<std::uint32_t> find(std::uint32_t mark, std::string_view element) const;
  std::uint32_t count_in_row(Counter& counter, std::uint32_t mark, std::uint32_t times);
  [[nodiscard]] double chance() noexcept;
  [[nodiscard]] std::uint64_t room_max(std::uint64_t bytes_max) const noexcept;
  [[nodiscard]] bool make_room(Editor& bytes, std::size_t size, std::uint64_t bytes_max);
  void close_gaps(Editor& bytes);
  void sink(Editor& bytes, std::uint32_t number, const Place& place) const;
  void rise(Editor& bytes, std::uint32_t number, const Place& place) const;

  const Reader& bytes_;
  Options options_;
  std::uint64_t chance_;
  std::uint32_t listed_;
  std::uint32_t room_;
  std::uint32_t used_;
  std::uint32_t live_;
};

}  // namespace stave::types::sketch
