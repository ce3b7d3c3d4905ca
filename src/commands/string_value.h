// A key's string in a command that looks at parts of its bytes or changes them: in pages or in one piece, looked at
// without keeping its lock for long where that can be, and changed at the cost of the change.
//
// Must not know: what the bytes mean.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/try.h"
#include "commands/call.h"
#include "commands/collection.h"
#include "commands/errors.h"
#include "commands/kept_value.h"
#include "store/collection.h"
#include "store/value.h"
#include "types/sketch/bytes.h"

namespace stave::commands {

using StringReader = types::sketch::Reader;
using OpenedString = store::Opened<store::String>;

/// Shows what argument `i`'s key holds: `const StringReader*`, null when the key is not there. A large string in one
/// piece is shown when the key's lock was given back, one in pages under it. Answer afterwards, when it is known that
/// every page could be read. Errors: WRONGTYPE, those of `show`, which returns Result<void>, those of a read.
template <class Show>
Result<void> look_at_string(Call& call, std::size_t i, Show&& show) {
  const store::KeyRef key = hashed_key(call, i);
  Session& session = call.session();
  if (session.paged_key == key.hash) return look_at_pages<store::String>(call, key, show);
  bool other = false;
  bool found = false;
  bool paged = false;
  Result<void> shown;
  KeptValue large;
  const auto look = [&](const store::ValueView* held) {
    found = held != nullptr;
    if (!found) return;
    other = held->type != store::ValueType::kString;
    paged = !other && held->paged;
    if (other || paged) return;
    if (held->block != nullptr) {
      large = KeptValue(*held);
    } else {
      const types::sketch::Compact bytes(held->value);
      shown = show(static_cast<const StringReader*>(&bytes));
    }
  };
  STAVE_TRY(call.wait_for(call.read(key, store::as_root(session.read_access()), look)));
  if (other) return wrong_type();
  if (paged) {
    session.paged_key = key.hash;
    return look_at_pages<store::String>(call, key, show);
  }
  if (!found) {
    shown = show(static_cast<const StringReader*>(nullptr));
  } else if (large.size() != 0) {
    const types::sketch::Compact bytes(large.view());
    shown = show(static_cast<const StringReader*>(&bytes));
  }
  count_lookup(call, found);
  return shown;
}

/// How large a string will be: `end` bytes at least, and `more` than it has.
struct Reach {
  std::uint64_t end = 0;
  std::uint64_t more = 0;
};

/// Lets `change` look at the string of argument `i`'s key and edit it (`OpenedString&`, of no bytes when there is none;
/// by `editor_for`, told how large it will be), in one step; the key gets what became of it, and keeps its expiry.
/// `change` may be called again with what the key holds then, and only what it did last is done; answer afterwards.
/// Errors: WRONGTYPE, those of `change` (then nothing was changed), those of a write.
template <class Change>
Result<void> change_string(Call& call, std::size_t i, Reach reach, Change&& change) {
  constexpr std::uint64_t kMost = store::compact_bytes_max<store::String>();
  const store::KeyRef key = hashed_key(call, i);
  Session& session = call.session();
  if (session.shared == nullptr && session.paged_key != key.hash) {
    std::optional<OpenedString> opened;
    bool large = false;
    const auto decide = [&](const store::ValueView* held, UnixMs now) -> Result<store::Update> {
      if (held != nullptr && held->type != store::ValueType::kString) return wrong_type();
      const std::uint64_t size = held == nullptr ? 0 : held->size;
      large = (held != nullptr && held->paged) || std::max(size, reach.end) > kMost || size + reach.more > kMost;
      if (large) return store::Update{};
      STAVE_ASSIGN(auto found, OpenedString::open(held, now));
      opened.emplace(std::move(found));
      STAVE_TRY(change(*opened));
      large = opened->outgrown();
      return large ? store::Update{} : opened->update();
    };
    STAVE_TRY(call.update(key, store::Access::kPeekRoot, decide));
    if (!large) return {};
    session.paged_key = key.hash;
  }
  Part part(call.session(), key);
  auto opened = store::open_collection<store::String>(part, key);
  if (!opened) return wrong_type();
  if (!opened->in_pages()) session.paged_key = 0;
  STAVE_TRY(change(*opened));
  STAVE_TRY(store::keep_collection(part, key, *opened));
  return call.commit(part);
}

/// The key is to hold `value`, which lives as long as what it holds now (`held`, null: nothing) was to.
inline store::Update keep_string(std::string_view value, const store::ValueView* held) noexcept {
  return {.what = store::Update::What::kPut, .value = value, .expiry = held != nullptr ? held->expiry : Expiry{}};
}

}  // namespace stave::commands
