// Byte strings in the order of their bytes, in two parts: what both forms of a stream offer, and all that is known of
// one stands in. Must not know: what they mean.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/function_ref.h"

namespace stave::types::stream {

enum class Part : std::uint8_t { kEntries, kMarks };

class Elements {
 public:
  /// Returns whether to go on; the bytes end with the next change.
  using Visit = base::FunctionRef<bool(std::string_view element)>;

  virtual ~Elements() = default;
  [[nodiscard]] virtual std::uint64_t count(Part part) const noexcept = 0;
  /// How many are below `key`.
  [[nodiscard]] virtual std::uint64_t rank(Part part, std::string_view key) const = 0;
  /// Those of the ranks from `from` on, up to the one before `to`; backwards: the last one first.
  virtual void visit(Part part, std::uint64_t from, std::uint64_t to, bool backwards, Visit visit) const = 0;
  /// What no element begins with yet, nor is the beginning of. Must not lie in here; likewise:
  virtual void insert(Part part, std::string_view element) = 0;
  /// With the same key.
  virtual void replace(Part part, std::uint64_t rank, std::string_view element) = 0;
  virtual void erase(Part part, std::uint64_t from, std::uint64_t count) = 0;
};

}  // namespace stave::types::stream
