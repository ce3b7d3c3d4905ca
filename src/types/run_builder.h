// A run (run.h) made from its first item to its last, for who brings a whole collection from elsewhere: constant time
// an item, however many there are.
//
// Promises: the form is the one that a `Run` of the same items has; memory grows with the items that came. Must not
// know: types, where items come from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "types/item.h"

namespace stave::types {

/// Items, one behind the other, without what a run has before them.
class Items {
 public:
  void clear() noexcept;
  /// `text` is at most item::kTextMax bytes.
  void add(std::string_view text) { add(EncodedItem(text)); }
  void add(const EncodedItem& item) {
    item.append_to(bytes_);
    ++count_;
  }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }
  /// The run of these items. Nothing is left here.
  [[nodiscard]] std::string take_form(unsigned layout = 0);

 private:
  std::string bytes_;
  std::uint64_t count_ = 0;
};

/// Tells which items of a growing sequence are there for the second time. Keyed, so that nobody can choose items that
/// make it slow.
class ItemIndex {
 public:
  /// The most bytes of items that it can tell apart.
  static constexpr std::size_t kBytesMax = 0xffffffff;

  void clear() noexcept;
  /// Notes the item that begins at `at` in `items`, those noted before being there too, unchanged. False: it is one of
  /// them.
  bool insert(std::string_view items, std::size_t at);
  /// Where a noted item that is this text begins; nullopt: it is none of them.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view items, std::string_view text) const;

 private:
  void grow(std::string_view items);
  [[nodiscard]] std::size_t slot_of(std::string_view item) const noexcept;

  base::HashKey key_;
  bool keyed_ = false;
  std::vector<std::uint32_t> slots_;  ///< Place of an item and one; 0: free. A power of two, at most half in use.
  std::size_t used_ = 0;
};

}  // namespace stave::types
