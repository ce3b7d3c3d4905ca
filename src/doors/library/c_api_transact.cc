// stave/stave.h: batches, transactions, sessions and replies.
#include <vector>

#include "base/try.h"
#include "doors/library/c_api_collections.h"

using stave::c_api::answer;
using stave::c_api::answer_found;
using stave::c_api::copy_out;
using stave::c_api::give;
using stave::c_api::guarded;
using stave::c_api::report;
using stave::c_api::text;
using stave::c_api::write;

struct stave_batch {  // NOLINT(readability-identifier-naming): the name is C's.
  stave::WriteBatch writes;
};

namespace {

using stave::Ttl;
using stave::WriteBatch;

/// Lets `step` be added; the code says whether the batch is whole.
template <class Step>
int add(stave_batch* batch, Step&& step) noexcept {
  step(batch->writes);
  const stave::Error* failure = batch->writes.failure();
  return failure == nullptr ? static_cast<int>(STAVE_OK) : static_cast<int>(failure->code());
}

/// The same with something that was checked before.
template <class T, class Step>
int add_with(stave_batch* batch, const stave::Result<T>& checked, Step&& step) noexcept {
  if (!checked) return static_cast<int>(checked.error().code());
  return add(batch, [&](WriteBatch& writes) { step(writes, *checked); });
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
  batch->writes.clear();
}

int stave_batch_set(stave_batch* batch, const char* key, size_t key_size, const char* value, size_t value_size) {
  return add(batch, [&](WriteBatch& writes) { writes.set(text(key, key_size), text(value, value_size)); });
}

int stave_batch_set_expiring(stave_batch* batch, const char* key, size_t key_size, const char* value, size_t value_size,
                             int ttl, int64_t ttl_ms) {
  return add_with(batch, stave::c_api::checked_ttl(ttl, ttl_ms), [&](WriteBatch& writes, const Ttl& checked) {
    writes.set(text(key, key_size), text(value, value_size), checked);
  });
}

int stave_batch_delete(stave_batch* batch, const char* key, size_t key_size) {
  return add(batch, [&](WriteBatch& writes) { writes.remove(text(key, key_size)); });
}

int stave_batch_increment(stave_batch* batch, const char* key, size_t key_size, int64_t by) {
  return add(batch, [&](WriteBatch& writes) { writes.increment(text(key, key_size), by); });
}

int stave_batch_append(stave_batch* batch, const char* key, size_t key_size, const char* suffix, size_t suffix_size) {
  return add(batch, [&](WriteBatch& writes) { writes.append(text(key, key_size), text(suffix, suffix_size)); });
}

int stave_batch_expire(stave_batch* batch, const char* key, size_t key_size, int ttl, int64_t ttl_ms) {
  return add_with(batch, stave::c_api::checked_ttl(ttl, ttl_ms),
                  [&](WriteBatch& writes, const Ttl& checked) { writes.expire(text(key, key_size), checked); });
}

int stave_batch_hash_set(stave_batch* batch, const char* key, size_t key_size, const char* field, size_t field_size,
                         const char* value, size_t value_size) {
  return add(batch, [&](WriteBatch& writes) {
    writes.hash_set(text(key, key_size), text(field, field_size), text(value, value_size));
  });
}

int stave_batch_hash_remove(stave_batch* batch, const char* key, size_t key_size, const char* field,
                            size_t field_size) {
  return add(batch, [&](WriteBatch& writes) { writes.hash_remove(text(key, key_size), text(field, field_size)); });
}

int stave_batch_list_push(stave_batch* batch, const char* key, size_t key_size, int end, const char* element,
                          size_t element_size) {
  return add_with(batch, stave::c_api::checked_end(end), [&](WriteBatch& writes, stave::ListEnd where) {
    writes.list_push(text(key, key_size), where, text(element, element_size));
  });
}

int stave_batch_set_add(stave_batch* batch, const char* key, size_t key_size, const char* member, size_t member_size) {
  return add(batch, [&](WriteBatch& writes) { writes.set_add(text(key, key_size), text(member, member_size)); });
}

int stave_batch_set_remove(stave_batch* batch, const char* key, size_t key_size, const char* member,
                           size_t member_size) {
  return add(batch, [&](WriteBatch& writes) { writes.set_remove(text(key, key_size), text(member, member_size)); });
}

int stave_batch_sorted_set_add(stave_batch* batch, const char* key, size_t key_size, const char* member,
                               size_t member_size, double score) {
  return add(batch,
             [&](WriteBatch& writes) { writes.sorted_set_add(text(key, key_size), text(member, member_size), score); });
}

int stave_batch_sorted_set_remove(stave_batch* batch, const char* key, size_t key_size, const char* member,
                                  size_t member_size) {
  return add(batch,
             [&](WriteBatch& writes) { writes.sorted_set_remove(text(key, key_size), text(member, member_size)); });
}

int stave_batch_commit(stave_store* store, const stave_batch* batch, const stave_write_options* options,
                       stave_error** error) {
  return write(
      options, error, [&](const auto& how) { return store->store->write(batch->writes, how); }, [](stave::Lsn) {});
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

int stave_txn_append(stave_txn* txn, const char* key, size_t key_size, const char* suffix, size_t suffix_size,
                     uint64_t* length) {
  return guarded(nullptr, [&] {
    const auto done = txn->txn.append(text(key, key_size), text(suffix, suffix_size));
    return answer(done, nullptr, [&](uint64_t size) { give(length, size); });
  });
}

int stave_txn_exists(stave_txn* txn, const char* key, size_t key_size, int* exists) {
  return guarded(nullptr, [&] {
    const auto done = txn->txn.exists(text(key, key_size));
    return answer(done, nullptr, [&](bool yes) { give(exists, yes ? 1 : 0); });
  });
}

int stave_txn_set_if(stave_txn* txn, const char* key, size_t key_size, const char* value, size_t value_size,
                     int condition, uint64_t version, const char* expected, size_t expected_size, int* done) {
  return guarded(nullptr, [&] {
    const auto wanted = stave::c_api::checked_condition(condition, version, text(expected, expected_size));
    if (!wanted) return report(wanted.error(), nullptr);
    const auto set = txn->txn.set_if(text(key, key_size), text(value, value_size), *wanted);
    return answer(set, nullptr, [&](bool yes) { give(done, yes ? 1 : 0); });
  });
}

int stave_txn_get_versioned(stave_txn* txn, const char* key, size_t key_size, char** value, size_t* value_size,
                            uint64_t* version, int64_t* expires_at_ms) {
  stave::c_api::hand_out_nothing(value, value_size);
  return guarded(nullptr, [&] {
    const auto found = txn->txn.get_versioned(text(key, key_size));
    return answer_found(found, nullptr, [&](const stave::Versioned& held) {
      stave::c_api::hand_out(held.value, value, value_size);
      give(version, raw(held.version));
      give(expires_at_ms, raw(held.expiry.at));
    });
  });
}

int stave_txn_expire(stave_txn* txn, const char* key, size_t key_size, int ttl, int64_t ttl_ms) {
  return guarded(nullptr, [&] {
    const auto checked = stave::c_api::checked_ttl(ttl, ttl_ms);
    if (!checked) return report(checked.error(), nullptr);
    const auto done = txn->txn.expire(text(key, key_size), *checked);
    if (!done) return report(done.error(), nullptr);
    return static_cast<int>(*done ? STAVE_OK : STAVE_NOT_FOUND);
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
