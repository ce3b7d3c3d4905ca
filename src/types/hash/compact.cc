#include "types/hash/compact.h"

#include <unordered_set>

namespace stave::types::hash {

// A name must stand there once only.
bool Compact::well_formed(std::string_view form) {
  if (!Run::well_formed(form)) return false;
  const Run run(form);
  if (run.count() == 0 || run.count() % 2 != 0) return false;
  std::unordered_set<std::string_view> seen;
  for (std::size_t at = run.begin(); at != run.end(); at = run.next(run.next(at)))
    if (!seen.insert({run.data(at), item::size_at(run.data(at))}).second) return false;
  return true;
}

std::size_t Compact::place_of(const EncodedItem& name) const noexcept {
  for (std::size_t at = run_.begin(); at != run_.end(); at = run_.next(run_.next(at)))
    if (name.is_at(run_.data(at))) return at;
  return run_.end();
}

std::optional<ItemText> Compact::find(std::string_view name) const {
  const std::size_t at = place_of(EncodedItem(name));
  if (at == run_.end()) return std::nullopt;
  return run_.read(run_.next(at));
}

void Compact::visit(Visit visit) const {
  for (std::size_t at = run_.begin(); at != run_.end();) {
    const std::size_t value = run_.next(at);
    if (!visit({run_.read(at).view(), run_.read(value).view()})) return;
    at = run_.next(value);
  }
}

// All of it at once: what is small enough for one run is small enough for one answer.
std::uint64_t Compact::scan(std::uint64_t cursor, std::size_t, Visit visit) const {
  if (cursor == 0) this->visit(visit);
  return 0;
}

void Compact::visit_random(std::uint64_t random, Visit visit) const {
  STAVE_ASSERT(size() != 0);
  const std::size_t at = run_.place(random % size() * 2);
  visit({run_.read(at).view(), run_.read(run_.next(at)).view()});
}

bool Compact::set(std::string_view name, std::string_view value) {
  const EncodedItem key(name);
  const EncodedItem item(value);
  std::size_t at = place_of(key);
  if (at == run_.end()) {
    char* const to = run_.replace(at, 0, key.size() + item.size(), 2);
    key.write_to(to);
    item.write_to(to + key.size());
    return true;
  }
  at = run_.next(at);
  if (!item.is_at(run_.data(at))) item.write_to(run_.replace(at, run_.next(at) - at, item.size(), 0));
  return false;
}

bool Compact::remove(std::string_view name) {
  std::size_t at = place_of(EncodedItem(name));
  if (at == run_.end()) return false;
  run_.replace(at, run_.next(run_.next(at)) - at, 0, -2);
  return true;
}

}  // namespace stave::types::hash
