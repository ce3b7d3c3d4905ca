// A script as it was sent: its text, its name (SHA-1) and what its first line says ("#!lua flags=no-writes name=lib").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "stave/error.h"

namespace stave::commands::script {

enum ScriptFlag : std::uint32_t {
  kNoWrites = 1 << 0,
  kAllowOom = 1 << 1,
  kAllowStale = 1 << 2,
  kNoCluster = 1 << 3,
  kAllowCrossSlot = 1 << 4,
};
struct ScriptFlagName {
  std::string_view name;
  std::uint32_t flag;
};
inline constexpr ScriptFlagName kScriptFlagNames[] = {{"no-writes", kNoWrites},
                                                      {"allow-oom", kAllowOom},
                                                      {"allow-stale", kAllowStale},
                                                      {"no-cluster", kNoCluster},
                                                      {"allow-cross-slot-keys", kAllowCrossSlot}};

struct Source {
  std::string sha;        ///< 40 lower-case hex digits.
  std::string text;       ///< With its first line.
  std::size_t begin = 0;  ///< Where Lua begins: at the end of the line that is not Lua, so that lines keep numbers.
  std::uint32_t flags = 0;
  bool plain = true;  ///< It has no such first line: then it may do what scripts always could.

  [[nodiscard]] std::string_view lua() const noexcept { return std::string_view(text).substr(begin); }
};

/// Reads the first line. Errors: one that begins with "#!" and is not right, spelled as Redis does.
Result<Source> read_source(std::string_view text);

}  // namespace stave::commands::script
