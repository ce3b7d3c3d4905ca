// A large sorted set: its elements in the leaves of a tree that counts (paged/tree.h), and beside it the score of each
// member in pages by the member's hash (paged/buckets.h), which have the even numbers.
//
//     root: u8 layout, 1 | state of the buckets | state of the tree
#pragma once

#include <optional>
#include <string>

#include "types/paged/buckets.h"
#include "types/paged/tree.h"
#include "types/sorted_set/sorted_set.h"

namespace stave::types::sorted_set {

class Paged final : public Editor {
 public:
  /// The root of a new, empty one. `seed`: 64 random bits, which the root keeps, so that nobody who chooses members
  /// knows which fall together.
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
  [[nodiscard]] std::string_view root() const noexcept { return {root_, sizeof root_}; }
  /// Every page there is, for who copies or drops them all.
  void visit_pages(base::FunctionRef<bool(PageId)> visit) const;

  [[nodiscard]] std::uint64_t size() const noexcept override { return tree_.count(); }
  [[nodiscard]] std::optional<double> score(std::string_view member) const override;
  [[nodiscard]] std::optional<std::uint64_t> rank(std::string_view member) const override;
  [[nodiscard]] std::uint64_t count_below(double score, bool or_equal) const override;
  [[nodiscard]] std::uint64_t count_before(std::string_view member, bool or_equal) const override;
  void visit(std::uint64_t from, std::uint64_t to, Visit visit) const override;
  void visit_backwards(std::uint64_t from, std::uint64_t to, Visit visit) const override;
  std::uint64_t scan(std::uint64_t cursor, std::size_t count, Visit visit) const override;
  /// An empty one gets what a compact form holds: many times cheaper than one by one.
  void fill(std::string_view form);
  bool set(std::string_view member, double score) override;
  void append(std::string_view member, double score) override { set(member, score); }
  bool remove(std::string_view member) override;
  void erase(std::uint64_t from, std::uint64_t count) override;

 private:
  void note_change() noexcept;
  void change_place(std::string_view member, double from, double to, std::string_view element);
  bool erase_some(std::uint64_t from, std::uint64_t count);

  paged::Buckets buckets_;
  paged::Tree tree_;
  char root_[1 + paged::Buckets::kStateBytes + paged::Tree::kStateBytes];
  bool changed_ = false;
};

}  // namespace stave::types::sorted_set
