#include "commands/script/values.h"

#include <limits>
#include <string>

#include "commands/script/text_at.h"
#include "types/string/number.h"

namespace stave::commands::script {

// --- to Lua ----------------------------------------------------------------------------------------------------------

void LuaSink::reserve() {
  luaL_checkstack(lua_, 8, "the answer is nested too deep");
}

void LuaSink::push_named(const char* name, std::string_view text) {
  reserve();
  lua_createtable(lua_, 0, 1);
  lua_pushstring(lua_, name);
  lua_pushlstring(lua_, text.data(), text.size());
  lua_rawset(lua_, -3);
  pushed();
}

void LuaSink::error(std::string_view text) {
  reserve();
  lua_createtable(lua_, 0, 4);
  lua_pushliteral(lua_, "err");
  lua_pushlstring(lua_, text.data(), text.size());
  lua_rawset(lua_, -3);
  // It was counted where it was made.
  lua_pushliteral(lua_, "ignore_error_stats_update");
  lua_pushboolean(lua_, 1);
  lua_rawset(lua_, -3);
  pushed();
}

void LuaSink::integer(std::int64_t value) {
  reserve();
  lua_pushnumber(lua_, static_cast<lua_Number>(value));
  pushed();
}

void LuaSink::bulk(std::string_view bytes) {
  reserve();
  lua_pushlstring(lua_, bytes.data(), bytes.size());
  pushed();
}

void LuaSink::null() {
  reserve();
  if (protocol_ == 2) {
    lua_pushboolean(lua_, 0);
  } else {
    lua_pushnil(lua_);
  }
  pushed();
}

void LuaSink::map(std::size_t pairs) {
  if (protocol_ == 2) return array(2 * pairs);
  open(Kind::kMap, "map", pairs);
}

void LuaSink::set(std::size_t count) {
  if (protocol_ == 2) return array(count);
  open(Kind::kSet, "set", count);
}

void LuaSink::real(double value) {
  if (protocol_ == 2) {
    char text[40];
    return bulk({text, types::format_double(value, text)});
  }
  reserve();
  lua_createtable(lua_, 0, 1);
  lua_pushliteral(lua_, "double");
  lua_pushnumber(lua_, value);
  lua_rawset(lua_, -3);
  pushed();
}

void LuaSink::boolean(bool value) {
  if (protocol_ == 2) return integer(value ? 1 : 0);
  reserve();
  lua_pushboolean(lua_, value ? 1 : 0);
  pushed();
}

void LuaSink::big_number(std::string_view digits) {
  if (protocol_ == 2) return bulk(digits);
  push_named("big_number", digits);
}

void LuaSink::verbatim(std::string_view format, std::string_view text) {
  if (protocol_ == 2) return bulk(text);
  reserve();
  lua_createtable(lua_, 0, 1);
  lua_pushliteral(lua_, "verbatim_string");
  lua_createtable(lua_, 0, 2);
  lua_pushliteral(lua_, "string");
  lua_pushlstring(lua_, text.data(), text.size());
  lua_rawset(lua_, -3);
  lua_pushliteral(lua_, "format");
  lua_pushlstring(lua_, format.data(), format.size());
  lua_rawset(lua_, -3);
  lua_rawset(lua_, -3);
  pushed();
}

void LuaSink::open(Kind kind, const char* name, std::size_t count) {
  reserve();
  constexpr std::size_t kReservedMax = 1 << 16;
  const int room = static_cast<int>(count < kReservedMax ? count : kReservedMax);
  if (name != nullptr) {
    lua_createtable(lua_, 0, 1);
    lua_pushstring(lua_, name);
  }
  lua_createtable(lua_, kind == Kind::kArray ? room : 0, kind == Kind::kArray ? 0 : room);
  open_.push_back({.kind = kind, .missing = count});
  if (count == 0) close();
}

/// The innermost aggregate is whole, and a value of the one around it.
void LuaSink::close() {
  const Kind kind = open_.back().kind;
  open_.pop_back();
  if (kind != Kind::kArray) lua_rawset(lua_, -3);
  pushed();
}

/// A value is on top of the stack: to be put into the aggregate below it.
void LuaSink::pushed() {
  if (open_.empty()) return;
  Open& into = open_.back();
  switch (into.kind) {
    case Kind::kArray: lua_rawseti(lua_, -2, ++into.index); break;
    case Kind::kMap:
      if (!into.has_key) {
        if (lua_isnil(lua_, -1)) {
          lua_pop(lua_, 1);
          lua_pushboolean(lua_, 0);
        }
        into.has_key = true;
        return;
      }
      into.has_key = false;
      lua_rawset(lua_, -3);
      break;
    case Kind::kSet:
      if (lua_isnil(lua_, -1)) {
        lua_pop(lua_, 1);
      } else {
        lua_pushboolean(lua_, 1);
        lua_rawset(lua_, -3);
      }
      break;
  }
  if (--into.missing == 0) close();
}

// --- from Lua --------------------------------------------------------------------------------------------------------

namespace {

/// The slots that writing one value takes, besides those of what lies in it.
constexpr int kSlots = 6;

std::string one_line(std::string_view text) {
  std::string line(text);
  for (char& c : line)
    if (c == '\r' || c == '\n') c = ' ';
  return line;
}

/// Pushes the field of the table on top of the stack; false, and nothing was pushed: it is of another type.
bool push_field(lua_State* lua, std::string_view name, int type) {
  lua_pushlstring(lua, name.data(), name.size());
  lua_rawget(lua, -2);
  if (lua_type(lua, -1) == type) return true;
  lua_pop(lua, 1);
  return false;
}

std::size_t count_pairs(lua_State* lua) {
  std::size_t count = 0;
  lua_pushnil(lua);
  while (lua_next(lua, -2) != 0) {
    lua_pop(lua, 1);
    ++count;
  }
  return count;
}

void write_map(lua_State* lua, int protocol, Sink& sink) {
  sink.map(count_pairs(lua));
  lua_pushnil(lua);
  while (lua_next(lua, -2) != 0) {
    lua_pushvalue(lua, -2);
    write_value(lua, protocol, sink);
    write_value(lua, protocol, sink);
  }
}

void write_set(lua_State* lua, int protocol, Sink& sink) {
  sink.set(count_pairs(lua));
  lua_pushnil(lua);
  while (lua_next(lua, -2) != 0) {
    lua_pop(lua, 1);
    lua_pushvalue(lua, -1);
    write_value(lua, protocol, sink);
  }
}

void write_array(lua_State* lua, int protocol, Sink& sink) {
  int count = 0;
  for (;; ++count) {
    lua_rawgeti(lua, -1, count + 1);
    const bool end = lua_isnil(lua, -1);
    lua_pop(lua, 1);
    if (end) break;
  }
  sink.array(static_cast<std::size_t>(count));
  for (int i = 1; i <= count; ++i) {
    lua_rawgeti(lua, -1, i);
    write_value(lua, protocol, sink);
  }
}

bool write_verbatim(lua_State* lua, Sink& sink) {
  // The table of format and string is on top.
  if (!push_field(lua, "format", LUA_TSTRING)) return false;
  lua_insert(lua, -2);
  if (!push_field(lua, "string", LUA_TSTRING)) {
    lua_remove(lua, -2);
    return false;
  }
  std::string format(text_at(lua, -3).substr(0, 3));
  format.resize(3, ' ');
  sink.verbatim(format, text_at(lua, -1));
  lua_pop(lua, 1);
  lua_remove(lua, -2);
  return true;
}

void write_table(lua_State* lua, int protocol, Sink& sink) {
  if (push_field(lua, "err", LUA_TSTRING)) {
    sink.error(one_line(text_at(lua, -1)));
  } else if (push_field(lua, "ok", LUA_TSTRING)) {
    sink.status(one_line(text_at(lua, -1)));
  } else if (push_field(lua, "double", LUA_TNUMBER)) {
    sink.real(lua_tonumber(lua, -1));
  } else if (push_field(lua, "big_number", LUA_TSTRING)) {
    sink.big_number(one_line(text_at(lua, -1)));
  } else {
    if (push_field(lua, "verbatim_string", LUA_TTABLE)) {
      const bool written = write_verbatim(lua, sink);
      lua_pop(lua, 1);
      if (written) return;
    }
    if (push_field(lua, "map", LUA_TTABLE)) {
      write_map(lua, protocol, sink);
    } else if (push_field(lua, "set", LUA_TTABLE)) {
      write_set(lua, protocol, sink);
    } else {
      return write_array(lua, protocol, sink);
    }
  }
  lua_pop(lua, 1);
}

std::int64_t truncated(double value) noexcept {
  // As the processors that Redis mostly runs on convert what does not fit.
  constexpr double kLimit = 9223372036854775808.0;
  if (!(value >= -kLimit && value < kLimit)) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(value);
}

}  // namespace

void write_value(lua_State* lua, int protocol, Sink& sink) {
  if (lua_checkstack(lua, kSlots) == 0) {
    sink.error("ERR reached lua stack limit");
    lua_pop(lua, 1);
    return;
  }
  switch (lua_type(lua, -1)) {
    case LUA_TSTRING: sink.bulk(text_at(lua, -1)); break;
    case LUA_TNUMBER: sink.integer(truncated(lua_tonumber(lua, -1))); break;
    case LUA_TBOOLEAN:
      if (protocol == 3) {
        sink.boolean(lua_toboolean(lua, -1) != 0);
      } else if (lua_toboolean(lua, -1) != 0) {
        sink.integer(1);
      } else {
        sink.null();
      }
      break;
    case LUA_TTABLE: write_table(lua, protocol, sink); break;
    default: sink.null(); break;
  }
  lua_pop(lua, 1);
}

}  // namespace stave::commands::script
