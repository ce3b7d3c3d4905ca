#include "commands/call.h"

#include <algorithm>

#include "base/try.h"

namespace stave::commands {

void Call::wait_for_write(const store::Pending& pending) noexcept {
  session_.wait_for(pending);
  session_.last_write = std::max({session_.last_write, pending.durable, pending.written});
}

Result<store::Pending> Call::read_shared(store::KeyRef key, store::Access access,
                                         base::FunctionRef<void(const store::ValueView*)> show) {
  const auto held = session_.shared->find(key, access);
  show(held ? &*held : nullptr);
  return store::Pending{};
}

Result<store::Pending> Call::read_many(std::span<const store::KeyRef> keys, store::Access access,
                                       base::FunctionRef<void(std::size_t, const store::ValueView*)> show) {
  if (session_.shared == nullptr) [[likely]]
    return engine().read_many(keys, access, show);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto held = session_.shared->find(keys[i], access);
    show(i, held ? &*held : nullptr);
  }
  return store::Pending{};
}

Result<store::Pending> Call::put(store::KeyRef key, std::string_view value, const Expiry& expiry) {
  if (session_.shared == nullptr) [[likely]]
    return engine().put(key, value, expiry, session_.sync());
  if (auto done = session_.shared->put(key, value, expiry); !done) return fail(std::move(done).error());
  return store::Pending{};
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
  return *done == store::Updated::kSeen ? Result<void>{} : update_in_part(key, access, decide);
}

Result<void> Call::update_in_part(store::KeyRef key, store::Access access, store::Engine::DecideFn decide) {
  Part part(session_, key);
  const auto held = part.find(key, access);
  STAVE_ASSIGN(const store::Update update, decide(held ? &*held : nullptr, part.now()));
  switch (update.what) {
    case store::Update::What::kNothing: break;
    case store::Update::What::kErase: part.erase(key); break;
    case store::Update::What::kPut: STAVE_TRY(part.put(key, update.value, update.expiry)); break;
  }
  return commit(part);
}

Result<void> Call::commit(Part& part) {
  store::Transaction* const own = part.own();
  if (own == nullptr) return {};
  const bool changed = own->changed();
  STAVE_ASSIGN(const store::Pending pending, own->commit(session_.sync()));
  if (changed) {
    wait_for_write(pending);
  } else {
    session_.wait_for(pending);
  }
  return {};
}

void Call::start_watch() noexcept {
  if (watch_started_ns_ == 0) watch_started_ns_ = engine().clock().monotonic_ns();
}

}  // namespace stave::commands
