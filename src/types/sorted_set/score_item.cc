#include "types/sorted_set/score_item.h"

#include <cmath>

namespace stave::types::sorted_set {

namespace {

/// Integers up to here are doubles, each one.
constexpr double kWholeMax = 9007199254740992.0;

}  // namespace

ScoreText::ScoreText(double score) noexcept {
  if (std::abs(score) <= kWholeMax && std::trunc(score) == score) {
    digits_.emplace(static_cast<std::int64_t>(score));
  } else {
    raw_[0] = 0;
    base::store(raw_ + 1, score);
  }
}

std::optional<double> score_of(const ItemText& text) noexcept {
  if (text.number()) return static_cast<double>(*text.number());
  const std::string_view view = text.view();
  if (view.size() == 9 && view[0] == 0) return base::load<double>(view.data() + 1);
  if (const auto number = parse_integer(view)) return static_cast<double>(*number);
  return std::nullopt;
}

// The short ways are those of nearly all scores: an integer of few bytes, one digit, a double.
double score_at(const char* at) noexcept {
  const auto tag = static_cast<unsigned char>(*at);
  if (tag >= item::kInteger && tag < item::kText16) {
    const unsigned bytes = tag - item::kInteger + 1;
    std::uint64_t raw = 0;
    std::memcpy(&raw, at + 1, bytes);
    const unsigned unused = 64 - 8 * bytes;
    return static_cast<double>(static_cast<std::int64_t>(raw << unused) >> unused);
  }
  if (tag == 1) return static_cast<double>(at[1] - '0');
  if (tag == 9 && at[1] == 0) return base::load<double>(at + 2);
  const auto score = score_of(item::read(at));
  STAVE_ASSERT(score);
  return *score;
}

}  // namespace stave::types::sorted_set
