// What a log that follows another one says to writers: one sentence, by which doors know it.
#pragma once

#include <string_view>

namespace stave::log {

inline constexpr std::string_view kFollowsSentence = "this store follows another one; write to its leader";

}  // namespace stave::log
