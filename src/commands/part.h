// A command's part of a transaction: its own, or of the one that several commands share (together.h).
//
// A handler makes a `Part` of its keys, looks, changes, and ends with `call.commit(part)`. Alone, that is a
// store::Transaction from its locks to its commit. Among others it works in theirs, whose locks are held already, and
// nothing is committed before the last of them is done. Promises: as store::Transaction, but that a command which fails
// among others need not undo what it did, for all of it is lost then; whatever a handler answers, and however its part
// ends, the session waits for what the part looked at. A part that used keys which it did not name (pages of
// collections) may be lost: then its commit fails, the handler must not have answered yet, and dispatch runs it again.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "commands/environment.h"
#include "commands/session.h"
#include "store/transaction.h"

namespace stave::commands {

class Part {
 public:
  /// The bytes of the keys must outlive the part.
  Part(Session& session, std::span<const store::KeyRef> keys)
      : session_(session),
        shared_(session.shared != nullptr
                    ? *session.shared
                    : own_.emplace(session.environment().engine(), keys, session.restart.shards)) {
    if (own_) own_->allow_starting_again();
  }
  Part(Session& session, const store::KeyRef& key) : Part(session, std::span(&key, 1)) {}
  /// Among others, those who run them all answer for what was seen.
  ~Part() {
    if (!own_) {
      shared_.end_excuse();
      return;
    }
    session_.wait_for(own_->observed());
    if (own_->wanted()) session_.restart.note(*own_);
  }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  [[nodiscard]] UnixMs now() const noexcept { return shared_.now(); }
  std::optional<store::ValueView> find(store::KeyRef key, store::Access access = store::Access::kPeek) {
    return shared_.find(key, access);
  }
  void excuse() noexcept { shared_.excuse(); }
  /// `block`: as in Transaction::put.
  Result<void> put(store::KeyRef key, std::string_view value, Expiry expiry,
                   store::ValueType type = store::ValueType::kString, const keyspace::Block* block = nullptr) {
    return shared_.put(key, value, expiry, type, block != nullptr ? block : session_.received_block(value));
  }
  bool erase(store::KeyRef key) { return shared_.erase(key); }
  Result<void> set_expiry(store::KeyRef key, Expiry expiry) { return shared_.set_expiry(key, expiry); }
  [[nodiscard]] store::Transaction& transaction() noexcept { return shared_; }
  /// Null when the commit is somebody else's.
  [[nodiscard]] store::Transaction* own() noexcept { return own_ ? &*own_ : nullptr; }

 private:
  Session& session_;
  std::optional<store::Transaction> own_;  // before what may refer to it
  store::Transaction& shared_;
};

}  // namespace stave::commands
