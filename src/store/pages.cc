#include "store/pages.h"

#include <algorithm>

#include "store/engine.h"

namespace stave::store {

std::string paged_value(Lsn identity, std::string_view root) {
  std::string value(kIdentityBytes, '\0');
  base::store48(reinterpret_cast<std::byte*>(value.data()), raw(identity));
  return value.append(root);
}

// The number takes as many bytes as it needs: a key is held for every page.
PageKey::PageKey(Lsn identity, types::PageId page) noexcept : size_(kIdentityBytes) {
  base::store48(reinterpret_cast<std::byte*>(bytes_), raw(identity));
  do {
    STAVE_ASSERT(size_ < sizeof bytes_);
    bytes_[size_++] = static_cast<char>(page & 0xff);
    page >>= 8;
  } while (page != 0);
}

types::PageId PageKey::page_of(std::string_view key) noexcept {
  types::PageId page = 0;
  for (std::size_t i = key.size(); i > kIdentityBytes; --i) page = page << 8 | static_cast<unsigned char>(key[i - 1]);
  return page;
}

Result<void> check_place(int number, ValueType type, std::string_view key) {
  if (number != kPagesNumber && type != ValueType::kPage) [[likely]]
    return {};
  if (number == kPagesNumber && type == ValueType::kPage && key.size() > kIdentityBytes) return {};
  if (type == ValueType::kPage)
    return fail(ErrorCode::kCorrupt,
                "a piece of a collection lies where none can lie; `stave doctor` can examine the "
                "store's directory");
  return fail(
      ErrorCode::kInvalidArgument,
      "the store holds keys of database 255, which is the store's own in this version; move them to another one "
      "with the version that wrote them");
}

TransactionPages::TransactionPages(Transaction& transaction, Lsn identity) noexcept
    : transaction_(transaction), identity_(identity), database_(pages_database(transaction.engine().keyspace())) {
  STAVE_ASSERT(identity != kNoLsn);
}

KeyRef TransactionPages::key(types::PageId page, const PageKey& named) noexcept {
  if (page != hashed_page_) {
    hash_ = transaction_.engine().keyspace().hash(named.view());
    hashed_page_ = page;
  }
  return {database_, named.view(), hash_};
}

TransactionPages::Known* TransactionPages::known(types::PageId page) noexcept {
  const auto at = std::ranges::find(known_, page, &Known::page);
  return at == known_.end() ? nullptr : &*at;
}

void TransactionPages::forget(types::PageId page) noexcept {
  if (Known* const there = known(page)) *there = {};
}

std::string_view TransactionPages::read(types::PageId page) {
  if (failed_) return {};
  if (const Known* const there = known(page)) return there->spot.entry.value();
  const PageKey named(identity_, page);
  Known& found = known_[next_known_];
  found = {};
  const auto held = transaction_.find(key(page, named), Access::kTouch, found.spot);
  if (!held || held->value.empty()) {
    failed_ = true;
    return {};
  }
  STAVE_ASSERT(held->type == ValueType::kPage);
  if (found.spot.entry) {
    found.page = page;
    next_known_ = (next_known_ + 1) % kKnown;
  }
  return held->value;
}

std::uint64_t TransactionPages::memory_of(types::PageId page) {
  const PageKey named(identity_, page);
  return transaction_.memory_of(key(page, named));
}

// The transaction holds on to the key until it is over.
KeyRef TransactionPages::kept_key(types::PageId page) {
  const PageKey named(identity_, page);
  KeyRef kept = key(page, named);
  kept.key = transaction_.keep(kept.key);
  return kept;
}

// To take something out of a page needs no room, and what follows from that may move what is left. But a page that was
// not there is room: else the map of a string's pages, which is as large as before, would excuse each page that fills a
// hole.
void TransactionPages::weigh(types::PageId page, std::size_t bytes) {
  if (!excused_ && !transaction_.refuses()) [[likely]]
    return;
  const PageKey named(identity_, page);
  const auto held = transaction_.find(key(page, named), Access::kMeta);
  if (held && bytes <= held->size) {
    transaction_.excuse();
    excused_ = true;
  } else if (!held && excused_) {
    transaction_.end_excuse();
    excused_ = false;
  }
}

void TransactionPages::note(Result<void> done) {
  if (done) [[likely]]
    return;
  failed_ = true;
  error_ = std::move(done).error();
}

void TransactionPages::write(types::PageId page, std::string_view bytes) {
  STAVE_ASSERT(!bytes.empty());
  if (failed_) return;
  weigh(page, bytes.size());
  scratch_.assign(bytes);
  forget(page);
  note(transaction_.put(kept_key(page), scratch_, {}, ValueType::kPage));
}

void TransactionPages::edit(types::PageId page, base::Edits edits) {
  if (failed_) return;
  Known* const there = known(page);
  if (there == nullptr) return Pages::edit(page, edits);
  const keyspace::Entry entry = there->spot.entry;
  // The entry stays until the transaction is over, and its key with it.
  const KeyRef ref{database_, entry.key(), there->spot.place.hash};
  if (!transaction_.may_edit(ref, there->spot, edits)) return Pages::edit(page, edits);
  weigh(page, base::edited_size(edits, entry.value_size()));
  note(transaction_.edit(ref, there->spot, edits));
}

void TransactionPages::erase(types::PageId page) {
  if (failed_) return;
  forget(page);
  if (!transaction_.erase(kept_key(page))) failed_ = true;
}

std::unexpected<Error> TransactionPages::failure() const {
  STAVE_ASSERT(failed_);
  if (transaction_.wanted()) return fail(ErrorCode::kConflict, "the transaction must start again");
  if (transaction_.failure()) return fail(transaction_.failure()->clone());
  if (error_) return fail(error_->clone());
  return fail(ErrorCode::kCorrupt,
              "a piece of the collection is missing; `stave doctor` can examine the store's directory");
}

}  // namespace stave::store
