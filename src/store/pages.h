// The pages of collections too large for one record: values of the store's own database, read and changed within a
// transaction like any other key.
//
// A large collection is a key whose value is a *root* (paged_value: identity, and what the type's root says) and pages
// under keys made of the identity and the page's number. Promises: a page is looked at and changed only by who holds
// the shard of the key whose root names it, so whoever holds that sees the whole collection as of one moment; all pages
// of one collection lie in one shard, which comes after those of all keys in the order of locking, so that a
// transaction on one key never has to start again for its pages. An identity is given once, and no two keys ever share
// one: what carries an identity that no root names is garbage (orphans.h). Must not know: what is in a page.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/bytes.h"
#include "store/transaction.h"
#include "types/pages.h"

namespace stave::store {

inline constexpr std::size_t kIdentityBytes = 6;
static_assert(kIdentityBytes == keyspace::Keyspace::kTogetherBytes);

/// Of a root as it is kept: the identity, then what the type's root says.
[[nodiscard]] inline Lsn identity_of(std::string_view paged) noexcept {
  STAVE_ASSERT(paged.size() > kIdentityBytes);
  return Lsn{base::load48(reinterpret_cast<const std::byte*>(paged.data()))};
}
[[nodiscard]] inline std::string_view root_of(std::string_view paged) noexcept {
  return paged.substr(kIdentityBytes);
}
[[nodiscard]] std::string paged_value(Lsn identity, std::string_view root);

/// The key of a page.
class PageKey {
 public:
  PageKey(Lsn identity, types::PageId page) noexcept;
  [[nodiscard]] std::string_view view() const noexcept { return {bytes_, size_}; }
  /// Of a key of the pages' database.
  [[nodiscard]] static Lsn identity_of(std::string_view key) noexcept {
    STAVE_ASSERT(key.size() >= kIdentityBytes);
    return Lsn{base::load48(reinterpret_cast<const std::byte*>(key.data()))};
  }
  [[nodiscard]] static types::PageId page_of(std::string_view key) noexcept;

 private:
  char bytes_[2 * kIdentityBytes];
  std::size_t size_;
};

/// Whether that may lie in that database, whose number is the log's. Errors: kInvalidArgument (keys of a user's in
/// database 255, which was one like the others once), kCorrupt (a page elsewhere, or under a key that is none).
[[nodiscard]] Result<void> check_place(int number, ValueType type, std::string_view key);

/// The pages of one collection within a transaction, which outlives this object and holds the shard of the root's key.
class TransactionPages final : public types::Pages {
 public:
  TransactionPages(Transaction& transaction, Lsn identity) noexcept;

  [[nodiscard]] std::string_view read(types::PageId page) override;
  void write(types::PageId page, std::string_view bytes) override;
  void edit(types::PageId page, base::Edits edits) override;
  void erase(types::PageId page) override;
  [[nodiscard]] bool failed() const noexcept override { return failed_; }
  /// Why. Errors: kConflict (the transaction must start again), kCorrupt (a page is missing), those of a write.
  [[nodiscard]] std::unexpected<Error> failure() const;
  [[nodiscard]] Lsn identity() const noexcept { return identity_; }
  /// Bytes that a page takes in memory.
  [[nodiscard]] std::uint64_t memory_of(types::PageId page);

 private:
  /// With its hash, which is that of the last page again most of the time.
  [[nodiscard]] KeyRef key(types::PageId page, const PageKey& named) noexcept;
  [[nodiscard]] KeyRef kept_key(types::PageId page);
  /// A page that was read and has not been written since: one command reads some of them again.
  struct Known {
    types::PageId page = ~types::PageId{0};
    Transaction::Spot spot;
  };
  static constexpr std::size_t kKnown = 8;
  [[nodiscard]] Known* known(types::PageId page) noexcept;
  void forget(types::PageId page) noexcept;
  void weigh(types::PageId page, std::size_t bytes);
  void note(Result<void> done);

  Transaction& transaction_;
  Lsn identity_;
  int database_;
  types::PageId hashed_page_ = ~types::PageId{0};
  std::uint64_t hash_ = 0;
  std::array<Known, kKnown> known_;
  std::size_t next_known_ = 0;
  bool failed_ = false;
  bool excused_ = false;  ///< The transaction, by this.
  std::optional<Error> error_;
  std::string scratch_;
};

}  // namespace stave::store
