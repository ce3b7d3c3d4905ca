// Whether two values mean the same, however they are kept.
//
// Hashes and sets that went from one form to another (a run, pages) have their elements in other orders: what counts is
// which elements there are. Must not know: where the values lie.
#pragma once

#include <string_view>

#include "store/value.h"

namespace stave::store {

/// Of two values of the same type: the bytes of a string, or the compact form of a collection (types/*/compact.h). The
/// order of a hash's fields and of a set's members does not count; a hash whose fields have deadlines is the same only
/// to the byte. Cost: sorts the elements, unless the forms are the same. Throws std::bad_alloc.
bool same_content(ValueType type, std::string_view one, std::string_view other);

}  // namespace stave::store
