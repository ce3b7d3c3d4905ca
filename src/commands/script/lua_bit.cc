// bit.*: operations on 32 bits, after the description of Mike Pall's BitOp library.
#include <bit>
#include <cmath>
#include <cstdint>

#include "commands/script/libraries.h"

namespace stave::commands::script {
namespace {

/// A number modulo 2^32, rounded; what is none of those counts as 0.
std::uint32_t bits_at(lua_State* lua, int at) {
  const lua_Number number = luaL_checknumber(lua, at);
  if (!std::isfinite(number)) return 0;
  constexpr lua_Number kModulus = 4294967296.0;
  lua_Number rest = std::fmod(std::nearbyint(number), kModulus);
  if (rest < 0) rest += kModulus;
  return static_cast<std::uint32_t>(rest);
}

int push_bits(lua_State* lua, std::uint32_t bits) {
  lua_pushnumber(lua, static_cast<lua_Number>(static_cast<std::int32_t>(bits)));
  return 1;
}

template <class Operation>
int fold(lua_State* lua, Operation&& operation) {
  std::uint32_t bits = bits_at(lua, 1);
  const int count = lua_gettop(lua);
  for (int i = 2; i <= count; ++i) bits = operation(bits, bits_at(lua, i));
  return push_bits(lua, bits);
}

int tobit(lua_State* lua) {
  return push_bits(lua, bits_at(lua, 1));
}
int bnot(lua_State* lua) {
  return push_bits(lua, ~bits_at(lua, 1));
}
int band(lua_State* lua) {
  return fold(lua, [](std::uint32_t a, std::uint32_t b) { return a & b; });
}
int bor(lua_State* lua) {
  return fold(lua, [](std::uint32_t a, std::uint32_t b) { return a | b; });
}
int bxor(lua_State* lua) {
  return fold(lua, [](std::uint32_t a, std::uint32_t b) { return a ^ b; });
}
int lshift(lua_State* lua) {
  return push_bits(lua, bits_at(lua, 1) << (bits_at(lua, 2) & 31));
}
int rshift(lua_State* lua) {
  return push_bits(lua, bits_at(lua, 1) >> (bits_at(lua, 2) & 31));
}
int arshift(lua_State* lua) {
  return push_bits(lua,
                   static_cast<std::uint32_t>(static_cast<std::int32_t>(bits_at(lua, 1)) >> (bits_at(lua, 2) & 31)));
}
int rol(lua_State* lua) {
  return push_bits(lua, std::rotl(bits_at(lua, 1), static_cast<int>(bits_at(lua, 2) & 31)));
}
int ror(lua_State* lua) {
  return push_bits(lua, std::rotr(bits_at(lua, 1), static_cast<int>(bits_at(lua, 2) & 31)));
}
int bswap(lua_State* lua) {
  return push_bits(lua, __builtin_bswap32(bits_at(lua, 1)));
}

/// Eight digits, or the last `n`; a negative `n` asks for capitals.
int tohex(lua_State* lua) {
  constexpr std::int64_t kDigits = 8;
  std::uint32_t bits = bits_at(lua, 1);
  std::int64_t count = lua_isnoneornil(lua, 2) ? kDigits : static_cast<std::int32_t>(bits_at(lua, 2));
  const char* const digits = count < 0 ? "0123456789ABCDEF" : "0123456789abcdef";
  if (count < 0) count = -count;
  if (count > kDigits) count = kDigits;
  char text[kDigits];
  for (std::int64_t i = count; i-- > 0;) {
    text[i] = digits[bits & 15];
    bits >>= 4;
  }
  lua_pushlstring(lua, text, static_cast<std::size_t>(count));
  return 1;
}

}  // namespace

void push_bit(lua_State* lua) {
  static constexpr luaL_Reg kFunctions[] = {
      {"tobit", tobit},   {"bnot", bnot},       {"band", band}, {"bor", bor}, {"bxor", bxor},   {"lshift", lshift},
      {"rshift", rshift}, {"arshift", arshift}, {"rol", rol},   {"ror", ror}, {"bswap", bswap}, {"tohex", tohex}};
  push_functions(lua, kFunctions);
}

}  // namespace stave::commands::script
