// Elements at the ends of lists, as commands deal with them: which end, which range, and what was taken out, kept until
// the commit that removed it.
#pragma once

#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "commands/call.h"
#include "commands/errors.h"
#include "types/list/list.h"

namespace stave::commands {

enum class ListEnd : std::uint8_t { kLeft, kRight };

/// Argument `i`: LEFT or RIGHT. Errors: syntax.
inline Result<ListEnd> end_argument(const Call& call, std::size_t i) {
  if (call.is(i, "LEFT")) return ListEnd::kLeft;
  if (call.is(i, "RIGHT")) return ListEnd::kRight;
  return syntax_error();
}

/// Places `from` to the one before `to`.
struct PlaceRange {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  [[nodiscard]] std::uint64_t size() const noexcept { return to - from; }
};

/// The places from `first` to `last`, both included, of a list of `size` elements; negative ones count from the end.
inline PlaceRange range_of(std::int64_t first, std::int64_t last, std::uint64_t size) noexcept {
  STAVE_ASSERT(size <= std::numeric_limits<std::int64_t>::max());
  const auto length = static_cast<std::int64_t>(size);
  first = std::max<std::int64_t>(first < 0 ? first + length : first, 0);
  last = last < 0 ? last + length : std::min(last, length - 1);
  if (first > last || first >= length) return {};
  return {static_cast<std::uint64_t>(first), static_cast<std::uint64_t>(last) + 1};
}

/// The place that is meant by `index`; nullopt when there is none.
inline std::optional<std::uint64_t> place_of(std::int64_t index, std::uint64_t size) noexcept {
  const PlaceRange one = range_of(index, index, size);
  return one.size() == 1 ? std::optional(one.from) : std::nullopt;
}

/// The `count` elements at an end; all, when there are not so many.
inline PlaceRange range_at(ListEnd end, std::uint64_t count, std::uint64_t size) noexcept {
  count = std::min(count, size);
  return end == ListEnd::kLeft ? PlaceRange{0, count} : PlaceRange{size - count, size};
}

/// Errors: the list would have more elements than 32 bits count.
inline Result<void> check_room(const types::list::Reader& list, std::uint64_t more) {
  if (list.size() + more <= std::numeric_limits<std::uint32_t>::max()) return {};
  return answer_error("ERR a list has at most 4294967295 elements");
}

/// Copies of elements, in few pieces of memory.
class TakenElements {
 public:
  void clear() noexcept {
    bytes_.clear();
    ends_.clear();
  }
  void add(std::string_view element) {
    bytes_.append(element);
    ends_.push_back(bytes_.size());
  }
  [[nodiscard]] std::size_t size() const noexcept { return ends_.size(); }
  [[nodiscard]] std::string_view operator[](std::size_t i) const noexcept {
    STAVE_ASSERT(i < ends_.size());
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(bytes_).substr(begin, ends_[i] - begin);
  }
  void answer(Sink& reply) const {
    reply.array(size());
    for (std::size_t i = 0; i < size(); ++i) reply.bulk((*this)[i]);
  }

 private:
  std::string bytes_;
  boost::container::small_vector<std::size_t, 16> ends_;
};

/// Takes elements out at an end, the outermost first; all, when there are not so many.
inline void take_elements(types::list::Editor& list, ListEnd end, std::uint64_t count, TakenElements& taken) {
  const PlaceRange range = range_at(end, count, list.size());
  const auto add = [&](std::string_view element) {
    taken.add(element);
    return true;
  };
  if (end == ListEnd::kLeft) {
    list.visit(range.from, range.to, add);
  } else {
    list.visit_backwards(range.from, range.to, add);
  }
  list.erase(range.from, range.size());
}

/// Puts elements to an end, one after another.
inline void push_elements(types::list::Editor& list, ListEnd end, std::span<const std::string_view> elements) {
  if (end == ListEnd::kLeft) {
    list.insert(0, elements, types::list::Order::kReversed);
  } else {
    list.insert(list.size(), elements, types::list::Order::kGiven);
  }
}

}  // namespace stave::commands
