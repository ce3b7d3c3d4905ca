// struct.*: numbers and strings in binary layouts, after the description of Roberto Ierusalimschy's struct library.
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>

#include "commands/script/libraries.h"

namespace stave::commands::script {
namespace {

constexpr std::size_t kIntegerBytesMax = 32;
constexpr std::size_t kAlignment = 8;
/// No layout says more than that of one item.
constexpr std::size_t kSizeMax = std::numeric_limits<std::int32_t>::max();

/// One item of a layout.
struct Item {
  char option = ' ';
  std::size_t size = 0;
  std::size_t padding = 0;
};

class Layout {
 public:
  Layout(lua_State* lua, std::string_view text) : lua_(lua), text_(text) {}

  [[nodiscard]] bool done() const noexcept { return at_ == text_.size(); }
  [[nodiscard]] bool big() const noexcept { return big_; }

  /// The next item, which comes behind `length` bytes. An option that is no item is a space.
  Item next(std::size_t length) {
    Item item{.option = text_[at_++]};
    switch (item.option) {
      case ' ': return item;
      case '>': big_ = true; return {};
      case '<': big_ = false; return {};
      case '!': set_alignment(); return {};
      case 'b':
      case 'B':
      case 'x': item.size = 1; break;
      case 'h':
      case 'H': item.size = 2; break;
      case 'l':
      case 'L':
      case 'T':
      case 'd': item.size = 8; break;
      case 'f': item.size = 4; break;
      case 's': return item;
      case 'c': item.size = number(1); return item;
      case 'i':
      case 'I':
        item.size = number(4);
        if (item.size == 0 || item.size > kIntegerBytesMax)
          luaL_error(lua_, "integral size %d is larger than limit of %d", static_cast<int>(item.size),
                     static_cast<int>(kIntegerBytesMax));
        break;
      default: luaL_argerror(lua_, 1, lua_pushfstring(lua_, "invalid format option '%c'", item.option));
    }
    const std::size_t unit = item.size > alignment_ ? alignment_ : item.size;
    if (unit > 1 && std::has_single_bit(unit)) item.padding = (unit - (length & (unit - 1))) & (unit - 1);
    return item;
  }

 private:
  std::size_t number(std::size_t otherwise) {
    if (done() || text_[at_] < '0' || text_[at_] > '9') return otherwise;
    std::size_t value = 0;
    while (!done() && text_[at_] >= '0' && text_[at_] <= '9') {
      value = value * 10 + static_cast<std::size_t>(text_[at_++] - '0');
      if (value > kSizeMax) luaL_error(lua_, "integral size overflow");
    }
    return value;
  }
  void set_alignment() {
    alignment_ = number(kAlignment);
    if (!std::has_single_bit(alignment_)) luaL_error(lua_, "alignment is not a power of 2");
  }

  lua_State* lua_;
  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t alignment_ = 1;
  bool big_ = false;
};

std::string_view check_text(lua_State* lua, int at) {
  std::size_t size = 0;
  const char* const text = luaL_checklstring(lua, at, &size);
  return {text, size};
}

std::uint64_t whole(lua_Number number) noexcept {
  constexpr lua_Number kLimit = 9223372036854775808.0;
  if (number >= -kLimit && number < kLimit) return static_cast<std::uint64_t>(static_cast<std::int64_t>(number));
  if (number >= kLimit && number < 2 * kLimit) return static_cast<std::uint64_t>(number);
  return 0;
}

void put_integer(std::string& to, std::uint64_t value, std::size_t size, bool big) {
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t place = big ? size - 1 - i : i;
    to += static_cast<char>(place < 8 ? value >> (8 * place) & 0xff : 0);
  }
}

std::uint64_t get_integer(std::string_view from, bool big) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::size_t place = big ? from.size() - 1 - i : i;
    if (place < 8) value |= std::uint64_t{static_cast<unsigned char>(from[i])} << (8 * place);
  }
  return value;
}

void pack_one(lua_State* lua, std::string& to, const Item& item, bool big, int& argument) {
  switch (item.option) {
    case 'x': to += '\0'; return;
    case 's': {
      to += check_text(lua, argument++);
      to += '\0';
      return;
    }
    case 'c': {
      const std::string_view text = check_text(lua, argument++);
      if (item.size > text.size()) luaL_argerror(lua, argument, "string too short");
      to += item.size == 0 ? text : text.substr(0, item.size);
      return;
    }
    case 'f': {
      const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(luaL_checknumber(lua, argument++)));
      return put_integer(to, bits, item.size, big);
    }
    case 'd': return put_integer(to, std::bit_cast<std::uint64_t>(luaL_checknumber(lua, argument++)), item.size, big);
    default: return put_integer(to, whole(luaL_checknumber(lua, argument++)), item.size, big);
  }
}

int pack_struct(lua_State* lua) {
  Layout layout(lua, check_text(lua, 1));
  std::string packed;
  int argument = 2;
  while (!layout.done()) {
    const Item item = layout.next(packed.size());
    if (item.option == ' ') continue;
    packed.append(item.padding, '\0');
    pack_one(lua, packed, item, layout.big(), argument);
    check_buffer(lua, packed);
  }
  lua_pushlstring(lua, packed.data(), packed.size());
  return 1;
}

/// Pushes the item at the front of `data`, which is long enough.
void push_item(lua_State* lua, const Item& item, std::string_view data, bool big) {
  const std::string_view bytes = data.substr(0, item.size);
  const std::uint64_t value = get_integer(bytes, big);
  if (item.option == 'f')
    return lua_pushnumber(lua, static_cast<lua_Number>(std::bit_cast<float>(static_cast<std::uint32_t>(value))));
  if (item.option == 'd') return lua_pushnumber(lua, std::bit_cast<double>(value));
  const bool is_signed = item.option >= 'a' && item.option <= 'z';
  if (!is_signed) return lua_pushnumber(lua, static_cast<lua_Number>(value));
  const std::size_t unused = item.size < 8 ? 64 - 8 * item.size : 0;
  lua_pushnumber(lua, static_cast<lua_Number>(static_cast<std::int64_t>(value << unused) >> unused));
}

int unpack_struct(lua_State* lua) {
  Layout layout(lua, check_text(lua, 1));
  const std::string_view data = check_text(lua, 2);
  const lua_Number first = luaL_optnumber(lua, 3, 1);
  if (!(first >= 1)) return luaL_argerror(lua, 3, "offset must be 1 or greater");
  if (first - 1 > static_cast<lua_Number>(data.size())) return luaL_argerror(lua, 2, "data string too short");
  auto at = static_cast<std::size_t>(first) - 1;
  int results = 0;
  while (!layout.done()) {
    const Item item = layout.next(at);
    if (item.option == ' ') continue;
    const std::size_t left = data.size() - at;
    if (item.padding > left || item.size > left - item.padding) return luaL_argerror(lua, 2, "data string too short");
    at += item.padding;
    luaL_checkstack(lua, 2, "too many results");
    std::size_t size = item.size;
    switch (item.option) {
      case 'x': at += 1; continue;
      case 's': {
        const std::size_t end = data.find('\0', at);
        if (end == std::string_view::npos) return luaL_error(lua, "unfinished string in data");
        lua_pushlstring(lua, data.data() + at, end - at);
        size = end - at + 1;
        break;
      }
      case 'c':
        if (size == 0) {
          if (results == 0 || lua_type(lua, -1) != LUA_TNUMBER)
            return luaL_error(lua, "format 'c0' needs a previous size");
          const lua_Number wanted = lua_tonumber(lua, -1);
          lua_pop(lua, 1);
          --results;
          if (!(wanted >= 0 && wanted <= static_cast<lua_Number>(data.size() - at)))
            return luaL_argerror(lua, 2, "data string too short");
          size = static_cast<std::size_t>(wanted);
        }
        lua_pushlstring(lua, data.data() + at, size);
        break;
      default: push_item(lua, item, data.substr(at), layout.big()); break;
    }
    at += size;
    ++results;
  }
  lua_pushnumber(lua, static_cast<lua_Number>(at + 1));
  return results + 1;
}

int size(lua_State* lua) {
  Layout layout(lua, check_text(lua, 1));
  std::size_t all = 0;
  while (!layout.done()) {
    const Item item = layout.next(all);
    if (item.option == ' ') continue;
    if (item.option == 's' || (item.option == 'c' && item.size == 0))
      return luaL_argerror(lua, 1, lua_pushfstring(lua, "option '%c' has no fixed size", item.option));
    all += item.padding + item.size;
  }
  lua_pushnumber(lua, static_cast<lua_Number>(all));
  return 1;
}

}  // namespace

void push_struct(lua_State* lua) {
  static constexpr luaL_Reg kFunctions[] = {{"pack", pack_struct}, {"unpack", unpack_struct}, {"size", size}};
  push_functions(lua, kFunctions);
}

}  // namespace stave::commands::script
