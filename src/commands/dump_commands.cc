#include "commands/dump_commands.h"

#include <optional>

#include "base/try.h"
#include "commands/arguments.h"
#include "commands/dump_format.h"
#include "commands/kept_value.h"
#include "store/collection.h"
#include "store/foreign_value.h"

namespace stave::commands {

using store::ValueType;
using store::ValueView;

namespace {

struct RestoreOptions {
  bool replace = false;
  bool absolute = false;
};

// IDLETIME and FREQ are checked as elsewhere; what they say is not kept.
Result<RestoreOptions> parse_restore(const Call& call) {
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
  std::optional<KeptValue> kept;
  ValueType type{};
  bool paged = false;
  STAVE_TRY(call.wait_for(call.read(call.key(1), call.session().read_access(), [&](const ValueView* value) {
    if (value == nullptr) return;
    type = value->type;
    paged = value->paged;
    if (!paged) kept.emplace(*value);
  })));
  if (paged) {
    Part part(call.session(), call.key(1));
    if (const auto held = part.find(call.key(1)); held && held->paged) {
      type = held->type;
      STAVE_ASSIGN(std::string joined, store::joined_form(part.transaction(), *held));
      kept.emplace(std::move(joined));
    } else if (held) {
      type = held->type;
      kept.emplace(*held);
    }
    STAVE_TRY(call.commit(part));
  }
  std::optional<std::string> shown;
  if (kept) shown = store::shown_value(call.engine().time(), call.now(), type, kept->view());
  if (!kept || (shown && shown->empty())) {
    call.reply().null();
  } else {
    call.reply().bulk(dump_value(type, shown ? std::string_view(*shown) : kept->view()));
  }
  return {};
}

Result<void> restore_command(Call& call) {
  STAVE_ASSIGN(const RestoreOptions options, parse_restore(call));
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
  STAVE_ASSIGN(Restored restored, restore_value(call[3], call.engine().options().value_bytes_max));
  Part part(call.session(), key);
  Expiry expiry;
  if (ttl != 0) {
    const TimeForm form = options.absolute ? TimeForm::kUnixMilliseconds : TimeForm::kMilliseconds;
    STAVE_ASSIGN(expiry.at, moment(call, ttl, form, part.now(), "restore"));
  }
  if (taken(part)) return busy();
  if (auto adopted = store::adopted_value(call.engine().time(), part.now(), restored.type, restored.value, expiry)) {
    restored.value = std::move(adopted->value);
    expiry = adopted->expiry;
  }
  if (restored.value.empty() && restored.type != ValueType::kString) {
    part.erase(key);  // all its fields have expired meanwhile
  } else if (expiry.passed(part.now())) {
    part.erase(key);
  } else {
    STAVE_TRY(store::put_form(part, key, restored.type, restored.value, expiry));
  }
  STAVE_TRY(call.commit(part));
  call.reply().status("OK");
  return {};
}

}  // namespace stave::commands
