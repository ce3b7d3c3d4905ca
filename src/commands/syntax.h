// A row's syntax, written for a person ("key value [NX | XX] [EX seconds]"), as a tree for programs.
//
// Grammar: words in capitals are literal, others stand for a value; `a | b` is a choice, `[…]` may be left out, `<…>`
// groups, and `[word ...]`, after the word itself or alone, repeats it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stave::commands {

struct SyntaxNode {
  std::string name;  ///< In lower case.
  std::string
      type;  ///< "key", "string", "integer", "double", "pattern", "unix-time", "pure-token", "oneof" or "block".
  std::string token;  ///< The literal before the value, or the literal itself; may be empty.
  bool optional = false;
  bool multiple = false;
  std::vector<SyntaxNode> parts;  ///< Of a choice or a block.
};

/// Empty for an empty syntax. The rows' syntaxes are checked by a test; of others as much is read as makes sense.
std::vector<SyntaxNode> parse_syntax(std::string_view syntax);

}  // namespace stave::commands
