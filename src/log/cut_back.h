// Cutting what a copy of a log has and its leader has not.
//
// Promises: what is cut is in `.cut` files, durably, before it leaves the log; killed in the middle, what is left is a
// log that opens, and the cut can be done again. Must not know: why, the index, images of it.
#pragma once

#include <string>

#include "stave/error.h"
#include "stave/file_system.h"
#include "stave/units.h"

namespace stave::log {

/// Makes the log in `directory`, which nobody has open and which was closed in good order, end at `at`, where a batch
/// begins or the log ends. Nothing when it ends there or before. Errors: kConflict (no batch begins there, the log
/// begins behind it or was not closed), kCorrupt, kIo, kNoSpace.
Result<void> cut_back(FileSystem& files, const std::string& directory, Lsn at);

}  // namespace stave::log
