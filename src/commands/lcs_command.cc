#include "commands/lcs_command.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/try.h"
#include "commands/arguments.h"
#include "commands/kept_value.h"

namespace stave::commands {

using store::ValueType;
using store::ValueView;

namespace {

struct LcsOptions {
  bool length = false;
  bool ranges = false;
  bool with_match_length = false;
  std::int64_t match_length_min = 0;
};

Result<LcsOptions> parse_lcs(const Call& call) {
  LcsOptions options;
  for (std::size_t i = 3; i < call.size(); ++i) {
    if (call.is(i, "IDX")) {
      options.ranges = true;
    } else if (call.is(i, "LEN")) {
      options.length = true;
    } else if (call.is(i, "WITHMATCHLEN")) {
      options.with_match_length = true;
    } else if (call.is(i, "MINMATCHLEN") && i + 1 < call.size()) {
      STAVE_ASSIGN(options.match_length_min, integer_argument(call, ++i));
      options.match_length_min = std::max<std::int64_t>(options.match_length_min, 0);
    } else {
      return syntax_error();
    }
  }
  if (options.ranges && options.length)
    return answer_error("ERR If you want both the length and indexes, please just use IDX.");
  return options;
}

/// A run of equal bytes, last positions included.
struct Match {
  std::size_t a_first, a_last, b_first, b_last;
  [[nodiscard]] std::size_t size() const noexcept { return a_last - a_first + 1; }
};

/// The usual table of lengths, of which only two rows are kept: to walk back it is enough to know, for every pair of
/// prefixes, whether the shorter `a` alone does better than the shorter `b` alone. One bit per pair.
class Lcs {
 public:
  Lcs(std::string_view a, std::string_view b, bool walk_back) : a_(a), b_(b) {
    std::vector<std::uint32_t> above(b.size() + 1);
    std::vector<std::uint32_t> row(b.size() + 1);
    if (walk_back) shorten_a_.resize(a.size() * b.size());
    for (std::size_t i = 1; i <= a.size(); ++i) {
      for (std::size_t j = 1; j <= b.size(); ++j) {
        if (a[i - 1] == b[j - 1]) {
          row[j] = above[j - 1] + 1;
          continue;
        }
        const bool shorten_a = above[j] > row[j - 1];
        row[j] = shorten_a ? above[j] : row[j - 1];
        if (walk_back) shorten_a_[(i - 1) * b.size() + j - 1] = shorten_a;
      }
      std::swap(above, row);
    }
    length_ = above[b.size()];
    STAVE_ASSERT(length_ <= std::min(a.size(), b.size()));
  }

  [[nodiscard]] std::size_t length() const noexcept { return length_; }

  /// Shows the pairs of positions of the subsequence, last first.
  template <class Show>
  void walk_back(Show&& show) const {
    STAVE_ASSERT(shorten_a_.size() == a_.size() * b_.size());
    std::size_t i = a_.size();
    std::size_t j = b_.size();
    while (i > 0 && j > 0) {
      if (a_[i - 1] == b_[j - 1]) {
        show(--i, --j);
      } else if (shorten_a_[(i - 1) * b_.size() + j - 1]) {
        --i;
      } else {
        --j;
      }
    }
  }

 private:
  std::string_view a_;
  std::string_view b_;
  std::size_t length_ = 0;
  std::vector<bool> shorten_a_;
};

std::vector<Match> matches(const Lcs& lcs, std::size_t size_min) {
  std::vector<Match> found;
  lcs.walk_back([&](std::size_t i, std::size_t j) {
    if (!found.empty() && found.back().a_first == i + 1 && found.back().b_first == j + 1) {
      STAVE_ASSERT(found.back().a_last - i == found.back().b_last - j);
      found.back().a_first = i;
      found.back().b_first = j;
    } else {
      found.push_back({i, i, j, j});
    }
  });
  std::erase_if(found, [&](const Match& match) { return match.size() < size_min; });
  return found;
}

void answer_range(Sink& reply, std::size_t first, std::size_t last) {
  reply.array(2);
  reply.integer(static_cast<std::int64_t>(first));
  reply.integer(static_cast<std::int64_t>(last));
}

void answer_matches(Sink& reply, const Lcs& lcs, const LcsOptions& options) {
  const auto found = matches(lcs, static_cast<std::size_t>(options.match_length_min));
  reply.map(2);
  reply.bulk("matches");
  reply.array(found.size());
  for (const Match& match : found) {
    reply.array(options.with_match_length ? 3 : 2);
    answer_range(reply, match.a_first, match.a_last);
    answer_range(reply, match.b_first, match.b_last);
    if (options.with_match_length) reply.integer(static_cast<std::int64_t>(match.size()));
  }
  reply.bulk("len");
  reply.integer(static_cast<std::int64_t>(lcs.length()));
}

/// The two values, kept so that no shard is held during the work. Errors: not strings; more work than is allowed.
Result<std::array<KeptValue, 2>> values(Call& call) {
  // As many pairs as would need proto-max-bulk-len bytes in a table of 32-bit lengths.
  constexpr std::uint64_t kPairsMax = (std::uint64_t{512} << 20) / sizeof(std::uint32_t);
  const std::array<store::KeyRef, 2> keys = {call.key(1), call.key(2)};
  std::array<KeptValue, 2> kept;
  bool other_type = false;
  bool too_large = false;
  std::uint64_t width = 1;
  STAVE_TRY(
      call.wait_for(call.read_many(keys, call.session().read_access(), [&](std::size_t i, const ValueView* value) {
        if (value == nullptr) return;
        other_type |= value->type != ValueType::kString;
        width *= value->value.size() + 1;
        too_large |= width > kPairsMax && i == 1;
        if (width <= kPairsMax) kept[i] = KeptValue(*value);
      })));
  if (other_type) return answer_error("ERR The specified keys must contain string values");
  if (too_large) return answer_error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
  return kept;
}

}  // namespace

Result<void> lcs_command(Call& call) {
  STAVE_ASSIGN(const auto kept, values(call));
  const std::array strings = {kept[0].view(), kept[1].view()};
  STAVE_ASSIGN(const LcsOptions options, parse_lcs(call));
  const Lcs lcs(strings[0], strings[1], !options.length);
  if (options.length) {
    call.reply().integer(static_cast<std::int64_t>(lcs.length()));
  } else if (options.ranges) {
    answer_matches(call.reply(), lcs, options);
  } else {
    std::string common;
    common.reserve(lcs.length());
    lcs.walk_back([&](std::size_t i, std::size_t) { common.push_back(strings[0][i]); });
    std::reverse(common.begin(), common.end());
    call.reply().bulk(common);
  }
  return {};
}

}  // namespace stave::commands
