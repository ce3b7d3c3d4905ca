#include "commands/conditional_commands.h"

#include "base/try.h"
#include "commands/arguments.h"
#include "commands/kept_value.h"
#include "commands/value_condition.h"

namespace stave::commands {

using store::Access;
using store::Update;
using store::ValueType;
using store::ValueView;

namespace {

/// Removes argument 1's key if `holds`, shown what that holds, says so; answers 1 or 0. `compared`: with so many bytes
/// it compares the value, and does nothing else with it.
template <class Holds>
Result<void> remove_if(Call& call, Access access, Holds&& holds, std::optional<std::size_t> compared = {}) {
  bool removed = false;
  const auto decide = [&](const ValueView* held, UnixMs) -> Result<Update> {
    removed = false;
    if (held == nullptr) return Update{};
    STAVE_ASSIGN(removed, holds(*held));
    return Update{.what = removed ? Update::What::kErase : Update::What::kNothing};
  };
  if (compared) {
    STAVE_TRY(update_comparing(call, call.key(1), *compared, decide));
  } else {
    STAVE_TRY(call.update(call.key(1), access, decide));
  }
  call.reply().integer(removed ? 1 : 0);
  return {};
}

}  // namespace

bool delex_needs_value(Arguments arguments) noexcept {
  return arguments.size() > 2;
}

Result<void> delex_command(Call& call) {
  if (call.size() == 3) return answer_error("ERR wrong number of arguments for 'delex' command");
  if (call.size() == 2) return remove_if(call, Access::kMeta, [](const ValueView&) -> Result<bool> { return true; });
  ValueCondition condition;
  std::size_t i = 2;
  if (condition.take(call, i)) STAVE_TRY(condition.prepare(call, call.key(1)));
  // What is wrong with the condition is said of a key that is there only, and of a string only.
  return remove_if(
      call, Access::kPeek,
      [&](const ValueView& held) -> Result<bool> {
        if (held.type != ValueType::kString)
          return answer_error("ERR Key should be of string type if conditions are specified");
        if (!condition.any()) return answer_error("ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE");
        return condition.holds(call, &held);
      },
      condition.compared_bytes(call));
}

Result<void> delifeq_command(Call& call) {
  return remove_if(
      call, Access::kPeek,
      [&](const ValueView& held) -> Result<bool> {
        STAVE_ASSIGN(const std::string_view value, text_of(&held));
        return held.here && value == call[2];
      },
      call[2].size());
}

Result<void> digest_command(Call& call) {
  bool other_type = false;
  std::optional<KeptValue> value;
  STAVE_TRY(call.wait_for(call.read(call.key(1), call.session().read_access(), [&](const ValueView* held) {
    if (held == nullptr) return;
    other_type = held->type != ValueType::kString;
    if (!other_type) value.emplace(*held);
  })));
  if (other_type) return wrong_type();
  if (value) {
    call.reply().bulk(spell_digest(digest_of(value->view())));
  } else {
    call.reply().null();
  }
  return {};
}

}  // namespace stave::commands
