#include "commands/changes_commands.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/try.h"
#include "commands/arguments.h"
#include "commands/changes_run.h"
#include "commands/errands.h"
#include "commands/type_names.h"
#include "commands/waiting/wait.h"
#include "commands/whole_value.h"
#include "store/consumers.h"
#include "store/upkeep.h"
#include "types/string/number.h"

namespace stave::commands {

using store::ChangeFeed;
using store::ChangeReader;
using store::LoggedChange;

namespace {

constexpr std::int64_t kChangesCount = 1000;
constexpr std::int64_t kChangesCountMax = 100'000;

Result<Lsn> lsn_argument(std::string_view text) {
  const auto lsn = types::parse_unsigned(text);
  if (!lsn || *lsn > kLsnMax)
    return answer_error("ERR an LSN is a whole number, as STAVE.CHANGES and STAVE.HISTORY tell them");
  return Lsn{*lsn};
}

std::unexpected<Error> unblocked() {
  return answer_error("UNBLOCKED client unblocked via CLIENT UNBLOCK");
}

/// A position: an LSN, "-" (the oldest there is) or "$" (now).
Result<Lsn> position_argument(Call& call, std::size_t i) {
  if (call[i] == "-") return ChangeReader::oldest_position(call.engine());
  if (call[i] == "$") return Lsn{raw(call.engine().upkeep().change_feed().horizon()) - 1};
  return lsn_argument(call[i]);
}

/// The log does not reach back so far: clients know it by the word.
std::unexpected<Error> spelled(Error&& error) {
  if (error.code() == ErrorCode::kNotFound) return answer_error("GONE " + error.message());
  return std::unexpected<Error>(std::move(error));
}

struct ChangesOptions {
  ChangesRun::Ask ask;
  std::optional<std::uint64_t> block_ns;
  WantedChanges::Wish wish;
};

/// The option at `i`, and the one behind it when it takes a value. Returns how many arguments it was.
Result<std::size_t> parse_option(Call& call, std::size_t i, ChangesOptions& options) {
  if (call.is(i, "VALUES")) {
    options.ask.values = true;
    return std::size_t{1};
  }
  if (i + 1 == call.size()) return syntax_error();
  if (call.is(i, "COUNT")) {
    STAVE_ASSIGN(const std::int64_t count, integer_argument(call, i + 1));
    if (count < 1 || count > kChangesCountMax) return answer_error("ERR COUNT must be 1 to 100000");
    options.ask.count = static_cast<std::size_t>(count);
  } else if (call.is(i, "BLOCK")) {
    STAVE_ASSIGN(options.block_ns, timeout_in_ms(call[i + 1]));
  } else if (call.is(i, "PREFIX") && options.wish.pattern.empty()) {
    options.wish.prefix = call[i + 1];
  } else if (call.is(i, "MATCH") && options.wish.prefix.empty()) {
    options.wish.pattern = call[i + 1];
  } else if (call.is(i, "TYPE")) {
    options.wish.type = type_named(call[i + 1]);
    if (!options.wish.type) return answer_error("ERR unknown type name '" + std::string(call[i + 1]) + "'");
  } else if (call.is(i, "DB")) {
    STAVE_ASSIGN(options.wish.database, database_argument(call, i + 1));
  } else {
    return syntax_error();
  }
  return std::size_t{2};
}

Result<ChangesOptions> parse_changes(Call& call) {
  ChangesOptions options;
  options.ask.count = static_cast<std::size_t>(kChangesCount);
  for (std::size_t i = 3; i < call.size();) {
    STAVE_ASSIGN(const std::size_t taken, parse_option(call, i, options));
    i += taken;
  }
  if (call.is(1, "FROM")) {
    STAVE_ASSIGN(options.ask.since, position_argument(call, 2));
  } else if (call.is(1, "CONSUMER")) {
    STAVE_ASSIGN(const auto consumer, call.engine().upkeep().consumers().find(call[2]));
    if (!consumer) return answer_error("ERR there is no consumer of that name; STAVE.CONSUMER CREATE makes one");
    options.ask.since = consumer->position;
  } else {
    return syntax_error();
  }
  return options;
}

void answer_number(Sink& reply, std::string_view name, std::uint64_t value) {
  reply.bulk(name);
  reply.integer(static_cast<std::int64_t>(value));
}

void answer_change(Sink& reply, const store::StoreClock& clock, const LoggedChange& change, bool values) {
  const bool swap = change.kind == LoggedChange::Kind::kSwap;
  const bool has_key = !change.whole_database() && change.kind != LoggedChange::Kind::kLost;
  reply.map(9 + (values ? 1u : 0u) + (swap ? 1u : 0u));
  answer_number(reply, "lsn", raw(change.lsn));
  answer_number(reply, "batch", raw(change.batch));
  answer_number(reply, "last", change.last ? 1 : 0);
  answer_number(reply, "time", static_cast<std::uint64_t>(raw(clock.to_wall(change.time))));
  answer_number(reply, "db", static_cast<std::uint64_t>(change.database));
  reply.bulk("kind");
  reply.bulk(to_string(change.kind));
  reply.bulk("type");
  change.type ? reply.bulk(type_name(*change.type)) : reply.null();
  reply.bulk("key");
  has_key ? reply.bulk(change.key) : reply.null();
  reply.bulk("expires");
  change.expiry.never() ? reply.null() : reply.integer(raw(clock.shown(change.expiry).at));
  if (swap) answer_number(reply, "with", static_cast<std::uint64_t>(change.other));
  if (!values) return;
  reply.bulk("value");
  change.value ? answer_whole_value(reply, *change.type, *change.value) : reply.null();
}

Result<void> answer(Call& call, Result<ReadChanges> read, bool values) {
  call.session().show_waiting(false);
  if (!read) return spelled(std::move(read).error());
  if (read->refused) return unblocked();
  // It may have waited for long, and its user may see less by now.
  WantedChanges seen({});
  seen.look_at_rights(call.session());
  std::erase_if(read->changes, [&](const LoggedChange& change) { return !seen.wants(change, change.key); });
  Sink& reply = call.reply();
  reply.array(2);
  reply.integer(static_cast<std::int64_t>(raw(read->position)));
  reply.array(read->changes.size());
  for (const LoggedChange& change : read->changes) answer_change(reply, call.engine().time(), change, values);
  return {};
}

bool may_rest(const Session& session) noexcept {
  return session.may_leave && session.reply_mode == ReplyMode::kOn && session.shared == nullptr;
}

std::uint64_t deadline_of(Call& call, std::uint64_t block_ns) {
  return block_ns == 0 ? 0 : call.engine().clock().monotonic_ns() + block_ns;
}

/// What the errand that the session left with brought; null: it is not back yet. It has one.
template <class T>
std::shared_ptr<ErrandFor<T>> take_errand(Session& session) {
  if (!session.errand->done()) return nullptr;
  auto back = std::dynamic_pointer_cast<ErrandFor<T>>(std::exchange(session.errand, nullptr));
  STAVE_ASSERT(back != nullptr);
  return back;
}

}  // namespace

Result<void> stave_changes_command(Call& call) {
  Session& session = call.session();
  if (session.errand != nullptr) {
    const auto back = take_errand<ReadChanges>(session);
    if (back == nullptr) return {};
    const bool values = std::ranges::any_of(call.arguments().subspan(3),
                                            [](std::string_view word) { return same_word(word, "VALUES"); });
    return answer(call, back->take(), values);
  }
  auto parsed = parse_changes(call);
  if (!parsed) return std::unexpected<Error>(std::move(parsed).error());
  ChangesRun::Ask& ask = parsed->ask;
  const bool rests = may_rest(session);
  ask.waits = parsed->block_ns.has_value() && session.shared == nullptr && (rests || session.may_block);
  ask.deadline_ns = ask.waits ? deadline_of(call, *parsed->block_ns) : 0;
  ask.tag = session.id();
  auto wanted = std::make_unique<WantedChanges>(std::move(parsed->wish));
  wanted->look_at_rights(session);
  const auto run = std::make_shared<ChangesRun>(call.engine(), ask, std::move(wanted));
  if (!rests) return answer(call, run->here(), ask.values);
  session.errand = ChangesRun::begin(run);
  session.show_waiting(ask.waits);
  return {};
}

// --- consumers -------------------------------------------------------------------------------------------------------

Result<void> stave_consumer_create_command(Call& call) {
  if (call.size() == 4 || (call.size() == 5 && !call.is(3, "FROM"))) return syntax_error();
  Lsn from{raw(call.engine().upkeep().change_feed().horizon()) - 1};
  if (call.size() == 5) {
    STAVE_ASSIGN(from, position_argument(call, 4));
  }
  auto made = call.engine().upkeep().consumers().create(call[2], from, call.session().sync());
  if (!made) return spelled(std::move(made).error());
  call.wait_for_write(*made);
  call.reply().integer(static_cast<std::int64_t>(raw(from)));
  return {};
}

Result<void> stave_consumer_ack_command(Call& call) {
  STAVE_ASSIGN(const Lsn position, lsn_argument(call[3]));
  store::Consumers& consumers = call.engine().upkeep().consumers();
  STAVE_ASSIGN(const store::Pending pending, consumers.acknowledge(call[2], position, call.session().sync()));
  if (!pending.empty()) call.wait_for_write(pending);
  STAVE_ASSIGN(const auto consumer, consumers.find(call[2]));
  call.reply().integer(static_cast<std::int64_t>(raw(consumer ? consumer->position : position)));
  return {};
}

Result<void> stave_consumer_drop_command(Call& call) {
  store::Pending pending;
  STAVE_ASSIGN(const bool dropped, call.engine().upkeep().consumers().drop(call[2], call.session().sync(), pending));
  if (dropped) call.wait_for_write(pending);
  call.reply().integer(dropped ? 1 : 0);
  return {};
}

Result<void> stave_consumer_list_command(Call& call) {
  STAVE_ASSIGN(const auto consumers, call.engine().upkeep().consumers().list());
  const store::StoreClock& clock = call.engine().time();
  const auto wall = [&](UnixMs at) { return static_cast<std::uint64_t>(raw(at) == 0 ? 0 : raw(clock.to_wall(at))); };
  Sink& reply = call.reply();
  reply.array(consumers.size());
  for (const store::ConsumerInfo& consumer : consumers) {
    reply.map(6);
    reply.bulk("name");
    reply.bulk(consumer.name);
    answer_number(reply, "position", raw(consumer.position));
    answer_number(reply, "lag_bytes", consumer.lag_bytes);
    answer_number(reply, "behind", consumer.behind ? 1 : 0);
    answer_number(reply, "created", wall(consumer.created));
    answer_number(reply, "acknowledged", wall(consumer.acknowledged));
  }
  return {};
}

// --- positions -------------------------------------------------------------------------------------------------------

Result<void> stave_lastlsn_command(Call& call) {
  const Lsn end = call.session().last_write;
  call.reply().integer(end == kNoLsn ? 0 : static_cast<std::int64_t>(raw(end) - 1));
  return {};
}

Result<void> stave_waitlsn_command(Call& call) {
  Session& session = call.session();
  if (session.errand != nullptr) {
    const auto back = take_errand<bool>(session);
    if (back == nullptr) return {};
    session.show_waiting(false);
    STAVE_ASSIGN(const bool reached, back->take());
    call.reply().integer(reached ? 1 : 0);
    return {};
  }
  STAVE_ASSIGN(const Lsn lsn, lsn_argument(call[1]));
  STAVE_ASSIGN(const std::uint64_t timeout_ns, timeout_in_ms(call[2]));
  ChangeFeed& feed = call.engine().upkeep().change_feed();
  const bool rests = may_rest(session);
  if (feed.horizon() > lsn || !(rests || session.may_block) || session.shared != nullptr) {
    call.reply().integer(feed.horizon() > lsn ? 1 : 0);
    return {};
  }
  const std::uint64_t deadline_ns = deadline_of(call, timeout_ns);
  if (!rests) {
    call.reply().integer(feed.wait(lsn, deadline_ns, session.id()) == ChangeFeed::Woken::kNews ? 1 : 0);
    return {};
  }
  const auto ended = std::make_shared<ChangeFeed::Woken>();
  const auto errand = std::make_shared<ErrandFor<bool>>([ended]() -> Result<bool> {
    if (*ended == ChangeFeed::Woken::kRefused) return unblocked();
    return *ended == ChangeFeed::Woken::kNews;
  });
  session.errand = errand;
  session.show_waiting(true);
  feed.when(lsn, deadline_ns, session.id(), [errand, ended](ChangeFeed::Woken how) {
    *ended = how;
    errand->run();
  });
  return {};
}

}  // namespace stave::commands
