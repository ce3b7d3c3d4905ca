// The reader's side of a byte input: pieces of a known size taken from the front, with the offset kept for errors.
//
// Promises: memory grows with the bytes that came, at most twofold, never with a length that was only announced.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "exchange/exchange.h"

namespace stave::exchange {

class Source {
 public:
  /// Both must outlive it.
  Source(ByteInput& input, const std::string& name) : input_(&input), name_(name) {}
  /// Of bytes that are all there; they are read where they lie, and must outlive it.
  Source(std::string_view bytes, const std::string& name) : name_(name), data_(bytes.data()), end_(bytes.size()) {}

  /// The next `count` bytes, valid until the next call. Errors: kCorrupt when the input ends before; then nothing was
  /// taken.
  Result<std::string_view> take(std::uint64_t count) {
    if (end_ - begin_ < count) [[unlikely]]
      return take_slowly(count);
    const std::string_view taken(data_ + begin_, static_cast<std::size_t>(count));
    begin_ += taken.size();
    return taken;
  }
  Result<unsigned char> byte() {
    auto taken = take(1);
    if (!taken) [[unlikely]]
      return fail(std::move(taken).error());
    return static_cast<unsigned char>(taken->front());
  }
  /// What lies ahead, at least `least` bytes unless the input ends before; valid until the next call.
  Result<std::string_view> peek(std::size_t least) {
    if (end_ - begin_ < least) {
      if (auto filled = fill(least); !filled) return fail(std::move(filled).error());
    }
    return std::string_view(data_ + begin_, end_ - begin_);
  }
  /// Takes bytes that were peeked at.
  void drop(std::size_t count) noexcept {
    STAVE_ASSERT(count <= end_ - begin_);
    begin_ += count;
  }
  Result<bool> at_end() {
    auto ahead = peek(1);
    if (!ahead) return fail(std::move(ahead).error());
    return ahead->empty();
  }

  /// Of the next byte.
  [[nodiscard]] std::uint64_t offset() const noexcept { return base_ + begin_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// A failure at `offset` of this input.
  [[nodiscard]] std::unexpected<Error> fail_at(std::uint64_t offset, ErrorCode code, std::string message) const;
  [[nodiscard]] std::unexpected<Error> corrupt(std::uint64_t offset, std::string message) const {
    return fail_at(offset, ErrorCode::kCorrupt, std::move(message));
  }

 private:
  Result<std::string_view> take_slowly(std::uint64_t count);
  /// Gets `least` bytes into the buffer, or all that are left.
  Result<void> fill(std::uint64_t least);

  ByteInput* input_ = nullptr;  ///< Null: there is no more than what is here.
  const std::string& name_;
  std::vector<char> buffer_;
  const char* data_ = nullptr;  ///< Of the buffer, or of bytes that are not ours.
  std::size_t begin_ = 0;       ///< Of what was read ahead, in the buffer.
  std::size_t end_ = 0;
  std::uint64_t base_ = 0;  ///< Offset in the input of the buffer's first byte.
};

}  // namespace stave::exchange
