// The bytes of a file in memory: pages that copies share until one of them writes.
//
// Copying costs a reference per page and no bytes; holes cost nothing. Must not know: names, durability.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace stave::base {

/// Threads: one at a time for each object; copies are independent even when they share pages.
class PagedBytes {
 public:
  static constexpr std::size_t kPageBytes = 4096;

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// Copies what is there from `offset` on; returns the count, less than asked only at the end.
  std::size_t read(std::uint64_t offset, std::span<std::byte> into) const noexcept;
  /// Writes, growing when needed. Throws std::bad_alloc like any container, and then nothing was written.
  void write(std::uint64_t offset, std::span<const std::byte> bytes);
  /// New bytes are zero and cost no memory.
  void resize(std::uint64_t size);

 private:
  struct Page {
    std::atomic<std::uint32_t> references{1};
    std::array<std::byte, kPageBytes> bytes{};
  };
  /// Counts its page's owners, so that "I am the only one" is a question with an ordered answer (shared_ptr's is not).
  class PageRef {
   public:
    PageRef() = default;
    explicit PageRef(Page* page) noexcept : page_(page) {}
    PageRef(const PageRef& other) noexcept : page_(other.page_) {
      if (page_ != nullptr) page_->references.fetch_add(1, std::memory_order_relaxed);
    }
    PageRef(PageRef&& other) noexcept : page_(std::exchange(other.page_, nullptr)) {}
    PageRef& operator=(PageRef other) noexcept {
      std::swap(page_, other.page_);
      return *this;
    }
    ~PageRef() {
      if (page_ != nullptr && page_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete page_;
    }
    [[nodiscard]] Page* get() const noexcept { return page_; }
    [[nodiscard]] bool alone() const noexcept {
      return page_ != nullptr && page_->references.load(std::memory_order_acquire) == 1;
    }

   private:
    Page* page_ = nullptr;
  };

  Page& writable(std::size_t index);

  std::vector<PageRef> pages_;  ///< Missing or null: zeros.
  std::uint64_t size_ = 0;      ///< Bytes of the last page past it are zero.
};

}  // namespace stave::base
