#include "types/paged/node.h"

#include <algorithm>
#include <bit>

#include "base/bytes.h"

namespace stave::types::paged {

namespace {

constexpr std::size_t kHead = 3;

/// Of eight bytes: as four pairs, which are then added up in the uppermost.
std::uint64_t sum_of_eight(const char* at) noexcept {
  constexpr std::uint64_t kEven = 0x00ff00ff00ff00ffull;
  const auto bytes = base::load<std::uint64_t>(at);
  return ((bytes & kEven) + (bytes >> 8 & kEven)) * 0x0001000100010001ull >> 48;
}

}  // namespace

unsigned Packed::width_for(std::uint64_t largest) noexcept {
  const auto bytes = static_cast<unsigned>(std::bit_width(largest) + 7) / 8;
  STAVE_ASSERT(bytes <= kWidthMax);
  if (bytes == 5) return 6;
  return bytes == 0 ? 1 : bytes;
}

std::uint64_t Packed::operator[](std::size_t i) const noexcept {
  const char* const at = at_ + i * width_;
  switch (width_) {
    case 1: return static_cast<unsigned char>(*at);
    case 2: return base::load<std::uint16_t>(at);
    case 3: return base::load<std::uint16_t>(at) | std::uint64_t{static_cast<unsigned char>(at[2])} << 16;
    case 4: return base::load<std::uint32_t>(at);
    default: return base::load48(at);
  }
}

std::uint64_t Packed::sum(std::size_t from, std::size_t to) const noexcept {
  std::uint64_t sum = 0;
  if (width_ == 1)
    for (; from + 8 <= to; from += 8) sum += sum_of_eight(at_ + from);
  for (; from < to; ++from) sum += (*this)[from];
  return sum;
}

std::size_t Packed::holder_of(std::uint64_t rank, std::size_t from, std::size_t to) const noexcept {
  if (width_ == 1) {
    for (; from + 8 <= to; from += 8) {
      const std::uint64_t eight = sum_of_eight(at_ + from);
      if (rank < eight) break;
      rank -= eight;
    }
  }
  for (; from < to; ++from) {
    const std::uint64_t one = (*this)[from];
    if (rank < one) break;
    rank -= one;
  }
  return from;
}

NodeView::NodeView(std::string_view structure, std::string_view counts) noexcept {
  if (structure.empty() || counts.empty()) return;
  STAVE_ASSERT(structure.size() > kHead);
  const auto width = static_cast<unsigned char>(structure[0]);
  const auto count_width = static_cast<unsigned char>(counts[0]);
  size_ = base::load<std::uint16_t>(structure.data() + 1);
  STAVE_ASSERT(size_ != 0 && width <= Packed::kWidthMax && count_width <= Packed::kWidthMax);
  STAVE_ASSERT(structure.size() >= kHead + size_ * width && counts.size() == 1 + size_ * count_width);
  pages_ = Packed(structure.data() + kHead, width);
  counts_ = Packed(counts.data() + 1, count_width);
  scores_ = structure.data() + kHead + size_ * width;
}

double NodeView::score(std::size_t separator) const noexcept {
  return base::load<double>(scores_ + sizeof(double) * separator);
}

// Scores first, which nearly always decide; only among equal ones members are looked at.
std::size_t NodeView::child_of(const sorted_set::Bound& place) const noexcept {
  std::size_t below = 0;
  for (std::size_t step = std::bit_floor(size_ - 1); step != 0; step /= 2)
    if (below + step <= size_ - 1 && score(below + step - 1) < place.score) below += step;
  if (below == size_ - 1 || score(below) != place.score) return below;
  const char* member = members();
  for (std::size_t i = 0; i != below; ++i) member += item::size_at(member);
  std::size_t child = below;
  for (; child != size_ - 1 && score(child) == place.score && place.is_behind(place.score, member); ++child)
    member += item::size_at(member);
  return child;
}

CountEdit::CountEdit(std::string_view counts, std::size_t child, std::uint64_t more) noexcept {
  const auto width = static_cast<unsigned char>(counts[0]);
  count_ = Packed(counts.data() + 1, width)[child] + more;
  if (Packed::width_for(count_) <= width)
    edit_ = {.at = 1 + child * width, .out = width, .in = {reinterpret_cast<const char*>(&count_), width}};
}

std::string counts_with(std::string_view counts, std::size_t child, std::uint64_t more) {
  const auto width = static_cast<unsigned char>(counts[0]);
  const Packed before(counts.data() + 1, width);
  const std::uint64_t count = before[child] + more;
  const unsigned needed = std::max<unsigned>(Packed::width_for(count), width);
  std::string form(counts);
  if (needed != width) {
    form.assign(1, static_cast<char>(needed));
    for (std::size_t i = 0; i != (counts.size() - 1) / width; ++i) Packed::append(form, before[i], needed);
  }
  std::memcpy(form.data() + 1 + child * needed, &count, needed);
  return form;
}

Separator Separator::between(const char* element, const char* next_element) {
  const double score = sorted_set::score_at(element);
  Separator separator;
  separator.score = sorted_set::score_at(next_element);
  if (score != separator.score) return separator;
  const ItemText left = item::read(element + item::size_at(element));
  const ItemText right = item::read(next_element + item::size_at(next_element));
  const std::string_view a = left.view();
  const std::string_view b = right.view();
  const auto differs = static_cast<std::size_t>(std::ranges::mismatch(a, b).in2 - b.begin());
  STAVE_ASSERT(differs < b.size());
  separator.member.clear();
  EncodedItem(b.substr(0, differs + 1)).append_to(separator.member);
  return separator;
}

std::uint64_t Node::count() const noexcept {
  std::uint64_t sum = 0;
  for (const Child& child : children) sum += child.count;
  return sum;
}

std::size_t Node::bytes() const noexcept {
  std::uint64_t largest = 0;
  std::size_t bytes = kHead;
  for (std::size_t i = 0; i != children.size(); ++i) {
    largest = std::max(largest, children[i].page);
    if (ordered && i != 0) bytes += sizeof(double) + children[i].separator.member.size();
  }
  return bytes + children.size() * Packed::width_for(largest);
}

std::string Node::structure() const {
  STAVE_ASSERT(!children.empty() && children.size() <= 0xffff);
  const unsigned width = Packed::width_for(std::ranges::max_element(children, {}, &Child::page)->page);
  std::string form;
  form.reserve(bytes());
  form.push_back(static_cast<char>(width));
  Packed::append(form, children.size(), 2);
  for (const Child& child : children) Packed::append(form, child.page, width);
  if (!ordered) return form;
  for (std::size_t i = 1; i != children.size(); ++i)
    form.append(reinterpret_cast<const char*>(&children[i].separator.score), sizeof(double));
  for (std::size_t i = 1; i != children.size(); ++i) form.append(children[i].separator.member);
  return form;
}

std::string Node::counts() const {
  const unsigned width = Packed::width_for(std::ranges::max_element(children, {}, &Child::count)->count);
  std::string form;
  form.reserve(1 + width * children.size());
  form.push_back(static_cast<char>(width));
  for (const Child& child : children) Packed::append(form, child.count, width);
  return form;
}

void Node::recount(std::uint64_t count) noexcept {
  if (children[at].count == count) return;
  children[at].count = count;
  const bool loose = (first_loose && at == 0) || (last_loose && at + 1 == children.size());
  recounted = recounted || !loose;
}

void Node::remove(std::size_t child) {
  children.erase(children.begin() + static_cast<std::ptrdiff_t>(child));
  restructured = true;
}

// Two children stay on either side at least, or the tree might grow high and thin.
std::size_t Node::middle() const noexcept {
  STAVE_ASSERT(children.size() >= 4);
  const std::size_t half = bytes() / 2;
  const std::size_t each = (bytes() - kHead) / children.size();
  std::size_t before = kHead;
  std::size_t at_child = 0;
  for (; at_child != children.size() - 2 && (at_child < 2 || before < half); ++at_child)
    before += ordered ? sizeof(double) + children[at_child].separator.member.size() + Packed::kWidthMax / 2 : each;
  return at_child;
}

}  // namespace stave::types::paged
