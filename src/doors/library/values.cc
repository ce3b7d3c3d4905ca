#include <algorithm>
#include <limits>
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

Result<std::uint64_t> write_range(const store::Engine& engine, store::Transaction& transaction, store::KeyRef key,
                                  std::optional<std::uint64_t> where, std::string_view bytes) {
  const auto now = transaction.find(key);
  STAVE_ASSIGN(const std::string_view old, text_of(now));
  // To append nothing makes a key that is absent, as in Redis; to overwrite with nothing does not.
  if (bytes.empty() && (where || now)) return old.size();
  const std::uint64_t offset = where.value_or(old.size());
  std::uint64_t end = 0;
  if (__builtin_add_overflow(offset, bytes.size(), &end)) end = std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t size = std::max<std::uint64_t>(old.size(), end);
  // Checked before anything is allocated.
  STAVE_TRY(engine.check_limits(key.key, size));
  std::string whole;
  whole.reserve(size);
  whole.assign(old);
  whole.resize(size);
  STAVE_ASSERT(offset <= size && bytes.size() <= size - offset);
  bytes.copy(whole.data() + offset, bytes.size());
  STAVE_TRY(transaction.put(key, whole, now ? now->expiry : Expiry{}));
  return size;
}

bool holds(const Condition& condition, const std::optional<store::ValueView>& now) {
  switch (condition.kind) {
    case Condition::Kind::kAbsent: return !now;
    case Condition::Kind::kPresent: return now.has_value();
    case Condition::Kind::kVersion: return now && now->version == condition.version;
    case Condition::Kind::kValue: return now && now->type == store::ValueType::kString && now->value == condition.value;
  }
  return false;
}

}  // namespace library
}  // namespace stave
