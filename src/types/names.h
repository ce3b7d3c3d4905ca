// Texts by themselves, numbered in the order in which they first came: for what several collections make together.
//
// Promises: a text is found, or not, at the price of one look at a table and, where it is there, one at the text; the
// hash is keyed, for strangers choose the texts. Throws std::bad_alloc. Must not know: types, where texts come from.
// Threads: as a standard container.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/random.h"

namespace stave::types {

class Names {
 public:
  /// For so many, about.
  explicit Names(std::uint64_t expected);
  Names(const Names&) = delete;
  Names& operator=(const Names&) = delete;

  struct Added {
    std::size_t number = 0;
    bool is_new = false;
  };
  Added add(std::string_view text);
  [[nodiscard]] std::optional<std::size_t> find(std::string_view text) const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return texts_.size(); }
  /// The text of that number; stays where it is.
  [[nodiscard]] std::string_view operator[](std::size_t number) const noexcept { return texts_[number]; }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::size_t after = 0;  ///< The number and one; 0: free.
  };
  [[nodiscard]] std::size_t slot_of(std::string_view text, std::uint64_t hash) const noexcept;
  void grow(std::size_t slots);

  base::HashKey key_{.k0 = base::thread_random(), .k1 = base::thread_random()};
  std::pmr::monotonic_buffer_resource memory_;
  std::vector<std::string_view> texts_;
  std::vector<Slot> slots_;  ///< A power of two, at most half in use.
};

}  // namespace stave::types
