#include "exchange/rdb_stream.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/assert.h"
#include "base/crc64.h"
#include "base/lzf.h"
#include "base/try.h"
#include "exchange/big_endian.h"
#include "exchange/rdb_types.h"

namespace stave::exchange {

namespace {

// The upper two bits of the first byte say how a length is written; 3: the lower six name an encoding.
constexpr unsigned kWide32 = 0x80;
constexpr unsigned kWide64 = 0x81;
constexpr std::uint64_t kCompressed = 3;

}  // namespace

Result<std::string_view> RdbStream::take(std::uint64_t count) {
  STAVE_ASSIGN(const std::string_view bytes, source_.take(count));
  if (summing_) crc_ = base::crc64(bytes, crc_);
  return bytes;
}

Result<void> RdbStream::skip(std::uint64_t count) {
  constexpr std::uint64_t kPiece = 64u << 10;
  for (; count != 0;) {
    STAVE_ASSIGN(const std::string_view bytes, take(std::min(count, kPiece)));
    STAVE_ASSERT(!bytes.empty() && bytes.size() <= count);
    count -= bytes.size();
  }
  return {};
}

Result<unsigned> RdbStream::byte() {
  STAVE_ASSIGN(const std::string_view bytes, take(1));
  return static_cast<unsigned char>(bytes[0]);
}

Result<RdbStream::Length> RdbStream::length_or_encoding() {
  STAVE_ASSIGN(const unsigned first, byte());
  switch (first >> 6) {
    case 0: return Length{first & 0x3f};
    case 1: {
      STAVE_ASSIGN(const unsigned second, byte());
      return Length{static_cast<std::uint64_t>(first & 0x3f) << 8 | second};
    }
    case 3: return Length{first & 0x3f, true};
    default: break;
  }
  if (first == kWide32) {
    STAVE_ASSIGN(const std::string_view bytes, take(4));
    return Length{load_big<std::uint32_t>(bytes)};
  }
  if (first == kWide64) {
    STAVE_ASSIGN(const std::string_view bytes, take(8));
    return Length{load_big<std::uint64_t>(bytes)};
  }
  return corrupt("a length of no known form");
}

Result<std::uint64_t> RdbStream::length() {
  STAVE_ASSIGN(const Length length, length_or_encoding());
  if (length.special) return corrupt("an encoding stands where a length is expected");
  return length.value;
}

Result<void> RdbStream::compressed_string(std::string& out, std::size_t bytes_max, std::string_view what) {
  const std::uint64_t at = source_.offset();
  STAVE_ASSIGN(const std::uint64_t packed, length());
  STAVE_ASSIGN(const std::uint64_t size, length());
  if (size > bytes_max)
    return source_.fail_at(
        at, ErrorCode::kTooLarge,
        "a " + std::string(what) + " of " + std::to_string(size) + " bytes; the limit is " + std::to_string(bytes_max));
  // Literal runs cost one byte in 33: nothing is much larger compressed.
  if (packed > size + size / 32 + 16) return source_.corrupt(at, "a compressed string larger than its content");
  STAVE_ASSIGN(const std::string_view bytes, take(packed));
  auto text = base::lzf_decompress(bytes, static_cast<std::size_t>(size));
  if (!text) return source_.corrupt(at, "a compressed string does not decompress");
  STAVE_ASSERT(text->size() == size);
  out = std::move(*text);
  return {};
}

Result<void> RdbStream::string(std::string& out, std::size_t bytes_max, std::string_view what) {
  const std::uint64_t at = source_.offset();
  STAVE_ASSIGN(const Length length, length_or_encoding());
  if (!length.special) {
    if (length.value > bytes_max)
      return source_.fail_at(at, ErrorCode::kTooLarge,
                             "a " + std::string(what) + " of " + std::to_string(length.value) +
                                 " bytes; the limit is " + std::to_string(bytes_max));
    STAVE_ASSIGN(const std::string_view bytes, take(length.value));
    out.assign(bytes);
    return {};
  }
  std::int64_t number = 0;
  switch (length.value) {
    case kInt8: {
      STAVE_ASSIGN(number, integer<std::int8_t>());
      break;
    }
    case kInt16: {
      STAVE_ASSIGN(number, integer<std::int16_t>());
      break;
    }
    case kInt32: {
      STAVE_ASSIGN(number, integer<std::int32_t>());
      break;
    }
    case kCompressed: return compressed_string(out, bytes_max, what);
    default: return source_.corrupt(at, "a string of no known encoding");
  }
  std::array<char, 20> digits{};
  out.assign(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
  return {};
}

Result<void> RdbStream::skip_string() {
  STAVE_ASSIGN(const Length length, length_or_encoding());
  if (!length.special) return skip(length.value);
  switch (length.value) {
    case kInt8: return skip(1);
    case kInt16: return skip(2);
    case kInt32: return skip(4);
    case kCompressed: {
      STAVE_ASSIGN(const std::uint64_t packed, this->length());
      STAVE_TRY(this->length());
      return skip(packed);
    }
    default: return corrupt("a string of no known encoding");
  }
}

}  // namespace stave::exchange
