#include "commands/stream_groups.h"

namespace stave::commands {

using types::stream::Counters;
using types::stream::Group;
using types::stream::Id;
using types::stream::kIdMin;
using StreamReader = types::stream::Reader;

std::optional<types::stream::Consumer> nobody_of(const StreamReader& stream, types::stream::Number group) {
  const auto nobody = stream.consumer(group, kNobody);
  return nobody && !nobody->active_ms ? nobody : std::nullopt;
}

std::uint64_t consumers_of(const StreamReader& stream, types::stream::Number group) {
  const std::uint64_t all = stream.consumers(group);
  return all != 0 && nobody_of(stream, group) ? all - 1 : all;
}

void visit_consumers_of(const StreamReader& stream, types::stream::Number group, StreamReader::VisitConsumer visit) {
  stream.visit_consumers(group, [&](std::string_view name, const types::stream::Consumer& consumer) {
    return (name == kNobody && !consumer.active_ms) || visit(name, consumer);
  });
}

bool has_tombstones(const Counters& counters, const Id& from) noexcept {
  if (counters.length == 0 || counters.max_deleted_id == kIdMin) return false;
  return from <= counters.max_deleted_id;
}

std::optional<std::uint64_t> entries_read_at(const StreamReader& stream, const Id& id) {
  const Counters& counters = stream.counters();
  if (counters.entries_added == 0) return 0;
  if (counters.length == 0 && id <= counters.last_id) return counters.entries_added;
  if (id != kIdMin && id < counters.max_deleted_id) return std::nullopt;
  if (id == counters.last_id) return counters.entries_added;
  if (id > counters.last_id) return std::nullopt;
  const Id first = stream.first_id().value_or(kIdMin);
  if (counters.max_deleted_id != kIdMin && counters.max_deleted_id >= first) return std::nullopt;
  if (id < first) return counters.entries_added - counters.length;
  if (id == first) return counters.entries_added - counters.length + 1;
  return std::nullopt;
}

std::optional<std::int64_t> lag_of(const StreamReader& stream, const Group& group) {
  const Counters& counters = stream.counters();
  if (counters.entries_added == 0 || counters.length == 0) return 0;
  const Id first = stream.first_id().value_or(kIdMin);
  if (group.last_delivered < first && counters.max_deleted_id < first)
    return static_cast<std::int64_t>(counters.length);
  const auto read = group.entries_read && !has_tombstones(counters, group.last_delivered)
                        ? group.entries_read
                        : entries_read_at(stream, group.last_delivered);
  if (!read) return std::nullopt;
  return static_cast<std::int64_t>(counters.entries_added - *read);
}

}  // namespace stave::commands
