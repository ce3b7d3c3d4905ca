// `stave log dump`: the records of a store's log as lines of JSON, also while the store is at work.
//
// Promises: nothing is locked or written; a key or value that is not UTF-8 comes as base64, so that nothing is lost.
// Must not know: the terminal, signals.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "stave/file_system.h"

namespace stave::tools {

struct LogDump {
  std::string directory;
  std::string from;  ///< A place (place.h); empty: the beginning.
  std::string to;    ///< What begins here is not shown any more; empty: the end.
  bool follow = false;
  bool keys_only = false;  ///< Leaves out records that are about no key.
  bool values = false;
};

/// Takes a line, without its end. False: nobody wants to read on.
using Print = std::function<bool(std::string_view line)>;

/// `wait` is called when everything has been shown and more may come; false: enough. Errors: kInvalidArgument (a place
/// that is none), kNotFound (no store there; the log was cut back or dropped while it was followed), kCorrupt with file
/// and offset, kIo.
Result<void> dump_log(FileSystem& files, const LogDump& dump, const Print& print, const std::function<bool()>& wait);

}  // namespace stave::tools
