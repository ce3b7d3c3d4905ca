#include "commands/function_commands.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/try.h"
#include "commands/call.h"
#include "commands/errors.h"
#include "commands/glob.h"
#include "commands/script/run.h"
#include "commands/script/scripts.h"
#include "types/string/number.h"

namespace stave::commands {
namespace {

using script::Function;
using script::FunctionLibrary;
using script::Functions;

Functions& functions_of(Call& call) {
  return call.environment().scripts().functions();
}

Result<void> call_function(Call& call, bool read_only) {
  const auto known = functions_of(call).known();
  const auto found = known->functions.find(call[1]);
  if (found == known->functions.end()) {
    // A slow one goes on with what it has.
    if (call.session().errand != nullptr) return script::run_script(call, {});
    return answer_error("ERR Function not found");
  }
  const auto count = types::parse_integer(call[2]);
  if (!count) return answer_error("ERR Bad number of keys provided");
  if (*count < 0) return answer_error("ERR Number of keys can't be negative");
  if (static_cast<std::uint64_t>(*count) > call.size() - 3)
    return answer_error("ERR Number of keys can't be greater than number of args");
  const auto keys = static_cast<std::size_t>(*count);
  const std::uint32_t flags = found->second.function->flags;
  if (read_only && (flags & script::kNoWrites) == 0)
    return answer_error("ERR Can not execute a script with write flag using *_ro command.");
  call.wait_for(known->pending);
  const Arguments words = call.arguments();
  script::Script script;
  script.function = found->second;
  script.name = found->second.function->name;
  script.flags = flags;
  script.plain = false;
  script.read_only = (flags & script::kNoWrites) != 0;
  script.call = words;
  script.keys = words.subspan(3, keys);
  script.arguments = words.subspan(3 + keys);
  return script::run_script(call, script);
}

Result<std::shared_ptr<const FunctionLibrary>> load(Call& call, std::string_view text) {
  const script::Borrowed machine(call.environment().scripts());
  if (!machine) return fail(ErrorCode::kNoMemory, "there is no memory for a library");
  return script::load_library(*machine, text);
}

Result<void> answer_change(Call& call, const Result<store::Pending>& done) {
  if (!done) return fail(done.error().clone());
  call.wait_for_write(*done);
  call.reply().status("OK");
  return {};
}

void show_function(Sink& reply, const Function& function) {
  reply.map(3);
  reply.bulk("name");
  reply.bulk(function.name);
  reply.bulk("description");
  if (function.described) {
    reply.bulk(function.description);
  } else {
    reply.null();
  }
  reply.bulk("flags");
  std::size_t count = 0;
  for (const auto& known : script::kScriptFlagNames) count += (function.flags & known.flag) != 0 ? 1 : 0;
  reply.set(count);
  for (const auto& known : script::kScriptFlagNames)
    if ((function.flags & known.flag) != 0) reply.status(known.name);
}

void show_library(Sink& reply, const FunctionLibrary& library, bool with_code) {
  reply.map(with_code ? 4 : 3);
  reply.bulk("library_name");
  reply.bulk(library.name);
  reply.bulk("engine");
  reply.bulk("LUA");
  reply.bulk("functions");
  reply.array(library.functions.size());
  for (const Function& function : library.functions) show_function(reply, function);
  if (!with_code) return;
  reply.bulk("library_code");
  reply.bulk(library.text);
}

}  // namespace

Result<void> fcall_command(Call& call) {
  return call_function(call, false);
}
Result<void> fcall_ro_command(Call& call) {
  return call_function(call, true);
}

Result<void> function_load_command(Call& call) {
  bool replace = false;
  for (std::size_t i = 2; i + 1 < call.size(); ++i) {
    if (!call.is(i, "REPLACE")) return answer_error("ERR Unknown option given: " + std::string(call[i]));
    replace = true;
  }
  STAVE_ASSIGN(auto library, load(call, call[call.size() - 1]));
  STAVE_ASSIGN(const store::Pending pending, functions_of(call).add(library, replace, call.session().sync()));
  call.wait_for_write(pending);
  call.reply().bulk(library->name);
  return {};
}

Result<void> function_delete_command(Call& call) {
  return answer_change(call, functions_of(call).remove(call[2], call.session().sync()));
}

Result<void> function_flush_command(Call& call) {
  if (call.size() == 3 && !call.is(2, "ASYNC") && !call.is(2, "SYNC"))
    return answer_error("ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
  return answer_change(call, functions_of(call).flush(call.session().sync()));
}

Result<void> function_kill_command(Call& call) {
  STAVE_TRY(call.environment().scripts().slow().kill(false));
  call.reply().status("OK");
  return {};
}

Result<void> function_list_command(Call& call) {
  std::optional<std::string_view> pattern;
  bool with_code = false;
  for (std::size_t i = 2; i < call.size(); ++i) {
    if (!with_code && call.is(i, "WITHCODE")) {
      with_code = true;
    } else if (!pattern && call.is(i, "LIBRARYNAME")) {
      if (i + 1 == call.size()) return answer_error("ERR library name argument was not given");
      pattern = call[++i];
    } else {
      return answer_error("ERR Unknown argument " + std::string(call[i]));
    }
  }
  const auto known = functions_of(call).known();
  call.wait_for(known->pending);
  std::vector<const FunctionLibrary*> shown;
  for (const auto& [name, library] : known->libraries)
    if (!pattern || glob_match(*pattern, name, true)) shown.push_back(library.get());
  call.reply().array(shown.size());
  for (const FunctionLibrary* library : shown) show_library(call.reply(), *library, with_code);
  return {};
}

Result<void> function_dump_command(Call& call) {
  const auto known = functions_of(call).known();
  call.wait_for(known->pending);
  call.reply().bulk(script::dump_libraries(known->libraries));
  return {};
}

Result<void> function_restore_command(Call& call) {
  auto how = script::Restoring::kAppend;
  if (call.size() == 4) {
    if (call.is(3, "FLUSH")) {
      how = script::Restoring::kFlush;
    } else if (call.is(3, "REPLACE")) {
      how = script::Restoring::kReplace;
    } else if (!call.is(3, "APPEND")) {
      return answer_error("ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.");
    }
  }
  STAVE_ASSIGN(const std::vector<std::string> texts, script::texts_in_dump(call[2]));
  std::vector<std::shared_ptr<const FunctionLibrary>> libraries;
  for (const std::string& text : texts) {
    STAVE_ASSIGN(auto library, load(call, text));
    libraries.push_back(std::move(library));
  }
  return answer_change(call, functions_of(call).restore(libraries, how, call.session().sync()));
}

Result<void> function_stats_command(Call& call) {
  const auto known = functions_of(call).known();
  call.wait_for(known->pending);
  const auto running = call.environment().scripts().slow().longest();
  Sink& reply = call.reply();
  reply.map(2);
  reply.bulk("running_script");
  if (running && !running->eval) {
    constexpr std::uint64_t kNsPerMs = 1'000'000;
    reply.map(3);
    reply.bulk("name");
    reply.bulk(running->name);
    reply.bulk("command");
    reply.array(running->call.size());
    for (const std::string& word : running->call) reply.bulk(word);
    reply.bulk("duration_ms");
    const std::uint64_t ns = call.engine().clock().monotonic_ns() - running->started_ns;
    reply.integer(static_cast<std::int64_t>(ns / kNsPerMs));
  } else {
    reply.null();
  }
  reply.bulk("engines");
  reply.map(1);
  reply.bulk("LUA");
  reply.map(2);
  reply.bulk("libraries_count");
  reply.integer(static_cast<std::int64_t>(known->libraries.size()));
  reply.bulk("functions_count");
  reply.integer(static_cast<std::int64_t>(known->functions.size()));
  return {};
}

}  // namespace stave::commands
