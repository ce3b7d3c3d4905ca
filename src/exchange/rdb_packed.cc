#include "exchange/rdb_packed.h"

#include <cstdint>
#include <limits>
#include <optional>

#include "base/bytes.h"
#include "exchange/big_endian.h"

namespace stave::exchange {

namespace {

using types::ItemText;

constexpr unsigned kPackedEnd = 0xff;
/// A count that says only that there are at least as many.
constexpr std::uint64_t kCountUnknown = 0xffff;

/// Takes pieces off the front; what is too short gives nullopt.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) noexcept : all_(bytes), rest_(bytes) {}
  [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }
  [[nodiscard]] std::size_t at() const noexcept { return all_.size() - rest_.size(); }

  std::optional<std::string_view> take(std::uint64_t count) noexcept {
    if (count > rest_.size()) return std::nullopt;
    const std::string_view taken = rest_.substr(0, static_cast<std::size_t>(count));
    rest_.remove_prefix(taken.size());
    return taken;
  }
  std::optional<unsigned> byte() noexcept {
    const auto taken = take(1);
    if (!taken) return std::nullopt;
    return static_cast<unsigned char>(taken->front());
  }
  /// Little-endian, of up to eight bytes, with its sign.
  std::optional<std::int64_t> integer(unsigned bytes) noexcept {
    const auto taken = take(bytes);
    if (!taken) return std::nullopt;
    std::uint64_t raw = 0;
    for (unsigned i = 0; i < bytes; ++i)
      raw |= static_cast<std::uint64_t>(static_cast<unsigned char>((*taken)[i])) << (8 * i);
    const unsigned unused = 64 - 8 * bytes;
    return static_cast<std::int64_t>(raw << unused) >> unused;
  }
  template <class Unsigned>
  std::optional<std::uint64_t> number() noexcept {
    const auto taken = take(sizeof(Unsigned));
    if (!taken) return std::nullopt;
    return base::load<Unsigned>(taken->data());
  }
  std::optional<std::uint64_t> big32() noexcept {
    const auto taken = take(4);
    if (!taken) return std::nullopt;
    return load_big<std::uint32_t>(*taken);
  }

 private:
  std::string_view all_;
  std::string_view rest_;
};

std::optional<ItemText> text(Bytes& bytes, std::optional<std::uint64_t> size) {
  if (!size) return std::nullopt;
  const auto taken = bytes.take(*size);
  if (!taken) return std::nullopt;
  return ItemText(*taken);
}

std::optional<ItemText> integer(Bytes& bytes, unsigned size) {
  const auto value = bytes.integer(size);
  if (!value) return std::nullopt;
  return ItemText(*value);
}

/// An element of a ziplist whose first byte is `tag`.
std::optional<ItemText> ziplist_element(Bytes& bytes, unsigned tag) {
  constexpr unsigned kSmallMin = 0xf1;
  constexpr unsigned kSmallMax = 0xfd;
  switch (tag >> 6) {
    case 0: return text(bytes, tag & 0x3f);
    case 1: {
      const auto low = bytes.byte();
      if (!low) return std::nullopt;
      return text(bytes, (tag & 0x3f) << 8 | *low);
    }
    case 2: return tag == 0x80 ? text(bytes, bytes.big32()) : std::nullopt;
    default: break;
  }
  switch (tag) {
    case 0xc0: return integer(bytes, 2);
    case 0xd0: return integer(bytes, 4);
    case 0xe0: return integer(bytes, 8);
    case 0xf0: return integer(bytes, 3);
    case 0xfe: return integer(bytes, 1);
    default: break;
  }
  if (tag < kSmallMin || tag > kSmallMax) return std::nullopt;
  return ItemText(static_cast<std::int64_t>(tag - kSmallMin));
}

/// An element of a listpack whose first byte is `tag`.
std::optional<ItemText> listpack_element(Bytes& bytes, unsigned tag) {
  if (tag < 0x80) return ItemText(static_cast<std::int64_t>(tag));
  if (tag < 0xc0) return text(bytes, tag & 0x3f);
  if (tag < 0xf0) {
    const auto low = bytes.byte();
    if (!low) return std::nullopt;
    if (tag >= 0xe0) return text(bytes, (tag & 0x0f) << 8 | *low);
    constexpr std::int64_t kSign = 1 << 12;
    const std::int64_t raw = (tag & 0x1f) << 8 | *low;
    return ItemText(raw >= kSign ? raw - 2 * kSign : raw);
  }
  switch (tag) {
    case 0xf0: return text(bytes, bytes.number<std::uint32_t>());
    case 0xf1: return integer(bytes, 2);
    case 0xf2: return integer(bytes, 3);
    case 0xf3: return integer(bytes, 4);
    case 0xf4: return integer(bytes, 8);
    default: return std::nullopt;
  }
}

/// Takes what stands behind an element of `size` bytes, for who walks backwards: the size in groups of seven bits, the
/// highest first, all but the first with their upper bit set.
bool take_back_size(Bytes& bytes, std::uint64_t size) {
  // The limits are those of the writers, which leave the last number below each of them out.
  unsigned groups = 1;
  if (size > 127) groups = 2;
  if (size >= 16383) groups = 3;
  if (size >= 2097151) groups = 4;
  if (size >= 268435455) groups = 5;
  const auto taken = bytes.take(groups);
  if (!taken) return false;
  for (unsigned i = 0; i < groups; ++i) {
    const auto group = static_cast<unsigned>(size >> (7 * (groups - 1 - i)) & 0x7f) | (i == 0 ? 0u : 0x80u);
    if (static_cast<unsigned char>((*taken)[i]) != group) return false;
  }
  return true;
}

/// A length in a zipmap whose first byte is `first`.
std::optional<std::uint64_t> zipmap_length(Bytes& bytes, unsigned first) {
  constexpr unsigned kWide = 254;
  if (first < kWide) return first;
  if (first == kWide) return bytes.number<std::uint32_t>();
  return std::nullopt;
}

bool fits(std::uint64_t announced, std::uint64_t count) {
  return announced == kCountUnknown || announced == count;
}

}  // namespace

bool walk_ziplist(std::string_view whole, VisitPacked visit) {
  constexpr unsigned kWideBack = 0xfe;
  Bytes bytes(whole);
  const auto size = bytes.number<std::uint32_t>();
  const auto tail = bytes.number<std::uint32_t>();
  const auto announced = bytes.number<std::uint16_t>();
  if (!announced || *size != whole.size()) return false;
  std::uint64_t before = 0;  // bytes of the element before
  std::size_t last = bytes.at();
  for (std::uint64_t count = 0;; ++count) {
    const std::size_t at = bytes.at();
    const auto back = bytes.byte();
    if (!back) return false;
    // The tail is where the last element begins; of none, where the end mark stands.
    if (*back == kPackedEnd) return bytes.empty() && fits(*announced, count) && *tail == last;
    const auto distance = *back == kWideBack ? bytes.number<std::uint32_t>() : std::optional<std::uint64_t>(*back);
    const auto tag = bytes.byte();
    if (!distance || *distance != before || !tag) return false;
    const auto element = ziplist_element(bytes, *tag);
    if (!element || !visit(*element)) return false;
    before = bytes.at() - at;
    last = at;
  }
}

bool walk_listpack(std::string_view whole, VisitPacked visit) {
  Bytes bytes(whole);
  const auto size = bytes.number<std::uint32_t>();
  const auto announced = bytes.number<std::uint16_t>();
  if (!announced || *size != whole.size()) return false;
  for (std::uint64_t count = 0;; ++count) {
    const std::size_t at = bytes.at();
    const auto tag = bytes.byte();
    if (!tag) return false;
    if (*tag == kPackedEnd) return bytes.empty() && fits(*announced, count);
    const auto element = listpack_element(bytes, *tag);
    if (!element || !take_back_size(bytes, bytes.at() - at) || !visit(*element)) return false;
  }
}

bool walk_intset(std::string_view whole, VisitPacked visit) {
  Bytes bytes(whole);
  const auto width = bytes.number<std::uint32_t>();
  const auto count = bytes.number<std::uint32_t>();
  if (!count || (*width != 2 && *width != 4 && *width != 8)) return false;
  if (whole.size() - bytes.at() != *width * *count) return false;
  std::int64_t before = 0;
  for (std::uint64_t i = 0; i < *count; ++i) {
    const auto member = bytes.integer(static_cast<unsigned>(*width));
    if (!member || (i != 0 && *member <= before) || !visit(ItemText(*member))) return false;
    before = *member;
  }
  return true;
}

bool walk_zipmap(std::string_view whole, VisitPacked visit) {
  constexpr std::uint64_t kManyPairs = 254;
  Bytes bytes(whole);
  const auto announced = bytes.byte();
  if (!announced) return false;
  for (std::uint64_t count = 0;; ++count) {
    const auto first = bytes.byte();
    if (!first) return false;
    if (*first == kPackedEnd) return bytes.empty() && (*announced >= kManyPairs || *announced == count);
    const auto name = text(bytes, zipmap_length(bytes, *first));
    const auto value_first = bytes.byte();
    if (!name || !value_first) return false;
    const auto value_size = zipmap_length(bytes, *value_first);
    // Room that an earlier, longer value left behind follows the value.
    const auto room = bytes.byte();
    if (!value_size || !room) return false;
    const auto value = text(bytes, value_size);
    if (!value || !bytes.take(*room) || !visit(*name) || !visit(*value)) return false;
  }
}

}  // namespace stave::exchange
