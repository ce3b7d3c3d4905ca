// What the store's typed calls for collections and those of its transactions have in common: the questions themselves,
// asked of a Reader, an Editor, of whatever key they are.
//
// Must not know: keys, locks, the disk.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"
#include "stave/collections.h"
#include "stave/error.h"
#include "stave/options.h"
#include "types/hash/hash.h"
#include "types/list/list.h"
#include "types/set/set.h"
#include "types/sorted_set/sorted_set.h"

namespace stave::library {

/// Errors: kTooLarge, for what can be no element in any store. There may be no such bytes, so it is not looked at.
Result<void> check_element_size(std::size_t size);
inline Result<void> check_element_sizes(std::span<const std::string_view> elements) {
  for (const std::string_view element : elements) STAVE_TRY(check_element_size(element.size()));
  return {};
}
/// Errors: kInvalidArgument, for what is not a number.
Result<void> check_score(double score);

/// Places `from` to `to`, both included, negative ones from the end, as the first and the one behind the last; both at
/// most `size`.
struct Places {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
};
Places places(std::int64_t from, std::int64_t to, std::uint64_t size) noexcept;

inline std::optional<std::string> get_field(const types::hash::Reader& hash, std::string_view field) {
  const auto value = hash.find(field);
  return value ? std::optional(std::string(value->view())) : std::nullopt;
}
std::vector<HashField> all_fields(const types::hash::Reader& hash);

inline std::uint64_t push(types::list::Editor& list, ListEnd end, std::string_view element) {
  list.insert(end == ListEnd::kFront ? 0 : list.size(), element);
  return list.size();
}
std::optional<std::string> pop(types::list::Editor& list, ListEnd end);
std::vector<std::string> list_places(const types::list::Reader& list, std::int64_t from, std::int64_t to);

std::vector<std::string> all_members(const types::set::Reader& set);

std::optional<std::uint64_t> rank_of(const types::sorted_set::Reader& set, std::string_view member, Order order);
std::vector<ScoredMember> ranks(const types::sorted_set::Reader& set, std::int64_t from, std::int64_t to, Order order);
std::vector<ScoredMember> scores(const types::sorted_set::Reader& set, const ScoreRange& range, std::uint64_t count_max,
                                 Order order);

}  // namespace stave::library
