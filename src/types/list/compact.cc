#include "types/list/compact.h"

#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <ranges>
#include <string>

namespace stave::types::list {

namespace {

// Items are found from the front only, so who goes backwards notes the places on the way; those of a list of usual size
// without an allocation.
constexpr std::size_t kUsualItems = 128;
using Places = boost::container::small_vector<const char*, kUsualItems>;

}  // namespace

void Compact::visit(std::uint64_t from, std::uint64_t to, Visit visit) const {
  STAVE_ASSERT(from <= to && to <= size());
  const char* at = run_.data(run_.place(from));
  for (; from != to; ++from) {
    const auto tag = static_cast<unsigned char>(*at);
    if (tag <= item::kShortMax) [[likely]] {
      if (!visit(std::string_view(at + 1, tag))) return;
      at += 1 + std::size_t{tag};
    } else {
      if (!visit(item::read(at).view())) return;
      at += item::size_at(at);
    }
  }
}

void Compact::visit_backwards(std::uint64_t from, std::uint64_t to, Visit visit) const {
  STAVE_ASSERT(from <= to && to <= size());
  Places places;
  places.resize(to - from, boost::container::default_init);
  const char* at = run_.data(run_.place(from));
  for (const char*& place : places) {
    place = at;
    at += item::size_at(at);
  }
  for (const char* const place : places | std::views::reverse)
    if (!visit(item::read(place).view())) return;
}

void Compact::find(std::string_view element, std::uint64_t from, std::uint64_t to, VisitPlace visit) const {
  STAVE_ASSERT(from <= to && to <= size());
  const EncodedItem item(element);
  const char* at = run_.data(run_.place(from));
  for (; from != to; ++from, at += item::size_at(at))
    if (item.is_at(at) && !visit(from)) return;
}

void Compact::find_backwards(std::string_view element, std::uint64_t from, std::uint64_t to, VisitPlace visit) const {
  boost::container::small_vector<std::uint64_t, kUsualItems> found;
  const auto note = [&](std::uint64_t place) {
    found.push_back(place);
    return true;
  };
  find(element, from, to, note);
  for (const std::uint64_t place : found | std::views::reverse)
    if (!visit(place)) return;
}

void Compact::insert(std::uint64_t place, std::span<const std::string_view> elements, Order order) {
  if (elements.empty()) return;
  std::size_t bytes = 0;
  for (const std::string_view element : elements) bytes += EncodedItem(element).size();
  std::size_t at = run_.place(place);
  char* to = run_.replace(at, 0, bytes, static_cast<std::int64_t>(elements.size()));
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const EncodedItem item(elements[order == Order::kGiven ? i : elements.size() - 1 - i]);
    item.write_to(to);
    to += item.size();
  }
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
  if (count == size() - from) {
    end = run_.end();
  } else {
    end = run_.walk(at, count);
  }
  run_.replace(at, end - at, 0, -static_cast<std::int64_t>(count));
}

std::string Compact::form_of(const Reader& from) {
  std::string form = Run::begin_form(from.size());
  from.visit(0, from.size(), [&](std::string_view element) {
    EncodedItem(element).append_to(form);
    return true;
  });
  return form;
}

std::uint64_t Compact::remove_first(std::string_view element, std::uint64_t most) {
  std::uint64_t count = 0;
  const auto one_more = [&](std::uint64_t) { return ++count < most; };
  if (most != 0) find(element, 0, size(), one_more);
  remove_equal(EncodedItem(element), 0, count);
  return count;
}

std::uint64_t Compact::remove_last(std::string_view element, std::uint64_t most) {
  std::uint64_t there = 0;
  const auto one_more = [&](std::uint64_t) { return ++there, true; };
  find(element, 0, size(), one_more);
  const std::uint64_t count = std::min(there, most);
  remove_equal(EncodedItem(element), there - count, count);
  return count;
}

// Removes `count` of the items that are this one, after the first `spared` of them. All are there.
void Compact::remove_equal(const EncodedItem& element, std::uint64_t spared, std::uint64_t count) {
  if (count == 0) return;
  std::size_t at = run_.begin();
  const auto skip_others = [&] {
    while (!element.is_at(run_.data(at))) at = run_.next(at);
  };
  for (; spared != 0; --spared, at = run_.next(at)) skip_others();
  skip_others();
  std::size_t from = at;
  std::string between;  // what stands between them and stays
  for (std::uint64_t i = 1; i < count; ++i) {
    at = run_.next(at);
    const std::size_t gap = at;
    skip_others();
    between.append(run_.data(gap), at - gap);
  }
  char* const to = run_.replace(from, run_.next(at) - from, between.size(), -static_cast<std::int64_t>(count));
  if (!between.empty()) std::memcpy(to, between.data(), between.size());
}

}  // namespace stave::types::list
