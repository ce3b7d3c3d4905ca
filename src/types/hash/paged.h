// A large hash: its fields in pages by the hash of their names (paged/buckets.h), in no order. None of them has a
// deadline: a hash with such fields is kept as one run (compact.h).
//
//     root: u8 layout, 1 | state of the buckets
#pragma once

#include <optional>
#include <string>

#include "types/hash/hash.h"
#include "types/paged/buckets.h"

namespace stave::types::hash {

class Paged final : public Editor {
 public:
  using Editor::set;

  /// The root of a new, empty one. `seed`: 64 random bits, which the root keeps, so that nobody who chooses names knows
  /// which fall together.
  static std::string empty_root(std::uint64_t seed);
  /// Whether the bytes may be a root: for those that come from elsewhere.
  static bool well_formed(std::string_view root) noexcept;
  /// Every page of that root's has a number below this; nullopt: but most of these numbers are no page's any more.
  static std::optional<PageId> page_end(std::string_view root) noexcept {
    return paged::Buckets::pages_of(root.substr(1));
  }
  /// `root` is copied. `pages` outlives this object.
  Paged(Pages& pages, std::string_view root);

  /// Whether anything has changed, be it a page only.
  [[nodiscard]] bool changed() const noexcept { return changed_; }
  /// As it is now. Ends with the next change.
  [[nodiscard]] std::string_view root() const noexcept { return {root_, sizeof root_}; }
  /// Every page there is, for who copies or drops them all.
  void visit_pages(base::FunctionRef<bool(PageId)> visit) const { buckets_.visit_pages(visit); }

  [[nodiscard]] std::uint64_t size() const noexcept override { return buckets_.count(); }
  [[nodiscard]] std::optional<ItemText> find(std::string_view name) const override;
  void visit(Visit visit) const override;
  std::uint64_t scan(std::uint64_t cursor, std::size_t count, Visit visit) const override;
  void visit_random(std::uint64_t random, Visit visit) const override;
  [[nodiscard]] std::optional<UnixMs> deadline(std::string_view name) const override;
  /// An empty one gets what a compact form without deadlines holds: many times cheaper than one by one.
  void fill(std::string_view form);
  /// `deadline`: kNever, here and below.
  bool set(std::string_view name, std::string_view value, UnixMs deadline) override;
  bool set_deadline(std::string_view name, UnixMs deadline) override;
  bool remove(std::string_view name) override;

 private:
  void note_change() noexcept;

  paged::Buckets buckets_;
  char root_[1 + paged::Buckets::kStateBytes];
  bool changed_ = false;
};

}  // namespace stave::types::hash
