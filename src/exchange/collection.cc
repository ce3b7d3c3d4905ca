#include "exchange/collection.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/assert.h"
#include "types/hash/deadlines.h"
#include "types/list/compact.h"
#include "types/set/compact.h"
#include "types/sketch/sketch.h"
#include "types/sorted_set/compact.h"
#include "types/stream/compact.h"

namespace stave::exchange {

namespace {
/// What a form has before its items.
constexpr std::size_t kHeadMax = 11;
/// One large collection must not keep its memory for the rest of a file.
constexpr std::size_t kKeptFormBytes = 1u << 20;
}  // namespace

void CollectionBuilder::begin(Kind kind, std::size_t bytes_max) {
  STAVE_ASSERT(kind != Kind::kString && kind != Kind::kStream);
  kind_ = kind;
  bytes_max_ = std::min(bytes_max, types::ItemIndex::kBytesMax);
  size_ = 0;
  items_.clear();
  index_.clear();
  scores_.clear();
  deadlines_.clear();
  if (form_.capacity() > kKeptFormBytes) form_ = std::string();
  if (scores_.capacity() > kKeptFormBytes / sizeof(Scored)) scores_ = {};
  form_.clear();
}

bool CollectionBuilder::has_room(std::size_t more) const noexcept {
  // A text takes at most five bytes more than its own; a score at most ten.
  constexpr std::size_t kHeadsMax = 15;
  const std::size_t used = items_.bytes().size() + kHeadMax + kHeadsMax;
  // Those that are not among the items yet: a score takes at most ten bytes, a deadline nine; a field without one, one.
  const std::size_t others = 10 * scores_.size() + (deadlines_.empty() ? 0 : size_ + 8 * deadlines_.size());
  return used <= bytes_max_ && others <= bytes_max_ - used && more <= bytes_max_ - used - others;
}

CollectionBuilder::Added CollectionBuilder::add(std::string_view element) {
  STAVE_ASSERT(kind_ == Kind::kList || kind_ == Kind::kSet);
  if (!has_room(element.size())) return Added::kTooLarge;
  const std::size_t at = items_.bytes().size();
  items_.add(element);
  if (kind_ == Kind::kSet && !index_.insert(items_.bytes(), at)) return Added::kTwice;
  ++size_;
  return Added::kYes;
}

CollectionBuilder::Added CollectionBuilder::add(std::string_view field, std::string_view value, UnixMs deadline) {
  STAVE_ASSERT(kind_ == Kind::kHash);
  if (field.size() > bytes_max_ || !has_room(field.size() + value.size())) return Added::kTooLarge;
  const std::size_t at = items_.bytes().size();
  items_.add(field);
  if (!index_.insert(items_.bytes(), at)) return Added::kTwice;
  items_.add(value);
  ++size_;
  if (deadline != types::hash::kNever) deadlines_.emplace(at, deadline);
  return Added::kYes;
}

bool CollectionBuilder::set_deadline(std::string_view field, UnixMs deadline) {
  STAVE_ASSERT(kind_ == Kind::kHash && deadline != types::hash::kNever);
  const auto at = index_.find(items_.bytes(), field);
  return at && deadlines_.emplace(*at, deadline).second;
}

CollectionBuilder::Added CollectionBuilder::add(std::string_view member, double score) {
  STAVE_ASSERT(kind_ == Kind::kSortedSet && !std::isnan(score));
  if (!has_room(member.size())) return Added::kTooLarge;
  const std::size_t at = items_.bytes().size();
  items_.add(member);
  if (!index_.insert(items_.bytes(), at)) return Added::kTwice;
  scores_.push_back({score, static_cast<std::uint32_t>(at)});
  ++size_;
  return Added::kYes;
}

// Mostly they come in order, or in the reverse of it.
void CollectionBuilder::sort() {
  const std::string& items = items_.bytes();
  const auto before = [&](const Scored& a, const Scored& b) {
    if (a.score != b.score) return a.score < b.score;
    return types::item::read(items.data() + a.at).view() < types::item::read(items.data() + b.at).view();
  };
  if (scores_.size() > 1 && before(scores_.back(), scores_.front())) std::ranges::reverse(scores_);
  if (!std::ranges::is_sorted(scores_, before)) std::ranges::sort(scores_, before);
}

void CollectionBuilder::form_sorted_set() {
  sort();
  form_ = types::Run::head(2 * size_);
  for (const Scored& element : scores_) {
    types::sorted_set::Compact::append_score(form_, element.score);
    const char* const member = items_.bytes().data() + element.at;
    form_.append(member, types::item::size_at(member));
  }
}

void CollectionBuilder::form_expiring_hash() {
  types::Items fields;
  types::hash::add_deadline(fields, types::hash::kNever);  // the key's own stands in the item
  const std::string& items = items_.bytes();
  for (std::size_t at = 0; at != items.size();) {
    const auto found = deadlines_.find(at);
    for (int part = 0; part < 2; ++part) {
      fields.add(types::item::read(items.data() + at).view());
      at += types::item::size_at(items.data() + at);
    }
    types::hash::add_deadline(fields, found == deadlines_.end() ? types::hash::kNever : found->second);
  }
  form_ = fields.take_form(types::hash::kExpiringLayout);
}

std::string_view CollectionBuilder::finish() {
  STAVE_ASSERT(size_ != 0 && form_.empty());
  if (kind_ == Kind::kSortedSet) {
    form_sorted_set();
  } else if (!deadlines_.empty()) {
    form_expiring_hash();
  } else {
    form_ = items_.take_form();
  }
  return form_;
}

bool well_formed(Kind kind, std::string_view value) {
  switch (kind) {
    case Kind::kString: return true;
    case Kind::kHash: return types::hash::Compact::well_formed(value);
    case Kind::kList: return types::list::Compact::well_formed(value);
    case Kind::kSet: return types::set::Compact::well_formed(value);
    case Kind::kSortedSet: return types::sorted_set::Compact::well_formed(value);
    case Kind::kSketch: return types::sketch::well_formed(value);
    case Kind::kStream: return types::stream::Compact::well_formed(value);
  }
  return false;
}

Expiry own_expiry(const Item& item) {
  if (item.kind != Kind::kHash || !types::hash::Compact::expiring(item.value)) return item.expiry;
  return types::hash::Compact(item.value).own_expiry().value_or(item.expiry);
}

}  // namespace stave::exchange
