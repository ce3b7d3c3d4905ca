#include "types/set/compact.h"

#include <unordered_set>

namespace stave::types::set {

// A member must stand there once only.
bool Compact::well_formed(std::string_view form) {
  if (!Run::well_formed(form)) return false;
  const Run run(form);
  std::unordered_set<std::string_view> seen;
  for (std::size_t at = run.begin(); at != run.end(); at = run.next(at))
    if (!seen.insert({run.data(at), item::size_at(run.data(at))}).second) return false;
  return run.count() != 0;
}

std::size_t Compact::find(const EncodedItem& member) const noexcept {
  for (std::size_t at = run_.begin(); at != run_.end(); at = run_.next(at))
    if (member.is_at(run_.data(at))) return at;
  return run_.end();
}

bool Compact::contains(std::string_view member) const {
  return find(EncodedItem(member)) != run_.end();
}

void Compact::visit(Visit visit) const {
  for (std::size_t at = run_.begin(); at != run_.end(); at = run_.next(at))
    if (!visit(run_.read(at).view())) return;
}

// All of it at once: what is small enough for one run is small enough for one answer.
std::uint64_t Compact::scan(std::uint64_t cursor, std::size_t, Visit visit) const {
  if (cursor == 0) this->visit(visit);
  return 0;
}

void Compact::visit_random(std::uint64_t random, Visit visit) const {
  STAVE_ASSERT(run_.count() != 0);
  visit(run_.read(run_.place(random % run_.count())).view());
}

bool Compact::all_integers() const {
  for (std::size_t at = run_.begin(); at != run_.end(); at = run_.next(at)) {
    const ItemText text = run_.read(at);
    if (!text.number() && !parse_integer(text.view())) return false;
  }
  return true;
}

bool Compact::add(std::string_view member) {
  const EncodedItem item(member);
  std::size_t at = find(item);
  if (at != run_.end()) return false;
  item.write_to(run_.replace(at, 0, item.size(), 1));
  return true;
}

bool Compact::remove(std::string_view member) {
  std::size_t at = find(EncodedItem(member));
  if (at == run_.end()) return false;
  run_.replace(at, run_.next(at) - at, 0, -1);
  return true;
}

}  // namespace stave::types::set
