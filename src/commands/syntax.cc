#include "commands/syntax.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.h"
#include "commands/text.h"

namespace stave::commands {

namespace {

bool is_literal(std::string_view word) noexcept {
  return std::none_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

std::string_view type_of(std::string_view word) noexcept {
  static constexpr std::array kKeys = {"key",    "key1",        "key2",    "newkey",
                                       "source", "destination", "destkey", "sourcekey"};
  static constexpr std::array kIntegers = {
      "seconds", "milliseconds",   "increment",     "decrement",   "offset",   "start",
      "end",     "cursor",         "count",         "db",          "index",    "index1",
      "index2",  "destination-db", "timeout",       "numreplicas", "numlocal", "client-id",
      "ttl",     "protover",       "min-match-len", "frequency",   "numkeys",  "numfields",
      "limit",   "stop",           "weight",        "rank",        "len"};
  if (std::find(kKeys.begin(), kKeys.end(), word) != kKeys.end()) return "key";
  if (std::find(kIntegers.begin(), kIntegers.end(), word) != kIntegers.end()) return "integer";
  if (word == "score") return "double";
  if (word == "pattern") return "pattern";
  if (word.starts_with("unix-time")) return "unix-time";
  return "string";
}

SyntaxNode leaf(std::string_view word) {
  if (is_literal(word)) return {.name = lower(word), .type = "pure-token", .token = std::string(word)};
  return {.name = lower(word), .type = std::string(type_of(word)), .token = {}};
}

/// Several parts as one: the part itself when there is only one.
SyntaxNode group(std::vector<SyntaxNode> parts, std::string_view type) {
  if (parts.size() == 1) return std::move(parts.front());
  SyntaxNode node{.name = parts.empty() ? std::string() : parts.front().name, .type = std::string(type), .token = {}};
  node.parts = std::move(parts);
  return node;
}

class SyntaxParser {
 public:
  explicit SyntaxParser(std::string_view text) noexcept : text_(text) {}

  /// Choices up to the closing bracket, or to the end.
  std::vector<SyntaxNode> sequence(char close) {
    std::vector<SyntaxNode> choices;
    std::vector<SyntaxNode> parts;
    while (!at_end() && peek() != close) {
      if (peek() == '|') {
        take();
        choices.push_back(group(std::exchange(parts, {}), "block"));
        continue;
      }
      element(parts);
    }
    if (!at_end()) take();
    if (choices.empty()) return parts;
    choices.push_back(group(std::move(parts), "block"));
    std::vector<SyntaxNode> one;
    one.push_back(group(std::move(choices), "oneof"));
    return one;
  }

 private:
  void skip_blanks() noexcept {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool at_end() noexcept {
    skip_blanks();
    return at_ >= text_.size();
  }
  [[nodiscard]] char peek() const noexcept {
    STAVE_ASSERT(at_ < text_.size());
    return text_[at_];
  }
  void take() noexcept {
    STAVE_ASSERT(at_ < text_.size());
    ++at_;
  }

  void element(std::vector<SyntaxNode>& parts) {
    if (peek() == '[' || peek() == '<') {
      const bool optional = peek() == '[';
      take();
      bracket(parts, optional, sequence(optional ? ']' : '>'));
      return;
    }
    const std::size_t end = std::min(text_.find_first_of(" []<>|", at_), text_.size());
    const std::string_view word = text_.substr(at_, end - at_);
    at_ = std::max(end, at_ + 1);
    if (word == "...") {
      if (!parts.empty()) parts.back().multiple = true;
    } else if (!is_literal(word) && !parts.empty() && parts.back().type == "pure-token" && !parts.back().optional) {
      // The literal before a value belongs to it.
      SyntaxNode value = leaf(word);
      value.token = parts.back().token;
      parts.back() = std::move(value);
    } else {
      parts.push_back(leaf(word));
    }
  }

  // "key [key ...]" says the same word twice: it is one argument, given once or more.
  static void bracket(std::vector<SyntaxNode>& parts, bool optional, std::vector<SyntaxNode> inside) {
    if (inside.empty()) return;
    const std::size_t count = inside.size();
    const bool repeats = inside.back().multiple && parts.size() >= count &&
                         std::equal(inside.begin(), inside.end(), parts.end() - static_cast<std::ptrdiff_t>(count),
                                    [](const SyntaxNode& a, const SyntaxNode& b) { return a.name == b.name; });
    if (repeats) {
      inside.back().multiple = false;
      // The literal stands before the first of them only: "WEIGHTS weight [weight ...]".
      inside.front().token = std::move(parts[parts.size() - count].token);
      parts.resize(parts.size() - count);
      SyntaxNode node = group(std::move(inside), "block");
      node.multiple = true;
      parts.push_back(std::move(node));
      return;
    }
    SyntaxNode node = group(std::move(inside), "block");
    node.optional = node.optional || optional;
    parts.push_back(std::move(node));
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<SyntaxNode> parse_syntax(std::string_view syntax) {
  return SyntaxParser(syntax).sequence('\0');
}

}  // namespace stave::commands
