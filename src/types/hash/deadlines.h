// Hashes whose fields expire, on their way in and out: put together from outside, and seen by another clock.
#pragma once

#include <string>
#include <string_view>

#include "base/function_ref.h"
#include "types/hash/compact.h"
#include "types/run_builder.h"

namespace stave::types::hash {

/// The layout (compact.h) of fields each of which is followed by its deadline; the key's own stands before all.
inline constexpr unsigned kExpiringLayout = 1;
/// kNever: none.
void add_deadline(Items& items, UnixMs deadline);

/// The form of the fields that are there at `now`, with every deadline, and the key's own if the form keeps it, as
/// `map` says, which is not asked about kNever. Empty: none is there.
std::string with_deadlines(std::string_view form, UnixMs now, base::FunctionRef<UnixMs(UnixMs)> map);

}  // namespace stave::types::hash
