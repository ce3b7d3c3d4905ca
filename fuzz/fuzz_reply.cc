// The client's reply parser survives any server, and reads the same number of replies however the bytes are cut.
#include "doors/client/reply_parser.h"
#include "input.h"

namespace stave::fuzz {
namespace {

struct Outcome {
  std::size_t replies = 0;
  bool failed = false;
  bool idle = false;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome parse(std::string_view text, std::size_t piece) {
  client::ReplyParser parser({.bytes_max = 1 << 16, .elements_max = 1 << 12, .depth_max = 8});
  Outcome outcome;
  while (!text.empty()) {
    parser.feed(text.substr(0, piece));
    text.remove_prefix(std::min(piece, text.size()));
    for (;;) {
      auto reply = parser.next();
      if (!reply) {
        outcome.failed = true;
        return outcome;
      }
      if (!*reply) break;
      ++outcome.replies;
    }
  }
  outcome.idle = parser.idle();
  return outcome;
}

}  // namespace
}  // namespace stave::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  stave::fuzz::Input input(data, size);
  const std::size_t piece = 1 + input.number<std::uint8_t>();
  const std::string_view text = input.rest();
  stave::fuzz::require(stave::fuzz::parse(text, text.size() + 1) == stave::fuzz::parse(text, piece));
  return 0;
}
