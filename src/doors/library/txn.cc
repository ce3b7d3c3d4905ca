#include "doors/library/txn.h"

#include "types/string/number.h"

namespace stave::library {

Result<std::optional<std::string>> Inside::get(std::string_view key) {
  STAVE_TRY(check_key_size(key.size()));
  const auto now = transaction_.find(keys_[key], store::Access::kTouch);
  STAVE_TRY(still_good());
  STAVE_ASSIGN(const std::string_view text, text_of(now));
  if (!now) return std::nullopt;
  return std::string(text);
}

Result<void> Inside::set(std::string_view key, std::string_view value, Ttl ttl) {
  STAVE_TRY(check_key_size(key.size()));
  const store::KeyRef ref = keys_[key];
  Expiry kept;
  if (ttl.kind == Ttl::Kind::kKeep) {
    if (const auto now = store::find_with_expiry(transaction_, ref)) kept = store::own_expiry(*now);
    STAVE_TRY(still_good());
  }
  STAVE_ASSIGN(const Expiry expiry, resolve_(ttl, kept));
  if (!expiry.passed(transaction_.now())) return transaction_.put(ref, value, expiry);
  transaction_.erase(ref);
  return still_good();
}

Result<bool> Inside::remove(std::string_view key) {
  STAVE_TRY(check_key_size(key.size()));
  const bool was_there = transaction_.erase(keys_[key]);
  STAVE_TRY(still_good());
  return was_there;
}

Result<std::int64_t> Inside::increment(std::string_view key, std::int64_t by) {
  STAVE_TRY(check_key_size(key.size()));
  const store::KeyRef ref = keys_[key];
  const auto now = transaction_.find(ref);
  STAVE_TRY(still_good());
  STAVE_ASSIGN(const std::int64_t sum, sum_of(now, by));
  STAVE_TRY(transaction_.put(ref, types::Digits(sum).view(), now ? now->expiry : Expiry{}));
  return sum;
}

Result<bool> Inside::exists(std::string_view key) {
  STAVE_TRY(check_key_size(key.size()));
  const bool found = transaction_.find(keys_[key], store::Access::kMeta).has_value();
  STAVE_TRY(still_good());
  return found;
}

Result<std::optional<Versioned>> Inside::get_versioned(std::string_view key) {
  STAVE_TRY(check_key_size(key.size()));
  const auto now = transaction_.find(keys_[key], store::Access::kTouch);
  STAVE_TRY(still_good());
  STAVE_ASSIGN(const std::string_view text, text_of(now));
  if (!now) return std::nullopt;
  return Versioned{std::string(text), now->version, engine_.time().shown(now->expiry)};
}

Result<std::uint64_t> Inside::append(std::string_view key, std::string_view suffix) {
  STAVE_TRY(check_key_size(key.size()));
  const auto size = write_range(engine_, transaction_, keys_[key], std::nullopt, suffix);
  STAVE_TRY(still_good());
  if (!size) return fail(size.error().clone());
  return *size;
}

Result<bool> Inside::set_if(std::string_view key, std::string_view value, const Condition& condition, Ttl ttl) {
  STAVE_TRY(check_key_size(key.size()));
  const bool met = holds(condition, transaction_.find(keys_[key], access_for(condition)));
  STAVE_TRY(still_good());
  if (met) STAVE_TRY(set(key, value, ttl));
  return met;
}

Result<bool> Inside::expire(std::string_view key, Ttl ttl) {
  STAVE_TRY(check_key_size(key.size()));
  const store::KeyRef ref = keys_[key];
  const auto now = store::find_with_expiry(transaction_, ref);
  STAVE_TRY(still_good());
  const Expiry kept = now ? store::own_expiry(*now) : Expiry{};
  STAVE_ASSIGN(const Expiry expiry, resolve_(ttl, kept));
  if (now && expiry != kept) STAVE_TRY(store::set_own_expiry(transaction_, ref, *now, expiry));
  STAVE_TRY(still_good());
  return now.has_value();
}

Result<void> Inside::still_good() const {
  if (!transaction_.wanted()) [[likely]]
    return {};
  return fail(ErrorCode::kConflict, "a key that was not named is in use; the transaction starts again with it");
}

}  // namespace stave::library
