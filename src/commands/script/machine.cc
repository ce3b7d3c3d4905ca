#include "commands/script/machine.h"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

#include "base/assert.h"
#include "base/random.h"
#include "commands/script/libraries.h"
#include "commands/script/sandbox.h"

namespace stave::commands::script {
namespace {

/// Up to here no meter is asked: every machine needs it.
constexpr std::size_t kUncountedBytes = 512 << 10;
/// What is counted beyond, is so in steps.
constexpr std::size_t kStepBytes = 256 << 10;
/// A machine that keeps more than this is not worth keeping.
constexpr std::size_t kKeptBytesMax = std::size_t{8} << 20;
/// From here on what a script left is collected at once.
constexpr std::size_t kCollectedFrom = std::size_t{1} << 20;
/// More compiled scripts than the cache holds need not be remembered.
constexpr std::size_t kCompiledMax = 1024;
constexpr std::uint64_t kAnswerBytesMax = std::uint64_t{256} << 20;

}  // namespace

Machine::Machine(store::BufferMeter* meter) noexcept
    : answers2(meter, kAnswerBytesMax, 2),
      answers3(meter, kAnswerBytesMax, 3),
      result(meter, kAnswerBytesMax, 3),
      counted_(meter) {}

std::unique_ptr<Machine> Machine::make(store::BufferMeter* meter) {
  std::unique_ptr<Machine> machine(new Machine(meter));
  machine->lua_ = lua_newstate(allocate, machine.get());
  if (machine->lua_ == nullptr) return nullptr;
  if (lua_cpcall(machine->lua_, build, nullptr) != 0) return nullptr;
  watch_instructions(machine->lua_);
  machine->seed_random(static_cast<std::uint32_t>(base::thread_random()));
  return machine;
}

Machine::~Machine() {
  if (lua_ != nullptr) lua_close(lua_);
}

Machine& Machine::of(lua_State* lua) noexcept {
  void* machine = nullptr;
  lua_getallocf(lua, &machine);
  return *static_cast<Machine*>(machine);
}

int Machine::build(lua_State* lua) {
  Machine& machine = of(lua);
  const Sandbox sandbox = build_sandbox(lua);
  machine.globals_ = sandbox.globals;
  return 0;
}

bool Machine::has_room(std::size_t bytes) noexcept {
  if (bytes > kBytesMax) return false;
  if (bytes <= kUncountedBytes) return true;
  const std::size_t wanted = (bytes - kUncountedBytes + kStepBytes - 1) / kStepBytes * kStepBytes;
  return wanted <= counted_.bytes() || counted_.resize(wanted);
}

void* Machine::allocate(void* machine, void* block, std::size_t old_size, std::size_t new_size) {
  Machine& self = *static_cast<Machine*>(machine);
  if (new_size == 0) {
    std::free(block);
    if (block != nullptr) self.bytes_ -= old_size;
    return nullptr;
  }
  const std::size_t others = self.bytes_ - (block != nullptr ? old_size : 0);
  // Lua takes it for granted that what becomes smaller can be had.
  const bool grows = block == nullptr || new_size > old_size;
  if (grows && !self.has_room(others + new_size)) return nullptr;
  void* const fresh = std::realloc(block, new_size);
  if (fresh == nullptr) return grows ? nullptr : block;
  self.bytes_ = others + new_size;
  return fresh;
}

bool Machine::tidy() noexcept {
  run = nullptr;
  lua_settop(lua_, 0);
  answers2.rewind();
  answers3.rewind();
  result.rewind();
  if (bytes_ > kCollectedFrom) lua_gc(lua_, LUA_GCCOLLECT, 0);
  if (bytes_ > kKeptBytesMax) return false;
  if (counted_.bytes() > 0) {
    const std::size_t over = bytes_ > kUncountedBytes ? bytes_ - kUncountedBytes : 0;
    static_cast<void>(counted_.resize((over + kStepBytes - 1) / kStepBytes * kStepBytes));
  }
  return true;
}

int Machine::load_text(lua_State* lua, std::string_view text, const char* name) {
  if (text.starts_with(LUA_SIGNATURE[0])) {
    lua_pushliteral(lua, "bytecode is not allowed");
    return LUA_ERRSYNTAX;
  }
  // While the parser works some of what it made hangs on nothing yet.
  lua_gc(lua, LUA_GCSTOP, 0);
  const int status = luaL_loadbuffer(lua, text.data(), text.size(), name);
  lua_gc(lua, LUA_GCRESTART, 0);
  return status;
}

bool Machine::push_compiled(const std::shared_ptr<const Source>& source) {
  if (const auto known = compiled_.find(source.get()); known != compiled_.end()) [[likely]] {
    lua_rawgeti(lua_, LUA_REGISTRYINDEX, known->second.reference);
    return true;
  }
  if (load_text(lua_, source->lua(), "@user_script") != 0) return false;
  if (compiled_.size() >= kCompiledMax) forget_compiled();
  lua_pushvalue(lua_, -1);
  const int reference = luaL_ref(lua_, LUA_REGISTRYINDEX);
  compiled_.emplace(source.get(), Compiled{source, reference});
  return true;
}

void Machine::forget_compiled() noexcept {
  for (const auto& [address, compiled] : compiled_) luaL_unref(lua_, LUA_REGISTRYINDEX, compiled.reference);
  compiled_.clear();
}

const LoadedLibrary* Machine::library(const FunctionLibrary& library) const noexcept {
  const auto found = libraries_.find(&library);
  return found == libraries_.end() ? nullptr : &found->second;
}

void Machine::keep_library(LoadedLibrary loaded) {
  for (auto known = libraries_.begin(); known != libraries_.end();) {
    if (known->second.library.use_count() > 1) {
      ++known;
      continue;
    }
    release(known->second);
    known = libraries_.erase(known);
  }
  const FunctionLibrary* const address = loaded.library.get();
  libraries_.emplace(address, std::move(loaded));
}

void Machine::release(LoadedLibrary& loaded) noexcept {
  for (const auto& [name, reference] : loaded.functions) luaL_unref(lua_, LUA_REGISTRYINDEX, reference);
  loaded.functions.clear();
}

// The names are there, so setting them takes no memory.
void Machine::forget_lists() noexcept {
  if (!has_lists_) return;
  for (const char* name : {"KEYS", "ARGV"}) {
    lua_pushnil(lua_);
    set_global(name);
  }
  has_lists_ = false;
}

// The generator that lrand48 of POSIX describes, as Redis gives it to scripts.
std::uint32_t Machine::random() noexcept {
  constexpr std::uint64_t kMask = (std::uint64_t{1} << 48) - 1;
  random_ = (random_ * 0x5deece66dULL + 0xb) & kMask;
  return static_cast<std::uint32_t>(random_ >> 17);
}

void Machine::seed_random(std::uint32_t seed) noexcept {
  random_ = std::uint64_t{seed} << 16 | 0x330e;
}

void Machine::set_global(const char* name) {
  lua_rawgeti(lua_, LUA_REGISTRYINDEX, globals_);
  lua_pushstring(lua_, name);
  lua_pushvalue(lua_, -3);
  lua_rawset(lua_, -3);
  lua_pop(lua_, 2);
  has_lists_ = true;
}

}  // namespace stave::commands::script
