// "Did you mean …?": the known word that a misspelt one is nearest to.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace stave::base {

/// Of `known`, the word that takes the fewest letters inserted, left out, replaced or swapped with their neighbour to
/// come from `word`, whatever their case; empty when none is near: more than two mistakes, or more than a third of the
/// word's letters. Cost: O(sum of the lengths times the word's). Throws std::bad_alloc.
std::string_view nearest_word(std::string_view word, std::span<const std::string_view> known);

/// "; did you mean NAME?", or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> known);

}  // namespace stave::base
