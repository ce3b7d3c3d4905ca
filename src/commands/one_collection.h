// A key's collection in a command that may be one of several in a row (stretch.h): looked at, or changed in one step.
//
// As look_at and change_collection (collection.h), which do it where the call stands alone. What every fast command of
// one collection uses. Must not know: what an element means.
#pragma once

#include "commands/collection.h"
#include "commands/stretch.h"

namespace stave::commands {

/// As `look_at`.
template <class Type, class Show, class ShowPages>
Result<void> look_at_one(Call& call, std::size_t i, Show&& show, ShowPages&& show_pages) {
  if (Stretch* const stretch = Stretch::of(call.session())) [[unlikely]] {
    STAVE_ASSIGN(const auto* const opened, stretch->template opened<Type>());
    if (opened != nullptr) {
      STAVE_TRY(stretch->end_call(*opened, show_pages(&opened->reader())));
      count_lookup(call, true);
      return {};
    }
  }
  return look_at<Type>(call, i, show, show_pages);
}
template <class Type, class Show>
Result<void> look_at_one(Call& call, std::size_t i, Show&& show) {
  return look_at_one<Type>(call, i, show, show);
}

/// As `change_collection`.
template <class Type, class Change>
Result<void> change_one(Call& call, std::size_t i, Change&& change) {
  if (Stretch* const stretch = Stretch::of(call.session())) [[unlikely]] {
    STAVE_ASSIGN(auto* const opened, stretch->template opened<Type>());
    if (opened != nullptr) return stretch->end_call(*opened, change(*opened));
  }
  return change_collection<Type>(call, i, change);
}

}  // namespace stave::commands
