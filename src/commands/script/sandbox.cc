#include "commands/script/sandbox.h"

#include <cmath>
#include <cstring>
#include <ctime>
#include <string>

#include "base/assert.h"
#include "commands/script/libraries.h"
#include "commands/script/machine.h"

namespace stave::commands::script {
namespace {

constexpr int kInstructionsPerLook = 20'000;
/// The matcher of Lua calls itself for each item of a pattern.
constexpr std::size_t kPatternBytesMax = 8192;
/// Of what `load` collects.
constexpr std::size_t kLoadBytesMax = std::size_t{16} << 20;

/// In the metatable of a view: the key of what it is a view of.
char real_key;

/// Pushes what the argument is a view of, if it is one.
bool push_real(lua_State* lua, int at) {
  if (lua_type(lua, at) != LUA_TTABLE || lua_getmetatable(lua, at) == 0) return false;
  lua_pushlightuserdata(lua, &real_key);
  lua_rawget(lua, -2);
  if (lua_istable(lua, -1)) {
    lua_remove(lua, -2);
    return true;
  }
  lua_pop(lua, 2);
  return false;
}

/// Calls the function that this one stands before with all its arguments.
int call_original(lua_State* lua) {
  lua_pushvalue(lua, lua_upvalueindex(1));
  lua_insert(lua, 1);
  lua_call(lua, lua_gettop(lua) - 1, LUA_MULTRET);
  return lua_gettop(lua);
}

/// Changes its first argument.
int changing(lua_State* lua) {
  if (!push_real(lua, 1)) return call_original(lua);
  lua_pushliteral(lua, "Attempt to modify a readonly table");
  return lua_error(lua);
}
/// Reads its first argument as it is.
int reading(lua_State* lua) {
  if (push_real(lua, 1)) lua_replace(lua, 1);
  return call_original(lua);
}
/// Catches errors.
int catching(lua_State* lua) {
  const int results = call_original(lua);
  stay_interrupted(lua);
  return results;
}
/// Its second argument is a pattern.
int matching(lua_State* lua) {
  std::size_t size = 0;
  if (lua_type(lua, 2) == LUA_TSTRING) lua_tolstring(lua, 2, &size);
  if (size > kPatternBytesMax) return luaL_error(lua, "pattern too complex");
  return call_original(lua);
}

int all_pairs(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  // Of a view, `next` is one that looks behind it.
  const bool view = push_real(lua, 1);
  if (view) lua_pop(lua, 1);
  lua_pushvalue(lua, lua_upvalueindex(view ? 2 : 1));
  lua_pushvalue(lua, 1);
  lua_pushnil(lua);
  return 3;
}

int protected_plain_call(lua_State* lua) {
  luaL_checkany(lua, 1);
  const int status = lua_pcall(lua, lua_gettop(lua) - 1, LUA_MULTRET, 0);
  stay_interrupted(lua);
  if (status != 0 && lua_istable(lua, -1)) {
    lua_pushliteral(lua, "err");
    lua_rawget(lua, -2);
    if (lua_type(lua, -1) == LUA_TSTRING) {
      lua_replace(lua, -2);
    } else {
      lua_pop(lua, 1);
    }
  }
  lua_pushboolean(lua, status == 0 ? 1 : 0);
  lua_insert(lua, 1);
  return lua_gettop(lua);
}

int loaded(lua_State* lua, std::string_view text, const char* name) {
  if (Machine::of(lua).load_text(lua, text, name) == 0) return 1;
  lua_pushnil(lua);
  lua_insert(lua, -2);
  return 2;
}
int load_string(lua_State* lua) {
  std::size_t size = 0;
  const char* const text = luaL_checklstring(lua, 1, &size);
  return loaded(lua, {text, size}, luaL_optstring(lua, 2, text));
}
int load_pieces(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TFUNCTION);
  const char* const name = luaL_optstring(lua, 2, "=(load)");
  lua_settop(lua, 2);
  std::string text;
  for (;;) {
    lua_pushvalue(lua, 1);
    lua_call(lua, 0, 1);
    if (lua_isnil(lua, -1)) break;
    if (lua_isstring(lua, -1) == 0) return luaL_error(lua, "reader function must return a string");
    std::size_t size = 0;
    const char* const piece = lua_tolstring(lua, -1, &size);
    if (size == 0) break;
    if (size > kLoadBytesMax - text.size()) return luaL_error(lua, "not enough memory");
    text.append(piece, size);
    lua_pop(lua, 1);
  }
  return loaded(lua, text, name);
}

int collect_garbage(lua_State* lua) {
  const std::string_view what = luaL_optstring(lua, 1, "collect");
  if (what == "count") {
    const int kilobytes = lua_gc(lua, LUA_GCCOUNT, 0);
    lua_pushnumber(lua, kilobytes + lua_gc(lua, LUA_GCCOUNTB, 0) / 1024.0);
    return 1;
  }
  // How it goes about it stays, for the next script has it too.
  if (what == "collect" || what == "step") lua_gc(lua, LUA_GCCOLLECT, 0);
  lua_pushnumber(lua, 0);
  return 1;
}

int repeat(lua_State* lua) {
  std::size_t size = 0;
  const char* const text = luaL_checklstring(lua, 1, &size);
  const lua_Number count = luaL_checknumber(lua, 2);
  if (size == 0 || !(count >= 1)) {
    lua_pushliteral(lua, "");
    return 1;
  }
  if (count * static_cast<lua_Number>(size) > static_cast<lua_Number>(Machine::kBytesMax))
    return luaL_error(lua, "not enough memory");
  const auto copies = static_cast<std::size_t>(count);
  char* const all = static_cast<char*>(lua_newuserdata(lua, copies * size));
  for (std::size_t i = 0; i < copies; ++i) std::memcpy(all + i * size, text, size);
  lua_pushlstring(lua, all, copies * size);
  return 1;
}

int random_number(lua_State* lua) {
  constexpr std::uint32_t kRange = 0x7fffffff;
  const lua_Number r = static_cast<lua_Number>(Machine::of(lua).random() % kRange) / kRange;
  const int count = lua_gettop(lua);
  if (count == 0) {
    lua_pushnumber(lua, r);
    return 1;
  }
  if (count > 2) return luaL_error(lua, "wrong number of arguments");
  const lua_Number low = count == 1 ? 1 : luaL_checkint(lua, 1);
  const lua_Number high = luaL_checkint(lua, count);
  if (low > high) return luaL_argerror(lua, count, "interval is empty");
  lua_pushnumber(lua, std::floor(r * (high - low + 1)) + low);
  return 1;
}
int seed_random(lua_State* lua) {
  Machine::of(lua).seed_random(static_cast<std::uint32_t>(luaL_checkint(lua, 1)));
  return 0;
}

int processor_time(lua_State* lua) {
  lua_pushnumber(lua, static_cast<lua_Number>(std::clock()) / CLOCKS_PER_SEC);
  return 1;
}

int no_such_global(lua_State* lua) {
  if (lua_isstring(lua, 2) == 0) return luaL_error(lua, "Script attempted to access nonexistent global variable");
  return luaL_error(lua, "Script attempted to access nonexistent global variable '%s'", lua_tostring(lua, 2));
}

void look(lua_State* lua, lua_Debug*) {
  Interruption* const interruption = interruption_of(lua);
  if (interruption == nullptr) return;
  if (interruption->why.empty() && interruption->look != nullptr) interruption->look(interruption->context);
  stay_interrupted(lua);
}

/// In the table on top of the stack.
void set_function(lua_State* lua, const char* name, lua_CFunction function) {
  lua_pushcfunction(lua, function);
  lua_setfield(lua, -2, name);
}
void stand_before(lua_State* lua, const char* name, lua_CFunction function) {
  lua_getfield(lua, -1, name);
  lua_pushcclosure(lua, function, 1);
  lua_setfield(lua, -2, name);
}

void open(lua_State* lua, lua_CFunction library, const char* name) {
  lua_pushcfunction(lua, library);
  lua_pushstring(lua, name);
  lua_call(lua, 1, 0);
}

/// The named library of Lua's, from where it was opened.
void get_library(lua_State* lua, const char* name) {
  lua_getfield(lua, LUA_GLOBALSINDEX, name);
  STAVE_ASSERT(lua_istable(lua, -1));
}
/// Puts a view of the table on top of the stack into the one below it.
void publish(lua_State* lua, const char* name, int frozen) {
  protect(lua, frozen);
  lua_setfield(lua, -2, name);
}

void publish_basics(lua_State* lua) {
  for (const char* name : {"tostring", "assert", "tonumber", "rawequal", "type", "select", "unpack", "gcinfo", "ipairs",
                           "_VERSION", "error", "getmetatable", "next", "rawget", "rawset", "setmetatable", "xpcall"}) {
    lua_getfield(lua, LUA_GLOBALSINDEX, name);
    lua_setfield(lua, -2, name);
  }
}

void replace_basics(lua_State* lua) {
  lua_getfield(lua, LUA_GLOBALSINDEX, "next");
  lua_pushvalue(lua, -1);
  lua_pushcclosure(lua, reading, 1);
  lua_pushvalue(lua, -1);
  lua_setfield(lua, -4, "next");
  lua_pushcclosure(lua, all_pairs, 2);
  lua_setfield(lua, -2, "pairs");
  stand_before(lua, "rawget", reading);
  stand_before(lua, "rawset", changing);
  stand_before(lua, "setmetatable", changing);
  stand_before(lua, "xpcall", catching);
  set_function(lua, "pcall", protected_plain_call);
  set_function(lua, "load", load_pieces);
  set_function(lua, "loadstring", load_string);
  set_function(lua, "collectgarbage", collect_garbage);
}

void publish_libraries(lua_State* lua, int frozen) {
  get_library(lua, "coroutine");
  stand_before(lua, "resume", catching);
  publish(lua, "coroutine", frozen);

  get_library(lua, "table");
  for (const char* name : {"insert", "remove", "sort"}) stand_before(lua, name, changing);
  publish(lua, "table", frozen);

  get_library(lua, "string");
  for (const char* name : {"find", "match", "gmatch", "gsub"}) stand_before(lua, name, matching);
  lua_pushnil(lua);
  lua_setfield(lua, -2, "gfind");  // another name of gmatch
  set_function(lua, "rep", repeat);
  publish(lua, "string", frozen);
  // Strings have a metatable too.
  lua_pushliteral(lua, "");
  if (lua_getmetatable(lua, -1) != 0) {
    lua_rawgeti(lua, LUA_REGISTRYINDEX, frozen);
    lua_setfield(lua, -2, "__metatable");
    lua_pop(lua, 1);
  }
  lua_pop(lua, 1);

  get_library(lua, "math");
  set_function(lua, "random", random_number);
  set_function(lua, "randomseed", seed_random);
  publish(lua, "math", frozen);

  lua_newtable(lua);
  set_function(lua, "clock", processor_time);
  publish(lua, "os", frozen);
}

int make_frozen(lua_State* lua) {
  lua_newtable(lua);
  lua_newtable(lua);
  lua_newtable(lua);  // view, metatable, nothing
  lua_pushlightuserdata(lua, &real_key);
  lua_pushvalue(lua, -2);
  lua_rawset(lua, -4);
  lua_setfield(lua, -2, "__index");
  set_function(lua, "__newindex", readonly_error);
  lua_pushvalue(lua, -2);
  lua_setfield(lua, -2, "__metatable");
  lua_setmetatable(lua, -2);
  return luaL_ref(lua, LUA_REGISTRYINDEX);
}

}  // namespace

int readonly_error(lua_State* lua) {
  return luaL_error(lua, "Attempt to modify a readonly table");
}

void push_error(lua_State* lua, std::string_view text) {
  luaL_checkstack(lua, 3, "too many values");
  lua_createtable(lua, 0, 2);
  lua_pushliteral(lua, "err");
  lua_pushlstring(lua, text.data(), text.size());
  lua_rawset(lua, -3);
}

int raise_error(lua_State* lua, std::string_view text) {
  push_error(lua, text);
  return lua_error(lua);
}

void stay_interrupted(lua_State* lua) {
  const Interruption* const interruption = interruption_of(lua);
  if (interruption == nullptr || interruption->why.empty()) [[likely]]
    return;
  // Nothing else will be done, in this coroutine either.
  lua_sethook(lua, look, LUA_MASKCOUNT, 1);
  raise_error(lua, interruption->why);
}

void watch_instructions(lua_State* lua) {
  lua_sethook(lua, look, LUA_MASKCOUNT, kInstructionsPerLook);
}

void protect(lua_State* lua, int frozen) {
  luaL_checkstack(lua, 5, "too many values");
  lua_newtable(lua);
  lua_newtable(lua);  // real, view, metatable
  lua_pushvalue(lua, -3);
  lua_setfield(lua, -2, "__index");
  lua_pushlightuserdata(lua, &real_key);
  lua_pushvalue(lua, -4);
  lua_rawset(lua, -3);
  set_function(lua, "__newindex", readonly_error);
  lua_rawgeti(lua, LUA_REGISTRYINDEX, frozen);
  lua_setfield(lua, -2, "__metatable");
  lua_setmetatable(lua, -2);
  lua_replace(lua, -2);
}

Sandbox build_sandbox(lua_State* lua) {
  open(lua, luaopen_base, "");
  open(lua, luaopen_table, LUA_TABLIBNAME);
  open(lua, luaopen_string, LUA_STRLIBNAME);
  open(lua, luaopen_math, LUA_MATHLIBNAME);
  Sandbox sandbox;
  sandbox.frozen = make_frozen(lua);
  lua_newtable(lua);
  publish_basics(lua);
  replace_basics(lua);
  publish_libraries(lua, sandbox.frozen);
  for (const Library& library : libraries()) {
    library.push(lua);
    publish(lua, library.name, sandbox.frozen);
    if (library.other_name != nullptr) {
      lua_getfield(lua, -1, library.name);
      lua_setfield(lua, -2, library.other_name);
    }
  }
  lua_newtable(lua);
  set_function(lua, "__index", no_such_global);
  lua_setmetatable(lua, -2);
  lua_pushvalue(lua, -1);
  sandbox.globals = luaL_ref(lua, LUA_REGISTRYINDEX);
  lua_pushvalue(lua, -1);
  protect(lua, sandbox.frozen);  // real, view
  lua_pushliteral(lua, "_G");
  lua_pushvalue(lua, -2);
  lua_rawset(lua, -4);
  // What is compiled from now on has these for globals.
  lua_replace(lua, LUA_GLOBALSINDEX);
  lua_settop(lua, 0);
  return sandbox;
}

}  // namespace stave::commands::script
