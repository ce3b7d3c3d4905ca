// Where a sketch keeps its bytes: an array that is read and written in places, one run or a root and pages.
//
// What is changed costs what the change is worth: a page, and the root, which holds the first kHeadBytes. Whoever keeps
// counters puts them there, and what it changes together between two borders of pages (kHeadBytes plus a multiple of
// kPageBytes). Promises: as of `Pages`; of pages that cannot be had, zeros are read. Must not know: what the bytes
// mean, keys. Threads: as a standard container.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/function_ref.h"
#include "types/pages.h"

namespace stave::types::sketch {

inline constexpr std::size_t kHeadBytes = 64;
inline constexpr std::size_t kPageBytes = 2048;

class Reader {
 public:
  virtual ~Reader() = default;
  [[nodiscard]] virtual std::uint64_t size() const noexcept = 0;
  /// `count` bytes from `at` on, all of which are there. The view, in `scratch` or elsewhere, ends with the next call.
  [[nodiscard]] virtual std::string_view read(std::uint64_t at, std::size_t count, std::string& scratch) const = 0;
};

class Editor : public Reader {
 public:
  /// The bytes, none of which lie in this array, stand from `at` on, in the place of as many that are there.
  virtual void write(std::uint64_t at, std::string_view bytes) = 0;
  /// Puts so many zeros at the end.
  virtual void extend(std::uint64_t count) = 0;
};

/// One run of bytes.
class Compact final : public Editor {
 public:
  Compact() = default;
  /// `form` must outlive this.
  explicit Compact(std::string_view form) noexcept : from_(form) {}

  [[nodiscard]] std::uint64_t size() const noexcept override { return form().size(); }
  [[nodiscard]] std::string_view read(std::uint64_t at, std::size_t count, std::string& scratch) const override;
  void write(std::uint64_t at, std::string_view bytes) override;
  void extend(std::uint64_t count) override;

  [[nodiscard]] std::string_view form() const noexcept { return changed_ ? std::string_view(own_) : from_; }
  [[nodiscard]] bool changed() const noexcept { return changed_; }
  /// All of any array.
  [[nodiscard]] static std::string form_of(const Reader& bytes);

 private:
  std::string& own();

  std::string_view from_;
  std::string own_;
  bool changed_ = false;
};

/// A root and pages. Root: layout, size, the head. Page n: kPageBytes from kHeadBytes + n * kPageBytes on, as far as
/// there are any.
///
/// What many pages at once are put at the end for (layout 2, which says behind the size from which page on) is not
/// there as long as it is zeros: before each kMapped of these pages, which have numbers by so many greater, lies a map
/// of them, a bit each, lowest first, of those that are there. So a page that was lost is never taken for zeros.
class Paged final : public Editor {
 public:
  Paged(Pages& pages, std::string_view root);
  [[nodiscard]] static std::string empty_root(std::uint64_t seed);
  /// The first bytes of what a root belongs to, without its pages.
  [[nodiscard]] static std::string_view head_of(std::string_view root) noexcept;

  [[nodiscard]] std::uint64_t size() const noexcept override { return size_; }
  [[nodiscard]] std::string_view read(std::uint64_t at, std::size_t count, std::string& scratch) const override;
  void write(std::uint64_t at, std::string_view bytes) override;
  void extend(std::uint64_t count) override;

  /// Of an empty one: it holds these bytes.
  void fill(std::string_view form);
  /// So many pages put at the end at once are mapped.
  static constexpr PageId kMappedFrom = 256;
  static constexpr PageId kMapped = kPageBytes * 8;
  [[nodiscard]] std::string root() const;
  [[nodiscard]] bool changed() const noexcept { return changed_; }
  /// Visits the numbers of all pages, until told not to go on.
  void visit_pages(base::FunctionRef<bool(PageId)> visit) const;
  /// Below which number they all are.
  [[nodiscard]] static std::optional<PageId> page_end(std::string_view root) noexcept;

 private:
  [[nodiscard]] std::string_view page(PageId number) const;
  [[nodiscard]] bool mapped(PageId number) const noexcept { return mapped_from_ && number >= *mapped_from_; }
  [[nodiscard]] PageId id_of(PageId number) const noexcept;
  [[nodiscard]] PageId map_of(PageId number) const noexcept;
  [[nodiscard]] bool there(PageId number) const;
  void put(PageId number, std::string_view bytes);
  void map_more(PageId had);

  Pages& pages_;
  std::uint64_t size_ = 0;
  std::optional<PageId> mapped_from_;
  std::string head_;
  bool changed_ = false;
};

}  // namespace stave::types::sketch
