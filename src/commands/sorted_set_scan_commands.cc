#include "commands/sorted_set_scan_commands.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

#include "base/try.h"
#include "commands/arguments.h"
#include "commands/collection.h"
#include "commands/glob.h"
#include "commands/sorted_set_elements.h"
#include "types/string/number.h"

namespace stave::commands {

using store::SortedSet;
using types::sorted_set::Element;

namespace {

// One call must stay a short one, whatever was asked for: a walk over everything is many calls.
constexpr std::int64_t kElementsScannedMax = 100'000;

struct SortedSetScanOptions {
  std::size_t count = 10;
  std::optional<std::string_view> pattern;
  bool with_scores = true;
};

Result<SortedSetScanOptions> parse_sorted_set_scan(const Call& call) {
  SortedSetScanOptions options;
  for (std::size_t i = 3; i < call.size(); ++i) {
    const bool has_value = i + 1 < call.size();
    if (has_value && call.is(i, "COUNT")) {
      STAVE_ASSIGN(const std::int64_t count, integer_argument(call, ++i));
      if (count < 1) return syntax_error();
      options.count = static_cast<std::size_t>(std::min(count, kElementsScannedMax));
    } else if (has_value && call.is(i, "MATCH")) {
      options.pattern = call[++i];
    } else if (call.is(i, "NOSCORES")) {
      options.with_scores = false;
    } else {
      return syntax_error();
    }
  }
  if (options.pattern == "*") options.pattern.reset();
  return options;
}

// A score is a text here in RESP3 too.
void answer_score_text(Sink& reply, double score) {
  char text[40];
  reply.bulk({text, types::format_double(score, text)});
}

}  // namespace

Result<void> zscan_command(Call& call) {
  std::uint64_t cursor = 0;
  const std::string_view text = call[2];
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cursor);
  if (error != std::errc{} || end != text.data() + text.size()) return answer_error("ERR invalid cursor");
  KeptElements found;
  SortedSetScanOptions options;
  std::uint64_t next = 0;
  const auto look = [&](const types::sorted_set::Reader* set) -> Result<void> {
    // As in Redis, nobody looks at the options when there is nothing to walk over.
    if (set == nullptr) return {};
    STAVE_ASSIGN(options, parse_sorted_set_scan(call));
    next = set->scan(cursor, options.count, [&](const Element& element) {
      if (!options.pattern || glob_match(*options.pattern, element.member)) found.emplace_back(element);
      return true;
    });
    return {};
  };
  STAVE_TRY(look_at<SortedSet>(call, 1, look));
  Sink& reply = call.reply();
  reply.array(2);
  reply.bulk(std::to_string(next));
  reply.array(options.with_scores ? 2 * found.size() : found.size());
  for (const KeptElement& element : found) {
    reply.bulk(element.member);
    if (options.with_scores) answer_score_text(reply, element.score);
  }
  return {};
}

}  // namespace stave::commands
