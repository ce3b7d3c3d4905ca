#include "commands/script_commands.h"

#include <memory>
#include <string>
#include <utility>

#include "base/try.h"
#include "commands/call.h"
#include "commands/errors.h"
#include "commands/script/run.h"
#include "commands/script/scripts.h"
#include "types/string/number.h"

namespace stave::commands {
namespace {

using script::Script;
using script::ScriptCache;

/// How many of the arguments from 3 on are keys.
Result<std::size_t> count_keys(const Call& call) {
  const auto count = types::parse_integer(call[2]);
  if (!count) return not_an_integer();
  if (*count < 0) return answer_error("ERR Number of keys can't be negative");
  if (static_cast<std::uint64_t>(*count) > call.size() - 3)
    return answer_error("ERR Number of keys can't be greater than number of args");
  return static_cast<std::size_t>(*count);
}

Result<void> run(Call& call, ScriptCache::Shared source, bool read_only) {
  STAVE_ASSIGN(const std::size_t keys, count_keys(call));
  if (read_only && !source->plain && (source->flags & script::kNoWrites) == 0)
    return answer_error("ERR Can not execute a script with write flag using *_ro command.");
  const Arguments words = call.arguments();
  Script script;
  script.name = source->sha;
  script.flags = source->flags;
  script.plain = source->plain;
  script.read_only = read_only || (source->flags & script::kNoWrites) != 0;
  script.call = words;
  script.keys = words.subspan(3, keys);
  script.arguments = words.subspan(3 + keys);
  script.source = std::move(source);
  return script::run_script(call, script);
}

/// Reads and compiles a script that is not known yet, and keeps it.
Result<ScriptCache::Shared> learn(Call& call, std::string_view text, bool to_stay) {
  STAVE_ASSIGN(script::Source read, script::read_source(text));
  auto source = std::make_shared<const script::Source>(std::move(read));
  script::Scripts& scripts = call.environment().scripts();
  {
    const script::Borrowed machine(scripts);
    if (!machine) return fail(ErrorCode::kNoMemory, "there is no memory for a script");
    if (std::string why = script::compile(*machine, source); !why.empty()) return answer_error(std::move(why));
  }
  if (!scripts.cache().add(source, to_stay)) return fail(ErrorCode::kNoMemory, "there is no room for more scripts");
  return source;
}

Result<void> eval(Call& call, bool read_only) {
  STAVE_TRY(count_keys(call));
  ScriptCache::Shared source = call.environment().scripts().cache().find_text(call[1]);
  if (source == nullptr) {
    STAVE_ASSIGN(source, learn(call, call[1], false));
  }
  return run(call, std::move(source), read_only);
}

Result<void> evalsha(Call& call, bool read_only) {
  // What cannot be a SHA-1 is told before the number of keys is looked at, as Redis does.
  constexpr std::size_t kShaSize = 40;
  if (call[1].size() == kShaSize) STAVE_TRY(count_keys(call));
  ScriptCache::Shared source = call.environment().scripts().cache().find_sha(call[1]);
  if (source == nullptr) {
    // A slow one goes on with what it has, also when the scripts are forgotten meanwhile.
    if (call.session().errand != nullptr) return script::run_script(call, {});
    return answer_error("NOSCRIPT No matching script. Please use EVAL.");
  }
  return run(call, std::move(source), read_only);
}

}  // namespace

Result<void> eval_command(Call& call) {
  return eval(call, false);
}
Result<void> eval_ro_command(Call& call) {
  return eval(call, true);
}
Result<void> evalsha_command(Call& call) {
  return evalsha(call, false);
}
Result<void> evalsha_ro_command(Call& call) {
  return evalsha(call, true);
}

Result<void> script_exists_command(Call& call) {
  ScriptCache& cache = call.environment().scripts().cache();
  call.reply().array(call.size() - 2);
  for (std::size_t i = 2; i < call.size(); ++i) call.reply().integer(cache.find_sha(call[i]) != nullptr ? 1 : 0);
  return {};
}

Result<void> script_flush_command(Call& call) {
  if (call.size() > 3 || (call.size() == 3 && !call.is(2, "ASYNC") && !call.is(2, "SYNC")))
    return answer_error("ERR SCRIPT FLUSH only support SYNC|ASYNC option");
  script::Scripts& scripts = call.environment().scripts();
  scripts.cache().flush();
  scripts.forget_machines();
  call.reply().status("OK");
  return {};
}

Result<void> script_kill_command(Call& call) {
  STAVE_TRY(call.environment().scripts().slow().kill(true));
  call.reply().status("OK");
  return {};
}

Result<void> script_load_command(Call& call) {
  ScriptCache& cache = call.environment().scripts().cache();
  ScriptCache::Shared source = cache.find_text(call[2]);
  if (source == nullptr) {
    STAVE_ASSIGN(source, learn(call, call[2], true));
  } else if (!cache.add(source, true)) {
    return fail(ErrorCode::kNoMemory, "there is no room for more scripts");
  }
  call.reply().bulk(source->sha);
  return {};
}

Result<void> script_show_command(Call& call) {
  const ScriptCache::Shared source = call.environment().scripts().cache().find_sha(call[2]);
  if (source == nullptr) return answer_error("NOSCRIPT No matching script. Please use EVAL.");
  call.reply().bulk(source->text);
  return {};
}

}  // namespace stave::commands
