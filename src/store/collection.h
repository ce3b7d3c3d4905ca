// Collections as the store keeps them: which type is which, and a key's collection opened for reading and for changing.
//
// `Opened` reads or edits the collection of one key and gives the key what became of it: nothing, when nothing was
// changed; no collection is ever empty, so the key goes with its last element. Must not know: commands, what an element
// means.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/try.h"
#include "store/value.h"
#include "types/hash/compact.h"
#include "types/list/compact.h"
#include "types/set/compact.h"
#include "types/sorted_set/compact.h"

namespace stave::store {

/// The types, as parameters of templates.
struct Hash {
  using Reader = types::hash::Reader;
  using Editor = types::hash::Editor;
  using Compact = types::hash::Compact;
  static constexpr ValueType kType = ValueType::kHash;
};
struct List {
  using Reader = types::list::Reader;
  using Editor = types::list::Editor;
  using Compact = types::list::Compact;
  static constexpr ValueType kType = ValueType::kList;
};
struct Set {
  using Reader = types::set::Reader;
  using Editor = types::set::Editor;
  using Compact = types::set::Compact;
  static constexpr ValueType kType = ValueType::kSet;
};
struct SortedSet {
  using Reader = types::sorted_set::Reader;
  using Editor = types::sorted_set::Editor;
  using Compact = types::sorted_set::Compact;
  static constexpr ValueType kType = ValueType::kSortedSet;
};

/// A key's collection, or the empty one of a key that is not there. What was opened must stay as it is meanwhile: it
/// lies under a shard's lock, or in a `Copied`.
template <class Type>
class Opened {
 public:
  /// Errors: kWrongType. `held`: null, or what the key holds, with its value.
  static Result<Opened> open(const ValueView* held) {
    if (held == nullptr) return Opened(std::string_view{}, false, {});
    if (held->type != Type::kType) return fail(ErrorCode::kWrongType, "the key holds another type");
    STAVE_ASSERT(held->here && !held->value.empty());
    return Opened(held->value, true, held->expiry);
  }
  [[nodiscard]] bool existed() const noexcept { return existed_; }
  [[nodiscard]] const typename Type::Reader& reader() const noexcept { return form_; }
  [[nodiscard]] typename Type::Editor& editor() noexcept { return form_; }
  [[nodiscard]] bool changed() const noexcept { return form_.changed(); }

  /// What is to become of the key. Its value ends with this object and with the next change.
  [[nodiscard]] Update update() const {
    if (!form_.changed()) return {};
    if (form_.size() == 0) return {.what = existed_ ? Update::What::kErase : Update::What::kNothing};
    return {.what = Update::What::kPut, .value = form_.form(), .expiry = expiry_, .type = Type::kType};
  }

 private:
  Opened(std::string_view form, bool existed, const Expiry& expiry) : form_(form), existed_(existed), expiry_(expiry) {}

  typename Type::Compact form_;
  bool existed_;
  Expiry expiry_;
};

/// Opens the collection of `key` within a transaction, or a command's part of one; reads and edits go through the
/// result, which ends with the next change of that transaction; then `keep`. Errors: kWrongType.
template <class Type, class Within>
Result<Opened<Type>> open_collection(Within& within, KeyRef key) {
  const std::optional<ValueView> held = within.find(key, Access::kPeek);
  return Opened<Type>::open(held ? &*held : nullptr);
}
/// Gives `key` what became of it. Errors: those of `put`.
template <class Type, class Within>
Result<void> keep_collection(Within& within, KeyRef key, const Opened<Type>& opened) {
  const Update update = opened.update();
  switch (update.what) {
    case Update::What::kNothing: return {};
    case Update::What::kErase: within.erase(key); return {};
    case Update::What::kPut: return within.put(key, update.value, update.expiry, update.type);
  }
  return {};
}
/// Gives `key` this collection whole, whatever it held; an empty one removes it. Errors: those of `put`.
template <class Type, class Within>
Result<void> put_collection(Within& within, KeyRef key, const typename Type::Compact& collection) {
  if (collection.size() != 0) return within.put(key, collection.form(), {}, Type::kType);
  within.erase(key);
  return {};
}

}  // namespace stave::store
