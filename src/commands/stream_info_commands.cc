#include "commands/stream_info_commands.h"

#include <utility>

#include "base/try.h"
#include "commands/answer_tape.h"
#include "commands/arguments.h"
#include "commands/collection.h"
#include "commands/stream_arguments.h"
#include "commands/stream_groups.h"
#include "commands/stream_idempotence.h"

namespace stave::commands {

using store::Stream;
using types::stream::Consumer;
using types::stream::Entry;
using types::stream::Group;
using types::stream::Id;
using PendingEntry = types::stream::Pending;
using StreamReader = types::stream::Reader;

namespace {

/// Lets `show` write an answer about the stream of argument 2, and gives it to the client when it is known to be whole.
template <class Show>
Result<void> answer_about(Call& call, Show show) {
  constexpr std::uint64_t kBytesMax = std::uint64_t{1} << 30;
  AnswerTape tape(nullptr, kBytesMax, call.reply().protocol());
  STAVE_TRY(look_at<Stream>(call, 2, [&](const StreamReader* stream) -> Result<void> {
    tape.rewind();
    tape.begin_answer();
    if (stream == nullptr) return no_such_key();
    return show(*stream, tape);
  }));
  if (tape.full()) return fail(ErrorCode::kNoMemory, "there is no memory for an answer of that size");
  tape.play(0, call.reply());
  return {};
}

void answer_number(Sink& reply, std::uint64_t number) {
  reply.integer(static_cast<std::int64_t>(number));
}

template <class Number>
void answer_optional(Sink& reply, const std::optional<Number>& number) {
  if (number) {
    reply.integer(static_cast<std::int64_t>(*number));
  } else {
    reply.null();
  }
}

void answer_named_number(Sink& reply, std::string_view name, std::uint64_t number) {
  reply.bulk(name);
  answer_number(reply, number);
}

void answer_named_id(Sink& reply, std::string_view name, const Id& id) {
  reply.bulk(name);
  answer_id(reply, id);
}

/// How far a group is.
void answer_progress(Sink& reply, const StreamReader& stream, const Group& group) {
  answer_named_id(reply, "last-delivered-id", group.last_delivered);
  reply.bulk("entries-read");
  answer_optional(reply, group.entries_read);
  reply.bulk("lag");
  answer_optional(reply, lag_of(stream, group));
}

void answer_one_entry(Sink& reply, std::string_view name, const StreamReader& stream, bool last) {
  TakenEntries entry;
  const auto take = [&](const Entry& one) { return entry.add(one), false; };
  if (last) {
    stream.visit_backwards(types::stream::kIdMin, types::stream::kIdMax, take);
  } else {
    stream.visit(types::stream::kIdMin, types::stream::kIdMax, take);
  }
  reply.bulk(name);
  if (entry.size() != 0) {
    entry.answer(reply, 0);
  } else {
    reply.null();
  }
}

/// What is known of what producers sent: six pairs, if there is anything.
void answer_idempotence(Sink& reply, const StreamReader& stream, const types::stream::Idempotence& how,
                        std::int64_t now_ms) {
  const Tracked all = tracked(stream, how, now_ms);
  answer_named_number(reply, "idmp-duration", how.seconds);
  answer_named_number(reply, "idmp-maxsize", how.most);
  answer_named_number(reply, "pids-tracked", all.producers);
  answer_named_number(reply, "iids-tracked", all.entries);
  answer_named_number(reply, "iids-added", how.added);
  answer_named_number(reply, "iids-duplicates", how.duplicates);
}

void answer_stream_head(Sink& reply, const StreamReader& stream) {
  const types::stream::Counters& counters = stream.counters();
  answer_named_number(reply, "length", counters.length);
  answer_named_number(reply, "radix-tree-keys", stream.blocks());
  answer_named_number(reply, "radix-tree-nodes", stream.blocks() + 1);
  answer_named_id(reply, "last-generated-id", counters.last_id);
  answer_named_id(reply, "max-deleted-entry-id", counters.max_deleted_id);
  answer_named_number(reply, "entries-added", counters.entries_added);
  answer_named_id(reply, "recorded-first-entry-id", stream.first_id().value_or(types::stream::kIdMin));
}

// --- FULL ------------------------------------------------------------------------------------------------------------

struct ShownPending {
  Id id;
  PendingEntry pending;
};

void answer_delivery(Sink& reply, const PendingEntry& pending) {
  reply.integer(pending.delivered_ms);
  answer_number(reply, pending.deliveries);
}

/// `most`: 0: all.
void answer_group_pending(Sink& reply, const StreamReader& stream, const Group& group, std::uint64_t most) {
  std::vector<ShownPending> shown;
  stream.visit_pending(group.number, types::stream::kIdMin, [&](const Id& id, const PendingEntry& pending) {
    shown.push_back({.id = id, .pending = pending});
    return shown.size() != most;
  });
  reply.bulk("pending");
  reply.array(shown.size());
  for (const ShownPending& one : shown) {
    reply.array(4);
    answer_id(reply, one.id);
    reply.bulk(stream.consumer_name(group.number, one.pending.consumer));
    answer_delivery(reply, one.pending);
  }
}

void answer_full_consumer(Sink& reply, const StreamReader& stream, const Group& group, std::string_view name,
                          const Consumer& consumer, std::uint64_t most) {
  reply.map(5);
  reply.bulk("name");
  reply.bulk(name);
  reply.bulk("seen-time");
  reply.integer(consumer.seen_ms);
  reply.bulk("active-time");
  reply.integer(consumer.active_ms.value_or(-1));
  answer_named_number(reply, "pel-count", stream.pending(group.number, consumer.number));
  std::vector<ShownPending> shown;
  stream.visit_pending(group.number, consumer.number, types::stream::kIdMin, [&](const Id& id) {
    shown.push_back({.id = id, .pending = stream.pending(group.number, id).value_or(PendingEntry{})});
    return shown.size() != most;
  });
  reply.bulk("pending");
  reply.array(shown.size());
  for (const ShownPending& one : shown) {
    reply.array(3);
    answer_id(reply, one.id);
    answer_delivery(reply, one.pending);
  }
}

void answer_full_group(Sink& reply, const StreamReader& stream, std::string_view name, const Group& group,
                       std::uint64_t most) {
  const auto nobody = nobody_of(stream, group.number);
  const std::uint64_t released = nobody ? stream.pending(group.number, nobody->number) : 0;
  reply.map(released != 0 ? 8 : 7);
  reply.bulk("name");
  reply.bulk(name);
  answer_progress(reply, stream, group);
  answer_named_number(reply, "pel-count", stream.pending(group.number));
  if (released != 0) answer_named_number(reply, "nacked-count", released);
  answer_group_pending(reply, stream, group, most);
  reply.bulk("consumers");
  reply.array(consumers_of(stream, group.number));
  visit_consumers_of(stream, group.number, [&](std::string_view consumer_name, const Consumer& consumer) {
    answer_full_consumer(reply, stream, group, consumer_name, consumer, most);
    return true;
  });
}

void answer_full(Sink& reply, const StreamReader& stream, std::uint64_t most, std::int64_t now_ms) {
  const auto how = stream.idempotence();
  reply.map(how ? 15 : 9);
  answer_stream_head(reply, stream);
  if (how) answer_idempotence(reply, stream, *how, now_ms);
  TakenEntries entries;
  stream.visit(types::stream::kIdMin, types::stream::kIdMax, [&](const Entry& entry) {
    entries.add(entry);
    return entries.size() != most;
  });
  reply.bulk("entries");
  entries.answer(reply);
  reply.bulk("groups");
  reply.array(stream.groups());
  stream.visit_groups([&](std::string_view name, const Group& group) {
    answer_full_group(reply, stream, name, group, most);
    return true;
  });
}

/// nullopt: not FULL. Errors: options that there are not.
Result<std::optional<std::uint64_t>> parse_full(const Call& call) {
  constexpr std::int64_t kUsual = 10;
  if (call.size() == 3) return std::optional<std::uint64_t>();
  const bool counted = call.size() == 6;
  if ((call.size() != 4 && !counted) || !call.is(3, "FULL") || (counted && !call.is(4, "COUNT")))
    return subcommand_syntax_error("XINFO", call[1]);
  std::int64_t count = kUsual;
  if (counted) {
    STAVE_ASSIGN(count, integer_argument(call, 5));
  }
  return std::optional(static_cast<std::uint64_t>(count < 0 ? kUsual : count));
}

}  // namespace

Result<void> xinfo_stream_command(Call& call) {
  const std::int64_t now_ms = wall_ms(call);
  return answer_about(call, [&](const StreamReader& stream, Sink& reply) -> Result<void> {
    STAVE_ASSIGN(const auto full, parse_full(call));
    if (full) {
      answer_full(reply, stream, *full, now_ms);
      return {};
    }
    const auto how = stream.idempotence();
    reply.map(how ? 16 : 10);
    answer_stream_head(reply, stream);
    if (how) answer_idempotence(reply, stream, *how, now_ms);
    answer_named_number(reply, "groups", stream.groups());
    answer_one_entry(reply, "first-entry", stream, false);
    answer_one_entry(reply, "last-entry", stream, true);
    return {};
  });
}

Result<void> xinfo_groups_command(Call& call) {
  return answer_about(call, [](const StreamReader& stream, Sink& reply) -> Result<void> {
    reply.array(stream.groups());
    stream.visit_groups([&](std::string_view name, const Group& group) {
      reply.map(6);
      reply.bulk("name");
      reply.bulk(name);
      answer_named_number(reply, "consumers", consumers_of(stream, group.number));
      answer_named_number(reply, "pending", stream.pending(group.number));
      answer_progress(reply, stream, group);
      return true;
    });
    return {};
  });
}

Result<void> xinfo_consumers_command(Call& call) {
  const std::int64_t now_ms = wall_ms(call);
  return answer_about(call, [&](const StreamReader& stream, Sink& reply) -> Result<void> {
    const auto group = stream.group(call[3]);
    if (!group) return no_group_of_key(call[2], call[3]);
    reply.array(consumers_of(stream, group->number));
    visit_consumers_of(stream, group->number, [&](std::string_view name, const Consumer& consumer) {
      reply.map(4);
      reply.bulk("name");
      reply.bulk(name);
      answer_named_number(reply, "pending", stream.pending(group->number, consumer.number));
      reply.bulk("idle");
      reply.integer(std::max<std::int64_t>(now_ms - consumer.seen_ms, 0));
      reply.bulk("inactive");
      reply.integer(consumer.active_ms ? std::max<std::int64_t>(now_ms - *consumer.active_ms, 0) : -1);
      return true;
    });
    return {};
  });
}

}  // namespace stave::commands
