// A directory's files as one stream, to another program or from one: an archive that `tar` writes and reads.
//
// For backups that go where no file system is: an object store, another backup program, another machine. Promises: a
// program that fails is an error, so a stream that was cut short is never taken for a whole one. Must not know: what
// the files are.
#pragma once

#include <string>

#include "stave/error.h"

namespace stave::tools {

/// Runs `command` (by `sh -c`) with an archive of the files in `directory` as its standard input. Errors: kIo (tar or
/// the command failed; how is in the sentence), kUnsupported (there is no tar or no shell).
Result<void> pipe_out(const std::string& directory, const std::string& command);
/// Unpacks an archive from the standard input of this process into `directory`, which exists. Errors: likewise.
Result<void> pipe_in(const std::string& directory);
/// Removes a directory that `pipe_in` unpacked into, whatever it holds now. Links are removed, not followed. Errors:
/// likewise.
Result<void> remove_tree(const std::string& directory);

}  // namespace stave::tools
