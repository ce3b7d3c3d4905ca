#include "types/stream/paged.h"

#include <algorithm>
#include <ranges>
#include <vector>

#include "types/stream/compact.h"

namespace stave::types::stream {

namespace {

constexpr char kLayout = 1;
constexpr unsigned kItems = 2;
constexpr PageId kStep = 2;
/// The score of every element, as an item.
constexpr std::string_view kScore{
    "\x01"
    "0",
    2};

std::string scored(std::string_view element) {
  const EncodedItem item(element);
  std::string bytes;
  bytes.reserve(kScore.size() + item.size());
  bytes.append(kScore);
  item.append_to(bytes);
  return bytes;
}

sorted_set::Bound at_key(std::string_view key, sorted_set::Bound::Edge edge) noexcept {
  return {.score = 0, .member = key, .edge = edge};
}

/// The items of one part of a compact form as a run of scored elements.
std::string scored_run(const Compact::Items& items) {
  std::string run = Run::begin_form(kItems * items.count);
  for (const char* at = items.begin; at != items.end;) {
    const std::size_t size = item::size_at(at);
    run.append(kScore).append(at, size);
    at += size;
  }
  return run;
}

}  // namespace

/// A root taken to pieces.
struct Paged::Parts {
  Header header;
  char entries[paged::Tree::kStateBytes] = {};
  char marks[paged::Tree::kStateBytes] = {};

  [[nodiscard]] std::string_view entries_state() const noexcept { return {entries, sizeof entries}; }
  [[nodiscard]] std::string_view marks_state() const noexcept { return {marks, sizeof marks}; }
};

std::optional<Paged::Parts> Paged::parts_of(std::string_view root) noexcept {
  constexpr std::size_t kState = paged::Tree::kStateBytes;
  if (root.empty() || root[0] != kLayout) return std::nullopt;
  root.remove_prefix(1);
  Parts parts;
  const auto header = take_header(root);
  if (!header || (root.size() != kState && root.size() != 2 * kState)) return std::nullopt;
  parts.header = *header;
  std::memcpy(parts.entries, root.data(), kState);
  if (root.size() != kState) std::memcpy(parts.marks, root.data() + kState, kState);
  return parts;
}

std::string Paged::empty_root(std::uint64_t) {
  std::string root(1, kLayout);
  append_header(root, {});
  return root.append(paged::Tree::kStateBytes, '\0');
}

bool Paged::well_formed(std::string_view root) noexcept {
  const auto parts = parts_of(root);
  return parts && paged::Tree::well_formed(parts->entries_state()) && paged::Tree::well_formed(parts->marks_state()) &&
         (parts->header.counters.length == 0) == (paged::Tree::count_of(parts->entries_state()) == 0);
}

std::optional<PageId> Paged::page_end(std::string_view root) noexcept {
  const auto parts = parts_of(root);
  STAVE_ASSERT(parts);
  const auto entries = paged::Tree::numbers_of(parts->entries_state());
  const auto marks = paged::Tree::numbers_of(parts->marks_state());
  if (!entries || !marks) return std::nullopt;
  return kStep * std::max(*entries, *marks);
}

Paged::Paged(Pages& pages, std::string_view root) : Paged(pages, parts_of(root).value(), root) {}

Paged::Paged(Pages& pages, const Parts& parts, std::string_view root)
    : OnElements(parts.header),
      entries_(pages, paged::Tree::Elements::kScored, {.first = 0, .step = kStep}, parts.entries_state()),
      marks_(pages, paged::Tree::Elements::kScored, {.first = 1, .step = kStep}, parts.marks_state()),
      root_(root) {
  STAVE_ASSERT(well_formed(root));
}

void Paged::note_change() {
  constexpr std::size_t kState = paged::Tree::kStateBytes;
  root_.assign(1, kLayout);
  append_header(root_, header());
  const std::size_t at = root_.size();
  root_.resize(at + (marks_.count() == 0 ? kState : 2 * kState));
  entries_.put_state(root_.data() + at);
  if (marks_.count() != 0) marks_.put_state(root_.data() + at + kState);
  changed_ = true;
}

void Paged::visit_pages(base::FunctionRef<bool(PageId)> visit) const {
  bool on = true;
  entries_.visit_pages([&](PageId page) { return on = visit(page); });
  if (on) marks_.visit_pages(visit);
}

void Paged::fill(std::string_view form) {
  const Compact from(form);
  const std::string blocks = scored_run(from.items(Part::kEntries));
  const std::string marks = scored_run(from.items(Part::kMarks));
  entries_.fill(Run(blocks));
  marks_.fill(Run(marks));
  restore_header(from.header());
}

std::uint64_t Paged::rank(Part part, std::string_view key) const {
  if (tree(part).count() == 0) return 0;
  const auto place = tree(part).between(at_key(key, sorted_set::Bound::Edge::kBefore));
  if (!place.there) return 0;
  const std::uint64_t rank = std::min(place.rank(), tree(part).count());
  if (place.in_leaf < place.count) found_.emplace(part, rank, place);
  return rank;
}

/// Null only when pages cannot be had.
const paged::Tree::Place* Paged::find_place(Part part, std::uint64_t rank) const {
  if (found_ && found_->part == part && found_->rank == rank) return &found_->place;
  const auto place = tree(part).find(rank);
  if (!place.there) return nullptr;
  return &found_.emplace(part, rank, place).place;
}

void Paged::visit(Part part, std::uint64_t from, std::uint64_t to, bool backwards, Elements::Visit visit) const {
  if (to == from + 1) {
    const paged::Tree::Place* const place = find_place(part, from);
    const std::string_view form = place != nullptr ? tree(part).leaf(*place) : std::string_view();
    if (form.empty()) return;
    const Run leaf(form);
    visit(leaf.read(leaf.place(place->in_leaf * kItems + 1)).view());
    return;
  }
  std::vector<std::size_t> places;
  tree(part).visit(from, to, backwards, [&](const Run& leaf, std::uint64_t begin, std::uint64_t end) {
    places.clear();
    std::size_t at = leaf.place(begin * kItems);
    for (; begin != end; ++begin) {
      const std::size_t member = leaf.next(at);
      if (backwards) {
        places.push_back(member);
      } else if (!visit(leaf.read(member).view())) {
        return false;
      }
      at = leaf.next(member);
    }
    for (const std::size_t place : places | std::views::reverse)
      if (!visit(leaf.read(place).view())) return false;
    return true;
  });
}

namespace {

/// Whether an element belongs right before the one at that place: who inserts has looked there, mostly.
bool belongs_before(const paged::Tree& tree, const paged::Tree::Place& place, std::string_view element) {
  // The one before may be in another leaf.
  if (place.in_leaf == 0 || place.in_leaf >= place.count) return false;
  const std::string_view form = tree.leaf(place);
  if (form.empty()) return false;
  const Run leaf(form);
  const std::size_t before = leaf.place((place.in_leaf - 1) * kItems);
  const std::size_t member = leaf.next(before);
  return leaf.read(member).view() < element && element < leaf.read(leaf.next(leaf.next(member))).view();
}

}  // namespace

void Paged::insert(Part part, std::string_view element) {
  paged::Tree& to = tree(part);
  if (to.count() == 0) {
    to.insert_first(scored(element));
  } else if (found_ && found_->part == part && belongs_before(to, found_->place, element)) {
    to.insert(found_->place, scored(element));
  } else {
    to.insert(to.between(at_key(element, sorted_set::Bound::Edge::kBehind)), scored(element));
  }
  found_.reset();
}

void Paged::replace(Part part, std::uint64_t rank, std::string_view element) {
  paged::Tree& in = tree(part);
  if (rank >= in.count()) return;  // only when pages cannot be had
  if (const paged::Tree::Place* const place = find_place(part, rank)) in.replace(*place, scored(element));
  found_.reset();
}

void Paged::erase(Part part, std::uint64_t from, std::uint64_t count) {
  found_.reset();
  paged::Tree& in = tree(part);
  if (from <= in.count() && count <= in.count() - from) in.erase(from, count);
}

}  // namespace stave::types::stream
