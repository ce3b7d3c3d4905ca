#include "base/working_directory.h"

#include <unistd.h>

#include <climits>

#include "base/path.h"

namespace stave::base {

std::string absolute_path(std::string_view path) {
  if (path.starts_with('/')) return normal_path(path);
  char here[PATH_MAX];
  if (::getcwd(here, sizeof here) == nullptr) return normal_path(path);
  return normal_path(std::string(here) + "/" + std::string(path));
}

}  // namespace stave::base
