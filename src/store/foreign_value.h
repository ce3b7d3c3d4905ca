// Values on their way into a store and out of it: what in them depends on the clock.
//
// A hash whose fields expire knows their deadlines by the store's time (store_clock.h); files, dumps and other servers
// know the wall clock's. Every other value is the same everywhere. Must not know: what files look like.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/store_clock.h"
#include "store/value.h"

namespace stave::store {

/// A value as somebody outside should see it at `now`; nullopt: as it is. Empty: nothing of it is there any more.
std::optional<std::string> shown_value(const StoreClock& clock, UnixMs now, ValueType type, std::string_view value);

struct Adopted {
  std::string value;  ///< Empty: nothing of it is there any more.
  Expiry expiry;
};
/// What a key is to hold, and when it dies, that gets a value from outside and dies by itself at `own`, which is a
/// moment of the store; nullopt: the value as it is, and then.
std::optional<Adopted> adopted_value(StoreClock& clock, UnixMs now, ValueType type, std::string_view value,
                                     const Expiry& own);

}  // namespace stave::store
