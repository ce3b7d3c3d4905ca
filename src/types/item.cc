#include "types/item.h"

#include <bit>

namespace stave::types {

namespace {

/// Bytes that an integer needs.
unsigned bytes_of(std::int64_t number) noexcept {
  const auto magnitude = static_cast<std::uint64_t>(number < 0 ? ~number : number);
  return static_cast<unsigned>(std::bit_width(magnitude)) / 8 + 1;
}

constexpr std::size_t kDigitsMax = 20;

/// The integer as which the text is kept.
std::optional<std::int64_t> kept_as(std::string_view text) noexcept {
  if (text.size() < 2 || text.size() > kDigitsMax) return std::nullopt;
  const auto number = parse_integer(text);
  return number && bytes_of(*number) < text.size() ? number : std::nullopt;
}

}  // namespace

std::optional<std::size_t> item::checked_size(std::string_view rest) noexcept {
  if (rest.empty()) return std::nullopt;
  const auto tag = static_cast<unsigned char>(rest[0]);
  std::size_t head = 1;
  if (tag == kText16) head = 3;
  if (tag == kText32) head = 5;
  if (tag > kText32 || rest.size() < head) return std::nullopt;
  const std::size_t size = size_at(rest.data());
  if (size > rest.size()) return std::nullopt;
  if (tag == kText16 && size - head <= kShortMax) return std::nullopt;
  if (tag == kText32 && size - head <= 0xffff) return std::nullopt;
  const ItemText text = read(rest.data());
  if (text.number()) {
    if (bytes_of(*text.number()) != size - 1 || !kept_as(text.view())) return std::nullopt;
  } else if (kept_as(text.view())) {
    return std::nullopt;
  }
  return size;
}

EncodedItem::EncodedItem(std::string_view text) noexcept {
  STAVE_ASSERT(text.size() <= item::kTextMax);
  if (const auto number = kept_as(text)) {
    const unsigned bytes = bytes_of(*number);
    head_[0] = static_cast<char>(item::kInteger + bytes - 1);
    std::memcpy(head_ + 1, &*number, bytes);
    head_size_ = static_cast<std::uint8_t>(1 + bytes);
    return;
  }
  if (text.size() < kHeadMax) {
    head_[0] = static_cast<char>(text.size());
    if (!text.empty()) std::memcpy(head_ + 1, text.data(), text.size());
    head_size_ = static_cast<std::uint8_t>(1 + text.size());
    return;
  }
  text_ = text;
  if (text.size() <= item::kShortMax) {
    head_[0] = static_cast<char>(text.size());
    head_size_ = 1;
  } else if (text.size() <= 0xffff) {
    head_[0] = static_cast<char>(item::kText16);
    base::store(head_ + 1, static_cast<std::uint16_t>(text.size()));
    head_size_ = 3;
  } else {
    head_[0] = static_cast<char>(item::kText32);
    base::store(head_ + 1, static_cast<std::uint32_t>(text.size()));
    head_size_ = 5;
  }
}

}  // namespace stave::types
