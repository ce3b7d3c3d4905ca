#include "commands/scan_commands.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/try.h"
#include "commands/arguments.h"
#include "commands/glob.h"
#include "commands/type_names.h"

namespace stave::commands {

using store::Pending;
using store::ValueView;

namespace {

constexpr std::size_t kKeysScannedDefault = 10;
// One call must stay a short one, whatever was asked for: a walk over everything is many calls.
constexpr std::size_t kKeysScannedMax = 100'000;

struct KeyScanOptions {
  std::uint64_t cursor = 0;
  std::size_t count = kKeysScannedDefault;
  std::optional<std::string_view> pattern;
  std::optional<std::string_view> type;
};

Result<KeyScanOptions> parse_key_scan(const Call& call) {
  KeyScanOptions options;
  const std::string_view text = call[1];
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), options.cursor);
  if (error != std::errc{} || end != text.data() + text.size()) return answer_error("ERR invalid cursor");
  for (std::size_t i = 2; i < call.size(); i += 2) {
    const bool has_value = i + 1 < call.size();
    if (has_value && call.is(i, "COUNT")) {
      STAVE_ASSIGN(const std::int64_t count, integer_argument(call, i + 1));
      if (count < 1) return syntax_error();
      options.count = std::min(static_cast<std::size_t>(count), kKeysScannedMax);
    } else if (has_value && call.is(i, "MATCH")) {
      options.pattern = call[i + 1];
    } else if (has_value && call.is(i, "TYPE")) {
      options.type = call[i + 1];
    } else {
      return syntax_error();
    }
  }
  STAVE_ASSERT(options.count > 0 && options.count <= kKeysScannedMax);
  if (options.pattern == "*") options.pattern.reset();
  return options;
}

/// A step of a walk through the session's database, also within a transaction that holds all of it.
std::uint64_t scan_some(Call& call, std::uint64_t cursor, std::size_t count,
                        base::FunctionRef<void(std::string_view, const ValueView&)> visit, Pending& pending) {
  const int database = call.session().database();
  if (store::Transaction* const shared = call.session().shared) return shared->scan(database, cursor, count, visit);
  return call.engine().scan(database, cursor, count, visit, pending);
}

void answer_keys(Sink& reply, const std::vector<std::string>& keys) {
  reply.array(keys.size());
  for (const std::string& key : keys) reply.bulk(key);
}

}  // namespace

Result<void> keys_command(Call& call) {
  constexpr std::size_t kStep = 1024;
  const std::string_view pattern = call[1];
  const bool all = pattern == "*";
  std::vector<std::string> found;
  Pending pending;
  std::uint64_t cursor = 0;
  do {
    cursor = scan_some(
        call, cursor, kStep,
        [&](std::string_view key, const ValueView&) {
          if (all || glob_match(pattern, key)) found.emplace_back(key);
        },
        pending);
  } while (cursor != 0);
  call.wait_for(pending);
  // A table that shrinks during the walk may show a key twice.
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  answer_keys(call.reply(), found);
  return {};
}

Result<void> scan_command(Call& call) {
  STAVE_ASSIGN(const KeyScanOptions options, parse_key_scan(call));
  std::vector<std::string> found;
  Pending pending;
  const std::uint64_t next = scan_some(
      call, options.cursor, options.count,
      [&](std::string_view key, const ValueView& value) {
        if (options.type && !same_word(*options.type, type_name(value))) return;
        if (options.pattern && !glob_match(*options.pattern, key)) return;
        found.emplace_back(key);
      },
      pending);
  call.wait_for(pending);
  call.reply().array(2);
  call.reply().bulk(std::to_string(next));
  answer_keys(call.reply(), found);
  return {};
}

}  // namespace stave::commands
