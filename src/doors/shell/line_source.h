// Where command lines come from: a person at a terminal (editing, history, completion, hints) or a pipe.
//
// Must not know: what a line means.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace stave::shell {

class LineSource {
 public:
  virtual ~LineSource() = default;
  /// The next line without its end; nullopt at the end of the input or when the process was told to end.
  virtual std::optional<std::string> next(std::string_view prompt) = 0;
  [[nodiscard]] virtual bool interactive() const noexcept = 0;
};

/// Standard input as it is, for pipes.
std::unique_ptr<LineSource> pipe_lines();
/// An editor on the terminal. `history_path` empty: nothing is remembered beyond this run. Ctrl-C drops the line.
std::unique_ptr<LineSource> edited_lines(const std::string& history_path);

/// Makes SIGTERM and SIGHUP end the input instead of the process, so that the caller can save; SIGINT too, except in
/// the editor, where it drops the line.
void end_input_on_signals();

}  // namespace stave::shell
