// A key's collection in a command: looked at, copied out, or changed in one step.
//
// A handler parses its arguments, asks one of these, and answers. Must not know: what an element means.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/try.h"
#include "commands/call.h"
#include "commands/errors.h"
#include "commands/kept_value.h"
#include "commands/part.h"
#include "store/collection.h"
#include "types/memory_pages.h"

namespace stave::commands {

/// Of a read.
inline void count_lookup(Call& call, bool found) noexcept {
  CallCounters& counters = call.session().counters();
  if (found) {
    counters.count_hit();
  } else {
    counters.count_miss();
  }
}

/// Argument `i`'s key, with its hash.
inline store::KeyRef hashed_key(Call& call, std::size_t i) noexcept {
  store::KeyRef key = call.key(i);
  key.hash = store::hash_of(call.engine().keyspace(), key);
  return key;
}

/// As `look_at`, in a transaction: what a collection of pages needs.
template <class Type, class Show>
Result<void> look_at_pages(Call& call, store::KeyRef key, Show&& show) {
  Part part(call.session(), key);
  STAVE_ASSIGN(const auto opened, store::open_collection<Type>(part, key, call.session().read_access()));
  if (!opened.in_pages()) call.session().paged_key = 0;
  STAVE_TRY(show(opened.existed() ? &opened.reader() : nullptr));
  STAVE_TRY(opened.whole());
  STAVE_TRY(call.commit(part));
  count_lookup(call, opened.existed());
  return {};
}

/// Shows what argument `i`'s key holds, once: `const Type::Reader*`, null when the key is not there; a collection of
/// pages to `show_pages`. Under the key's lock: take what is needed and answer afterwards, when it is known that every
/// page could be read; what is no collection of pages is there whole. Errors: WRONGTYPE, those of `show`, those of a
/// read.
template <class Type, class Show, class ShowPages>
Result<void> look_at(Call& call, std::size_t i, Show&& show, ShowPages&& show_pages) {
  const store::KeyRef key = hashed_key(call, i);
  Session& session = call.session();
  if (session.paged_key == key.hash) return look_at_pages<Type>(call, key, show_pages);
  Result<void> shown;
  bool paged = false;
  bool found = false;
  const auto look = [&](const store::ValueView* held) {
    paged = held != nullptr && held->type == Type::kType && held->paged;
    if (paged) return;
    const bool timed = held != nullptr && held->type == Type::kType && store::needs_moment<Type>(held->value);
    auto opened = store::Opened<Type>::open(held, timed ? call.now() : UnixMs{0});
    if (!opened) {
      shown = fail(std::move(opened).error());
    } else {
      found = opened->existed();
      shown = show(found ? &opened->reader() : nullptr);
    }
  };
  STAVE_TRY(call.wait_for(call.read(key, store::as_root(session.read_access()), look)));
  if (paged) {
    session.paged_key = key.hash;
    return look_at_pages<Type>(call, key, show_pages);
  }
  if (shown) count_lookup(call, found);
  return shown;
}
template <class Type, class Show>
Result<void> look_at(Call& call, std::size_t i, Show&& show) {
  return look_at<Type>(call, i, show, show);
}

/// A collection as it was at one instant, held without its key's lock: for readings of several keys, and for those that
/// take long with every element.
template <class Type>
class Copied {
 public:
  /// Absent: null.
  [[nodiscard]] const typename Type::Reader* reader() const noexcept {
    if (paged_) return &*paged_;
    return form_ ? &*form_ : nullptr;
  }
  /// The same, an absent one being empty.
  [[nodiscard]] const typename Type::Reader& or_empty() const noexcept {
    static const typename Type::Compact kEmpty;
    const typename Type::Reader* const there = reader();
    return there != nullptr ? *there : kEmpty;
  }
  /// `held`: what the key holds, of this type and no root. As of `now`.
  void take(const store::ValueView& held, UnixMs now) {
    bytes_ = KeptValue(held);
    form_.emplace(store::open_form<Type>(bytes_.view(), now));
    if (!store::may_be_empty<Type>() && form_->size() == 0) form_.reset();
  }
  /// Takes a collection of pages. Errors: those of reading them.
  Result<void> take(store::Transaction& transaction, std::string_view paged) {
    const std::string root(store::root_of(paged));
    store::TransactionPages from(transaction, store::identity_of(paged));
    const typename Type::Paged form(from, root);
    form.visit_pages([&](types::PageId page) {
      const std::string_view bytes = from.read(page);
      if (!from.failed()) pages_.write(page, bytes);
      return !from.failed();
    });
    if (from.failed()) return from.failure();
    paged_.emplace(pages_, root);
    return {};
  }
  Copied() = default;
  Copied(const Copied&) = delete;
  Copied& operator=(const Copied&) = delete;

 private:
  KeptValue bytes_;
  std::optional<typename Type::Compact> form_;
  types::MemoryPages pages_;
  std::optional<typename Type::Paged> paged_;
};

/// Copies what a key holds within a part. Errors: WRONGTYPE, those of a read.
template <class Type>
Result<void> copy_out(Part& part, store::KeyRef key, store::Access access, Copied<Type>& to) {
  const auto held = part.find(key, store::as_root(access));
  if (!held) return {};
  if (held->type != Type::kType) return wrong_type();
  if (held->paged) return to.take(part.transaction(), held->value);
  to.take(*held, part.now());
  return {};
}

/// Copies what argument `i`'s key holds. Errors: WRONGTYPE, those of a read.
template <class Type>
Result<void> copy_out(Call& call, std::size_t i, Copied<Type>& to) {
  bool other = false;
  bool paged = false;
  const auto look = [&](const store::ValueView* held) {
    if (held == nullptr) return;
    other = held->type != Type::kType;
    paged = !other && held->paged;
    if (!other && !paged) to.take(*held, store::needs_moment<Type>(held->value) ? call.now() : UnixMs{0});
  };
  STAVE_TRY(call.wait_for(call.read(call.key(i), store::as_root(call.session().read_access()), look)));
  if (other) return wrong_type();
  if (paged) {
    Part part(call.session(), call.key(i));
    STAVE_TRY(copy_out(part, call.key(i), call.session().read_access(), to));
    STAVE_TRY(call.commit(part));
  }
  count_lookup(call, to.reader() != nullptr);
  return {};
}

/// A call with more words than this may bring more elements than one run should take: it begins in a transaction, in
/// which they become pages on the way.
inline constexpr std::size_t kFewWords = 64;

/// Lets `change` look at the collection of argument `i`'s key and edit it (`store::Opened<Type>&`, of which an absent
/// key's is empty), in one step; the key gets what became of it, and keeps its expiry. `change` may be called again
/// with what the key holds then, and only what it did last is done; answer afterwards. Errors: WRONGTYPE, those of
/// `change` (then nothing was changed), those of a write.
template <class Type, class Change>
Result<void> change_collection(Call& call, std::size_t i, Change&& change) {
  const store::KeyRef key = hashed_key(call, i);
  Session& session = call.session();
  if (session.shared == nullptr && session.paged_key != key.hash && call.size() <= kFewWords) {
    std::optional<store::Opened<Type>> opened;
    bool in_pages = false;
    const auto decide = [&](const store::ValueView* held, UnixMs now) -> Result<store::Update> {
      in_pages = held != nullptr && held->type == Type::kType && held->paged;
      if (in_pages) return store::Update{};
      auto found = store::Opened<Type>::open(held, now);
      if (!found) return fail(std::move(found).error());
      opened.emplace(std::move(*found));
      STAVE_TRY(change(*opened));
      in_pages = opened->outgrown();
      return in_pages ? store::Update{} : opened->update();
    };
    STAVE_TRY(call.update(key, store::as_root(store::Access::kPeek), decide));
    if (!in_pages) return {};
    session.paged_key = key.hash;
  }
  Part part(call.session(), key);
  STAVE_ASSIGN(auto opened, store::open_collection<Type>(part, key));
  if (!opened.in_pages()) session.paged_key = 0;
  STAVE_TRY(change(opened));
  STAVE_TRY(store::keep_collection(part, key, opened));
  return call.commit(part);
}

}  // namespace stave::commands
