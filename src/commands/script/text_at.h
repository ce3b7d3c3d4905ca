// A text on Lua's stack.
#pragma once

#include <string_view>

#include "commands/script/lua.h"

namespace stave::commands::script {

/// Valid as long as it is on the stack; a number is made one there, and anything else has none.
inline std::string_view text_at(lua_State* lua, int at) {
  std::size_t size = 0;
  const char* const text = lua_tolstring(lua, at, &size);
  return text == nullptr ? std::string_view() : std::string_view(text, size);
}

}  // namespace stave::commands::script
