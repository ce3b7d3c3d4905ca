#include "commands/set_commands.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/random.h"
#include "base/try.h"
#include "commands/arguments.h"
#include "commands/collection.h"
#include "commands/glob.h"
#include "commands/one_collection.h"

namespace stave::commands {

using store::Set;
using SetReader = types::set::Reader;

namespace {

using Members = std::vector<std::string>;
using OpenedSet = store::Opened<Set>;

/// A visit that keeps what it is shown.
auto gather_in(Members& members) {
  return [&members](std::string_view member) {
    members.emplace_back(member);
    return true;
  };
}

void answer_set(Sink& reply, const Members& members) {
  reply.set(members.size());
  for (const std::string& member : members) reply.bulk(member);
}
void answer_array(Sink& reply, const Members& members) {
  reply.array(members.size());
  for (const std::string& member : members) reply.bulk(member);
}
void answer_bulk_or_null(Sink& reply, const std::optional<std::string>& member) {
  if (member) {
    reply.bulk(*member);
  } else {
    reply.null();
  }
}

}  // namespace

Result<void> sadd_command(Call& call) {
  std::int64_t added = 0;
  const auto change = [&](OpenedSet& opened) -> Result<void> {
    added = 0;
    for (std::size_t i = 2; i < call.size(); ++i) added += opened.growing_editor().add(call[i]) ? 1 : 0;
    return {};
  };
  STAVE_TRY(change_one<Set>(call, 1, change));
  call.reply().integer(added);
  return {};
}

Result<void> srem_command(Call& call) {
  std::int64_t removed = 0;
  const auto change = [&](OpenedSet& opened) -> Result<void> {
    removed = 0;
    for (std::size_t i = 2; i < call.size() && opened.reader().size() != 0; ++i)
      removed += opened.editor().remove(call[i]) ? 1 : 0;
    return {};
  };
  STAVE_TRY(change_one<Set>(call, 1, change));
  call.reply().integer(removed);
  return {};
}

Result<void> scard_command(Call& call) {
  std::uint64_t size = 0;
  STAVE_TRY(look_at_one<Set>(call, 1, [&](const SetReader* set) -> Result<void> {
    if (set != nullptr) size = set->size();
    return {};
  }));
  call.reply().integer(static_cast<std::int64_t>(size));
  return {};
}

Result<void> sismember_command(Call& call) {
  bool there = false;
  STAVE_TRY(look_at_one<Set>(call, 1, [&](const SetReader* set) -> Result<void> {
    there = set != nullptr && set->contains(call[2]);
    return {};
  }));
  call.reply().integer(there ? 1 : 0);
  return {};
}

Result<void> smismember_command(Call& call) {
  const std::size_t count = call.size() - 2;
  std::vector<bool> there(count);
  STAVE_TRY(look_at_one<Set>(call, 1, [&](const SetReader* set) -> Result<void> {
    for (std::size_t i = 0; set != nullptr && i < count; ++i) there[i] = set->contains(call[2 + i]);
    return {};
  }));
  call.reply().array(count);
  for (const bool one : there) call.reply().integer(one ? 1 : 0);
  return {};
}

Result<void> smembers_command(Call& call) {
  Copied<Set> copied;
  STAVE_TRY(copy_out(call, 1, copied));
  const SetReader& set = copied.or_empty();
  call.reply().set(set.size());
  set.visit([&](std::string_view member) {
    call.reply().bulk(member);
    return true;
  });
  return {};
}

// --- between two sets ------------------------------------------------------------------------------------------------

namespace {

/// Moves `member`, and says whether it was there.
Result<bool> move_member(Part& part, store::KeyRef from, store::KeyRef to, std::string_view member) {
  const auto source = part.find(from);
  if (!source) return false;
  if (source->type != store::ValueType::kSet) return wrong_type();
  const auto target = part.find(to);
  if (target && target->type != store::ValueType::kSet) return wrong_type();
  STAVE_ASSIGN(OpenedSet losing, store::open_collection<Set>(part, from));
  if (from.key == to.key) return losing.reader().contains(member);
  if (!losing.editor().remove(member)) return false;
  STAVE_ASSIGN(OpenedSet gaining, store::open_collection<Set>(part, to));
  gaining.editor().add(member);
  // Both are made before either is kept: a change of the transaction ends the views of what it holds.
  STAVE_ASSERT(losing.changed());
  part.excuse();  // one gives what the other takes
  STAVE_TRY(store::keep_collection<Set>(part, to, gaining));
  STAVE_TRY(store::keep_collection<Set>(part, from, losing));
  return true;
}

}  // namespace

Result<void> smove_command(Call& call) {
  const std::array<store::KeyRef, 2> keys = {call.key(1), call.key(2)};
  Part part(call.session(), keys);
  STAVE_ASSIGN(const bool moved, move_member(part, keys[0], keys[1], call[3]));
  STAVE_TRY(call.commit(part));
  call.reply().integer(moved ? 1 : 0);
  return {};
}

// --- at random -------------------------------------------------------------------------------------------------------

namespace {

Result<void> spop_one(Call& call) {
  std::optional<std::string> taken;
  base::Random random(base::thread_random());
  const auto change = [&](OpenedSet& opened) -> Result<void> {
    taken.reset();
    opened.editor().take_sample(1, random, [&](std::string_view member) {
      taken.emplace(member);
      return true;
    });
    return {};
  };
  STAVE_TRY(change_one<Set>(call, 1, change));
  answer_bulk_or_null(call.reply(), taken);
  return {};
}

Result<void> srandmember_one(Call& call) {
  std::optional<std::string> shown;
  STAVE_TRY(look_at_one<Set>(call, 1, [&](const SetReader* set) -> Result<void> {
    if (set == nullptr) return {};
    set->visit_random(base::thread_random(), [&](std::string_view member) {
      shown.emplace(member);
      return true;
    });
    return {};
  }));
  answer_bulk_or_null(call.reply(), shown);
  return {};
}

// As many as somebody may want, and few enough for one answer.
constexpr std::uint64_t kMemberDrawsMax = 1u << 20;

/// `count` members, each time any of them. Where that costs no more than the answer does, they are set out before.
void answer_draws(Sink& reply, const SetReader& set, std::uint64_t count, base::Random& random) {
  reply.array(count);
  if (count < set.size()) {
    for (; count != 0; --count) {
      set.visit_random(random.next(), [&](std::string_view member) {
        reply.bulk(member);
        return true;
      });
    }
    return;
  }
  Members members;
  set.visit(gather_in(members));
  for (; count != 0; --count) reply.bulk(members[random.below(members.size())]);
}

}  // namespace

Result<void> spop_command(Call& call) {
  if (call.size() == 2) return spop_one(call);
  if (call.size() > 3) return syntax_error();
  const auto count = types::parse_integer(call[2]);
  if (!count || *count < 0) return answer_error("ERR value is out of range, must be positive");
  Members taken;
  base::Random random(base::thread_random());
  const auto change = [&](OpenedSet& opened) -> Result<void> {
    taken.clear();
    opened.editor().take_sample(static_cast<std::uint64_t>(*count), random, gather_in(taken));
    return {};
  };
  STAVE_TRY(change_one<Set>(call, 1, change));
  answer_set(call.reply(), taken);
  return {};
}

Result<void> srandmember_command(Call& call) {
  if (call.size() == 2) return srandmember_one(call);
  if (call.size() > 3) return syntax_error();
  STAVE_ASSIGN(const std::int64_t count, integer_argument(call, 2));
  if (count == std::numeric_limits<std::int64_t>::min())
    return answer_error("ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807");
  if (count < -static_cast<std::int64_t>(kMemberDrawsMax)) return answer_error("ERR value is out of range");
  base::Random random(base::thread_random());
  if (count >= 0) {
    Members shown;
    const auto look = [&](const SetReader* set) -> Result<void> {
      if (set != nullptr) set->visit_sample(static_cast<std::uint64_t>(count), random, gather_in(shown));
      return {};
    };
    STAVE_TRY(look_at_one<Set>(call, 1, look));
    answer_array(call.reply(), shown);
    return {};
  }
  Copied<Set> copied;
  STAVE_TRY(copy_out(call, 1, copied));
  const SetReader& set = copied.or_empty();
  if (set.size() == 0) {
    answer_array(call.reply(), {});
  } else {
    answer_draws(call.reply(), set, static_cast<std::uint64_t>(-count), random);
  }
  return {};
}

// --- in steps --------------------------------------------------------------------------------------------------------

namespace {

struct SetScanOptions {
  std::size_t count = 10;
  std::optional<std::string_view> pattern;
};
// One call must stay a short one, whatever was asked for.
constexpr std::int64_t kMembersScannedMax = 100'000;

Result<SetScanOptions> scan_options(const Call& call) {
  SetScanOptions options;
  for (std::size_t i = 3; i < call.size(); i += 2) {
    const bool has_value = i + 1 < call.size();
    if (has_value && call.is(i, "COUNT")) {
      STAVE_ASSIGN(const std::int64_t count, integer_argument(call, i + 1));
      if (count < 1) return syntax_error();
      options.count = static_cast<std::size_t>(std::min(count, kMembersScannedMax));
    } else if (has_value && call.is(i, "MATCH")) {
      options.pattern = call[i + 1];
    } else {
      return syntax_error();
    }
  }
  if (options.pattern == "*") options.pattern.reset();
  return options;
}

}  // namespace

Result<void> sscan_command(Call& call) {
  std::uint64_t cursor = 0;
  const std::string_view text = call[2];
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cursor);
  if (error != std::errc{} || end != text.data() + text.size()) return answer_error("ERR invalid cursor");
  Members found;
  SetScanOptions options;
  STAVE_TRY(look_at_one<Set>(call, 1, [&](const SetReader* set) -> Result<void> {
    if (set == nullptr) {
      // Nobody looks at the options.
      cursor = 0;
      return {};
    }
    STAVE_ASSIGN(options, scan_options(call));
    cursor = set->scan(cursor, options.count, gather_in(found));
    return {};
  }));
  if (options.pattern)
    std::erase_if(found, [&](const std::string& member) { return !glob_match(*options.pattern, member); });
  call.reply().array(2);
  call.reply().bulk(std::to_string(cursor));
  answer_array(call.reply(), found);
  return {};
}

}  // namespace stave::commands
