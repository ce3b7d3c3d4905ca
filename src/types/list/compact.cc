#include "types/list/compact.h"

#include <ranges>
#include <vector>

namespace stave::types::list {

void Compact::visit(std::uint64_t from, std::uint64_t to, Visit visit) const {
  STAVE_ASSERT(from <= to && to <= size());
  std::size_t at = run_.place(from);
  for (; from != to; ++from, at = run_.next(at))
    if (!visit(run_.read(at).view())) return;
}

// Items are found from the front only, so the places are noted on the way.
void Compact::visit_backwards(std::uint64_t from, std::uint64_t to, Visit visit) const {
  STAVE_ASSERT(from <= to && to <= size());
  std::vector<std::size_t> places;
  places.reserve(to - from);
  std::size_t at = run_.place(from);
  for (; from != to; ++from, at = run_.next(at)) places.push_back(at);
  for (const std::size_t place : places | std::views::reverse)
    if (!visit(run_.read(place).view())) return;
}

void Compact::insert(std::uint64_t place, std::string_view element) {
  const EncodedItem item(element);
  std::size_t at = run_.place(place);
  item.write_to(run_.replace(at, 0, item.size(), 1));
}

void Compact::set(std::uint64_t place, std::string_view element) {
  STAVE_ASSERT(place < size());
  const EncodedItem item(element);
  std::size_t at = run_.place(place);
  item.write_to(run_.replace(at, run_.next(at) - at, item.size(), 0));
}

void Compact::erase(std::uint64_t from, std::uint64_t count) {
  STAVE_ASSERT(from <= size() && count <= size() - from);
  if (count == 0) return;
  std::size_t at = run_.place(from);
  std::size_t end = at;
  for (std::uint64_t i = 0; i < count; ++i) end = run_.next(end);
  run_.replace(at, end - at, 0, -static_cast<std::int64_t>(count));
}

}  // namespace stave::types::list
