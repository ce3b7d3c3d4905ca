// What a file system answers that brings no answer of its own.
#include "stave/file_system.h"

namespace stave {

Result<void> FileSystem::link(const std::string& /*from*/, const std::string& to) {
  return fail(Error(ErrorCode::kUnsupported, "files have one name only here").with_file(to));
}

}  // namespace stave
