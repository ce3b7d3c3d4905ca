#include "commands/errors.h"

#include "log/follows.h"

namespace stave::commands {

std::unexpected<Error> syntax_error() {
  return answer_error("ERR syntax error");
}
std::unexpected<Error> not_an_integer() {
  return answer_error("ERR value is not an integer or out of range");
}
std::unexpected<Error> not_a_float() {
  return answer_error("ERR value is not a valid float");
}
std::unexpected<Error> wrong_type() {
  return answer_error("WRONGTYPE Operation against a key holding the wrong kind of value");
}
std::unexpected<Error> no_such_key() {
  return answer_error("ERR no such key");
}
std::unexpected<Error> out_of_range_database() {
  return answer_error("ERR DB index is out of range");
}
std::unexpected<Error> invalid_expire(std::string_view name) {
  return answer_error("ERR invalid expire time in '" + std::string(name) + "' command");
}

bool has_code_word(std::string_view text) noexcept {
  std::size_t end = 0;
  while (end < text.size() && text[end] >= 'A' && text[end] <= 'Z') ++end;
  return end >= 2 && end < text.size() && text[end] == ' ';
}

std::string spell_error(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kWrongType: return wrong_type().error().message();
    case ErrorCode::kNoMemory: return "OOM command not allowed when used memory > 'maxmemory'.";
    case ErrorCode::kReadOnly:
      if (error.message() == log::kFollowsSentence) return std::string(kReadOnlyReplica);
      [[fallthrough]];
    case ErrorCode::kIo:
    case ErrorCode::kNoSpace: return "MISCONF " + error.message();
    default: break;
  }
  if (has_code_word(error.message())) return error.message();
  return "ERR " + error.message();
}

}  // namespace stave::commands
