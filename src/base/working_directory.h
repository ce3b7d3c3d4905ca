// Where this process works: paths made absolute, for whoever reads them elsewhere.
#pragma once

#include <string>
#include <string_view>

namespace stave::base {

/// A path as it is found from anywhere, in one spelling (path.h); links are not followed. A relative one stays relative
/// when the system does not say where the process works.
std::string absolute_path(std::string_view path);

}  // namespace stave::base
