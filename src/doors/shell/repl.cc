#include "doors/shell/repl.h"

#include <algorithm>
#include <cstdio>

#include "base/assert.h"
#include "doors/shell/help.h"
#include "doors/shell/text.h"

namespace stave::shell {

namespace {

void write_out(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

Reply status(std::string_view text) {
  return {.kind = Reply::Kind::kStatus, .text = std::string(text)};
}

}  // namespace

std::string Repl::prompt() const {
  const int database = target_.database();
  return database == 0 ? "> " : "[" + std::to_string(database) + "]> ";
}

Repl::Outcome Repl::say(std::string_view text) {
  return show(status(text));
}

Repl::Outcome Repl::show(const Reply& reply) {
  write_out(print(reply, style_));
  return reply.is_error() ? Outcome::kFailed : Outcome::kDone;
}

Repl::Outcome Repl::show_error(const Error& error) {
  return show({.kind = Reply::Kind::kError, .text = error.describe()});
}

int Repl::run(LineSource& lines) {
  STAVE_ASSERT(!finished_);
  bool failed = false;
  for (;;) {
    const auto text = lines.next(prompt());
    if (!text) break;
    const Outcome outcome = line(*text);
    failed |= outcome == Outcome::kFailed;
    if (outcome == Outcome::kLeave) return failed && !lines.interactive() ? 1 : 0;
  }
  // The input ended, or a signal ended it: changes are saved, nothing is said unless it goes wrong.
  if (!finished_) {
    if (const auto saved = target_.finish(false); !saved) {
      show_error(saved.error());
      return 1;
    }
  }
  if (lines.interactive()) write_out("Goodbye!\n");
  return failed && !lines.interactive() ? 1 : 0;
}

int Repl::run_once(const std::vector<std::string>& words) {
  const Outcome outcome = command(words);
  if (outcome == Outcome::kLeave) return 0;
  if (const auto saved = target_.finish(false); !saved) {
    show_error(saved.error());
    return 1;
  }
  return outcome == Outcome::kFailed ? 1 : 0;
}

Repl::Outcome Repl::line(const std::string& text) {
  const auto words = split_line(text);
  if (!words) return show_error(words.error());
  return words->empty() ? Outcome::kDone : command(*words);
}

Repl::Outcome Repl::command(const std::vector<std::string>& words) {
  STAVE_ASSERT(!words.empty());
  const std::string name = upper(words[0]);
  if (name == "EXIT" || name == "QUIT") return leave();
  leave_unsaved_ = false;
  if (name == "HELP" || name == "?") return show_help(words);
  if (name == "SNAPSHOT" && target_.writes_snapshots()) return snapshot(words);
  return execute(words);
}

Repl::Outcome Repl::leave() {
  if (const auto saved = target_.finish(true); !saved) {
    show_error(saved.error());
    if (!leave_unsaved_) {
      leave_unsaved_ = true;
      std::fputs("Not saved. EXIT again leaves without saving.\n", stderr);
      return Outcome::kFailed;
    }
  }
  finished_ = true;
  say("Goodbye!");
  return Outcome::kLeave;
}

Repl::Outcome Repl::snapshot(const std::vector<std::string>& words) {
  if (words.size() > 2)
    return show({.kind = Reply::Kind::kError, .text = "ERR wrong number of arguments for 'snapshot' command"});
  const auto path = target_.snapshot(words.size() == 2 ? std::string_view(words[1]) : std::string_view());
  if (!path) return show_error(path.error());
  return say("Saved snapshot to " + *path);
}

Repl::Outcome Repl::show_help(const std::vector<std::string>& words) {
  const std::string text = help({words.begin() + 1, words.end()});
  if (text.empty()) return show({.kind = Reply::Kind::kError, .text = "ERR no help for '" + words.back() + "'"});
  if (style_.format == Format::kJson) return show({.kind = Reply::Kind::kBulk, .text = text});
  write_out(text);
  return Outcome::kDone;
}

Repl::Outcome Repl::execute(const std::vector<std::string>& words) {
  std::vector<std::string_view> arguments(words.begin(), words.end());
  const bool friendly_delete = equal_ignoring_case(words[0], "DELETE");
  if (friendly_delete) arguments[0] = "DEL";
  auto reply = target_.execute(arguments);
  if (!reply) return show_error(reply.error());
  if (friendly_delete && reply->kind == Reply::Kind::kInteger) return say(reply->integer != 0 ? "OK" : "(not found)");
  if (equal_ignoring_case(words[0], "KEYS")) std::ranges::sort(reply->elements, {}, &Reply::text);
  return show(*reply);
}

}  // namespace stave::shell
