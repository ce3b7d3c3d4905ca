// From the system's errno to an `Error` whose sentence says what the person in front of it can do.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "stave/error.h"

namespace stave::base {

/// What the caller can do about `system_errno`. Anything not known to be harmless is kIo.
ErrorCode code_of(int system_errno) noexcept;

/// Whether it was the system that was short, of descriptors or memory, or the call was interrupted: that says nothing
/// about the disk, nothing has happened, and the same call may succeed later. Not to be believed of a sync, after which
/// nobody knows what is on the disk.
bool is_shortage(const Error& error) noexcept;

/// `doing` begins the sentence: "cannot write". `offset` as in `Error::with_file`.
Error system_error(int system_errno, std::string_view doing, const std::string& file, std::int64_t offset = -1);

}  // namespace stave::base
