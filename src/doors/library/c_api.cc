// stave/stave.h: errors, opening, reading and writing.
#include "doors/library/c_api.h"

#include "base/assert.h"
#include "base/try.h"

using stave::Lsn;
using stave::c_api::copy_out;
using stave::c_api::guarded;
using stave::c_api::report;
using stave::c_api::text;

namespace stave::c_api {

static_assert(STAVE_INVALID_ARGUMENT == static_cast<int>(ErrorCode::kInvalidArgument));
static_assert(STAVE_ABORTED == static_cast<int>(ErrorCode::kAborted));
static_assert(STAVE_TTL_NONE == static_cast<int>(Ttl::Kind::kNone));
static_assert(STAVE_TTL_SLIDING == static_cast<int>(Ttl::Kind::kSliding));
static_assert(STAVE_SYNC_DEFAULT == static_cast<int>(Sync::kDefault));
static_assert(STAVE_SYNC_OS == static_cast<int>(Sync::kOs));
static_assert(STAVE_SPILL == static_cast<int>(MemoryPolicy::kSpill));
static_assert(STAVE_VOLATILE_TTL == static_cast<int>(MemoryPolicy::kVolatileTtl));
static_assert(STAVE_PACKING_ZSTD == static_cast<int>(Packing::kZstd));
static_assert(STAVE_IF_ABSENT == static_cast<int>(Condition::Kind::kAbsent));
static_assert(STAVE_IF_VALUE == static_cast<int>(Condition::Kind::kValue));
static_assert(STAVE_REPLY_NULL == static_cast<int>(Reply::Kind::kNull));
static_assert(STAVE_REPLY_PUSH == static_cast<int>(Reply::Kind::kPush));

int report(const Error& error, stave_error** out) noexcept {
  const int code = static_cast<int>(error.code());
  if (out == nullptr) return code;
  try {
    *out = new stave_error{code, error.describe()};
  } catch (const std::bad_alloc&) {
    *out = nullptr;
  }
  return code;
}

int report_no_memory(stave_error** out) noexcept {
  if (out != nullptr) *out = new (std::nothrow) stave_error{STAVE_NO_MEMORY, {}};
  return STAVE_NO_MEMORY;
}

char* copy_out(std::string_view bytes) {
  auto* copy = static_cast<char*>(std::malloc(bytes.size() + 1));
  if (copy == nullptr) throw std::bad_alloc();
  bytes.copy(copy, bytes.size());
  copy[bytes.size()] = '\0';
  return copy;
}

Result<Ttl> checked_ttl(int kind, std::int64_t ms) {
  if (kind < STAVE_TTL_NONE || kind > STAVE_TTL_SLIDING)
    return fail(ErrorCode::kInvalidArgument, "unknown kind of ttl");
  return Ttl{static_cast<Ttl::Kind>(kind), ms};
}

Result<Condition> checked_condition(int condition, std::uint64_t version, std::string_view expected) {
  if (condition < STAVE_IF_ABSENT || condition > STAVE_IF_VALUE)
    return fail(ErrorCode::kInvalidArgument, "unknown condition");
  return Condition{static_cast<Condition::Kind>(condition), Lsn{version}, expected};
}

Result<WriteOptions> checked_write_options(const stave_write_options* from) {
  if (from == nullptr) return WriteOptions{};
  STAVE_ASSIGN(const Ttl ttl, checked_ttl(from->ttl, from->ttl_ms));
  if (from->sync < STAVE_SYNC_DEFAULT || from->sync > STAVE_SYNC_OS)
    return fail(ErrorCode::kInvalidArgument, "unknown sync policy");
  return WriteOptions{.database = from->database, .ttl = ttl, .sync = static_cast<Sync>(from->sync)};
}

namespace {

/// What the engine cannot check: a number that is none of an enumeration's.
Result<void> check_options(const Options& options) {
  if (options.sync < Sync::kAlways || options.sync > Sync::kOs)
    return fail(ErrorCode::kInvalidArgument, "unknown sync policy");
  if (options.memory_policy > MemoryPolicy::kVolatileTtl)
    return fail(ErrorCode::kInvalidArgument, "unknown memory policy");
  if (options.packing > Packing::kZstd) return fail(ErrorCode::kInvalidArgument, "unknown packing");
  return {};
}

/// Numbers that do not fit would wrap to good ones.
template <class Enumeration>
Enumeration narrowed(int value) {
  return value >= 0 && value < UINT8_MAX ? static_cast<Enumeration>(value) : static_cast<Enumeration>(UINT8_MAX);
}

}  // namespace

}  // namespace stave::c_api

using stave::c_api::give;
using stave::c_api::write;

extern "C" {

int stave_error_code(const stave_error* error) {
  return error == nullptr ? STAVE_OK : error->code;
}
const char* stave_error_message(const stave_error* error) {
  if (error == nullptr) return "";
  return error->message.empty() ? "an allocation failed" : error->message.c_str();
}
void stave_error_free(stave_error* error) {
  delete error;
}
const char* stave_error_name(int code) {
  if (code == STAVE_OK) return "ok";
  if (code < STAVE_OK || code > STAVE_ABORTED) return "unknown";
  return stave::to_string(static_cast<stave::ErrorCode>(code)).data();
}
void stave_free(void* memory) {
  std::free(memory);
}
const char* stave_version(void) {
  return "0.1.0";
}

stave_options* stave_options_new(void) {
  return new (std::nothrow) stave_options;
}
void stave_options_free(stave_options* options) {
  delete options;
}
void stave_options_set_sync(stave_options* options, int sync) {
  options->options.sync = stave::c_api::narrowed<stave::Sync>(sync);
}
void stave_options_set_sync_interval_ms(stave_options* options, int64_t ms) {
  options->options.sync_interval_ms = ms;
}
void stave_options_set_segment_bytes(stave_options* options, uint64_t bytes) {
  options->options.segment_bytes = bytes;
}
void stave_options_set_databases(stave_options* options, int databases) {
  options->options.databases = databases;
}
void stave_options_set_create_if_missing(stave_options* options, int yes) {
  options->options.create_if_missing = yes != 0;
}
void stave_options_set_in_memory(stave_options* options, int yes) {
  options->in_memory = yes != 0;
}
void stave_options_set_max_memory_bytes(stave_options* options, uint64_t bytes) {
  options->options.max_memory_bytes = bytes;
}
void stave_options_set_memory_policy(stave_options* options, int policy) {
  options->options.memory_policy = stave::c_api::narrowed<stave::MemoryPolicy>(policy);
}
void stave_options_set_packing(stave_options* options, int packing) {
  options->options.packing = stave::c_api::narrowed<stave::Packing>(packing);
}
void stave_options_set_packing_level(stave_options* options, int level) {
  options->options.packing_level = level;
}
void stave_options_set_history_ms(stave_options* options, int64_t ms) {
  options->options.history_ms = ms;
}
void stave_options_set_history_bytes(stave_options* options, uint64_t bytes) {
  options->options.history_bytes = bytes;
}
void stave_options_set_max_space_amplification(stave_options* options, double times) {
  options->options.max_space_amplification = times;
}
void stave_options_set_key_bytes_max(stave_options* options, uint64_t bytes) {
  options->options.key_bytes_max = bytes;
}
void stave_options_set_value_bytes_max(stave_options* options, uint64_t bytes) {
  options->options.value_bytes_max = bytes;
}

stave_store* stave_open(const char* directory, const stave_options* options, stave_error** error) {
  stave_store* opened = nullptr;
  guarded(error, [&] {
    const stave::Options settings = options == nullptr ? stave::Options{} : options->options;
    if (directory == nullptr)
      return report(stave::Error(stave::ErrorCode::kInvalidArgument, "there is no name of a directory"), error);
    if (const auto good = stave::c_api::check_options(settings); !good) return report(good.error(), error);
    auto handle = std::make_unique<stave_store>();
    auto store = stave::Store::open(options != nullptr && options->in_memory ? ":memory:" : directory, settings);
    if (!store) return report(store.error(), error);
    handle->store = std::move(*store);
    opened = handle.release();
    return static_cast<int>(STAVE_OK);
  });
  return opened;
}

int stave_close(stave_store* store, stave_error** error) {
  return guarded(error, [&] {
    const std::unique_ptr<stave_store> owned(store);
    if (owned == nullptr) return static_cast<int>(STAVE_OK);
    const auto closed = owned->store->close();
    return closed ? static_cast<int>(STAVE_OK) : report(closed.error(), error);
  });
}

int stave_sync(stave_store* store, stave_error** error) {
  return guarded(error, [&] {
    const auto synced = store->store->sync();
    return synced ? static_cast<int>(STAVE_OK) : report(synced.error(), error);
  });
}

int stave_size(stave_store* store, int database, uint64_t* size, stave_error** error) {
  return guarded(error, [&] {
    const auto keys = store->store->size(database);
    if (!keys) return report(keys.error(), error);
    *size = *keys;
    return static_cast<int>(STAVE_OK);
  });
}

int stave_get(stave_store* store, int database, const char* key, size_t key_size, char** value, size_t* value_size,
              stave_error** error) {
  return stave_get_versioned(store, database, key, key_size, value, value_size, nullptr, nullptr, error);
}

int stave_get_versioned(stave_store* store, int database, const char* key, size_t key_size, char** value,
                        size_t* value_size, uint64_t* version, int64_t* expires_at_ms, stave_error** error) {
  return guarded(error, [&] {
    *value = nullptr;
    *value_size = 0;
    const auto found = store->store->get_versioned(text(key, key_size), {.database = database});
    if (!found) return report(found.error(), error);
    if (!*found) return static_cast<int>(STAVE_NOT_FOUND);
    *value = copy_out((*found)->value);
    *value_size = (*found)->value.size();
    give(version, raw((*found)->version));
    give(expires_at_ms, raw((*found)->expiry.at));
    return static_cast<int>(STAVE_OK);
  });
}

int stave_mget(stave_store* store, int database, const stave_bytes* keys, size_t count, stave_value* values,
               stave_error** error) {
  for (size_t i = 0; i < count; ++i) values[i] = {nullptr, 0};
  const int code = guarded(error, [&] {
    std::vector<std::string_view> wanted;
    wanted.reserve(count);
    for (size_t i = 0; i < count; ++i) wanted.push_back(text(keys[i]));
    const auto found = store->store->multi_get(wanted, {.database = database});
    if (!found) return report(found.error(), error);
    STAVE_ASSERT(found->size() == count);
    for (size_t i = 0; i < count; ++i) {
      if (const auto& one = (*found)[i]) values[i] = {copy_out(*one), one->size()};
    }
    return static_cast<int>(STAVE_OK);
  });
  if (code != STAVE_OK) {  // Half an answer is none.
    for (size_t i = 0; i < count; ++i) {
      std::free(values[i].data);
      values[i] = {nullptr, 0};
    }
  }
  return code;
}

int stave_get_range(stave_store* store, int database, const char* key, size_t key_size, int64_t from, int64_t to,
                    char** value, size_t* value_size, stave_error** error) {
  return guarded(error, [&] {
    *value = nullptr;
    *value_size = 0;
    const auto found = store->store->get_range(text(key, key_size), from, to, {.database = database});
    if (!found) return report(found.error(), error);
    *value = copy_out(*found);
    *value_size = found->size();
    return static_cast<int>(STAVE_OK);
  });
}

int stave_exists(stave_store* store, int database, const char* key, size_t key_size, int* exists, stave_error** error) {
  return guarded(error, [&] {
    const auto found = store->store->exists(text(key, key_size), {.database = database});
    if (!found) return report(found.error(), error);
    *exists = *found ? 1 : 0;
    return static_cast<int>(STAVE_OK);
  });
}

int stave_scan(stave_store* store, int database, uint64_t* cursor, const char* pattern, size_t pattern_size,
               size_t count,
               void (*visit)(const char* key, size_t key_size, const char* value, size_t value_size, void* context),
               void* context, stave_error** error) {
  return guarded(error, [&] {
    if (visit == nullptr)
      return report(stave::Error(stave::ErrorCode::kInvalidArgument, "there is no function to show the keys to"),
                    error);
    const auto next =
        store->store->scan(*cursor, pattern == nullptr ? std::string_view{} : text(pattern, pattern_size), count,
                           [&](std::string_view key, std::string_view value) {
                             visit(key.data(), key.size(), value.data(), value.size(), context);
                           },
                           {.database = database});
    if (!next) return report(next.error(), error);
    *cursor = *next;
    return static_cast<int>(STAVE_OK);
  });
}

int stave_set(stave_store* store, const char* key, size_t key_size, const char* value, size_t value_size,
              const stave_write_options* options, uint64_t* version, stave_error** error) {
  return write(
      options, error,
      [&](const auto& how) { return store->store->set(text(key, key_size), text(value, value_size), how); },
      [&](Lsn made) { give(version, raw(made)); });
}

int stave_set_if(stave_store* store, const char* key, size_t key_size, const char* value, size_t value_size,
                 int condition, uint64_t version, const char* expected, size_t expected_size,
                 const stave_write_options* options, int* done, stave_error** error) {
  return write(
      options, error,
      [&](const auto& how) -> stave::Result<std::optional<Lsn>> {
        STAVE_ASSIGN(const stave::Condition wanted,
                     stave::c_api::checked_condition(condition, version, text(expected, expected_size)));
        return store->store->set_if(text(key, key_size), text(value, value_size), wanted, how);
      },
      [&](const std::optional<Lsn>& made) { give(done, made ? 1 : 0); });
}

int stave_mset(stave_store* store, const stave_bytes* keys, const stave_bytes* values, size_t count,
               const stave_write_options* options, stave_error** error) {
  return write(
      options, error,
      [&](const auto& how) {
        std::vector<std::pair<std::string_view, std::string_view>> pairs;
        pairs.reserve(count);
        for (size_t i = 0; i < count; ++i) pairs.emplace_back(text(keys[i]), text(values[i]));
        return store->store->multi_set(pairs, how);
      },
      [](Lsn) {});
}

int stave_delete(stave_store* store, const char* key, size_t key_size, const stave_write_options* options, int* removed,
                 stave_error** error) {
  return write(
      options, error, [&](const auto& how) { return store->store->remove(text(key, key_size), how); },
      [&](bool was_there) { give(removed, was_there ? 1 : 0); });
}

int stave_increment(stave_store* store, const char* key, size_t key_size, int64_t by,
                    const stave_write_options* options, int64_t* result, stave_error** error) {
  return write(
      options, error, [&](const auto& how) { return store->store->increment(text(key, key_size), by, how); },
      [&](int64_t sum) { give(result, sum); });
}

int stave_append(stave_store* store, const char* key, size_t key_size, const char* suffix, size_t suffix_size,
                 const stave_write_options* options, uint64_t* length, stave_error** error) {
  return write(
      options, error,
      [&](const auto& how) { return store->store->append(text(key, key_size), text(suffix, suffix_size), how); },
      [&](uint64_t size) { give(length, size); });
}

int stave_set_range(stave_store* store, const char* key, size_t key_size, uint64_t offset, const char* bytes,
                    size_t bytes_size, const stave_write_options* options, uint64_t* length, stave_error** error) {
  return write(
      options, error,
      [&](const auto& how) {
        return store->store->set_range(text(key, key_size), offset, text(bytes, bytes_size), how);
      },
      [&](uint64_t size) { give(length, size); });
}

int stave_expire(stave_store* store, const char* key, size_t key_size, const stave_write_options* options,
                 stave_error** error) {
  bool present = false;
  const int code = write(
      options, error, [&](const auto& how) { return store->store->expire(text(key, key_size), how.ttl, how); },
      [&](bool found) { present = found; });
  return code == STAVE_OK && !present ? static_cast<int>(STAVE_NOT_FOUND) : code;
}

int stave_flush(stave_store* store, int database, stave_error** error) {
  return guarded(error, [&] {
    const auto done = database == -1 ? store->store->flush_all() : store->store->flush(database);
    return done ? static_cast<int>(STAVE_OK) : report(done.error(), error);
  });
}

}  // extern "C"
