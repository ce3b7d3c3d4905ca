// cjson.*: JSON (RFC 8259) made of tables, and tables of JSON, with the choices of the cjson library (2.1).
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "commands/script/json_settings.h"
#include "commands/script/libraries.h"
#include "commands/script/machine.h"

namespace stave::commands::script {
namespace {

/// However deep a script says that things may nest: the stack has an end.
constexpr int kDepthMax = 2000;

JsonSettings& settings_of(lua_State* lua) {
  return Machine::of(lua).json;
}

// --- encode ----------------------------------------------------------------------------------------------------------

class Encoder {
 public:
  Encoder(lua_State* lua, const JsonSettings& settings) : lua_(lua), settings_(settings) {}

  [[nodiscard]] const std::string& text() const noexcept { return text_; }

  /// The value on top of the stack, which stays.
  void value(int depth) {
    check_buffer(lua_, text_);
    switch (lua_type(lua_, -1)) {
      case LUA_TSTRING: string(); break;
      case LUA_TNUMBER: number(); break;
      case LUA_TBOOLEAN: text_ += lua_toboolean(lua_, -1) != 0 ? "true" : "false"; break;
      case LUA_TNIL: text_ += "null"; break;
      case LUA_TTABLE: table(depth + 1); break;
      case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(lua_, -1) == nullptr) {
          text_ += "null";
          break;
        }
        [[fallthrough]];
      default: fail("type not supported");
    }
  }

 private:
  void fail(const char* why) { luaL_error(lua_, "Cannot serialise %s: %s", luaL_typename(lua_, -1), why); }

  void string() {
    std::size_t size = 0;
    const char* const bytes = lua_tolstring(lua_, -1, &size);
    text_ += '"';
    for (std::size_t i = 0; i < size; ++i) {
      character(bytes[i]);
      if (i % 65536 == 0) check_buffer(lua_, text_);
    }
    text_ += '"';
  }
  void character(char c) {
    switch (c) {
      case '"': text_ += "\\\""; return;
      case '\\': text_ += "\\\\"; return;
      case '/': text_ += "\\/"; return;
      case '\b': text_ += "\\b"; return;
      case '\t': text_ += "\\t"; return;
      case '\n': text_ += "\\n"; return;
      case '\f': text_ += "\\f"; return;
      case '\r': text_ += "\\r"; return;
      default: break;
    }
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) {
      text_ += c;
      return;
    }
    constexpr std::string_view kHex = "0123456789abcdef";
    text_ += "\\u00";
    text_ += kHex[static_cast<unsigned char>(c) >> 4];
    text_ += kHex[static_cast<unsigned char>(c) & 15];
  }

  void number() {
    const lua_Number value = lua_tonumber(lua_, -1);
    if (!std::isfinite(value)) {
      if (settings_.encode_invalid_as_null) {
        text_ += "null";
        return;
      }
      if (!settings_.encode_invalid) fail("must not be NaN or Inf");
      text_ += std::isnan(value) ? "nan" : value < 0 ? "-inf" : "inf";
      return;
    }
    char digits[64];
    const int size = std::snprintf(digits, sizeof digits, "%.*g", settings_.digits, value);
    text_.append(digits, static_cast<std::size_t>(size));
  }

  /// The length of the table as an array; -1: it is none.
  lua_Number array_length() {
    lua_Number greatest = 0;
    lua_Number items = 0;
    lua_pushnil(lua_);
    while (lua_next(lua_, -2) != 0) {
      lua_pop(lua_, 1);
      const lua_Number key = lua_type(lua_, -1) == LUA_TNUMBER ? lua_tonumber(lua_, -1) : 0;
      if (!(key >= 1) || std::floor(key) != key) {
        lua_pop(lua_, 1);
        return -1;
      }
      greatest = std::max(greatest, key);
      items += 1;
    }
    if (settings_.sparse_ratio > 0 && greatest > items * settings_.sparse_ratio && greatest > settings_.sparse_safe) {
      if (!settings_.sparse_to_object) fail("excessively sparse array");
      return -1;
    }
    return greatest;
  }

  void table(int depth) {
    if (depth > std::min(settings_.encode_depth_max, kDepthMax) || lua_checkstack(lua_, 4) == 0)
      luaL_error(lua_, "Cannot serialise, excessive nesting (%d)", depth);
    const lua_Number length = array_length();
    if (length > 0) return array(length, depth);
    object(depth);
  }

  void array(lua_Number length, int depth) {
    text_ += '[';
    for (lua_Number i = 1; i <= length; ++i) {
      if (i > 1) text_ += ',';
      lua_pushnumber(lua_, i);
      lua_rawget(lua_, -2);
      value(depth);
      lua_pop(lua_, 1);
    }
    text_ += ']';
  }

  void object(int depth) {
    text_ += '{';
    bool first = true;
    lua_pushnil(lua_);
    while (lua_next(lua_, -2) != 0) {
      if (!first) text_ += ',';
      first = false;
      lua_pushvalue(lua_, -2);
      if (lua_type(lua_, -1) == LUA_TNUMBER) {
        text_ += '"';
        number();
        text_ += '"';
      } else if (lua_type(lua_, -1) == LUA_TSTRING) {
        string();
      } else {
        fail("table key must be a number or string");
      }
      lua_pop(lua_, 1);
      text_ += ':';
      value(depth);
      lua_pop(lua_, 1);
    }
    text_ += '}';
  }

  lua_State* lua_;
  const JsonSettings& settings_;
  std::string text_;
};

int encode(lua_State* lua) {
  if (lua_gettop(lua) != 1) return luaL_argerror(lua, 1, "expected 1 argument");
  Encoder encoder(lua, settings_of(lua));
  encoder.value(0);
  lua_pushlstring(lua, encoder.text().data(), encoder.text().size());
  return 1;
}

// --- decode ----------------------------------------------------------------------------------------------------------

void append_utf8(std::string& to, std::uint32_t point) {
  if (point < 0x80) {
    to += static_cast<char>(point);
  } else if (point < 0x800) {
    to += static_cast<char>(0xc0 | point >> 6);
    to += static_cast<char>(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    to += static_cast<char>(0xe0 | point >> 12);
    to += static_cast<char>(0x80 | (point >> 6 & 0x3f));
    to += static_cast<char>(0x80 | (point & 0x3f));
  } else {
    to += static_cast<char>(0xf0 | point >> 18);
    to += static_cast<char>(0x80 | (point >> 12 & 0x3f));
    to += static_cast<char>(0x80 | (point >> 6 & 0x3f));
    to += static_cast<char>(0x80 | (point & 0x3f));
  }
}

class Decoder {
 public:
  Decoder(lua_State* lua, const JsonSettings& settings, std::string_view text)
      : lua_(lua), settings_(settings), text_(text) {}

  /// Pushes the one value that the text is.
  void all() {
    // UTF-16 and UTF-32 have a zero among the first two bytes.
    if (text_.size() >= 2 && (text_[0] == '\0' || text_[1] == '\0'))
      luaL_error(lua_, "JSON parser does not support UTF-16 or UTF-32");
    value(0);
    skip_space();
    if (at_ != text_.size()) expected("the end");
  }

 private:
  [[nodiscard]] char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }
  [[nodiscard]] bool take(char c) noexcept {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void skip_space() noexcept {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }
  [[nodiscard]] const char* found() const noexcept {
    if (at_ >= text_.size()) return "T_END";
    switch (text_[at_]) {
      case '{': return "T_OBJ_BEGIN";
      case '}': return "T_OBJ_END";
      case '[': return "T_ARR_BEGIN";
      case ']': return "T_ARR_END";
      case '"': return "T_STRING";
      case ':': return "T_COLON";
      case ',': return "T_COMMA";
      case 't':
      case 'f':
        if (text_.substr(at_).starts_with("true") || text_.substr(at_).starts_with("false")) return "T_BOOLEAN";
        break;
      case 'n':
        if (text_.substr(at_).starts_with("null")) return "T_NULL";
        break;
      default:
        if (text_[at_] == '-' || (text_[at_] >= '0' && text_[at_] <= '9')) return "T_NUMBER";
        break;
    }
    return "invalid token";
  }
  void expected(const char* what) { expected(what, found(), at_); }
  void expected(const char* what, const char* but, std::size_t at) {
    luaL_error(lua_, "Expected %s but found %s at character %d", what, but, static_cast<int>(at + 1));
  }

  void value(int depth) {
    skip_space();
    luaL_checkstack(lua_, 4, "Found too many nested data structures");
    const std::string_view rest = text_.substr(at_);
    switch (peek()) {
      case '{': return object(depth + 1);
      case '[': return array(depth + 1);
      case '"': return push_string();
      case 't':
        if (!rest.starts_with("true")) break;
        at_ += 4;
        return lua_pushboolean(lua_, 1);
      case 'f':
        if (!rest.starts_with("false")) break;
        at_ += 5;
        return lua_pushboolean(lua_, 0);
      case 'n':
        if (!rest.starts_with("null")) break;
        at_ += 4;
        return lua_pushlightuserdata(lua_, nullptr);
      default: break;
    }
    if (!number()) expected("value");
  }

  bool number() {
    const char first = peek();
    const bool plain = first == '-' || (first >= '0' && first <= '9');
    const bool odd = first == 'i' || first == 'I' || first == 'n' || first == 'N' || first == '+';
    if (!plain && !(odd && settings_.decode_invalid && first != '+')) return false;
    // The text ends with a zero, as all of Lua's do.
    char* end = nullptr;
    const double value = std::strtod(text_.data() + at_, &end);
    const auto size = static_cast<std::size_t>(end - (text_.data() + at_));
    if (size == 0 && plain) expected("value", "invalid number", at_);
    if (size == 0) return false;
    if (!settings_.decode_invalid && !is_valid_number(text_.substr(at_, size)))
      expected("value", "invalid number", at_);
    at_ += size;
    lua_pushnumber(lua_, value);
    return true;
  }
  static bool is_valid_number(std::string_view digits) noexcept {
    if (digits.starts_with('-')) digits.remove_prefix(1);
    if (digits.empty() || digits[0] < '0' || digits[0] > '9') return false;
    if (digits.size() > 1 && digits[0] == '0' && digits[1] != '.' && digits[1] != 'e' && digits[1] != 'E') return false;
    return digits.find_first_of("xX") == std::string_view::npos;
  }

  void push_string() {
    const std::size_t begin = at_++;
    // Most have nothing to be replaced.
    const std::size_t stop = text_.find_first_of("\"\\", at_);
    if (stop != std::string_view::npos && text_[stop] == '"' && !has_control(text_.substr(at_, stop - at_))) {
      lua_pushlstring(lua_, text_.data() + at_, stop - at_);
      at_ = stop + 1;
      return;
    }
    std::string bytes;
    for (;;) {
      if (at_ >= text_.size()) expected("value", "unexpected end of string", at_);
      const char c = text_[at_];
      if (static_cast<unsigned char>(c) < 0x20) expected("value", "invalid token", begin);
      ++at_;
      if (c == '"') break;
      if (c == '\\') {
        escape(bytes);
      } else {
        bytes += c;
      }
    }
    lua_pushlstring(lua_, bytes.data(), bytes.size());
  }
  static bool has_control(std::string_view bytes) noexcept {
    return std::ranges::any_of(bytes, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  }
  void escape(std::string& to) {
    const char c = peek();
    ++at_;
    switch (c) {
      case '"':
      case '\\':
      case '/': to += c; return;
      case 'b': to += '\b'; return;
      case 'f': to += '\f'; return;
      case 'n': to += '\n'; return;
      case 'r': to += '\r'; return;
      case 't': to += '\t'; return;
      case 'u': return unicode(to);
      default: expected("value", "invalid escape code", at_ - 2);
    }
  }
  /// Four hex digits; -1: there are none.
  std::int32_t code_unit() noexcept {
    if (text_.size() - std::min(at_, text_.size()) < 4) return -1;
    std::int32_t value = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = text_[at_ + static_cast<std::size_t>(i)];
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return -1;
      value = value << 4 | digit;
    }
    at_ += 4;
    return value;
  }
  void unicode(std::string& to) {
    const std::size_t begin = at_ - 2;
    const auto invalid = [&] { expected("value", "invalid unicode escape code", begin); };
    std::int32_t point = code_unit();
    if (point < 0 || (point & 0xfc00) == 0xdc00) invalid();
    if ((point & 0xfc00) == 0xd800) {
      const bool again = take('\\') && take('u');
      const std::int32_t low = again ? code_unit() : -1;
      if (low < 0 || (low & 0xfc00) != 0xdc00) invalid();
      point = 0x10000 + ((point & 0x3ff) << 10 | (low & 0x3ff));
    }
    append_utf8(to, static_cast<std::uint32_t>(point));
  }

  void check_depth(int depth) {
    if (depth > std::min(settings_.decode_depth_max, kDepthMax))
      luaL_error(lua_, "Found too many nested data structures (%d) at character %d", depth, static_cast<int>(at_ + 1));
  }

  void array(int depth) {
    check_depth(depth);
    ++at_;
    lua_newtable(lua_);
    skip_space();
    if (take(']')) return;
    for (int i = 1;; ++i) {
      value(depth);
      lua_rawseti(lua_, -2, i);
      skip_space();
      if (take(']')) return;
      if (!take(',')) expected("comma or array end");
    }
  }

  void object(int depth) {
    check_depth(depth);
    ++at_;
    lua_newtable(lua_);
    skip_space();
    if (take('}')) return;
    for (;;) {
      skip_space();
      if (peek() != '"') expected("object key string");
      push_string();
      skip_space();
      if (!take(':')) expected("colon");
      value(depth);
      lua_rawset(lua_, -3);
      skip_space();
      if (take('}')) return;
      if (!take(',')) expected("comma or object end");
    }
  }

  lua_State* lua_;
  const JsonSettings& settings_;
  std::string_view text_;
  std::size_t at_ = 0;
};

int decode(lua_State* lua) {
  if (lua_gettop(lua) != 1) return luaL_argerror(lua, 1, "expected 1 argument");
  std::size_t size = 0;
  const char* const text = luaL_checklstring(lua, 1, &size);
  Decoder(lua, settings_of(lua), {text, size}).all();
  return 1;
}

// --- settings --------------------------------------------------------------------------------------------------------

/// Sets what argument `at` says, if it is there.
void set_number(lua_State* lua, int at, int& setting, int least, int most) {
  if (lua_isnoneornil(lua, at)) return;
  const lua_Integer value = luaL_checkinteger(lua, at);
  if (value < least || value > most) {
    luaL_argerror(lua, at, "value out of range");
    return;
  }
  setting = static_cast<int>(value);
}
int number_setting(lua_State* lua, int& setting, int least, int most) {
  set_number(lua, 1, setting, least, most);
  lua_pushinteger(lua, setting);
  return 1;
}

int encode_max_depth(lua_State* lua) {
  return number_setting(lua, settings_of(lua).encode_depth_max, 1, 0x7fffffff);
}
int decode_max_depth(lua_State* lua) {
  return number_setting(lua, settings_of(lua).decode_depth_max, 1, 0x7fffffff);
}
int encode_number_precision(lua_State* lua) {
  return number_setting(lua, settings_of(lua).digits, 1, 17);
}
int encode_sparse_array(lua_State* lua) {
  JsonSettings& settings = settings_of(lua);
  if (!lua_isnoneornil(lua, 1)) settings.sparse_to_object = lua_toboolean(lua, 1) != 0;
  set_number(lua, 2, settings.sparse_ratio, 0, 0x7fffffff);
  set_number(lua, 3, settings.sparse_safe, 0, 0x7fffffff);
  lua_pushboolean(lua, settings.sparse_to_object ? 1 : 0);
  lua_pushinteger(lua, settings.sparse_ratio);
  lua_pushinteger(lua, settings.sparse_safe);
  return 3;
}
int encode_invalid_numbers(lua_State* lua) {
  JsonSettings& settings = settings_of(lua);
  if (!lua_isnoneornil(lua, 1)) {
    const bool as_null = lua_type(lua, 1) == LUA_TSTRING && std::string_view(lua_tostring(lua, 1)) == "null";
    settings.encode_invalid_as_null = as_null;
    settings.encode_invalid = !as_null && lua_toboolean(lua, 1) != 0;
  }
  if (settings.encode_invalid_as_null) {
    lua_pushliteral(lua, "null");
  } else {
    lua_pushboolean(lua, settings.encode_invalid ? 1 : 0);
  }
  return 1;
}
int decode_invalid_numbers(lua_State* lua) {
  JsonSettings& settings = settings_of(lua);
  if (!lua_isnoneornil(lua, 1)) settings.decode_invalid = lua_toboolean(lua, 1) != 0;
  lua_pushboolean(lua, settings.decode_invalid ? 1 : 0);
  return 1;
}
/// The buffer is gone with each call, so there is nothing to choose.
int encode_keep_buffer(lua_State* lua) {
  lua_pushboolean(lua, 1);
  return 1;
}

}  // namespace

void push_cjson(lua_State* lua) {
  static constexpr luaL_Reg kFunctions[] = {{"encode", encode},
                                            {"decode", decode},
                                            {"encode_max_depth", encode_max_depth},
                                            {"decode_max_depth", decode_max_depth},
                                            {"encode_number_precision", encode_number_precision},
                                            {"encode_sparse_array", encode_sparse_array},
                                            {"encode_invalid_numbers", encode_invalid_numbers},
                                            {"decode_invalid_numbers", decode_invalid_numbers},
                                            {"encode_keep_buffer", encode_keep_buffer}};
  push_functions(lua, kFunctions);
  lua_pushlightuserdata(lua, nullptr);
  lua_setfield(lua, -2, "null");
  lua_pushliteral(lua, "cjson");
  lua_setfield(lua, -2, "_NAME");
  lua_pushliteral(lua, "2.1.0");
  lua_setfield(lua, -2, "_VERSION");
}

}  // namespace stave::commands::script
