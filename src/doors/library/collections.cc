#include "doors/library/collections.h"

#include <algorithm>

#include "base/assert.h"

namespace stave::library {

Result<void> check_element_size(std::size_t size) {
  if (size <= kValueBytesLimit) [[likely]]
    return {};
  return fail(ErrorCode::kTooLarge, "an element of " + std::to_string(size) +
                                        " bytes is longer than any value can be (" + std::to_string(kValueBytesLimit) +
                                        " bytes)");
}

Result<void> check_score(double score) {
  if (!std::isnan(score)) [[likely]]
    return {};
  return fail(ErrorCode::kInvalidArgument, "a score is a number, and this is none");
}

Places places(std::int64_t from, std::int64_t to, std::uint64_t size) noexcept {
  // No collection has more elements than a signed number counts.
  const auto count = static_cast<std::int64_t>(size);
  STAVE_ASSERT(count >= 0);
  const std::int64_t first = std::max<std::int64_t>(from < 0 ? from + count : from, 0);
  const std::int64_t last = std::min(to < 0 ? to + count : to, count - 1);
  if (first > last) return {};
  return {.from = static_cast<std::uint64_t>(first), .to = static_cast<std::uint64_t>(last) + 1};
}

std::vector<HashField> all_fields(const types::hash::Reader& hash) {
  std::vector<HashField> fields;
  fields.reserve(hash.size());
  hash.visit([&](const types::hash::Field& field) {
    fields.push_back({std::string(field.name), std::string(field.value)});
    return true;
  });
  return fields;
}

std::optional<std::string> pop(types::list::Editor& list, ListEnd end) {
  const std::uint64_t size = list.size();
  if (size == 0) return std::nullopt;
  const std::uint64_t place = end == ListEnd::kFront ? 0 : size - 1;
  std::string element(list.at(place).view());
  list.erase(place, 1);
  return element;
}

std::vector<std::string> list_places(const types::list::Reader& list, std::int64_t from, std::int64_t to) {
  const Places asked = places(from, to, list.size());
  std::vector<std::string> elements;
  elements.reserve(asked.to - asked.from);
  list.visit(asked.from, asked.to, [&](std::string_view element) {
    elements.emplace_back(element);
    return true;
  });
  return elements;
}

std::vector<std::string> all_members(const types::set::Reader& set) {
  std::vector<std::string> members;
  members.reserve(set.size());
  set.visit([&](std::string_view member) {
    members.emplace_back(member);
    return true;
  });
  return members;
}

std::optional<std::uint64_t> rank_of(const types::sorted_set::Reader& set, std::string_view member, Order order) {
  const auto rank = set.rank(member);
  if (!rank || order == Order::kAscending) return rank;
  STAVE_ASSERT(*rank < set.size());
  return set.size() - 1 - *rank;
}

namespace {

/// `to` ranks from `from` on, as they lie in the set; shown in that order or in the other.
std::vector<ScoredMember> show(const types::sorted_set::Reader& set, const Places& asked, Order order) {
  STAVE_ASSERT(asked.from <= asked.to && asked.to <= set.size());
  std::vector<ScoredMember> members;
  members.reserve(asked.to - asked.from);
  const auto take = [&](const types::sorted_set::Element& element) {
    members.push_back({std::string(element.member), element.score});
    return true;
  };
  if (order == Order::kAscending) {
    set.visit(asked.from, asked.to, take);
  } else {
    set.visit_backwards(asked.from, asked.to, take);
  }
  return members;
}

}  // namespace

std::vector<ScoredMember> ranks(const types::sorted_set::Reader& set, std::int64_t from, std::int64_t to, Order order) {
  Places asked = places(from, to, set.size());
  if (order == Order::kDescending) asked = {.from = set.size() - asked.to, .to = set.size() - asked.from};
  return show(set, asked, order);
}

std::vector<ScoredMember> scores(const types::sorted_set::Reader& set, const ScoreRange& range, std::uint64_t count_max,
                                 Order order) {
  Places asked{.from = set.count_below(range.min, range.without_min),
               .to = set.count_below(range.max, !range.without_max)};
  if (asked.from >= asked.to) return {};
  if (asked.to - asked.from > count_max) {
    if (order == Order::kAscending) {
      asked.to = asked.from + count_max;
    } else {
      asked.from = asked.to - count_max;
    }
  }
  return show(set, asked, order);
}

}  // namespace stave::library
