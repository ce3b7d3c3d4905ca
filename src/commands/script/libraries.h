// The libraries that scripts find besides Lua's own, each in a file of its own: bounded in memory, depth and time,
// since their input is anybody's.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "commands/script/lua.h"

namespace stave::commands::script {

struct Library {
  const char* name;
  const char* other_name;  ///< Null: it has one name.
  /// Pushes a new table of the library's functions.
  void (*push)(lua_State* lua);
};

void push_api(lua_State* lua);
void push_bit(lua_State* lua);
void push_struct(lua_State* lua);
void push_cmsgpack(lua_State* lua);
void push_cjson(lua_State* lua);

inline std::span<const Library> libraries() {
  static constexpr Library kLibraries[] = {{"redis", "server", push_api},
                                           {"bit", nullptr, push_bit},
                                           {"struct", nullptr, push_struct},
                                           {"cmsgpack", nullptr, push_cmsgpack},
                                           {"cjson", nullptr, push_cjson}};
  return kLibraries;
}

/// Pushes a table of them.
inline void push_functions(lua_State* lua, std::span<const luaL_Reg> functions) {
  lua_createtable(lua, 0, static_cast<int>(functions.size()));
  for (const luaL_Reg& function : functions) {
    lua_pushcfunction(lua, function.func);
    lua_setfield(lua, -2, function.name);
  }
}

/// What a library builds outside of Lua's memory has a bound of its own.
inline void check_buffer(lua_State* lua, const std::string& buffer) {
  constexpr std::size_t kBytesMax = std::size_t{64} << 20;
  if (buffer.size() > kBytesMax) luaL_error(lua, "not enough memory");
}

}  // namespace stave::commands::script
