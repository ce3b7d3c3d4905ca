#include "commands/sort_order.h"

#include <clocale>
#include <cmath>
#include <cstdlib>

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <string>

#include "base/assert.h"

namespace stave::commands {

namespace {

/// Sorts the numbers as far as the part is asked for, and keeps the part.
template <class Before>
std::vector<std::size_t> cut(std::size_t size, const SortOrder& order, Before before) {
  const SortedPart part = part_of(order, size);
  std::vector<std::size_t> numbers(size);
  std::iota(numbers.begin(), numbers.end(), std::size_t{0});
  const auto from = numbers.begin() + static_cast<std::ptrdiff_t>(part.from);
  const auto to = numbers.begin() + static_cast<std::ptrdiff_t>(part.to);
  if (part.to == size) {
    std::sort(numbers.begin(), numbers.end(), before);
  } else {
    std::partial_sort(numbers.begin(), to, numbers.end(), before);
  }
  return {from, to};
}

std::optional<std::vector<std::size_t>> sorted_by_number(std::span<const Sortable> all, const SortOrder& order) {
  std::vector<double> weights(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!all[i].weight) continue;
    const auto weight = sort_weight(*all[i].weight);
    if (!weight) return std::nullopt;
    weights[i] = *weight;
  }
  const auto before = [&](std::size_t a, std::size_t b) {
    if (weights[a] != weights[b]) return (weights[a] < weights[b]) != order.descending;
    const int compared = all[a].element.compare(all[b].element);
    return compared != 0 ? (compared < 0) != order.descending : a < b;
  };
  return cut(all.size(), order, before);
}

std::vector<std::size_t> sorted_by_text(std::span<const Sortable> all, const SortOrder& order) {
  const auto before = [&](std::size_t a, std::size_t b) {
    const auto& one = all[a].weight;
    const auto& other = all[b].weight;
    return one != other ? (one < other) != order.descending : a < b;  // nullopt is less than any text
  };
  return cut(all.size(), order, before);
}

}  // namespace

SortedPart part_of(const SortOrder& order, std::size_t size) noexcept {
  const auto limited = [&](std::int64_t number) {
    return number < 0 ? std::size_t{0} : std::min(static_cast<std::size_t>(number), size);
  };
  const std::size_t from = limited(order.offset);
  const std::size_t count = order.count < 0 ? size : limited(order.count);
  return {from, from + std::min(count, size - from)};
}

std::optional<std::vector<std::size_t>> sorted(std::span<const Sortable> all, const SortOrder& order) {
  if (order.by_text) return sorted_by_text(all, order);
  return sorted_by_number(all, order);
}

std::optional<double> sort_weight(std::string_view text) {
  // Of a C string, which is what clients know it to be read as.
  const std::string whole(text.substr(0, text.find('\0')));
  static const locale_t kNoLocale = ::newlocale(LC_ALL_MASK, "C", nullptr);
  STAVE_ASSERT(kNoLocale != nullptr);
  char* end = nullptr;
  errno = 0;
  const double weight = ::strtod_l(whole.c_str(), &end, kNoLocale);
  if (*end != '\0' || errno == ERANGE || std::isnan(weight)) return std::nullopt;
  return weight;
}

}  // namespace stave::commands
