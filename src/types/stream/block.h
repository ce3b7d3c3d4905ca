// Some entries of a stream, one behind the other, in a few hundred bytes: what the entries' tree holds as one element.
//
//     id, sixteen bytes | u16 entries | names: varint n, n items | entries
//     entry: u8 head | [varint ms] | [varint seq] | [varint n] | items: the values, or n names and values
//
// An entry's id is told by its distance from the one before, the first one's from the block's own id, which is at most
// that; most entries have the names that the block's first had, and say their values only. Promises: nothing but
// `well_formed` looks at bytes that were not checked. Must not know: trees, pages, groups. On disk; see
// docs/format.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/function_ref.h"
#include "types/item.h"
#include "types/stream/id.h"

namespace stave::types::stream {

struct Field {
  std::string_view name;
  std::string_view value;
};

/// One entry where it lies in a block, with which it ends.
class Entry {
 public:
  [[nodiscard]] const Id& id() const noexcept { return id_; }
  [[nodiscard]] std::uint64_t fields() const noexcept { return fields_; }
  /// The views end with the call.
  void visit(base::FunctionRef<void(std::string_view name, std::string_view value)> visit) const;

 private:
  friend class Block;
  Id id_;
  std::uint64_t fields_ = 0;
  const char* names_ = nullptr;  ///< The block's; null: they stand among the values.
  const char* at_ = nullptr;     ///< Where the entry begins, and its items.
  const char* items_ = nullptr;
  const char* end_ = nullptr;
};

/// A block to read. The bytes outlive it.
class Block {
 public:
  /// No more than this, unless of one entry.
  static constexpr std::size_t kBytesMax = 1000;

  explicit Block(std::string_view bytes) noexcept;
  static bool well_formed(std::string_view bytes) noexcept;
  static Id id_of(std::string_view bytes) noexcept { return get_id(bytes.data()); }
  static std::uint64_t count_of(std::string_view bytes) noexcept;

  [[nodiscard]] const Id& id() const noexcept { return id_; }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// Returns whether it was always told to go on.
  bool visit(base::FunctionRef<bool(const Entry&)> visit) const;
  bool visit_backwards(base::FunctionRef<bool(const Entry&)> visit) const;

  /// A block of one entry.
  static std::string of(const Id& id, std::span<const Field> fields);
  /// Puts an entry behind the last one, which is `last`. False: there is no room for it, and nothing was done.
  static bool append(std::string& block, const Id& last, const Id& id, std::span<const Field> fields);
  /// The block without those that `gone` says go; empty when none is left.
  [[nodiscard]] std::string without(base::FunctionRef<bool(const Entry&)> gone) const;

 private:
  bool next(Entry& entry, Id& before) const noexcept;

  std::string_view bytes_;
  Id id_;
  std::uint64_t count_;
  std::uint64_t names_;
  const char* names_at_;
  const char* entries_at_;
};

}  // namespace stave::types::stream
