// Conditional and partial requests: entity tags, If-Match and its kin, Range (RFC 9110, 13 and 14).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stave/units.h"

namespace stave::http {

/// `"4139"`: the strong tag of a version.
std::string entity_tag(Lsn version);
/// The tag of the same bytes, compressed: another representation, so another tag.
std::string compressed_tag(Lsn version);

/// The list of an If-Match or If-None-Match.
class TagList {
 public:
  /// nullopt when `text` is not a list of entity tags or `*`.
  static std::optional<TagList> parse(std::string_view text);
  [[nodiscard]] bool any() const noexcept { return any_; }
  /// Strong comparison, for If-Match and If-Range.
  [[nodiscard]] bool matches_strongly(Lsn version) const;
  /// Weak comparison, for If-None-Match.
  [[nodiscard]] bool matches_weakly(Lsn version) const;

 private:
  struct Tag {
    bool weak;
    std::string text;  ///< With its quotes.
  };
  bool any_ = false;
  std::vector<Tag> tags_;
};

/// What a request demands of the version it finds.
struct Preconditions {
  std::optional<TagList> if_match;
  std::optional<TagList> if_none_match;

  /// nullopt when either is not well formed. Empty texts are absent headers.
  static std::optional<Preconditions> parse(std::string_view if_match, std::string_view if_none_match);
  [[nodiscard]] bool empty() const noexcept { return !if_match && !if_none_match; }
  enum class Verdict : std::uint8_t { kGoOn, kFailed, kNotModified };
  /// `version` kNoLsn: the key is absent. kNotModified only when `reading`.
  [[nodiscard]] Verdict judge(Lsn version, bool reading) const;
  /// Why it failed, as a sentence.
  [[nodiscard]] std::string_view why_failed(Lsn version) const;
};

struct ByteRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;  ///< Behind the last.
};
enum class RangeKind : std::uint8_t {
  kWhole,  ///< No range, one that is not understood, or several: answer with everything.
  kPart,
  kUnsatisfiable,  ///< 416.
};
/// What a Range header asks of a representation of `size` bytes.
RangeKind parse_range(std::string_view header, std::uint64_t size, ByteRange& range);

}  // namespace stave::http
