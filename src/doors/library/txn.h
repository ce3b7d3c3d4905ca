// What the function of `Store::transact` sees: the transaction, kept to the keys that are locked.
//
// Promises: what it was told of a key that could not be had is never acted upon: everything from then on fails with
// kConflict. Must not know: commits, the disk.
#pragma once

#include <algorithm>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "doors/library/store_impl.h"
#include "store/collection.h"
#include "store/transaction.h"

namespace stave::library {

/// The keys of a call of `transact`, in memory that stays for as long as it runs: the caller's for those that were
/// named, a copy of the others.
class KnownKeys {
 public:
  KnownKeys(std::span<const std::string_view> named, int database) : database_(database) {
    named_.reserve(named.size());
    for (const auto key : named) named_.push_back({database, key});
    std::sort(named_.begin(), named_.end(),
              [](const store::KeyRef& a, const store::KeyRef& b) { return a.key < b.key; });
  }

  [[nodiscard]] std::span<const store::KeyRef> named() const noexcept { return named_; }

  store::KeyRef operator[](std::string_view key) {
    const auto less = [](const store::KeyRef& ref, std::string_view wanted) { return ref.key < wanted; };
    const auto at = std::lower_bound(named_.begin(), named_.end(), key, less);
    if (at != named_.end() && at->key == key) return *at;
    auto other = others_.find(key);
    if (other == others_.end()) other = others_.emplace(key).first;
    return {database_, *other};
  }

 private:
  int database_;
  std::vector<store::KeyRef> named_;
  std::set<std::string, std::less<>> others_;
};

/// What the caller's function sees.
class Inside final : public Txn {
 public:
  using Resolve = base::FunctionRef<Result<Expiry>(const Ttl&, const Expiry&)>;

  Inside(const store::Engine& engine, store::Transaction& transaction, KnownKeys& keys, Resolve resolve)
      : engine_(engine), transaction_(transaction), keys_(keys), resolve_(resolve) {}

  Result<std::optional<std::string>> get(std::string_view key) override;
  Result<void> set(std::string_view key, std::string_view value, Ttl ttl) override;
  Result<bool> remove(std::string_view key) override;
  Result<std::int64_t> increment(std::string_view key, std::int64_t by) override;

  // txn_collections.cc
  Result<bool> hash_set(std::string_view key, std::string_view field, std::string_view value) override;
  Result<std::optional<std::string>> hash_get(std::string_view key, std::string_view field) override;
  Result<std::vector<HashField>> hash_get_all(std::string_view key) override;
  Result<bool> hash_remove(std::string_view key, std::string_view field) override;
  Result<std::uint64_t> hash_size(std::string_view key) override;
  Result<std::uint64_t> list_push(std::string_view key, ListEnd end, std::string_view element) override;
  Result<std::optional<std::string>> list_pop(std::string_view key, ListEnd end) override;
  Result<std::vector<std::string>> list_range(std::string_view key, std::int64_t from, std::int64_t to) override;
  Result<std::uint64_t> list_size(std::string_view key) override;
  Result<bool> set_add(std::string_view key, std::string_view member) override;
  Result<bool> set_remove(std::string_view key, std::string_view member) override;
  Result<bool> set_contains(std::string_view key, std::string_view member) override;
  Result<std::vector<std::string>> set_members(std::string_view key) override;
  Result<std::uint64_t> set_size(std::string_view key) override;
  Result<bool> sorted_set_add(std::string_view key, std::string_view member, double score) override;
  Result<bool> sorted_set_remove(std::string_view key, std::string_view member) override;
  Result<std::optional<double>> sorted_set_score(std::string_view key, std::string_view member) override;
  Result<std::optional<std::uint64_t>> sorted_set_rank(std::string_view key, std::string_view member,
                                                       Order order) override;
  Result<std::vector<ScoredMember>> sorted_set_range(std::string_view key, std::int64_t from, std::int64_t to,
                                                     Order order) override;
  Result<std::vector<ScoredMember>> sorted_set_range_by_score(std::string_view key, const ScoreRange& range,
                                                              std::uint64_t count_max, Order order) override;
  Result<std::uint64_t> sorted_set_size(std::string_view key) override;

  Result<bool> exists(std::string_view key) override;
  Result<std::optional<Versioned>> get_versioned(std::string_view key) override;
  Result<std::uint64_t> append(std::string_view key, std::string_view suffix) override;
  Result<bool> set_if(std::string_view key, std::string_view value, const Condition& condition, Ttl ttl) override;
  Result<bool> expire(std::string_view key, Ttl ttl) override;

 private:
  /// Errors: kConflict, once a key could not be had.
  [[nodiscard]] Result<void> still_good() const;
  /// The key's collection, or the empty one; ends with the next change of any key.
  template <class Type>
  Result<store::Opened<Type>> open(std::string_view key, store::Access access);
  /// What `ask` says of it.
  template <class Type, class Ask>
  auto look(std::string_view key, Ask&& ask);
  /// Lets `edit` change it, and gives the key what became of it; what `edit` says.
  template <class Type, class Edit>
  auto change(std::string_view key, Edit&& edit);
  /// Errors: kTooLarge: an element that cannot be put. It is not looked at.
  [[nodiscard]] Result<void> check_elements(std::string_view key, std::span<const std::string_view> elements) const;

  const store::Engine& engine_;
  store::Transaction& transaction_;
  KnownKeys& keys_;
  Resolve resolve_;
};

}  // namespace stave::library
