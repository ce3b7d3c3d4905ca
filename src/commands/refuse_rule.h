// What is wrong with a rule of ACL SETUSER, or with a line of an ACL file.
#pragma once

#include <string>
#include <string_view>

#include "stave/error.h"

namespace stave::commands {

inline std::unexpected<Error> refuse_rule(std::string_view sentence) {
  return fail(ErrorCode::kInvalidArgument, std::string(sentence));
}

}  // namespace stave::commands
