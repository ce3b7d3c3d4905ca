// A reply as a value: what any command answers, in the shapes of the Redis protocol, version 3.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace stave {

struct Reply {
  enum class Kind : std::uint8_t {
    kNull, kStatus, kError, kInteger, kBulk, kArray, kMap, kSet, kDouble, kBoolean, kBigNumber, kVerbatim, kPush,
  };
  Kind kind = Kind::kNull;
  /// Status, error (with its code word, no leading '-'), bulk, big number, or verbatim text.
  std::string text;
  /// Integer, or boolean as 0/1.
  std::int64_t integer = 0;
  double number = 0;
  /// Elements; a map's keys and values alternate.
  std::vector<Reply> elements;
  /// Three letters, for kVerbatim.
  std::string format;

  [[nodiscard]] bool is_error() const noexcept { return kind == Kind::kError; }
  [[nodiscard]] bool is_null() const noexcept { return kind == Kind::kNull; }
  friend bool operator==(const Reply&, const Reply&) = default;
};

}  // namespace stave
