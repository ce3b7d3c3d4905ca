// Several sorted sets, or sets, made into one: what is read, and how it is put together.
//
// A source is one of the keys as it was at one instant, held without its lock. Promises: the same scores as Redis
// gives, to the last bit (sums are added up in its order); time about proportional to what is read. Must not know: how
// the call was spelled, where the result goes.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>

#include "base/function_ref.h"
#include "commands/collection.h"
#include "commands/part.h"
#include "commands/sorted_set_elements.h"
#include "store/collection.h"

namespace stave::commands {

/// A sorted set, or a set whose members all have the score 1; before `take`: nothing.
class Source {
 public:
  using Visit = base::FunctionRef<bool(const types::sorted_set::Element&)>;

  /// What a key holds within `part`. Errors: WRONGTYPE.
  Result<void> take(Part& part, store::KeyRef key, store::Access access);
  [[nodiscard]] bool exists() const noexcept { return size() != 0; }
  [[nodiscard]] std::uint64_t size() const noexcept;
  void visit(Visit visit) const;
  [[nodiscard]] std::optional<double> score(std::string_view member) const;

  double weight = 1;

 private:
  Copied<store::SortedSet> scored_;
  Copied<store::Set> plain_;
};
/// In the order of the call. (A source does not move.)
using Sources = std::deque<Source>;

enum class Aggregate : std::uint8_t {
  kSum,
  kMin,
  kMax,
  kCount,  ///< Scores count nothing; the weights are added up.
};

/// In the order of a sorted set.
KeptElements unite(const Sources& sources, Aggregate aggregate);
KeptElements intersect(const Sources& sources, Aggregate aggregate);
/// What the first has and none of the others; weights count nothing.
KeptElements subtract(const Sources& sources);
/// How many elements `intersect` would give; `limit`: or so many, when there are more.
std::uint64_t count_common(const Sources& sources, std::uint64_t limit);

}  // namespace stave::commands
