#include "types/sorted_set/compact.h"

#include <cmath>
#include <ranges>
#include <unordered_set>
#include <vector>

#include "types/sorted_set/score_item.h"

namespace stave::types::sorted_set {

bool Compact::well_formed(std::string_view form) {
  if (!Run::well_formed(form)) return false;
  const Run run(form);
  if (run.count() == 0 || run.count() % 2 != 0) return false;
  std::unordered_set<std::string_view> seen;
  std::optional<double> last_score;
  std::string last_member;
  for (std::size_t at = run.begin(); at != run.end();) {
    const std::size_t member_at = run.next(at);
    const auto score = score_of(run.read(at));
    if (!score || std::isnan(*score) || !EncodedItem(ScoreText(*score).view()).is_at(run.data(at))) return false;
    const ItemText member = run.read(member_at);
    if (last_score && (*score < *last_score || (*score == *last_score && member.view() <= last_member))) return false;
    if (!seen.insert({run.data(member_at), item::size_at(run.data(member_at))}).second) return false;
    last_score = score;
    last_member = member.view();
    at = run.next(member_at);
  }
  return true;
}

void Compact::append_score(std::string& items, double score) {
  STAVE_ASSERT(!std::isnan(score));
  const ScoreText text(score);
  EncodedItem(text.view()).append_to(items);
}

double Compact::score_at(std::size_t at) const noexcept {
  return sorted_set::score_at(run_.data(at));
}

Compact::Place Compact::find(const EncodedItem& member) const noexcept {
  std::uint64_t rank = 0;
  for (std::size_t at = run_.begin(); at != run_.end(); ++rank) {
    const std::size_t member_at = run_.next(at);
    if (member.is_at(run_.data(member_at))) return {at, rank};
    at = run_.next(member_at);
  }
  return {run_.end(), rank};
}

std::size_t Compact::place_for(double score, std::string_view member) const noexcept {
  std::size_t at = run_.begin();
  while (at != run_.end()) {
    const std::size_t member_at = run_.next(at);
    const double there = score_at(at);
    if (there > score || (there == score && run_.read(member_at).view() > member)) return at;
    at = run_.next(member_at);
  }
  return at;
}

std::optional<double> Compact::score(std::string_view member) const {
  const Place place = find(EncodedItem(member));
  if (place.at == run_.end()) return std::nullopt;
  return score_at(place.at);
}

std::optional<std::uint64_t> Compact::rank(std::string_view member) const {
  const Place place = find(EncodedItem(member));
  if (place.at == run_.end()) return std::nullopt;
  return place.rank;
}

std::uint64_t Compact::count_below(double score, bool or_equal) const {
  std::uint64_t count = 0;
  for (std::size_t at = run_.begin(); at != run_.end(); at = run_.next(run_.next(at)), ++count) {
    const double there = score_at(at);
    if (there > score || (there == score && !or_equal)) break;
  }
  return count;
}

std::uint64_t Compact::count_before(std::string_view member, bool or_equal) const {
  std::uint64_t count = 0;
  for (std::size_t at = run_.begin(); at != run_.end(); ++count) {
    at = run_.next(at);
    const ItemText there = run_.read(at);
    if (there.view() > member || (there.view() == member && !or_equal)) break;
    at = run_.next(at);
  }
  return count;
}

void Compact::visit(std::uint64_t from, std::uint64_t to, Visit visit) const {
  STAVE_ASSERT(from <= to && to <= size());
  std::size_t at = run_.place(2 * from);
  for (; from != to; ++from) {
    const std::size_t member_at = run_.next(at);
    if (!visit({.member = run_.read(member_at).view(), .score = score_at(at)})) return;
    at = run_.next(member_at);
  }
}

// Items are found from the front only, so the places are noted on the way.
void Compact::visit_backwards(std::uint64_t from, std::uint64_t to, Visit visit) const {
  STAVE_ASSERT(from <= to && to <= size());
  std::vector<std::size_t> places;
  places.reserve(to - from);
  std::size_t at = run_.place(2 * from);
  for (; from != to; ++from, at = run_.next(run_.next(at))) places.push_back(at);
  for (const std::size_t place : places | std::views::reverse)
    if (!visit({.member = run_.read(run_.next(place)).view(), .score = score_at(place)})) return;
}

// All of it at once: what is small enough for one run is small enough for one answer.
std::uint64_t Compact::scan(std::uint64_t cursor, std::size_t, Visit visit) const {
  if (cursor == 0) this->visit(0, size(), visit);
  return 0;
}

bool Compact::set(std::string_view member, double score) {
  STAVE_ASSERT(!std::isnan(score));
  const EncodedItem item(member);
  const Place old = find(item);
  const bool known = old.at != run_.end();
  if (known) {
    if (score_at(old.at) == score) return false;
    take_out(old.at);
  }
  insert(place_for(score, member), item, score);
  return !known;
}

// Whether it does come after all others is not looked at: that would cost what this is there to save.
void Compact::append(std::string_view member, double score) {
  STAVE_ASSERT(!std::isnan(score));
  insert(run_.end(), EncodedItem(member), score);
}

void Compact::insert(std::size_t at, const EncodedItem& member, double score) {
  const ScoreText text(score);
  const EncodedItem score_item(text.view());
  char* const to = run_.replace(at, 0, score_item.size() + member.size(), 2);
  score_item.write_to(to);
  member.write_to(to + score_item.size());
}

bool Compact::remove(std::string_view member) {
  const Place place = find(EncodedItem(member));
  if (place.at == run_.end()) return false;
  take_out(place.at);
  return true;
}

void Compact::take_out(std::size_t at) {
  run_.replace(at, run_.next(run_.next(at)) - at, 0, -2);
}

void Compact::erase(std::uint64_t from, std::uint64_t count) {
  STAVE_ASSERT(from <= size() && count <= size() - from);
  if (count == 0) return;
  std::size_t at = run_.place(2 * from);
  std::size_t end = at;
  for (std::uint64_t i = 0; i < 2 * count; ++i) end = run_.next(end);
  run_.replace(at, end - at, 0, -2 * static_cast<std::int64_t>(count));
}

std::string Compact::form_of(const Reader& from) {
  std::string form = Run::begin_form(2 * from.size());
  from.visit(0, from.size(), [&](const Element& element) {
    EncodedItem(ScoreText(element.score).view()).append_to(form);
    EncodedItem(element.member).append_to(form);
    return true;
  });
  return form;
}

}  // namespace stave::types::sorted_set
