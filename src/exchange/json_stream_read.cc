// The part of json_entry.h that reads streams (json_stream.h).
#include <limits>

#include "base/try.h"
#include "exchange/json_entry.h"
#include "types/stream/builder.h"

namespace stave::exchange {

using types::stream::Id;

namespace {
constexpr std::int64_t kCountMax = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kIdTextMax = 64;
constexpr std::size_t kNameMax = 64;
/// What an entry's items take beyond their texts, at most.
constexpr std::size_t kTextHead = 9;
}  // namespace

Result<Id> JsonEntryReader::read_id() {
  STAVE_TRY(scanner_.string(second_, kIdTextMax));
  const auto id = types::stream::parse_id(second_, 0);
  if (!id) return scanner_.malformed("not the id of an entry of a stream");
  return *id;
}

Result<void> JsonEntryReader::check_stream_size(const JsonEntry& entry, std::size_t more) {
  const std::size_t most = std::min<std::size_t>(limits_.value_bytes_max, types::item::kTextMax / 2);
  if (more <= most && entry.stream.bytes() <= most - more) return {};
  return scanner_.fail_here(ErrorCode::kTooLarge,
                            "a value over the limit of " + std::to_string(limits_.value_bytes_max) + " bytes");
}

Result<void> JsonEntryReader::read_stream_pending(JsonEntry& entry, std::uint64_t group, std::uint64_t consumer) {
  STAVE_TRY(scanner_.expect('['));
  for (bool first = true;;) {
    STAVE_ASSIGN(const bool more, scanner_.next_element(first));
    if (!more) return {};
    STAVE_TRY(scanner_.expect('['));
    STAVE_ASSIGN(const Id id, read_id());
    STAVE_TRY(scanner_.expect(','));
    STAVE_ASSIGN(const std::int64_t when, scanner_.integer(kUnixMsMax));
    STAVE_TRY(scanner_.expect(','));
    STAVE_ASSIGN(const std::int64_t times, scanner_.integer(kCountMax));
    STAVE_TRY(scanner_.expect(']'));
    STAVE_TRY(check_stream_size(entry, kIdTextMax));
    entry.stream.add_pending(
        group, id, {.consumer = consumer, .delivered_ms = when, .deliveries = static_cast<std::uint64_t>(times)});
  }
}

/// A consumer's number must be known before what is pending is read: its times come first.
Result<void> JsonEntryReader::read_stream_consumer(JsonEntry& entry, std::uint64_t group) {
  const std::string name = element_;
  STAVE_TRY(check_stream_size(entry, name.size()));
  std::int64_t seen = 0;
  std::optional<std::int64_t> active;
  std::optional<std::uint64_t> consumer;
  const auto number = [&] {
    if (!consumer) consumer = entry.stream.add_consumer(group, name, seen, active);
    return *consumer;
  };
  STAVE_TRY(scanner_.expect('{'));
  for (bool first = true;;) {
    STAVE_ASSIGN(const bool more, scanner_.next_member(second_, kNameMax, first));
    if (!more) break;
    if (!consumer && second_ == "seen") {
      STAVE_ASSIGN(seen, scanner_.integer(kUnixMsMax));
    } else if (!consumer && second_ == "active") {
      STAVE_ASSIGN(active, scanner_.integer(kUnixMsMax));
    } else if (!consumer && second_ == "pending") {
      STAVE_TRY(read_stream_pending(entry, group, number()));
    } else {
      return scanner_.malformed("\"" + second_ + "\" does not belong there in a stream's consumer");
    }
  }
  number();
  return {};
}

Result<void> JsonEntryReader::read_stream_group(JsonEntry& entry, bool base64) {
  const std::string name = element_;
  STAVE_TRY(check_stream_size(entry, name.size()));
  Id last;
  std::optional<std::uint64_t> entries_read;
  std::optional<std::uint64_t> group;
  const auto number = [&] {
    if (!group) group = entry.stream.add_group(name, last, entries_read);
    return *group;
  };
  STAVE_TRY(scanner_.expect('{'));
  for (bool first = true;;) {
    STAVE_ASSIGN(const bool more, scanner_.next_member(second_, kNameMax, first));
    if (!more) break;
    if (!group && second_ == "last_id") {
      STAVE_ASSIGN(last, read_id());
    } else if (!group && second_ == "entries_read") {
      STAVE_ASSIGN(const std::int64_t read, scanner_.integer(kCountMax));
      entries_read = static_cast<std::uint64_t>(read);
    } else if (!group && second_ == "consumers") {
      STAVE_TRY(scanner_.expect('{'));
      for (bool first_consumer = true;;) {
        STAVE_ASSIGN(const bool another, scanner_.next_member(element_, name_bytes_max(base64), first_consumer));
        if (!another) break;
        if (base64) STAVE_TRY(decode(element_, limits_.value_bytes_max));
        STAVE_TRY(read_stream_consumer(entry, number()));
      }
      number();
    } else {
      return scanner_.malformed("\"" + second_ + "\" does not belong there in a stream's group");
    }
  }
  number();
  return {};
}

Result<void> JsonEntryReader::read_stream_head(JsonEntry& entry, bool base64) {
  entry.stream.clear();
  types::stream::Counters counters;
  STAVE_TRY(scanner_.expect('{'));
  for (bool first = true;;) {
    STAVE_ASSIGN(const bool more, scanner_.next_member(second_, kNameMax, first));
    if (!more) break;
    if (second_ == "last_id") {
      STAVE_ASSIGN(counters.last_id, read_id());
    } else if (second_ == "max_deleted_id") {
      STAVE_ASSIGN(counters.max_deleted_id, read_id());
    } else if (second_ == "entries_added") {
      STAVE_ASSIGN(const std::int64_t added, scanner_.integer(kCountMax));
      counters.entries_added = static_cast<std::uint64_t>(added);
    } else if (second_ == "groups") {
      STAVE_TRY(scanner_.expect('{'));
      for (bool first_group = true;;) {
        STAVE_ASSIGN(const bool another, scanner_.next_member(element_, name_bytes_max(base64), first_group));
        if (!another) break;
        if (base64) STAVE_TRY(decode(element_, limits_.value_bytes_max));
        STAVE_TRY(read_stream_group(entry, base64));
      }
    } else {
      return scanner_.malformed("this version does not know \"" + second_ + "\" of a stream");
    }
  }
  entry.stream.set_counters(counters);
  return {};
}

Result<void> JsonEntryReader::read_stream_entry(JsonEntry& entry, bool base64) {
  STAVE_TRY(scanner_.expect('['));
  STAVE_ASSIGN(const Id id, read_id());
  std::vector<std::string> texts;
  std::size_t bytes = 0;
  for (bool first = false;;) {
    STAVE_ASSIGN(const bool more, scanner_.next_element(first));
    if (!more) break;
    STAVE_TRY(read_bytes(texts.emplace_back(), base64, limits_.value_bytes_max));
    bytes += texts.back().size() + kTextHead;
    STAVE_TRY(check_stream_size(entry, bytes));
  }
  if (texts.empty() || texts.size() % 2 != 0)
    return scanner_.malformed("an entry of a stream that is not an id, fields and values");
  std::vector<types::stream::Field> fields;
  for (std::size_t i = 0; i != texts.size(); i += 2) fields.push_back({.name = texts[i], .value = texts[i + 1]});
  if (!entry.stream.append(id, fields)) return scanner_.malformed("entries of a stream that are not in order");
  return {};
}

/// The rest of an array whose first element is what stands before a stream's entries.
Result<void> JsonEntryReader::read_stream(JsonEntry& entry, bool base64) {
  entry.shape = Kind::kStream;
  STAVE_TRY(read_stream_head(entry, base64));
  for (bool first = false;;) {
    STAVE_ASSIGN(const bool more, scanner_.next_element(first));
    if (!more) return {};
    STAVE_TRY(read_stream_entry(entry, base64));
  }
}

}  // namespace stave::exchange
