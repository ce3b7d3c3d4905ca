// The keys of a call that has several, few of them without an allocation.
#pragma once

#include <boost/container/small_vector.hpp>

#include "base/assert.h"
#include "commands/call.h"

namespace stave::commands {

using KeyList = boost::container::small_vector<store::KeyRef, 16>;

/// Every `step`-th argument from `first` on, in the session's database.
inline KeyList keys_of(const Call& call, std::size_t first, std::size_t step) {
  STAVE_ASSERT(step != 0 && first <= call.size());
  KeyList keys;
  keys.reserve((call.size() - first + step - 1) / step);
  for (std::size_t i = first; i < call.size(); i += step) keys.push_back(call.key(i));
  return keys;
}

}  // namespace stave::commands
