#include "stave/write_batch.h"

#include <new>
#include <utility>

#include "base/assert.h"
#include "doors/library/store_impl.h"

namespace stave {

WriteBatch& WriteBatch::add(Kind kind, std::string_view key, const Parts& parts) noexcept try {
  if (failure_) return *this;
  // Before anything is copied: there may be no such bytes.
  if (key.size() > kKeyBytesLimit) {
    failure_ = Error(ErrorCode::kTooLarge, "a key of a batch is longer than any key can be");
  } else if (parts.first.size() > kValueBytesLimit || parts.second.size() > kValueBytesLimit) {
    failure_ = Error(ErrorCode::kTooLarge, "a value of a batch is longer than any value can be");
  } else {
    steps_.push_back({kind, std::string(key), std::string(parts.first), std::string(parts.second), parts.ttl, parts.by,
                      parts.score});
  }
  return *this;
} catch (...) {  // std::bad_alloc, std::length_error
  failure_ = Error(ErrorCode::kNoMemory, "there was no memory for a step of the batch");
  return *this;
}

void WriteBatch::clear() noexcept {
  steps_.clear();
  failure_.reset();
}

WriteBatch& WriteBatch::set(std::string_view key, std::string_view value) noexcept {
  return add(Kind::kSet, key, {.first = value});
}
WriteBatch& WriteBatch::set(std::string_view key, std::string_view value, Ttl ttl) noexcept {
  return add(Kind::kSet, key, {.first = value, .ttl = ttl});
}
WriteBatch& WriteBatch::remove(std::string_view key) noexcept {
  return add(Kind::kRemove, key, {});
}
WriteBatch& WriteBatch::increment(std::string_view key, std::int64_t by) noexcept {
  return add(Kind::kIncrement, key, {.by = by});
}
WriteBatch& WriteBatch::append(std::string_view key, std::string_view suffix) noexcept {
  return add(Kind::kAppend, key, {.first = suffix});
}
WriteBatch& WriteBatch::expire(std::string_view key, Ttl ttl) noexcept {
  return add(Kind::kExpire, key, {.ttl = ttl});
}
WriteBatch& WriteBatch::hash_set(std::string_view key, std::string_view field, std::string_view value) noexcept {
  return add(Kind::kHashSet, key, {.first = field, .second = value});
}
WriteBatch& WriteBatch::hash_remove(std::string_view key, std::string_view field) noexcept {
  return add(Kind::kHashRemove, key, {.first = field});
}
WriteBatch& WriteBatch::list_push(std::string_view key, ListEnd end, std::string_view element) noexcept {
  return add(end == ListEnd::kFront ? Kind::kPushFront : Kind::kPushBack, key, {.first = element});
}
WriteBatch& WriteBatch::set_add(std::string_view key, std::string_view member) noexcept {
  return add(Kind::kSetAdd, key, {.first = member});
}
WriteBatch& WriteBatch::set_remove(std::string_view key, std::string_view member) noexcept {
  return add(Kind::kSetRemove, key, {.first = member});
}
WriteBatch& WriteBatch::sorted_set_add(std::string_view key, std::string_view member, double score) noexcept {
  return add(Kind::kSortedSetAdd, key, {.first = member, .score = score});
}
WriteBatch& WriteBatch::sorted_set_remove(std::string_view key, std::string_view member) noexcept {
  return add(Kind::kSortedSetRemove, key, {.first = member});
}

namespace {

/// What a step answers is of no interest, only whether it failed.
template <class T>
Result<void> done(Result<T>&& result) {
  if (result) return {};
  return fail(std::move(result).error());
}

}  // namespace

Result<void> WriteBatch::apply(const Step& step, Txn& txn, const Ttl& ttl) {
  switch (step.kind) {
    case Kind::kSet: return txn.set(step.key, step.first, step.ttl.value_or(ttl));
    case Kind::kRemove: return done(txn.remove(step.key));
    case Kind::kIncrement: return done(txn.increment(step.key, step.by));
    case Kind::kAppend: return done(txn.append(step.key, step.first));
    case Kind::kExpire: return done(txn.expire(step.key, step.ttl.value_or(Ttl::none())));
    case Kind::kHashSet: return done(txn.hash_set(step.key, step.first, step.second));
    case Kind::kHashRemove: return done(txn.hash_remove(step.key, step.first));
    case Kind::kPushFront: return done(txn.list_push(step.key, ListEnd::kFront, step.first));
    case Kind::kPushBack: return done(txn.list_push(step.key, ListEnd::kBack, step.first));
    case Kind::kSetAdd: return done(txn.set_add(step.key, step.first));
    case Kind::kSetRemove: return done(txn.set_remove(step.key, step.first));
    case Kind::kSortedSetAdd: return done(txn.sorted_set_add(step.key, step.first, step.score));
    case Kind::kSortedSetRemove: return done(txn.sorted_set_remove(step.key, step.first));
  }
  STAVE_ASSERT(false);
  return {};
}

Result<Lsn> Store::write(const WriteBatch& batch, const WriteOptions& options) try {
  if (const Error* failure = batch.failure()) return fail(failure->clone());
  std::vector<std::string_view> keys;
  keys.reserve(batch.steps_.size());
  for (const auto& step : batch.steps_) keys.emplace_back(step.key);
  const auto run = [&](Txn& txn) -> Result<void> {
    for (const auto& step : batch.steps_) STAVE_TRY(WriteBatch::apply(step, txn, options.ttl));
    return {};
  };
  return transact(keys, run, options);
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

}  // namespace stave
