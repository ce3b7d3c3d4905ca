// Hashes of the past whose fields expire: which fields were there at a moment, and how they come back.
//
// A value in the log holds its fields with their deadlines; which of them count depends on when it is asked for. Must
// not know: where the value was found.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/value.h"

namespace stave::store {

/// Leaves out of a value the fields that had expired by `at`. False: none was left of what is a hash.
bool leave_expired_out(ValueType type, std::string& value, UnixMs at);

/// What a key is to hold again from `now` on, that died with `expiry`: as with the key's own, deadlines of fields that
/// have passed meanwhile are taken away.
struct BroughtBack {
  std::optional<std::string> value;  ///< When it is another one than before.
  Expiry expiry{};                   ///< When the key dies now.
};
BroughtBack bring_back(ValueType type, std::string_view value, const Expiry& expiry, UnixMs now);

}  // namespace stave::store
