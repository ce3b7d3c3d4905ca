#include "doors/shell/printer.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/assert.h"
#include "doors/shell/text.h"

namespace stave::shell {

namespace {

using Kind = Reply::Kind;

bool is_aggregate(const Reply& reply) {
  return reply.kind == Kind::kArray || reply.kind == Kind::kMap || reply.kind == Kind::kSet ||
         reply.kind == Kind::kPush;
}

std::string digits_of(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  char text[32];
  const auto done = std::to_chars(text, text + sizeof text, number);
  STAVE_ASSERT(done.ec == std::errc{});
  return {text, done.ptr};
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
    case Kind::kMap: return "map";
    case Kind::kSet: return "set";
    case Kind::kPush: return "push";
    default: return "array";
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
    out.append(width - number.size(), ' ').append(number).append(map ? "# " : ") ");
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

/// A member's name must be a string; anything else becomes one.
void json_name(const Reply& reply, std::string& out) {
  const std::string text = is_aggregate(reply) ? std::string() : scalar(reply, false, false);
  append_json_string(out, reply.kind == Kind::kInteger ? std::to_string(reply.integer)
                          : is_utf8(text)              ? text
                                                       : to_base64(text));
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
    case Kind::kMap:
      out += '{';
      for (std::size_t i = 0; i + 1 < reply.elements.size(); i += 2) {
        if (i != 0) out += ", ";
        json_name(reply.elements[i], out);
        out += ": ";
        json(reply.elements[i + 1], out);
      }
      out += '}';
      return;
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
