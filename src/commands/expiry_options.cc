#include "commands/expiry_options.h"

#include <array>

#include "base/assert.h"
#include "base/try.h"

namespace stave::commands {

bool ExpiryOptions::take(const Call& call, std::size_t& i) {
  struct Option {
    std::string_view word;
    TimeForm form;
  };
  static constexpr std::array kTimes = {Option{"EX", TimeForm::kSeconds}, Option{"PX", TimeForm::kMilliseconds},
                                        Option{"EXAT", TimeForm::kUnixSeconds},
                                        Option{"PXAT", TimeForm::kUnixMilliseconds}};
  if (timed() && !sliding_ && is_relative(form_) && call.is(i, "SLIDING")) {
    sliding_ = true;
    ++i;
    return true;
  }
  // The same option may be given again, as elsewhere; the last one counts.
  if (!timed() && !persist_ && call.is(i, "KEEPTTL")) {
    keep_ = true;
    ++i;
    return true;
  }
  if (!timed() && !keep_ && call.is(i, "PERSIST")) {
    persist_ = true;
    ++i;
    return true;
  }
  if (keep_ || persist_) return false;
  for (const Option& option : kTimes) {
    if (!call.is(i, option.word) || i + 1 >= call.size() || (timed() && form_ != option.form)) continue;
    form_ = option.form;
    amount_ = i + 1;
    i += 2;
    return true;
  }
  return false;
}

Result<std::int64_t> ExpiryOptions::amount(const Call& call, std::string_view name) const {
  STAVE_ASSERT(timed() && !keep_ && !persist_);
  STAVE_ASSIGN(const std::int64_t given, integer_argument(call, amount_));
  if (given <= 0) return invalid_expire(name);
  return given;
}

Result<Expiry> ExpiryOptions::resolve(const Call& call, UnixMs now, std::string_view name) const {
  STAVE_ASSIGN(const std::int64_t given, amount(call, name));
  STAVE_ASSIGN(const UnixMs at, moment(call, given, form_, now, name));
  return Expiry{.at = at, .sliding_ms = sliding_ ? at - now : 0};
}

}  // namespace stave::commands
