#include "commands/increx_command.h"

#include <cmath>
#include <limits>
#include <optional>
#include <string>

#include "base/assert.h"
#include "base/try.h"
#include "commands/expiry_options.h"
#include "types/string/number.h"

namespace stave::commands {

using store::Update;
using store::ValueView;

namespace {

/// Arguments that hold numbers; 0: not given.
struct IncrexOptions {
  bool by_float = false;
  std::size_t by = 0;
  std::size_t lower = 0;
  std::size_t upper = 0;
  bool saturate = false;
  bool only_without_expiry = false;
  ExpiryOptions expiry;
};

/// Takes `word` and the argument behind it. False: it is another word, or was there before.
bool take_operand(const Call& call, std::size_t& i, std::string_view word, std::size_t& operand) {
  if (operand != 0 || !call.is(i, word) || i + 1 >= call.size()) return false;
  operand = i + 1;
  i += 2;
  return true;
}
bool take_flag(const Call& call, std::size_t& i, std::string_view word, bool& flag) {
  if (flag || !call.is(i, word)) return false;
  flag = true;
  ++i;
  return true;
}

Result<IncrexOptions> parse_increx(const Call& call) {
  IncrexOptions options;
  for (std::size_t i = 2; i < call.size();) {
    if (take_operand(call, i, "BYINT", options.by)) continue;
    if (take_operand(call, i, "BYFLOAT", options.by)) {
      options.by_float = true;
      continue;
    }
    if (take_operand(call, i, "LBOUND", options.lower) || take_operand(call, i, "UBOUND", options.upper) ||
        take_flag(call, i, "SATURATE", options.saturate) || take_flag(call, i, "ENX", options.only_without_expiry))
      continue;
    // Unlike elsewhere, no option may be given twice.
    const bool again = options.expiry.any() && !call.is(i, "SLIDING");
    if (again || call.is(i, "KEEPTTL") || !options.expiry.take(call, i)) return syntax_error();
  }
  if (options.only_without_expiry && options.expiry.persist()) return syntax_error();
  if (options.only_without_expiry && !options.expiry.timed())
    return answer_error("ERR ENX flag requires an expiration");
  return options;
}

/// The numbers of one kind: how they are read and spelled, and what becomes of a sum that is none of them.
struct Integers {
  using Number = std::int64_t;
  static constexpr Number kLeast = std::numeric_limits<Number>::min();
  static constexpr Number kMost = std::numeric_limits<Number>::max();
  static constexpr std::string_view kNotOne = " is not an integer or out of range";
  static constexpr std::string_view kTooMuch = "ERR applied increment would overflow";
  static std::optional<Number> read(std::string_view text) { return types::parse_integer(text); }
  static std::string spell(Number number) { return std::string(types::Digits(number).view()); }
  /// nullopt: beyond the type.
  static Result<std::optional<Number>> sum(Number a, Number b) { return types::checked_add(a, b); }
  static std::optional<Number> difference(Number a, Number b) {
    Number result = 0;
    if (__builtin_sub_overflow(a, b, &result)) return std::nullopt;
    return result;
  }
  static void answer(Sink& reply, Number number) { reply.integer(number); }
};

struct Floats {
  using Number = long double;
  static constexpr Number kLeast = std::numeric_limits<Number>::lowest();
  static constexpr Number kMost = std::numeric_limits<Number>::max();
  static constexpr std::string_view kNotOne = " is not a valid float";
  static constexpr std::string_view kTooMuch = "ERR applied increment would be Infinity";
  static std::optional<Number> read(std::string_view text) { return types::parse_float(text); }
  static std::string spell(Number number) {
    if (std::isfinite(number)) return types::format_float(number);
    return number < 0 ? "-inf" : "inf";
  }
  static Result<std::optional<Number>> sum(Number a, Number b) {
    const Number sum = a + b;
    if (std::isnan(sum)) return answer_error("ERR increment would produce NaN or Infinity");
    if (std::isinf(sum)) return std::optional<Number>();
    return std::optional(sum);
  }
  static std::optional<Number> difference(Number a, Number b) {
    const Number difference = a - b;
    return std::isfinite(difference) ? std::optional(difference) : std::nullopt;
  }
  static void answer(Sink& reply, Number number) {
    if (reply.protocol() == 2) {
      reply.bulk(spell(number));
    } else {
      reply.real(static_cast<double>(number));
    }
  }
};

template <class Kind>
struct Step {
  typename Kind::Number by;
  typename Kind::Number lower;
  typename Kind::Number upper;
  bool saturate;
};

template <class Kind>
Result<typename Kind::Number> operand(const Call& call, std::size_t i, std::string_view name,
                                      typename Kind::Number otherwise) {
  if (i == 0) return otherwise;
  const auto number = Kind::read(call[i]);
  if (!number) return answer_error(std::string("ERR ").append(name).append(Kind::kNotOne));
  return *number;
}

template <class Kind>
Result<Step<Kind>> step_of(const Call& call, const IncrexOptions& options) {
  Step<Kind> step{.saturate = options.saturate};
  STAVE_ASSIGN(step.by, operand<Kind>(call, options.by, "Increment", 1));
  STAVE_ASSIGN(step.lower, operand<Kind>(call, options.lower, "LBOUND", Kind::kLeast));
  STAVE_ASSIGN(step.upper, operand<Kind>(call, options.upper, "UBOUND", Kind::kMost));
  if (step.lower > step.upper) return answer_error("ERR LBOUND can't be greater than UBOUND");
  return step;
}

template <class Kind>
struct Move {
  typename Kind::Number to = 0;
  typename Kind::Number by = 0;
};

/// From `old` on; nullopt when the step leads out of bounds and is not to end at one of them.
template <class Kind>
Result<std::optional<Move<Kind>>> move_of(typename Kind::Number old, const Step<Kind>& step) {
  STAVE_ASSIGN(const auto sum, Kind::sum(old, step.by));
  if (sum && *sum >= step.lower && *sum <= step.upper) return Move<Kind>{*sum, step.by};
  if (!step.saturate) return std::optional<Move<Kind>>();
  const bool above = sum ? *sum > step.upper : step.by > 0;
  const auto to = above ? step.upper : step.lower;
  const auto by = Kind::difference(to, old);
  if (!by) return answer_error(std::string(Kind::kTooMuch));
  return Move<Kind>{to, *by};
}

/// The number that a key holds; 0 when it is not there. Errors: WRONGTYPE, not a number.
template <class Kind>
Result<typename Kind::Number> number_of(const ValueView* held) {
  if (held == nullptr) return 0;
  STAVE_ASSIGN(const std::string_view text, text_of(held));
  // No number is as long as a string in pages.
  const auto number = held->paged ? std::nullopt : Kind::read(text);
  if (!number) return answer_error(std::string("ERR value").append(Kind::kNotOne));
  return *number;
}

template <class Kind>
Result<void> increase(Call& call, const IncrexOptions& options) {
  STAVE_ASSIGN(const Step<Kind> step, step_of<Kind>(call, options));
  if (options.expiry.timed()) STAVE_TRY(options.expiry.amount(call, "increx"));
  Move<Kind> done;
  std::string text;
  const auto decide = [&](const ValueView* held, UnixMs now) -> Result<Update> {
    STAVE_ASSIGN(const auto old, number_of<Kind>(held));
    STAVE_ASSIGN(const auto move, move_of(old, step));
    done = move.value_or(Move<Kind>{.to = old});
    if (!move) return Update{};
    Expiry expiry = held == nullptr || options.expiry.persist() ? Expiry{} : held->expiry;
    if (options.expiry.timed() && (!options.only_without_expiry || expiry.never())) {
      STAVE_ASSIGN(expiry, options.expiry.resolve(call, now, "increx"));
      // Nobody could ever read it.
      if (expiry.passed(now)) return Update{.what = Update::What::kErase};
    }
    text = Kind::spell(move->to);
    return Update{.what = Update::What::kPut, .value = text, .expiry = expiry};
  };
  STAVE_TRY(call.update(call.key(1), store::Access::kPeekRoot, decide));
  call.reply().array(2);
  Kind::answer(call.reply(), done.to);
  Kind::answer(call.reply(), done.by);
  return {};
}

}  // namespace

Result<void> increx_command(Call& call) {
  STAVE_ASSIGN(const IncrexOptions options, parse_increx(call));
  return options.by_float ? increase<Floats>(call, options) : increase<Integers>(call, options);
}

}  // namespace stave::commands
