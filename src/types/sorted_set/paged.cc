#include "types/sorted_set/paged.h"

#include <algorithm>
#include <cmath>
#include <ranges>
#include <vector>

#include "types/sorted_set/score_item.h"

namespace stave::types::sorted_set {

namespace {

constexpr char kLayout = 1;
constexpr unsigned kItems = 2;
constexpr PageId kStep = 2;
constexpr std::size_t kTreeAt = 1 + paged::Buckets::kStateBytes;

/// Elements that `erase` takes at a time, since it has to know their members.
constexpr std::uint64_t kErasedAtOnce = 1024;

Element element_at(const Run& leaf, std::size_t at, const ItemText& member) {
  return {.member = member.view(), .score = score_at(leaf.data(at))};
}

}  // namespace

std::string Paged::empty_root(std::uint64_t seed) {
  std::string root(sizeof root_, '\0');
  root[0] = kLayout;
  paged::Buckets::put_empty_state(root.data() + 1, seed);
  return root;
}

bool Paged::well_formed(std::string_view root) noexcept {
  if (root.size() != sizeof root_ || root[0] != kLayout) return false;
  const std::string_view buckets = root.substr(1, paged::Buckets::kStateBytes);
  const std::string_view tree = root.substr(kTreeAt);
  return paged::Buckets::well_formed(buckets) && paged::Tree::well_formed(tree) &&
         paged::Buckets::count_of(buckets) == paged::Tree::count_of(tree);
}

std::optional<PageId> Paged::page_end(std::string_view root) noexcept {
  const auto in_tree = paged::Tree::numbers_of(root.substr(kTreeAt));
  if (!in_tree) return std::nullopt;
  return kStep * std::max(*in_tree, paged::Buckets::pages_of(root.substr(1, paged::Buckets::kStateBytes)));
}

Paged::Paged(Pages& pages, std::string_view root)
    : buckets_(pages, kItems, kStep, root.substr(1, paged::Buckets::kStateBytes)),
      tree_(pages, paged::Tree::Elements::kScored, {.first = 1, .step = kStep}, root.substr(kTreeAt)) {
  STAVE_ASSERT(well_formed(root));
  std::memcpy(root_, root.data(), sizeof root_);
}

void Paged::note_change() noexcept {
  buckets_.put_state(root_ + 1);
  tree_.put_state(root_ + kTreeAt);
  changed_ = true;
}

void Paged::visit_pages(base::FunctionRef<bool(PageId)> visit) const {
  bool on = true;
  buckets_.visit_pages([&](PageId page) { return on = visit(page); });
  if (on) tree_.visit_pages(visit);
}

std::optional<double> Paged::score(std::string_view member) const {
  const char* const at = buckets_.find(member);
  if (at == nullptr) return std::nullopt;
  return score_at(at + item::size_at(at));
}

std::optional<std::uint64_t> Paged::rank(std::string_view member) const {
  const auto score = this->score(member);
  if (!score) return std::nullopt;
  return tree_.between({.score = *score, .member = member, .edge = Bound::Edge::kBefore}).rank();
}

std::uint64_t Paged::count_below(double score, bool or_equal) const {
  if (size() == 0) return 0;
  return tree_
      .between({.score = score, .member = {}, .edge = or_equal ? Bound::Edge::kBehindScore : Bound::Edge::kBefore})
      .rank();
}

// All scores are the first one.
std::uint64_t Paged::count_before(std::string_view member, bool or_equal) const {
  if (size() == 0) return 0;
  double score = 0;
  visit(0, 1, [&score](const Element& element) { return score = element.score, false; });
  const auto edge = or_equal ? Bound::Edge::kBehind : Bound::Edge::kBefore;
  return tree_.between({.score = score, .member = member, .edge = edge}).rank();
}

void Paged::visit(std::uint64_t from, std::uint64_t to, Visit visit) const {
  tree_.visit(from, to, false, [visit](const Run& leaf, std::uint64_t begin, std::uint64_t end) {
    std::size_t at = leaf.place(begin * kItems);
    for (; begin != end; ++begin) {
      const std::size_t member_at = leaf.next(at);
      if (!visit(element_at(leaf, at, leaf.read(member_at)))) return false;
      at = leaf.next(member_at);
    }
    return true;
  });
}

void Paged::visit_backwards(std::uint64_t from, std::uint64_t to, Visit visit) const {
  std::vector<std::size_t> places;
  tree_.visit(from, to, true, [&](const Run& leaf, std::uint64_t begin, std::uint64_t end) {
    places.clear();
    std::size_t at = leaf.place(begin * kItems);
    for (; begin != end; ++begin, at = leaf.next(leaf.next(at))) places.push_back(at);
    for (const std::size_t place : places | std::views::reverse)
      if (!visit(element_at(leaf, place, leaf.read(leaf.next(place))))) return false;
    return true;
  });
}

std::uint64_t Paged::scan(std::uint64_t cursor, std::size_t count, Visit visit) const {
  return buckets_.scan(cursor, count, [visit](const char* at) {
    const char* const score = at + item::size_at(at);
    return visit({.member = item::read(at).view(), .score = score_at(score)});
  });
}

void Paged::fill(std::string_view form) {
  const Run run(form);
  buckets_.fill(run, 1);
  tree_.fill(run);
  note_change();
}

bool Paged::set(std::string_view member, double score) {
  STAVE_ASSERT(!std::isnan(score));
  const ScoreText text(score);
  const EncodedItem score_item(text.view());
  std::string element;
  score_item.append_to(element);
  EncodedItem(member).append_to(element);
  const auto before = this->score(member);
  if (before == score) return false;
  if (before)
    change_place(member, *before, score, element);
  else if (size() == 0)
    tree_.insert_first(element);
  else
    tree_.insert(tree_.place_at({.score = score, .member = member, .edge = Bound::Edge::kBehind}), element);
  buckets_.set(member, &score_item);
  note_change();
  return !before;
}

// An element that stands where a separator does belongs behind it: so one is looked for as what stands before the place
// behind it.
void Paged::change_place(std::string_view member, double from, double to, std::string_view element) {
  auto old = tree_.place_at({.score = from, .member = member, .edge = Bound::Edge::kBehind});
  if (!old.there) return;
  STAVE_ASSERT(old.in_leaf != 0);
  --old.in_leaf;
  const Bound bound{.score = to, .member = member, .edge = Bound::Edge::kBehind};
  const auto now = tree_.place_at(bound);
  if (!now.there) return;
  if (now.leaf == old.leaf) {
    tree_.move(old, now, element);
    return;
  }
  const bool good = tree_.erase(old);
  tree_.insert(good ? now : tree_.place_at(bound), element);
}

bool Paged::remove(std::string_view member) {
  const auto rank = this->rank(member);
  if (!rank || *rank >= size()) return false;
  tree_.erase(*rank, 1);
  buckets_.remove(member);
  note_change();
  return true;
}

void Paged::erase(std::uint64_t from, std::uint64_t count) {
  STAVE_ASSERT(from <= size() && count <= size() - from);
  if (count == 0) return;
  if (count == size()) {
    tree_.clear();
    buckets_.clear();
  } else {
    for (std::uint64_t left = count; left != 0;) {
      const std::uint64_t now = std::min(left, kErasedAtOnce);
      if (!erase_some(from, now)) break;
      left -= now;
    }
  }
  note_change();
}

/// False when some of it could not be had.
bool Paged::erase_some(std::uint64_t from, std::uint64_t count) {
  std::vector<std::string> members;
  visit(from, from + count, [&members](const Element& element) { return members.emplace_back(element.member), true; });
  if (members.size() != count) return false;
  const std::uint64_t before = size();
  tree_.erase(from, count);
  for (const std::string& member : members) buckets_.remove(member);
  return size() + count == before;
}

}  // namespace stave::types::sorted_set
