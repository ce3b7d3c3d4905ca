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

/// The arguments from `first` to the one before `behind`, in that database.
inline KeyList keys_between(int database, Arguments arguments, std::size_t first, std::size_t behind) {
  STAVE_ASSERT(first <= behind && behind <= arguments.size());
  KeyList keys;
  keys.reserve(behind - first);
  for (std::size_t i = first; i < behind; ++i) keys.push_back({database, arguments[i]});
  return keys;
}

}  // namespace stave::commands
