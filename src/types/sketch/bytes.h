// Where a sketch keeps its bytes, and a string that is changed in parts: an array that is read and written in places,
// one run or a root and pages.
//
// What is changed costs what the change is worth: a page, and the root, which holds a sketch's first kHeadBytes.
// Whoever keeps counters puts them there, and what it changes together between two borders of pages (kHeadBytes plus a
// multiple of kPageBytes). Promises: as of `Pages`; of pages that cannot be had, zeros are read. Must not know: what
// the bytes mean, keys. Threads: as a standard container.
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
  /// `count` bytes at `at` within the array: `bytes`, or zeros if that is empty. Returns whether to go on.
  using Piece = base::FunctionRef<bool(std::uint64_t at, std::size_t count, std::string_view bytes)>;
  /// Shows `count` bytes from `at` on, all of which are there, where they lie, in pieces, one behind the other. A piece
  /// ends with the next one.
  virtual void visit(std::uint64_t at, std::uint64_t count, Piece piece) const = 0;
};

class Editor : public Reader {
 public:
  /// The bytes, none of which lie in this array, stand from `at` on, in the place of as many that are there.
  virtual void write(std::uint64_t at, std::string_view bytes) = 0;
  /// Puts so many zeros at the end.
  virtual void extend(std::uint64_t count) = 0;
  /// Puts these bytes at the end, none of which lie in this array.
  virtual void append(std::string_view bytes) = 0;
};

/// One run of bytes.
class Compact final : public Editor {
 public:
  Compact() = default;
  /// `form` must outlive this.
  explicit Compact(std::string_view form) noexcept : from_(form) {}

  [[nodiscard]] std::uint64_t size() const noexcept override { return form().size(); }
  [[nodiscard]] std::string_view read(std::uint64_t at, std::size_t count, std::string& scratch) const override;
  void visit(std::uint64_t at, std::uint64_t count, Piece piece) const override;
  void write(std::uint64_t at, std::string_view bytes) override;
  void extend(std::uint64_t count) override;
  void append(std::string_view bytes) override;

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

/// How an array falls into pages: so many bytes in the root, then pages of so many.
struct Cut {
  std::size_t head = kHeadBytes;
  std::size_t page = kPageBytes;
  /// A map has a bit for each of so many pages.
  [[nodiscard]] constexpr PageId mapped() const noexcept { return page * 8; }
};

/// A root and pages. Root: layout, which says how the array is cut, size, the head. Page n: so many bytes from the head
/// and n pages on, as far as there are any.
///
/// What many pages at once are put at the end for (layouts 2 and 4, which say behind the size from which page on) is
/// not there as long as it is zeros: before each `Cut::mapped` of these pages, which have numbers by so many greater,
/// lies a map of them, a bit each, lowest first, of those that are there. So a page that was lost is never taken for
/// zeros.
class Paged : public Editor {
 public:
  Paged(Pages& pages, std::string_view root);
  [[nodiscard]] static std::string empty_root(std::uint64_t seed);
  /// Of an array without a head, in pages of 4 KiB: a string's.
  [[nodiscard]] static std::string empty_string_root();
  static constexpr Cut kStringCut{.head = 0, .page = 4096};
  /// The first bytes of what a root belongs to, without its pages.
  [[nodiscard]] static std::string_view head_of(std::string_view root) noexcept;

  /// The size that a root tells.
  [[nodiscard]] static std::uint64_t size_of(std::string_view root) noexcept;

  [[nodiscard]] std::uint64_t size() const noexcept final { return size_; }
  [[nodiscard]] std::string_view read(std::uint64_t at, std::size_t count, std::string& scratch) const final;
  void visit(std::uint64_t at, std::uint64_t count, Piece piece) const final;
  void write(std::uint64_t at, std::string_view bytes) final;
  void extend(std::uint64_t count) final;
  void append(std::string_view bytes) final;

  /// Of an empty one: it holds these bytes.
  void fill(std::string_view form);
  /// More pages than that put at the end at once are mapped; of zeros that a string gets, more than those.
  static constexpr PageId kMappedFrom = 256;
  static constexpr PageId kStringMappedFrom = 8;
  [[nodiscard]] std::string root() const;
  [[nodiscard]] bool changed() const noexcept { return changed_; }
  /// Visits the numbers of all pages, until told not to go on.
  void visit_pages(base::FunctionRef<bool(PageId)> visit) const;
  /// Below which number they all are.
  [[nodiscard]] static std::optional<PageId> page_end(std::string_view root) noexcept;

 private:
  [[nodiscard]] PageId pages_of(std::uint64_t size) const noexcept;
  [[nodiscard]] std::size_t page_size(PageId page, std::uint64_t size) const noexcept;
  template <class Head, class InPage>
  void cut_up(std::uint64_t at, std::size_t count, Head&& head, InPage&& in_page) const;
  [[nodiscard]] std::string_view page(PageId number) const;
  [[nodiscard]] bool mapped(PageId number) const noexcept { return mapped_from_ && number >= *mapped_from_; }
  [[nodiscard]] PageId id_of(PageId number) const noexcept;
  [[nodiscard]] PageId map_of(PageId number) const noexcept;
  [[nodiscard]] bool there(PageId number) const;
  void put(PageId number, std::string_view bytes);
  void put_part(PageId number, std::size_t offset, std::string_view bytes);
  void map_more(PageId had);
  void lengthen(PageId number, std::size_t from, std::string_view bytes);

  Pages& pages_;
  Cut cut_;
  std::uint64_t size_ = 0;
  std::optional<PageId> mapped_from_;
  std::string head_;
  bool changed_ = false;
};

}  // namespace stave::types::sketch
