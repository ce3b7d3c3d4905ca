// One command call: its arguments, who asked, the store, and where the answer goes.
//
// A handler sees a session and a store, never a socket. It returns an Error instead of writing one; dispatch spells it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/assert.h"
#include "base/function_ref.h"
#include "commands/environment.h"
#include "commands/part.h"
#include "commands/resolve.h"
#include "commands/session.h"
#include "commands/sink.h"
#include "commands/text.h"
#include "store/engine.h"
#include "store/transaction.h"

namespace stave::commands {

class Call {
 public:
  Call(Session& session, Arguments arguments, Sink& reply) : session_(session), arguments_(arguments), reply_(reply) {}

  /// Argument 0 is the command's name, as it was sent.
  [[nodiscard]] std::string_view operator[](std::size_t i) const noexcept {
    STAVE_ASSERT(i < arguments_.size());
    return arguments_[i];
  }
  [[nodiscard]] std::size_t size() const noexcept { return arguments_.size(); }
  [[nodiscard]] Arguments arguments() const noexcept { return arguments_; }
  [[nodiscard]] Session& session() noexcept { return session_; }
  [[nodiscard]] Environment& environment() noexcept { return session_.environment(); }
  [[nodiscard]] store::Engine& engine() const noexcept { return session_.environment().engine(); }
  [[nodiscard]] Sink& reply() noexcept { return reply_; }
  /// The key in argument `i`, in the session's database.
  [[nodiscard]] store::KeyRef key(std::size_t i) const noexcept {
    STAVE_ASSERT(i < arguments_.size());
    const std::string_view bytes = arguments_[i];
    return {session_.database(), bytes, session_.known_hash(bytes)};
  }
  /// Whether argument `i` is this word, in any case.
  [[nodiscard]] bool is(std::size_t i, std::string_view word) const noexcept { return same_word((*this)[i], word); }
  /// As the engine's, or in the transaction that this call shares with others (together.h): what handlers use.
  [[nodiscard]] UnixMs now() noexcept { return session_.shared == nullptr ? engine().now() : session_.shared->now(); }
  /// When it is, for what is not about expiry: differs from `now` for who writes for a master (store/mirror.h).
  [[nodiscard]] UnixMs made_at() const noexcept {
    return session_.shared == nullptr ? engine().now() : session_.shared->made_at();
  }
  Result<store::Pending> read(store::KeyRef key, store::Access access,
                              base::FunctionRef<void(const store::ValueView*)> show) {
    if (session_.shared == nullptr) [[likely]]
      return engine().read(key, access, show);
    return read_shared(key, access, show);
  }
  Result<store::Pending> read_many(std::span<const store::KeyRef> keys, store::Access access,
                                   base::FunctionRef<void(std::size_t, const store::ValueView*)> show);
  Result<store::Pending> put(store::KeyRef key, std::string_view value, const Expiry& expiry);
  /// Sets strings that never expire at one instant, and makes the answer wait for it. False, and nothing was changed:
  /// it is to be done by a Part. As Engine::put_all.
  Result<bool> put_all(std::span<const store::KeyRef> keys, base::FunctionRef<std::string_view(std::size_t)> value);
  /// Looks at a key and changes it as `decide` says, in one step, and makes the answer wait for it, also when that is
  /// an error. `decide` may be called twice, and only what it says last is done. Answer afterwards. Errors: those of
  /// `decide` and of a write.
  Result<void> update(store::KeyRef key, store::Access access, store::Engine::DecideFn decide);
  /// The answer must wait for this before it leaves.
  void wait_for(const store::Pending& pending) noexcept { session_.wait_for(pending); }
  /// The same of a read, which may have failed.
  Result<void> wait_for(Result<store::Pending>&& pending) {
    if (!pending) [[unlikely]]
      return fail(std::move(pending).error());
    session_.wait_for(*pending);
    return {};
  }
  /// The same, after a write.
  void wait_for_write(const store::Pending& pending) noexcept;
  /// Commits, and makes the answer wait for it. Answer afterwards, never before: a commit may fail.
  Result<void> commit(Part& part);
  /// Says that this call moves many bytes and deserves to be timed although its kind is fast. Reads the clock.
  /// `now_ns`, if it is not zero: that is now.
  void start_watch(std::uint64_t now_ns = 0) noexcept;
  /// When the watch was started; 0: it was not.
  [[nodiscard]] std::uint64_t watch_started_ns() const noexcept { return watch_started_ns_; }

 private:
  Result<store::Pending> put_noted(store::KeyRef key, std::string_view value, const Expiry& expiry);
  Result<bool> update_aside(store::KeyRef key, store::Access access, store::Engine::DecideFn decide);
  Result<void> update_in_part(store::KeyRef key, store::Access access, store::Engine::DecideFn decide);
  Result<store::Pending> read_shared(store::KeyRef key, store::Access access,
                                     base::FunctionRef<void(const store::ValueView*)> show);

  std::uint64_t watch_started_ns_ = 0;
  Session& session_;
  Arguments arguments_;
  Sink& reply_;
};

}  // namespace stave::commands
