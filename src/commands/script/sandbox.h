// What a script sees of Lua: the safe part of its libraries, in tables that cannot be changed.
//
// Promises: no way to files, processes, bytecode or the registry; whatever is changed is gone with the script, for what
// several scripts share shows only views of itself; nothing that a script calls runs away (recursion and repetition in
// C are bounded), but for patterns that take exponential time. Must not know: commands, the store.
#pragma once

#include <cstddef>
#include <string_view>

#include "commands/script/lua.h"

namespace stave::commands::script {

/// References in the registry.
struct Sandbox {
  int globals = LUA_NOREF;  ///< What the globals are a view of.
  int frozen = LUA_NOREF;   ///< A table without anything, which cannot be changed.
};

/// Opens the libraries in a new state. To be called protected.
Sandbox build_sandbox(lua_State* lua);
/// Replaces the table on top of the stack by a view of it that cannot be changed.
void protect(lua_State* lua, int frozen);
/// Has `on_instructions` called now and then.
void watch_instructions(lua_State* lua);

/// When this is set, whatever a script does is an error, until it has ended.
struct Interruption {
  std::string_view why;  ///< Empty: there is none.
  void (*look)(void* context) = nullptr;
  void* context = nullptr;
};
/// That of the state's script; null: no script runs.
Interruption* interruption_of(lua_State* lua) noexcept;
/// Raises the error again that a script may not catch.
void stay_interrupted(lua_State* lua);
/// Raises {err = text}. Does not return.
int raise_error(lua_State* lua, std::string_view text);
/// Pushes {err = text}.
void push_error(lua_State* lua, std::string_view text);
/// The error of who changes what cannot be changed.
int readonly_error(lua_State* lua);

}  // namespace stave::commands::script
