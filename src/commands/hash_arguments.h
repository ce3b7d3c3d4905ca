// What the families of hash commands parse alike.
#pragma once

#include <cstddef>
#include <string_view>

#include "commands/call.h"
#include "stave/error.h"

namespace stave::commands {

/// `name`: the command's own, in lower case.
std::unexpected<Error> wrong_number_of_arguments(std::string_view name);

/// Whether the arguments from `first` on can be names and values of fields in any store. Errors: kTooLarge.
Result<void> check_element_sizes(const Call& call, std::size_t first);

}  // namespace stave::commands
