// `stave doctor`: what is wrong with a store's directory, in sentences; and a copy of everything that is whole.
//
// Promises: the original is only read, and not locked. What opening the store would refuse or do without is found and
// called damage; what it would mend by itself is a note. Must not know: the terminal.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "stave/file_system.h"

namespace stave::tools {

struct Doctor {
  std::string directory;
  std::string repair;  ///< The new directory for what is whole; empty: only look.
};

/// What the examination came to; also what the program returns.
enum class Verdict : int {
  kSound = 0,
  kDamaged = 1,  ///< Or was, before it was repaired into another directory.
  kUnknown = 2,  ///< It could not be examined, or not be repaired; the sentences say why.
};

/// `say` gets one sentence at a time.
Verdict examine_store(FileSystem& files, const Doctor& task, const std::function<void(std::string_view)>& say);

}  // namespace stave::tools
