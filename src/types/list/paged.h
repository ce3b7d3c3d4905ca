// A large list: its elements in the leaves of a tree that counts (paged/tree.h).
//
//     root: u8 layout, 1 | state of the tree
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "types/list/list.h"
#include "types/paged/tree.h"

namespace stave::types::list {

class Paged final : public Editor {
 public:
  /// The root of a new, empty one. `seed`: as other types take one; a list needs none.
  static std::string empty_root(std::uint64_t seed);
  /// Whether the bytes may be a root: for those that come from elsewhere.
  static bool well_formed(std::string_view root) noexcept;
  /// Every page of that root's has a number below this; nullopt: but most of these numbers are no page's any more.
  static std::optional<PageId> page_end(std::string_view root) noexcept {
    return paged::Tree::numbers_of(root.substr(1));
  }
  /// `root` is copied. `pages` outlives this object.
  Paged(Pages& pages, std::string_view root);

  /// Whether anything has changed, be it a page only.
  [[nodiscard]] bool changed() const noexcept { return changed_; }
  /// As it is now. Ends with the next change.
  [[nodiscard]] std::string_view root() const noexcept { return {root_, sizeof root_}; }
  /// Every page there is, for who copies or drops them all.
  void visit_pages(base::FunctionRef<bool(PageId)> visit) const { tree_.visit_pages(visit); }

  [[nodiscard]] std::uint64_t size() const noexcept override { return tree_.count(); }
  [[nodiscard]] ItemText at(std::uint64_t place) const override;
  void visit(std::uint64_t from, std::uint64_t to, Visit visit) const override;
  void visit_backwards(std::uint64_t from, std::uint64_t to, Visit visit) const override;
  void find(std::string_view element, std::uint64_t from, std::uint64_t to, VisitPlace visit) const override;
  void find_backwards(std::string_view element, std::uint64_t from, std::uint64_t to, VisitPlace visit) const override;
  /// An empty one gets what a compact form holds: many times cheaper than one by one.
  void fill(std::string_view form);
  using Editor::insert;
  void insert(std::uint64_t place, std::span<const std::string_view> elements, Order order) override;
  void set(std::uint64_t place, std::string_view element) override;
  void erase(std::uint64_t from, std::uint64_t count) override;
  std::uint64_t remove_first(std::string_view element, std::uint64_t most) override;
  std::uint64_t remove_last(std::string_view element, std::uint64_t most) override;

 private:
  void insert_one(std::uint64_t place, std::string_view element);
  std::uint64_t remove_at(std::vector<std::uint64_t>& places);
  void note_change() noexcept;

  paged::Tree tree_;
  char root_[1 + paged::Tree::kStateBytes];
  bool changed_ = false;
};

}  // namespace stave::types::list
