// When snapshots are due, in the form that Redis' configuration has: pairs of seconds and changes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stave::commands {

/// A snapshot is due when the last one is `seconds` old and at least `changes` were made since.
struct SavePoint {
  std::int64_t seconds = 0;
  std::uint64_t changes = 0;
  friend bool operator==(const SavePoint&, const SavePoint&) = default;
};

/// "900 1 300 100", each number at least 1; empty for none. nullopt when it is anything else.
std::optional<std::vector<SavePoint>> parse_save_points(std::string_view text);
std::string to_text(const std::vector<SavePoint>& points);

/// Whether `text` may be a file's name wherever one is expected without a directory: letters, digits, '.', '-' and '_',
/// not beginning with '.', at most 200 bytes, and not what a file under construction is called.
bool is_plain_file_name(std::string_view text) noexcept;

}  // namespace stave::commands
