// INFO replication: Redis' names where they fit, and what they do not tell.
#include <string>

#include "commands/info_sections.h"
#include "commands/nanoseconds.h"
#include "commands/split_address.h"
#include "replication/group.h"
#include "store/upkeep.h"

namespace stave::commands {

namespace {

/// 40 hex digits, as Redis' ids have: the store's, and the term.
std::string replication_id(Environment& environment, std::uint64_t term) {
  std::string digits(8, '0');
  for (std::size_t i = 0; i < digits.size(); ++i) digits[7 - i] = "0123456789abcdef"[(term >> (4 * i)) & 15];
  return store::hex_of(environment.engine().log().store_id()) + digits;
}

void add_following(InfoFields& fields, const replication::FollowerStatus& status, Environment& environment) {
  const std::uint64_t now_ns = environment.engine().clock().monotonic_ns();
  const auto [host, port] = split_address(status.leader);
  const auto flag = [](bool yes) { return std::string(yes ? "1" : "0"); };
  fields.insert(fields.end(),
                {{"master_host", host},
                 {"master_port", port},
                 {"master_link_status", status.connected ? "up" : "down"},
                 {"master_last_io_seconds_ago",
                  status.heard_ns == 0 ? "-1" : std::to_string((now_ns - status.heard_ns) / kNsPerSecond)},
                 {"master_sync_in_progress", flag(!status.whole)},
                 {"slave_read_repl_offset", std::to_string(raw(status.end))},
                 {"slave_repl_offset", std::to_string(raw(status.end))},
                 {"slave_read_only", "1"},
                 {"replica_announced", "1"},
                 {"stave_lag_bytes", std::to_string(status.leader_end - status.end)},
                 {"stave_lag_ms", std::to_string(status.lag_ms)}});
  if (!status.connected)
    fields.emplace_back("master_link_down_since_seconds",
                        status.heard_ns == 0 ? "-1" : std::to_string((now_ns - status.heard_ns) / kNsPerSecond));
  // The priority, which is an option.
  for (auto& field : environment.host().info("follower")) fields.push_back(std::move(field));
  if (!status.trouble.empty()) fields.emplace_back("stave_trouble", status.trouble);
}

/// As a replica of Redis shows it.
void add_redis(InfoFields& fields, const replication::RedisStatus& status, std::uint64_t now_ns) {
  const auto [host, port] = split_address(status.master);
  const bool syncs = status.receiving || status.loading;
  const auto number = [](std::uint64_t value) { return std::to_string(value); };
  fields.insert(fields.end(),
                {{"master_host", host},
                 {"master_port", port},
                 {"master_link_status", status.connected ? "up" : "down"},
                 {"master_last_io_seconds_ago",
                  status.heard_ns == 0 || !status.connected ? "-1" : number((now_ns - status.heard_ns) / kNsPerSecond)},
                 {"master_sync_in_progress", syncs ? "1" : "0"}});
  if (status.receiving)
    fields.insert(fields.end(),
                  {{"master_sync_total_bytes", number(status.snapshot_expected)},
                   {"master_sync_read_bytes", number(status.snapshot_bytes)},
                   {"master_sync_left_bytes",
                    number(status.snapshot_expected - std::min(status.snapshot_expected, status.snapshot_bytes))}});
  fields.insert(fields.end(), {{"slave_read_repl_offset", number(status.received)},
                               {"slave_repl_offset", number(status.position.offset)},
                               {"slave_priority", "100"},
                               {"slave_read_only", "1"},
                               {"replica_announced", "1"},
                               {"stave_master_kind", "redis"},
                               {"stave_master_replid", status.position.replid},
                               {"stave_master_database", number(static_cast<std::uint64_t>(status.position.database))},
                               {"stave_full_syncs", number(status.full_syncs)},
                               {"stave_partial_syncs", number(status.partial_syncs)},
                               {"stave_applied_commands", number(status.applied)},
                               {"stave_lag_bytes", number(status.received - status.position.offset)},
                               {"stave_lag_ms", number(status.lag_ms)},
                               {"stave_stopped", status.stopped ? "1" : "0"}});
  if (!status.trouble.empty()) fields.emplace_back("stave_trouble", status.trouble);
}

void add_followers(InfoFields& fields, const std::vector<replication::FollowerInfo>& followers, Lsn end) {
  fields.emplace_back("connected_slaves", std::to_string(followers.size()));
  std::size_t number = 0;
  for (const replication::FollowerInfo& follower : followers)
    fields.emplace_back("slave" + std::to_string(number++),
                        "ip=" + follower.host + ",port=" + std::to_string(follower.port) + ",state=online,offset=" +
                            std::to_string(raw(follower.written)) + ",lag=" + std::to_string(follower.lag_ms / 1000) +
                            ",durable=" + std::to_string(raw(follower.durable)) +
                            ",lag_bytes=" + std::to_string(end - std::min(end, follower.written)) +
                            ",lag_ms=" + std::to_string(follower.lag_ms));
}

/// Those who follow the changes of this node, by name.
void add_consumers(InfoFields& fields, Environment& environment) {
  store::Upkeep& upkeep = environment.engine().upkeep();
  const auto consumers = upkeep.consumers().list();
  fields.emplace_back("stave_change_readers_waiting", std::to_string(upkeep.change_feed().waiting()));
  fields.emplace_back("stave_consumers", std::to_string(consumers ? consumers->size() : 0));
  if (!consumers) return;
  std::size_t number = 0;
  for (const store::ConsumerInfo& consumer : *consumers)
    fields.emplace_back("stave_consumer" + std::to_string(number++),
                        "position=" + std::to_string(raw(consumer.position)) + ",lag_bytes=" +
                            std::to_string(consumer.lag_bytes) + ",behind=" + (consumer.behind ? "1" : "0"));
}

std::string failover_state(const replication::Group* group) {
  using State = replication::Handover::State;
  switch (group == nullptr ? State::kNone : group->fail_over_state()) {
    case State::kNone: return "no-failover";
    case State::kWaiting: return "waiting-for-sync";
    case State::kHanding: break;
  }
  return "failover-in-progress";
}

}  // namespace

InfoFields replication_fields(Environment& environment) {
  replication::Group* const group = environment.group();
  const Lsn end = environment.engine().log().tail();
  const std::uint64_t term = environment.engine().terms().number();
  InfoFields fields;
  const bool follows = environment.engine().follows() || environment.engine().mirrors();
  fields.emplace_back("role", follows ? "slave" : "master");
  fields.emplace_back("master_failover_state", failover_state(group));
  if (group != nullptr)
    if (const auto status = group->following()) add_following(fields, *status, environment);
  if (group != nullptr)
    if (const auto status = group->redis()) add_redis(fields, *status, environment.engine().clock().monotonic_ns());
  if (!follows && environment.engine().replicas().to_write() + environment.engine().replicas().durable() != 0)
    fields.emplace_back("min_slaves_good_slaves", std::to_string(environment.engine().replicas().present()));
  add_followers(fields, group != nullptr ? group->followers().list() : std::vector<replication::FollowerInfo>{}, end);
  fields.insert(fields.end(), {{"master_replid", replication_id(environment, term)},
                               {"master_repl_offset", std::to_string(raw(end))},
                               {"stave_term", std::to_string(term)}});
  add_consumers(fields, environment);
  return fields;
}

}  // namespace stave::commands
