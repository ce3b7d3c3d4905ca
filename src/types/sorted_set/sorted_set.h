// What a sorted set is to whoever reads or changes one, however it is kept: members, each once, each with a score, in
// the order of (score, member); members of one score in the order of their bytes.
//
// `Reader` and `Editor` are what commands, the library and the doors are written against; the forms (compact.h)
// implement them. A rank is a place in that order, from 0. A range of scores or of members is asked for as two ranks.
// Scores are doubles, infinities included; NaN is none, and a negative zero is a zero. Must not know: keys, locks, the
// log, how a range is spelled. Threads: as a standard container.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/function_ref.h"
#include "types/item.h"

namespace stave::types::sorted_set {

struct Element {
  std::string_view member;
  double score = 0;
};

class Reader {
 public:
  /// Returns whether to go on. The view ends with the call.
  using Visit = base::FunctionRef<bool(const Element&)>;

  virtual ~Reader() = default;
  [[nodiscard]] virtual std::uint64_t size() const noexcept = 0;
  [[nodiscard]] virtual std::optional<double> score(std::string_view member) const = 0;
  /// nullopt when the member is not there.
  [[nodiscard]] virtual std::optional<std::uint64_t> rank(std::string_view member) const = 0;
  /// How many elements have a score below `score`; `or_equal`: or this one.
  [[nodiscard]] virtual std::uint64_t count_below(double score, bool or_equal) const = 0;
  /// How many members are, by their bytes, below `member`; `or_equal`: or this one. Of a set whose scores are all the
  /// same; of another the answer is some rank.
  [[nodiscard]] virtual std::uint64_t count_before(std::string_view member, bool or_equal) const = 0;
  /// The elements of the ranks from `from` on, up to the one before `to`; both at most `size()`. Backwards: the same,
  /// last first.
  virtual void visit(std::uint64_t from, std::uint64_t to, Visit visit) const = 0;
  virtual void visit_backwards(std::uint64_t from, std::uint64_t to, Visit visit) const = 0;
  /// A bounded piece, of about `count` elements, from `cursor` (0: the beginning) on; returns the cursor to go on from,
  /// 0 at the end. A member that is there all the time is visited, perhaps twice, whatever changes in between.
  virtual std::uint64_t scan(std::uint64_t cursor, std::size_t count, Visit visit) const = 0;
};

class Editor : public Reader {
 public:
  /// True when the member is new. The text must not lie in this set. `score` is no NaN. Limits: as of a hash.
  virtual bool set(std::string_view member, double score) = 0;
  /// The same of an element that comes after all others: (score, member) is above the last one's, and the member is
  /// none of theirs.
  virtual void append(std::string_view member, double score) = 0;
  /// False when it is not there.
  virtual bool remove(std::string_view member) = 0;
  /// Removes `count` elements from the rank `from` on, all of which are there.
  virtual void erase(std::uint64_t from, std::uint64_t count) = 0;
};

}  // namespace stave::types::sorted_set
