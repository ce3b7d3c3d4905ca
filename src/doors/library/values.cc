#include <charconv>
#include <string>

#include "doors/library/store_impl.h"

namespace stave {

Result<Expiry> Store::Impl::resolve(const Ttl& ttl, UnixMs now, const Expiry& kept) const {
  switch (ttl.kind) {
    case Ttl::Kind::kNone: return Expiry{};
    case Ttl::Kind::kKeep: return kept;
    case Ttl::Kind::kAt:
      if (ttl.ms <= 0 || ttl.ms > kUnixMsMax) break;
      return Expiry{UnixMs{ttl.ms}, 0};
    case Ttl::Kind::kAfter:
    case Ttl::Kind::kSliding:
      // Compared by subtraction: the sum of a large period and the time would overflow.
      if (ttl.ms <= 0 || ttl.ms > kUnixMsMax - raw(now)) break;
      return Expiry{now + ttl.ms, ttl.kind == Ttl::Kind::kSliding ? ttl.ms : 0};
  }
  return fail(ErrorCode::kInvalidArgument, "an expiry of " + std::to_string(ttl.ms) + " ms is out of range");
}

namespace library {

Result<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  // One spelling per number, as Redis has it: "007", "-0" and "+1" are strings.
  if (error != std::errc{} || end != text.data() + text.size() || Digits(value).view() != text)
    return fail(ErrorCode::kNotANumber, "value is not an integer or out of range");
  return value;
}

Result<std::int64_t> add(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return fail(ErrorCode::kOverflow, "increment or decrement would overflow");
  return sum;
}

Digits::Digits(std::int64_t value) noexcept
    : size_(static_cast<std::size_t>(std::to_chars(text_, text_ + sizeof text_, value).ptr - text_)) {}

Result<std::string_view> text_of(const std::optional<store::ValueView>& view) {
  if (!view) return std::string_view{};
  if (view->type != store::ValueType::kString) return fail(ErrorCode::kWrongType, "the key holds another type");
  return view->value;
}

}  // namespace library
}  // namespace stave
