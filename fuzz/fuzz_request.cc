// The request parser yields the same commands and the same error however the bytes are cut, and shows nothing that was
// not received.
#include <string>
#include <vector>

#include "doors/resp/parser.h"
#include "input.h"

namespace stave::fuzz {
namespace {

struct Outcome {
  std::vector<std::vector<std::string>> commands;
  std::string error;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// Feeds the text in pieces of 1 to `piece_max` bytes (0: in one), from a buffer that moves as a connection's does.
Outcome parse(std::string_view text, std::size_t piece_max, const resp::ParserLimits& limits) {
  resp::Parser parser;
  Outcome outcome;
  std::string buffer;
  std::size_t step = 0;
  while (!text.empty()) {
    const std::size_t piece = piece_max == 0 ? text.size() : std::min(text.size(), 1 + step++ * 7 % piece_max);
    std::string moved = buffer;
    moved.append(text.substr(0, piece));
    buffer = std::move(moved);
    text.remove_prefix(piece);
    std::size_t position = 0;
    for (;;) {
      std::vector<std::string_view> arguments;
      const auto status = parser.next(buffer.data(), buffer.size(), position, limits, arguments);
      require(position <= buffer.size());
      if (status == resp::ParseStatus::kError) {
        outcome.error = parser.error();
        require(outcome.error.starts_with("ERR "));
        return outcome;
      }
      if (status == resp::ParseStatus::kIncomplete) break;
      require(!arguments.empty());
      // Views into the buffer, or, of an inline command, into the parser: copying touches every byte under ASan.
      outcome.commands.emplace_back(arguments.begin(), arguments.end());
    }
    buffer.erase(0, position);
  }
  return outcome;
}

}  // namespace
}  // namespace stave::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  stave::fuzz::Input input(data, size);
  const auto mode = input.number<std::uint8_t>();
  const stave::resp::ParserLimits limits{.authenticated = (mode & 1) != 0};
  const std::size_t piece_max = 1 + mode / 2;
  const std::string_view text = input.rest();
  stave::fuzz::require(stave::fuzz::parse(text, 0, limits) == stave::fuzz::parse(text, piece_max, limits));
  return 0;
}
