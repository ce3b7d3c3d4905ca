// The loop: a line in, its answer out. And the words that are the shell's own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "doors/shell/line_source.h"
#include "doors/shell/printer.h"
#include "doors/shell/target.h"

namespace stave::shell {

class Repl {
 public:
  /// All must outlive the loop. `write` gets text for standard output.
  Repl(Target& target, const Style& style) : target_(target), style_(style) {}

  /// Runs lines until EXIT or the end of the input, and saves. Returns the exit code: 0 when everything succeeded (a
  /// person at a terminal has seen the errors and gets 0 too).
  int run(LineSource& lines);
  /// From now on asks on `lines`, which must outlive the loop, before what deletes everything or keeps a large store
  /// busy for long.
  void ask_before_harm(LineSource& lines) noexcept { person_ = &lines; }
  /// Runs one command and saves; the same exit code.
  int run_once(const std::vector<std::string>& words);

 private:
  enum class Outcome : std::uint8_t { kDone, kFailed, kLeave };
  Outcome line(const std::string& text);
  Outcome command(const std::vector<std::string>& words);
  Outcome leave();
  Outcome snapshot(const std::vector<std::string>& words);
  Outcome show_help(const std::vector<std::string>& words);
  Outcome execute(const std::vector<std::string>& words);
  /// Shows a reply; an error is a failure.
  Outcome show(const Reply& reply);
  Outcome show_error(const Error& error);
  Outcome say(std::string_view text);
  [[nodiscard]] std::string prompt() const;
  /// What the command would do to many keys; empty: nothing to ask about.
  std::string harm_of(const std::vector<std::string>& words);
  /// Whether the person says yes to it.
  bool agreed(const std::string& harm);
  std::int64_t number_of_keys();

  Target& target_;
  Style style_;
  LineSource* person_ = nullptr;  ///< Whom to ask; null: nobody.
  bool in_multi_ = false;
  bool leave_unsaved_ = false;    ///< Saving failed once at EXIT; the next EXIT leaves all the same.
  bool finished_ = false;
};

}  // namespace stave::shell
