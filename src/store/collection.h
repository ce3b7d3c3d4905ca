// Collections as the store keeps them: which type is which, and a key's collection opened for reading and for changing.
//
// A small collection is its compact form, one value; beyond kCompactBytesMax it is a root and pages (pages.h), which it
// stays until it is gone. `Opened` reads or edits the collection of one key either way, and `keep_collection` gives the
// key what became of it: nothing, when nothing was changed; no collection but a stream is ever empty, so the key
// goes with its last element. Must not know: commands, what an element means.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/try.h"
#include "store/engine.h"
#include "store/pages.h"
#include "store/transaction.h"
#include "store/value.h"
#include "types/hash/compact.h"
#include "types/hash/paged.h"
#include "types/list/compact.h"
#include "types/list/paged.h"
#include "types/set/compact.h"
#include "types/set/paged.h"
#include "types/sketch/bytes.h"
#include "types/sorted_set/compact.h"
#include "types/sorted_set/paged.h"
#include "types/stream/compact.h"
#include "types/stream/paged.h"
#include "types/string/paged.h"

namespace stave::store {

/// A compact form that is larger becomes pages.
inline constexpr std::size_t kCompactBytesMax = 2048;

/// The types, as parameters of templates.
struct Hash {
  using Reader = types::hash::Reader;
  using Editor = types::hash::Editor;
  using Compact = types::hash::Compact;
  using Paged = types::hash::Paged;
  static constexpr ValueType kType = ValueType::kHash;
};
struct List {
  using Reader = types::list::Reader;
  using Editor = types::list::Editor;
  using Compact = types::list::Compact;
  using Paged = types::list::Paged;
  static constexpr ValueType kType = ValueType::kList;
};
struct Set {
  using Reader = types::set::Reader;
  using Editor = types::set::Editor;
  using Compact = types::set::Compact;
  using Paged = types::set::Paged;
  static constexpr ValueType kType = ValueType::kSet;
};
struct SortedSet {
  using Reader = types::sorted_set::Reader;
  using Editor = types::sorted_set::Editor;
  using Compact = types::sorted_set::Compact;
  using Paged = types::sorted_set::Paged;
  static constexpr ValueType kType = ValueType::kSortedSet;
};
/// Bytes of which only the types of sketches know what they mean.
struct Sketch {
  using Reader = types::sketch::Reader;
  using Editor = types::sketch::Editor;
  using Compact = types::sketch::Compact;
  using Paged = types::sketch::Paged;
  static constexpr ValueType kType = ValueType::kSketch;
};
/// A string that is changed in parts. While it is small, or was never changed in a part, it is one value.
struct String {
  using Reader = types::sketch::Reader;
  using Editor = types::sketch::Editor;
  using Compact = types::sketch::Compact;
  using Paged = types::text::Paged;
  static constexpr ValueType kType = ValueType::kString;
  static constexpr bool kMayBeEmpty = true;
  static constexpr std::size_t kCompactBytesMax = 8192;
};
struct Stream {
  using Reader = types::stream::Reader;
  using Editor = types::stream::Editor;
  using Compact = types::stream::Compact;
  using Paged = types::stream::Paged;
  static constexpr ValueType kType = ValueType::kStream;
  static constexpr bool kMayBeEmpty = true;
};

/// Whether a key may hold such a collection without an element.
template <class Type>
constexpr bool may_be_empty() noexcept {
  return requires { Type::kMayBeEmpty; };
}

/// A compact form that is larger becomes pages.
template <class Type>
constexpr std::size_t compact_bytes_max() noexcept {
  if constexpr (requires { Type::kCompactBytesMax; }) {
    return Type::kCompactBytesMax;
  } else {
    return kCompactBytesMax;
  }
}

/// Whether what a value of that type and form holds depends on the moment.
template <class Type>
bool needs_moment(std::string_view form) noexcept {
  if constexpr (requires { Type::Compact::expiring(form); }) return Type::Compact::expiring(form);
  return false;
}
/// A compact form opened as of `now`, which counts for elements with a deadline only.
template <class Type>
typename Type::Compact open_form(std::string_view form, UnixMs now) {
  if constexpr (requires { Type::Compact::expiring(form); }) return typename Type::Compact(form, now);
  return typename Type::Compact(form);
}
/// Makes ready what a key is to hold that dies by itself at `own`, and returns when it dies: then, or with its last
/// element.
template <class Compact>
Expiry settle(Compact& form, const Expiry& own) {
  if constexpr (requires { form.settle(own); }) return form.settle(own);
  return own;
}

/// A key's collection, or the empty one of a key that is not there. What was opened must stay as it is meanwhile, but
/// for what is done through this: it lies under a shard's lock, in a transaction, or in bytes of the caller's.
template <class Type>
class Opened {
 public:
  /// `held`: null, or what the key holds, with its value, which is no root. As of `now`. Errors: kWrongType.
  static Result<Opened> open(const ValueView* held, UnixMs now) {
    if (held == nullptr) return Opened(std::string_view{}, false, {}, now);
    if (held->type != Type::kType) return fail(ErrorCode::kWrongType, "the key holds another type");
    // A value that a transaction could not read from the log shows as empty; its commit fails and says why.
    if (!held->here) [[unlikely]]
      return Opened(std::string_view{}, true, held->expiry, now);
    STAVE_ASSERT((!held->value.empty() || held->type == ValueType::kString) && !held->paged);
    return Opened(held->value, true, held->expiry, now);
  }
  /// The same of any, in the transaction that found it.
  static Result<Opened> open(Transaction& transaction, const ValueView* held) {
    if (held == nullptr || held->type != Type::kType || !held->paged || !held->here) {
      auto opened = open(held, transaction.now());
      if (opened) opened->transaction_ = &transaction;
      return opened;
    }
    return Opened(std::make_unique<InPages>(transaction, identity_of(held->value), root_of(held->value)), held->expiry,
                  transaction.now());
  }

  /// The moment as of which it was opened.
  [[nodiscard]] UnixMs now() const noexcept { return now_; }
  [[nodiscard]] bool in_pages() const noexcept { return paged_ != nullptr; }
  /// Whether the key was there, with an element that has not expired.
  [[nodiscard]] bool existed() const noexcept { return existed_; }
  [[nodiscard]] const typename Type::Reader& reader() const noexcept {
    return paged_ ? static_cast<const typename Type::Reader&>(paged_->form) : compact_;
  }
  [[nodiscard]] typename Type::Editor& editor() noexcept {
    return paged_ ? static_cast<typename Type::Editor&>(paged_->form) : compact_;
  }
  /// The same for whoever adds many elements, asked anew for each: in a transaction, a collection that outgrows one run
  /// becomes pages at once, since each element that a long run takes costs as much as all that it has. What `reader`
  /// and `editor` returned before ends with that.
  [[nodiscard]] typename Type::Editor& growing_editor() {
    if (!paged_ && transaction_ != nullptr && may_become_pages()) become_pages();
    return editor();
  }
  /// The same for whoever is about to make it as large as that.
  [[nodiscard]] typename Type::Editor& editor_for(std::uint64_t bytes) {
    if (!paged_ && transaction_ != nullptr && bytes > compact_bytes_max<Type>()) become_pages();
    return editor();
  }
  [[nodiscard]] bool changed() const noexcept {
    return joined_ || became_pages_ || (paged_ ? paged_->form.changed() : compact_.changed());
  }
  /// Whether everything that was asked of it could be had; else nothing that it said matters. Errors: those of
  /// TransactionPages::failure.
  [[nodiscard]] Result<void> whole() const {
    if (paged_ && paged_->pages.failed()) return paged_->pages.failure();
    return {};
  }
  /// A collection of pages becomes one run again, whatever its size, for what pages cannot do. Errors: as `whole`.
  Result<void> join_pages() {
    if (!paged_) return {};
    value_ = Type::Compact::form_of(paged_->form);
    erase_pages();
    STAVE_TRY(whole());
    paged_.reset();
    compact_ = open_form<Type>(value_, now_);
    joined_ = true;
    return {};
  }

  /// It has just these bytes, of what is bytes. Errors: as `whole`.
  Result<void> replace(std::string_view form) {
    STAVE_TRY(join_pages());
    compact_ = typename Type::Compact();
    compact_.append(form);
    return {};
  }

  /// When the key dies by itself, whether or not its last element dies before.
  [[nodiscard]] const Expiry& own_expiry() const noexcept { return own_expiry_; }
  void set_own_expiry(const Expiry& expiry) noexcept { own_expiry_ = expiry; }

  /// Whether it has to become pages. What the moment changes stays one run, whatever its size.
  [[nodiscard]] bool outgrown() {
    if (paged_ || !changed() || (!may_be_empty<Type>() && compact_.size() == 0)) return false;
    settle(compact_, own_expiry_);
    return compact_.form().size() > compact_bytes_max<Type>() && !needs_moment<Type>(compact_.form());
  }
  /// Its compact form, then.
  [[nodiscard]] std::string_view outgrown_form() const noexcept { return compact_.form(); }
  /// Whether the key takes no more memory afterwards. What pages take was asked for when they were written.
  [[nodiscard]] bool shrinks(const Update& update) const noexcept {
    return paged_ || update.value.size() <= held_bytes_;
  }
  /// What is to become of the key; not of one that is outgrown. Its value ends with this object and with the next
  /// change.
  [[nodiscard]] Update update() {
    if (!changed()) return {};
    if (!may_be_empty<Type>() && reader().size() == 0) {
      // Pages that no key ever had are nobody's to remove later.
      if (became_pages_) erase_pages();
      return {.what = held_ ? Update::What::kErase : Update::What::kNothing};
    }
    if (paged_) {
      value_ = paged_value(paged_->pages.identity(), paged_->form.root());
      return {.what = Update::What::kPut, .value = value_, .expiry = own_expiry_, .type = root_type(Type::kType)};
    }
    STAVE_ASSERT(!outgrown());
    const Expiry expiry = settle(compact_, own_expiry_);
    return {.what = Update::What::kPut, .value = compact_.form(), .expiry = expiry, .type = Type::kType};
  }

 private:
  // Asked for each element, so it must not look at all of them.
  [[nodiscard]] bool may_become_pages() const noexcept {
    if constexpr (requires { compact_.with_deadlines(); })
      return compact_.bytes() > kCompactBytesMax && !compact_.with_deadlines();
    else
      return compact_.form().size() > compact_bytes_max<Type>();
  }
  void become_pages() {
    const Expiry expiry = settle(compact_, own_expiry_);
    STAVE_ASSERT(expiry == own_expiry_ && (may_be_empty<Type>() || compact_.size() != 0));
    paged_ = std::make_unique<InPages>(*transaction_, transaction_->engine().new_identity(),
                                       Type::Paged::empty_root(base::thread_random()));
    paged_->form.fill(compact_.form());
    became_pages_ = true;
  }
  void erase_pages() {
    std::vector<types::PageId> all;
    paged_->form.visit_pages([&](types::PageId page) {
      all.push_back(page);
      return true;
    });
    for (const types::PageId page : all) paged_->pages.erase(page);
  }

  struct InPages {
    InPages(Transaction& transaction, Lsn identity, std::string_view root)
        : pages(transaction, identity), form(pages, root) {}
    TransactionPages pages;
    typename Type::Paged form;
  };

  Opened(std::string_view form, bool held, const Expiry& expiry, UnixMs now)
      : compact_(open_form<Type>(form, now)),
        now_(now),
        held_(held),
        held_bytes_(form.size()),
        existed_(may_be_empty<Type>() ? held : compact_.size() != 0),
        own_expiry_(expiry) {
    if constexpr (requires { compact_.own_expiry(); }) own_expiry_ = compact_.own_expiry().value_or(expiry);
  }
  Opened(std::unique_ptr<InPages> paged, const Expiry& expiry, UnixMs now)
      : paged_(std::move(paged)), now_(now), held_(true), existed_(true), own_expiry_(expiry) {}

  std::unique_ptr<InPages> paged_;
  typename Type::Compact compact_;      ///< When there are pages: empty, or what became pages.
  Transaction* transaction_ = nullptr;  ///< Where it may become pages.
  UnixMs now_;
  bool held_;
  std::size_t held_bytes_ = 0;  ///< Of the compact form, as it was.
  bool existed_;
  bool joined_ = false;
  bool became_pages_ = false;
  Expiry own_expiry_;
  std::string value_;
};

/// Opens the collection of `key` within a transaction, or a command's part of one; reads and edits go through the
/// result, which ends with the next change of that transaction by others than itself; then `keep_collection`. Errors:
/// kWrongType.
template <class Type, class Within>
Result<Opened<Type>> open_collection(Within& within, KeyRef key, Access access = Access::kPeek) {
  const std::optional<ValueView> held = within.find(key, as_root(access));
  return Opened<Type>::open(within.transaction(), held ? &*held : nullptr);
}

/// Writes all elements of a compact form into new pages; returns the value that makes them a key's. Errors: those of a
/// write.
template <class Type>
Result<std::string> write_pages(Transaction& transaction, std::string_view from) {
  TransactionPages pages(transaction, transaction.engine().new_identity());
  typename Type::Paged form(pages, Type::Paged::empty_root(base::thread_random()));
  form.fill(from);
  if (pages.failed()) return pages.failure();
  return paged_value(pages.identity(), form.root());
}

/// Gives `key` what became of it. Errors: those of a write, and what `Opened::whole` says.
template <class Type, class Within>
Result<void> keep_collection(Within& within, KeyRef key, Opened<Type>& opened) {
  STAVE_TRY(opened.whole());
  if (opened.outgrown()) {
    STAVE_ASSIGN(const std::string value, write_pages<Type>(within.transaction(), opened.outgrown_form()));
    return within.put(key, value, opened.own_expiry(), root_type(Type::kType));
  }
  const Update update = opened.update();
  if (opened.shrinks(update)) within.excuse();
  switch (update.what) {
    case Update::What::kNothing: return {};
    case Update::What::kErase: within.erase(key); return {};
    case Update::What::kPut: return within.put(key, update.value, update.expiry, update.type);
  }
  return {};
}

/// Gives `key` this collection whole, whatever it held; an empty one removes it. `expiry`: when the key dies by itself.
/// Errors: those of a write.
template <class Type, class Within>
Result<void> put_collection(Within& within, KeyRef key, const typename Type::Compact& collection,
                            const Expiry& expiry = {}) {
  if (!may_be_empty<Type>() && collection.size() == 0) {
    within.erase(key);
    return {};
  }
  typename Type::Compact kept = collection;
  const Expiry settled = settle(kept, expiry);
  if (kept.form().size() <= kCompactBytesMax || needs_moment<Type>(kept.form()))
    return within.put(key, kept.form(), settled, Type::kType);
  STAVE_ASSIGN(const std::string value, write_pages<Type>(within.transaction(), kept.form()));
  return within.put(key, value, expiry, root_type(Type::kType));
}

/// Whether only its value tells when what a key holds dies by itself.
inline bool expiry_in_value(const ValueView& held) noexcept {
  return held.type == ValueType::kHash && !held.paged && !held.expiry.never();
}
/// When what a key holds dies by itself: what its entry says, unless that says when its last field dies. `held`: with
/// its value, if that is where it stands.
inline Expiry own_expiry(const ValueView& held) {
  if (!expiry_in_value(held) || !held.here || !Hash::Compact::expiring(held.value)) return held.expiry;
  return Hash::Compact(held.value).own_expiry().value_or(held.expiry);
}
/// What a key holds, with its value if `own_expiry` needs it, within a transaction.
template <class Within>
std::optional<ValueView> find_with_expiry(Within& within, KeyRef key) {
  auto held = within.find(key, Access::kMeta);
  if (held && expiry_in_value(*held) && !held->here) held = within.find(key, Access::kPeek);
  return held;
}
/// Lets a key, of which `held` was found with its expiry, die by itself at `own`, at once if that has passed: then, or
/// with its last field before. Errors: those of `put`.
template <class Within>
Result<void> set_own_expiry(Within& within, KeyRef key, const ValueView& held, const Expiry& own) {
  if (held.type != ValueType::kHash || held.paged || !held.here || !Hash::Compact::expiring(held.value) ||
      own.passed(within.now()))
    return within.set_expiry(key, own);
  Hash::Compact form(held.value, within.now());
  const Expiry expiry = form.settle(own);
  if (!form.changed()) return within.set_expiry(key, expiry);
  within.excuse();
  return within.put(key, form.form(), expiry, ValueType::kHash);
}

/// Gives `key` the value of that type and form whole, whatever it held: a string's bytes, or the compact form of a
/// collection, which may be too large for one. Errors: those of a write.
template <class Within>
Result<void> put_form(Within& within, KeyRef key, ValueType type, std::string_view form, const Expiry& expiry) {
  if (form.size() <= kCompactBytesMax) return within.put(key, form, expiry, type);
  switch (type) {
    case ValueType::kHash:
      if (needs_moment<Hash>(form)) break;
      return put_collection<Hash>(within, key, Hash::Compact(form), expiry);
    case ValueType::kList: return put_collection<List>(within, key, List::Compact(form), expiry);
    case ValueType::kSet: return put_collection<Set>(within, key, Set::Compact(form), expiry);
    case ValueType::kSortedSet: return put_collection<SortedSet>(within, key, SortedSet::Compact(form), expiry);
    case ValueType::kSketch: return put_collection<Sketch>(within, key, Sketch::Compact(form), expiry);
    case ValueType::kStream: return put_collection<Stream>(within, key, Stream::Compact(form), expiry);
    default: break;
  }
  return within.put(key, form, expiry, type);
}

/// Below which number the pages of a collection are, of what its key holds; nullopt: but of most of these numbers there
/// is no page any more.
std::optional<types::PageId> page_end(ValueType type, std::string_view paged) noexcept;

/// A collection of pages as one run, from what its key was found to hold in this transaction. Errors: as of
/// TransactionPages::failure.
Result<std::string> joined_form(Transaction& transaction, const ValueView& held);

/// The same of a string in pages, ready to be shown: `paged`, its root as it is kept, is no part of the store. Errors:
/// likewise, and kNoMemory. Throws std::bad_alloc.
Result<void> join_string(Transaction& transaction, std::string_view paged, LoadedValue& to);

/// Bytes that all pages of a collection take in memory, likewise. Cost: looks at every page.
Result<std::uint64_t> memory_of_pages(Transaction& transaction, const ValueView& held);

/// The value of a key that is to hold a copy of what a root and its pages hold; the pages are copied. Errors: those of
/// a write; kConflict, kCorrupt as of TransactionPages.
Result<std::string> copy_pages(Transaction& transaction, ValueType type, std::string_view paged);

}  // namespace stave::store
