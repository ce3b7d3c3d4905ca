#include "commands/replication_commands.h"

#include <functional>
#include <memory>
#include <string>

#include "base/try.h"
#include "commands/acl_user.h"
#include "commands/arguments.h"
#include "commands/errands.h"
#include "commands/errors.h"
#include "commands/script/scripts.h"
#include "commands/split_address.h"
#include "commands/users.h"
#include "replication/group.h"
#include "types/string/number.h"

namespace stave::commands {

namespace {

constexpr std::string_view kProtocol = "1";

/// "host", "port" of "host:port".
Result<void> lead(Call& call) {
  replication::Group* const group = call.environment().group();
  const bool followed = call.engine().follows();
  STAVE_TRY(group != nullptr ? group->lead() : call.engine().lead());
  // Libraries of functions may have come with the leader's log since they were loaded.
  if (followed) call.environment().scripts().reload_functions();
  call.reply().status("OK");
  return {};
}

/// In Redis' own words.
void answer_replica(Sink& reply, const replication::RedisStatus& status) {
  const auto [host, port] = split_address(status.master);
  const bool syncs = status.receiving || status.loading;
  reply.array(5);
  reply.bulk("slave");
  reply.bulk(host);
  reply.integer(types::parse_integer(port).value_or(0));
  reply.bulk(status.connected ? "connected" : syncs ? "sync" : "connect");
  reply.integer(status.position.replid.empty() ? -1 : static_cast<std::int64_t>(status.position.offset));
}

void answer_follower(Sink& reply, const replication::FollowerStatus& status) {
  const auto [host, port] = split_address(status.leader);
  reply.array(5);
  reply.bulk("slave");
  reply.bulk(host);
  reply.integer(types::parse_integer(port).value_or(0));
  reply.bulk(status.connected ? "connected" : "connect");
  reply.integer(static_cast<std::int64_t>(raw(status.end)));
}

}  // namespace

Result<void> replicaof_command(Call& call) {
  if (call.is(1, "NO") && call.is(2, "ONE")) return lead(call);
  const auto port = types::parse_integer(call[2]);
  if (!port || *port < 1 || *port > 65535) return answer_error("ERR Invalid master port");
  if (call[1].empty() || call[1].size() > 255 || call[1].find_first_of(" \r\n\t") != std::string_view::npos)
    return answer_error("ERR Invalid master host");
  replication::Group* const group = call.environment().group();
  if (group == nullptr) return answer_error("ERR an embedded store follows nobody; serve it with `stave serve`");
  const std::string leader = std::string(call[1]) + ":" + std::to_string(*port);
  if (const auto status = group->following(); status && status->leader == leader) {
    call.reply().status("OK Already connected to specified master");
    return {};
  }
  if (const auto status = group->redis(); status && status->master == leader && !status->stopped) {
    call.reply().status("OK Already connected to specified master");
    return {};
  }
  // The answer is on its way before the store is closed, so only the question is asked elsewhere.
  STAVE_ASSIGN(const auto peer,
               at_length<replication::Peer>(call, [group, leader] { return group->identify(leader); }));
  if (!peer) return {};
  STAVE_TRY(group->follow(leader, *peer));
  call.reply().status("OK");
  return {};
}

namespace {

/// FAILOVER's words. ABORT stands alone.
struct FailOverWords {
  replication::FailOver wish;
  bool abort = false;
};

Result<FailOverWords> failover_words(const Call& call) {
  FailOverWords words;
  bool timed = false;
  for (std::size_t i = 1; i < call.size(); ++i) {
    if (call.is(i, "TIMEOUT") && i + 1 < call.size() && !timed) {
      const auto ms = types::parse_integer(call[++i]);
      if (!ms) return not_an_integer();
      if (*ms <= 0) return answer_error("ERR FAILOVER timeout must be greater than 0");
      words.wish.timeout_ms = static_cast<std::uint64_t>(*ms);
      timed = true;
    } else if (call.is(i, "ABORT") && !words.abort) {
      words.abort = true;
    } else if (call.is(i, "TO") && i + 2 < call.size() && words.wish.host.empty()) {
      words.wish.host = std::string(call[++i]);
      const auto port = types::parse_integer(call[++i]);
      if (!port) return not_an_integer();
      if (*port < 0 || *port > 65535) return answer_error("ERR Invalid master port");
      words.wish.port = static_cast<int>(*port);
    } else if (call.is(i, "FORCE") && !words.wish.force) {
      words.wish.force = true;
    } else {
      return syntax_error();
    }
  }
  if (words.abort && call.size() > 2) return answer_error("ERR FAILOVER ABORT takes no other arguments.");
  if (words.wish.force && (!timed || words.wish.host.empty()))
    return answer_error("ERR FAILOVER with force option requires both a timeout and target HOST and IP.");
  return words;
}

}  // namespace

Result<void> failover_command(Call& call) {
  STAVE_ASSIGN(const FailOverWords words, failover_words(call));
  replication::Group* const group = call.environment().group();
  if (group == nullptr) return answer_error("ERR an embedded store has no followers; serve it with `stave serve`");
  STAVE_TRY(words.abort ? group->abort_fail_over() : group->fail_over(words.wish));
  call.reply().status("OK");
  return {};
}

Result<void> role_command(Call& call) {
  replication::Group* const group = call.environment().group();
  Sink& reply = call.reply();
  if (group != nullptr) {
    if (const auto status = group->following()) {
      answer_follower(reply, *status);
      return {};
    }
    if (const auto status = group->redis()) {
      answer_replica(reply, *status);
      return {};
    }
  }
  reply.array(3);
  reply.bulk("master");
  reply.integer(static_cast<std::int64_t>(raw(call.engine().log().tail())));
  const auto followers = group != nullptr ? group->followers().list() : std::vector<replication::FollowerInfo>{};
  reply.array(followers.size());
  for (const replication::FollowerInfo& follower : followers) {
    reply.array(3);
    reply.bulk(follower.host);
    reply.bulk(std::to_string(follower.port));
    reply.bulk(std::to_string(raw(follower.written)));
  }
  return {};
}

namespace {

bool may_follow(const AclUser& user) {
  static const Command* const kFollow = find_command("STAVE.FOLLOW");
  constexpr std::string_view kCall[] = {"STAVE.FOLLOW", kProtocol};
  return user.check(*kFollow, kCall, 0).allowed();
}

}  // namespace

Result<void> stave_follow_command(Call& call) {
  if (call[1] != kProtocol) return answer_error("ERR this server speaks protocol 1 of replication");
  replication::Group* const group = call.environment().group();
  Session& session = call.session();
  if (group == nullptr || !session.may_hand_over) return answer_error("ERR this connection cannot be a follower's");
  // The connection leaves the doors, and with them whoever closes those of users that are removed.
  std::function<bool()> allowed;
  if (!session.identity.owner)
    allowed = [&users = call.environment().users(),
               name = session.identity.user == nullptr ? std::string("default") : session.identity.user->name] {
      const auto user = users.find(name);
      return user != nullptr && user->enabled && may_follow(*user);
    };
  session.take_over = [group, allowed](std::unique_ptr<replication::Link> link) {
    group->followers().serve(std::move(link), allowed);
  };
  session.set_closing();
  call.reply().status("CONTINUE");
  return {};
}

}  // namespace stave::commands
