#include "exchange/source.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "base/try.h"

namespace stave::exchange {

namespace {
constexpr std::size_t kChunk = 64u << 10;
/// A buffer that one large value made this big is given back.
constexpr std::size_t kKeptBufferBytes = 4u << 20;
}  // namespace

std::unexpected<Error> Source::fail_at(std::uint64_t offset, ErrorCode code, std::string message) const {
  return fail(Error(code, std::move(message)).with_file(name_, static_cast<std::int64_t>(offset)));
}

Result<void> Source::fill(std::uint64_t least) {
  if (input_ == nullptr) return {};
  STAVE_ASSERT(begin_ <= end_ && end_ <= buffer_.size());
  STAVE_ASSERT(end_ - begin_ < least);
  // What is left moves to the front, so that the buffer stays as small as the largest piece.
  const std::size_t left = end_ - begin_;
  if (begin_ != 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, left);
    base_ += begin_;
    begin_ = 0;
    end_ = left;
    if (buffer_.size() > kKeptBufferBytes && least < kChunk && left < kChunk) {
      buffer_.resize(kChunk);
      buffer_.shrink_to_fit();
    }
  }
  data_ = buffer_.data();
  while (end_ < least) {
    if (end_ == buffer_.size()) buffer_.resize(std::max(kChunk, buffer_.size() * 2));
    data_ = buffer_.data();
    const auto space = std::as_writable_bytes(std::span(buffer_)).subspan(end_);
    auto count = input_->read(space);
    if (!count) return fail(std::move(count).error());
    if (*count == 0) break;
    end_ += *count;
  }
  return {};
}

Result<std::string_view> Source::take_slowly(std::uint64_t count) {
  STAVE_TRY(fill(count));
  if (end_ - begin_ < count)
    return corrupt(base_ + end_, "the file ends here, in the middle of " + std::to_string(count) + " bytes");
  return take(count);
}

}  // namespace stave::exchange
