// Writes collected, to happen together: all or none (`Store::write`).
//
//     stave::WriteBatch batch;
//     batch.set("user:1", "Alice").hash_set("user:1:profile", "city", "Zurich").increment("users");
//     auto end = store.write(batch);
//
// Promises: bytes are copied; steps happen in the order they were added; what could not be taken in (too large for any
// store, no memory) is told by `failure` and by `Store::write`, and then nothing of the batch happens. Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stave/collections.h"
#include "stave/error.h"
#include "stave/ttl.h"

namespace stave {

class Txn;

class WriteBatch {
 public:
  // What each does, and its errors, as of the store's call of that name.

  WriteBatch& set(std::string_view key, std::string_view value) noexcept;
  WriteBatch& set(std::string_view key, std::string_view value, Ttl ttl) noexcept;
  WriteBatch& remove(std::string_view key) noexcept;
  WriteBatch& increment(std::string_view key, std::int64_t by = 1) noexcept;
  WriteBatch& append(std::string_view key, std::string_view suffix) noexcept;
  /// An absent key stays absent.
  WriteBatch& expire(std::string_view key, Ttl ttl) noexcept;
  WriteBatch& hash_set(std::string_view key, std::string_view field, std::string_view value) noexcept;
  WriteBatch& hash_remove(std::string_view key, std::string_view field) noexcept;
  WriteBatch& list_push(std::string_view key, ListEnd end, std::string_view element) noexcept;
  WriteBatch& set_add(std::string_view key, std::string_view member) noexcept;
  WriteBatch& set_remove(std::string_view key, std::string_view member) noexcept;
  WriteBatch& sorted_set_add(std::string_view key, std::string_view member, double score) noexcept;
  WriteBatch& sorted_set_remove(std::string_view key, std::string_view member) noexcept;

  /// Number of steps.
  [[nodiscard]] std::size_t size() const noexcept { return steps_.size(); }
  /// Empties it, failure included.
  void clear() noexcept;
  /// The first thing that could not be taken in; null: there is none.
  [[nodiscard]] const Error* failure() const noexcept { return failure_ ? &*failure_ : nullptr; }

 private:
  friend class Store;
  enum class Kind : std::uint8_t {
    kSet,
    kRemove,
    kIncrement,
    kAppend,
    kExpire,
    kHashSet,
    kHashRemove,
    kPushFront,
    kPushBack,
    kSetAdd,
    kSetRemove,
    kSortedSetAdd,
    kSortedSetRemove,
  };
  struct Step {
    Kind kind;
    std::string key;
    std::string first;   ///< Value, suffix, field, element or member.
    std::string second;  ///< Of a field.
    std::optional<Ttl> ttl;
    std::int64_t by = 0;
    double score = 0;
  };
  /// What a step is made of; the bytes are the caller's.
  struct Parts {
    std::string_view first{};
    std::string_view second{};
    std::optional<Ttl> ttl{};
    std::int64_t by = 0;
    double score = 0;
  };
  WriteBatch& add(Kind kind, std::string_view key, const Parts& parts) noexcept;
  [[nodiscard]] static Result<void> apply(const Step& step, Txn& txn, const Ttl& ttl);

  std::vector<Step> steps_;
  std::optional<Error> failure_;
};

}  // namespace stave
