// A large stream: blocks of entries in the leaves of one tree, whose pages have the even numbers, and marks in those of
// another (paged/tree.h), all of one score, so that the order is that of the bytes.
//
//     root: u8 layout, 1 | header | state of the entries' tree | state of the marks' tree, if there are any
#pragma once

#include <optional>
#include <string>

#include "types/paged/tree.h"
#include "types/pages.h"
#include "types/stream/on_elements.h"

namespace stave::types::stream {

class Paged final : public OnElements, private Elements {
 public:
  using OnElements::visit;

  /// The root of a new, empty one. Nothing is random in it.
  static std::string empty_root(std::uint64_t seed);
  /// Whether the bytes may be a root: for those that come from elsewhere.
  static bool well_formed(std::string_view root) noexcept;
  /// Every page of that root's has a number below this; nullopt: but most of these numbers are no page's any more.
  static std::optional<PageId> page_end(std::string_view root) noexcept;
  /// `root` is copied. `pages` outlives this object.
  Paged(Pages& pages, std::string_view root);

  /// Whether anything has changed, be it a page only.
  [[nodiscard]] bool changed() const noexcept { return changed_; }
  /// As it is now. Ends with the next change.
  [[nodiscard]] std::string_view root() const noexcept { return root_; }
  /// Every page there is, for who copies or drops them all.
  void visit_pages(base::FunctionRef<bool(PageId)> visit) const;
  /// An empty one gets what a compact form holds: many times cheaper than one by one.
  void fill(std::string_view form);
  [[nodiscard]] const Elements& elements() const noexcept override { return *this; }

 private:
  struct Parts;
  /// Where the element of a rank stands.
  struct Found {
    Part part;
    std::uint64_t rank;
    paged::Tree::Place place;
  };
  static std::optional<Parts> parts_of(std::string_view root) noexcept;
  Paged(Pages& pages, const Parts& parts, std::string_view root);

  [[nodiscard]] Elements& elements() noexcept override { return *this; }
  void note_change() override;

  [[nodiscard]] std::uint64_t count(Part part) const noexcept override { return tree(part).count(); }
  [[nodiscard]] std::uint64_t rank(Part part, std::string_view key) const override;
  void visit(Part part, std::uint64_t from, std::uint64_t to, bool backwards, Elements::Visit visit) const override;
  void insert(Part part, std::string_view element) override;
  void replace(Part part, std::uint64_t rank, std::string_view element) override;
  void erase(Part part, std::uint64_t from, std::uint64_t count) override;
  const paged::Tree::Place* find_place(Part part, std::uint64_t rank) const;
  [[nodiscard]] const paged::Tree& tree(Part part) const noexcept { return part == Part::kEntries ? entries_ : marks_; }
  [[nodiscard]] paged::Tree& tree(Part part) noexcept { return part == Part::kEntries ? entries_ : marks_; }

  paged::Tree entries_;
  paged::Tree marks_;
  std::string root_;
  /// What was looked up last: who looks at an element is about to change it, mostly. Ends with any change.
  mutable std::optional<Found> found_;
  bool changed_ = false;
};

}  // namespace stave::types::stream
