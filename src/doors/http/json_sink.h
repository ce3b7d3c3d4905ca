// A sink that writes a command's answer as JSON, in the form that Upstash's REST clients read.
//
// Promises: one JSON value for whatever sequence of calls a handler makes. Maps and sets are flat arrays, as in RESP2.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "commands/sink.h"
#include "doors/http/draft.h"

namespace stave::http {

class JsonSink final : public commands::Sink {
 public:
  /// Appends to `out`. In a draft whose strings are base64 the status OK is not.
  explicit JsonSink(Draft& out) noexcept : out_(out) {}

  void status(std::string_view text) override;
  void error(std::string_view text) override;
  void integer(std::int64_t value) override;
  void bulk(std::string_view bytes) override { string(bytes); }
  void shared_bulk(const commands::SharedBytes& bytes) override;
  void null() override;
  void null_array() override { null(); }
  void array(std::size_t count) override;
  void map(std::size_t pairs) override { array(2 * pairs); }
  void set(std::size_t count) override { array(count); }
  void real(double value) override;
  void boolean(bool value) override { integer(value ? 1 : 0); }
  void big_number(std::string_view digits) override { string(digits); }
  void verbatim(std::string_view, std::string_view text) override { string(text); }
  void push(std::size_t count) override { array(count); }
  [[nodiscard]] int protocol() const noexcept override { return 2; }

  /// The line of the error, if the whole answer was one; then nothing was appended.
  [[nodiscard]] const std::string& error_line() const noexcept { return error_; }
  /// Whether one whole value was written, or an error.
  [[nodiscard]] bool complete() const noexcept { return (begun_ && open_.empty()) || !error_.empty(); }

 private:
  void string(std::string_view bytes);
  /// Writes what stands before the next value …
  void before();
  /// … and what stands behind one.
  void after();

  Draft& out_;
  bool begun_ = false;
  std::string error_;
  std::vector<std::size_t> open_;  ///< Values still missing in each open array, outermost first.
  bool first_ = true;              ///< The next value opens its array.
};

}  // namespace stave::http
