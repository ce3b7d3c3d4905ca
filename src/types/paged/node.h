// An inner page of a tree (tree.h): which pages are below it, how many elements each holds, and, where elements have an
// order of their own, what stands between two of them.
//
// It lies in two pages, since counts change with every insertion and the rest with every split only. On disk; see
// docs/format.md.
//
//     structure: u8 width | u16 children | numbers of their pages, `width` bytes each
//                | ordered: f64 score of each separator | member of each separator, an item
//     counts:    u8 width | elements below each child, `width` bytes each
//
// A separator is at most the first element of its child and behind the last one of the child before, as short as that
// can be; the first child has none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/edit.h"
#include "types/pages.h"
#include "types/sorted_set/score_item.h"

namespace stave::types::paged {

/// Numbers of one width, one behind the other. The bytes outlive it.
class Packed {
 public:
  static constexpr unsigned kWidthMax = 6;

  Packed() = default;
  Packed(const char* at, unsigned width) noexcept : at_(at), width_(width) {}
  static unsigned width_for(std::uint64_t largest) noexcept;
  static void append(std::string& to, std::uint64_t number, unsigned width) {
    to.append(reinterpret_cast<const char*>(&number), width);
  }

  [[nodiscard]] std::uint64_t operator[](std::size_t i) const noexcept;
  /// Of the numbers from `from` to the one before `to`.
  [[nodiscard]] std::uint64_t sum(std::size_t from, std::size_t to) const noexcept;
  /// Of the numbers from `from` on the one in which `rank` falls, counted from where `from` begins; `to` when it falls
  /// behind all before that.
  [[nodiscard]] std::size_t holder_of(std::uint64_t rank, std::size_t from, std::size_t to) const noexcept;

 private:
  const char* at_ = nullptr;
  unsigned width_ = 1;
};

/// An inner page as it lies there. The bytes outlive it.
class NodeView {
 public:
  /// Empty bytes: a page that cannot be had.
  NodeView(std::string_view structure, std::string_view counts) noexcept;

  [[nodiscard]] bool there() const noexcept { return size_ != 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint64_t page(std::size_t child) const noexcept { return pages_[child]; }
  [[nodiscard]] const Packed& counts() const noexcept { return counts_; }
  /// In whose elements the place is, of an ordered node.
  [[nodiscard]] std::size_t child_of(const sorted_set::Bound& place) const noexcept;

  // Of the separators, one less than children.
  [[nodiscard]] double score(std::size_t separator) const noexcept;
  [[nodiscard]] const char* members() const noexcept { return scores_ + sizeof(double) * (size_ - 1); }

 private:
  std::size_t size_ = 0;
  Packed pages_;
  Packed counts_;
  const char* scores_ = nullptr;
};

/// Counts as they lie there, of which one is `more` more, which may be a negative number's two's complement.
std::string counts_with(std::string_view counts, std::size_t child, std::uint64_t more);

/// The same as an edit, which fits when the count needs no more bytes than each has.
class CountEdit {
 public:
  CountEdit(std::string_view counts, std::size_t child, std::uint64_t more) noexcept;
  CountEdit(const CountEdit&) = delete;
  CountEdit& operator=(const CountEdit&) = delete;
  [[nodiscard]] bool fits() const noexcept { return edit_.out != 0; }
  [[nodiscard]] const base::Edit& edit() const noexcept { return edit_; }

 private:
  std::uint64_t count_;  ///< `edit_` refers to its bytes.
  base::Edit edit_;
};

/// What stands before a child.
struct Separator {
  double score = 0;
  std::string member = std::string(1, '\0');  ///< An item.

  /// The shortest between two neighbouring elements; the items of both begin with their scores.
  static Separator between(const char* element, const char* next_element);
};

struct Child {
  std::uint64_t page = 0;
  std::uint64_t count = 0;
  Separator separator;  ///< Of the first child: without meaning.
  // A node at the edge of the tree: its first or last count may be another than the page says.
  bool first_loose = false;
  bool last_loose = false;
};

/// An inner page while it is changed. All counts are what they should be.
struct Node {
  std::uint64_t page = 0;
  bool ordered = false;
  bool first_loose = false;
  bool last_loose = false;
  bool restructured = false;
  bool recounted = false;
  std::size_t at = 0;  ///< The child that whoever changes the tree has come through.
  std::vector<Child> children;

  [[nodiscard]] std::uint64_t count() const noexcept;
  [[nodiscard]] std::size_t bytes() const noexcept;
  [[nodiscard]] std::string structure() const;
  [[nodiscard]] std::string counts() const;
  /// The child `at` has that many elements now.
  void recount(std::uint64_t count) noexcept;
  void remove(std::size_t child);
  /// The children from `from` on that go when the node is halved.
  [[nodiscard]] std::size_t middle() const noexcept;
};

}  // namespace stave::types::paged
