// Elements found by name, in any number of pages: a linear hash table without overflow pages.
//
// An element is one item, its name, or two, name and value. Its page is told by the low bits of XXH3-64(name, seed):
// pages are split one after the other in the order of their numbers and joined backwards, so that one insertion splits
// one page at most, whichever is due, and a page may for a while hold more than kPageBytesMax. Every bucket has its
// page, a run (run.h), which has no items where nothing falls into it. On disk; see docs/format.md. Promises: a cursor
// of `scan` stays good whatever is split and joined in between. Must not know: what the value is, keys. Cost: finding
// reads one page, changing reads and writes one; a split two more.
// `fill` writes each page once, and takes as much memory as the elements meanwhile.
//
//     state: u64 seed | u48 elements | u48 pages | u64 bytes of all elements
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/function_ref.h"
#include "types/item.h"
#include "types/pages.h"
#include "types/run.h"

namespace stave::types::paged {

class Buckets {
 public:
  static constexpr std::size_t kStateBytes = 28;
  /// Of one element: where its name's item begins.
  using Visit = base::FunctionRef<bool(const char* element)>;

  static void put_empty_state(char* to, std::uint64_t seed) noexcept;
  static bool well_formed(std::string_view state) noexcept;
  static std::uint64_t count_of(std::string_view state) noexcept;
  static std::uint64_t pages_of(std::string_view state) noexcept;
  /// `items`: of an element, 1 or 2. Pages have the numbers 0, `step`, 2 `step` and so on.
  Buckets(Pages& pages, unsigned items, PageId step, std::string_view state) noexcept;
  void put_state(char* to) const noexcept;

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// The element, whose first item is the name; nullptr: there is none, or it could not be read. Ends with the next
  /// change.
  [[nodiscard]] const char* find(std::string_view name) const;
  void visit(Visit visit) const;
  /// Ends between two pages, unless `visit` says so: then it returns the cursor of the page it was in.
  std::uint64_t scan(std::uint64_t cursor, std::size_t count, Visit visit) const;
  /// Each with the same chance, but for pages with far more elements than others have. Not of an empty table.
  void visit_random(std::uint64_t random, Visit visit) const;
  void visit_pages(base::FunctionRef<bool(PageId)> visit) const;

  enum class Put { kNew, kChanged, kSame };
  /// `value`: nullptr exactly when elements have one item.
  Put set(std::string_view name, const EncodedItem* value);
  /// False when it is not there.
  bool remove(std::string_view name);
  /// Nothing is left, no page either.
  void clear();
  /// An empty table gets the elements of a run, of which no two have one name: many times cheaper than `set` for each.
  /// `name`: which of an element's items there its name is, the first (0) or, of two, the second.
  void fill(const Run& run, unsigned name = 0);

 private:
  [[nodiscard]] PageId page_of(std::uint64_t bucket) const noexcept { return bucket * step_; }
  [[nodiscard]] std::string_view read(std::uint64_t bucket) const { return pages_->read(page_of(bucket)); }
  [[nodiscard]] std::uint64_t hash(std::string_view name) const noexcept;
  [[nodiscard]] std::uint64_t bucket_of(std::uint64_t hash) const noexcept;
  [[nodiscard]] std::size_t next(const Run& run, std::size_t at) const noexcept;
  [[nodiscard]] std::size_t place_of(const Run& run, const EncodedItem& name) const noexcept;
  Put set_in(std::uint64_t bucket, const Run& run, const EncodedItem& key, const EncodedItem* value);
  bool visit_bucket(std::uint64_t bucket, Visit visit) const;
  [[nodiscard]] bool crowded(std::size_t page_bytes, std::uint64_t items) const noexcept;
  [[nodiscard]] bool sparse() const noexcept;
  void split_next(std::uint64_t changed, const Run& run);
  void join_last(std::uint64_t changed, const Run& run);

  Pages* pages_;
  unsigned items_;
  PageId step_;
  std::uint64_t seed_;
  std::uint64_t count_;
  std::uint64_t buckets_;
  std::uint64_t bytes_;  ///< Of the items, without what makes a run of them.
};

}  // namespace stave::types::paged
