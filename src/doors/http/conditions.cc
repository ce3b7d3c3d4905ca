#include "doors/http/conditions.h"

#include <algorithm>
#include <charconv>

#include "base/assert.h"
#include "doors/http/header_text.h"

namespace stave::http {
namespace {

constexpr std::string_view kBlanks = " \t";

void skip_blanks(std::string_view& text) noexcept {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
}

/// All of `text` as a number; nullopt for anything but digits, or when it does not fit.
std::optional<std::uint64_t> digits(std::string_view text) noexcept {
  std::uint64_t value = 0;
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{}) return std::nullopt;
  return value;
}

bool is_tag_char(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte == 0x21 || (byte >= 0x23 && byte != 0x7f);
}

}  // namespace

std::string entity_tag(Lsn version) {
  return '"' + std::to_string(raw(version)) + '"';
}

std::string compressed_tag(Lsn version) {
  return '"' + std::to_string(raw(version)) + "-gzip\"";
}

std::optional<TagList> TagList::parse(std::string_view text) {
  TagList list;
  text = trimmed(text);
  if (text == "*") {
    list.any_ = true;
    return list;
  }
  while (!text.empty()) {
    Tag tag{.weak = text.starts_with("W/"), .text = {}};
    if (tag.weak) text.remove_prefix(2);
    if (!text.starts_with('"')) return std::nullopt;
    const std::size_t end = text.find('"', 1);
    if (end == std::string_view::npos) return std::nullopt;
    if (!std::ranges::all_of(text.substr(1, end - 1), is_tag_char)) return std::nullopt;
    tag.text = text.substr(0, end + 1);
    list.tags_.push_back(std::move(tag));
    text.remove_prefix(end + 1);
    skip_blanks(text);
    if (text.empty()) break;
    if (text.front() != ',') return std::nullopt;
    while (!text.empty() && (text.front() == ',' || kBlanks.find(text.front()) != std::string_view::npos))
      text.remove_prefix(1);
  }
  if (list.tags_.empty()) return std::nullopt;
  return list;
}

bool TagList::matches_strongly(Lsn version) const {
  if (version == kNoLsn) return false;
  if (any_) return true;
  const std::string plain = entity_tag(version);
  const std::string compressed = compressed_tag(version);
  return std::ranges::any_of(
      tags_, [&](const Tag& tag) { return !tag.weak && (tag.text == plain || tag.text == compressed); });
}

bool TagList::matches_weakly(Lsn version) const {
  if (version == kNoLsn) return false;
  if (any_) return true;
  const std::string plain = entity_tag(version);
  const std::string compressed = compressed_tag(version);
  return std::ranges::any_of(tags_, [&](const Tag& tag) { return tag.text == plain || tag.text == compressed; });
}

std::optional<Preconditions> Preconditions::parse(std::string_view if_match, std::string_view if_none_match) {
  Preconditions conditions;
  if (!if_match.empty() && !(conditions.if_match = TagList::parse(if_match))) return std::nullopt;
  if (!if_none_match.empty() && !(conditions.if_none_match = TagList::parse(if_none_match))) return std::nullopt;
  return conditions;
}

Preconditions::Verdict Preconditions::judge(Lsn version, bool reading) const {
  if (if_match && !if_match->matches_strongly(version)) return Verdict::kFailed;
  if (if_none_match && if_none_match->matches_weakly(version))
    return reading ? Verdict::kNotModified : Verdict::kFailed;
  return Verdict::kGoOn;
}

std::string_view Preconditions::why_failed(Lsn version) const {
  STAVE_ASSERT(judge(version, false) == Verdict::kFailed);
  if (if_match && !if_match->matches_strongly(version)) {
    if (version == kNoLsn) return "there is no such key, and If-Match asks for one";
    return "the key has another version than If-Match names";
  }
  if (if_none_match->any()) return "the key is there, and If-None-Match: * asks for it to be absent";
  return "the key has a version that If-None-Match excludes";
}

RangeKind parse_range(std::string_view header, std::uint64_t size, ByteRange& range) {
  header = trimmed(header);
  constexpr std::string_view kUnit = "bytes=";
  if (!header.starts_with(kUnit)) return RangeKind::kWhole;
  header = trimmed(header.substr(kUnit.size()));
  const std::size_t dash = header.find('-');
  if (dash == std::string_view::npos || header.find(',') != std::string_view::npos) return RangeKind::kWhole;
  const std::string_view from = trimmed(header.substr(0, dash));
  const std::string_view to = trimmed(header.substr(dash + 1));
  const auto first = digits(from);
  const auto last = digits(to);
  if ((!from.empty() && !first) || (!to.empty() && !last) || (!first && !last)) return RangeKind::kWhole;
  if (!first) {
    // The last so many bytes.
    if (*last == 0 || size == 0) return RangeKind::kUnsatisfiable;
    range = {size - std::min(*last, size), size};
    STAVE_ASSERT(range.begin < range.end);
    return RangeKind::kPart;
  }
  if (last && *last < *first) return RangeKind::kWhole;
  if (*first >= size) return RangeKind::kUnsatisfiable;
  range = {*first, last ? std::min(*last, size - 1) + 1 : size};
  STAVE_ASSERT(range.begin < range.end && range.end <= size);
  return RangeKind::kPart;
}

}  // namespace stave::http
