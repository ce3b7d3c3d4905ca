#include "base/paged_bytes.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "base/assert.h"

namespace stave::base {

std::size_t PagedBytes::read(std::uint64_t offset, std::span<std::byte> into) const noexcept {
  if (offset >= size_) return 0;
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), size_ - offset));
  for (std::size_t done = 0; done < count;) {
    const std::uint64_t at = offset + done;
    const auto within = static_cast<std::size_t>(at % kPageBytes);
    const auto index = static_cast<std::size_t>(at / kPageBytes);
    const std::size_t step = std::min(count - done, kPageBytes - within);
    STAVE_ASSERT(step != 0 && done + step <= into.size() && within + step <= kPageBytes);
    const Page* page = index < pages_.size() ? pages_[index].get() : nullptr;
    if (page != nullptr) {
      std::memcpy(into.data() + done, page->bytes.data() + within, step);
    } else {
      std::memset(into.data() + done, 0, step);
    }
    done += step;
  }
  return count;
}

void PagedBytes::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  // All the memory first: once a byte is written, nothing fails any more.
  const auto last = static_cast<std::size_t>((offset + bytes.size() - 1) / kPageBytes);
  for (auto index = static_cast<std::size_t>(offset / kPageBytes); index <= last; ++index) writable(index);
  for (std::size_t done = 0; done < bytes.size();) {
    const std::uint64_t at = offset + done;
    const auto within = static_cast<std::size_t>(at % kPageBytes);
    const std::size_t step = std::min(bytes.size() - done, kPageBytes - within);
    STAVE_ASSERT(step != 0 && within + step <= kPageBytes);
    std::memcpy(writable(static_cast<std::size_t>(at / kPageBytes)).bytes.data() + within, bytes.data() + done, step);
    done += step;
  }
  size_ = std::max(size_, offset + bytes.size());
}

void PagedBytes::resize(std::uint64_t size) {
  if (size < size_) {
    const std::uint64_t pages = (size + kPageBytes - 1) / kPageBytes;
    const auto within = static_cast<std::size_t>(size % kPageBytes);
    if (pages < pages_.size()) pages_.resize(static_cast<std::size_t>(pages));
    if (within != 0 && pages == pages_.size() && pages_.back().get() != nullptr) {
      auto& tail = writable(pages_.size() - 1).bytes;
      std::fill(tail.begin() + static_cast<std::ptrdiff_t>(within), tail.end(), std::byte{0});
    }
  }
  size_ = size;
}

PagedBytes::Page& PagedBytes::writable(std::size_t index) {
  if (index >= pages_.size()) pages_.resize(index + 1);
  PageRef& ref = pages_[index];
  if (!ref.alone()) {
    auto page = std::make_unique<Page>();
    if (ref.get() != nullptr) page->bytes = ref.get()->bytes;
    ref = PageRef(page.release());
  }
  STAVE_ASSERT(ref.alone());
  return *ref.get();
}

}  // namespace stave::base
