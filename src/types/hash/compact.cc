#include "types/hash/compact.h"

#include <algorithm>
#include <string>
#include <unordered_set>

namespace stave::types::hash {

namespace {

/// A deadline as the text of its item.
class DeadlineText {
 public:
  explicit DeadlineText(UnixMs deadline) noexcept {
    if (deadline != kNever) digits_.emplace(raw(deadline));
  }
  [[nodiscard]] std::string_view view() const noexcept { return digits_ ? digits_->view() : std::string_view{}; }

 private:
  std::optional<Digits> digits_;
};

/// nullopt: the text is none. An empty one is kNever.
std::optional<UnixMs> deadline_of(const ItemText& text) noexcept {
  const std::string_view view = text.view();
  if (view.empty()) return kNever;
  const auto number = text.number() ? text.number() : parse_integer(view);
  if (!number || *number < 0 || *number > kUnixMsMax) return std::nullopt;
  return UnixMs{*number};
}

/// As the item that it is in a form.
std::string encoded(std::string_view name) {
  std::string text;
  if (name.size() <= item::kTextMax) EncodedItem(name).append_to(text);
  return text;
}

/// Shows a field that was unpacked.
bool show(const Unpacked::Field& field, Reader::Visit visit) {
  const ItemText name = item::read(field.name.data());
  const ItemText value = item::read(field.value.data());
  return visit({.name = name.view(), .value = value.view(), .deadline = field.deadline});
}

bool well_formed_deadline(const Run& run, std::size_t at, bool& there) {
  const auto deadline = deadline_of(run.read(at));
  there = deadline && *deadline != kNever;
  return there || run.read(at).view().empty();
}

}  // namespace

// A name must stand there once only; with deadlines, one field must have one.
bool Compact::well_formed(std::string_view form) {
  const bool with_deadlines = expiring(form);
  if (!Run::well_formed(form, with_deadlines ? kExpiring : 0)) return false;
  const Run run(form);
  const std::uint64_t items = with_deadlines ? run.count() - 1 : run.count();
  const std::uint64_t parts = with_deadlines ? 3 : 2;
  if (run.count() == 0 || items == 0 || items % parts != 0) return false;
  std::size_t at = run.begin();
  bool kept_apart = false;
  if (with_deadlines) {
    if (!deadline_of(run.read(at))) return false;
    kept_apart = !run.read(at).view().empty();
    at = run.next(at);
  }
  std::unordered_set<std::string_view> seen;
  bool any = false;
  bool all = true;
  while (at != run.end()) {
    if (!seen.insert({run.data(at), item::size_at(run.data(at))}).second) return false;
    at = run.next(run.next(at));
    if (!with_deadlines) continue;
    bool there = false;
    if (!well_formed_deadline(run, at, there)) return false;
    any = any || there;
    all = all && there;
    at = run.next(at);
  }
  return !with_deadlines || (any && (all || !kept_apart));
}

Compact::Compact(std::string_view form, UnixMs now) noexcept : run_(form), now_(now) {
  if (!with_deadlines()) {
    alive_ = run_.count() / 2;
    return;
  }
  for (std::size_t at = first(); at != run_.end(); at = behind(at)) {
    const UnixMs deadline = deadline_at(at);
    if (deadline != kNever && deadline <= now_) continue;
    ++alive_;
    if (deadline != kNever) ++expiring_;
  }
}

// --- places ----------------------------------------------------------------------------------------------------------

std::size_t Compact::first() const noexcept {
  return with_deadlines() ? run_.next(run_.begin()) : run_.begin();
}

std::size_t Compact::behind(std::size_t at) const noexcept {
  const std::size_t pair = run_.next(run_.next(at));
  return with_deadlines() ? run_.next(pair) : pair;
}

std::size_t Compact::place_of(std::string_view name) const noexcept {
  if (name.size() > item::kTextMax) return run_.end();
  const EncodedItem item(name);
  for (std::size_t at = first(); at != run_.end(); at = behind(at))
    if (item.is_at(run_.data(at))) return passed(at) ? run_.end() : at;
  return run_.end();
}

UnixMs Compact::deadline_at(std::size_t at) const noexcept {
  if (!with_deadlines()) return kNever;
  const auto deadline = deadline_of(run_.read(run_.next(run_.next(at))));
  STAVE_ASSERT(deadline);
  return *deadline;
}

bool Compact::passed(std::size_t at) const noexcept {
  const UnixMs deadline = deadline_at(at);
  return deadline != kNever && deadline <= now_;
}

// --- reading ---------------------------------------------------------------------------------------------------------

std::optional<ItemText> Compact::find(std::string_view name) const {
  if (unpacked()) {
    const Unpacked::Field* const field = unpacked_->find(encoded(name));
    return field == nullptr ? std::nullopt : std::optional(item::read(field->value.data()));
  }
  const std::size_t at = place_of(name);
  if (at == run_.end()) return std::nullopt;
  return run_.read(run_.next(at));
}

std::optional<UnixMs> Compact::deadline(std::string_view name) const {
  if (unpacked()) {
    const Unpacked::Field* const field = unpacked_->find(encoded(name));
    return field == nullptr ? std::nullopt : std::optional(field->deadline);
  }
  const std::size_t at = place_of(name);
  if (at == run_.end()) return std::nullopt;
  return deadline_at(at);
}

bool Compact::visit_at(std::size_t at, Visit visit) const {
  const ItemText name = run_.read(at);
  const ItemText value = run_.read(run_.next(at));
  return visit({.name = name.view(), .value = value.view(), .deadline = deadline_at(at)});
}

void Compact::visit(Visit visit) const {
  if (unpacked_) {
    for (const Unpacked::Field& field : unpacked_->fields())
      if (field.there && !show(field, visit)) return;
    return;
  }
  for (std::size_t at = first(); at != run_.end(); at = behind(at))
    if (!passed(at) && !visit_at(at, visit)) return;
}

// All of it at once: what is small enough for one run is small enough for one answer.
std::uint64_t Compact::scan(std::uint64_t cursor, std::size_t, Visit visit) const {
  if (cursor == 0) this->visit(visit);
  return 0;
}

void Compact::visit_random(std::uint64_t random, Visit visit) const {
  STAVE_ASSERT(size() != 0);
  std::uint64_t number = random % size();
  if (unpacked_) {
    for (const Unpacked::Field& field : unpacked_->fields()) {
      if (!field.there || number-- != 0) continue;
      show(field, visit);
      return;
    }
  }
  for (std::size_t at = first(); at != run_.end(); at = behind(at)) {
    if (passed(at)) continue;
    if (number-- != 0) continue;
    visit_at(at, visit);
    return;
  }
}

// --- changing --------------------------------------------------------------------------------------------------------

bool Compact::set(std::string_view name, std::string_view value, UnixMs deadline) {
  STAVE_ASSERT(deadline == kNever || deadline > now_);
  const EncodedItem key(name);
  const EncodedItem item(value);
  if (unpacked()) return set_unpacked(key, item, deadline);
  std::size_t at = place_of(name);
  if (at != run_.end() && item.is_at(run_.data(run_.next(at))) && deadline_at(at) == deadline) return false;
  settled_ = false;
  if (drop_passed()) at = place_of(name);
  if (deadline != kNever && !with_deadlines()) {
    lay_out(kExpiring);
    at = place_of(name);
  }
  const DeadlineText text(deadline);
  const EncodedItem until(text.view());
  if (at == run_.end()) {
    const bool apart = with_deadlines();
    char* to = run_.replace(at, 0, key.size() + item.size() + (apart ? until.size() : 0), apart ? 3 : 2);
    key.write_to(to);
    item.write_to(to + key.size());
    if (apart) until.write_to(to + key.size() + item.size());
    ++alive_;
    expiring_ += deadline != kNever ? 1 : 0;
    return true;
  }
  if (with_deadlines()) {
    expiring_ -= deadline_at(at) != kNever ? 1 : 0;
    expiring_ += deadline != kNever ? 1 : 0;
    write(run_.next(run_.next(at)), until);
  }
  write(run_.next(at), item);
  return false;
}

bool Compact::set_deadline(std::string_view name, UnixMs deadline) {
  STAVE_ASSERT(deadline == kNever || deadline > now_);
  if (unpacked()) {
    Unpacked::Field* const field = unpacked_->find(encoded(name));
    if (field == nullptr || field->deadline == deadline) return field != nullptr;
    repack_ = true;
    settled_ = false;
    expiring_ -= field->deadline != kNever ? 1 : 0;
    expiring_ += deadline != kNever ? 1 : 0;
    field->deadline = deadline;
    return true;
  }
  std::size_t at = place_of(name);
  if (at == run_.end()) return false;
  if (deadline_at(at) == deadline) return true;
  settled_ = false;
  const std::string own_name(run_.read(at).view());
  drop_passed();
  if (!with_deadlines()) lay_out(kExpiring);
  at = place_of(own_name);
  expiring_ -= deadline_at(at) != kNever ? 1 : 0;
  expiring_ += deadline != kNever ? 1 : 0;
  const DeadlineText text(deadline);
  write(run_.next(run_.next(at)), EncodedItem(text.view()));
  return true;
}

std::string Compact::form_of(const Reader& from) {
  std::string form = Run::begin_form(2 * from.size());
  from.visit([&](const Field& field) {
    EncodedItem(field.name).append_to(form);
    EncodedItem(field.value).append_to(form);
    return true;
  });
  return form;
}

bool Compact::remove(std::string_view name) {
  if (unpacked()) {
    const std::string key = encoded(name);
    const Unpacked::Field* const field = unpacked_->find(key);
    if (field == nullptr) return false;
    repack_ = true;
    settled_ = false;
    --alive_;
    expiring_ -= field->deadline != kNever ? 1 : 0;
    unpacked_->remove(key);
    return true;
  }
  std::size_t at = place_of(name);
  if (at == run_.end()) return false;
  settled_ = false;
  --alive_;
  expiring_ -= deadline_at(at) != kNever ? 1 : 0;
  drop(at);
  drop_passed();
  return true;
}

void Compact::write(std::size_t at, const EncodedItem& item) {
  if (!item.is_at(run_.data(at))) item.write_to(run_.replace(at, run_.next(at) - at, item.size(), 0));
}

/// Takes out a field; `at` becomes the place of the one behind it.
void Compact::drop(std::size_t& at) {
  run_.replace(at, behind(at) - at, 0, with_deadlines() ? -3 : -2);
}

/// Takes out what is not seen any more. True when there was anything.
bool Compact::drop_passed() {
  if (!with_deadlines() || run_.count() == 1 + 3 * alive_) return false;
  for (std::size_t at = first(); at != run_.end();) {
    if (passed(at)) {
      drop(at);
    } else {
      at = behind(at);
    }
  }
  STAVE_ASSERT(run_.count() == 1 + 3 * alive_);
  return true;
}

/// The fields that are seen, in the other layout.
void Compact::lay_out(unsigned layout) {
  STAVE_ASSERT(layout != run_.layout());
  const bool apart = layout == static_cast<unsigned>(kExpiring);
  const EncodedItem none{std::string_view{}};
  std::string items;
  items.reserve(run_.form().size() + (apart ? 1 + alive_ : 0));
  if (apart) none.append_to(items);
  for (std::size_t at = first(); at != run_.end(); at = behind(at)) {
    if (passed(at)) continue;
    items.append(run_.form().substr(at, run_.next(run_.next(at)) - at));
    if (apart) none.append_to(items);
  }
  Run other = Run::of_layout(layout);
  std::size_t at = other.begin();
  const std::uint64_t count = apart ? 1 + 3 * alive_ : 2 * alive_;
  char* const to = other.replace(at, 0, items.size(), static_cast<std::int64_t>(count));
  std::ranges::copy(items, to);
  run_ = std::move(other);
}

// --- many in a row ---------------------------------------------------------------------------------------------------

/// Whether it works on the fields beside one another. Asked by every operation on a field, each of which would go
/// through the whole form otherwise, and those that change it would move it, too.
bool Compact::unpacked() const {
  constexpr unsigned kFew = 8;
  constexpr std::size_t kSmall = 4096;
  if (unpacked_) return true;
  if (!with_deadlines() || run_.form().size() <= kSmall || ++operations_ <= kFew) return false;
  unpack();
  return true;
}

void Compact::unpack() const {
  unpacked_.emplace();
  for (std::size_t at = first(); at != run_.end(); at = behind(at)) {
    if (passed(at)) continue;
    const std::size_t value = run_.next(at);
    unpacked_->add(run_.form().substr(at, value - at), run_.form().substr(value, run_.next(value) - value),
                   deadline_at(at));
  }
}

bool Compact::set_unpacked(const EncodedItem& name, const EncodedItem& value, UnixMs deadline) {
  std::string key;
  name.append_to(key);
  std::string item;
  value.append_to(item);
  Unpacked::Field* const field = unpacked_->find(key);
  if (field != nullptr && field->value == item && field->deadline == deadline) return false;
  repack_ = true;
  settled_ = false;
  expiring_ += deadline != kNever ? 1 : 0;
  if (field == nullptr) {
    unpacked_->add(key, item, deadline);
    ++alive_;
    return true;
  }
  expiring_ -= field->deadline != kNever ? 1 : 0;
  field->value = std::move(item);
  field->deadline = deadline;
  return false;
}

/// The run of the fields as they are now.
void Compact::pack() {
  std::string items(run_.form().substr(run_.begin(), run_.next(run_.begin()) - run_.begin()));
  items.reserve(run_.form().size());
  for (const Unpacked::Field& field : unpacked_->fields()) {
    if (!field.there) continue;
    items.append(field.name).append(field.value);
    EncodedItem(DeadlineText(field.deadline).view()).append_to(items);
  }
  Run other = Run::of_layout(run_.layout());
  std::size_t at = other.begin();
  std::ranges::copy(items, other.replace(at, 0, items.size(), static_cast<std::int64_t>(1 + 3 * alive_)));
  run_ = std::move(other);
  unpacked_.reset();
  operations_ = 0;
  repack_ = false;
}

// --- the key ---------------------------------------------------------------------------------------------------------

std::optional<Expiry> Compact::own_expiry() const noexcept {
  if (!with_deadlines()) return std::nullopt;
  const ItemText text = run_.read(run_.begin());
  if (text.view().empty()) return std::nullopt;
  const auto own = deadline_of(text);
  STAVE_ASSERT(own);
  return Expiry{.at = *own};
}

/// When the last field dies; kNever: there is one that does not.
UnixMs Compact::latest() const noexcept {
  if (alive_ == 0 || expiring_ != alive_) return kNever;
  UnixMs last = kNever;
  for (std::size_t at = first(); at != run_.end(); at = behind(at)) last = std::max(last, deadline_at(at));
  return last;
}

Expiry Compact::settle(const Expiry& own) {
  settled_ = true;
  if (repack_) {
    pack();
  } else {
    unpacked_.reset();  // what follows works on the run
  }
  if (!with_deadlines()) return own;
  if (run_.changed() && expiring_ == 0) {
    lay_out(0);
    return own;
  }
  const UnixMs last = latest();
  const bool with_last = last != kNever && own.sliding_ms == 0 && (own.never() || last < own.at);
  const Digits never(0);
  const DeadlineText text(own.at);
  const EncodedItem kept(!with_last ? std::string_view{} : own.never() ? never.view() : text.view());
  write(run_.begin(), kept);
  return with_last ? Expiry{.at = last} : own;
}

}  // namespace stave::types::hash
