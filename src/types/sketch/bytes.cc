#include "types/sketch/bytes.h"

#include <algorithm>
#include <span>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/edit.h"

namespace stave::types::sketch {

namespace {

constexpr char kLayout = 1;
constexpr char kMappedLayout = 2;
/// What a string's layouts are greater by.
constexpr char kStringLayouts = 2;
constexpr std::size_t kSizeAt = 1;
constexpr std::size_t kSizeBytes = 6;
constexpr std::size_t kMappedFromAt = kSizeAt + kSizeBytes;
constexpr Cut kSketchCut;

bool is_string(std::string_view root) noexcept {
  return root[0] > kMappedLayout;
}

bool is_mapped(std::string_view root) noexcept {
  return root[0] == kMappedLayout || root[0] == kMappedLayout + kStringLayouts;
}

std::size_t head_at(std::string_view root) noexcept {
  STAVE_ASSERT(!root.empty() && root[0] >= kLayout && root[0] <= kMappedLayout + kStringLayouts);
  return is_mapped(root) ? kMappedFromAt + kSizeBytes : kMappedFromAt;
}

const Cut& cut_of(std::string_view root) noexcept {
  return is_string(root) ? Paged::kStringCut : kSketchCut;
}

std::uint64_t number_in(std::string_view root, std::size_t at) noexcept {
  STAVE_ASSERT(root.size() >= head_at(root) && at + kSizeBytes <= root.size());
  return base::load48(reinterpret_cast<const std::byte*>(root.data()) + at);
}

std::optional<PageId> mapped_from_in(std::string_view root) noexcept {
  return is_mapped(root) ? std::optional<PageId>(number_in(root, kMappedFromAt)) : std::nullopt;
}

PageId pages_in(const Cut& cut, std::uint64_t size) noexcept {
  return size <= cut.head ? 0 : (size - cut.head + cut.page - 1) / cut.page;
}

/// How many maps so many pages have, if they are mapped from there on.
PageId maps_of(const Cut& cut, PageId pages, std::optional<PageId> mapped_from) noexcept {
  if (!mapped_from || pages <= *mapped_from) return 0;
  return (pages - *mapped_from + cut.mapped() - 1) / cut.mapped();
}

bool bit_of(std::string_view map, PageId place) noexcept {
  return !map.empty() && (static_cast<unsigned char>(map[place / 8]) >> place % 8 & 1) != 0;
}

bool all_zeros(std::string_view bytes) noexcept {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

}  // namespace

// --- one run ---------------------------------------------------------------------------------------------------------

std::string& Compact::own() {
  if (!changed_) own_.assign(from_);
  changed_ = true;
  return own_;
}

std::string_view Compact::read(std::uint64_t at, std::size_t count, std::string&) const {
  STAVE_ASSERT(at <= size() && count <= size() - at);
  return form().substr(static_cast<std::size_t>(at), count);
}

void Compact::visit(std::uint64_t at, std::uint64_t count, Piece piece) const {
  STAVE_ASSERT(at <= size() && count <= size() - at);
  if (count != 0)
    piece(at, static_cast<std::size_t>(count),
          form().substr(static_cast<std::size_t>(at), static_cast<std::size_t>(count)));
}

void Compact::write(std::uint64_t at, std::string_view bytes) {
  STAVE_ASSERT(at <= size() && bytes.size() <= size() - at);
  own().replace(static_cast<std::size_t>(at), bytes.size(), bytes);
}

void Compact::extend(std::uint64_t count) {
  own().append(static_cast<std::size_t>(count), '\0');
}

void Compact::append(std::string_view bytes) {
  own().append(bytes);
}

std::string Compact::form_of(const Reader& bytes) {
  std::string form;
  form.reserve(static_cast<std::size_t>(bytes.size()));
  bytes.visit(0, bytes.size(), [&](std::uint64_t, std::size_t count, std::string_view piece) {
    if (piece.empty()) {
      form.append(count, '\0');
    } else {
      form.append(piece);
    }
    return true;
  });
  return form;
}

// --- pages -----------------------------------------------------------------------------------------------------------

Paged::Paged(Pages& pages, std::string_view root)
    : pages_(pages),
      cut_(cut_of(root)),
      size_(number_in(root, kSizeAt)),
      mapped_from_(mapped_from_in(root)),
      head_(root.substr(head_at(root))) {
  STAVE_ASSERT(head_.size() == std::min<std::uint64_t>(size_, cut_.head));
}

std::string Paged::empty_root(std::uint64_t) {
  std::string root(kMappedFromAt, '\0');
  root[0] = kLayout;
  return root;
}

std::string Paged::empty_string_root() {
  std::string root = empty_root(0);
  root[0] = kLayout + kStringLayouts;
  return root;
}

std::string_view Paged::head_of(std::string_view root) noexcept {
  return root.substr(head_at(root));
}

std::uint64_t Paged::size_of(std::string_view root) noexcept {
  return number_in(root, kSizeAt);
}

std::string Paged::root() const {
  std::string root;
  root.reserve(kMappedFromAt + kSizeBytes + head_.size());
  root.assign(mapped_from_ ? kMappedFromAt + kSizeBytes : kMappedFromAt, '\0');
  root[0] = static_cast<char>((mapped_from_ ? kMappedLayout : kLayout) + (cut_.head == 0 ? kStringLayouts : 0));
  base::store48(reinterpret_cast<std::byte*>(root.data()) + kSizeAt, size_);
  if (mapped_from_) base::store48(reinterpret_cast<std::byte*>(root.data()) + kMappedFromAt, *mapped_from_);
  return root += head_;
}

PageId Paged::pages_of(std::uint64_t size) const noexcept {
  return pages_in(cut_, size);
}

/// How many bytes a page has, of an array of that size.
std::size_t Paged::page_size(PageId page, std::uint64_t size) const noexcept {
  const std::uint64_t begin = cut_.head + page * cut_.page;
  return static_cast<std::size_t>(std::min<std::uint64_t>(size - begin, cut_.page));
}

/// Cuts a stretch of bytes at the borders of pages: `head(at, count)`, then `in_page(page, offset, count, done)`, which
/// is told how many bytes came before and says whether to go on.
template <class Head, class InPage>
void Paged::cut_up(std::uint64_t at, std::size_t count, Head&& head, InPage&& in_page) const {
  std::size_t done = 0;
  if (at < cut_.head && count != 0) {
    const std::size_t size = std::min<std::size_t>(count, cut_.head - static_cast<std::size_t>(at));
    if (!head(static_cast<std::size_t>(at), size)) return;
    done = size;
  }
  while (done < count) {
    const std::uint64_t from = at + done - cut_.head;
    const auto offset = static_cast<std::size_t>(from % cut_.page);
    const std::size_t size = std::min(count - done, cut_.page - offset);
    if (!in_page(from / cut_.page, offset, size, done)) return;
    done += size;
  }
}

PageId Paged::id_of(PageId number) const noexcept {
  return mapped(number) ? number + 1 + (number - *mapped_from_) / cut_.mapped() : number;
}

PageId Paged::map_of(PageId number) const noexcept {
  return *mapped_from_ + (number - *mapped_from_) / cut_.mapped() * (cut_.mapped() + 1);
}

bool Paged::there(PageId number) const {
  return !mapped(number) || bit_of(pages_.read(map_of(number)), (number - *mapped_from_) % cut_.mapped());
}

/// A page whole, there before or not.
void Paged::put(PageId number, std::string_view bytes) {
  if (mapped(number) && !there(number)) {
    if (pages_.failed() || all_zeros(bytes)) return;
    const PageId place = (number - *mapped_from_) % cut_.mapped();
    const std::string_view map = pages_.read(map_of(number));
    if (pages_.failed()) return;
    const auto byte = static_cast<std::size_t>(place / 8);
    const auto marked = static_cast<char>(static_cast<unsigned char>(map[byte]) | 1u << place % 8);
    const base::Edit mark{.at = byte, .out = 1, .in = {&marked, 1}};
    pages_.edit(map_of(number), std::span(&mark, 1));
  }
  if (!pages_.failed()) pages_.write(id_of(number), bytes);
}

/// A part of a page, there before or not.
void Paged::put_part(PageId number, std::size_t offset, std::string_view bytes) {
  const std::string_view now = page(number);
  if (pages_.failed()) return;
  if (now.empty()) {
    std::string whole(page_size(number, size_), '\0');
    whole.replace(offset, bytes.size(), bytes);
    put(number, whole);
    return;
  }
  const base::Edit edit{.at = offset, .out = bytes.size(), .in = bytes};
  pages_.edit(id_of(number), std::span(&edit, 1));
}

/// Makes the maps of the pages that there are now and were not, before there were that many.
void Paged::map_more(PageId had) {
  const PageId maps = maps_of(cut_, pages_of(size_), mapped_from_);
  PageId i = maps_of(cut_, had, mapped_from_);
  if (i >= maps) return;
  const std::string none(cut_.page, '\0');
  for (; i < maps && !pages_.failed(); ++i) pages_.write(*mapped_from_ + i * (cut_.mapped() + 1), none);
}

std::string_view Paged::page(PageId number) const {
  if (!there(number)) return {};
  const std::string_view bytes = pages_.read(id_of(number));
  STAVE_ASSERT(pages_.failed() || bytes.size() == page_size(number, size_));
  return pages_.failed() ? std::string_view() : bytes;
}

std::string_view Paged::read(std::uint64_t at, std::size_t count, std::string& scratch) const {
  STAVE_ASSERT(at <= size_ && count <= size_ - at);
  if (at + count <= cut_.head) return std::string_view(head_).substr(static_cast<std::size_t>(at), count);
  const std::uint64_t from = at - std::min<std::uint64_t>(at, cut_.head);
  if (at >= cut_.head && count != 0 && from % cut_.page + count <= cut_.page)
    if (const std::string_view bytes = page(from / cut_.page); !bytes.empty())
      return bytes.substr(static_cast<std::size_t>(from % cut_.page), count);
  scratch.assign(count, '\0');
  visit(at, count, [&](std::uint64_t begin, std::size_t, std::string_view piece) {
    piece.copy(scratch.data() + static_cast<std::size_t>(begin - at), piece.size());
    return true;
  });
  return scratch;
}

void Paged::visit(std::uint64_t at, std::uint64_t count, Piece piece) const {
  STAVE_ASSERT(at <= size_ && count <= size_ - at);
  cut_up(
      at, static_cast<std::size_t>(count),
      [&](std::size_t offset, std::size_t size) {
        return piece(offset, size, std::string_view(head_).substr(offset, size));
      },
      [&](PageId number, std::size_t offset, std::size_t size, std::size_t done) {
        const std::string_view bytes = page(number);
        return piece(at + done, size, bytes.empty() ? bytes : bytes.substr(offset, size));
      });
}

void Paged::write(std::uint64_t at, std::string_view bytes) {
  STAVE_ASSERT(at <= size_ && bytes.size() <= size_ - at);
  changed_ = true;
  cut_up(
      at, bytes.size(),
      [&](std::size_t offset, std::size_t size) {
        head_.replace(offset, size, bytes.substr(0, size));
        return true;
      },
      [&](PageId number, std::size_t offset, std::size_t size, std::size_t done) {
        if (size == page_size(number, size_)) {
          put(number, bytes.substr(done, size));
        } else {
          put_part(number, offset, bytes.substr(done, size));
        }
        return !pages_.failed();
      });
}

/// A page that is there had `from` bytes and gets these behind them.
void Paged::lengthen(PageId number, std::size_t from, std::string_view bytes) {
  if (pages_.read(id_of(number)).empty()) return;  // it cannot be had
  const base::Edit edit{.at = from, .out = 0, .in = bytes};
  pages_.edit(id_of(number), std::span(&edit, 1));
}

void Paged::extend(std::uint64_t count) {
  changed_ = true;
  const std::uint64_t before = size_;
  size_ += count;
  head_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(size_, cut_.head)));
  const PageId had = pages_of(before);
  const PageId most = cut_.head == 0 ? kStringMappedFrom : kMappedFrom;
  if (!mapped_from_ && pages_of(size_) - had > most) mapped_from_ = had;
  const std::string zeros(cut_.page, '\0');
  if (mapped_from_) {
    map_more(had);
  } else {
    for (PageId number = had; number < pages_of(size_) && !pages_.failed(); ++number)
      pages_.write(number, std::string_view(zeros).substr(0, page_size(number, size_)));
  }
  if (had == 0 || pages_.failed()) return;
  // The one that was the last one may have got more.
  const std::size_t from = page_size(had - 1, before);
  const std::size_t size = page_size(had - 1, size_);
  if (size != from && there(had - 1)) lengthen(had - 1, from, std::string_view(zeros).substr(0, size - from));
}

void Paged::append(std::string_view bytes) {
  changed_ = true;
  const std::uint64_t before = size_;
  size_ += bytes.size();
  const PageId had = pages_of(before);
  map_more(had);
  cut_up(
      before, bytes.size(),
      [&](std::size_t, std::size_t size) {
        head_.append(bytes.substr(0, size));
        return true;
      },
      [&](PageId number, std::size_t offset, std::size_t size, std::size_t done) {
        const std::string_view part = bytes.substr(done, size);
        if (number < had && there(number)) {
          lengthen(number, offset, part);
        } else if (offset == 0) {
          put(number, part);
        } else if (!pages_.failed()) {
          std::string whole(offset, '\0');
          put(number, whole.append(part));
        }
        return !pages_.failed();
      });
}

void Paged::fill(std::string_view form) {
  STAVE_ASSERT(size_ == 0);
  changed_ = true;
  size_ = form.size();
  head_.assign(form.substr(0, cut_.head));
  if (pages_of(size_) > kMappedFrom) mapped_from_ = 0;
  map_more(0);
  for (PageId number = 0; number < pages_of(size_) && !pages_.failed(); ++number)
    put(number, form.substr(cut_.head + number * cut_.page, cut_.page));
}

void Paged::visit_pages(base::FunctionRef<bool(PageId)> visit) const {
  const PageId pages = pages_of(size_);
  for (PageId number = 0; number < std::min(pages, mapped_from_.value_or(pages)); ++number)
    if (!visit(number)) return;
  std::string map;
  for (PageId first = mapped_from_.value_or(pages); first < pages; first += cut_.mapped()) {
    // Whoever visits may drop what is visited: the map comes last.
    map.assign(pages_.read(map_of(first)));
    for (PageId i = 0; i < std::min(cut_.mapped(), pages - first); ++i)
      if (bit_of(map, i) && !visit(id_of(first + i))) return;
    if (!visit(map_of(first))) return;
  }
}

std::optional<PageId> Paged::page_end(std::string_view root) noexcept {
  const Cut& cut = cut_of(root);
  const PageId pages = pages_in(cut, number_in(root, kSizeAt));
  return pages + maps_of(cut, pages, mapped_from_in(root));
}

}  // namespace stave::types::sketch
