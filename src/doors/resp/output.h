// What is on its way to one client: text in a chain of blocks that is appended to at the end and sent from the front,
// and in between large values that are sent from where they lie.
//
// Promises: appending text costs a copy and nothing else as long as the last block has room, and is never copied again;
// a shared value costs neither a copy nor memory, however often it is named; positions in the stream stay valid, so
// that a reply can be held back until what it tells is safe. An empty output holds no memory. Once more than the limit
// is unread, or there is no memory, it takes nothing more and says so (`refusal`): whoever writes need not look before
// the reply is over. Must not know: sockets, RESP.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "commands/sink.h"
#include "store/buffer_meter.h"

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
  static constexpr std::size_t kRoomBytes = kBlockBytes - sizeof(Block);

  /// `meter`: counts what the blocks take, kept ones included; null: nobody does. Else it must outlive the pool.
  explicit BlockPool(store::BufferMeter* meter = nullptr) noexcept : meter_(meter) {}
  ~BlockPool();
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  /// A block with room for `least` bytes, or more. Null when there is no memory or, unless it `must` be had, the meter
  /// refuses.
  Block* take(std::size_t least, bool must) noexcept;
  void give(Block* block) noexcept;

 private:
  static constexpr std::size_t kKeptMax = 128;
  /// Whether the meter grants it; gives it what is kept first.
  bool count(std::uint64_t bytes, bool must) noexcept;
  void destroy(Block* block) noexcept;

  store::BufferMeter* meter_;
  Block* free_ = nullptr;
  std::size_t kept_ = 0;
};

class Output {
 public:
  enum class Refusal : std::uint8_t {
    kNone,
    kLimit,   ///< More than the limit is unread.
    kMemory,  ///< There is no memory for it.
  };

  /// `pool` must outlive the output.
  explicit Output(BlockPool& pool) noexcept : pool_(pool) {}
  ~Output() { clear(); }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  /// With more than this unread nothing is added. One value may go beyond it, or the largest could not be read at all.
  void set_limit(std::uint64_t bytes) noexcept { limit_ = bytes; }
  /// Why nothing is taken any more; what was there when that began still is, a reply that is not whole at its end.
  [[nodiscard]] Refusal refusal() const noexcept { return refusal_; }
  /// Takes back the reply that begins at stream position `from` and was refused for want of memory. A short one can be
  /// written in its place, and that is not refused.
  void retract(std::uint64_t from) noexcept;

  /// Room for `bytes` in one piece; write there, then `commit` what was used. Null: it is refused.
  [[nodiscard]] char* reserve(std::size_t bytes) noexcept {
    if (static_cast<std::size_t>(end_ - at_) < bytes) [[unlikely]] {
      if (!grow(bytes)) return nullptr;
    }
    return at_;
  }
  void commit(const char* behind) noexcept {
    STAVE_ASSERT(at_ <= behind && behind <= end_);
    at_ += behind - at_;
  }
  void append(std::string_view text) noexcept {
    if (text.empty()) return;  // it may have no address to copy from
    char* const to = reserve(text.size());
    if (to == nullptr) return;
    std::memcpy(to, text.data(), text.size());
    commit(to + text.size());
  }
  /// A value that is sent from where it lies.
  void append_shared(const commands::SharedBytes& bytes) noexcept;

  /// Positions in the stream since the connection began.
  [[nodiscard]] std::uint64_t appended() const noexcept { return text_end() + shared_bytes_; }
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
  /// A value, and before which byte of the text it stands.
  struct Piece {
    std::uint64_t text_at;
    commands::SharedBytes bytes;
    std::size_t sent = 0;
    [[nodiscard]] std::size_t left() const noexcept { return bytes.size - sent; }
  };
  /// Short enough for a reply that must be written.
  static constexpr std::size_t kShortBytes = 1024;

  bool grow(std::size_t bytes) noexcept;
  /// Whether nothing may be added; says why.
  bool full() noexcept;
  void refuse(Refusal why) noexcept;
  void settle() noexcept {
    if (tail_ != nullptr) tail_->used = static_cast<std::size_t>(at_ - tail_->bytes());
  }
  [[nodiscard]] std::uint64_t text_end() const noexcept {
    return base_ + (tail_ == nullptr ? 0 : static_cast<std::uint64_t>(at_ - tail_->bytes()));
  }
  void advance_text(std::size_t bytes) noexcept;
  void truncate_text(std::uint64_t from) noexcept;
  void clear_text() noexcept;
  void drop_sent_pieces() noexcept;
  [[nodiscard]] bool sound() const noexcept;

  BlockPool& pool_;
  BlockPool::Block* head_ = nullptr;
  BlockPool::Block* tail_ = nullptr;
  char* at_ = nullptr;  ///< Next free byte of the tail.
  char* end_ = nullptr;
  std::uint64_t base_ = 0;       ///< Position in the text where the tail block begins.
  std::uint64_t text_sent_ = 0;  ///< Of the text, how much is sent.
  std::uint64_t sent_ = 0;
  std::uint64_t shared_bytes_ = 0;  ///< Of all shared values since the connection began.
  std::uint64_t limit_ = std::numeric_limits<std::uint64_t>::max();
  std::vector<Piece> pieces_;  ///< Oldest first; from `first_` on they are not sent, or not whole.
  std::size_t first_ = 0;
  Refusal refusal_ = Refusal::kNone;
  bool must_ = false;  ///< The next short text is not refused.
};

}  // namespace stave::resp
