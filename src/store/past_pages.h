// A collection of pages as it was at some change of its key: which page held what then, found by one reading of the
// log.
//
// Must not know: how the key's own past is found (history.h).
#pragma once

#include <string>
#include <string_view>

#include "store/engine.h"

namespace stave::store {

/// What the collection was, as one run (types/*/compact.h), whose root (of that type, as its key held it) was given by
/// the record at `version`. Cost: all of the log that is left is read. Errors: kNotFound (a page of then has been
/// dropped from the log), kCorrupt, kIo, kNoMemory.
Result<std::string> past_collection(Engine& engine, ValueType type, std::string_view root, Lsn version);

}  // namespace stave::store
