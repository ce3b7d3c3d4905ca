#include "commands/call.h"

#include <optional>

#include "base/assert.h"
#include "base/no_memory.h"
#include "base/try.h"
#include "commands/notices/notices.h"
#include "commands/stretch.h"

namespace stave::commands {

namespace {

/// What is open for several calls is looked at in its key now.
void leave_stretch(Session& session) noexcept {
  if (Stretch* const stretch = Stretch::of(session)) [[unlikely]]
    stretch->give_up();
}

}  // namespace

void Call::wait_for_write(const store::Pending& pending) noexcept {
  session_.wait_for(pending);
  session_.wrote(pending);
}

Result<store::Pending> Call::read_shared(store::KeyRef key, store::Access access,
                                         base::FunctionRef<void(const store::ValueView*)> show) {
  leave_stretch(session_);
  const auto held = session_.shared->find(key, access);
  show(held ? &*held : nullptr);
  return store::Pending{};
}

Result<store::Pending> Call::read_many(std::span<const store::KeyRef> keys, store::Access access,
                                       base::FunctionRef<void(std::size_t, const store::ValueView*)> show) {
  if (session_.shared == nullptr) [[likely]]
    return engine().read_many(keys, access, show);
  leave_stretch(session_);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto held = session_.shared->find(keys[i], access);
    show(i, held ? &*held : nullptr);
  }
  return store::Pending{};
}

Result<store::Pending> Call::put(store::KeyRef key, std::string_view value, const Expiry& expiry) {
  if (session_.shared == nullptr && !engine().change_watch().noting()) [[likely]]
    return engine().put(key, value, expiry, session_.sync(), nullptr, session_.received_block(value));
  if (session_.shared == nullptr) return put_noted(key, value, expiry);
  leave_stretch(session_);
  if (auto done = session_.shared->put(key, value, expiry, store::ValueType::kString, session_.received_block(value));
      !done)
    return fail(std::move(done).error());
  return store::Pending{};
}

// As a part of its own, in which it can be said which call did it.
Result<store::Pending> Call::put_noted(store::KeyRef key, std::string_view value, const Expiry& expiry) {
  Part part(session_, key);
  STAVE_TRY(part.put(key, value, expiry));
  explain_call(part.transaction(), session_, arguments_);
  return part.own()->commit(session_.sync());
}

Result<bool> Call::put_all(std::span<const store::KeyRef> keys,
                           base::FunctionRef<std::string_view(std::size_t)> value) {
  if (session_.shared != nullptr) return false;
  store::Pending pending;
  STAVE_ASSIGN(const store::Updated done, engine().put_all(keys, value, session_.sync(), pending));
  if (done == store::Updated::kNot) return false;
  wait_for_write(pending);
  return true;
}

Result<void> Call::update(store::KeyRef key, store::Access access, store::Engine::DecideFn decide) {
  if (session_.shared != nullptr) return update_in_part(key, access, decide);
  store::Pending pending;
  const Result<store::Updated> done = engine().update(key, access, decide, session_.sync(), pending);
  session_.wait_for(pending);
  if (!done) [[unlikely]]
    return fail(done.error().clone());
  if (*done == store::Updated::kChanged) [[likely]] {
    wait_for_write(pending);
    return {};
  }
  if (*done == store::Updated::kSeen) return {};
  STAVE_ASSIGN(const bool finished, update_aside(key, access, decide));
  return finished ? Result<void>{} : update_in_part(key, access, decide);
}

// A large value is made beside its shard, which is locked only to see whether the key still holds what it was made of.
// False: it is not large, or others are too quick for that.
Result<bool> Call::update_aside(store::KeyRef key, store::Access access, store::Engine::DecideFn decide) {
  constexpr int kTries = 3;
  constexpr std::size_t kLarge = keyspace::Block::kMappedFrom;
  if (!store::needs_value(access)) return false;
  for (int i = 0; i < kTries && engine().budget().admit(); ++i) {
    std::optional<store::ValueView> held;
    keyspace::Block share;
    STAVE_ASSIGN(const store::Pending seen, engine().read(key, access, [&](const store::ValueView* value) {
      if (value == nullptr) return;
      held = *value;
      share = value->share();
    }));
    if (held && (held->size < kLarge || !share)) return false;
    STAVE_ASSIGN(const store::Update update, decide(held ? &*held : nullptr, engine().now()));
    if (update.what != store::Update::What::kPut || update.value.size() < kLarge) return false;
    keyspace::BlockWriter writer = engine().block_writer();
    if (!writer.append(update.value)) return base::no_memory();
    const keyspace::Block block = writer.finish();
    store::Transaction transaction(engine(), key);
    transaction.excuse();  // admitted above, and the block counts already
    const auto now_held = transaction.find(key, store::Access::kMeta);
    if (now_held.has_value() != held.has_value() || (held && now_held->version != held->version)) continue;
    STAVE_TRY(transaction.put(key, block.view(), update.expiry, update.type, &block));
    explain_call(transaction, session_, arguments_);
    STAVE_ASSIGN(const store::Pending pending, transaction.commit(session_.sync()));
    wait_for(seen);
    wait_for_write(pending);
    return true;
  }
  return false;
}

Result<void> Call::update_in_part(store::KeyRef key, store::Access access, store::Engine::DecideFn decide) {
  leave_stretch(session_);
  Part part(session_, key);
  const auto held = part.find(key, access);
  STAVE_ASSIGN(const store::Update update, decide(held ? &*held : nullptr, part.now()));
  switch (update.what) {
    case store::Update::What::kNothing: break;
    case store::Update::What::kErase: part.erase(key); break;
    case store::Update::What::kPut:
      // Elements that are taken out make room: that is not refused for want of it.
      if (held && store::shown_type(update.type) != store::ValueType::kString && update.value.size() < held->size)
        part.excuse();
      STAVE_TRY(part.put(key, update.value, update.expiry, update.type));
      break;
  }
  return commit(part);
}

Result<void> Call::commit(Part& part) {
  store::Transaction* const own = part.own();
  if (own == nullptr) return {};
  const bool changed = own->changed();
  explain_call(*own, session_, arguments_);
  STAVE_ASSIGN(const store::Pending pending, own->commit(session_.sync()));
  if (changed) {
    wait_for_write(pending);
  } else {
    session_.wait_for(pending);
  }
  return {};
}

void Call::start_watch(std::uint64_t now_ns) noexcept {
  if (watch_started_ns_ == 0) watch_started_ns_ = now_ns != 0 ? now_ns : engine().clock().monotonic_ns();
}

}  // namespace stave::commands
