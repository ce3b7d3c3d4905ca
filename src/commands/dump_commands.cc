#include "commands/dump_commands.h"

#include <optional>

#include "base/try.h"
#include "commands/arguments.h"
#include "commands/dump_format.h"
#include "commands/kept_value.h"

namespace stave::commands {

using store::ValueType;
using store::ValueView;

namespace {

struct RestoreOptions {
  bool replace = false;
  bool absolute = false;
};

// IDLETIME and FREQ are checked as elsewhere; what they say is not kept.
Result<RestoreOptions> parse(const Call& call) {
  constexpr std::int64_t kFrequencyMax = 255;
  RestoreOptions options;
  bool idle_time = false;
  bool frequency = false;
  for (std::size_t i = 4; i < call.size(); ++i) {
    if (call.is(i, "REPLACE")) {
      options.replace = true;
    } else if (call.is(i, "ABSTTL")) {
      options.absolute = true;
    } else if (call.is(i, "IDLETIME") && i + 1 < call.size() && !frequency) {
      STAVE_ASSIGN(const std::int64_t seconds, integer_argument(call, ++i));
      if (seconds < 0) return answer_error("ERR Invalid IDLETIME value, must be >= 0");
      idle_time = true;
    } else if (call.is(i, "FREQ") && i + 1 < call.size() && !idle_time) {
      STAVE_ASSIGN(const std::int64_t value, integer_argument(call, ++i));
      if (value < 0 || value > kFrequencyMax) return answer_error("ERR Invalid FREQ value, must be >= 0 and <= 255");
      frequency = true;
    } else {
      return syntax_error();
    }
  }
  return options;
}

}  // namespace

Result<void> dump_command(Call& call) {
  std::optional<KeptValue> payload;
  bool other_type = false;
  STAVE_TRY(call.wait_for(call.read(call.key(1), call.session().read_access(), [&](const ValueView* value) {
    if (value == nullptr) return;
    other_type = value->type != ValueType::kString;
    if (!other_type) payload.emplace(*value);
  })));
  if (other_type) return wrong_type();
  if (payload) {
    call.reply().bulk(dump_string(payload->view()));
  } else {
    call.reply().null();
  }
  return {};
}

Result<void> restore_command(Call& call) {
  STAVE_ASSIGN(const RestoreOptions options, parse(call));
  const store::KeyRef key = call.key(1);
  const auto taken = [&](Part& part) { return !options.replace && part.find(key, store::Access::kMeta).has_value(); };
  const auto busy = [] { return answer_error("BUSYKEY Target key name already exists."); };
  {
    // Answered before the payload is looked at; asked again below, when the key is held.
    Part look(call.session(), key);
    const bool refused = taken(look);
    STAVE_TRY(call.commit(look));
    if (refused) return busy();
  }
  STAVE_ASSIGN(const std::int64_t ttl, integer_argument(call, 2));
  if (ttl < 0) return answer_error("ERR Invalid TTL value, must be >= 0");
  STAVE_ASSIGN(const std::string value, restore_string(call[3], call.engine().options().value_bytes_max));
  Part part(call.session(), key);
  Expiry expiry;
  if (ttl != 0) {
    const TimeForm form = options.absolute ? TimeForm::kUnixMilliseconds : TimeForm::kMilliseconds;
    STAVE_ASSIGN(expiry.at, moment(call, ttl, form, part.now(), "restore"));
  }
  if (taken(part)) return busy();
  if (expiry.passed(part.now())) {
    part.erase(key);
  } else {
    STAVE_TRY(part.put(key, value, expiry));
  }
  STAVE_TRY(call.commit(part));
  call.reply().status("OK");
  return {};
}

}  // namespace stave::commands
