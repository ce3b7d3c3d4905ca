// A key's collection in a command: looked at, copied out, or changed in one step.
//
// A handler parses its arguments, asks one of these, and answers. Must not know: what an element means.
#pragma once

#include <optional>
#include <utility>

#include "base/try.h"
#include "commands/call.h"
#include "commands/errors.h"
#include "commands/kept_value.h"
#include "store/collection.h"

namespace stave::commands {

/// Shows what argument `i`'s key holds, to `show`, once: `const Type::Reader*`, null when the key is not there. Under
/// the key's lock: be quick, look at one element or a few, and answer afterwards. Errors: WRONGTYPE, those of `show`,
/// those of a read.
template <class Type, class Show>
Result<void> look_at(Call& call, std::size_t i, Show&& show) {
  Result<void> shown;
  const auto look = [&](const store::ValueView* held) {
    auto opened = store::Opened<Type>::open(held);
    if (!opened) {
      shown = fail(std::move(opened).error());
    } else {
      shown = show(held != nullptr ? &opened->reader() : nullptr);
    }
  };
  STAVE_TRY(call.wait_for(call.read(call.key(i), call.session().read_access(), look)));
  return shown;
}

/// A collection as it was at one instant, held without its key's lock: for long reads.
template <class Type>
class Copied {
 public:
  /// Absent: null.
  [[nodiscard]] const typename Type::Reader* reader() const noexcept { return form_ ? &*form_ : nullptr; }
  /// The same, an absent one being empty.
  [[nodiscard]] const typename Type::Reader& or_empty() const noexcept {
    static const typename Type::Compact kEmpty;
    return form_ ? static_cast<const typename Type::Reader&>(*form_) : kEmpty;
  }
  /// `held`: what the key holds, of this type.
  void take(const store::ValueView& held) {
    bytes_ = KeptValue(held);
    form_.emplace(bytes_.view());
  }
  Copied() = default;
  Copied(const Copied&) = delete;
  Copied& operator=(const Copied&) = delete;

 private:
  KeptValue bytes_;
  std::optional<typename Type::Compact> form_;
};

/// Copies what argument `i`'s key holds. Errors: WRONGTYPE, those of a read.
template <class Type>
Result<void> copy_out(Call& call, std::size_t i, Copied<Type>& to) {
  bool other = false;
  const auto look = [&](const store::ValueView* held) {
    if (held == nullptr) return;
    other = held->type != Type::kType;
    if (!other) to.take(*held);
  };
  STAVE_TRY(call.wait_for(call.read(call.key(i), call.session().read_access(), look)));
  if (other) return wrong_type();
  return {};
}

/// Lets `change` look at the collection of argument `i`'s key and edit it (`store::Opened<Type>&`, of which an absent
/// key's is empty), in one step; the key gets what became of it, and keeps its expiry. `change` may be called again
/// with what the key holds then, and only what it did last is done; answer afterwards. Errors: WRONGTYPE, those of
/// `change` (then nothing was changed), those of a write.
template <class Type, class Change>
Result<void> change_collection(Call& call, std::size_t i, Change&& change) {
  std::optional<store::Opened<Type>> opened;
  const auto decide = [&](const store::ValueView* held, UnixMs) -> Result<store::Update> {
    auto now = store::Opened<Type>::open(held);
    if (!now) return fail(std::move(now).error());
    opened.emplace(std::move(*now));
    STAVE_TRY(change(*opened));
    return opened->update();
  };
  return call.update(call.key(i), store::Access::kPeek, decide);
}

}  // namespace stave::commands
