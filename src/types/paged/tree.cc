#include "types/paged/tree.h"

#include <algorithm>
#include <type_traits>

#include "base/bytes.h"

namespace stave::types::paged {

namespace {

/// In the place of a node's counts, where nobody looks at them: numbers of no width.
constexpr std::string_view kNoCounts("\0", 1);

}  // namespace

/// The counts of a node as they should be, loose ones too.
struct Tree::Counts {
  Counts(const NodeView& node, const Below& below, std::optional<std::uint64_t> first_of_top) noexcept
      : counts(node.counts()), total(below.count), size(node.size()), loose_first(below.first), loose_last(below.last) {
    if (loose_first) {
      const std::uint64_t others = first_of_top ? 0 : counts.sum(1, size);
      STAVE_ASSERT(others <= below.count);
      first = first_of_top ? *first_of_top : below.count - others;
    }
    if (loose_last) {
      const std::uint64_t others = loose_first ? first + counts.sum(1, size - 1) : counts.sum(0, size - 1);
      STAVE_ASSERT(others <= below.count);
      last = below.count - others;
    }
  }
  std::uint64_t operator[](std::size_t child) const noexcept {
    if (loose_first && child == 0) return first;
    if (loose_last && child + 1 == size) return last;
    return counts[child];
  }
  [[nodiscard]] std::uint64_t before(std::size_t child) const noexcept {
    return child == 0 ? 0 : (*this)[0] + counts.sum(1, child);
  }
  /// The child with the element of that rank, which is there.
  [[nodiscard]] std::size_t holder_of(std::uint64_t rank) const noexcept {
    const std::uint64_t first_count = (*this)[0];
    if (rank < first_count || size == 1) return 0;
    if (loose_last && rank >= total - last) return size - 1;
    return counts.holder_of(rank - first_count, 1, size - 1);
  }

  Packed counts;
  std::uint64_t total;
  std::size_t size;
  bool loose_first;
  bool loose_last;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

bool Tree::well_formed(std::string_view state) noexcept {
  if (state.size() != kStateBytes) return false;
  const std::uint64_t top = base::load48(state.data());
  const auto height = static_cast<unsigned char>(state[6]);
  const std::uint64_t count = base::load48(state.data() + 7);
  const std::uint64_t first = base::load48(state.data() + 13);
  const std::uint64_t made = base::load48(state.data() + 19);
  if (count == 0) return top == 0 && height == 0 && first == 0;
  return height <= kHeightMax && top < made && (height == 0 || (first != 0 && first < count));
}

std::uint64_t Tree::count_of(std::string_view state) noexcept {
  return base::load48(state.data() + 7);
}

std::optional<std::uint64_t> Tree::numbers_of(std::string_view state) noexcept {
  constexpr std::uint64_t kFew = 64;
  const std::uint64_t made = base::load48(state.data() + 19);
  if (made > 2 * count_of(state) + kFew) return std::nullopt;
  return made;
}

Tree::Tree(Pages& pages, Elements elements, Numbering numbering, std::string_view state) noexcept
    : pages_(&pages), items_(elements == Elements::kScored ? 2 : 1), numbering_(numbering) {
  STAVE_ASSERT(state.size() == kStateBytes);
  top_ = base::load48(state.data());
  height_ = static_cast<unsigned char>(state[6]);
  count_ = base::load48(state.data() + 7);
  first_ = base::load48(state.data() + 13);
  made_ = base::load48(state.data() + 19);
}

void Tree::put_state(char* to) const noexcept {
  base::store48(to, top_);
  to[6] = static_cast<char>(height_);
  base::store48(to + 7, count_);
  base::store48(to + 13, height_ == 0 ? 0 : first_);
  base::store48(to + 19, made_);
}

// A node's counts lie in the page behind its structure.
NodeView Tree::view(std::uint64_t node) const {
  return {read(node), read(node + 1)};
}

/// Notes the way into that child, which has that many elements.
void Tree::step_into(Place& place, Below& below, const NodeView& node, std::size_t child, std::uint64_t count) {
  below.first = below.first && child == 0;
  below.last = below.last && child + 1 == node.size();
  place.steps[place.height++] = {.node = below.page, .child = child, .loose = below.first || below.last};
  below.page = node.page(child);
  below.count = count;
  --below.level;
}

void Tree::arrive(Place& place, const Below& below) {
  place.leaf = below.page;
  place.count = below.count;
  place.first = below.first;
  place.last = below.last;
  place.there = true;
}

// Who is not asked for counts chooses by the node alone: then none is looked at, and how many elements the leaf has it
// says itself.
template <class Choose>
void Tree::descend(Place& place, Choose choose) const {
  STAVE_ASSERT(count_ != 0);
  Below below{.page = top_, .level = height_, .count = count_};
  while (below.level != 0) {
    if constexpr (std::is_invocable_v<Choose, const NodeView&>) {
      const NodeView node(read(below.page), kNoCounts);
      if (!node.there()) return;
      step_into(place, below, node, choose(node), 0);
    } else {
      const NodeView node = view(below.page);
      if (!node.there()) return;
      const Counts counts(node, below, below.level == height_ ? std::optional(first_) : std::nullopt);
      const std::size_t child = choose(node, counts, place.before);
      place.before += counts.before(child);
      step_into(place, below, node, child, counts[child]);
    }
  }
  arrive(place, below);
}

void Tree::descend(Place& place, const sorted_set::Bound& bound) const {
  descend(place, [&bound](const NodeView& node) { return node.child_of(bound); });
}

Tree::Place Tree::find(std::uint64_t rank) const {
  STAVE_ASSERT(rank < count_);
  Place place;
  descend(place, [rank](const NodeView&, const Counts& counts, std::uint64_t before) {
    return counts.holder_of(rank - before);
  });
  place.in_leaf = rank - place.before;
  return place;
}

// Where two leaves meet it is the end of the first one. The ends of the tree are where most changes of a list are.
Tree::Place Tree::between(std::uint64_t rank) const {
  if (rank != 0 && rank != count_) {
    Place place = find(rank - 1);
    ++place.in_leaf;
    return place;
  }
  Place place;
  descend(place, [rank](const NodeView& node) { return rank == 0 ? 0 : node.size() - 1; });
  if (!place.there) return place;
  const std::string_view form = leaf(place);
  place.there = !form.empty();
  place.count = Run(form).count() / items_;
  if (rank == 0) return place;
  place.before = count_ - place.count;
  place.in_leaf = place.count;
  return place;
}

Tree::Place Tree::between(const sorted_set::Bound& bound) const {
  STAVE_ASSERT(items_ == 2);
  Place place;
  descend(place, [&](const NodeView& node, const Counts&, std::uint64_t) { return node.child_of(bound); });
  find_in_leaf(place, bound);
  return place;
}

Tree::Place Tree::place_at(const sorted_set::Bound& bound) const {
  STAVE_ASSERT(items_ == 2);
  Place place;
  descend(place, bound);
  find_in_leaf(place, bound);
  return place;
}

void Tree::find_in_leaf(Place& place, const sorted_set::Bound& bound) const {
  if (!place.there) return;
  const std::string_view form = leaf(place);
  place.there = !form.empty();
  const Run run(form);
  place.count = run.count() / items_;
  for (std::size_t at = run.begin(); at != run.end(); ++place.in_leaf) {
    const std::size_t member = run.next(at);
    if (!bound.is_behind(sorted_set::score_at(run.data(at)), run.data(member))) break;
    at = run.next(member);
  }
}

bool Tree::visit_below(const Below& below, Range range, bool backwards, VisitLeaf visit) const {
  if (below.level == 0) {
    const std::string_view form = read(below.page);
    return !form.empty() && visit(Run(form), range.from, range.to);
  }
  const NodeView node = view(below.page);
  if (!node.there()) return false;
  const Counts counts(node, below, below.level == height_ ? std::optional(first_) : std::nullopt);
  std::uint64_t end = backwards ? below.count : 0;
  for (std::size_t i = 0; i != node.size(); ++i) {
    const std::size_t child = backwards ? node.size() - 1 - i : i;
    const std::uint64_t count = counts[child];
    const std::uint64_t begin = backwards ? end - count : end;
    end = backwards ? begin : begin + count;
    if (begin + count <= range.from || begin >= range.to) continue;
    const Range part{.from = std::max(range.from, begin) - begin, .to = std::min(range.to, begin + count) - begin};
    const Below next{.page = node.page(child),
                     .level = below.level - 1,
                     .count = count,
                     .first = below.first && child == 0,
                     .last = below.last && child + 1 == node.size()};
    if (!visit_below(next, part, backwards, visit)) return false;
  }
  return true;
}

void Tree::visit(std::uint64_t from, std::uint64_t to, bool backwards, VisitLeaf visit) const {
  STAVE_ASSERT(from <= to && to <= count_);
  if (from == to) return;
  visit_below({.page = top_, .level = height_, .count = count_}, {.from = from, .to = to}, backwards, visit);
}

// A page comes after those below it, and nothing is read of it any more: whoever visits may erase it.
bool Tree::visit_pages_below(std::uint64_t page, unsigned level, base::FunctionRef<bool(PageId)> visit) const {
  if (level == 0) return visit(page_of(page));
  std::vector<std::uint64_t> children;
  {
    const NodeView node = view(page);
    for (std::size_t i = 0; i != node.size(); ++i) children.push_back(node.page(i));
  }
  if (children.empty()) return false;
  for (const std::uint64_t child : children)
    if (!visit_pages_below(child, level - 1, visit)) return false;
  return visit(page_of(page)) && visit(page_of(page + 1));
}

void Tree::visit_pages(base::FunctionRef<bool(PageId)> visit) const {
  if (count_ != 0) visit_pages_below(top_, height_, visit);
}

}  // namespace stave::types::paged
