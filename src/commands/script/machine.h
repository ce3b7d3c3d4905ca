// A Lua state in which scripts run, one at a time: its memory, its interruptions, what it has compiled, and the
// sandbox.
//
// Promises: a script reaches nothing but what the sandbox shows (no files, no processes, no bytecode), leaves nothing
// behind for the next one (globals and libraries cannot be changed), and takes no more memory than the limit: what is
// refused is an error of the script. A script is interrupted between two instructions, and cannot catch that. Must not
// know: sockets, who runs it. Threads: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "commands/answer_tape.h"
#include "commands/script/json_settings.h"
#include "commands/script/lua.h"
#include "commands/script/script_source.h"
#include "store/buffer_meter.h"

namespace stave::commands::script {

struct FunctionLibrary;
struct Loading;
class Run;
struct Interruption;

/// A library's functions in a machine.
struct LoadedLibrary {
  std::shared_ptr<const FunctionLibrary> library;  // its address is the key, so it stays
  std::unordered_map<std::string, int> functions;  ///< References in the registry.
};

class Machine {
 public:
  /// Null without memory. `meter`: null counts nothing.
  static std::unique_ptr<Machine> make(store::BufferMeter* meter);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  [[nodiscard]] lua_State* lua() const noexcept { return lua_; }
  static Machine& of(lua_State* lua) noexcept;

  /// The script that runs now; null: none.
  Run* run = nullptr;
  /// What ends it; null: nothing does.
  Interruption* interruption = nullptr;
  /// The library that is being loaded; null: none.
  Loading* loading = nullptr;
  /// What redis.call's answers are written to, in either protocol, and what the script's own is.
  AnswerTape answers2;
  AnswerTape answers3;
  AnswerTape result;

  /// The script's own.
  JsonSettings json;

  /// Bytes that Lua holds.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  /// Of one machine.
  static constexpr std::size_t kBytesMax = std::size_t{256} << 20;
  /// Gives back what the script has left; false: too much stays, and the machine is to be thrown away.
  [[nodiscard]] bool tidy() noexcept;

  /// Pushes the script, compiled. False: pushes why not. To be called protected.
  [[nodiscard]] bool knows(const Source& source) const noexcept { return compiled_.contains(&source); }
  [[nodiscard]] bool push_compiled(const std::shared_ptr<const Source>& source);
  /// Compiles text, never bytecode, without letting anything else happen meanwhile. As luaL_loadbuffer.
  int load_text(lua_State* lua, std::string_view text, const char* name);
  void forget_compiled() noexcept;

  /// Null: it is not loaded here.
  [[nodiscard]] const LoadedLibrary* library(const FunctionLibrary& library) const noexcept;
  /// Those that nobody else knows any more make room at times.
  void keep_library(LoadedLibrary loaded);
  void release(LoadedLibrary& loaded) noexcept;

  /// The next number of math.random, 31 bits.
  [[nodiscard]] std::uint32_t random() noexcept;
  void seed_random(std::uint32_t seed) noexcept;

  /// Takes KEYS and ARGV from the globals. To be called without anything on the stack.
  void forget_lists() noexcept;
  /// Puts a value, on top of the stack, among the globals that scripts see; for KEYS, ARGV.
  void set_global(const char* name);

  /// Registered functions, for lua_rawgeti: a function is an object in Lua 5.1, and making one at each run costs.
  int entry_function = LUA_NOREF;
  int error_handler = LUA_NOREF;

 private:
  explicit Machine(store::BufferMeter* meter) noexcept;
  static void* allocate(void* machine, void* block, std::size_t old_size, std::size_t new_size);
  [[nodiscard]] bool has_room(std::size_t bytes) noexcept;
  static int build(lua_State* lua);

  lua_State* lua_ = nullptr;
  std::size_t bytes_ = 0;
  store::BufferShare counted_;
  std::uint64_t random_ = 0;
  int globals_ = LUA_NOREF;
  struct Compiled {
    std::shared_ptr<const Source> source;  // its address is the key, so it stays
    int reference;
  };
  std::unordered_map<const Source*, Compiled> compiled_;
  std::unordered_map<const FunctionLibrary*, LoadedLibrary> libraries_;
  bool has_lists_ = false;
};

}  // namespace stave::commands::script
