#include "doors/http/change_text.h"

#include "commands/type_names.h"
#include "doors/http/collections.h"
#include "doors/http/draft.h"
#include "doors/http/json_text.h"
#include "doors/http/response.h"
#include "doors/http/times.h"

namespace stave::http {

namespace {

/// `"name":"text"`, or `"name_base64":"…"` when the bytes are no text.
void append_member(std::string& out, std::string_view name, std::string_view bytes) {
  if (is_utf8(bytes)) {
    out.append("\"").append(name).append("\":");
    append_json_string(out, bytes);
  } else {
    out.append("\"").append(name).append("_base64\":\"");
    append_base64(out, bytes);
    out += '"';
  }
}

void append_collection(std::string& out, const store::LoggedChange& change) {
  const store::ValueView held{.type = *change.type, .value = *change.value, .size = change.value->size()};
  CopiedCollection collection;
  collection.take(held, change.time);
  Draft draft;
  Response described;
  const bool known = !draft_document(collection, {}, draft, described);
  while (known && !draft.write_some()) {
  }
  out += "\"value\":";
  if (known && draft.good()) {
    std::string text = draft.take();
    while (text.ends_with('\n')) text.pop_back();
    out += text;
  } else {
    out += "null";
  }
}

void append_value(std::string& out, const store::LoggedChange& change) {
  using store::ValueType;
  if (!change.value) {
    out += "\"value\":null";
  } else if (*change.type == ValueType::kString || *change.type == ValueType::kJson ||
             *change.type == ValueType::kSketch) {
    append_member(out, "value", *change.value);
  } else {
    append_collection(out, change);
  }
}

void append_number(std::string& out, std::string_view name, Lsn lsn) {
  out.append("\"").append(name).append("\":\"").append(std::to_string(raw(lsn))).append("\",");
}

void append_object(std::string& out, store::Engine& engine, const store::LoggedChange& change, bool values) {
  const store::StoreClock& time = engine.time();
  out += '{';
  append_number(out, "lsn", change.lsn);
  append_number(out, "batch", change.batch);
  out.append("\"last\":").append(change.last ? "true" : "false");
  out.append(",\"time\":\"").append(rfc3339(time.to_wall(change.time)));
  out.append("\",\"db\":").append(std::to_string(change.database));
  out.append(",\"kind\":\"").append(to_string(change.kind)).append("\"");
  if (change.type) out.append(",\"type\":\"").append(commands::type_name(*change.type)).append("\"");
  if (change.kind == store::LoggedChange::Kind::kSwap) {
    out.append(",\"with\":").append(std::to_string(change.other));
  } else if (!change.whole_database() && change.kind != store::LoggedChange::Kind::kLost) {
    out += ',';
    append_member(out, "key", change.key);
  }
  if (!change.expiry.never())
    out.append(",\"expires_at\":\"").append(rfc3339(time.to_wall(change.expiry.at))).append("\"");
  if (values && change.type) {
    out += ',';
    append_value(out, change);
  }
  out += '}';
}

}  // namespace

void append_change(std::string& out, ChangeForm form, store::Engine& engine, const store::LoggedChange& change,
                   bool values) {
  if (form == ChangeForm::kLines) {
    append_object(out, engine, change, values);
    out += '\n';
    return;
  }
  out.append("id: ").append(std::to_string(raw(change.lsn))).append("\ndata: ");
  const std::size_t begin = out.size();
  append_object(out, engine, change, values);
  // A line of its own would be another line of data.
  for (std::size_t at = out.find('\n', begin); at != std::string::npos; at = out.find('\n', at)) out[at] = ' ';
  out += "\n\n";
}

void append_position(std::string& out, ChangeForm form, Lsn position) {
  if (form == ChangeForm::kLines) {
    out.append("{\"position\":\"").append(std::to_string(raw(position))).append("\"}\n");
  } else {
    // Without data it is no event, but what comes back as Last-Event-ID.
    out.append("id: ").append(std::to_string(raw(position))).append("\n\n");
  }
}

void append_end(std::string& out, ChangeForm form, std::string_view problem) {
  while (problem.ends_with('\n')) problem.remove_suffix(1);
  if (form == ChangeForm::kLines) {
    out.append("{\"error\":").append(problem).append("}\n");
  } else {
    out.append("event: error\ndata: ").append(problem).append("\n\n");
  }
}

}  // namespace stave::http
