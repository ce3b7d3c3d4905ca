// How a score is spelled as an item: a whole one as an integer's item, any other one as a text of a zero byte and the
// eight of the double; and the order of (score, member). On disk; see docs/format.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "types/item.h"

namespace stave::types::sorted_set {

/// A score as the text of its item. A negative zero becomes a zero.
class ScoreText {
 public:
  explicit ScoreText(double score) noexcept;
  [[nodiscard]] std::string_view view() const noexcept {
    return digits_ ? digits_->view() : std::string_view(raw_, sizeof raw_);
  }

 private:
  std::optional<Digits> digits_;
  char raw_[9];
};

/// nullopt when the text is no score's.
std::optional<double> score_of(const ItemText& text) noexcept;
/// The score whose item begins at `at`, which was checked to be one.
double score_at(const char* at) noexcept;

/// A place in the order of (score, member): before or behind an element that need not be there, or behind all of a
/// score.
struct Bound {
  enum class Edge : std::uint8_t { kBefore, kBehind, kBehindScore };

  double score = 0;
  std::string_view member;
  Edge edge = Edge::kBefore;

  /// Whether an element stands before this place. `member_at` is where its member's item begins.
  [[nodiscard]] bool is_behind(double other_score, const char* member_at) const noexcept {
    if (other_score != score) return other_score < score;
    if (edge == Edge::kBehindScore) return true;
    const ItemText text = item::read(member_at);
    return edge == Edge::kBehind ? text.view() <= member : text.view() < member;
  }
};

}  // namespace stave::types::sorted_set
