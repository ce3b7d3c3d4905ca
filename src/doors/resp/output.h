// What is on its way to one client: a chain of blocks that is appended to at the end and sent from the front.
//
// Promises: appending costs a copy and nothing else as long as the last block has room; a large value gets a block of
// its own size, so nothing is ever copied twice; positions in the stream stay valid, so that a reply can be held back
// until what it tells is safe. An empty output holds no memory. Must not know: sockets, RESP.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace stave::resp {

/// Blocks of one size, kept for reuse. One thread.
class BlockPool {
 public:
  struct Block {
    Block* next;
    std::size_t capacity;
    std::size_t used;
    std::size_t sent;
    char* bytes() noexcept { return reinterpret_cast<char*>(this + 1); }
  };
  static constexpr std::size_t kBlockBytes = 16 * 1024;

  BlockPool() = default;
  ~BlockPool();
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  /// A block with room for `least` bytes, or more.
  Block* take(std::size_t least);
  void give(Block* block) noexcept;

 private:
  static constexpr std::size_t kKeptMax = 128;
  Block* free_ = nullptr;
  std::size_t kept_ = 0;
};

class Output {
 public:
  /// `pool` must outlive the output.
  explicit Output(BlockPool& pool) noexcept : pool_(pool) {}
  ~Output() { clear(); }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  /// Room for `bytes` in one piece; write there, then `commit` what was used.
  char* reserve(std::size_t bytes) {
    if (static_cast<std::size_t>(end_ - at_) < bytes) [[unlikely]]
      grow(bytes);
    return at_;
  }
  void commit(const char* behind) noexcept { at_ += behind - at_; }
  void append(std::string_view text) {
    if (text.empty()) return;  // it may have no address to copy from
    char* to = reserve(text.size());
    std::memcpy(to, text.data(), text.size());
    commit(to + text.size());
  }

  /// Positions in the stream since the connection began.
  [[nodiscard]] std::uint64_t appended() const noexcept {
    return base_ + (tail_ == nullptr ? 0 : static_cast<std::uint64_t>(at_ - tail_->bytes()));
  }
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }
  [[nodiscard]] std::uint64_t pending() const noexcept { return appended() - sent_; }

  /// Describes what may be sent, up to stream position `limit`, in at most `most` pieces. Returns how many.
  std::size_t gather(std::uint64_t limit, iovec* pieces, std::size_t most) noexcept;
  /// `bytes` of what was gathered are gone; gives back what is empty.
  void advance(std::size_t bytes) noexcept;
  /// Takes back everything from stream position `from` on, which must not have been sent.
  void truncate(std::uint64_t from) noexcept;
  void clear() noexcept;

 private:
  void grow(std::size_t bytes);
  void settle() noexcept {
    if (tail_ != nullptr) tail_->used = static_cast<std::size_t>(at_ - tail_->bytes());
  }

  BlockPool& pool_;
  BlockPool::Block* head_ = nullptr;
  BlockPool::Block* tail_ = nullptr;
  char* at_ = nullptr;  ///< Next free byte of the tail.
  char* end_ = nullptr;
  std::uint64_t base_ = 0;  ///< Stream position where the tail block begins.
  std::uint64_t sent_ = 0;
};

}  // namespace stave::resp
