// cmsgpack.*: MessagePack (its specification of 2013), laid out as the cmsgpack library does.
#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "commands/script/libraries.h"

namespace stave::commands::script {
namespace {

/// What nests deeper is packed as nil.
constexpr int kPackDepthMax = 16;
/// And cannot be unpacked.
constexpr int kUnpackDepthMax = 1000;

// --- pack ------------------------------------------------------------------------------------------------------------

void put(std::string& to, std::uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) to += static_cast<char>(value >> (8 * i) & 0xff);
}
void put_head(std::string& to, unsigned head, std::uint64_t value, int bytes) {
  to += static_cast<char>(head);
  put(to, value, bytes);
}

void pack_text(std::string& to, std::string_view text) {
  if (text.size() < 32) {
    to += static_cast<char>(0xa0 | text.size());
  } else if (text.size() <= 0xff) {
    put_head(to, 0xd9, text.size(), 1);
  } else if (text.size() <= 0xffff) {
    put_head(to, 0xda, text.size(), 2);
  } else {
    put_head(to, 0xdb, text.size(), 4);
  }
  to += text;
}

void pack_integer(std::string& to, std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  if (value >= 0) {
    if (value < 128) return put(to, bits, 1);
    if (value <= 0xff) return put_head(to, 0xcc, bits, 1);
    if (value <= 0xffff) return put_head(to, 0xcd, bits, 2);
    if (value <= 0xffffffff) return put_head(to, 0xce, bits, 4);
    return put_head(to, 0xcf, bits, 8);
  }
  if (value >= -32) return put(to, bits, 1);
  if (value >= -128) return put_head(to, 0xd0, bits, 1);
  if (value >= -32768) return put_head(to, 0xd1, bits, 2);
  if (value >= -2147483648LL) return put_head(to, 0xd2, bits, 4);
  put_head(to, 0xd3, bits, 8);
}

void pack_number(std::string& to, double number) {
  constexpr double kLimit = 9223372036854775808.0;
  if (number >= -kLimit && number < kLimit && std::trunc(number) == number)
    return pack_integer(to, static_cast<std::int64_t>(number));
  if (const auto narrow = static_cast<float>(number); static_cast<double>(narrow) == number)
    return put_head(to, 0xca, std::bit_cast<std::uint32_t>(narrow), 4);
  put_head(to, 0xcb, std::bit_cast<std::uint64_t>(number), 8);
}

/// How many pairs the table on top of the stack has, and whether its keys are 1 to their number.
std::size_t count_pairs(lua_State* lua, bool& is_list) {
  std::size_t count = 0;
  lua_Number greatest = 0;
  is_list = true;
  lua_pushnil(lua);
  while (lua_next(lua, -2) != 0) {
    lua_pop(lua, 1);
    ++count;
    if (lua_type(lua, -1) != LUA_TNUMBER) {
      is_list = false;
      continue;
    }
    const lua_Number key = lua_tonumber(lua, -1);
    if (!(key >= 1) || std::trunc(key) != key) is_list = false;
    if (key > greatest) greatest = key;
  }
  is_list = is_list && greatest == static_cast<lua_Number>(count);
  return count;
}

void pack_value(lua_State* lua, std::string& to, int depth);

void pack_table(lua_State* lua, std::string& to, int depth) {
  bool is_list = false;
  const std::size_t count = count_pairs(lua, is_list);
  if (is_list) {
    if (count < 16) {
      to += static_cast<char>(0x90 | count);
    } else {
      put_head(to, count <= 0xffff ? 0xdc : 0xdd, count, count <= 0xffff ? 2 : 4);
    }
    for (std::size_t i = 1; i <= count; ++i) {
      lua_rawgeti(lua, -1, static_cast<int>(i));
      pack_value(lua, to, depth + 1);
    }
    return;
  }
  if (count < 16) {
    to += static_cast<char>(0x80 | count);
  } else {
    put_head(to, count <= 0xffff ? 0xde : 0xdf, count, count <= 0xffff ? 2 : 4);
  }
  lua_pushnil(lua);
  while (lua_next(lua, -2) != 0) {
    lua_pushvalue(lua, -2);
    pack_value(lua, to, depth + 1);
    pack_value(lua, to, depth + 1);
  }
}

/// Packs the value on top of the stack, and pops it.
void pack_value(lua_State* lua, std::string& to, int depth) {
  luaL_checkstack(lua, 5, "in function cmsgpack.pack");
  check_buffer(lua, to);
  const int type = lua_type(lua, -1);
  switch (type) {
    case LUA_TSTRING: {
      std::size_t size = 0;
      const char* const text = lua_tolstring(lua, -1, &size);
      pack_text(to, {text, size});
      break;
    }
    case LUA_TBOOLEAN: to += static_cast<char>(lua_toboolean(lua, -1) != 0 ? 0xc3 : 0xc2); break;
    case LUA_TNUMBER: pack_number(to, lua_tonumber(lua, -1)); break;
    default:
      if (type == LUA_TTABLE && depth < kPackDepthMax) {
        pack_table(lua, to, depth);
      } else {
        to += static_cast<char>(0xc0);
      }
      break;
  }
  lua_pop(lua, 1);
}

int pack_messages(lua_State* lua) {
  const int count = lua_gettop(lua);
  if (count == 0) return luaL_argerror(lua, 0, "MessagePack pack needs input.");
  std::string packed;
  luaL_checkstack(lua, 2, "Too many arguments for MessagePack pack.");
  for (int i = 1; i <= count; ++i) {
    lua_pushvalue(lua, i);
    pack_value(lua, packed, 0);
  }
  check_buffer(lua, packed);
  lua_pushlstring(lua, packed.data(), packed.size());
  return 1;
}

// --- unpack ----------------------------------------------------------------------------------------------------------

class Reader {
 public:
  Reader(lua_State* lua, std::string_view data, std::size_t at) : lua_(lua), data_(data), at_(at) {}

  [[nodiscard]] std::size_t at() const noexcept { return at_; }
  [[nodiscard]] bool done() const noexcept { return at_ == data_.size(); }

  /// Pushes the next value.
  void push(int depth) {
    if (depth > kUnpackDepthMax) bad();
    luaL_checkstack(lua_, 4, "too many return values at once; use unpack_one or unpack_limit instead.");
    const auto head = static_cast<unsigned>(take(1));
    if (head < 0x80) return push_number(head);
    if (head < 0x90) return push_map(head & 15, depth);
    if (head < 0xa0) return push_list(head & 15, depth);
    if (head < 0xc0) return push_text(head & 31);
    if (head >= 0xe0) return push_number(static_cast<std::int8_t>(head));
    switch (head) {
      case 0xc0: lua_pushnil(lua_); return;
      case 0xc2: lua_pushboolean(lua_, 0); return;
      case 0xc3: lua_pushboolean(lua_, 1); return;
      case 0xc4:
      case 0xd9: return push_text(take(1));
      case 0xc5:
      case 0xda: return push_text(take(2));
      case 0xc6:
      case 0xdb: return push_text(take(4));
      case 0xca: return push_number(std::bit_cast<float>(static_cast<std::uint32_t>(take(4))));
      case 0xcb: return push_number(std::bit_cast<double>(take(8)));
      case 0xcc: return push_number(take(1));
      case 0xcd: return push_number(take(2));
      case 0xce: return push_number(take(4));
      case 0xcf: return push_number(take(8));
      case 0xd0: return push_number(static_cast<std::int8_t>(take(1)));
      case 0xd1: return push_number(static_cast<std::int16_t>(take(2)));
      case 0xd2: return push_number(static_cast<std::int32_t>(take(4)));
      case 0xd3: return push_number(static_cast<std::int64_t>(take(8)));
      case 0xdc: return push_list(take(2), depth);
      case 0xdd: return push_list(take(4), depth);
      case 0xde: return push_map(take(2), depth);
      case 0xdf: return push_map(take(4), depth);
      default: bad();
    }
  }

 private:
  void bad() { luaL_error(lua_, "Bad data format in input."); }
  std::uint64_t take(std::size_t bytes) {
    if (data_.size() - at_ < bytes) luaL_error(lua_, "Missing bytes in input.");
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<unsigned char>(data_[at_++]);
    return value;
  }
  template <class Number>
  void push_number(Number number) {
    lua_pushnumber(lua_, static_cast<lua_Number>(number));
  }
  void push_text(std::uint64_t size) {
    if (data_.size() - at_ < size) luaL_error(lua_, "Missing bytes in input.");
    lua_pushlstring(lua_, data_.data() + at_, size);
    at_ += size;
  }
  /// Every element takes a byte at least, so a count that is greater than what is left is a lie.
  void check_count(std::uint64_t elements) {
    if (elements > data_.size() - at_) luaL_error(lua_, "Missing bytes in input.");
  }
  void push_list(std::uint64_t count, int depth) {
    check_count(count);
    lua_newtable(lua_);
    for (std::uint64_t i = 1; i <= count; ++i) {
      push(depth + 1);
      lua_rawseti(lua_, -2, static_cast<int>(i));
    }
  }
  void push_map(std::uint64_t pairs, int depth) {
    check_count(2 * pairs);
    lua_newtable(lua_);
    for (std::uint64_t i = 0; i < pairs; ++i) {
      push(depth + 1);
      const bool usable =
          !lua_isnil(lua_, -1) && !(lua_type(lua_, -1) == LUA_TNUMBER && std::isnan(lua_tonumber(lua_, -1)));
      push(depth + 1);
      if (!usable) bad();
      lua_rawset(lua_, -3);
    }
  }

  lua_State* lua_;
  std::string_view data_;
  std::size_t at_;
};

/// Pushes up to `limit` values from `offset` on; `limit` 0: all. Where it stopped comes first, if that was asked for.
int unpack_from(lua_State* lua, lua_Integer limit, lua_Number offset, bool tell) {
  std::size_t size = 0;
  const char* const text = luaL_checklstring(lua, 1, &size);
  if (!(offset >= 0 && limit >= 0)) return luaL_error(lua, "Invalid request to unpack with offset of %f.", offset);
  if (offset > static_cast<lua_Number>(size))
    return luaL_error(lua, "Start offset %f greater than input length %f.", offset, static_cast<lua_Number>(size));
  Reader reader(lua, {text, size}, static_cast<std::size_t>(offset));
  int count = 0;
  while (!reader.done() && (limit == 0 || count < limit)) {
    reader.push(0);
    ++count;
  }
  if (!tell) return count;
  luaL_checkstack(lua, 1, "too many values");
  lua_pushnumber(lua, reader.done() ? -1 : static_cast<lua_Number>(reader.at()));
  lua_insert(lua, -count - 1);
  return count + 1;
}

int unpack_messages(lua_State* lua) {
  return unpack_from(lua, 0, 0, false);
}
int unpack_one(lua_State* lua) {
  const lua_Number offset = luaL_optnumber(lua, 2, 0);
  return unpack_from(lua, 1, offset, true);
}
int unpack_limit(lua_State* lua) {
  const lua_Integer limit = luaL_checkinteger(lua, 2);
  const lua_Number offset = luaL_optnumber(lua, 3, 0);
  return unpack_from(lua, limit, offset, true);
}

}  // namespace

void push_cmsgpack(lua_State* lua) {
  static constexpr luaL_Reg kFunctions[] = {
      {"pack", pack_messages}, {"unpack", unpack_messages}, {"unpack_one", unpack_one}, {"unpack_limit", unpack_limit}};
  push_functions(lua, kFunctions);
}

}  // namespace stave::commands::script
