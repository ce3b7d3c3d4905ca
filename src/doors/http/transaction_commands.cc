#include "doors/http/transaction_commands.h"

#include <algorithm>
#include <cmath>

#include "base/try.h"
#include "commands/arguments.h"
#include "commands/expiry_options.h"
#include "commands/table.h"
#include "commands/type_names.h"
#include "doors/http/json_sink.h"
#include "doors/http/json_text.h"
#include "store/transaction.h"
#include "types/string/number.h"

namespace stave::http {

using commands::Call;
using commands::text_of;
using store::KeyRef;
using store::Transaction;

namespace {

struct Step {
  Call& call;
  Transaction& transaction;

  [[nodiscard]] std::optional<store::ValueView> find(std::size_t i) {
    return transaction.find(call.key(i), store::Access::kTouch);
  }
  Result<void> put(std::size_t i, std::string_view value, const Expiry& expiry) {
    if (!expiry.passed(transaction.now())) return transaction.put(call.key(i), value, expiry);
    transaction.erase(call.key(i));
    return {};
  }
};

void answer_text(Step& step, const std::optional<std::string>& text) {
  if (text) {
    step.call.reply().bulk(*text);
  } else {
    step.call.reply().null();
  }
}

Result<std::optional<std::string>> held_text(Step& step, std::size_t i) {
  const auto held = step.find(i);
  STAVE_ASSIGN(const std::string_view text, text_of(held));
  if (!held) return std::nullopt;
  return std::string(text);
}

// --- strings ----------------------------------------------------------------------------------

Result<void> get(Step& step) {
  STAVE_ASSIGN(const auto text, held_text(step, 1));
  answer_text(step, text);
  return {};
}

Result<void> set(Step& step) {
  Call& call = step.call;
  commands::ExpiryOptions expiry_options;
  bool absent = false;
  bool present = false;
  bool show = false;
  for (std::size_t i = 3; i < call.size();) {
    bool* const flag = call.is(i, "NX") ? &absent : call.is(i, "XX") ? &present : call.is(i, "GET") ? &show : nullptr;
    if (flag != nullptr) {
      *flag = true;
      ++i;
    } else if (call.is(i, "PERSIST") || !expiry_options.take(call, i)) {
      return commands::syntax_error();
    }
  }
  if (absent && present) return commands::syntax_error();
  Expiry expiry;
  if (expiry_options.timed()) {
    STAVE_ASSIGN(expiry, expiry_options.resolve(call, step.transaction.now(), "set"));
  }
  std::optional<std::string> old;
  if (show) {
    STAVE_ASSIGN(old, held_text(step, 1));
  }
  const auto held = step.find(1);
  const bool wanted = absent ? !held : present ? held.has_value() : true;
  if (wanted) {
    if (expiry_options.keep() && held) expiry = held->expiry;
    STAVE_TRY(step.put(1, call[2], expiry));
  }
  if (show || !wanted) {
    answer_text(step, old);
  } else {
    call.reply().status("OK");
  }
  return {};
}

Result<void> set_expiring(Step& step, commands::TimeForm form, std::string_view name) {
  STAVE_ASSIGN(const std::int64_t amount, commands::integer_argument(step.call, 2));
  if (amount <= 0) return commands::invalid_expire(name);
  STAVE_ASSIGN(const UnixMs at, commands::moment(amount, form, step.transaction.now(), name));
  STAVE_TRY(step.put(1, step.call[3], {.at = at}));
  step.call.reply().status("OK");
  return {};
}
Result<void> setex(Step& step) {
  return set_expiring(step, commands::TimeForm::kSeconds, "setex");
}
Result<void> psetex(Step& step) {
  return set_expiring(step, commands::TimeForm::kMilliseconds, "psetex");
}

Result<void> setnx(Step& step) {
  const bool wanted = !step.find(1);
  if (wanted) STAVE_TRY(step.put(1, step.call[2], {}));
  step.call.reply().integer(wanted ? 1 : 0);
  return {};
}

Result<void> getset(Step& step) {
  STAVE_ASSIGN(const auto old, held_text(step, 1));
  STAVE_TRY(step.put(1, step.call[2], {}));
  answer_text(step, old);
  return {};
}

Result<void> getdel(Step& step) {
  STAVE_ASSIGN(const auto old, held_text(step, 1));
  step.transaction.erase(step.call.key(1));
  answer_text(step, old);
  return {};
}

Result<void> add(Step& step, std::int64_t by) {
  const auto held = step.find(1);
  STAVE_ASSIGN(const std::string_view text, text_of(held));
  const auto number = held ? types::parse_integer(text) : std::optional<std::int64_t>(0);
  if (!number) return commands::not_an_integer();
  const auto sum = types::checked_add(*number, by);
  if (!sum) return commands::answer_error("ERR increment or decrement would overflow");
  STAVE_TRY(step.put(1, types::Digits(*sum).view(), held ? held->expiry : Expiry{}));
  step.call.reply().integer(*sum);
  return {};
}
Result<void> incr(Step& step) {
  return add(step, 1);
}
Result<void> decr(Step& step) {
  return add(step, -1);
}
Result<void> incrby(Step& step) {
  STAVE_ASSIGN(const std::int64_t by, commands::integer_argument(step.call, 2));
  return add(step, by);
}
Result<void> decrby(Step& step) {
  STAVE_ASSIGN(const std::int64_t by, commands::integer_argument(step.call, 2));
  const auto negated = types::checked_multiply(by, -1);
  if (!negated) return commands::answer_error("ERR decrement would overflow");
  return add(step, *negated);
}

Result<void> incrbyfloat(Step& step) {
  const auto held = step.find(1);
  STAVE_ASSIGN(const std::string_view text, text_of(held));
  const auto number = held ? types::parse_float(text) : std::optional<long double>(0);
  const auto by = types::parse_float(step.call[2]);
  if (!number || !by) return commands::not_a_float();
  const long double sum = *number + *by;
  if (!std::isfinite(sum)) return commands::answer_error("ERR increment would produce NaN or Infinity");
  const std::string result = types::format_float(sum);
  STAVE_TRY(step.put(1, result, held ? held->expiry : Expiry{}));
  step.call.reply().bulk(result);
  return {};
}

Result<void> append(Step& step) {
  const auto held = step.find(1);
  STAVE_ASSIGN(const std::string_view old, text_of(held));
  STAVE_TRY(step.call.engine().check_limits(step.call[1], old.size() + step.call[2].size()));
  const std::string whole = std::string(old).append(step.call[2]);
  STAVE_TRY(step.put(1, whole, held ? held->expiry : Expiry{}));
  step.call.reply().integer(static_cast<std::int64_t>(whole.size()));
  return {};
}

Result<void> strlen(Step& step) {
  const auto held = step.find(1);
  STAVE_ASSIGN(const std::string_view text, text_of(held));
  step.call.reply().integer(static_cast<std::int64_t>(text.size()));
  return {};
}

Result<void> mget(Step& step) {
  step.call.reply().array(step.call.size() - 1);
  for (std::size_t i = 1; i < step.call.size(); ++i) {
    const auto held = step.find(i);
    if (held && held->type == store::ValueType::kString) {
      step.call.reply().bulk(held->value);
    } else {
      step.call.reply().null();
    }
  }
  return {};
}

Result<void> mset(Step& step) {
  if (step.call.size() % 2 == 0) return commands::answer_error("ERR wrong number of arguments for 'mset' command");
  for (std::size_t i = 1; i < step.call.size(); i += 2) STAVE_TRY(step.put(i, step.call[i + 1], {}));
  step.call.reply().status("OK");
  return {};
}

// --- keys -------------------------------------------------------------------------------------

Result<void> del(Step& step) {
  std::int64_t count = 0;
  for (std::size_t i = 1; i < step.call.size(); ++i) count += step.transaction.erase(step.call.key(i)) ? 1 : 0;
  step.call.reply().integer(count);
  return {};
}

Result<void> exists(Step& step) {
  std::int64_t count = 0;
  for (std::size_t i = 1; i < step.call.size(); ++i) count += step.transaction.find(step.call.key(i)) ? 1 : 0;
  step.call.reply().integer(count);
  return {};
}

Result<void> expire_by(Step& step, commands::TimeForm form, std::string_view name) {
  if (step.call.size() > 3)
    return commands::answer_error("ERR conditions of " + std::string(name) + " cannot be part of a transaction");
  STAVE_ASSIGN(const std::int64_t amount, commands::integer_argument(step.call, 2));
  STAVE_ASSIGN(const UnixMs at, commands::moment(amount, form, step.transaction.now(), name));
  const bool there = step.find(1).has_value();
  // A moment before the beginning of time is one that has passed.
  if (there) STAVE_TRY(step.transaction.set_expiry(step.call.key(1), {.at = std::max(at, UnixMs{1})}));
  step.call.reply().integer(there ? 1 : 0);
  return {};
}
Result<void> expire(Step& step) {
  return expire_by(step, commands::TimeForm::kSeconds, "expire");
}
Result<void> pexpire(Step& step) {
  return expire_by(step, commands::TimeForm::kMilliseconds, "pexpire");
}
Result<void> expireat(Step& step) {
  return expire_by(step, commands::TimeForm::kUnixSeconds, "expireat");
}
Result<void> pexpireat(Step& step) {
  return expire_by(step, commands::TimeForm::kUnixMilliseconds, "pexpireat");
}

Result<void> persist(Step& step) {
  const auto held = step.find(1);
  const bool had = held && !held->expiry.never();
  if (had) STAVE_TRY(step.transaction.set_expiry(step.call.key(1), {}));
  step.call.reply().integer(had ? 1 : 0);
  return {};
}

Result<void> tell_ttl(Step& step, std::int64_t unit_ms) {
  const auto held = step.transaction.find(step.call.key(1));
  std::int64_t answer = -2;
  if (held) answer = held->expiry.never() ? -1 : (held->expiry.at - step.transaction.now() + unit_ms / 2) / unit_ms;
  step.call.reply().integer(answer);
  return {};
}
Result<void> ttl(Step& step) {
  return tell_ttl(step, 1000);
}
Result<void> pttl(Step& step) {
  return tell_ttl(step, 1);
}

Result<void> type(Step& step) {
  const auto held = step.transaction.find(step.call.key(1));
  step.call.reply().status(held ? commands::type_name(held->type) : "none");
  return {};
}

struct Row {
  std::string_view name;
  Result<void> (*run)(Step&);
};
constexpr Row kRows[] = {
    {"GET", get},
    {"SET", set},
    {"SETEX", setex},
    {"PSETEX", psetex},
    {"SETNX", setnx},
    {"GETSET", getset},
    {"GETDEL", getdel},
    {"INCR", incr},
    {"DECR", decr},
    {"INCRBY", incrby},
    {"DECRBY", decrby},
    {"APPEND", append},
    {"INCRBYFLOAT", incrbyfloat},
    {"STRLEN", strlen},
    {"MGET", mget},
    {"MSET", mset},
    {"DEL", del},
    {"UNLINK", del},
    {"EXISTS", exists},
    {"TOUCH", exists},
    {"EXPIRE", expire},
    {"PEXPIRE", pexpire},
    {"EXPIREAT", expireat},
    {"PEXPIREAT", pexpireat},
    {"PERSIST", persist},
    {"TTL", ttl},
    {"PTTL", pttl},
    {"TYPE", type},
};

const Row* find_step(std::string_view name) noexcept {
  const auto* const found =
      std::ranges::find_if(kRows, [&](const Row& row) { return commands::same_word(row.name, name); });
  return found == std::end(kRows) ? nullptr : found;
}

struct Prepared {
  const Row* step;
  std::vector<std::string_view> arguments;
};

/// Looks at all commands before anything is locked, and gathers their keys.
std::expected<std::vector<Prepared>, std::string> prepare(std::span<const CommandText> commands, int database,
                                                          std::vector<KeyRef>& keys) {
  std::vector<Prepared> prepared;
  prepared.reserve(commands.size());
  for (const CommandText& text : commands) {
    Prepared one{find_step(text[0]), {text.begin(), text.end()}};
    const commands::Command* const row = commands::find_command(text[0]);
    if (one.step == nullptr || row == nullptr)
      return std::unexpected("EXECABORT Transaction discarded: '" + commands::quoted(text[0]) +
                             "' cannot be part of one");
    const auto count = static_cast<int>(text.size());
    if (count < row->arity.least || (row->arity.most != -1 && count > row->arity.most))
      return std::unexpected("EXECABORT Transaction discarded: wrong number of arguments for '" +
                             commands::full_name(*row) + "' command");
    for (const std::size_t i : commands::key_positions(*row, one.arguments))
      keys.push_back({database, one.arguments[i]});
    prepared.push_back(std::move(one));
  }
  return prepared;
}

}  // namespace

std::expected<store::Pending, TransactionRefused> transact(commands::Session& session,
                                                           std::span<const CommandText> commands, bool base64,
                                                           std::string& out) {
  store::Engine& engine = session.environment().engine();
  std::vector<KeyRef> keys;
  const auto prepared = prepare(commands, session.database(), keys);
  if (!prepared) return std::unexpected(TransactionRefused{prepared.error(), {}});
  Transaction transaction(engine, keys);
  for (const Prepared& one : *prepared) {
    out += &one == &prepared->front() ? "{\"result\":" : ",{\"result\":";
    JsonSink sink(out, base64);
    Call call(session, one.arguments, sink);
    Step step{call, transaction};
    if (auto done = one.step->run(step); !done) {
      transaction.rollback();
      const store::Pending seen = engine.pending_for_write(engine.log().tail(), Sync::kDefault);
      return std::unexpected(
          TransactionRefused{"EXECABORT Transaction discarded: " + commands::spell_error(done.error()), seen});
    }
    out += '}';
  }
  auto pending = transaction.commit(session.sync());
  if (!pending) return std::unexpected(TransactionRefused{commands::spell_error(pending.error()), {}});
  return *pending;
}

}  // namespace stave::http
