// How a tree changes: leaves first, then whatever has become too large, too small or empty on the way to the top.

#include <algorithm>
#include <boost/container/static_vector.hpp>
#include <utility>

#include "base/bytes.h"
#include "types/paged/run_of.h"
#include "types/paged/tree.h"

namespace stave::types::paged {

namespace {

/// Where each element of a leaf begins, and the end.
std::vector<std::size_t> places_in(const Run& leaf, unsigned items) {
  std::vector<std::size_t> places;
  places.reserve(leaf.count() / items + 1);
  for (std::size_t at = leaf.begin(); at != leaf.end(); at = items == 2 ? leaf.next(leaf.next(at)) : leaf.next(at))
    places.push_back(at);
  places.push_back(leaf.end());
  return places;
}

/// Notes in `cuts` before which elements of `from` up to `to` a leaf begins, so that each is small or has one element.
void cut(const std::vector<std::size_t>& places, std::size_t from, std::size_t to, std::vector<std::size_t>& cuts) {
  constexpr std::size_t kRunHead = 3;
  const std::size_t bytes = places[to] - places[from];
  if (to - from == 1 || bytes + kRunHead <= kPageBytesMax) return;
  const std::size_t middle = places[from] + bytes / 2;
  const auto begin = places.begin() + static_cast<std::ptrdiff_t>(from) + 1;
  const auto end = places.begin() + static_cast<std::ptrdiff_t>(to);
  auto at = std::lower_bound(begin, end, middle);
  if (at == end || (at != begin && middle - *(at - 1) < *at - middle)) --at;
  const auto half = static_cast<std::size_t>(at - places.begin());
  cut(places, from, half, cuts);
  cuts.push_back(half);
  cut(places, half, to, cuts);
}

/// What is different of an element that stands at `at` and of the one to come, when that is a little: what grows at its
/// end is the same from some byte on to where the old one ends.
using Parts = boost::container::static_vector<base::Edit, 2>;
Parts parts_changed(std::string_view old, std::string_view fresh, std::size_t at) {
  const std::size_t both = std::min(old.size(), fresh.size());
  std::size_t begin = 0;
  while (begin != both && old[begin] == fresh[begin]) ++begin;
  std::size_t end = both;
  while (end != begin && old[end - 1] == fresh[end - 1]) --end;
  Parts parts;
  if (begin != end) parts.push_back({.at = at + begin, .out = end - begin, .in = fresh.substr(begin, end - begin)});
  if (old.size() != fresh.size())
    parts.push_back({.at = at + both, .out = old.size() - both, .in = fresh.substr(both)});
  return parts;
}

/// A child put in at an end of a node, as edits of both its pages. What they put in is here.
class ChildAtEnd {
 public:
  /// `beside`: how many elements the child has that stands at that end now. `separator`: null in a node without order.
  ChildAtEnd(std::string_view structure, std::string_view counts, bool front, const Child& child, std::uint64_t beside,
             const Separator* separator)
      : page_(child.page) {
    constexpr std::size_t kPagesAt = 3;
    constexpr std::size_t kCountsAt = 1;
    const std::size_t width = static_cast<unsigned char>(structure[0]);
    const std::size_t size = base::load<std::uint16_t>(structure.data() + 1);
    const std::size_t count_width = static_cast<unsigned char>(counts[0]);
    STAVE_ASSERT(size != 0);
    size_ = static_cast<std::uint16_t>(size + 1);
    const std::size_t grown =
        structure.size() + width + (separator == nullptr ? 0 : sizeof(double) + separator->member.size());
    fits_ = Packed::width_for(child.page) <= width && grown <= kPageBytesMax && size < 0xffff &&
            Packed::width_for(std::max(beside, child.count)) <= count_width;
    structure_.push_back({.at = 1, .out = sizeof size_, .in = {reinterpret_cast<const char*>(&size_), sizeof size_}});
    structure_.push_back({.at = kPagesAt + (front ? 0 : size * width),
                          .out = 0,
                          .in = {reinterpret_cast<const char*>(&page_), std::min(width, sizeof page_)}});
    if (separator != nullptr) {
      const std::size_t scores = kPagesAt + size * width;
      score_ = separator->score;
      structure_.push_back({.at = scores + (front ? 0 : size - 1) * sizeof(double),
                            .out = 0,
                            .in = {reinterpret_cast<const char*>(&score_), sizeof score_}});
      structure_.push_back(
          {.at = front ? scores + (size - 1) * sizeof(double) : structure.size(), .out = 0, .in = separator->member});
    }
    // The one at the end was loose, and is not any more.
    const auto width_of_count = static_cast<unsigned>(count_width);
    Packed::append(both_, front ? child.count : beside, width_of_count);
    Packed::append(both_, front ? beside : child.count, width_of_count);
    counts_ = {.at = kCountsAt + (front ? 0 : (size - 1) * count_width), .out = count_width, .in = both_};
  }
  ChildAtEnd(const ChildAtEnd&) = delete;
  ChildAtEnd& operator=(const ChildAtEnd&) = delete;

  [[nodiscard]] bool fits() const noexcept { return fits_; }
  [[nodiscard]] base::Edits structure() const noexcept { return {structure_.data(), structure_.size()}; }
  [[nodiscard]] base::Edits counts() const noexcept { return {&counts_, 1}; }

 private:
  std::uint64_t page_;
  std::uint16_t size_ = 0;
  double score_ = 0;
  std::string both_;
  boost::container::static_vector<base::Edit, 4> structure_;
  base::Edit counts_;
  bool fits_ = false;
};

}  // namespace

std::uint64_t Tree::take(std::uint64_t numbers) noexcept {
  made_ += numbers;
  return made_ - numbers;
}

void Tree::insert_first(std::string_view element) {
  STAVE_ASSERT(count_ == 0);
  top_ = take(1);
  count_ = 1;
  write(top_, run_of(items_, element).form());
}

void Tree::insert(const Place& place, std::string_view element) {
  if (!place.there) return;
  const Run run(leaf(place));
  if (run.form().empty()) return;
  const std::size_t at = run.place(place.in_leaf * items_);
  const bool front = place.first && place.in_leaf == 0;
  const bool back = place.last && place.in_leaf == place.count;
  if ((front || back) && run.form().size() + element.size() > kPageBytesMax) {
    add_leaf(place, element, back ? Grown::kBack : Grown::kFront);
    return;
  }
  put_leaf(place, run, RunEdits(run, at, 0, element, items_), 1);
}

void Tree::replace(const Place& place, std::string_view element) {
  if (!place.there) return;
  const Run run(leaf(place));
  if (run.form().empty()) return;
  const std::size_t at = run.place(place.in_leaf * items_);
  const std::size_t end = run.walk(at, items_);
  const std::string_view old = run.form().substr(at, end - at);
  const std::size_t size = run.form().size() - old.size() + element.size();
  const bool stays = size <= kPageBytesMax && (size >= kPageBytesMin || place.height == 0);
  if (!stays) {
    put_leaf(place, run, RunEdits(run, at, old.size(), element, 0), 0);
    return;
  }
  if (const Parts parts = parts_changed(old, element, at); !parts.empty())
    pages_->edit(page_of(place.leaf), base::Edits(parts.data(), parts.size()));
}

void Tree::move(const Place& from, const Place& to, std::string_view element) {
  STAVE_ASSERT(from.leaf == to.leaf);
  const Run run(leaf(from));
  if (run.form().empty()) return;
  const std::size_t at = run.place(from.in_leaf * items_);
  const RunEdits::Move move{
      .from = at, .erased = run.walk(at, items_) - at, .to = run.place(to.in_leaf * items_), .in = element};
  put_leaf(from, run, RunEdits(run, move), 0);
}

void Tree::erase(std::uint64_t from, std::uint64_t count) {
  STAVE_ASSERT(from <= count_ && count <= count_ - from);
  if (count == 0) return;
  if (count == count_) {
    clear();
    return;
  }
  const Place place = from == 0 ? between(from) : find(from);
  if (!place.there) return;
  if (place.in_leaf + count <= place.count) {
    const Run run(leaf(place));
    if (run.form().empty()) return;
    const std::size_t at = run.place(place.in_leaf * items_);
    const std::size_t end = run.walk(at, count * items_);
    const RunEdits edits(run, at, end - at, {}, -static_cast<std::int64_t>(count * items_));
    put_leaf(place, run, edits, -static_cast<std::int64_t>(count));
    return;
  }
  auto top = load_top();
  if (!top || !erase_below(*top, height_, {.from = from, .to = from + count})) return;
  settle_top(*top, Grown::kInside);
  if (from != 0) mend(from - 1);
  if (from != count_) mend(from);
}

bool Tree::erase(const Place& place) {
  if (!place.there) return false;
  const Run run(leaf(place));
  if (run.form().empty()) return false;
  const std::size_t at = run.place(place.in_leaf * items_);
  const RunEdits edits(run, at, run.walk(at, items_) - at, {}, -static_cast<std::int64_t>(items_));
  return put_leaf(place, run, edits, -1);
}

void Tree::clear() {
  if (count_ != 0) drop(top_, height_);
  top_ = count_ = first_ = 0;
  height_ = 0;
}

void Tree::drop(std::uint64_t page, unsigned level) {
  visit_pages_below(page, level, [this](PageId dropped) {
    pages_->erase(dropped);
    return !pages_->failed();
  });
}

/// The leaf at a place holds this with the edits made, `more` elements more than before. False: not that one alone, but
/// for counts.
bool Tree::put_leaf(const Place& place, const Run& leaf, const RunEdits& edits, std::int64_t more) {
  const std::size_t size = edits.form_size();
  if (edits.count() == 0) {
    remove_leaf(place);
    return false;
  }
  const bool divides = size > kPageBytesMax && edits.count() > items_;
  if (!divides && (size >= kPageBytesMin || place.height == 0)) {
    pages_->edit(page_of(place.leaf), edits.edits());
    count_up(place, more);
    return true;
  }
  std::string form(size, '\0');
  base::copy_edited(leaf.form(), edits.edits(), form.data());
  const Run changed(form);
  if (divides) {
    divide_leaf(place, changed);
    return false;
  }
  if (join_leaf(place, changed)) return false;
  write(place.leaf, form);
  count_up(place, more);
  return true;
}

void Tree::count_up(const Place& place, std::int64_t more) {
  if (more == 0) return;
  const auto added = static_cast<std::uint64_t>(more);
  for (unsigned i = 0; i != place.height; ++i) {
    const Place::Step& step = place.steps[i];
    if (i == 0 && step.child == 0) first_ += added;
    if (!step.loose && !count_up_in(step.node + 1, step.child, added)) return;
  }
  count_ += added;
}

/// False when the page cannot be had.
bool Tree::count_up_in(std::uint64_t counts, std::size_t child, std::uint64_t added) {
  const std::string_view before = read(counts);
  if (before.empty()) return false;
  const CountEdit edit(before, child, added);
  if (edit.fits()) {
    pages_->edit(page_of(counts), std::span(&edit.edit(), 1));
  } else {
    write(counts, counts_with(before, child, added));
  }
  return true;
}

/// An element at either end, which gets a leaf of its own, so that the full one stays as it is.
void Tree::add_leaf(const Place& place, std::string_view element, Grown grown) {
  const std::string_view beside = leaf(place);
  if (beside.empty()) return;
  const Run run(beside);
  const std::uint64_t page = take(1);
  std::vector<Child> children(2);
  Child& old = children[grown == Grown::kBack ? 0 : 1];
  Child& added = children[grown == Grown::kBack ? 1 : 0];
  old.page = place.leaf;
  old.count = place.count;
  added.page = page;
  added.count = 1;
  if (items_ == 2) {
    const char* const neighbour = run.data(grown == Grown::kBack ? run.place(run.count() - items_) : run.begin());
    children[1].separator = grown == Grown::kBack ? Separator::between(neighbour, element.data())
                                                  : Separator::between(element.data(), neighbour);
  }
  write(page, run_of(items_, element).form());
  // The node above alone is changed where it has room for one more: all counts on the way to an end are loose.
  if (place.height != 0) {
    const std::uint64_t node = place.steps[place.height - 1].node;
    const std::string_view structure = read(node);
    const std::string_view counts = read(node + 1);
    if (structure.empty() || counts.empty()) return;
    const Separator* const separator = items_ == 2 ? &children[1].separator : nullptr;
    const bool front = grown == Grown::kFront;
    const ChildAtEnd change(structure, counts, front, added, place.count, separator);
    if (change.fits()) {
      pages_->edit(page_of(node), change.structure());
      pages_->edit(page_of(node + 1), change.counts());
      if (front) first_ = place.height == 1 ? 1 : first_ + 1;
      ++count_;
      return;
    }
  }
  replace_leaf(place, std::move(children), grown);
}

void Tree::divide_leaf(const Place& place, const Run& leaf) {
  const std::vector<std::size_t> places = places_in(leaf, items_);
  std::vector<std::size_t> cuts;
  cut(places, 0, places.size() - 1, cuts);
  cuts.push_back(places.size() - 1);
  std::vector<Child> children;
  std::size_t from = 0;
  for (const std::size_t to : cuts) {
    Child child;
    child.page = from == 0 ? place.leaf : take(1);
    child.count = to - from;
    if (items_ == 2 && from != 0)
      child.separator = Separator::between(leaf.data(places[from - 1]), leaf.data(places[from]));
    write(child.page, run_of(child.count * items_, leaf.form().substr(places[from], places[to] - places[from])).form());
    children.push_back(std::move(child));
    from = to;
  }
  replace_leaf(place, std::move(children), Grown::kInside);
}

/// These stand for the leaf from now on; the first has its separator.
void Tree::replace_leaf(const Place& place, std::vector<Child> children, Grown grown) {
  if (place.height == 0) {
    Node top;
    top.page = take(2);
    top.ordered = items_ == 2;
    top.children = std::move(children);
    top.restructured = true;
    top_ = top.page;
    height_ = 1;
    settle_top(top, Grown::kInside);
    return;
  }
  std::vector<Node> path = load_path(place);
  if (path.empty()) return;
  Node& node = path.back();
  children.front().separator = node.children[node.at].separator;
  node.remove(node.at);
  node.children.insert(node.children.begin() + static_cast<std::ptrdiff_t>(node.at),
                       std::make_move_iterator(children.begin()), std::make_move_iterator(children.end()));
  settle(path, grown);
}

void Tree::remove_leaf(const Place& place) {
  if (place.height == 0) {
    clear();
    return;
  }
  std::vector<Node> path = load_path(place);
  if (path.empty()) return;
  erase_page(place.leaf);
  path.back().remove(path.back().at);
  settle(path, Grown::kInside);
}

/// Puts the leaf, as it is now, together with a neighbour. False when there is no neighbour, or not one with that much
/// room.
bool Tree::join_leaf(const Place& place, const Run& leaf) {
  if (place.height == 0) return false;
  const Place::Step& step = place.steps[place.height - 1];
  const NodeView node = view(step.node);
  if (!node.there()) return true;
  for (const bool behind : {true, false}) {
    if (behind ? step.child + 1 == node.size() : step.child == 0) continue;
    const std::size_t beside = behind ? step.child + 1 : step.child - 1;
    const std::uint64_t page = node.page(beside);
    const std::string_view form = read(page);
    if (form.empty()) return true;
    if (form.size() + leaf.form().size() > kPageBytesMax) continue;
    const Run other(form);
    std::string both(items_of(behind ? leaf : other));
    both.append(items_of(behind ? other : leaf));
    const Run joined = run_of(leaf.count() + other.count(), both);
    std::vector<Node> path = load_path(place);
    if (path.empty()) return true;
    Node& parent = path.back();
    write(behind ? place.leaf : page, joined.form());
    erase_page(behind ? page : place.leaf);
    parent.at = std::min(step.child, beside);
    parent.children[parent.at].count = joined.count() / items_;
    parent.remove(parent.at + 1);
    settle(path, Grown::kInside);
    return true;
  }
  return false;
}

/// `first_of_top`: of the top, how many elements its first child has. Another node that is the first and the last of
/// its level has just been joined, and written with it.
std::optional<Node> Tree::load(const Child& child, unsigned level, std::optional<std::uint64_t> first_of_top) const {
  const NodeView view = this->view(child.page);
  if (!view.there()) return std::nullopt;
  Node node;
  node.page = child.page;
  node.ordered = items_ == 2;
  node.first_loose = child.first_loose;
  node.last_loose = child.last_loose;
  node.children.resize(view.size());
  std::uint64_t others = 0;
  const char* member = node.ordered ? view.members() : nullptr;
  for (std::size_t i = 0; i != view.size(); ++i) {
    Child& below = node.children[i];
    below.page = view.page(i);
    below.count = view.counts()[i];
    others += below.count;
    if (node.ordered && i != 0) {
      below.separator.score = view.score(i - 1);
      below.separator.member.assign(member, item::size_at(member));
      member += below.separator.member.size();
    }
  }
  Child& first = node.children.front();
  Child& last = node.children.back();
  if (level > 1) {
    first.first_loose = node.first_loose;
    last.last_loose = node.last_loose;
  }
  if (first_of_top) {
    others = others - first.count + *first_of_top;
    first.count = *first_of_top;
  }
  Child& loose = node.last_loose ? last : first;
  if (node.first_loose || node.last_loose) {
    others -= loose.count;
    STAVE_ASSERT(others <= child.count);
    loose.count = child.count - others;
  }
  return node;
}

std::optional<Node> Tree::load_top() const {
  Child top;
  top.page = top_;
  top.count = count_;
  top.first_loose = top.last_loose = true;
  return load(top, height_, first_);
}

/// The nodes on the way to a leaf, from the top; none when one cannot be had.
std::vector<Node> Tree::load_path(const Place& place) const {
  std::vector<Node> path;
  path.reserve(place.height);
  for (unsigned i = 0; i != place.height; ++i) {
    auto node = i == 0 ? load_top() : load(path.back().children[path.back().at], height_ - i, std::nullopt);
    if (!node) return {};
    node->at = place.steps[i].child;
    path.push_back(std::move(*node));
  }
  return path;
}

void Tree::store(Node& node) {
  for (std::size_t i = 0; i != node.children.size(); ++i) {
    STAVE_ASSERT(!node.children[i].first_loose || (node.first_loose && i == 0));
    STAVE_ASSERT(!node.children[i].last_loose || (node.last_loose && i + 1 == node.children.size()));
  }
  if (node.restructured) write(node.page, node.structure());
  if (node.restructured || node.recounted) write(node.page + 1, node.counts());
  node.restructured = node.recounted = false;
}

void Tree::erase_node(std::uint64_t node) {
  erase_page(node);
  erase_page(node + 1);
}

/// The last node's children have changed: writes all that is different on the way up.
void Tree::settle(std::vector<Node>& path, Grown grown) {
  for (std::size_t i = path.size() - 1; i != 0; --i) {
    Node& node = path[i];
    Node& parent = path[i - 1];
    if (node.children.empty()) {
      erase_node(node.page);
      parent.remove(parent.at);
    } else if (node.bytes() > kPageBytesMax && node.children.size() >= 4) {
      Child added = halve(node, grown);
      Child& old = parent.children[parent.at];
      old.count = node.count();
      old.last_loose = false;
      parent.restructured = true;
      parent.children.insert(parent.children.begin() + static_cast<std::ptrdiff_t>(parent.at) + 1, std::move(added));
    } else if (node.bytes() >= kPageBytesMin || !join(node, parent, height_ - static_cast<unsigned>(i))) {
      store(node);
      parent.recount(node.count());
    }
  }
  settle_top(path.front(), grown);
}

void Tree::settle_top(Node& top, Grown grown) {
  if (top.children.empty()) {
    erase_node(top.page);
    top_ = count_ = first_ = 0;
    height_ = 0;
    return;
  }
  count_ = top.count();
  if (top.children.size() >= 4 && top.bytes() > kPageBytesMax) {
    Node above;
    above.page = take(2);
    above.ordered = top.ordered;
    above.first_loose = above.last_loose = true;
    above.restructured = true;
    above.children.resize(1);
    above.children.push_back(halve(top, grown));
    Child& below = above.children.front();
    below.page = top.page;
    below.count = top.count();
    below.first_loose = true;
    store(above);
    top_ = above.page;
    first_ = below.count;
    ++height_;
    STAVE_ASSERT(height_ <= kHeightMax);
    return;
  }
  first_ = top.children.front().count;
  if (top.children.size() > 1) {
    store(top);
    return;
  }
  // One child is no node's.
  const Child child = top.children.front();
  erase_node(top.page);
  top_ = child.page;
  --height_;
  if (height_ == 0) return;
  auto below = load(child, height_, std::nullopt);
  if (!below) return;
  below->first_loose = below->last_loose = true;
  settle_top(*below, Grown::kInside);
}

/// Leaves the front half in the node; both halves are written. Where the tree has grown at an end, one child goes
/// alone.
Child Tree::halve(Node& node, Grown grown) {
  std::size_t from = node.middle();
  if (grown == Grown::kBack) from = node.children.size() - 1;
  if (grown == Grown::kFront) from = 1;
  Node other;
  other.page = take(2);
  other.ordered = node.ordered;
  other.last_loose = node.last_loose;
  other.children.assign(std::make_move_iterator(node.children.begin() + static_cast<std::ptrdiff_t>(from)),
                        std::make_move_iterator(node.children.end()));
  node.children.resize(from);
  node.last_loose = false;
  node.restructured = other.restructured = true;
  Child added;
  added.page = other.page;
  added.count = other.count();
  added.separator = other.children.front().separator;
  added.last_loose = other.last_loose;
  store(node);
  store(other);
  return added;
}

/// Puts the node together with one beside it. False when there is none with that much room.
bool Tree::join(Node& node, Node& parent, unsigned level) {
  for (const bool behind : {true, false}) {
    if (behind ? parent.at + 1 == parent.children.size() : parent.at == 0) continue;
    const std::size_t beside = behind ? parent.at + 1 : parent.at - 1;
    auto other = load(parent.children[beside], level, std::nullopt);
    if (!other) return true;
    Node& left = behind ? node : *other;
    Node& right = behind ? *other : node;
    const std::size_t at = std::min(beside, parent.at);
    Child& kept = parent.children[at];
    Child& gone = parent.children[at + 1];
    if (left.bytes() + right.bytes() + sizeof(double) + gone.separator.member.size() > kPageBytesMax) continue;
    right.children.front().separator = gone.separator;
    left.children.insert(left.children.end(), std::make_move_iterator(right.children.begin()),
                         std::make_move_iterator(right.children.end()));
    left.last_loose = right.last_loose;
    left.restructured = true;
    kept.count = left.count();
    kept.last_loose = gone.last_loose;
    store(left);
    erase_node(right.page);
    parent.remove(at + 1);
    parent.at = at;
    return true;
  }
  return false;
}

/// Erases elements below a node, whose children may become small or none by that; the node itself is not written.
bool Tree::erase_below(Node& node, unsigned level, Range range) {
  std::uint64_t end = 0;
  std::vector<Child> left;
  for (Child& child : node.children) {
    const std::uint64_t begin = end;
    end += child.count;
    const Range part{.from = std::clamp(range.from, begin, end) - begin,
                     .to = std::clamp(range.to, begin, end) - begin};
    if (part.to - part.from == child.count) {
      drop(child.page, level - 1);
      if (pages_->failed()) return false;
      node.restructured = true;
      continue;
    }
    if (part.from != part.to) {
      if (!erase_part(child, level - 1, part)) return false;
      child.count -= part.to - part.from;
      node.recounted = true;
    }
    left.push_back(std::move(child));
  }
  node.children = std::move(left);
  return true;
}

/// The same of one page, of which something is left.
bool Tree::erase_part(const Child& child, unsigned level, Range range) {
  if (level != 0) {
    auto node = load(child, level, std::nullopt);
    if (!node || !erase_below(*node, level, range)) return false;
    store(*node);
    return true;
  }
  Run run(read(child.page));
  if (run.form().empty()) return false;
  std::size_t at = run.place(range.from * items_);
  const std::size_t end = run.place(range.to * items_);
  run.replace(at, end - at, 0, -static_cast<std::int64_t>((range.to - range.from) * items_));
  write(child.page, run.form());
  return true;
}

/// Joins what has become small on the way to the element of that rank.
void Tree::mend(std::uint64_t rank) {
  Place place = find(rank);
  if (!place.there || place.height == 0) return;
  const Run run(leaf(place));
  if (run.form().empty() || (run.form().size() < kPageBytesMin && join_leaf(place, run))) return;
  std::vector<Node> path = load_path(place);
  if (!path.empty()) settle(path, Grown::kInside);
}

}  // namespace stave::types::paged
