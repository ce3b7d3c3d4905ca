// What a Store is made of: the engine, and what the sessions of its commands share.
#pragma once

#include <algorithm>
#include <expected>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <type_traits>

#include "base/assert.h"
#include "base/mutex.h"
#include "base/try.h"
#include "commands/environment.h"
#include "commands/host.h"
#include "stave/store.h"
#include "store/engine.h"
#include "store/transaction.h"

namespace stave {

namespace library {

/// Errors: kTooLarge, for what cannot be a key in any store. Whether a key may be written is `Engine::check_limits`.
Result<void> refuse_key_size(std::size_t size);
inline Result<void> check_key_size(std::size_t size) {
  if (size <= kKeyBytesLimit) [[likely]]
    return {};
  return refuse_key_size(size);
}

}  // namespace library

struct Store::Impl {
  Impl(std::unique_ptr<FileSystem> own, std::unique_ptr<store::Engine> opened)
      : memory(std::move(own)),
        engine(std::move(opened)),
        databases(engine->options().databases),
        environment(*engine, host) {}

  std::unique_ptr<FileSystem> memory;  ///< Only for a store without a directory: its files.
  std::unique_ptr<store::Engine> engine;
  int databases;
  commands::Host host;  ///< The embedded one: there is no process to shut down and nothing to configure.
  commands::Environment environment;
  /// One snapshot is written at a time: two of one name would take each other's drafts for their own.
  base::Mutex snapshot_mutex;

  /// Where snapshots lie, and what they are read from.
  [[nodiscard]] FileSystem& outside() noexcept { return memory ? FileSystem::system() : engine->file_system(); }

  Result<void> check_database(int database) const {
    if (database >= 0 && database < databases) [[likely]]
      return {};
    return fail(ErrorCode::kInvalidArgument,
                "database " + std::to_string(database) + " does not exist; there are " + std::to_string(databases));
  }
  /// Both before the key is looked at: a size that no key can have is a caller's mistake, and there may be no such
  /// bytes.
  Result<void> check_key(int database, std::string_view key) const {
    STAVE_TRY(check_database(database));
    return library::check_key_size(key.size());
  }
  /// Blocks until the call may return. Only for the disk: a library's caller dies with the process, so handing each
  /// write to the operating system would buy a microsecond's system call and no promise (docs/decisions/0001).
  Result<void> settle(const store::Pending& pending) {
    if (pending.durable <= engine->log().durable()) [[likely]]
      return {};
    return engine->wait({.durable = pending.durable});
  }
  /// The same of a read, which may have failed.
  Result<void> settle(Result<store::Pending>&& pending) {
    if (!pending) [[unlikely]]
      return std::unexpected<Error>(std::move(pending).error());
    return settle(*pending);
  }
  /// What came of a transaction.
  template <class T>
  struct Committed {
    T value;
    Lsn version = kNoLsn;  ///< Of the key changed last.
    Lsn end = kNoLsn;      ///< Of its batch.
  };
  /// Runs `work` in a transaction over `keys`, commits, and returns when all that it saw and did may be told. An error
  /// waits for that too: it tells what the transaction looked at. Errors: of `work`, of a commit, of the disk.
  template <class Work>
  auto transact(std::span<const store::KeyRef> keys, Sync sync, Work&& work)
      -> Result<Committed<typename std::invoke_result_t<Work, store::Transaction&>::value_type>> {
    store::Transaction transaction(*engine, keys);
    auto done = [&] {
      try {
        return work(transaction);
      } catch (...) {
        transaction.rollback();
        static_cast<void>(settle(transaction.observed()));  // an exception says enough
        throw;
      }
    }();
    auto pending = done ? transaction.commit(sync) : Result<store::Pending>(std::unexpected(std::move(done).error()));
    if (!pending) {
      transaction.rollback();
      STAVE_TRY(settle(transaction.observed()));
      return std::unexpected(std::move(pending).error());
    }
    STAVE_ASSERT(done.has_value());
    STAVE_TRY(settle(*pending));
    return Committed<typename decltype(done)::value_type>{.value = std::move(*done),
                                                          .version = transaction.version(),
                                                          .end = std::max(pending->durable, pending->written)};
  }
  /// Writes the bytes over those of the value from `where` on; no place: behind them. Returns the new length.
  Result<std::uint64_t> write_at(std::optional<std::uint64_t> where, std::string_view key, std::string_view bytes,
                                 const WriteOptions& options);
  /// Turns what a caller asked for into an expiry. `kept` is what the key has now.
  Result<Expiry> resolve(const Ttl& ttl, UnixMs now, const Expiry& kept) const;

  // Collections, whose questions are functions (store_collections.cc): all return Result of what the function returns,
  // which is shown the empty collection when the key is absent.

  /// Asks `ask(const Type::Reader&)` under the key's lock: about one element.
  template <class Type, class Ask>
  auto look(std::string_view key, const ReadOptions& options, Ask&& ask);
  /// The same of a copy, without the lock: about all of them.
  template <class Type, class Ask>
  auto read(std::string_view key, const ReadOptions& options, Ask&& ask);
  /// Lets `edit(Type::Editor&)` change what the key holds, in one step; it may run again, on what is there then. One
  /// that adds `elements`, more than a few, is `edit(store::Opened<Type>&)`.
  static constexpr std::size_t kFewElements = 32;
  template <class Type, class Edit>
  auto change(std::string_view key, const WriteOptions& options, Edit&& edit, std::size_t elements = 1);
  /// Errors: kTooLarge: an element that cannot be put. It is not looked at.
  Result<void> check_elements(std::string_view key, std::span<const std::string_view> elements) const;
};

namespace library {

/// What every public call answers when an allocation fails: the library throws nothing.
inline std::unexpected<Error> no_memory() {
  return fail(ErrorCode::kNoMemory, "an allocation failed");
}

/// Where the batch that `pending` waits for ends.
inline Lsn batch_end(const store::Pending& pending) noexcept {
  return pending.durable > pending.written ? pending.durable : pending.written;
}

/// The string in `view`, empty when absent. Errors: kWrongType.
Result<std::string_view> text_of(const std::optional<store::ValueView>& view);
/// Writes the bytes over those of the value from `where` on; no place: behind them. Returns the new length.
Result<std::uint64_t> write_range(const store::Engine& engine, store::Transaction& transaction, store::KeyRef key,
                                  std::optional<std::uint64_t> where, std::string_view bytes);
/// Whether a condition holds for what is there, and what of it has to be looked at for that.
bool holds(const Condition& condition, const std::optional<store::ValueView>& now);
constexpr store::Access access_for(const Condition& condition) noexcept {
  return condition.kind == Condition::Kind::kValue ? store::Access::kPeek : store::Access::kMeta;
}
/// The number in `view` (absent: 0) plus `by`. Errors: kWrongType, kNotANumber, kOverflow.
Result<std::int64_t> sum_of(const std::optional<store::ValueView>& view, std::int64_t by);

}  // namespace library
}  // namespace stave
