// How a library is loaded into a machine, and how all of them look as one payload.
#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/crc64.h"
#include "base/try.h"
#include "commands/errors.h"
#include "commands/script/function_library.h"
#include "commands/script/machine.h"
#include "commands/script/sandbox.h"
#include "commands/script/script_source.h"
#include "commands/script/text_at.h"
#include "exchange/rdb_stream.h"
#include "exchange/source.h"

namespace stave::commands::script {

/// A library that is being loaded.
struct Loading {
  std::vector<Function> functions;
  LoadedLibrary loaded;
  Interruption interruption;
  int looks = 0;
};

namespace {

/// Some hundred million instructions.
constexpr int kLooksMax = 10'000;

bool is_name(std::string_view name) noexcept {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

struct Metadata {
  std::string name;
  std::size_t begin = 0;
};

Result<Metadata> read_metadata(std::string_view text) {
  if (!text.starts_with("#!")) return answer_error("ERR Missing library metadata");
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return answer_error("ERR Invalid library metadata");
  std::string_view line = text.substr(2, end - 2);
  const auto next_word = [&line] {
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
    const std::string_view word = line.substr(0, line.find_first_of(" \t\r"));
    line.remove_prefix(word.size());
    return word;
  };
  std::string engine(line.starts_with(' ') ? std::string_view() : next_word());
  std::ranges::transform(engine, engine.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  Metadata metadata{.begin = end};
  constexpr std::string_view kName = "name=";
  for (std::string_view word = next_word(); !word.empty(); word = next_word()) {
    if (!word.starts_with(kName)) return answer_error("ERR Invalid metadata value given: " + std::string(word));
    if (!metadata.name.empty())
      return answer_error("ERR Invalid metadata value, name argument was given multiple times");
    metadata.name = word.substr(kName.size());
    if (metadata.name.size() >= 2 && metadata.name.front() == '"' && metadata.name.back() == '"')
      metadata.name = metadata.name.substr(1, metadata.name.size() - 2);
    if (!is_name(metadata.name))
      return answer_error(
          "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character "
          "long");
  }
  if (metadata.name.empty()) return answer_error("ERR Library name was not given");
  if (engine != "lua") return answer_error("ERR Engine '" + engine + "' not found");
  return metadata;
}

struct LoadCall {
  std::string_view code;
  std::string why = {};  ///< Empty: it was loaded.
  bool compiled = false;
};

/// Compiles the code and runs it. What goes wrong is noted here, where whatever was raised can be looked at.
int load_entry(lua_State* lua) {
  LoadCall& call = *static_cast<LoadCall*>(lua_touserdata(lua, 1));
  lua_settop(lua, 0);
  call.why = "not enough memory";
  int status = Machine::of(lua).load_text(lua, call.code, "@user_function");
  call.compiled = status == 0;
  if (call.compiled) status = lua_pcall(lua, 0, 0, 0);
  if (status == 0) {
    call.why.clear();
    return 0;
  }
  if (lua_istable(lua, -1)) {
    lua_pushliteral(lua, "err");
    lua_rawget(lua, -2);
  }
  call.why = lua_isstring(lua, -1) != 0 ? std::string(text_at(lua, -1)) : "unknown error";
  if (call.why.starts_with("ERR ")) call.why.erase(0, 4);
  return 0;
}

/// The line of the error; empty: `loading` says what was registered.
std::string load_code(Machine& machine, std::string_view code, Loading& loading) {
  lua_State* const lua = machine.lua();
  loading.interruption.context = &loading;
  loading.interruption.look = [](void* context) {
    auto& self = *static_cast<Loading*>(context);
    if (++self.looks > kLooksMax) self.interruption.why = "ERR FUNCTION LOAD timeout";
  };
  machine.interruption = &loading.interruption;
  machine.loading = &loading;
  machine.forget_lists();
  LoadCall call{.code = code};
  if (lua_cpcall(lua, load_entry, &call) != 0) lua_pop(lua, 1);
  machine.loading = nullptr;
  machine.interruption = nullptr;
  std::string line;
  if (!call.why.empty())
    line = (call.compiled ? "ERR Error registering functions: " : "ERR Error compiling function: ") + call.why;
  if (!loading.interruption.why.empty()) {
    watch_instructions(lua);
    line = loading.interruption.why;
  }
  if (!line.empty()) machine.release(loading.loaded);
  return line;
}

// --- register_function ----------------------------------------------------------------------------------------

Function named_function(lua_State* lua) {
  Function function;
  const std::string_view name = text_at(lua, -1);
  function.name = name;
  if (!is_name(name))
    luaL_error(lua,
               "Library names can only contain letters, numbers, or underscores(_) and must be at least one character "
               "long");
  return function;
}

/// The table of flags on top of the stack.
std::uint32_t read_flags(lua_State* lua) {
  std::uint32_t flags = 0;
  for (int i = 1;; ++i) {
    lua_rawgeti(lua, -1, i);
    if (lua_isnil(lua, -1)) break;
    std::uint32_t flag = 0;
    if (lua_type(lua, -1) == LUA_TSTRING)
      for (const ScriptFlagName& known : kScriptFlagNames)
        if (known.name == text_at(lua, -1)) flag = known.flag;
    if (flag == 0) luaL_error(lua, "unknown flag given");
    flags |= flag;
    lua_pop(lua, 1);
  }
  lua_pop(lua, 1);
  return flags;
}

/// From the table that is the only argument. Leaves the callback on top of the stack.
Function read_named_arguments(lua_State* lua) {
  Function function;
  bool named = false;
  bool called = false;
  lua_pushnil(lua);  // where the callback will be
  lua_pushnil(lua);
  while (lua_next(lua, 1) != 0) {
    if (lua_type(lua, -2) != LUA_TSTRING)
      luaL_error(lua, "named argument key given to server.register_function is not a string");
    const std::string_view key = text_at(lua, -2);
    if (key == "function_name") {
      if (lua_type(lua, -1) != LUA_TSTRING)
        luaL_error(lua, "function_name argument given to server.register_function must be a string");
      function.name = named_function(lua).name;
      named = true;
    } else if (key == "description") {
      if (lua_type(lua, -1) != LUA_TSTRING)
        luaL_error(lua, "description argument given to server.register_function must be a string");
      function.description = text_at(lua, -1);
      function.described = true;
    } else if (key == "callback") {
      if (lua_type(lua, -1) != LUA_TFUNCTION)
        luaL_error(lua, "callback argument given to server.register_function must be a function");
      lua_pushvalue(lua, -1);
      lua_replace(lua, 2);
      called = true;
    } else if (key == "flags") {
      if (lua_type(lua, -1) != LUA_TTABLE)
        luaL_error(lua, "flags argument to server.register_function must be a table representing function flags");
      function.flags = read_flags(lua);
    } else {
      luaL_error(lua, "unknown argument given to server.register_function");
    }
    lua_pop(lua, 1);
  }
  if (!named) luaL_error(lua, "server.register_function must get a function name argument");
  if (!called) luaL_error(lua, "server.register_function must get a callback argument");
  return function;
}

Function read_arguments(lua_State* lua) {
  const int count = lua_gettop(lua);
  if (count != 1 && count != 2) luaL_error(lua, "wrong number of arguments to server.register_function");
  if (count == 1) {
    if (lua_type(lua, 1) != LUA_TTABLE)
      luaL_error(
          lua,
          "calling server.register_function with a single argument is only applicable to Lua table (representing "
          "named arguments).");
    return read_named_arguments(lua);
  }
  if (lua_type(lua, 1) != LUA_TSTRING) luaL_error(lua, "first argument to server.register_function must be a string");
  if (lua_type(lua, 2) != LUA_TFUNCTION)
    luaL_error(lua, "second argument to server.register_function must be a function");
  lua_pushvalue(lua, 1);
  Function function = named_function(lua);
  lua_pop(lua, 1);
  return function;
}

}  // namespace

int register_function(lua_State* lua) {
  Loading* const loading = Machine::of(lua).loading;
  if (loading == nullptr)
    return luaL_error(lua, "server.register_function can only be called on FUNCTION LOAD command");
  Function function = read_arguments(lua);
  lua_settop(lua, 2);
  if (std::ranges::any_of(loading->loaded.functions,
                          [&](const auto& there) { return same_word(there.first, function.name); }))
    return luaL_error(lua, "Function already exists in the library");
  const int reference = luaL_ref(lua, LUA_REGISTRYINDEX);
  loading->loaded.functions.emplace(function.name, reference);
  loading->functions.push_back(std::move(function));
  return 0;
}

Result<std::shared_ptr<const FunctionLibrary>> load_library(Machine& machine, std::string_view text) {
  STAVE_ASSIGN(Metadata metadata, read_metadata(text));
  auto library = std::make_shared<FunctionLibrary>();
  library->name = std::move(metadata.name);
  library->text = text;
  library->begin = metadata.begin;
  Loading loading;
  if (std::string line = load_code(machine, library->lua(), loading); !line.empty())
    return answer_error(std::move(line));
  if (loading.functions.empty()) {
    machine.release(loading.loaded);
    return answer_error("ERR No functions registered");
  }
  library->functions = std::move(loading.functions);
  loading.loaded.library = library;
  machine.keep_library(std::move(loading.loaded));
  return library;
}

std::string push_function(Machine& machine, const FoundFunction& found) {
  lua_State* const lua = machine.lua();
  const LoadedLibrary* loaded = machine.library(*found.library);
  if (loaded == nullptr) {
    Interruption* const interruption = machine.interruption;
    Run* const run = std::exchange(machine.run, nullptr);
    Loading loading;
    std::string line = load_code(machine, found.library->lua(), loading);
    machine.interruption = interruption;
    machine.run = run;
    if (!line.empty()) return line;
    loading.loaded.library = found.library;
    machine.keep_library(std::move(loading.loaded));
    loaded = machine.library(*found.library);
  }
  const auto function = loaded->functions.find(found.function->name);
  if (function == loaded->functions.end()) return "ERR Function not found";
  lua_rawgeti(lua, LUA_REGISTRYINDEX, function->second);
  return {};
}

// --- payloads --------------------------------------------------------------------------------------------------------

namespace {

/// Of redis-server's snapshot files: a library's text follows.
constexpr char kFunctionOpcode = static_cast<char>(245);
constexpr std::uint16_t kPayloadVersion = 11;
constexpr std::uint16_t kVersionReadMax = 12;
constexpr std::size_t kTrailerBytes = 10;

template <class Integer>
void append_bytes(std::string& out, Integer value) {
  char bytes[sizeof value];
  base::store(bytes, value);
  out.append(bytes, sizeof value);
}

Result<std::vector<std::string>> read_libraries(std::string_view body) {
  constexpr std::size_t kTextMax = std::size_t{16} << 20;
  const std::string name;
  exchange::Source source(body, name);
  exchange::RdbStream stream(source, false);
  std::vector<std::string> texts;
  while (source.offset() < body.size()) {
    const auto opcode = stream.byte();
    if (!opcode || static_cast<char>(*opcode) != kFunctionOpcode)
      return answer_error("ERR given type is not a function");
    if (!stream.string(texts.emplace_back(), kTextMax, "a library"))
      return answer_error("ERR failed loading library data");
  }
  return texts;
}

}  // namespace

std::string dump_libraries(const LibraryList& libraries) {
  std::string out;
  for (const auto& [name, library] : libraries) {
    out += kFunctionOpcode;
    out += static_cast<char>(0x80);  // a length of 32 bits follows, most significant byte first
    append_bytes(out, __builtin_bswap32(static_cast<std::uint32_t>(library->text.size())));
    out += library->text;
  }
  append_bytes(out, kPayloadVersion);
  append_bytes(out, base::crc64(out));
  return out;
}

Result<std::vector<std::string>> texts_in_dump(std::string_view payload) {
  const auto untrusted = [] { return answer_error("ERR DUMP payload version or checksum are wrong"); };
  if (payload.size() < kTrailerBytes) return untrusted();
  const std::size_t body = payload.size() - kTrailerBytes;
  if (base::load<std::uint16_t>(payload.data() + body) > kVersionReadMax) return untrusted();
  if (base::load<std::uint64_t>(payload.data() + body + 2) != base::crc64(payload.substr(0, body + 2)))
    return untrusted();
  return read_libraries(payload.substr(0, body));
}

}  // namespace stave::commands::script
