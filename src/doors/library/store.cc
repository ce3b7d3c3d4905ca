// Opening, closing and reading. Hot paths: `get_into`, `multi_get_into`; nothing stands between them and the engine.
#include "stave/store.h"
#include "base/assert.h"

#include <algorithm>
#include <array>

#include "commands/glob.h"
#include "doors/library/store_impl.h"
#include "store/collection.h"

namespace stave {

using store::Access;
using store::KeyRef;
using store::Pending;
using store::ValueType;
using store::ValueView;

namespace {

constexpr std::string_view kInMemory = ":memory:";

std::unexpected<Error> wrong_type() {
  return fail(ErrorCode::kWrongType, "the key holds another type");
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(std::string_view directory, const Options& options) try {
  std::unique_ptr<FileSystem> memory;
  Options settings = options;
  if (directory == kInMemory) {
    memory = make_memory_file_system();
    settings.file_system = memory.get();
    settings.create_if_missing = true;  // it is never there
  }
  STAVE_ASSIGN(auto engine, store::Engine::open(memory ? "store" : std::string(directory), settings));
  return std::unique_ptr<Store>(new Store(std::make_unique<Impl>(std::move(memory), std::move(engine))));
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
// The engine's threads tell the environment of keys that leave, so they end first.
Store::~Store() {
  if (impl_ != nullptr) static_cast<void>(close());
}

Result<void> Store::close() {
  impl_->environment.stop_work();
  return impl_->engine->close();
}
Result<void> Store::sync() {
  return impl_->engine->sync();
}
void Store::tick() {
  impl_->engine->tick();
}
store::Engine& Store::engine() noexcept {
  return *impl_->engine;
}

Result<bool> Store::get_into(std::string_view key, std::string& out, const ReadOptions& options) try {
  STAVE_TRY(impl_->check_key(options.database, key));
  enum class Found : std::uint8_t { kNothing, kString, kOther } found = Found::kNothing;
  Result<Pending> pending = impl_->engine->read({options.database, key}, Access::kTouch, [&](const ValueView* value) {
    if (value == nullptr) return;
    if (value->type != ValueType::kString) [[unlikely]] {
      found = Found::kOther;
      return;
    }
    out.assign(value->value);
    found = Found::kString;
  });
  STAVE_TRY(impl_->settle(std::move(pending)));
  if (found == Found::kOther) [[unlikely]]
    return wrong_type();
  return found == Found::kString;
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

Result<std::optional<std::string>> Store::get(std::string_view key, const ReadOptions& options) {
  std::string out;
  STAVE_ASSIGN(const bool found, get_into(key, out, options));
  if (!found) return std::nullopt;
  return out;
}

Result<std::optional<Versioned>> Store::get_versioned(std::string_view key, const ReadOptions& options) try {
  STAVE_TRY(impl_->check_key(options.database, key));
  std::optional<Versioned> found;
  bool other = false;
  Result<Pending> pending = impl_->engine->read({options.database, key}, Access::kTouch, [&](const ValueView* value) {
    if (value == nullptr) return;
    other = value->type != ValueType::kString;
    if (!other)
      found = Versioned{std::string(value->value), value->version, impl_->engine->time().shown(value->expiry)};
  });
  STAVE_TRY(impl_->settle(std::move(pending)));
  if (other) return wrong_type();
  return found;
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

Result<void> Store::multi_get_into(std::span<const std::string_view> keys, std::vector<std::optional<std::string>>& out,
                                   const ReadOptions& options) try {
  STAVE_TRY(impl_->check_database(options.database));
  // Few keys are the common case, and their references fit the stack.
  std::array<KeyRef, 64> few;
  std::vector<KeyRef> many;
  if (keys.size() > few.size()) many.resize(keys.size());
  const std::span<KeyRef> refs = many.empty() ? std::span<KeyRef>(few).first(keys.size()) : std::span<KeyRef>(many);
  STAVE_ASSERT(refs.size() == keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    STAVE_TRY(library::check_key_size(keys[i].size()));
    refs[i] = {options.database, keys[i]};
  }
  out.resize(keys.size());
  bool other = false;
  Result<Pending> pending = impl_->engine->read_many(refs, Access::kTouch, [&](std::size_t i, const ValueView* value) {
    STAVE_ASSERT(i < out.size());
    if (value == nullptr || value->type != ValueType::kString) {
      other |= value != nullptr;
      out[i].reset();
    } else if (out[i]) {
      out[i]->assign(value->value);
    } else {
      out[i].emplace(value->value);
    }
  });
  STAVE_TRY(impl_->settle(std::move(pending)));
  if (other) return wrong_type();
  return {};
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

Result<std::vector<std::optional<std::string>>> Store::multi_get(std::span<const std::string_view> keys,
                                                                 const ReadOptions& options) {
  std::vector<std::optional<std::string>> out;
  STAVE_TRY(multi_get_into(keys, out, options));
  return out;
}

Result<std::string> Store::get_range(std::string_view key, std::int64_t from, std::int64_t to,
                                     const ReadOptions& options) try {
  STAVE_TRY(impl_->check_key(options.database, key));
  std::string out;
  bool other = false;
  Result<Pending> pending = impl_->engine->read({options.database, key}, Access::kTouch, [&](const ValueView* value) {
    if (value == nullptr) return;
    if (value->type != ValueType::kString) {
      other = true;
      return;
    }
    const auto size = static_cast<std::int64_t>(value->value.size());
    const std::int64_t first = std::max<std::int64_t>(from < 0 ? from + size : from, 0);
    const std::int64_t last = std::min(to < 0 ? to + size : to, size - 1);
    if (first > last) return;
    STAVE_ASSERT(first >= 0 && last < size);
    out.assign(value->value.substr(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first + 1)));
  });
  STAVE_TRY(impl_->settle(std::move(pending)));
  if (other) return wrong_type();
  return out;
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

Result<bool> Store::exists(std::string_view key, const ReadOptions& options) {
  STAVE_TRY(impl_->check_key(options.database, key));
  bool found = false;
  Result<Pending> pending = impl_->engine->read({options.database, key}, Access::kMeta,
                                                [&](const ValueView* value) { found = value != nullptr; });
  STAVE_TRY(impl_->settle(std::move(pending)));
  return found;
}

Result<std::optional<Expiry>> Store::expiry(std::string_view key, const ReadOptions& options) {
  STAVE_TRY(impl_->check_key(options.database, key));
  std::optional<Expiry> found;
  bool value_needed = false;
  const auto look = [&](const ValueView* value) {
    found.reset();
    if (value != nullptr) found = impl_->engine->time().shown(store::own_expiry(*value));
    value_needed = value != nullptr && store::expiry_in_value(*value) && !value->here;
  };
  STAVE_TRY(impl_->settle(impl_->engine->read({options.database, key}, Access::kMeta, look)));
  if (value_needed) STAVE_TRY(impl_->settle(impl_->engine->read({options.database, key}, Access::kPeek, look)));
  return found;
}

Result<std::uint64_t> Store::scan(std::uint64_t cursor, std::string_view pattern, std::size_t count,
                                  const std::function<void(std::string_view, std::string_view)>& visit,
                                  const ReadOptions& options) try {
  STAVE_TRY(impl_->check_database(options.database));
  if (!visit) return fail(ErrorCode::kInvalidArgument, "there is no function to show the keys to");
  STAVE_TRY(library::check_key_size(pattern.size()));
  // Copied first, shown afterwards: what is not on disk yet must not be shown, and the wait cannot happen under a lock.
  std::vector<std::pair<std::string, std::string>> seen;
  Pending pending;
  STAVE_ASSIGN(const std::uint64_t next,
               impl_->engine->scan_values(
                   options.database, cursor, std::max<std::size_t>(count, 1),
                   [&](std::string_view key, const ValueView& value) {
                     if (!pattern.empty() && !commands::glob_match(pattern, key)) return;
                     seen.emplace_back(key, value.type == ValueType::kString ? value.value : std::string_view{});
                   },
                   pending));
  STAVE_TRY(impl_->settle(std::move(pending)));
  for (const auto& [key, value] : seen) visit(key, value);
  return next;
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

Result<std::vector<std::string>> Store::keys(std::string_view pattern, const ReadOptions& options) try {
  STAVE_TRY(impl_->check_database(options.database));
  STAVE_TRY(library::check_key_size(pattern.size()));
  constexpr std::size_t kStep = 1024;
  std::vector<std::string> found;
  Pending pending;
  std::uint64_t cursor = 0;
  do {
    cursor = impl_->engine->scan(
        options.database, cursor, kStep,
        [&](std::string_view key, const ValueView&) {
          if (pattern.empty() || commands::glob_match(pattern, key)) found.emplace_back(key);
        },
        pending);
  } while (cursor != 0);
  STAVE_TRY(impl_->settle(std::move(pending)));
  // A table that shrinks during the walk may show a key twice.
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

Result<std::uint64_t> Store::size(int database) try {
  STAVE_TRY(impl_->check_database(database));
  const std::uint64_t keys = impl_->engine->count_keys(database);
  STAVE_TRY(impl_->settle(impl_->engine->observe_all()));
  return keys;
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

Stats Store::stats() {
  const store::EngineStats all = impl_->engine->stats();
  Stats stats;
  for (int database = 0; database < impl_->databases; ++database) stats.keys += impl_->engine->count_keys(database);
  stats.memory_bytes = all.memory.total() + all.memory_buffers;
  stats.log_bytes = all.log.bytes_on_disk;
  stats.segments = all.log.segments;
  stats.syncs = all.log.syncs;
  stats.tail = all.log.tail;
  stats.durable = all.log.durable;
  stats.expired_keys = all.expired_keys;
  stats.recovered_records = all.recovery.records;
  stats.recovered_torn_bytes = all.recovery.torn_bytes;
  stats.read_only = all.log.read_only;
  stats.full = all.log.full;
  return stats;
}

}  // namespace stave
