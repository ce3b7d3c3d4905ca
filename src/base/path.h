// Paths as text: the little that a tree of files needs to know about them. Asks no system.
#pragma once

#include <string>
#include <string_view>

namespace stave::base {

/// One spelling for each path: no empty parts, no ".", ".." resolved by text, no slash at the end; "." for nothing.
std::string normal_path(std::string_view path);

/// The directory that holds `path` (a normal path): "/a" for "/a/b", "." for "b", "/" and "." for themselves.
std::string parent_path(std::string_view path);

}  // namespace stave::base
