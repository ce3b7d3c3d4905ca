#include "commands/hash_expiry_commands.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/try.h"
#include "commands/arguments.h"
#include "commands/collection.h"
#include "commands/hash_arguments.h"
#include "commands/one_collection.h"
#include "types/string/number.h"

namespace stave::commands {

using store::Hash;
using types::hash::kNever;

namespace {

// What is answered of a field.
constexpr std::int64_t kNoField = -2;
constexpr std::int64_t kNoDeadline = -1;
constexpr std::int64_t kNotMet = 0;
constexpr std::int64_t kSet = 1;
constexpr std::int64_t kDeleted = 2;

void answer_numbers(Sink& reply, const std::vector<std::int64_t>& numbers) {
  reply.array(numbers.size());
  for (const std::int64_t number : numbers) reply.integer(number);
}

using Values = std::vector<std::optional<std::string>>;

void answer_values(Sink& reply, const Values& values) {
  reply.array(values.size());
  for (const auto& value : values) {
    if (value) {
      reply.bulk(*value);
    } else {
      reply.null();
    }
  }
}

// --- arguments -------------------------------------------------------------------------------------------------------

/// "FIELDS numfields field [field ...]", from argument `at` to the end. Returns where the fields begin.
Result<std::size_t> fields_argument(const Call& call, std::size_t at, const char* not_positive) {
  if (at + 1 >= call.size() || !call.is(at, "FIELDS"))
    return answer_error("ERR Mandatory argument FIELDS is missing or not at the right position");
  const auto count = types::parse_integer(call[at + 1]);
  if (!count || *count < 1) return answer_error(not_positive);
  const std::size_t first = at + 2;
  if (static_cast<std::uint64_t>(*count) != call.size() - first)
    return answer_error("ERR The `numfields` parameter must match the number of arguments");
  return first;
}

constexpr const char* kFieldsNotPositive = "ERR Number of fields must be a positive integer";

/// A deadline of fields. No later than Redis' own limit, which leaves two bits of 48 free.
Result<UnixMs> deadline_argument(Call& call, std::size_t i, TimeForm form, std::string_view name) {
  constexpr std::int64_t kLatest = (std::int64_t{1} << 46) - 1;
  STAVE_ASSIGN(const std::int64_t amount, integer_argument(call, i));
  if (amount < 0) return answer_error("ERR invalid expire time, must be >= 0");
  const UnixMs now = call.now();
  const std::int64_t base = is_relative(form) ? raw(now) : 0;
  if (is_seconds(form) && amount > kLatest / 1000) return invalid_expire(name);
  if (amount * (is_seconds(form) ? 1000 : 1) > kLatest - base) return invalid_expire(name);
  STAVE_ASSIGN(const UnixMs at, moment(call, amount, form, now, name));
  // The first moment of all stands for no deadline.
  return std::max(at, UnixMs{1});
}

struct TimeOption {
  std::string_view word;
  TimeForm form;
};
constexpr std::array kTimeOptions = {TimeOption{"EX", TimeForm::kSeconds}, TimeOption{"PX", TimeForm::kMilliseconds},
                                     TimeOption{"EXAT", TimeForm::kUnixSeconds},
                                     TimeOption{"PXAT", TimeForm::kUnixMilliseconds}};

const TimeOption* time_option(const Call& call, std::size_t i) noexcept {
  const auto* const found =
      std::ranges::find_if(kTimeOptions, [&](const TimeOption& option) { return call.is(i, option.word); });
  return found == kTimeOptions.end() ? nullptr : found;
}

// --- HEXPIRE and its like --------------------------------------------------------------------------------------------

enum class Condition : std::uint8_t { kNone, kIfNone, kIfAny, kIfLater, kIfEarlier };

/// To GT and LT a field without a deadline dies later than any other.
bool condition_holds(Condition condition, UnixMs old, UnixMs fresh) noexcept {
  switch (condition) {
    case Condition::kNone: return true;
    case Condition::kIfNone: return old == kNever;
    case Condition::kIfAny: return old != kNever;
    case Condition::kIfLater: return old != kNever && fresh > old;
    case Condition::kIfEarlier: return old == kNever || fresh < old;
  }
  return false;
}

std::optional<Condition> condition_argument(const Call& call, std::size_t i) noexcept {
  if (call.is(i, "NX")) return Condition::kIfNone;
  if (call.is(i, "XX")) return Condition::kIfAny;
  if (call.is(i, "GT")) return Condition::kIfLater;
  if (call.is(i, "LT")) return Condition::kIfEarlier;
  return std::nullopt;
}

std::int64_t expire_field(store::Opened<Hash>& hash, std::string_view name, Condition condition, UnixMs at) {
  const auto old = hash.reader().deadline(name);
  if (!old) return kNoField;
  if (!condition_holds(condition, *old, at)) return kNotMet;
  if (at <= hash.now()) {
    hash.editor().remove(name);
    return kDeleted;
  }
  hash.editor().set_deadline(name, at);
  return kSet;
}

Result<void> expire_fields(Call& call, TimeForm form, std::string_view name) {
  STAVE_ASSIGN(const UnixMs at, deadline_argument(call, 2, form, name));
  const auto condition = condition_argument(call, 3);
  STAVE_ASSIGN(const std::size_t first,
               fields_argument(call, condition ? 4 : 3, "ERR Parameter `numFields` should be greater than 0"));
  std::vector<std::int64_t> results;
  const auto change = [&](store::Opened<Hash>& hash) -> Result<void> {
    results.clear();
    if (at > hash.now()) STAVE_TRY(hash.join_pages());
    for (std::size_t i = first; i < call.size(); ++i)
      results.push_back(expire_field(hash, call[i], condition.value_or(Condition::kNone), at));
    return {};
  };
  STAVE_TRY(change_one<Hash>(call, 1, change));
  answer_numbers(call.reply(), results);
  return {};
}

/// Answers when fields die: as a moment, or counted from now when `relative`. Begun seconds count.
Result<void> answer_deadlines(Call& call, bool relative, bool seconds) {
  STAVE_ASSIGN(const std::size_t first, fields_argument(call, 2, kFieldsNotPositive));
  std::vector<std::optional<UnixMs>> deadlines(call.size() - first);
  const auto look = [&](const types::hash::Reader* hash) -> Result<void> {
    for (std::size_t i = first; hash != nullptr && i < call.size(); ++i) deadlines[i - first] = hash->deadline(call[i]);
    return {};
  };
  STAVE_TRY(look_at_one<Hash>(call, 1, look));
  std::vector<std::int64_t> results;
  for (const auto& deadline : deadlines) {
    std::int64_t result = kNoField;
    if (deadline == kNever) {
      result = kNoDeadline;
    } else if (deadline) {
      result =
          relative ? std::max<std::int64_t>(*deadline - call.now(), 0) : raw(call.engine().time().to_wall(*deadline));
      if (seconds) result = (result + 999) / 1000;
    }
    results.push_back(result);
  }
  answer_numbers(call.reply(), results);
  return {};
}

// --- HGETEX and HSETEX -----------------------------------------------------------------------------------------------

/// Gives a field a deadline, or removes it when that has passed.
void set_or_remove(store::Opened<Hash>& hash, std::string_view name, UnixMs at) {
  if (at != kNever && at <= hash.now()) {
    hash.editor().remove(name);
  } else {
    hash.editor().set_deadline(name, at);
  }
}

struct SetexOptions {
  bool if_none = false;  ///< FNX
  bool if_all = false;   ///< FXX
  bool keep = false;     ///< KEEPTTL
  std::optional<TimeForm> form;
  std::size_t amount = 0;  ///< Argument that holds the time.
  std::size_t first = 0;   ///< Argument that is the first field.
};

/// "FIELDS numfields field value …", from argument `at` to the end. Returns where they begin.
Result<std::size_t> pairs_argument(const Call& call, std::size_t at) {
  if (at + 3 >= call.size()) return wrong_number_of_arguments("hsetex");
  const auto count = types::parse_integer(call[at + 1]);
  if (!count || *count < 1 || *count > std::numeric_limits<std::int32_t>::max())
    return answer_error("ERR invalid number of fields");
  const std::size_t first = at + 2;
  if (static_cast<std::uint64_t>(*count) * 2 != call.size() - first) return wrong_number_of_arguments("hsetex");
  return first;
}

Result<SetexOptions> parse_setex(const Call& call) {
  SetexOptions options;
  for (std::size_t i = 2; i < call.size(); ++i) {
    if (call.is(i, "FIELDS")) {
      STAVE_ASSIGN(options.first, pairs_argument(call, i));
      return options;
    }
    if (call.is(i, "FNX") || call.is(i, "FXX")) {
      if (options.if_none || options.if_all)
        return answer_error("ERR Only one of FXX or FNX arguments can be specified");
      (call.is(i, "FNX") ? options.if_none : options.if_all) = true;
      continue;
    }
    const TimeOption* const time = time_option(call, i);
    if (time == nullptr && !call.is(i, "KEEPTTL")) return answer_error("ERR unknown argument: " + quoted(call[i]));
    if (options.keep || options.form)
      return answer_error("ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified");
    if (time == nullptr) {
      options.keep = true;
      continue;
    }
    if (i + 1 >= call.size()) return answer_error("ERR missing expire time");
    options.form = time->form;
    options.amount = ++i;
  }
  return wrong_number_of_arguments("hsetex");
}

bool condition_holds(const SetexOptions& options, const Call& call, const types::hash::Reader& hash) {
  if (!options.if_none && !options.if_all) return true;
  for (std::size_t i = options.first; i < call.size(); i += 2)
    if (hash.find(call[i]).has_value() != options.if_all) return false;
  return true;
}

}  // namespace

Result<void> hexpire_command(Call& call) {
  return expire_fields(call, TimeForm::kSeconds, "hexpire");
}
Result<void> hpexpire_command(Call& call) {
  return expire_fields(call, TimeForm::kMilliseconds, "hpexpire");
}
Result<void> hexpireat_command(Call& call) {
  return expire_fields(call, TimeForm::kUnixSeconds, "hexpireat");
}
Result<void> hpexpireat_command(Call& call) {
  return expire_fields(call, TimeForm::kUnixMilliseconds, "hpexpireat");
}

Result<void> httl_command(Call& call) {
  return answer_deadlines(call, true, true);
}
Result<void> hpttl_command(Call& call) {
  return answer_deadlines(call, true, false);
}
Result<void> hexpiretime_command(Call& call) {
  return answer_deadlines(call, false, true);
}
Result<void> hpexpiretime_command(Call& call) {
  return answer_deadlines(call, false, false);
}

Result<void> hpersist_command(Call& call) {
  STAVE_ASSIGN(const std::size_t first, fields_argument(call, 2, kFieldsNotPositive));
  std::vector<std::int64_t> results;
  const auto change = [&](store::Opened<Hash>& hash) -> Result<void> {
    results.clear();
    for (std::size_t i = first; i < call.size(); ++i) {
      const auto deadline = hash.reader().deadline(call[i]);
      const bool persists = deadline && *deadline != kNever;
      if (persists) hash.editor().set_deadline(call[i], kNever);
      results.push_back(!deadline ? kNoField : persists ? kSet : kNoDeadline);
    }
    return {};
  };
  STAVE_TRY(change_one<Hash>(call, 1, change));
  answer_numbers(call.reply(), results);
  return {};
}

Result<void> hgetdel_command(Call& call) {
  STAVE_ASSIGN(const std::size_t first, fields_argument(call, 2, kFieldsNotPositive));
  Values values;
  const auto change = [&](store::Opened<Hash>& hash) -> Result<void> {
    values.clear();
    for (std::size_t i = first; i < call.size(); ++i) {
      const auto value = hash.reader().find(call[i]);
      values.push_back(value ? std::optional<std::string>(value->view()) : std::nullopt);
      if (value) hash.editor().remove(call[i]);
    }
    return {};
  };
  STAVE_TRY(change_one<Hash>(call, 1, change));
  answer_values(call.reply(), values);
  return {};
}

Result<void> hgetex_command(Call& call) {
  const TimeOption* const time = time_option(call, 2);
  const bool persist = call.is(2, "PERSIST");
  STAVE_ASSIGN(const std::size_t first, fields_argument(call,
                                                        time != nullptr ? 4
                                                        : persist       ? 3
                                                                        : 2,
                                                        kFieldsNotPositive));
  std::optional<UnixMs> at;
  if (persist) at = kNever;
  if (time != nullptr) {
    STAVE_ASSIGN(at, deadline_argument(call, 3, time->form, "hgetex"));
  }
  Values values;
  const auto change = [&](store::Opened<Hash>& hash) -> Result<void> {
    values.clear();
    if (at && *at > hash.now()) STAVE_TRY(hash.join_pages());
    for (std::size_t i = first; i < call.size(); ++i) {
      const auto value = hash.reader().find(call[i]);
      values.push_back(value ? std::optional<std::string>(value->view()) : std::nullopt);
      if (value && at) set_or_remove(hash, call[i], *at);
    }
    return {};
  };
  STAVE_TRY(change_one<Hash>(call, 1, change));
  answer_values(call.reply(), values);
  return {};
}

Result<void> hsetex_command(Call& call) {
  STAVE_ASSIGN(const SetexOptions options, parse_setex(call));
  UnixMs at = kNever;
  if (options.form) {
    STAVE_ASSIGN(at, deadline_argument(call, options.amount, *options.form, "hsetex"));
  }
  STAVE_TRY(check_element_sizes(call, options.first));
  bool set = false;
  const auto change = [&](store::Opened<Hash>& hash) -> Result<void> {
    set = condition_holds(options, call, hash.reader());
    if (set && at > hash.now()) STAVE_TRY(hash.join_pages());
    for (std::size_t i = options.first; set && i < call.size(); i += 2) {
      if (at != kNever && at <= hash.now()) {
        hash.editor().remove(call[i]);
        continue;
      }
      const UnixMs kept = options.keep ? hash.reader().deadline(call[i]).value_or(kNever) : at;
      hash.editor().set(call[i], call[i + 1], kept);
    }
    return {};
  };
  STAVE_TRY(change_one<Hash>(call, 1, change));
  call.reply().integer(set ? 1 : 0);
  return {};
}

}  // namespace stave::commands
