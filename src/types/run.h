// All elements of a small collection in one run of bytes: the compact form that every type shares.
//
//     u8 layout | varint number of items | items, one behind the other (item.h)
//
// The layout is 0, or 1 where a type has a second way to lay out its elements (a hash whose fields expire). A run
// borrows the bytes it reads and copies them when it is changed first. What an item is to its type, and in what order
// they stand, is the type's. Promises: `form` of the same items is the same bytes. Must not know: types, keys. On disk;
// see docs/format.md. Cost: an item is found by walking from the front.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "types/item.h"

namespace stave::types {

class Run {
 public:
  static constexpr unsigned kLayoutMax = 1;

  Run() = default;
  /// No items yet, of that layout.
  static Run of_layout(unsigned layout) noexcept;
  /// `form` is that of a run, or empty, which is none's but reads as that of no items. It must outlive this object
  /// until that is changed.
  explicit Run(std::string_view form) noexcept;

  /// Whether the bytes are a whole run of that layout: for those that come from elsewhere.
  static bool well_formed(std::string_view form, unsigned layout = 0) noexcept;
  /// What a run of so many items begins with.
  static std::string head(std::uint64_t count, unsigned layout = 0);

  [[nodiscard]] unsigned layout() const noexcept { return static_cast<unsigned char>(layout_); }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] bool changed() const noexcept { return changed_; }
  /// The whole run as bytes. Ends with the next change and with this object.
  [[nodiscard]] std::string_view form() const noexcept { return changed_ ? std::string_view(own_) : borrowed_; }

  // Places are offsets of items within the form. They end with a change.
  [[nodiscard]] std::size_t begin() const noexcept { return items_at_; }
  [[nodiscard]] std::size_t end() const noexcept { return form().size(); }
  [[nodiscard]] std::size_t next(std::size_t at) const noexcept {
    STAVE_ASSERT(at >= items_at_ && at < end());
    const std::size_t after = at + item::size_at(form().data() + at);
    STAVE_ASSERT(after <= end());
    return after;
  }
  [[nodiscard]] const char* data(std::size_t at) const noexcept { return form().data() + at; }
  [[nodiscard]] ItemText read(std::size_t at) const noexcept { return item::read(data(at)); }
  /// Where the item of that number stands; the number of items: the end.
  [[nodiscard]] std::size_t place(std::uint64_t number) const noexcept;
  /// The place so many items behind `at`; all of them are there.
  [[nodiscard]] std::size_t walk(std::size_t at, std::uint64_t items) const noexcept;

  /// Makes room for `bytes` bytes at `at` instead of the `erased` that stand there; the items become `items` more.
  /// Returns what is to be written over. Throws std::bad_alloc; nothing was changed.
  char* replace(std::size_t& at, std::size_t erased, std::size_t bytes, std::int64_t items);
  /// Nothing is left.
  void clear();
  /// Writes a number of items as it stands in a form; returns how many bytes that takes.
  static constexpr std::size_t kCountBytesMax = 10;
  static std::size_t put_count(char* to, std::uint64_t count) noexcept;
  /// The form of a run of so many items, to which they are then appended one by one.
  [[nodiscard]] static std::string begin_form(std::uint64_t items);

 private:
  void own(std::size_t room);
  void set_count(std::uint64_t count, std::size_t& at);

  std::string_view borrowed_;
  std::string own_;
  std::uint64_t count_ = 0;
  std::size_t items_at_ = 0;
  char layout_ = 0;
  bool changed_ = false;
};

}  // namespace stave::types
