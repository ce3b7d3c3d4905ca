// redis.*, which is server.* too.
#include <cmath>
#include <string>

#include "commands/access.h"
#include "commands/errors.h"
#include "commands/script/function_library.h"
#include "commands/script/libraries.h"
#include "commands/script/machine.h"
#include "commands/script/run.h"
#include "commands/script/sandbox.h"
#include "commands/script/sha1.h"
#include "commands/script/text_at.h"
#include "commands/version.h"

namespace stave::commands::script {
namespace {

/// The run; while a library is loaded there is none, and what needs one is not there.
Run& run_of(lua_State* lua, const char* function) {
  Run* const run = Machine::of(lua).run;
  if (run == nullptr) luaL_error(lua, "Script attempted to access nonexistent global variable '%s'", function);
  return *run;
}

int call(lua_State* lua) {
  return run_of(lua, "call").call(lua, true);
}
int protected_call(lua_State* lua) {
  return run_of(lua, "pcall").call(lua, false);
}

/// "-CODE words" is an error with that code, anything else one without.
int error_reply(lua_State* lua) {
  if (lua_gettop(lua) != 1 || lua_type(lua, 1) != LUA_TSTRING) {
    push_error(lua, "ERR wrong number or type of arguments");
    return 1;
  }
  std::string_view text = text_at(lua, 1);
  if (text.starts_with('-')) text.remove_prefix(1);
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  push_error(lua, text.find(' ') == std::string_view::npos ? "ERR " + std::string(text) : std::string(text));
  return 1;
}

int status_reply(lua_State* lua) {
  if (lua_gettop(lua) != 1 || lua_type(lua, 1) != LUA_TSTRING) {
    push_error(lua, "ERR wrong number or type of arguments");
    return 1;
  }
  lua_createtable(lua, 0, 1);
  lua_pushliteral(lua, "ok");
  lua_pushvalue(lua, 1);
  lua_rawset(lua, -3);
  return 1;
}

int sha1hex(lua_State* lua) {
  if (lua_gettop(lua) != 1) return raise_error(lua, "ERR wrong number of arguments");
  const auto digits = sha1_hex(text_at(lua, 1));
  lua_pushlstring(lua, digits.data(), digits.size());
  return 1;
}

// There is no log of what a server does to which a script could add, so it only looks whether it could.
int log(lua_State* lua) {
  if (lua_gettop(lua) < 2) return raise_error(lua, "ERR redis.log() requires two arguments or more.");
  if (lua_isnumber(lua, 1) == 0) return raise_error(lua, "ERR First argument must be a number (log level).");
  const lua_Number level = lua_tonumber(lua, 1);
  if (!(level >= 0 && level <= 3)) return raise_error(lua, "ERR Invalid debug level.");
  return 0;
}

int setresp(lua_State* lua) {
  Run& run = run_of(lua, "setresp");
  if (lua_gettop(lua) != 1) return raise_error(lua, "ERR redis.setresp() requires one argument.");
  const lua_Number version = lua_tonumber(lua, 1);
  if (version != 2 && version != 3) return raise_error(lua, "ERR RESP version must be 2 or 3.");
  run.set_protocol(version == 2 ? 2 : 3);
  return 0;
}

// What a script does is logged as its effects, always and for everybody.
int set_repl(lua_State* lua) {
  run_of(lua, "set_repl");
  if (lua_gettop(lua) != 1) return raise_error(lua, "ERR redis.set_repl() requires one argument.");
  const lua_Number flags = lua_tonumber(lua, 1);
  if (!(flags >= 0 && flags <= 3))
    return raise_error(lua, "ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.");
  return 0;
}
int replicate_commands(lua_State* lua) {
  lua_pushboolean(lua, 1);
  return 1;
}
int breakpoint(lua_State* lua) {
  lua_pushboolean(lua, 0);
  return 1;
}
int debug(lua_State*) {
  return 0;
}

int acl_check_cmd(lua_State* lua) {
  Run& run = run_of(lua, "acl_check_cmd");
  const int count = lua_gettop(lua);
  if (count == 0) return raise_error(lua, "ERR Please specify at least one argument for this redis lib call");
  std::vector<std::string_view> words;
  for (int i = 1; i <= count; ++i) {
    if (lua_isstring(lua, i) == 0)
      return raise_error(lua, "ERR Lua redis lib command arguments must be strings or integers");
    words.push_back(text_at(lua, i));
  }
  const Command* const row = find_row(words);
  if (row == nullptr) return raise_error(lua, "ERR Invalid command passed to redis.acl_check_cmd()");
  lua_pushboolean(lua, is_allowed(run.session(), *row, words) ? 1 : 0);
  return 1;
}

void set_number(lua_State* lua, const char* name, lua_Number number) {
  lua_pushnumber(lua, number);
  lua_setfield(lua, -2, name);
}
void set_text(lua_State* lua, const char* name, std::string_view text) {
  lua_pushlstring(lua, text.data(), text.size());
  lua_setfield(lua, -2, name);
}

}  // namespace

void push_api(lua_State* lua) {
  static constexpr luaL_Reg kFunctions[] = {{"call", call},
                                            {"pcall", protected_call},
                                            {"error_reply", error_reply},
                                            {"status_reply", status_reply},
                                            {"sha1hex", sha1hex},
                                            {"log", log},
                                            {"setresp", setresp},
                                            {"set_repl", set_repl},
                                            {"replicate_commands", replicate_commands},
                                            {"breakpoint", breakpoint},
                                            {"debug", debug},
                                            {"acl_check_cmd", acl_check_cmd},
                                            {"register_function", register_function}};
  lua_newtable(lua);
  for (const luaL_Reg& function : kFunctions) {
    lua_pushcfunction(lua, function.func);
    lua_setfield(lua, -2, function.name);
  }
  set_number(lua, "LOG_DEBUG", 0);
  set_number(lua, "LOG_VERBOSE", 1);
  set_number(lua, "LOG_NOTICE", 2);
  set_number(lua, "LOG_WARNING", 3);
  set_number(lua, "REPL_NONE", 0);
  set_number(lua, "REPL_AOF", 1);
  set_number(lua, "REPL_SLAVE", 2);
  set_number(lua, "REPL_REPLICA", 2);
  set_number(lua, "REPL_ALL", 3);
  set_text(lua, "REDIS_VERSION", kRedisVersion);
  set_number(lua, "REDIS_VERSION_NUM", 0x070204);
}

}  // namespace stave::commands::script
