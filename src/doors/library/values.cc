#include <string>

#include "doors/library/store_impl.h"
#include "types/string/number.h"

namespace stave {

Result<Expiry> Store::Impl::resolve(const Ttl& ttl, UnixMs now, const Expiry& kept) const {
  switch (ttl.kind) {
    case Ttl::Kind::kNone: return Expiry{};
    case Ttl::Kind::kKeep: return kept;
    case Ttl::Kind::kAt:
      if (ttl.ms <= 0 || ttl.ms > kUnixMsMax) break;
      return Expiry{engine->time().from_wall(UnixMs{ttl.ms}), 0};
    case Ttl::Kind::kAfter:
    case Ttl::Kind::kSliding:
      // Compared by subtraction: the sum of a large period and the time would overflow.
      if (ttl.ms <= 0 || ttl.ms > kUnixMsMax - raw(now)) break;
      return Expiry{now + ttl.ms, ttl.kind == Ttl::Kind::kSliding ? ttl.ms : 0};
  }
  return fail(ErrorCode::kInvalidArgument, "an expiry of " + std::to_string(ttl.ms) + " ms is out of range");
}

namespace library {

Result<void> refuse_key_size(std::size_t size) {
  return fail(ErrorCode::kTooLarge, "a key of " + std::to_string(size) + " bytes is longer than any key can be (" +
                                        std::to_string(kKeyBytesLimit) + " bytes)");
}

Result<std::string_view> text_of(const std::optional<store::ValueView>& view) {
  if (!view) return std::string_view{};
  if (view->type != store::ValueType::kString) return fail(ErrorCode::kWrongType, "the key holds another type");
  return view->value;
}

Result<std::int64_t> sum_of(const std::optional<store::ValueView>& view, std::int64_t by) {
  STAVE_ASSIGN(const std::string_view text, text_of(view));
  const auto old = view ? types::parse_integer(text) : std::int64_t{0};
  if (!old) return fail(ErrorCode::kNotANumber, "value is not an integer or out of range");
  const auto sum = types::checked_add(*old, by);
  if (!sum) return fail(ErrorCode::kOverflow, "increment or decrement would overflow");
  return *sum;
}

}  // namespace library
}  // namespace stave
