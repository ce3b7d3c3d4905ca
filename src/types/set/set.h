// What a set is to whoever reads or changes one, however it is kept: members, each once.
//
// `Reader` and `Editor` are what commands, the library and the doors are written against; the forms (compact.h)
// implement them. Must not know: keys, locks, the log. Threads: as a standard container.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/function_ref.h"
#include "base/random.h"
#include "types/item.h"

namespace stave::types::set {

class Reader {
 public:
  /// Returns whether to go on. The view ends with the call.
  using Visit = base::FunctionRef<bool(std::string_view member)>;

  virtual ~Reader() = default;
  [[nodiscard]] virtual std::uint64_t size() const noexcept = 0;
  [[nodiscard]] virtual bool contains(std::string_view member) const = 0;
  /// All members, each once, in the form's own order, which stays while nothing changes.
  virtual void visit(Visit visit) const = 0;
  /// A bounded piece of all members, of about `count`, from `cursor` (0: the beginning) on; returns the cursor to go on
  /// from, 0 at the end. A member that is there all the time is visited, perhaps twice, whatever changes in between.
  virtual std::uint64_t scan(std::uint64_t cursor, std::size_t count, Visit visit) const = 0;
  /// Visits one member, each with about the same chance; `random` is 64 random bits. Not of an empty set.
  virtual void visit_random(std::uint64_t random, Visit visit) const = 0;
  /// Visits `count` members, each once and any of the choices as likely, or all when there are no more.
  virtual void visit_sample(std::uint64_t count, base::Random& random, Visit visit) const = 0;
  /// Whether all members are integers (kept as such), for who tells how a set is kept.
  [[nodiscard]] virtual bool all_integers() const = 0;
};

class Editor : public Reader {
 public:
  /// True when it is new. The text must not lie in this set. Limits: as of a hash.
  virtual bool add(std::string_view member) = 0;
  /// The same of a member that is known not to be there.
  virtual void add_new(std::string_view member) = 0;
  /// False when it is not there.
  virtual bool remove(std::string_view member) = 0;
  /// Visits what `visit_sample` would, and removes it; the visit's answer is not asked for.
  virtual void take_sample(std::uint64_t count, base::Random& random, Visit visit) = 0;
};

}  // namespace stave::types::set
