#include "commands/hash_arguments.h"

#include <string>

#include "base/try.h"
#include "commands/errors.h"

namespace stave::commands {

std::unexpected<Error> wrong_number_of_arguments(std::string_view name) {
  return answer_error("ERR wrong number of arguments for '" + std::string(name) + "' command");
}

Result<void> check_element_sizes(const Call& call, std::size_t first) {
  const std::size_t most = call.engine().options().value_bytes_max;
  for (std::size_t i = first; i < call.size(); ++i)
    if (call[i].size() > most) return call.engine().check_limits({}, call[i].size());
  return {};
}

}  // namespace stave::commands
