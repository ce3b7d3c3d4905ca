#include "exchange/json_stream.h"

#include "base/encoding.h"
#include "exchange/json_value.h"
#include "types/string/number.h"

namespace stave::exchange {

namespace {

using types::stream::Consumer;
using types::stream::Entry;
using types::stream::Group;
using types::stream::Id;
using types::stream::IdText;
using types::stream::Reader;

void append_id(std::string& to, const Id& id) {
  to += '"';
  to += IdText(id).view();
  to += '"';
}

void append_counter(std::string& to, std::uint64_t number) {
  to += std::to_string(number);
}

void append_pending(std::string& to, const Reader& stream, const Group& group, const Consumer& consumer) {
  bool first = true;
  to += '[';
  stream.visit_pending(group.number, consumer.number, types::stream::kIdMin, [&](const Id& id) {
    const auto pending = stream.pending(group.number, id);
    if (!pending) return false;
    separate(to, first);
    to += '[';
    append_id(to, id);
    to += ", ";
    to += types::Digits(pending->delivered_ms).view();
    to += ", ";
    append_counter(to, pending->deliveries);
    to += ']';
    return true;
  });
  to += ']';
}

void append_consumers(std::string& to, const Reader& stream, const Group& group, bool text) {
  bool first = true;
  to += '{';
  stream.visit_consumers(group.number, [&](std::string_view name, const Consumer& consumer) {
    separate(to, first);
    append_json_string(to, name, text);
    to += ": {\"seen\": ";
    to += types::Digits(consumer.seen_ms).view();
    if (consumer.active_ms) {
      to += ", \"active\": ";
      to += types::Digits(*consumer.active_ms).view();
    }
    to += ", \"pending\": ";
    append_pending(to, stream, group, consumer);
    to += '}';
    return true;
  });
  to += '}';
}

void append_groups(std::string& to, const Reader& stream, bool text) {
  bool first = true;
  to += '{';
  stream.visit_groups([&](std::string_view name, const Group& group) {
    separate(to, first);
    append_json_string(to, name, text);
    to += ": {\"last_id\": ";
    append_id(to, group.last_delivered);
    if (group.entries_read) {
      to += ", \"entries_read\": ";
      append_counter(to, *group.entries_read);
    }
    to += ", \"consumers\": ";
    append_consumers(to, stream, group, text);
    to += '}';
    return true;
  });
  to += '}';
}

}  // namespace

void append_json_string(std::string& to, std::string_view bytes, bool text) {
  if (text) return base::append_json_string(to, bytes);
  to += '"';
  base::append_base64(to, bytes);
  to += '"';
}

void visit_stream_strings(const Reader& stream, base::FunctionRef<bool(std::string_view)> visit) {
  bool on = true;
  stream.visit_groups([&](std::string_view name, const Group& group) {
    on = visit(name);
    const auto show = [&](std::string_view consumer, const Consumer&) { return on = visit(consumer); };
    if (on) stream.visit_consumers(group.number, show);
    return on;
  });
  if (!on) return;
  stream.visit(types::stream::kIdMin, types::stream::kIdMax, [&](const Entry& entry) {
    entry.visit([&](std::string_view name, std::string_view value) { on = on && visit(name) && visit(value); });
    return on;
  });
}

void append_json_stream(std::string& to, const Reader& stream, bool text) {
  to += "[{\"last_id\": ";
  append_id(to, stream.counters().last_id);
  to += ", \"entries_added\": ";
  append_counter(to, stream.counters().entries_added);
  to += ", \"max_deleted_id\": ";
  append_id(to, stream.counters().max_deleted_id);
  to += ", \"groups\": ";
  append_groups(to, stream, text);
  to += '}';
  stream.visit(types::stream::kIdMin, types::stream::kIdMax, [&](const Entry& entry) {
    to += ", [";
    append_id(to, entry.id());
    entry.visit([&](std::string_view name, std::string_view value) {
      to += ", ";
      append_json_string(to, name, text);
      to += ", ";
      append_json_string(to, value, text);
    });
    to += ']';
    return true;
  });
  to += ']';
}

}  // namespace stave::exchange
