#include "commands/stream_group_commands.h"

#include <map>
#include <utility>

#include "base/try.h"
#include "commands/arguments.h"
#include "commands/collection.h"
#include "commands/one_collection.h"
#include "commands/stream_arguments.h"
#include "commands/stream_groups.h"

namespace stave::commands {

using store::Stream;
using types::stream::Consumer;
using types::stream::Group;
using types::stream::Id;
using PendingEntry = types::stream::Pending;
using StreamReader = types::stream::Reader;

namespace {

using OpenedStream = store::Opened<Stream>;

std::unexpected<Error> key_required() {
  return answer_error(
      "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM "
      "option to create an empty stream automatically.");
}

/// The group of an XGROUP call, which must be there.
Result<Group> group_to_change(const Call& call, const OpenedStream& stream) {
  if (!stream.existed()) return key_required();
  const auto group = stream.reader().group(call[3]);
  STAVE_TRY(stream.whole());
  return group ? Result<Group>(*group) : no_group_of_key(call[2], call[3]);
}

struct GroupOptions {
  bool create = false;
  std::optional<std::uint64_t> entries_read;
};

/// The options from argument 5 on.
Result<GroupOptions> parse_group_options(const Call& call, bool creates) {
  GroupOptions options;
  for (std::size_t i = 5; i < call.size(); ++i) {
    if (creates && call.is(i, "MKSTREAM")) {
      options.create = true;
    } else if (call.is(i, "ENTRIESREAD") && i + 1 < call.size()) {
      STAVE_ASSIGN(const std::int64_t read, integer_argument(call, ++i));
      if (read < -1) return answer_error("ERR value for ENTRIESREAD must be positive or -1");
      options.entries_read.reset();
      if (read >= 0) options.entries_read = static_cast<std::uint64_t>(read);
    } else {
      return subcommand_syntax_error("XGROUP", call[1]);
    }
  }
  // No option more than once.
  if (call.size() > (creates ? 8u : 7u)) return subcommand_syntax_error("XGROUP", call[1]);
  return options;
}

Result<Id> last_delivered_argument(const Call& call, const StreamReader& stream, bool strict) {
  if (call[4] == "$") return stream.counters().last_id;
  return id_argument(call[4], 0, strict);
}

}  // namespace

Result<void> xgroup_create_command(Call& call) {
  STAVE_ASSIGN(const GroupOptions options, parse_group_options(call, true));
  const auto change = [&](OpenedStream& stream) -> Result<void> {
    if (!stream.existed() && !options.create) return key_required();
    STAVE_ASSIGN(const Id last, last_delivered_argument(call, stream.reader(), true));
    if (stream.reader().group(call[3])) return answer_error("BUSYGROUP Consumer Group name already exists");
    STAVE_TRY(stream.whole());
    stream.editor().add_group(call[3], last, options.entries_read);
    return {};
  };
  STAVE_TRY(change_one<Stream>(call, 2, change));
  call.reply().status("OK");
  return {};
}

Result<void> xgroup_setid_command(Call& call) {
  STAVE_ASSIGN(const GroupOptions options, parse_group_options(call, false));
  if (call.size() == 6) return subcommand_syntax_error("XGROUP", call[1]);
  const auto change = [&](OpenedStream& stream) -> Result<void> {
    STAVE_ASSIGN(Group group, group_to_change(call, stream));
    STAVE_ASSIGN(group.last_delivered, last_delivered_argument(call, stream.reader(), false));
    group.entries_read = options.entries_read;
    stream.editor().set_group(call[3], group);
    return {};
  };
  STAVE_TRY(change_one<Stream>(call, 2, change));
  call.reply().status("OK");
  return {};
}

Result<void> xgroup_destroy_command(Call& call) {
  bool removed = false;
  const auto change = [&](OpenedStream& stream) -> Result<void> {
    if (!stream.existed()) return key_required();
    const auto group = stream.reader().group(call[3]);
    removed = group.has_value();
    if (group) stream.editor().remove_group(call[3], *group);
    return {};
  };
  STAVE_TRY(change_one<Stream>(call, 2, change));
  call.reply().integer(removed ? 1 : 0);
  return {};
}

Result<void> xgroup_createconsumer_command(Call& call) {
  bool created = false;
  const auto change = [&](OpenedStream& stream) -> Result<void> {
    STAVE_ASSIGN(const Group group, group_to_change(call, stream));
    created = !stream.reader().consumer(group.number, call[4]);
    if (created) stream.editor().add_consumer(group.number, call[4], wall_ms(call));
    return {};
  };
  STAVE_TRY(change_one<Stream>(call, 2, change));
  call.reply().integer(created ? 1 : 0);
  return {};
}

Result<void> xgroup_delconsumer_command(Call& call) {
  std::uint64_t pending = 0;
  const auto change = [&](OpenedStream& stream) -> Result<void> {
    STAVE_ASSIGN(const Group group, group_to_change(call, stream));
    const auto consumer = stream.reader().consumer(group.number, call[4]);
    pending = consumer ? stream.reader().pending(group.number, consumer->number) : 0;
    if (consumer) stream.editor().remove_consumer(group.number, call[4], consumer->number);
    return {};
  };
  STAVE_TRY(change_one<Stream>(call, 2, change));
  call.reply().integer(static_cast<std::int64_t>(pending));
  return {};
}

Result<void> xack_command(Call& call) {
  std::int64_t acknowledged = 0;
  const auto change = [&](OpenedStream& stream) -> Result<void> {
    acknowledged = 0;
    const auto group = stream.existed() ? stream.reader().group(call[2]) : std::nullopt;
    if (!group) return {};
    std::vector<Id> ids;
    for (std::size_t i = 3; i < call.size(); ++i) {
      STAVE_ASSIGN(const Id id, id_argument(call[i]));
      ids.push_back(id);
    }
    for (const Id& id : ids) {
      const auto pending = stream.reader().pending(group->number, id);
      if (!pending) continue;
      stream.editor().remove_pending(group->number, id, *pending);
      ++acknowledged;
    }
    return {};
  };
  STAVE_TRY(change_one<Stream>(call, 1, change));
  call.reply().integer(acknowledged);
  return {};
}

// --- XPENDING --------------------------------------------------------------------------------------------------------

namespace {

struct PendingWish {
  Id from;
  Id to;
  std::uint64_t count = 0;
  std::int64_t idle_ms = 0;
  std::size_t consumer = 0;  ///< The argument with its name; 0: all.
};

Result<PendingWish> parse_pending(const Call& call) {
  if (call.size() < 6 || call.size() > 9) return syntax_error();
  PendingWish wish;
  std::size_t at = 3;
  if (call.is(3, "IDLE")) {
    STAVE_ASSIGN(wish.idle_ms, integer_argument(call, 4));
    if (call.size() < 8) return syntax_error();
    at += 2;
  }
  STAVE_ASSIGN(const std::int64_t count, integer_argument(call, at + 2));
  wish.count = static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0));
  STAVE_ASSIGN(wish.from, range_start(call[at]));
  STAVE_ASSIGN(wish.to, range_end(call[at + 1]));
  if (at + 3 < call.size()) wish.consumer = at + 3;
  return wish;
}

struct FoundPending {
  Id id;
  PendingEntry pending;
  std::string consumer;
};

/// The entries that are wished for, with their consumers' names.
std::vector<FoundPending> find_pending(const StreamReader& stream, const Group& group, const PendingWish& wish,
                                       std::string_view consumer_name, std::int64_t now_ms) {
  std::vector<FoundPending> found;
  const auto take = [&](const Id& id, const PendingEntry& pending) {
    if (wish.idle_ms == 0 || now_ms - pending.delivered_ms >= wish.idle_ms)
      found.push_back({.id = id, .pending = pending, .consumer = {}});
    return found.size() != wish.count;
  };
  if (wish.count == 0) return found;
  if (wish.consumer != 0) {
    const auto consumer = stream.consumer(group.number, consumer_name);
    if (!consumer) return found;
    stream.visit_pending(group.number, consumer->number, wish.from, [&](const Id& id) {
      if (id > wish.to) return false;
      const auto pending = stream.pending(group.number, id);
      return pending && take(id, *pending);
    });
  } else {
    stream.visit_pending(group.number, wish.from,
                         [&](const Id& id, const PendingEntry& pending) { return id <= wish.to && take(id, pending); });
  }
  std::map<types::stream::Number, std::string> names;
  for (FoundPending& one : found) {
    const auto [known, added] = names.try_emplace(one.pending.consumer);
    if (added) known->second = stream.consumer_name(group.number, one.pending.consumer);
    one.consumer = known->second;
  }
  return found;
}

Result<void> answer_pending(Call& call, const PendingWish& wish) {
  const std::int64_t now_ms = wall_ms(call);
  std::vector<FoundPending> found;
  STAVE_TRY(look_at_one<Stream>(call, 1, [&](const StreamReader* stream) -> Result<void> {
    const auto group = stream != nullptr ? stream->group(call[2]) : std::nullopt;
    if (!group) return no_group(call[1], call[2]);
    found = find_pending(*stream, *group, wish, wish.consumer == 0 ? std::string_view() : call[wish.consumer], now_ms);
    return {};
  }));
  Sink& reply = call.reply();
  reply.array(found.size());
  for (const FoundPending& one : found) {
    reply.array(4);
    answer_id(reply, one.id);
    reply.bulk(one.consumer);
    const bool released = one.pending.delivered_ms == 0 && one.consumer == kNobody;
    reply.integer(released ? -1 : std::max<std::int64_t>(now_ms - one.pending.delivered_ms, 0));
    reply.integer(static_cast<std::int64_t>(one.pending.deliveries));
  }
  return {};
}

Result<void> answer_pending_summary(Call& call) {
  std::uint64_t count = 0;
  std::optional<std::pair<Id, Id>> ends;
  std::vector<std::pair<std::string, std::uint64_t>> consumers;
  STAVE_TRY(look_at_one<Stream>(call, 1, [&](const StreamReader* stream) -> Result<void> {
    consumers.clear();
    const auto group = stream != nullptr ? stream->group(call[2]) : std::nullopt;
    if (!group) return no_group(call[1], call[2]);
    count = stream->pending(group->number);
    ends = stream->pending_ends(group->number);
    visit_consumers_of(*stream, group->number, [&](std::string_view name, const Consumer& consumer) {
      const std::uint64_t pending = stream->pending(group->number, consumer.number);
      if (pending != 0) consumers.emplace_back(name, pending);
      return true;
    });
    return {};
  }));
  Sink& reply = call.reply();
  reply.array(4);
  reply.integer(static_cast<std::int64_t>(count));
  if (!ends) {
    reply.null();
    reply.null();
    reply.null_array();
    return {};
  }
  answer_id(reply, ends->first);
  answer_id(reply, ends->second);
  reply.array(consumers.size());
  for (const auto& [name, pending] : consumers) {
    reply.array(2);
    reply.bulk(name);
    reply.bulk(std::to_string(pending));
  }
  return {};
}

}  // namespace

Result<void> xpending_command(Call& call) {
  if (call.size() == 3) return answer_pending_summary(call);
  STAVE_ASSIGN(const PendingWish wish, parse_pending(call));
  return answer_pending(call, wish);
}

}  // namespace stave::commands
