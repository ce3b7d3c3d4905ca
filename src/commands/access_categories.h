// Access categories: groups of commands that access lists name with '@'.
//
// They follow from a row's group and flags; a command of a group that is a category of Redis' is in it without more.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "commands/table.h"

namespace stave::commands {

/// Their names without '@', in the order in which ACL CAT tells them. The i-th is bit i of a row's mask.
std::span<const std::string_view> category_names() noexcept;
/// The bit of a category; 0: there is none of that name, in any case.
std::uint32_t category_bit(std::string_view name) noexcept;
/// All that the row is in. Never 0.
std::uint32_t categories_of(const Command& row) noexcept;

}  // namespace stave::commands
