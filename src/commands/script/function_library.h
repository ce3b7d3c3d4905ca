// Libraries of functions: Lua that registers functions by name when it is loaded, for FCALL.
//
// The libraries are one value of the store's own (store/own_values.h) in the form of FUNCTION DUMP, so they are as
// durable as any key and are in backups. What is known is a list that never changes; whoever changes something makes
// another one, writes it, and puts it in its place. A machine runs the code of a library when it first needs one of its
// functions. Promises: a library is loaded whole or not at all; whoever calls a function waits for what made it. Must
// not know: sessions, how functions are called.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "commands/script/lua.h"
#include "commands/text.h"
#include "stave/error.h"
#include "store/engine.h"

namespace stave::commands::script {

class Machine;

struct Function {
  std::string name;
  std::string description;
  bool described = false;
  std::uint32_t flags = 0;
};

struct FunctionLibrary {
  std::string name;
  std::string text;       ///< With its first line.
  std::size_t begin = 0;  ///< As of Source.
  std::vector<Function> functions;
  [[nodiscard]] std::string_view lua() const noexcept { return std::string_view(text).substr(begin); }
};

/// A function, and the library it is in, which stays as long as this.
struct FoundFunction {
  std::shared_ptr<const FunctionLibrary> library;
  const Function* function = nullptr;
  explicit operator bool() const noexcept { return function != nullptr; }
};

/// Names of functions, whose case does not count, as in Redis.
struct NameOrder {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const noexcept {
    return std::ranges::lexicographical_compare(a, b, {}, to_lower, to_lower);
  }
};

using LibraryList = std::map<std::string, std::shared_ptr<const FunctionLibrary>, std::less<>>;
struct KnownFunctions {
  LibraryList libraries;
  std::map<std::string, FoundFunction, NameOrder> functions;
  store::Pending pending;  ///< What telling of them waits for.
};

/// What FUNCTION RESTORE does with libraries that are there already.
enum class Restoring : std::uint8_t { kAppend, kReplace, kFlush };

class Functions {
 public:
  explicit Functions(store::Engine& engine);

  [[nodiscard]] std::shared_ptr<const KnownFunctions> known() const STAVE_EXCLUDES(known_mutex_);

  // Changes, one at a time; each returns what its answer waits for. Errors: as they are answered.

  /// Registers a library that was loaded.
  Result<store::Pending> add(std::shared_ptr<const FunctionLibrary> library, bool replace, Sync sync)
      STAVE_EXCLUDES(change_mutex_);
  Result<store::Pending> remove(std::string_view library, Sync sync) STAVE_EXCLUDES(change_mutex_);
  Result<store::Pending> flush(Sync sync) STAVE_EXCLUDES(change_mutex_);
  Result<store::Pending> restore(std::span<const std::shared_ptr<const FunctionLibrary>> libraries, Restoring how,
                                 Sync sync) STAVE_EXCLUDES(change_mutex_);
  /// Held, nothing changes.
  [[nodiscard]] base::Mutex& change_mutex() noexcept STAVE_RETURN_CAPABILITY(change_mutex_) { return change_mutex_; }
  /// Takes what the store holds, at its opening. Errors: a library that cannot be loaded any more.
  Result<void> load(Machine& machine) STAVE_EXCLUDES(change_mutex_);

 private:
  Result<store::Pending> put(LibraryList libraries, Sync sync) STAVE_REQUIRES(change_mutex_);
  void publish(LibraryList libraries, const store::Pending& pending);

  store::Engine& engine_;
  base::Mutex change_mutex_;
  mutable base::ShortMutex known_mutex_;
  std::shared_ptr<const KnownFunctions> known_ STAVE_GUARDED_BY(known_mutex_);
};

/// Reads the first line of a library and runs the code, which says what functions it has.
Result<std::shared_ptr<const FunctionLibrary>> load_library(Machine& machine, std::string_view text);
/// The payload of FUNCTION DUMP, and the texts in one.
std::string dump_libraries(const LibraryList& libraries);
Result<std::vector<std::string>> texts_in_dump(std::string_view payload);

/// Pushes a function of a library, which is loaded first if the machine does not have it. To be called protected.
/// The line of the error; empty: it was pushed.
std::string push_function(Machine& machine, const FoundFunction& found);
/// redis.register_function.
int register_function(lua_State* lua);

}  // namespace stave::commands::script
