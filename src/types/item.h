// One element of a collection as bytes: a text with its length before it, or an integer in as few bytes as it needs.
//
//     0x00..0xef  text of that many bytes        0xf0..0xf7  integer of 1 to 8 bytes, two's complement, little-endian
//     0xf8 u16    text of 240 to 65,535 bytes    0xf9 u32    longer text
//
// A text that spells an integer (number.h) whose bytes are fewer than its own is kept as that integer, and no other is:
// so every text has one form, and two are the same exactly when their forms are. Promises: nothing is read beyond what
// was checked once (`checked_size`). Must not know: what the elements of a type are. On disk; see docs/format.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/bytes.h"
#include "types/string/number.h"

namespace stave::types {

/// What an element reads as: bytes of the form, or the digits of an integer, which it holds itself.
class ItemText {
 public:
  explicit ItemText(std::string_view bytes) noexcept : bytes_(bytes) {}
  explicit ItemText(std::int64_t number) noexcept : digits_(number), number_(number) {}
  /// Ends with this object and with the form.
  [[nodiscard]] std::string_view view() const noexcept { return digits_ ? digits_->view() : bytes_; }
  /// The integer, when it is kept as one.
  [[nodiscard]] std::optional<std::int64_t> number() const noexcept {
    return digits_ ? std::optional(number_) : std::nullopt;
  }

 private:
  std::string_view bytes_;
  std::optional<Digits> digits_;
  std::int64_t number_ = 0;
};

namespace item {

inline constexpr std::size_t kShortMax = 0xef;
inline constexpr unsigned kInteger = 0xf0;
inline constexpr unsigned kText16 = 0xf8;
inline constexpr unsigned kText32 = 0xf9;
inline constexpr std::size_t kTextMax = std::numeric_limits<std::uint32_t>::max();

/// Bytes of the element that begins at `at`, which was checked.
inline std::size_t size_at(const char* at) noexcept {
  const auto tag = static_cast<unsigned char>(*at);
  if (tag <= kShortMax) [[likely]]
    return std::size_t{1} + tag;
  if (tag < kText16) return std::size_t{2} + (tag - kInteger);
  if (tag == kText16) return std::size_t{3} + base::load<std::uint16_t>(at + 1);
  STAVE_ASSERT(tag == kText32);
  return std::size_t{5} + base::load<std::uint32_t>(at + 1);
}

/// The same of bytes from elsewhere; nullopt when no element begins there, or it does not end in `rest`, or it is not
/// in the one form its text has.
std::optional<std::size_t> checked_size(std::string_view rest) noexcept;

inline ItemText read(const char* at) noexcept {
  const auto tag = static_cast<unsigned char>(*at);
  if (tag <= kShortMax) [[likely]]
    return ItemText(std::string_view(at + 1, tag));
  if (tag == kText16) return ItemText(std::string_view(at + 3, base::load<std::uint16_t>(at + 1)));
  if (tag == kText32) return ItemText(std::string_view(at + 5, base::load<std::uint32_t>(at + 1)));
  STAVE_ASSERT(tag >= kInteger && tag < kText16);
  const unsigned bytes = tag - kInteger + 1;
  std::uint64_t raw = 0;
  std::memcpy(&raw, at + 1, bytes);
  const unsigned unused = 64 - 8 * bytes;
  return ItemText(static_cast<std::int64_t>(raw << unused) >> unused);
}

}  // namespace item

/// A text as an element: made once, compared with many and appended. The text, at most item::kTextMax bytes, belongs to
/// the caller.
class EncodedItem {
 public:
  explicit EncodedItem(std::string_view text) noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return head_size_ + text_.size(); }
  /// Whether the element that begins at `at`, which was checked, is this text. Cost: most that are not differ in their
  /// first byte, which says how long they are, or in their last ones, for names tend to begin alike.
  [[nodiscard]] bool is_at(const char* at) const noexcept {
    if (*at != head_[0]) return false;
    if (text_.empty()) return is_short_at(at);
    // The size is the same when it is said in the first byte, and is compared when it follows.
    if (head_size_ != 1 && std::memcmp(at, head_, head_size_) != 0) return false;
    at += head_size_;
    const std::size_t last = text_.size() - sizeof(std::uint64_t);
    return base::load<std::uint64_t>(at + last) == base::load<std::uint64_t>(text_.data() + last) &&
           std::memcmp(at, text_.data(), text_.size()) == 0;
  }
  void append_to(std::string& form) const { form.append(head_, head_size_).append(text_); }
  /// Over `size()` bytes.
  void write_to(char* at) const noexcept {
    std::memcpy(at, head_, head_size_);
    if (!text_.empty()) std::memcpy(at + head_size_, text_.data(), text_.size());
  }

 private:
  static constexpr std::size_t kHeadMax = 9;

  /// Two loads that may overlap see all of it.
  [[nodiscard]] bool is_short_at(const char* at) const noexcept {
    const auto same_ends = [&]<class Word>(Word) {
      const std::size_t last = head_size_ - sizeof(Word);
      return base::load<Word>(at) == base::load<Word>(head_) &&
             base::load<Word>(at + last) == base::load<Word>(head_ + last);
    };
    if (head_size_ >= 8) return same_ends(std::uint64_t{});
    if (head_size_ >= 4) return same_ends(std::uint32_t{});
    return head_size_ < 2 || same_ends(std::uint16_t{});
  }

  char head_[kHeadMax];  ///< The whole of an integer and of a text that fits.
  std::uint8_t head_size_;
  std::string_view text_;  ///< What follows the head: nothing, or at least 9 bytes.
};

}  // namespace stave::types
