#include "doors/shell/printer.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "base/assert.h"
#include "doors/shell/text.h"
#include "types/string/number.h"

namespace stave::shell {

namespace {

using Kind = Reply::Kind;

bool is_aggregate(const Reply& reply) {
  return reply.kind == Kind::kArray || reply.kind == Kind::kMap || reply.kind == Kind::kSet ||
         reply.kind == Kind::kPush;
}

std::string digits_of(double number) {
  char text[32];
  return {text, types::format_double(number, text)};
}

// --- plain --------------------------------------------------------------------------------------

std::string scalar(const Reply& reply, bool terminal, bool keep_lines) {
  const auto shown = [&](const std::string& text) { return terminal ? printable(text, keep_lines) : text; };
  switch (reply.kind) {
    case Kind::kNull: return "(nil)";
    case Kind::kError: return "(error) " + shown(reply.text);
    case Kind::kInteger: return "(integer) " + std::to_string(reply.integer);
    case Kind::kDouble: return "(double) " + digits_of(reply.number);
    case Kind::kBoolean: return reply.integer != 0 ? "(true)" : "(false)";
    default: return shown(reply.text);
  }
}

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::kMap: return "hash";  // redis-cli's word
    case Kind::kSet: return "set";
    case Kind::kPush: return "push";
    default: return "array";
  }
}

std::string_view mark_of(Kind kind) {
  switch (kind) {
    case Kind::kMap: return "# ";
    case Kind::kSet: return "~ ";
    default: return ") ";
  }
}

/// Numbered as redis-cli does; `indent` blanks stand before every line but the first.
void nested(const Reply& reply, std::size_t indent, bool terminal, std::string& out) {
  if (!is_aggregate(reply)) {
    out.append(scalar(reply, terminal, false)) += '\n';
    return;
  }
  if (reply.elements.empty()) {
    out.append("(empty ").append(name_of(reply.kind)).append(")\n");
    return;
  }
  const bool map = reply.kind == Kind::kMap;
  const std::size_t step = map ? 2 : 1;
  const std::size_t count = reply.elements.size() / step;
  const std::size_t width = std::to_string(count).size();
  for (std::size_t i = 0; i < count; ++i) {
    if (i != 0) out.append(indent, ' ');
    const std::string number = std::to_string(i + 1);
    STAVE_ASSERT(number.size() <= width);
    out.append(width - number.size(), ' ').append(number).append(mark_of(reply.kind));
    const Reply& value = reply.elements[i * step + step - 1];
    if (map) {
      // What is nested below a name begins on a line of its own.
      const bool below = is_aggregate(value) && !value.elements.empty();
      out.append(scalar(reply.elements[i * step], terminal, false)).append(below ? " =>\n" : " => ");
      if (below) out.append(indent + width + 2, ' ');
    }
    nested(value, indent + width + 2, terminal, out);
  }
}

std::string plain(const Reply& reply, bool terminal) {
  if (!is_aggregate(reply)) {
    std::string text = scalar(reply, terminal, true);
    if (text.empty() || text.back() != '\n') text += '\n';
    return text;
  }
  std::string out;
  if (reply.elements.empty() || std::ranges::any_of(reply.elements, is_aggregate)) {
    nested(reply, 0, terminal, out);
    return out;
  }
  const std::size_t step = reply.kind == Kind::kMap ? 2 : 1;
  for (std::size_t i = 0; i + step <= reply.elements.size(); i += step) {
    if (step == 2) out.append(scalar(reply.elements[i], terminal, false)).append(" => ");
    out.append(scalar(reply.elements[i + step - 1], terminal, false)) += '\n';
  }
  return out;
}

// --- raw ----------------------------------------------------------------------------------------

void raw_lines(const Reply& reply, std::string& out) {
  if (is_aggregate(reply)) {
    for (const Reply& element : reply.elements) raw_lines(element, out);
    return;
  }
  switch (reply.kind) {
    case Kind::kNull: break;
    case Kind::kInteger: out += std::to_string(reply.integer); break;
    case Kind::kDouble: out += digits_of(reply.number); break;
    case Kind::kBoolean: out += reply.integer != 0 ? "true" : "false"; break;
    default: out += reply.text;
  }
  out += '\n';
}

// --- JSON ---------------------------------------------------------------------------------------

void json_text(const std::string& text, std::string& out) {
  if (is_utf8(text)) {
    append_json_string(out, text);
  } else {
    out.append("{\"base64\": \"").append(to_base64(text)).append("\"}");
  }
}

/// A member's name must be a string; a number becomes one. nullopt: it can be none.
std::optional<std::string> json_name(const Reply& reply) {
  if (reply.kind == Kind::kInteger) return std::to_string(reply.integer);
  if (is_aggregate(reply)) return std::nullopt;
  std::string text = scalar(reply, false, false);
  if (!is_utf8(text)) return std::nullopt;
  return text;
}

void json(const Reply& reply, std::string& out);

/// An object; or, when a name cannot be one's, an array of pairs: never other bytes.
void json_map(const Reply& reply, std::string& out) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i + 1 < reply.elements.size(); i += 2) {
    auto name = json_name(reply.elements[i]);
    if (!name) break;
    names.push_back(std::move(*name));
  }
  const bool object = names.size() == reply.elements.size() / 2;
  out += object ? '{' : '[';
  for (std::size_t i = 0; i + 1 < reply.elements.size(); i += 2) {
    if (i != 0) out += ", ";
    if (object) {
      append_json_string(out, names[i / 2]);
      out += ": ";
    } else {
      out += '[';
      json(reply.elements[i], out);
      out += ", ";
    }
    json(reply.elements[i + 1], out);
    if (!object) out += ']';
  }
  out += object ? '}' : ']';
}

void json(const Reply& reply, std::string& out) {
  switch (reply.kind) {
    case Kind::kNull: out += "null"; return;
    case Kind::kInteger: out += std::to_string(reply.integer); return;
    case Kind::kBigNumber: out += reply.text; return;
    case Kind::kBoolean: out += reply.integer != 0 ? "true" : "false"; return;
    case Kind::kDouble:
      // JSON has no infinity and no nan.
      if (std::isfinite(reply.number)) {
        out += digits_of(reply.number);
      } else {
        append_json_string(out, digits_of(reply.number));
      }
      return;
    case Kind::kError:
      out += "{\"error\": ";
      json_text(reply.text, out);
      out += '}';
      return;
    case Kind::kMap: json_map(reply, out); return;
    case Kind::kArray:
    case Kind::kSet:
    case Kind::kPush:
      out += '[';
      for (std::size_t i = 0; i < reply.elements.size(); ++i) {
        if (i != 0) out += ", ";
        json(reply.elements[i], out);
      }
      out += ']';
      return;
    default: json_text(reply.text, out); return;
  }
}

}  // namespace

std::string print(const Reply& reply, const Style& style) {
  std::string out;
  switch (style.format) {
    case Format::kPlain: return plain(reply, style.terminal);
    case Format::kRaw: raw_lines(reply, out); return out;
    case Format::kJson: json(reply, out); return out += '\n';
  }
  return out;
}

}  // namespace stave::shell
