#include "commands/hash_scan_commands.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/assert.h"
#include "base/random.h"
#include "base/try.h"
#include "commands/arguments.h"
#include "commands/collection.h"
#include "commands/glob.h"

namespace stave::commands {

using store::Hash;
using types::hash::Field;
using HashReader = types::hash::Reader;

namespace {

// --- HSCAN -----------------------------------------------------------------------------------------------------------

constexpr std::size_t kFieldsScannedDefault = 10;
// One call must stay a short one, whatever was asked for.
constexpr std::size_t kFieldsScannedMax = 100'000;

struct HashScanOptions {
  std::size_t count = kFieldsScannedDefault;
  std::optional<std::string_view> pattern;
  bool values = true;
};

Result<HashScanOptions> parse_scan(const Call& call) {
  HashScanOptions options;
  for (std::size_t i = 3; i < call.size(); ++i) {
    const bool has_value = i + 1 < call.size();
    if (has_value && call.is(i, "COUNT")) {
      STAVE_ASSIGN(const std::int64_t count, integer_argument(call, ++i));
      if (count < 1) return syntax_error();
      options.count = static_cast<std::size_t>(std::min<std::int64_t>(count, kFieldsScannedMax));
    } else if (has_value && call.is(i, "MATCH")) {
      options.pattern = call[++i];
    } else if (call.is(i, "NOVALUES")) {
      options.values = false;
    } else {
      return syntax_error();
    }
  }
  return options;
}

Result<std::uint64_t> cursor_argument(const Call& call, std::size_t i) {
  const std::string_view text = call[i];
  std::uint64_t cursor = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cursor);
  if (error != std::errc{} || end != text.data() + text.size()) return answer_error("ERR invalid cursor");
  return cursor;
}

// --- HRANDFIELD ------------------------------------------------------------------------------------------------------

// A client can ask for the same few fields as often as it likes, and the answer would be made in one go.
constexpr std::uint64_t kRepeatsMax = 1 << 20;
// So many fields are rather copied once than looked for one by one.
constexpr std::uint64_t kCopiedMax = 1024;

struct RandomOptions {
  std::uint64_t count = 0;
  bool repeat = false;  ///< The same field may come again.
  bool values = false;
};

Result<RandomOptions> parse_random(const Call& call) {
  STAVE_ASSIGN(const std::int64_t count, integer_argument(call, 2));
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  if (count < -kMost)
    return answer_error("ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807");
  if (call.size() > 4 || (call.size() == 4 && !call.is(3, "WITHVALUES"))) return syntax_error();
  const RandomOptions options{
      .count = static_cast<std::uint64_t>(count < 0 ? -count : count), .repeat = count < 0, .values = call.size() == 4};
  if (options.values && options.count > kMost / 2) return answer_error("ERR value is out of range");
  return options;
}

/// Announces and answers with fields, in the shape that WITHVALUES has in the session's protocol.
class FieldAnswer {
 public:
  FieldAnswer(Sink& reply, bool values, std::uint64_t count) : reply_(reply), values_(values) {
    reply.array(values && reply.protocol() < 3 ? 2 * count : count);
  }
  void add(const Field& field) {
    if (values_ && reply_.protocol() >= 3) reply_.array(2);
    reply_.bulk(field.name);
    if (values_) reply_.bulk(field.value);
  }

 private:
  Sink& reply_;
  const bool values_;
};

void answer_repeated(const HashReader& hash, std::uint64_t count, FieldAnswer& answer) {
  if (count <= 8 || hash.size() > kCopiedMax) {
    const auto add = [&](const Field& field) {
      answer.add(field);
      return true;
    };
    for (; count != 0; --count) hash.visit_random(base::thread_random(), add);
    return;
  }
  std::vector<std::pair<std::string, std::string>> fields;
  fields.reserve(hash.size());
  hash.visit([&](const Field& field) {
    fields.emplace_back(field.name, field.value);
    return true;
  });
  for (; count != 0; --count) {
    const auto& [name, value] = fields[base::thread_random() % fields.size()];
    answer.add({.name = name, .value = value});
  }
}

/// `count` different fields, fewer than there are. Few of many are drawn until they differ; else each field is taken
/// with the chance that as many of those left be taken as are missing.
void answer_different(const HashReader& hash, std::uint64_t count, FieldAnswer& answer) {
  STAVE_ASSERT(count < hash.size());
  if (hash.size() > kCopiedMax && count < hash.size() / 4) {
    std::unordered_set<std::string> drawn;
    const auto add = [&](const Field& field) {
      if (drawn.emplace(field.name).second) answer.add(field);
      return true;
    };
    while (drawn.size() < count) hash.visit_random(base::thread_random(), add);
    return;
  }
  base::Random random(base::thread_random());
  std::uint64_t left = hash.size();
  hash.visit([&](const Field& field) {
    if (random.below(left--) < count) {
      answer.add(field);
      --count;
    }
    return count != 0;
  });
  STAVE_ASSERT(count == 0);
}

Result<void> answer_random_field(Call& call) {
  std::optional<std::string> name;
  const auto show = [&](const HashReader* hash) -> Result<void> {
    if (hash == nullptr) return {};
    hash->visit_random(base::thread_random(), [&](const Field& field) {
      name.emplace(field.name);
      return true;
    });
    return {};
  };
  STAVE_TRY(look_at<Hash>(call, 1, show));
  if (name) {
    call.reply().bulk(*name);
  } else {
    call.reply().null();
  }
  return {};
}

}  // namespace

Result<void> hscan_command(Call& call) {
  STAVE_ASSIGN(const std::uint64_t cursor, cursor_argument(call, 2));
  std::vector<std::string> found;
  std::uint64_t next = 0;
  const auto look = [&](const HashReader* hash) -> Result<void> {
    // Of a key that is not there the options are not even looked at.
    if (hash == nullptr) return {};
    STAVE_ASSIGN(const HashScanOptions options, parse_scan(call));
    next = hash->scan(cursor, options.count, [&](const Field& field) {
      if (options.pattern && !glob_match(*options.pattern, field.name)) return true;
      found.emplace_back(field.name);
      if (options.values) found.emplace_back(field.value);
      return true;
    });
    return {};
  };
  STAVE_TRY(look_at<Hash>(call, 1, look));
  Sink& reply = call.reply();
  reply.array(2);
  reply.bulk(std::to_string(next));
  reply.array(found.size());
  for (const std::string& text : found) reply.bulk(text);
  return {};
}

Result<void> hrandfield_command(Call& call) {
  if (call.size() == 2) return answer_random_field(call);
  STAVE_ASSIGN(const RandomOptions options, parse_random(call));
  Copied<Hash> copied;
  STAVE_TRY(copy_out(call, 1, copied));
  const HashReader& hash = copied.or_empty();
  if (hash.size() == 0 || options.count == 0) {
    call.reply().array(0);
    return {};
  }
  if (options.repeat) {
    if (options.count > kRepeatsMax) return answer_error("ERR value is out of range");
    FieldAnswer answer(call.reply(), options.values, options.count);
    answer_repeated(hash, options.count, answer);
    return {};
  }
  FieldAnswer answer(call.reply(), options.values, std::min(options.count, hash.size()));
  if (options.count < hash.size()) {
    answer_different(hash, options.count, answer);
    return {};
  }
  hash.visit([&](const Field& field) {
    answer.add(field);
    return true;
  });
  return {};
}

}  // namespace stave::commands
