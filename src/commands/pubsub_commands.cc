#include "commands/pubsub_commands.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/try.h"
#include "commands/call.h"
#include "commands/channels.h"
#include "commands/connection_commands.h"
#include "commands/errors.h"

namespace stave::commands {
namespace {

struct KindWords {
  std::string_view subscribe;
  std::string_view unsubscribe;
};
constexpr KindWords kKindWords[kChannelKinds] = {
    {"subscribe", "unsubscribe"}, {"psubscribe", "punsubscribe"}, {"ssubscribe", "sunsubscribe"}};

const KindWords& words_of(ChannelKind kind) noexcept {
  return kKindWords[static_cast<std::size_t>(kind)];
}

/// What an answer about that kind counts: shard channels stand for themselves.
std::int64_t counted(const Session& session, ChannelKind kind) noexcept {
  if (session.subscriptions == nullptr) return 0;
  Subscriptions& own = *session.subscriptions;
  if (kind == ChannelKind::kShard) return static_cast<std::int64_t>(own.of(kind).size());
  return static_cast<std::int64_t>(own.of(ChannelKind::kChannel).size() + own.of(ChannelKind::kPattern).size());
}

void answer_one(Call& call, std::string_view what, const std::string_view* name, ChannelKind kind) {
  Sink& reply = call.reply();
  reply.push(3);
  reply.bulk(what);
  if (name != nullptr) {
    reply.bulk(*name);
  } else {
    reply.null();
  }
  reply.integer(counted(call.session(), kind));
}

/// Once it has changed what the session listens to.
void show(Session& session) noexcept {
  if (session.subscriptions != nullptr && session.subscriptions->empty()) return forget_subscriptions(session);
  if (session.subscriptions == nullptr) return;
  session.listening = true;
  Subscriptions& own = *session.subscriptions;
  session.show_subscriptions(own.of(ChannelKind::kChannel).size(), own.of(ChannelKind::kPattern).size(),
                             own.of(ChannelKind::kShard).size());
}

Result<void> subscribe(Call& call, ChannelKind kind) {
  Session& session = call.session();
  if (session.post == nullptr)
    return answer_error("ERR messages come over a connection of the Redis protocol only, and this is none");
  if (session.subscriptions == nullptr)
    session.subscriptions = std::make_unique<Subscriptions>(*session.post, &call.engine().budget());
  bool room = true;
  for (std::size_t i = 1; i < call.size() && room; ++i) {
    const std::string_view name = call[i];
    room = session.subscriptions->add(session, kind, name, session.queued_bytes_max);
    if (room) answer_one(call, words_of(kind).subscribe, &name, kind);
  }
  show(session);
  if (!room) return answer_error("OOM there is no room to listen to more: see client-query-buffer-limit and maxmemory");
  return {};
}

Result<void> unsubscribe(Call& call, ChannelKind kind) {
  Session& session = call.session();
  std::vector<std::string> names;
  if (call.size() > 1) {
    for (std::size_t i = 1; i < call.size(); ++i) names.emplace_back(call[i]);
  } else if (session.subscriptions != nullptr) {
    const auto& own = session.subscriptions->of(kind);
    names.assign(own.begin(), own.end());
  }
  if (names.empty()) answer_one(call, words_of(kind).unsubscribe, nullptr, kind);
  for (const std::string& name : names) {
    if (session.subscriptions != nullptr) session.subscriptions->remove(session, kind, name);
    const std::string_view shown = name;
    answer_one(call, words_of(kind).unsubscribe, &shown, kind);
  }
  show(session);
  return {};
}

// Whoever hears of it may ask for what was written before it, and must find that.
Result<void> publish(Call& call, bool sharded) {
  Session& session = call.session();
  const store::Pending pending = call.engine().pending_for_write(session.last_write, session.sync());
  STAVE_ASSIGN(const std::uint64_t listeners,
               call.environment().channels().publish(call[1], call[2], sharded, pending, session.post));
  call.reply().integer(static_cast<std::int64_t>(listeners));
  return {};
}

Result<void> answer_names(Call& call, ChannelKind kind) {
  const std::string_view pattern = call.size() > 2 ? call[2] : std::string_view{};
  const auto names = call.environment().channels().names(kind, call.size() > 2 ? &pattern : nullptr);
  call.reply().array(names.size());
  for (const std::string& name : names) call.reply().bulk(name);
  return {};
}

Result<void> answer_listeners(Call& call, ChannelKind kind) {
  call.reply().array(2 * (call.size() - 2));
  for (std::size_t i = 2; i < call.size(); ++i) {
    call.reply().bulk(call[i]);
    call.reply().integer(static_cast<std::int64_t>(call.environment().channels().listeners(kind, call[i])));
  }
  return {};
}

}  // namespace

bool is_subscribing(const Command& row) noexcept {
  constexpr Handler kSubscribing[] = {subscribe_command,    unsubscribe_command, psubscribe_command,
                                      punsubscribe_command, ssubscribe_command,  sunsubscribe_command};
  return std::ranges::find(kSubscribing, row.run) != std::end(kSubscribing);
}

bool allowed_while_listening(const Command& row) noexcept {
  return is_subscribing(row) || row.run == ping_command || row.run == quit_command || row.run == reset_command;
}

Result<void> subscribe_command(Call& call) {
  return subscribe(call, ChannelKind::kChannel);
}
Result<void> psubscribe_command(Call& call) {
  return subscribe(call, ChannelKind::kPattern);
}
Result<void> ssubscribe_command(Call& call) {
  return subscribe(call, ChannelKind::kShard);
}
Result<void> unsubscribe_command(Call& call) {
  return unsubscribe(call, ChannelKind::kChannel);
}
Result<void> punsubscribe_command(Call& call) {
  return unsubscribe(call, ChannelKind::kPattern);
}
Result<void> sunsubscribe_command(Call& call) {
  return unsubscribe(call, ChannelKind::kShard);
}
Result<void> publish_command(Call& call) {
  return publish(call, false);
}
Result<void> spublish_command(Call& call) {
  return publish(call, true);
}

Result<void> pubsub_channels_command(Call& call) {
  return answer_names(call, ChannelKind::kChannel);
}
Result<void> pubsub_shardchannels_command(Call& call) {
  return answer_names(call, ChannelKind::kShard);
}
Result<void> pubsub_numsub_command(Call& call) {
  return answer_listeners(call, ChannelKind::kChannel);
}
Result<void> pubsub_shardnumsub_command(Call& call) {
  return answer_listeners(call, ChannelKind::kShard);
}
Result<void> pubsub_numpat_command(Call& call) {
  call.reply().integer(static_cast<std::int64_t>(call.environment().channels().count(ChannelKind::kPattern)));
  return {};
}

}  // namespace stave::commands
