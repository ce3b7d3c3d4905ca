// stave/stave.h: batches, transactions, sessions and replies.
#include <vector>

#include "base/try.h"
#include "doors/library/c_api.h"

using stave::c_api::copy_out;
using stave::c_api::guarded;
using stave::c_api::report;
using stave::c_api::text;

struct stave_batch {  // NOLINT(readability-identifier-naming): the name is C's.
  enum class Kind : std::uint8_t { kSet, kDelete, kIncrement };
  struct Step {
    Kind kind;
    std::string key;
    std::string value;
    std::int64_t by;
  };
  std::vector<Step> steps;
};

namespace {

int add(stave_batch* batch, stave_batch::Kind kind, std::string_view key, std::string_view value,
        std::int64_t by) noexcept {
  return guarded(nullptr, [&] {
    if (const auto sizes = stave::c_api::check_sizes(key.size(), value.size()); !sizes)
      return report(sizes.error(), nullptr);
    batch->steps.push_back({kind, std::string(key), std::string(value), by});
    return static_cast<int>(STAVE_OK);
  });
}

stave::Result<void> apply(const stave_batch& batch, stave::Txn& txn, const stave::Ttl& ttl) {
  for (const auto& step : batch.steps) {
    switch (step.kind) {
      case stave_batch::Kind::kSet: STAVE_TRY(txn.set(step.key, step.value, ttl)); break;
      case stave_batch::Kind::kDelete: STAVE_TRY(txn.remove(step.key)); break;
      case stave_batch::Kind::kIncrement: STAVE_TRY(txn.increment(step.key, step.by)); break;
    }
  }
  return {};
}

/// `stave_reply` is never defined: it is a Reply under another name, so that an element can be handed out without a
/// copy.
const stave::Reply& inside(const stave_reply* reply) noexcept {
  return *reinterpret_cast<const stave::Reply*>(reply);
}

}  // namespace

extern "C" {

stave_batch* stave_batch_new(void) {
  return new (std::nothrow) stave_batch;
}
void stave_batch_free(stave_batch* batch) {
  delete batch;
}
void stave_batch_clear(stave_batch* batch) {
  batch->steps.clear();
}

int stave_batch_set(stave_batch* batch, const char* key, size_t key_size, const char* value, size_t value_size) {
  return add(batch, stave_batch::Kind::kSet, text(key, key_size), text(value, value_size), 0);
}

int stave_batch_delete(stave_batch* batch, const char* key, size_t key_size) {
  return add(batch, stave_batch::Kind::kDelete, text(key, key_size), {}, 0);
}

int stave_batch_increment(stave_batch* batch, const char* key, size_t key_size, int64_t by) {
  return add(batch, stave_batch::Kind::kIncrement, text(key, key_size), {}, by);
}

int stave_batch_commit(stave_store* store, const stave_batch* batch, const stave_write_options* options,
                       stave_error** error) {
  return guarded(error, [&] {
    const auto how = stave::c_api::checked_write_options(options);
    if (!how) return report(how.error(), error);
    std::vector<std::string_view> keys;
    keys.reserve(batch->steps.size());
    for (const auto& step : batch->steps) keys.emplace_back(step.key);
    const auto done = store->store->transact(keys, [&](stave::Txn& txn) { return apply(*batch, txn, how->ttl); }, *how);
    return done ? static_cast<int>(STAVE_OK) : report(done.error(), error);
  });
}

int stave_transact(stave_store* store, const stave_bytes* keys, size_t count,
                   int (*work)(stave_txn* txn, void* context), void* context, const stave_write_options* options,
                   stave_error** error) {
  return guarded(error, [&] {
    const auto how = stave::c_api::checked_write_options(options);
    if (!how) return report(how.error(), error);
    if (work == nullptr)
      return report(stave::Error(stave::ErrorCode::kInvalidArgument, "there is no function to run in the transaction"),
                    error);
    std::vector<std::string_view> named;
    named.reserve(count);
    for (size_t i = 0; i < count; ++i) named.push_back(text(keys[i]));
    const auto run = [&](stave::Txn& txn) -> stave::Result<void> {
      stave_txn handle{txn};
      if (work(&handle, context) == 0) return {};
      return stave::fail(stave::ErrorCode::kAborted, "the transaction's function gave up");
    };
    const auto done = store->store->transact(named, run, *how);
    return done ? static_cast<int>(STAVE_OK) : report(done.error(), error);
  });
}

int stave_txn_get(stave_txn* txn, const char* key, size_t key_size, char** value, size_t* value_size) {
  return guarded(nullptr, [&] {
    *value = nullptr;
    *value_size = 0;
    const auto found = txn->txn.get(text(key, key_size));
    if (!found) return report(found.error(), nullptr);
    if (!*found) return static_cast<int>(STAVE_NOT_FOUND);
    *value = copy_out(**found);
    *value_size = (*found)->size();
    return static_cast<int>(STAVE_OK);
  });
}

int stave_txn_set(stave_txn* txn, const char* key, size_t key_size, const char* value, size_t value_size) {
  return guarded(nullptr, [&] {
    const auto done = txn->txn.set(text(key, key_size), text(value, value_size));
    return done ? static_cast<int>(STAVE_OK) : report(done.error(), nullptr);
  });
}

int stave_txn_delete(stave_txn* txn, const char* key, size_t key_size, int* removed) {
  return guarded(nullptr, [&] {
    const auto done = txn->txn.remove(text(key, key_size));
    if (!done) return report(done.error(), nullptr);
    if (removed != nullptr) *removed = *done ? 1 : 0;
    return static_cast<int>(STAVE_OK);
  });
}

int stave_txn_increment(stave_txn* txn, const char* key, size_t key_size, int64_t by, int64_t* result) {
  return guarded(nullptr, [&] {
    const auto sum = txn->txn.increment(text(key, key_size), by);
    if (!sum) return report(sum.error(), nullptr);
    if (result != nullptr) *result = *sum;
    return static_cast<int>(STAVE_OK);
  });
}

stave_session* stave_session_new(stave_store* store) {
  try {
    return new stave_session{store->store->session()};
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void stave_session_free(stave_session* session) {
  delete session;
}

stave_reply* stave_execute(stave_session* session, const stave_bytes* arguments, size_t count) {
  try {
    std::vector<std::string_view> views;
    views.reserve(count);
    for (size_t i = 0; i < count; ++i) views.push_back(text(arguments[i]));
    return reinterpret_cast<stave_reply*>(new stave::Reply(session->session->execute(views)));
  } catch (const std::bad_alloc&) {
    return nullptr;
  } catch (const std::length_error&) {
    return nullptr;
  }
}

void stave_reply_free(stave_reply* reply) {
  delete reinterpret_cast<stave::Reply*>(reply);
}
int stave_reply_kind(const stave_reply* reply) {
  return static_cast<int>(inside(reply).kind);
}
const char* stave_reply_text(const stave_reply* reply, size_t* size) {
  if (size != nullptr) *size = inside(reply).text.size();
  return inside(reply).text.c_str();
}
int64_t stave_reply_integer(const stave_reply* reply) {
  return inside(reply).integer;
}
double stave_reply_double(const stave_reply* reply) {
  return inside(reply).number;
}
size_t stave_reply_count(const stave_reply* reply) {
  return inside(reply).elements.size();
}
const stave_reply* stave_reply_at(const stave_reply* reply, size_t index) {
  const auto& elements = inside(reply).elements;
  return index < elements.size() ? reinterpret_cast<const stave_reply*>(&elements[index]) : nullptr;
}

}  // extern "C"
