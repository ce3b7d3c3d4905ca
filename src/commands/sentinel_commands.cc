#include "commands/sentinel_commands.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/try.h"
#include "commands/errors.h"
#include "replication/group.h"

namespace stave::commands {

namespace {

struct Address {
  std::string host;
  std::string port;
};

Address split_instance(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) return {address, "0"};
  return {address.substr(0, colon), address.substr(colon + 1)};
}

std::string option(Call& call, std::string_view name) {
  for (auto& [known, value] : call.environment().host().config())
    if (known == name) return std::move(value);
  return {};
}

std::string group_name(Call& call) {
  return option(call, "group-name");
}

/// Where this server is reached: as it says, or as whoever asks has reached it.
Address own_address(Call& call) {
  Address own = split_instance(call.session().info().local_address);
  if (std::string host = option(call, "replica-announce-ip"); !host.empty()) own.host = std::move(host);
  if (std::string port = option(call, "replica-announce-port"); !port.empty() && port != "0")
    own.port = std::move(port);
  return own;
}

std::optional<replication::FollowerStatus> following(Call& call) {
  replication::Group* const group = call.environment().group();
  return group == nullptr ? std::nullopt : group->following();
}

Address leader_address(Call& call) {
  const auto status = following(call);
  return status ? split_instance(status->leader) : own_address(call);
}

std::vector<replication::FollowerInfo> followers(Call& call) {
  replication::Group* const group = call.environment().group();
  return group == nullptr ? std::vector<replication::FollowerInfo>{} : group->followers().list();
}

Result<void> check_name(Call& call) {
  if (call[2] == group_name(call)) return {};
  return answer_error("ERR No such master with that name");
}

using SentinelFields = std::vector<std::pair<std::string_view, std::string>>;

void answer_fields(Sink& reply, const SentinelFields& fields) {
  reply.map(fields.size());
  for (const auto& [name, value] : fields) {
    reply.bulk(name);
    reply.bulk(value);
  }
}

SentinelFields leader_fields(Call& call) {
  const auto status = following(call);
  const Address leader = leader_address(call);
  const std::size_t count = status ? 1 : followers(call).size();
  const bool down = status && !status->connected;
  return {{"name", group_name(call)},
          {"ip", leader.host},
          {"port", leader.port},
          {"runid", status ? "" : call.environment().run_id()},
          {"flags", down ? "master,disconnected" : "master"},
          {"link-pending-commands", "0"},
          {"last-ping-sent", "0"},
          {"last-ok-ping-reply", "0"},
          {"last-ping-reply", "0"},
          {"role-reported", "master"},
          {"config-epoch", std::to_string(call.engine().terms().number())},
          {"num-slaves", std::to_string(count)},
          {"num-other-sentinels", std::to_string(count)},
          {"quorum", "1"}};
}

SentinelFields follower_fields(Call& call, const Address& follower, const Address& leader, Lsn end, bool connected) {
  return {{"name", follower.host + ":" + follower.port},
          {"ip", follower.host},
          {"port", follower.port},
          {"runid", ""},
          {"flags", "slave"},
          {"role-reported", "slave"},
          {"master-link-status", connected ? "ok" : "err"},
          {"master-host", leader.host},
          {"master-port", leader.port},
          {"slave-priority", option(call, "replica-priority")},
          {"slave-repl-offset", std::to_string(raw(end))}};
}

}  // namespace

Result<void> sentinel_master_address_command(Call& call) {
  if (call[2] != group_name(call)) {
    call.reply().null_array();
    return {};
  }
  const Address leader = leader_address(call);
  call.reply().array(2);
  call.reply().bulk(leader.host);
  call.reply().bulk(leader.port);
  return {};
}

Result<void> sentinel_master_command(Call& call) {
  STAVE_TRY(check_name(call));
  answer_fields(call.reply(), leader_fields(call));
  return {};
}

Result<void> sentinel_masters_command(Call& call) {
  call.reply().array(1);
  answer_fields(call.reply(), leader_fields(call));
  return {};
}

Result<void> sentinel_replicas_command(Call& call) {
  STAVE_TRY(check_name(call));
  const Address leader = leader_address(call);
  if (const auto status = following(call)) {
    call.reply().array(1);
    answer_fields(call.reply(), follower_fields(call, own_address(call), leader, status->end, status->connected));
    return {};
  }
  const auto all = followers(call);
  call.reply().array(all.size());
  for (const replication::FollowerInfo& follower : all)
    answer_fields(call.reply(), follower_fields(call, {follower.host, std::to_string(follower.port)}, leader,
                                                follower.written, true));
  return {};
}

Result<void> sentinel_sentinels_command(Call& call) {
  STAVE_TRY(check_name(call));
  call.reply().array(0);
  return {};
}

}  // namespace stave::commands
