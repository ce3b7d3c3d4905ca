#include "commands/dump_format.h"

#include <cstdint>
#include <optional>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/crc64.h"
#include "base/lzf.h"
#include "base/try.h"
#include "commands/errors.h"
#include "types/string/number.h"

namespace stave::commands {

namespace {

// Strings have looked the same since version 1. 9 is what every redis-server since 5.0 takes; 12 is that of 7.4.
constexpr std::uint16_t kVersionWritten = 9;
constexpr std::uint16_t kVersionReadMax = 12;
constexpr std::size_t kTrailerBytes = 2 + 8;
static_assert(kVersionWritten <= kVersionReadMax && kTrailerBytes == sizeof kVersionWritten + sizeof(std::uint64_t));
constexpr char kTypeString = 0;

// The upper two bits of the first byte say how the length is written.
constexpr unsigned char kLength6 = 0;
constexpr unsigned char kLength14 = 1;
constexpr unsigned char kLengthWide = 2;  // 0x80: four bytes follow, 0x81: eight; big-endian
constexpr unsigned char kSpecial = 3;     // the lower six bits say what
constexpr unsigned char kInt8 = 0;
constexpr unsigned char kInt16 = 1;
constexpr unsigned char kInt32 = 2;
constexpr unsigned char kCompressed = 3;

template <class Integer>
void append_bytes(std::string& out, Integer value) {
  char bytes[sizeof value];
  base::store(bytes, value);
  out.append(bytes, sizeof value);
}

bool append_short_integer(std::string& out, std::string_view value) {
  constexpr std::size_t kDigitsMax = 11;
  if (value.size() > kDigitsMax) return false;
  const auto number = types::parse_integer(value);
  if (!number) return false;
  if (*number == static_cast<std::int8_t>(*number)) {
    out.push_back(static_cast<char>(kSpecial << 6 | kInt8));
    append_bytes(out, static_cast<std::int8_t>(*number));
  } else if (*number == static_cast<std::int16_t>(*number)) {
    out.push_back(static_cast<char>(kSpecial << 6 | kInt16));
    append_bytes(out, static_cast<std::int16_t>(*number));
  } else if (*number == static_cast<std::int32_t>(*number)) {
    out.push_back(static_cast<char>(kSpecial << 6 | kInt32));
    append_bytes(out, static_cast<std::int32_t>(*number));
  } else {
    return false;
  }
  return true;
}

void append_length(std::string& out, std::uint64_t length) {
  if (length < 1u << 6) {
    out.push_back(static_cast<char>(length));
  } else if (length < 1u << 14) {
    out.push_back(static_cast<char>(kLength14 << 6 | length >> 8));
    out.push_back(static_cast<char>(length & 0xff));
  } else {
    const bool eight = length > 0xffffffffu;
    out.push_back(static_cast<char>(kLengthWide << 6 | (eight ? 1 : 0)));
    for (int shift = eight ? 56 : 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(length >> shift & 0xff));
  }
}

/// Takes pieces from the front of a payload and notes when it was too short.
class Reader {
 public:
  explicit Reader(std::string_view bytes) noexcept : bytes_(bytes) {}
  [[nodiscard]] bool at_end() const noexcept { return bytes_.empty(); }

  std::optional<std::string_view> take(std::uint64_t count) noexcept {
    if (count > bytes_.size()) return std::nullopt;
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }
  std::optional<unsigned char> byte() noexcept {
    const auto taken = take(1);
    if (!taken) return std::nullopt;
    return static_cast<unsigned char>(taken->front());
  }
  template <class Integer>
  std::optional<std::int64_t> integer() noexcept {
    const auto taken = take(sizeof(Integer));
    if (!taken) return std::nullopt;
    return base::load<Integer>(taken->data());
  }

  /// A length, `first` being its first byte; nullopt for a special encoding.
  std::optional<std::uint64_t> length(unsigned char first) noexcept {
    switch (first >> 6) {
      case kLength6: return first & 0x3f;
      case kLength14: {
        const auto second = byte();
        if (!second) return std::nullopt;
        return static_cast<std::uint64_t>(first & 0x3f) << 8 | *second;
      }
      case kLengthWide: {
        if (first != 0x80 && first != 0x81) return std::nullopt;
        const auto taken = take(first == 0x80 ? 4 : 8);
        if (!taken) return std::nullopt;
        std::uint64_t length = 0;
        for (const char c : *taken) length = length << 8 | static_cast<unsigned char>(c);
        return length;
      }
      default: return std::nullopt;
    }
  }

 private:
  std::string_view bytes_;
};

std::optional<std::string> read_special(Reader& reader, unsigned char encoding, std::size_t size_max) {
  std::optional<std::int64_t> number;
  switch (encoding) {
    case kInt8: number = reader.integer<std::int8_t>(); break;
    case kInt16: number = reader.integer<std::int16_t>(); break;
    case kInt32: number = reader.integer<std::int32_t>(); break;
    case kCompressed: {
      std::optional<std::uint64_t> lengths[2];
      for (auto& length : lengths) {
        const auto first = reader.byte();
        if (!first || !(length = reader.length(*first))) return std::nullopt;
      }
      const auto compressed = reader.take(*lengths[0]);
      if (!compressed || *lengths[1] > size_max) return std::nullopt;
      return base::lzf_decompress(*compressed, *lengths[1]);
    }
    default: return std::nullopt;
  }
  if (!number) return std::nullopt;
  return std::string(types::Digits(*number).view());
}

std::optional<std::string> read_string(Reader& reader, std::size_t size_max) {
  const auto first = reader.byte();
  if (!first) return std::nullopt;
  if (*first >> 6 == kSpecial) return read_special(reader, *first & 0x3f, size_max);
  const auto length = reader.length(*first);
  if (!length) return std::nullopt;
  const auto bytes = reader.take(*length);
  if (!bytes) return std::nullopt;
  return std::string(*bytes);
}

}  // namespace

std::string dump_string(std::string_view value) {
  std::string out;
  out.reserve(value.size() + 10 + kTrailerBytes);
  out.push_back(kTypeString);
  if (!append_short_integer(out, value)) {
    append_length(out, value.size());
    out.append(value);
  }
  STAVE_ASSERT(out.size() <= value.size() + 10);
  append_bytes(out, kVersionWritten);
  append_bytes(out, base::crc64(out));
  return out;
}

Result<std::string> restore_string(std::string_view payload, std::size_t size_max) {
  const auto untrusted = [] { return answer_error("ERR DUMP payload version or checksum are wrong"); };
  if (payload.size() < kTrailerBytes) return untrusted();
  const std::size_t body = payload.size() - kTrailerBytes;
  if (base::load<std::uint16_t>(payload.data() + body) > kVersionReadMax) return untrusted();
  if (base::load<std::uint64_t>(payload.data() + body + 2) != base::crc64(payload.substr(0, body + 2)))
    return untrusted();
  Reader reader(payload.substr(0, body));
  const auto type = reader.byte();
  if (!type || *type != kTypeString) return answer_error("ERR Bad data format");
  auto value = read_string(reader, size_max);
  if (!value || !reader.at_end()) return answer_error("ERR Bad data format");
  return std::move(*value);
}

}  // namespace stave::commands
