#include "commands/script/function_library.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/try.h"
#include "commands/errors.h"
#include "store/own_values.h"

namespace stave::commands::script {

Functions::Functions(store::Engine& engine) : engine_(engine), known_(std::make_shared<const KnownFunctions>()) {}

std::shared_ptr<const KnownFunctions> Functions::known() const {
  base::ShortLock lock(known_mutex_);
  return known_;
}

void Functions::publish(LibraryList libraries, const store::Pending& pending) {
  auto fresh = std::make_shared<KnownFunctions>();
  fresh->libraries = std::move(libraries);
  fresh->pending = pending;
  for (const auto& [name, library] : fresh->libraries)
    for (const Function& function : library->functions)
      fresh->functions.emplace(function.name, FoundFunction{library, &function});
  std::shared_ptr<const KnownFunctions> old = std::move(fresh);
  base::ShortLock lock(known_mutex_);
  known_.swap(old);
}

Result<store::Pending> Functions::put(LibraryList libraries, Sync sync) {
  constexpr std::size_t kBytesMax = std::size_t{16} << 20;
  const std::string value = libraries.empty() ? std::string() : dump_libraries(libraries);
  if (value.size() > kBytesMax) return answer_error("ERR all libraries together may have 16 MiB at most");
  STAVE_ASSIGN(const store::Pending pending, store::write_own(engine_, store::OwnValue::kFunctions, value, sync));
  publish(std::move(libraries), pending);
  return pending;
}

namespace {

/// Whether the library's functions are new in `libraries`.
Result<void> check_functions(const LibraryList& libraries, const FunctionLibrary& library) {
  for (const auto& [name, other] : libraries)
    for (const Function& known : other->functions)
      if (std::ranges::any_of(library.functions,
                              [&](const Function& function) { return same_word(function.name, known.name); }))
        return answer_error("ERR Function " + known.name + " already exists");
  return {};
}

}  // namespace

Result<store::Pending> Functions::add(std::shared_ptr<const FunctionLibrary> library, bool replace, Sync sync) {
  base::MutexLock lock(change_mutex_);
  LibraryList libraries = known()->libraries;
  if (libraries.contains(library->name)) {
    if (!replace) return answer_error("ERR Library '" + library->name + "' already exists");
    libraries.erase(library->name);
  }
  STAVE_TRY(check_functions(libraries, *library));
  const std::string name = library->name;
  libraries.emplace(name, std::move(library));
  return put(std::move(libraries), sync);
}

Result<store::Pending> Functions::remove(std::string_view library, Sync sync) {
  base::MutexLock lock(change_mutex_);
  LibraryList libraries = known()->libraries;
  const auto found = libraries.find(library);
  if (found == libraries.end()) return answer_error("ERR Library not found");
  libraries.erase(found);
  return put(std::move(libraries), sync);
}

Result<store::Pending> Functions::flush(Sync sync) {
  base::MutexLock lock(change_mutex_);
  if (known()->libraries.empty()) return known()->pending;
  return put({}, sync);
}

Result<store::Pending> Functions::restore(std::span<const std::shared_ptr<const FunctionLibrary>> libraries,
                                          Restoring how, Sync sync) {
  base::MutexLock lock(change_mutex_);
  LibraryList all = how == Restoring::kFlush ? LibraryList() : known()->libraries;
  for (const auto& library : libraries) {
    if (all.contains(library->name)) {
      if (how != Restoring::kReplace) return answer_error("ERR Library " + library->name + " already exists");
      all.erase(library->name);
    }
    STAVE_TRY(check_functions(all, *library));
    all.emplace(library->name, library);
  }
  return put(std::move(all), sync);
}

Result<void> Functions::load(Machine& machine) {
  base::MutexLock lock(change_mutex_);
  STAVE_ASSIGN(const auto value, store::read_own(engine_, store::OwnValue::kFunctions));
  if (!value) {
    publish({}, {});
    return {};
  }
  STAVE_ASSIGN(const std::vector<std::string> texts, texts_in_dump(*value));
  LibraryList libraries;
  for (const std::string& text : texts) {
    STAVE_ASSIGN(auto library, load_library(machine, text));
    const std::string name = library->name;
    libraries.emplace(name, std::move(library));
  }
  publish(std::move(libraries), {});
  return {};
}

}  // namespace stave::commands::script
