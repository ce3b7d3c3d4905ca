#include "types/list/paged.h"

#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <functional>
#include <ranges>
#include <vector>

namespace stave::types::list {

namespace {

constexpr char kLayout = 1;

/// An element's item; of one of usual size without an allocation.
class Form {
 public:
  explicit Form(std::string_view element) {
    const EncodedItem item(element);
    bytes_.resize(item.size(), boost::container::default_init);
    item.write_to(bytes_.data());
  }
  [[nodiscard]] std::string_view view() const noexcept { return {bytes_.data(), bytes_.size()}; }

 private:
  static constexpr std::size_t kUsualBytes = 256;
  boost::container::small_vector<char, kUsualBytes> bytes_;
};

}  // namespace

std::string Paged::empty_root(std::uint64_t) {
  std::string root(1 + paged::Tree::kStateBytes, '\0');
  root[0] = kLayout;
  return root;
}

bool Paged::well_formed(std::string_view root) noexcept {
  return !root.empty() && root[0] == kLayout && paged::Tree::well_formed(root.substr(1));
}

Paged::Paged(Pages& pages, std::string_view root)
    : tree_(pages, paged::Tree::Elements::kPlain, {.first = 0, .step = 1}, root.substr(1)) {
  STAVE_ASSERT(well_formed(root));
  std::memcpy(root_, root.data(), sizeof root_);
}

void Paged::note_change() noexcept {
  tree_.put_state(root_ + 1);
  changed_ = true;
}

ItemText Paged::at(std::uint64_t place) const {
  const auto found = tree_.find(place);
  const std::string_view leaf = found.there ? tree_.leaf(found) : std::string_view();
  if (leaf.empty()) return ItemText(std::string_view());
  const Run run(leaf);
  return item::read(leaf.data() + run.place(found.in_leaf));
}

void Paged::visit(std::uint64_t from, std::uint64_t to, Visit visit) const {
  tree_.visit(from, to, false, [visit](const Run& leaf, std::uint64_t begin, std::uint64_t end) {
    std::size_t at = leaf.place(begin);
    for (; begin != end; ++begin, at = leaf.next(at))
      if (!visit(leaf.read(at).view())) return false;
    return true;
  });
}

void Paged::visit_backwards(std::uint64_t from, std::uint64_t to, Visit visit) const {
  std::vector<std::size_t> places;
  tree_.visit(from, to, true, [&](const Run& leaf, std::uint64_t begin, std::uint64_t end) {
    places.clear();
    std::size_t at = leaf.place(begin);
    for (; begin != end; ++begin, at = leaf.next(at)) places.push_back(at);
    for (const std::size_t place : places | std::views::reverse)
      if (!visit(leaf.read(place).view())) return false;
    return true;
  });
}

void Paged::find(std::string_view element, std::uint64_t from, std::uint64_t to, VisitPlace visit) const {
  std::uint64_t place = from;
  this->visit(from, to, [&](std::string_view there) { return (there != element || visit(place)) && ++place != to; });
}

void Paged::find_backwards(std::string_view element, std::uint64_t from, std::uint64_t to, VisitPlace visit) const {
  std::uint64_t place = to;
  visit_backwards(from, to, [&](std::string_view there) {
    --place;
    return there != element || visit(place);
  });
}

void Paged::fill(std::string_view form) {
  tree_.fill(Run(form));
  note_change();
}

void Paged::insert(std::uint64_t place, std::span<const std::string_view> elements, Order order) {
  for (const std::string_view element : elements) {
    if (place > size()) return;  // only when pages cannot be had
    insert_one(place, element);
    if (order == Order::kGiven) ++place;
  }
}

/// The last one first, so that those before it stay where they are.
std::uint64_t Paged::remove_at(std::vector<std::uint64_t>& places) {
  std::ranges::sort(places, std::greater<>{});
  for (const std::uint64_t place : places)
    if (place < size()) erase(place, 1);  // not so only when pages cannot be had
  return places.size();
}

std::uint64_t Paged::remove_first(std::string_view element, std::uint64_t most) {
  std::vector<std::uint64_t> places;
  const auto take = [&](std::uint64_t place) { return places.push_back(place), places.size() < most; };
  if (most != 0) find(element, 0, size(), take);
  return remove_at(places);
}

std::uint64_t Paged::remove_last(std::string_view element, std::uint64_t most) {
  std::vector<std::uint64_t> places;
  const auto take = [&](std::uint64_t place) { return places.push_back(place), places.size() < most; };
  if (most != 0) find_backwards(element, 0, size(), take);
  return remove_at(places);
}

void Paged::insert_one(std::uint64_t place, std::string_view element) {
  STAVE_ASSERT(place <= size());
  if (size() == 0)
    tree_.insert_first(Form(element).view());
  else
    tree_.insert(tree_.between(place), Form(element).view());
  note_change();
}

void Paged::set(std::uint64_t place, std::string_view element) {
  tree_.replace(tree_.find(place), Form(element).view());
  note_change();
}

void Paged::erase(std::uint64_t from, std::uint64_t count) {
  if (count == 0) return;
  tree_.erase(from, count);
  note_change();
}

}  // namespace stave::types::list
