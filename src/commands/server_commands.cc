#include "commands/server_commands.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "base/try.h"
#include "commands/arguments.h"
#include "commands/encodings.h"
#include "commands/type_names.h"
#include "commands/version.h"
#include "types/string/number.h"

namespace stave::commands {

namespace {

constexpr std::string_view kCask = R"(
          ___________________________
        .'  |   |   |   |   |   |    '.
       /====|===|===|===|===|===|======\
      |     |   |   |   |   |   |       |
      |     |   |   |   |   |   |       |
     |======|===|===|===|===|===|========|
     |      |   |   | _ |   |   |        |
     |      |   |   |(_)|   |   |        |
     |      |   |   |   |   |   |        |
     |======|===|===|===|===|===|========|
      |     |   |   |   |   |   |       |
      |     |   |   |   |   |   |       |
       \====|===|===|===|===|===|======/
        '.__|___|___|___|___|___|____.'

   Staves are split from a log, and make a cask.
)";

/// Sleeps without holding anything: on a condition that nobody ever signals.
void sleep_ms(std::int64_t ms) {
  base::Mutex mutex;
  base::ConditionVariable never;
  base::MutexLock lock(mutex);
  while (never.wait_for_ms(mutex, ms)) {
  }
}

}  // namespace

Result<void> time_command(Call& call) {
  const std::int64_t now = raw(call.engine().clock().wall());
  call.reply().array(2);
  call.reply().bulk(types::Digits(now / 1000).view());
  call.reply().bulk(types::Digits(now % 1000 * 1000).view());
  return {};
}

Result<void> debug_sleep_command(Call& call) {
  constexpr long double kSecondsMax = 24 * 3600;
  const auto seconds = types::parse_float(call[2]);
  if (!seconds) return not_a_float();
  const long double bounded = std::clamp(*seconds, 0.0L, kSecondsMax);
  if (bounded > 0) sleep_ms(static_cast<std::int64_t>(std::ceil(bounded * 1000)));
  call.reply().status("OK");
  return {};
}

Result<void> debug_set_active_expire_command(Call& call) {
  if (call[2] != "0" && call[2] != "1") return syntax_error();
  call.engine().set_active_expiry(call[2] == "1");
  call.reply().status("OK");
  return {};
}

Result<void> debug_object_command(Call& call) {
  const store::KeyRef key = call.key(2);
  Part part(call.session(), key);
  std::optional<std::string> line;
  if (const auto held = part.find(key)) {
    const Expiry expiry = call.engine().time().shown(held->expiry);
    line = "Value type:" + std::string(type_name(*held)) + " encoding:";
    const std::string rest =
        " version:" + std::to_string(raw(held->version)) + " serializedlength:" + std::to_string(held->size) +
        " expires_at:" + std::to_string(raw(expiry.at)) + " sliding_ms:" + std::to_string(expiry.sliding_ms);
    STAVE_ASSIGN(const auto name, encoding_name(part, key, *held, call.environment().encoding_limits()));
    line->append(name).append(rest);
  }
  STAVE_TRY(call.commit(part));
  if (!line) return no_such_key();
  call.reply().status(*line);
  return {};
}

Result<void> shutdown_command(Call& call) {
  bool save = false;
  bool no_save = false;
  bool stay = false;
  for (std::size_t i = 1; i < call.size(); ++i) {
    if (call.is(i, "SAVE")) {
      save = true;
    } else if (call.is(i, "NOSAVE")) {
      no_save = true;
    } else if (call.is(i, "ABORT")) {
      stay = true;
    } else if (!call.is(i, "NOW") && !call.is(i, "FORCE")) {
      return syntax_error();
    }
  }
  if ((save && no_save) || (stay && call.size() > 2)) return syntax_error();
  if (stay) return answer_error("ERR No shutdown in progress.");
  STAVE_TRY(call.environment().host().request_shutdown());
  // No answer: clients take the end of the connection for success, and an answer for a refusal.
  call.session().set_closing();
  return {};
}

Result<void> lolwut_command(Call& call) {
  if (call.size() > 2 && call.is(1, "VERSION")) STAVE_TRY(integer_argument(call, 2));
  call.reply().verbatim("txt", std::string(kCask) + "\nStave ver. " + std::string(kStaveVersion) + "\n");
  return {};
}

}  // namespace stave::commands
