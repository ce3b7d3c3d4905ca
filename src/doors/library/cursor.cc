// Walks over keys: a step of the index, then each key as it is when its turn comes.
#include "stave/cursor.h"

#include "base/assert.h"
#include "commands/type_names.h"
#include "doors/library/store_impl.h"

namespace stave {

using store::Access;
using store::Pending;
using store::ValueType;
using store::ValueView;

namespace {

/// Keys looked at in one step of the index.
constexpr std::size_t kStep = 256;

}  // namespace

Cursor::Cursor(Store& store, std::string_view prefix, int database)
    : store_(&store), database_(database), too_long_(prefix.size() > kKeyBytesLimit) {
  if (!too_long_) prefix_ = prefix;
}

/// Only keys: a value may be large, and is read when it is shown.
Result<void> Cursor::read_ahead() {
  Store::Impl& impl = *store_->impl_;
  ahead_.clear();
  shown_ = 0;
  Pending pending;
  do {
    place_ = impl.engine->scan(
        database_, place_, kStep,
        [&](std::string_view key, const ValueView&) {
          if (key.starts_with(prefix_)) ahead_.emplace_back(key);
        },
        pending);
    begun_ = true;
  } while (ahead_.empty() && place_ != 0);
  return impl.settle(pending);
}

Result<std::optional<Entry>> Cursor::next() try {
  Store::Impl& impl = *store_->impl_;
  STAVE_TRY(impl.check_database(database_));
  if (too_long_) return fail(ErrorCode::kTooLarge, "the prefix is longer than any key can be");
  for (;;) {
    if (shown_ == ahead_.size()) {
      if (begun_ && place_ == 0) return std::nullopt;
      STAVE_TRY(read_ahead());
      continue;
    }
    Entry entry{.key = std::move(ahead_[shown_++]), .value = {}};
    bool found = false;
    auto pending = impl.engine->read({database_, entry.key}, Access::kPeek, [&](const ValueView* value) {
      found = value != nullptr;
      if (!found) return;
      entry.type = commands::type_name(value->type);
      if (value->type == ValueType::kString) entry.value = value->value;
    });
    STAVE_TRY(impl.settle(std::move(pending)));
    if (found) return entry;  // else it went meanwhile
  }
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

Cursor Store::cursor(std::string_view prefix, const ReadOptions& options) {
  return {*this, prefix, options.database};
}

Result<std::uint64_t> Store::for_each(std::string_view prefix,
                                      const std::function<bool(std::string_view, std::string_view)>& visit,
                                      const ReadOptions& options) try {
  if (!visit) return fail(ErrorCode::kInvalidArgument, "there is no function to show the keys to");
  Cursor cursor(*this, prefix, options.database);
  for (std::uint64_t shown = 0;; ++shown) {
    STAVE_ASSIGN(const auto entry, cursor.next());
    if (!entry) return shown;
    if (!visit(entry->key, entry->value)) return shown + 1;
  }
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

}  // namespace stave
