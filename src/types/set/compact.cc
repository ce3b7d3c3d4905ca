#include "types/set/compact.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>
#include <utility>

#include "base/assert.h"

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

namespace {

/// Takes `count` of `size` in one walk, any of the choices as likely: each with the share of what is still wanted in
/// what is still to come (Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S).
class Choice {
 public:
  Choice(std::uint64_t count, std::uint64_t size, base::Random& random) noexcept
      : wanted_(std::min(count, size)), left_(size), random_(random) {}
  [[nodiscard]] bool goes_on() const noexcept { return wanted_ != 0; }
  [[nodiscard]] bool takes_next() noexcept {
    STAVE_ASSERT(wanted_ <= left_ && left_ != 0);
    const bool taken = random_.below(left_--) < wanted_;
    if (taken) --wanted_;
    return taken;
  }

 private:
  std::uint64_t wanted_;
  std::uint64_t left_;
  base::Random& random_;
};

}  // namespace

// The walk of all walks: over the bytes themselves, which were checked.
std::size_t Compact::find(const EncodedItem& member) const noexcept {
  const std::string_view form = run_.form();
  const char* const end = form.data() + form.size();
  const char* at = form.data() + run_.begin();
  while (at < end && !member.is_at(at)) at += item::size_at(at);
  STAVE_ASSERT(at <= end);
  return static_cast<std::size_t>(at - form.data());
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

void Compact::visit_sample(std::uint64_t count, base::Random& random, Visit visit) const {
  Choice choice(count, size(), random);
  for (std::size_t at = run_.begin(); at != run_.end() && choice.goes_on(); at = run_.next(at))
    if (choice.takes_next() && !visit(run_.read(at).view())) return;
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

void Compact::add_new(std::string_view member) {
  const EncodedItem item(member);
  std::size_t at = run_.end();
  item.write_to(run_.replace(at, 0, item.size(), 1));
}

bool Compact::remove(std::string_view member) {
  std::size_t at = find(EncodedItem(member));
  if (at == run_.end()) return false;
  run_.replace(at, run_.next(at) - at, 0, -1);
  return true;
}

std::string Compact::form_of(const Reader& from) {
  std::string form = Run::begin_form(from.size());
  from.visit([&](std::string_view member) {
    EncodedItem(member).append_to(form);
    return true;
  });
  return form;
}

// What stays is copied in pieces that lie between what goes, so the cost is one walk however many are taken.
void Compact::take_sample(std::uint64_t count, base::Random& random, Visit visit) {
  if (count == 0 || size() == 0) return;
  if (count >= size()) {
    this->visit([&](std::string_view member) { return visit(member), true; });
    run_.clear();
    return;
  }
  Run kept;
  const auto keep = [&](std::size_t from, std::size_t to, std::int64_t items) {
    if (from == to) return;
    std::size_t at = kept.end();
    std::memcpy(kept.replace(at, 0, to - from, items), run_.data(from), to - from);
  };
  Choice choice(count, size(), random);
  std::size_t from = run_.begin();
  std::size_t at = from;
  std::int64_t between = 0;
  std::uint64_t passed = 0;
  for (; choice.goes_on(); ++passed) {
    const std::size_t next = run_.next(at);
    if (choice.takes_next()) {
      visit(run_.read(at).view());
      keep(from, at, between);
      from = next;
      between = 0;
    } else {
      ++between;
    }
    at = next;
  }
  keep(from, run_.end(), between + static_cast<std::int64_t>(size() - passed));
  STAVE_ASSERT(kept.count() == size() - count);
  run_ = std::move(kept);
}

}  // namespace stave::types::set
