#include "commands/client_list.h"

namespace stave::commands {

namespace {

class Line {
 public:
  Line& add(std::string_view name, std::string_view value) {
    if (!text_.empty()) text_ += ' ';
    text_.append(name).append("=").append(value);
    return *this;
  }
  Line& add(std::string_view name, std::int64_t value) { return add(name, std::string_view(std::to_string(value))); }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::int64_t seconds_since(std::uint64_t then_ns, std::uint64_t now_ns) noexcept {
  constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
  return now_ns < then_ns ? 0 : static_cast<std::int64_t>((now_ns - then_ns) / kNsPerSecond);
}

std::string flags_of(const ClientInfo& client) {
  std::string flags;
  if (client.blocked) flags += 'b';
  if (client.multi >= 0) flags += 'x';
  if (client.listens()) flags += 'P';
  if (client.monitors) flags += 'O';
  if (client.address.starts_with('/')) flags += 'U';
  if (client.tracks) flags += 't';
  if (client.redirect_broken) flags += 'R';
  if (client.tracks_prefixes) flags += 'B';
  if (client.no_evict) flags += 'e';
  if (client.no_touch) flags += 'T';
  return flags.empty() ? "N" : flags;
}

}  // namespace

std::string client_line(const ClientInfo& client, std::uint64_t now_ns) {
  const auto bytes = [](std::uint64_t count) { return static_cast<std::int64_t>(count); };
  Line line;
  line.add("id", bytes(client.id))
      .add("addr", client.address)
      .add("laddr", client.local_address)
      .add("fd", client.descriptor)
      .add("name", client.name)
      .add("age", seconds_since(client.created_ns, now_ns))
      .add("idle", seconds_since(client.active_ns, now_ns))
      .add("flags", flags_of(client))
      .add("db", client.database)
      .add("sub", bytes(client.channels))
      .add("psub", bytes(client.patterns))
      .add("ssub", bytes(client.shard_channels))
      .add("multi", client.multi)
      .add("qbuf", bytes(client.query_buffer))
      .add("qbuf-free", 0)
      .add("argv-mem", 0)
      .add("multi-mem", bytes(client.multi_bytes))
      .add("rbs", 0)
      .add("rbp", 0)
      .add("obl", 0)
      .add("oll", 0)
      .add("omem", bytes(client.output_buffer))
      .add("tot-mem", bytes(client.query_buffer + client.output_buffer + client.multi_bytes))
      .add("events", "r")
      .add("cmd", client.last_command.empty() ? "NULL" : client.last_command)
      .add("user", client.user)
      .add("redir", client.redirect)
      .add("resp", client.protocol)
      .add("lib-name", client.library_name)
      .add("lib-ver", client.library_version);
  return line.take();
}

}  // namespace stave::commands
