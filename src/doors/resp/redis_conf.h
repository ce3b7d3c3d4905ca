// Configuration files of Redis, read as far as they mean something here.
//
// An option that both know is taken as any other line. What Redis has and Stave does without is left out and told; what
// would mislead whoever wrote it, because something they count on would not happen, is refused by name. Promises: lines
// keep their numbers. Must not know: what the values are for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "stave/error.h"

namespace stave::resp {

struct ConfText {
  std::string text;                          ///< For `Settings::load`: what was left out is a comment.
  std::vector<std::string> without_meaning;  ///< Names that were left out, each once, in the file's order.
  std::vector<std::string> notes;            ///< Sentences about values that are always others here.
};

/// Errors: kInvalidArgument (an option that would mislead), kNotFound (a name that neither knows); both with file and
/// line.
Result<ConfText> read_conf(std::string_view file_name, std::string_view text);

}  // namespace stave::resp
