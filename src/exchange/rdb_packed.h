// The strings in which Redis keeps small collections whole: ziplists, listpacks, intsets and zipmaps, walked over
// element by element.
//
// Promises: nothing outside of the bytes is read, whatever they say; a string that is accepted was right in every part:
// sizes, counts, back links, order. Must not know: what the elements are. Written from the descriptions in Redis' own
// ziplist.c, listpack.md, intset.c and zipmap.c, and from what servers made.
#pragma once

#include <string_view>

#include "base/function_ref.h"
#include "types/item.h"

namespace stave::exchange {

/// One element: bytes of the string, or an integer. Returns whether to go on.
using VisitPacked = base::FunctionRef<bool(const types::ItemText& element)>;

// Each returns whether the string is whole and every call of `visit` said to go on. A zipmap's elements are names and
// values in turn.
bool walk_ziplist(std::string_view bytes, VisitPacked visit);
bool walk_listpack(std::string_view bytes, VisitPacked visit);
bool walk_intset(std::string_view bytes, VisitPacked visit);
bool walk_zipmap(std::string_view bytes, VisitPacked visit);

}  // namespace stave::exchange
