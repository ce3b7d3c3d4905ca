#include "types/stream/id.h"

#include <bit>
#include <charconv>

#include "base/bytes.h"

namespace stave::types::stream {

static_assert(std::endian::native == std::endian::little);

void put_id(char* to, const Id& id) noexcept {
  base::store(to, __builtin_bswap64(id.ms));
  base::store(to + 8, __builtin_bswap64(id.seq));
}

Id get_id(const char* from) noexcept {
  return {.ms = __builtin_bswap64(base::load<std::uint64_t>(from)),
          .seq = __builtin_bswap64(base::load<std::uint64_t>(from + 8))};
}

std::string id_bytes(const Id& id) {
  std::string bytes(kIdBytes, '\0');
  put_id(bytes.data(), id);
  return bytes;
}

IdText::IdText(const Id& id) noexcept {
  char* const end = text_ + sizeof text_;
  char* at = std::to_chars(text_, end, id.ms).ptr;
  *at++ = '-';
  at = std::to_chars(at, end, id.seq).ptr;
  size_ = static_cast<std::uint8_t>(at - text_);
}

namespace {

/// Digits, also with zeros or a plus before them, as Redis takes them here and nowhere else.
std::optional<std::uint64_t> parse_half(std::string_view text) noexcept {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::uint64_t half = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, half);
  if (text.empty() || error != std::errc{} || at != end) return std::nullopt;
  return half;
}

}  // namespace

std::optional<Id> parse_id(std::string_view text, std::uint64_t missing_seq) noexcept {
  const std::size_t dash = text.find('-');
  const auto ms = parse_half(text.substr(0, dash));
  if (!ms) return std::nullopt;
  if (dash == std::string_view::npos) return Id{.ms = *ms, .seq = missing_seq};
  const auto seq = parse_half(text.substr(dash + 1));
  if (!seq) return std::nullopt;
  return Id{.ms = *ms, .seq = *seq};
}

}  // namespace stave::types::stream
