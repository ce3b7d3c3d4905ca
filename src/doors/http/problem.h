// What went wrong, as RFC 9457 tells it: a status, a stable code for programs, a sentence for people, whether the same
// request may succeed later.
#pragma once

#include <string>
#include <string_view>

#include "stave/error.h"

namespace stave::http {

struct Problem {
  int status = 500;
  std::string_view code;  ///< Stable, "snake_case". Static storage.
  std::string detail;
  bool retryable = false;
  int retry_after_s = 1;  ///< Of 429 and 503.
  std::string members;    ///< More members of the object, each with a comma before it: `,"version":12`.

  /// The body of an application/problem+json.
  [[nodiscard]] std::string json() const;
};

/// How an error of the store is told.
Problem problem_of(const Error& error);
/// The answer would have more than `most` bytes.
Problem answer_too_large(std::uint64_t most);
/// There is no memory for the answer beside what clients have not taken.
Problem no_memory_for_answer();
/// How the line of an error that a command answered is told; `error` repeats it for clients that look there.
Problem problem_of_command(std::string_view line);
/// "Not Found"; "Status" for one that is not known.
std::string_view reason_phrase(int status) noexcept;

}  // namespace stave::http
