#include "commands/stream_read_commands.h"

#include <algorithm>
#include <utility>

#include "base/try.h"
#include "commands/arguments.h"
#include "commands/collection.h"
#include "commands/key_list.h"
#include "commands/notices/event_rules.h"
#include "commands/stream_arguments.h"
#include "commands/stream_group_reader.h"
#include "commands/stream_groups.h"
#include "commands/waiting/wait.h"
#include "types/string/number.h"

namespace stave::commands {

using store::Stream;
using types::stream::Entry;
using types::stream::Id;
using StreamReader = types::stream::Reader;

namespace {

using OpenedStream = store::Opened<Stream>;

/// Takes the option at argument `i`, which is for groups only, and moves `i` to its last argument. False: it is none.
Result<bool> take_group_option(Arguments call, bool for_group, std::size_t& i, ReadWish& wish) {
  const bool group = same_word(call[i], "GROUP") && i + 2 < call.size();
  const bool claim = same_word(call[i], "CLAIM") && i + 1 < call.size();
  if (!group && !claim && !same_word(call[i], "NOACK")) return false;
  if (!for_group)
    return answer_error("ERR The " +
                        std::string(group   ? "GROUP"
                                    : claim ? "CLAIM"
                                            : "NOACK") +
                        " option is only supported by XREADGROUP. You called XREAD instead.");
  if (group) {
    wish.group = i + 1;
    i += 2;
  } else if (claim) {
    const auto idle = types::parse_integer(call[++i]);
    if (!idle) return answer_error("ERR min-idle-time is not an integer");
    if (*idle < 0) return answer_error("ERR min-idle-time must be a positive integer");
    wish.claim_ms = *idle;
  } else {
    wish.no_ack = true;
  }
  return true;
}

/// An option of all streams together.
Result<std::uint64_t> cap_argument(std::string_view text, std::string_view what) {
  const auto number = types::parse_integer(text);
  if (!number || *number < 1) return answer_error("ERR " + std::string(what) + " must be a positive integer");
  return static_cast<std::uint64_t>(*number);
}

Result<ReadWish> parse_read(Arguments call, bool for_group) {
  ReadWish wish;
  for (std::size_t i = 1; i < call.size() && wish.first_key == 0; ++i) {
    const bool more = i + 1 < call.size();
    if (more && same_word(call[i], "BLOCK")) {
      STAVE_ASSIGN(wish.block_ns, timeout_in_ms(call[++i]));
    } else if (more && same_word(call[i], "COUNT")) {
      const auto count = types::parse_integer(call[++i]);
      if (!count) return not_an_integer();
      wish.count = static_cast<std::uint64_t>(std::max<std::int64_t>(*count, 0));
    } else if (more && same_word(call[i], "MAXCOUNT")) {
      STAVE_ASSIGN(wish.count_all, cap_argument(call[++i], "MAXCOUNT"));
    } else if (more && same_word(call[i], "MAXSIZE")) {
      STAVE_ASSIGN(wish.bytes_all, cap_argument(call[++i], "MAXSIZE"));
    } else if (more && same_word(call[i], "STREAMS")) {
      wish.first_key = i + 1;
      wish.keys = (call.size() - wish.first_key) / 2;
      if ((call.size() - wish.first_key) % 2 != 0)
        return answer_error("ERR Unbalanced '" + std::string(for_group ? "xreadgroup" : "xread") +
                            "' list of streams: for each stream key an " +
                            (for_group ? "ID or '>'" : "ID, '+', or '$'") + " must be specified.");
    } else {
      STAVE_ASSIGN(const bool taken, take_group_option(call, for_group, i, wish));
      if (!taken) return syntax_error();
    }
  }
  if (wish.first_key == 0) return syntax_error();
  if (wish.count_all != 0 && wish.count_all < wish.count)
    return answer_error("ERR MAXCOUNT must be greater than or equal to COUNT");
  if (for_group && wish.group == 0) return answer_error("ERR Missing GROUP option for XREADGROUP");
  return wish;
}

std::size_t parts_there(const std::vector<ReadPart>& parts) {
  return static_cast<std::size_t>(std::ranges::count(parts, true, &ReadPart::there));
}

void answer_parts(Sink& reply, Arguments call, const ReadWish& wish, const std::vector<ReadPart>& parts) {
  const std::size_t there = parts_there(parts);
  if (there == 0) {
    reply.null_array();
    return;
  }
  const bool map = reply.protocol() == 3;
  if (map) {
    reply.map(there);
  } else {
    reply.array(there);
  }
  for (std::size_t i = 0; i != parts.size(); ++i) {
    if (!parts[i].there) continue;
    if (!map) reply.array(2);
    reply.bulk(call[wish.first_key + i]);
    parts[i].entries.answer(reply);
  }
}

KeyList keys_of_read(int database, Arguments call, const ReadWish& wish) {
  return keys_between(database, call, wish.first_key, wish.first_key + wish.keys);
}

// --- XREAD -----------------------------------------------------------------------------------------------------------

/// Behind which id of a stream, which may be absent, argument `text` asks.
Result<Id> read_behind(std::string_view text, const StreamReader* stream) {
  if (text == "$") return stream != nullptr ? stream->counters().last_id : types::stream::kIdMin;
  if (text == ">")
    return answer_error(
        "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.");
  if (text != "+") return id_argument(text);
  const auto top = stream != nullptr ? stream->top_id() : std::nullopt;
  if (!top) return stream != nullptr ? stream->counters().last_id : types::stream::kIdMin;
  return types::stream::previous_id(*top).value_or(types::stream::kIdMin);
}

void read_one(const StreamReader& stream, const Id& behind, std::uint64_t count, ReadBudget& budget, ReadPart& part) {
  part.entries.clear();
  part.there = false;
  const auto top = stream.top_id();
  const auto from = types::stream::next_id(behind);
  if (!top || *top <= behind || !from || budget.spent()) return;
  stream.visit(*from, types::stream::kIdMax, [&](const Entry& entry) {
    if (!budget.take(entry)) return false;
    part.entries.add(entry);
    return part.entries.size() != count && !budget.spent();
  });
  part.there = part.entries.size() != 0;
}

Result<void> read_several(Call& call, const ReadWish& wish, std::vector<Id>& behind, std::vector<ReadPart>& parts) {
  const KeyList keys = keys_of_read(call.session().database(), call.arguments(), wish);
  Part part(call.session(), keys);
  const store::Access access = call.session().read_access();
  for (std::size_t i = 0; i != wish.keys; ++i) {
    STAVE_ASSIGN(const OpenedStream stream, store::open_collection<Stream>(part, keys[i], access));
    count_lookup(call, stream.existed());
    STAVE_ASSIGN(const Id id, read_behind(call[wish.id_at(i)], stream.existed() ? &stream.reader() : nullptr));
    STAVE_TRY(stream.whole());
    behind.push_back(id);
  }
  ReadBudget budget(wish);
  for (std::size_t i = 0; i != wish.keys; ++i) {
    STAVE_ASSIGN(const OpenedStream stream, store::open_collection<Stream>(part, keys[i], access));
    read_one(stream.reader(), behind[i], wish.count, budget, parts[i]);
    STAVE_TRY(stream.whole());
  }
  return call.commit(part);
}

/// A call that waits: its ids are such. What one of its keys has become meanwhile, if that is no stream, is of no
/// interest.
Result<bool> try_read(const Attempt& attempt, Sink& answer) {
  STAVE_ASSIGN(const ReadWish wish, parse_read(attempt.arguments, false));
  const KeyList keys = keys_of_read(attempt.database, attempt.arguments, wish);
  std::vector<ReadPart> parts(wish.keys);
  ReadBudget budget(wish);
  for (std::size_t i = 0; i != wish.keys; ++i) {
    if (!attempt.may_look(keys[i])) continue;
    const auto held = attempt.transaction.find(keys[i], store::as_root(attempt.access));
    if (!held || held->type != Stream::kType) continue;
    STAVE_ASSIGN(const OpenedStream stream, OpenedStream::open(attempt.transaction, &*held));
    STAVE_ASSIGN(const Id behind, id_argument(attempt.arguments[wish.id_at(i)]));
    read_one(stream.reader(), behind, wish.count, budget, parts[i]);
    STAVE_TRY(stream.whole());
  }
  if (parts_there(parts) == 0) return false;
  answer_parts(answer, attempt.arguments, wish, parts);
  return true;
}

/// Waits with the call whose ids are what they meant when it came: that is what `$` is about.
Result<void> wait_to_read(Call& call, const ReadWish& wish, const std::vector<Id>& behind) {
  std::vector<std::string> ids;
  for (const Id& id : behind) ids.emplace_back(types::stream::IdText(id).view());
  std::vector<std::string_view> arguments(call.arguments().begin(), call.arguments().end());
  for (std::size_t i = 0; i != wish.keys; ++i) arguments[wish.id_at(i)] = ids[i];
  Call meant(call.session(), arguments, call.reply());
  const KeyList keys = keys_of_read(call.session().database(), arguments, wish);
  return answer_or_wait(meant, keys, keys.size(),
                        {.attempt = try_read, .type = Stream::kType, .timeout_ns = *wish.block_ns});
}

}  // namespace

Result<void> xread_command(Call& call) {
  if (has_waited(call)) return come_back(call);
  STAVE_ASSIGN(const ReadWish wish, parse_read(call.arguments(), false));
  std::vector<ReadPart> parts(wish.keys);
  std::vector<Id> behind;
  if (wish.keys == 1) {
    STAVE_TRY(look_at<Stream>(call, wish.first_key, [&](const StreamReader* stream) -> Result<void> {
      STAVE_ASSIGN(const Id id, read_behind(call[wish.id_at(0)], stream));
      behind.assign(1, id);
      ReadBudget budget(wish);
      if (stream != nullptr) read_one(*stream, id, wish.count, budget, parts[0]);
      return {};
    }));
  } else {
    STAVE_TRY(read_several(call, wish, behind, parts));
  }
  if (wish.block_ns && parts_there(parts) == 0) return wait_to_read(call, wish, behind);
  answer_parts(call.reply(), call.arguments(), wish, parts);
  return {};
}

// --- XREADGROUP ------------------------------------------------------------------------------------------------------

namespace {

Result<GroupAsk> parse_ask(std::string_view text) {
  for (const std::string_view word : {"$", "+"})
    if (text == word)
      return answer_error("ERR The " + std::string(word) +
                          " ID is meaningless in the context of XREADGROUP: you want to read the history of this "
                          "consumer by specifying a proper ID, or use the > ID to get new messages. The " +
                          std::string(word) + " ID would just return an empty result set.");
  if (text == ">") return GroupAsk{.fresh = true, .behind = {}};
  STAVE_ASSIGN(const Id behind, id_argument(text));
  return GroupAsk{.fresh = behind == types::stream::kIdMax, .behind = behind};
}

/// A call that waits, all of it for what is new. Its consumer is known, and was seen when it came.
Result<bool> try_read_group(const Attempt& attempt, Sink& answer) {
  STAVE_ASSIGN(const ReadWish wish, parse_read(attempt.arguments, true));
  const std::string_view name = attempt.arguments[wish.group];
  const KeyList keys = keys_of_read(attempt.database, attempt.arguments, wish);
  const std::int64_t now_ms = raw(attempt.environment.engine().time().to_wall(attempt.transaction.now()));
  std::vector<ReadPart> parts(wish.keys);
  ReadBudget budget(wish);
  for (std::size_t i = 0; i != wish.keys; ++i) {
    if (!attempt.may_look(keys[i])) continue;
    STAVE_ASSIGN(OpenedStream stream, store::open_collection<Stream>(attempt.transaction, keys[i]));
    const auto group = stream.existed() ? stream.reader().group(name) : std::nullopt;
    STAVE_TRY(stream.whole());
    if (!group) return no_group(keys[i].key, name, " in XREADGROUP with GROUP option");
    const auto top = stream.reader().top_id();
    const bool fresh = top && *top > group->last_delivered;
    if (!fresh && !(wish.claim_ms && idle_at(stream.reader(), *group, *wish.claim_ms).value_or(now_ms + 1) <= now_ms))
      continue;
    GroupReader reader(stream, name, attempt.arguments[wish.group + 1], now_ms);
    reader.read(GroupAsk{.fresh = true, .behind = {}}, wish, budget, parts[i]);
    STAVE_TRY(store::keep_collection(attempt.transaction, keys[i], stream));
  }
  if (parts_there(parts) == 0) return false;
  answer_parts(answer, attempt.arguments, wish, parts);
  return true;
}

/// From now until a moment of the wall clock: never 0.
std::uint64_t ns_until(Call& call, std::int64_t wall) {
  constexpr std::int64_t kMostMs = std::int64_t{1} << 40;
  constexpr std::uint64_t kNsPerMs = 1'000'000;
  const std::int64_t now = wall_ms(call);
  const std::int64_t ms = wall <= now ? 1 : wall - now > kMostMs ? kMostMs : wall - now;
  return static_cast<std::uint64_t>(std::max<std::int64_t>(ms, 1)) * kNsPerMs;
}

/// The call once: what is there now. `idle`: when the first of what is pending can be taken over.
Result<void> read_group(Call& call, const ReadWish& wish, const KeyList& keys, std::vector<ReadPart>& parts,
                        std::optional<std::int64_t>& idle) {
  const std::string_view group = call[wish.group];
  const std::string_view consumer = call[wish.group + 1];
  std::vector<GroupAsk> asks;
  Part part(call.session(), keys);
  for (std::size_t i = 0; i != wish.keys; ++i) {
    STAVE_ASSIGN(const OpenedStream stream, store::open_collection<Stream>(part, keys[i]));
    count_lookup(call, stream.existed());
    const bool known = stream.existed() && stream.reader().group(group).has_value();
    STAVE_TRY(stream.whole());
    if (!known) return no_group(keys[i].key, group, " in XREADGROUP with GROUP option");
    STAVE_ASSIGN(const GroupAsk ask, parse_ask(call[wish.id_at(i)]));
    asks.push_back(ask);
  }
  ReadBudget budget(wish);
  for (std::size_t i = 0; i != wish.keys; ++i) {
    STAVE_ASSIGN(OpenedStream stream, store::open_collection<Stream>(part, keys[i]));
    GroupReader reader(stream, group, consumer, wall_ms(call));
    reader.read(asks[i], wish, budget, parts[i]);
    if (reader.met_consumer()) call.session().remarks = kNewConsumer;
    if (wish.block_ns && wish.claim_ms)
      if (const auto known = stream.reader().group(group))
        if (const auto at = idle_at(stream.reader(), *known, *wish.claim_ms)) idle = std::min(idle.value_or(*at), *at);
    STAVE_TRY(store::keep_collection(part, keys[i], stream));
  }
  return call.commit(part);
}

}  // namespace

Result<void> xreadgroup_command(Call& call) {
  // When what others have pending will have been so for long enough, nobody says: the call is tried again then.
  std::optional<std::uint64_t> left_ns;
  for (;;) {
    if (has_waited(call)) {
      left_ns = time_to_try_again(call);
      if (!left_ns) return come_back(call);
    }
    STAVE_ASSIGN(ReadWish wish, parse_read(call.arguments(), true));
    if (wish.block_ns && left_ns) wish.block_ns = *left_ns;
    std::vector<ReadPart> parts(wish.keys);
    const KeyList keys = keys_of_read(call.session().database(), call.arguments(), wish);
    std::optional<std::int64_t> idle;
    STAVE_TRY(read_group(call, wish, keys, parts, idle));
    const bool over = left_ns == std::uint64_t{1};
    if (!wish.block_ns || over || parts_there(parts) != 0) {
      answer_parts(call.reply(), call.arguments(), wish, parts);
      return {};
    }
    WaitTerms terms{
        .attempt = try_read_group, .type = Stream::kType, .whatever_it_holds = true, .timeout_ns = *wish.block_ns};
    if (idle) terms.again_ns = ns_until(call, *idle);
    STAVE_TRY(answer_or_wait(call, keys, keys.size(), terms));
    if (!has_waited(call) || call.session().may_leave) return {};
  }
}

}  // namespace stave::commands
