// What a list is to whoever reads or changes one, however it is kept: elements in an order of their writers' making.
//
// `Reader` and `Editor` are what commands, the library and the doors are written against; the forms (compact.h)
// implement them. Places count from 0. Must not know: keys, locks, the log, places that count from the end. Threads: as
// a standard container.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/function_ref.h"
#include "types/item.h"

namespace stave::types::list {

class Reader {
 public:
  /// Returns whether to go on. The view ends with the call.
  using Visit = base::FunctionRef<bool(std::string_view element)>;
  using VisitPlace = base::FunctionRef<bool(std::uint64_t place)>;

  virtual ~Reader() = default;
  [[nodiscard]] virtual std::uint64_t size() const noexcept = 0;
  /// The element at a place that is there. It ends with the next change.
  [[nodiscard]] virtual ItemText at(std::uint64_t place) const = 0;
  /// The elements from `from` on, up to the one before `to`; both at most `size()`. Backwards: the same, last first.
  virtual void visit(std::uint64_t from, std::uint64_t to, Visit visit) const = 0;
  virtual void visit_backwards(std::uint64_t from, std::uint64_t to, Visit visit) const = 0;
  /// The places of the elements in that range that are this text.
  virtual void find(std::string_view element, std::uint64_t from, std::uint64_t to, VisitPlace visit) const = 0;
  virtual void find_backwards(std::string_view element, std::uint64_t from, std::uint64_t to,
                              VisitPlace visit) const = 0;
};

/// In which order several elements are put into a list.
enum class Order : std::uint8_t {
  kGiven,
  kReversed,  ///< As if each were put before the one that came before it.
};

class Editor : public Reader {
 public:
  /// Before the element at `place`; `size()`: at the end. No text may lie in this list. Limits: as of a hash.
  virtual void insert(std::uint64_t place, std::span<const std::string_view> elements, Order order) = 0;
  void insert(std::uint64_t place, std::string_view element) { insert(place, std::span(&element, 1), Order::kGiven); }
  void push_front(std::string_view element) { insert(0, element); }
  void push_back(std::string_view element) { insert(size(), element); }
  /// Instead of the element at a place that is there.
  virtual void set(std::uint64_t place, std::string_view element) = 0;
  /// Removes `count` elements from `from` on, all of which are there.
  virtual void erase(std::uint64_t from, std::uint64_t count) = 0;
  /// Removes the elements that are this text, the first `most` of them, or the last; returns how many.
  virtual std::uint64_t remove_first(std::string_view element, std::uint64_t most) = 0;
  virtual std::uint64_t remove_last(std::string_view element, std::uint64_t most) = 0;
};

}  // namespace stave::types::list
