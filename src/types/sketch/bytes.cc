#include "types/sketch/bytes.h"

#include <algorithm>

#include "base/assert.h"
#include "base/bytes.h"

namespace stave::types::sketch {

namespace {

constexpr char kLayout = 1;
constexpr char kMappedLayout = 2;
constexpr std::size_t kSizeAt = 1;
constexpr std::size_t kSizeBytes = 6;
constexpr std::size_t kMappedFromAt = kSizeAt + kSizeBytes;

std::size_t head_at(std::string_view root) noexcept {
  STAVE_ASSERT(!root.empty() && (root[0] == kLayout || root[0] == kMappedLayout));
  return root[0] == kLayout ? kMappedFromAt : kMappedFromAt + kSizeBytes;
}

std::uint64_t number_in(std::string_view root, std::size_t at) noexcept {
  STAVE_ASSERT(root.size() >= head_at(root) && at + kSizeBytes <= root.size());
  return base::load48(reinterpret_cast<const std::byte*>(root.data()) + at);
}

std::optional<PageId> mapped_from_in(std::string_view root) noexcept {
  return root[0] == kMappedLayout ? std::optional<PageId>(number_in(root, kMappedFromAt)) : std::nullopt;
}

PageId pages_of(std::uint64_t size) noexcept {
  return size <= kHeadBytes ? 0 : (size - kHeadBytes + kPageBytes - 1) / kPageBytes;
}

/// How many maps so many pages have, if they are mapped from there on.
PageId maps_of(PageId pages, std::optional<PageId> mapped_from) noexcept {
  if (!mapped_from || pages <= *mapped_from) return 0;
  return (pages - *mapped_from + Paged::kMapped - 1) / Paged::kMapped;
}

bool bit_of(std::string_view map, PageId place) noexcept {
  return !map.empty() && (static_cast<unsigned char>(map[place / 8]) >> place % 8 & 1) != 0;
}

void set_bit(std::string& map, PageId place) noexcept {
  map[place / 8] = static_cast<char>(static_cast<unsigned char>(map[place / 8]) | 1u << place % 8);
}

bool all_zeros(std::string_view bytes) noexcept {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

/// How many bytes a page has, of an array of that size.
std::size_t page_size(PageId page, std::uint64_t size) noexcept {
  const std::uint64_t begin = kHeadBytes + page * kPageBytes;
  return static_cast<std::size_t>(std::min<std::uint64_t>(size - begin, kPageBytes));
}

/// Cuts a stretch of bytes at the borders of pages: `head(at, count)`, then `in_page(page, offset, count)`, each with
/// how many bytes came before.
template <class Head, class InPage>
void cut(std::uint64_t at, std::size_t count, Head&& head, InPage&& in_page) {
  std::size_t done = 0;
  if (at < kHeadBytes) {
    const std::size_t size = std::min<std::size_t>(count, kHeadBytes - static_cast<std::size_t>(at));
    head(static_cast<std::size_t>(at), size);
    done = size;
  }
  while (done < count) {
    const std::uint64_t from = at + done - kHeadBytes;
    const auto offset = static_cast<std::size_t>(from % kPageBytes);
    const std::size_t size = std::min(count - done, kPageBytes - offset);
    in_page(from / kPageBytes, offset, size, done);
    done += size;
  }
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

void Compact::write(std::uint64_t at, std::string_view bytes) {
  STAVE_ASSERT(at <= size() && bytes.size() <= size() - at);
  own().replace(static_cast<std::size_t>(at), bytes.size(), bytes);
}

void Compact::extend(std::uint64_t count) {
  own().append(static_cast<std::size_t>(count), '\0');
}

std::string Compact::form_of(const Reader& bytes) {
  std::string form;
  std::string scratch;
  form.reserve(static_cast<std::size_t>(bytes.size()));
  while (form.size() < bytes.size()) {
    const std::uint64_t left = bytes.size() - form.size();
    const std::size_t step = form.empty() ? kHeadBytes : kPageBytes;
    form.append(bytes.read(form.size(), static_cast<std::size_t>(std::min<std::uint64_t>(step, left)), scratch));
  }
  return form;
}

// --- pages -----------------------------------------------------------------------------------------------------------

Paged::Paged(Pages& pages, std::string_view root)
    : pages_(pages),
      size_(number_in(root, kSizeAt)),
      mapped_from_(mapped_from_in(root)),
      head_(root.substr(head_at(root))) {
  STAVE_ASSERT(head_.size() == std::min<std::uint64_t>(size_, kHeadBytes));
}

std::string Paged::empty_root(std::uint64_t) {
  std::string root(kMappedFromAt, '\0');
  root[0] = kLayout;
  return root;
}

std::string_view Paged::head_of(std::string_view root) noexcept {
  return root.substr(head_at(root));
}

std::string Paged::root() const {
  std::string root = empty_root(0);
  if (mapped_from_) {
    root.assign(kMappedFromAt + kSizeBytes, '\0');
    root[0] = kMappedLayout;
    base::store48(reinterpret_cast<std::byte*>(root.data()) + kMappedFromAt, *mapped_from_);
  }
  base::store48(reinterpret_cast<std::byte*>(root.data()) + kSizeAt, size_);
  return root + head_;
}

PageId Paged::id_of(PageId number) const noexcept {
  return mapped(number) ? number + 1 + (number - *mapped_from_) / kMapped : number;
}

PageId Paged::map_of(PageId number) const noexcept {
  return *mapped_from_ + (number - *mapped_from_) / kMapped * (kMapped + 1);
}

bool Paged::there(PageId number) const {
  return !mapped(number) || bit_of(pages_.read(map_of(number)), (number - *mapped_from_) % kMapped);
}

/// A page whole, there before or not.
void Paged::put(PageId number, std::string_view bytes) {
  if (mapped(number) && !there(number)) {
    if (pages_.failed() || all_zeros(bytes)) return;
    std::string map(pages_.read(map_of(number)));
    if (pages_.failed()) return;
    set_bit(map, (number - *mapped_from_) % kMapped);
    pages_.write(map_of(number), map);
  }
  if (!pages_.failed()) pages_.write(id_of(number), bytes);
}

/// Makes the maps of the pages that there are now and were not, before there were that many.
void Paged::map_more(PageId had) {
  const std::string none(kPageBytes, '\0');
  const PageId maps = maps_of(pages_of(size_), mapped_from_);
  for (PageId i = maps_of(had, mapped_from_); i < maps && !pages_.failed(); ++i)
    pages_.write(*mapped_from_ + i * (kMapped + 1), none);
}

std::string_view Paged::page(PageId number) const {
  if (!there(number)) return {};
  const std::string_view bytes = pages_.read(id_of(number));
  STAVE_ASSERT(pages_.failed() || bytes.size() == page_size(number, size_));
  return pages_.failed() ? std::string_view() : bytes;
}

std::string_view Paged::read(std::uint64_t at, std::size_t count, std::string& scratch) const {
  STAVE_ASSERT(at <= size_ && count <= size_ - at);
  if (at + count <= kHeadBytes) return std::string_view(head_).substr(static_cast<std::size_t>(at), count);
  const std::uint64_t from = at - std::min<std::uint64_t>(at, kHeadBytes);
  if (at >= kHeadBytes && from % kPageBytes + count <= kPageBytes)
    if (const std::string_view bytes = page(from / kPageBytes); !bytes.empty())
      return bytes.substr(static_cast<std::size_t>(from % kPageBytes), count);
  scratch.assign(count, '\0');
  cut(
      at, count, [&](std::size_t offset, std::size_t size) { head_.copy(scratch.data(), size, offset); },
      [&](PageId number, std::size_t offset, std::size_t size, std::size_t done) {
        const std::string_view bytes = page(number);
        if (!bytes.empty()) bytes.copy(scratch.data() + done, size, offset);
      });
  return scratch;
}

void Paged::write(std::uint64_t at, std::string_view bytes) {
  STAVE_ASSERT(at <= size_ && bytes.size() <= size_ - at);
  changed_ = true;
  std::string whole;
  cut(
      at, bytes.size(),
      [&](std::size_t offset, std::size_t size) { head_.replace(offset, size, bytes.substr(0, size)); },
      [&](PageId number, std::size_t offset, std::size_t size, std::size_t done) {
        if (size == page_size(number, size_)) {
          put(number, bytes.substr(done, size));
          return;
        }
        whole.assign(page(number));
        if (pages_.failed()) return;
        if (whole.empty()) whole.assign(page_size(number, size_), '\0');
        whole.replace(offset, size, bytes.substr(done, size));
        put(number, whole);
      });
}

void Paged::extend(std::uint64_t count) {
  changed_ = true;
  const std::uint64_t before = size_;
  size_ += count;
  head_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(size_, kHeadBytes)));
  const PageId had = pages_of(before);
  if (!mapped_from_ && pages_of(size_) - had > kMappedFrom) mapped_from_ = had;
  if (mapped_from_) {
    map_more(had);
  } else {
    const std::string zeros(kPageBytes, '\0');
    for (PageId number = had; number < pages_of(size_) && !pages_.failed(); ++number)
      pages_.write(number, std::string_view(zeros).substr(0, page_size(number, size_)));
  }
  if (had == 0 || pages_.failed()) return;
  // The one that was the last one may have got more.
  const std::size_t size = page_size(had - 1, size_);
  if (size == page_size(had - 1, before) || !there(had - 1)) return;
  std::string last(pages_.read(id_of(had - 1)));
  if (pages_.failed()) return;
  last.resize(size);
  pages_.write(id_of(had - 1), last);
}

void Paged::fill(std::string_view form) {
  STAVE_ASSERT(size_ == 0);
  changed_ = true;
  size_ = form.size();
  head_.assign(form.substr(0, kHeadBytes));
  if (pages_of(size_) > kMappedFrom) mapped_from_ = 0;
  map_more(0);
  for (PageId number = 0; number < pages_of(size_) && !pages_.failed(); ++number)
    put(number, form.substr(kHeadBytes + number * kPageBytes, kPageBytes));
}

void Paged::visit_pages(base::FunctionRef<bool(PageId)> visit) const {
  const PageId pages = pages_of(size_);
  for (PageId number = 0; number < std::min(pages, mapped_from_.value_or(pages)); ++number)
    if (!visit(number)) return;
  std::string map;
  for (PageId first = mapped_from_.value_or(pages); first < pages; first += kMapped) {
    // Whoever visits may drop what is visited: the map comes last.
    map.assign(pages_.read(map_of(first)));
    for (PageId i = 0; i < std::min(kMapped, pages - first); ++i)
      if (bit_of(map, i) && !visit(id_of(first + i))) return;
    if (!visit(map_of(first))) return;
  }
}

std::optional<PageId> Paged::page_end(std::string_view root) noexcept {
  const PageId pages = pages_of(number_in(root, kSizeAt));
  return pages + maps_of(pages, mapped_from_in(root));
}

}  // namespace stave::types::sketch
