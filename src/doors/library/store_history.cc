// The past of keys.
#include "doors/library/store_impl.h"
#include "store/history.h"

namespace stave {

using store::History;
using store::Pending;

Result<std::vector<KeyVersion>> Store::history(std::string_view key, std::size_t count, const ReadOptions& options) {
  STAVE_TRY(impl_->check_key(options.database, key));
  Pending pending;
  auto found = History(*impl_->engine).versions({options.database, key}, count, pending);
  STAVE_TRY(impl_->settle(pending));  // an error tells of the key, too
  return found;
}

Result<std::optional<Versioned>> Store::get_at(std::string_view key, Point point, const ReadOptions& options) {
  STAVE_TRY(impl_->check_key(options.database, key));
  Pending pending;
  auto seen = History(*impl_->engine).value_at({options.database, key}, point, pending);
  STAVE_TRY(impl_->settle(pending));
  STAVE_ASSIGN(auto past, std::move(seen));
  if (!past) return std::nullopt;
  if (store::shown_type(past->type) != store::ValueType::kString)
    return fail(ErrorCode::kWrongType, "the key held another type then");
  return Versioned{
      .value = std::move(past->value), .version = past->version, .expiry = impl_->engine->time().shown(past->expiry)};
}

Result<std::optional<Lsn>> Store::revert(std::string_view key, Point point, const WriteOptions& options) {
  STAVE_TRY(impl_->check_key(options.database, key));
  Pending pending;
  auto reverted = History(*impl_->engine).revert({options.database, key}, point, pending, options.sync);
  STAVE_TRY(impl_->settle(pending));
  STAVE_ASSIGN(const auto done, std::move(reverted));
  if (!done.changed) return std::nullopt;
  return done.version;
}

}  // namespace stave
