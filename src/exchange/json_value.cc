#include "exchange/json_value.h"

#include <charconv>
#include <cmath>

#include "base/assert.h"
#include "base/encoding.h"
#include "exchange/json_stream.h"
#include "types/hash/compact.h"
#include "types/list/compact.h"
#include "types/set/compact.h"
#include "types/sorted_set/compact.h"
#include "types/stream/compact.h"

namespace stave::exchange {

namespace {

/// Shows all strings of a collection, one after the other, until one says no.
template <class Visit>
void visit_strings(Kind kind, std::string_view value, Visit&& visit) {
  switch (kind) {
    case Kind::kString:
    case Kind::kSketch: visit(value); return;
    case Kind::kHash:
      return types::hash::Compact(value).visit(
          [&](const types::hash::Field& f) { return visit(f.name) && visit(f.value); });
    case Kind::kList: {
      const types::list::Compact list(value);
      return list.visit(0, list.size(), visit);
    }
    case Kind::kSet: return types::set::Compact(value).visit(visit);
    case Kind::kSortedSet: {
      const types::sorted_set::Compact set(value);
      return set.visit(0, set.size(), [&](const types::sorted_set::Element& e) { return visit(e.member); });
    }
    case Kind::kStream: return visit_stream_strings(types::stream::Compact(value), visit);
  }
}

/// The shortest number that reads as this one. JSON has none for the infinities.
void append_score(std::string& to, double score) {
  if (std::isinf(score)) {
    to += score < 0 ? "\"-inf\"" : "\"inf\"";
    return;
  }
  char digits[32];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, score);
  STAVE_ASSERT(error == std::errc{});
  to.append(digits, end);
}

}  // namespace

void separate(std::string& to, bool& first) {
  if (!first) to += ", ";
  first = false;
}

bool is_text(Kind kind, std::string_view value) {
  bool text = true;
  visit_strings(kind, value, [&](std::string_view one) { return text = base::is_utf8(one); });
  return text;
}

void append_json_value(std::string& to, Kind kind, std::string_view value, bool text) {
  bool first = true;
  switch (kind) {
    case Kind::kString:
    case Kind::kSketch: append_json_string(to, value, text); return;
    case Kind::kHash:
      to += '{';
      types::hash::Compact(value).visit([&](const types::hash::Field& field) {
        separate(to, first);
        append_json_string(to, field.name, text);
        to += ": ";
        append_json_string(to, field.value, text);
        return true;
      });
      to += '}';
      return;
    case Kind::kList:
    case Kind::kSet:
      to += '[';
      visit_strings(kind, value, [&](std::string_view element) {
        separate(to, first);
        append_json_string(to, element, text);
        return true;
      });
      to += ']';
      return;
    case Kind::kSortedSet: {
      to += '[';
      const types::sorted_set::Compact set(value);
      set.visit(0, set.size(), [&](const types::sorted_set::Element& element) {
        separate(to, first);
        to += '[';
        append_json_string(to, element.member, text);
        to += ", ";
        append_score(to, element.score);
        to += ']';
        return true;
      });
      to += ']';
      return;
    }
    case Kind::kStream: append_json_stream(to, types::stream::Compact(value), text); return;
  }
}

bool append_json_deadlines(std::string& to, std::string_view hash, bool text) {
  if (!types::hash::Compact::expiring(hash)) return false;
  bool first = true;
  to += '{';
  types::hash::Compact(hash).visit([&](const types::hash::Field& field) {
    if (field.deadline == types::hash::kNever) return true;
    separate(to, first);
    append_json_string(to, field.name, text);
    to += ": ";
    to += types::Digits(raw(field.deadline)).view();
    return true;
  });
  to += '}';
  return true;
}

}  // namespace stave::exchange
