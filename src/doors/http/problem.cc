#include "doors/http/problem.h"

#include "doors/http/json_text.h"

namespace stave::http {
namespace {

struct Phrase {
  int status;
  std::string_view text;
};
constexpr Phrase kPhrases[] = {
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {204, "No Content"},
    {206, "Partial Content"},
    {303, "See Other"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

int status_of(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kInvalidArgument: return 400;
    case ErrorCode::kNotFound: return 404;
    case ErrorCode::kWrongType:
    case ErrorCode::kNotANumber:
    case ErrorCode::kOverflow:
    case ErrorCode::kConflict: return 409;
    case ErrorCode::kTooLarge: return 413;
    case ErrorCode::kNoSpace:
    case ErrorCode::kNoMemory: return 507;
    case ErrorCode::kBusy:
    case ErrorCode::kReadOnly:
    case ErrorCode::kAborted: return 503;
    case ErrorCode::kUnsupported: return 501;
    case ErrorCode::kPermission: return 403;
    case ErrorCode::kIo:
    case ErrorCode::kCorrupt: break;
  }
  return 500;
}

bool may_pass(ErrorCode code) noexcept {
  return code == ErrorCode::kBusy || code == ErrorCode::kNoSpace || code == ErrorCode::kNoMemory ||
         code == ErrorCode::kConflict;
}

}  // namespace

std::string_view reason_phrase(int status) noexcept {
  for (const Phrase& phrase : kPhrases)
    if (phrase.status == status) return phrase.text;
  return "Status";
}

std::string Problem::json() const {
  std::string text = R"({"type":"about:blank","title":)";
  append_json_string(text, reason_phrase(status));
  text += ",\"status\":" + std::to_string(status) + ",\"code\":";
  append_json_string(text, code);
  text += ",\"detail\":";
  append_json_string(text, detail);
  text += retryable ? ",\"retryable\":true" : ",\"retryable\":false";
  text += members;
  text += "}\n";
  return text;
}

Problem problem_of(const Error& error) {
  return {.status = status_of(error.code()),
          .code = to_string(error.code()),
          .detail = error.message(),
          .retryable = may_pass(error.code()),
          .members = {}};
}

Problem answer_too_large(std::uint64_t most) {
  return {.status = 413,
          .code = "answer_too_large",
          .detail = "the answer would have more than " + std::to_string(most) +
                    " bytes (output-buffer-hard-limit); ask for less at a time",
          .retryable = false,
          .members = {}};
}

Problem no_memory_for_answer() {
  return {.status = 507,
          .code = "no_memory",
          .detail = "there is no memory for the answer beside what clients have not taken",
          .retryable = true,
          .members = {}};
}

Problem problem_of_command(std::string_view line) {
  Problem problem{
      .status = 400, .code = "command_failed", .detail = std::string(line), .retryable = false, .members = {}};
  if (line.starts_with("NOPERM ")) {
    problem.status = 403;
    problem.code = "forbidden";
  } else if (line.starts_with("MISCONF ") || line.starts_with("OOM ")) {
    problem.status = line.starts_with("OOM ") ? 507 : 503;
    problem.code = line.starts_with("OOM ") ? "no_memory" : "not_writable";
    problem.retryable = true;
  } else if (line.starts_with("WRONGTYPE ")) {
    problem.code = "wrong_type";
  }
  problem.members = ",\"error\":" + json_string(line);
  return problem;
}

}  // namespace stave::http
