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

std::int64_t Repl::number_of_keys() {
  const std::string_view call[] = {"DBSIZE"};
  const auto reply = target_.execute(call);
  return reply && reply->kind == Reply::Kind::kInteger ? reply->integer : 0;
}

std::string Repl::harm_of(const std::vector<std::string>& words) {
  // Below that an answer takes no time, and what is gone is soon typed again.
  constexpr std::int64_t kMany = 100'000;
  const std::string name = upper(words[0]);
  if (name == "FLUSHALL") return "FLUSHALL deletes all keys of all databases.";
  if (name == "STAVE.PURGE") return "STAVE.PURGE deletes the past: nothing brings it back.";
  if (name != "FLUSHDB" && name != "KEYS") return {};
  // What is asked there becomes part of the transaction.
  if (in_multi_) return name == "FLUSHDB" ? "FLUSHDB deletes all keys of the database." : "";
  const std::int64_t keys = number_of_keys();
  const std::string so_many = std::to_string(keys) + (keys == 1 ? " key" : " keys");
  if (name == "FLUSHDB") return keys == 0 ? std::string() : "FLUSHDB deletes " + so_many + ".";
  if (name == "KEYS" && keys >= kMany)
    return "KEYS looks at " + so_many + " and answers all at once; --scan and SCAN go step by step.";
  return {};
}

bool Repl::agreed(const std::string& harm) {
  write_out(harm + "\n");
  const auto answer = person_->next("Go on? (yes or no) ");
  if (answer && (equal_ignoring_case(*answer, "yes") || equal_ignoring_case(*answer, "y"))) return true;
  write_out("Not done.\n");
  return false;
}

Repl::Outcome Repl::execute(const std::vector<std::string>& words) {
  if (person_ != nullptr)
    if (const std::string harm = harm_of(words); !harm.empty() && !agreed(harm)) return Outcome::kFailed;
  std::vector<std::string_view> arguments(words.begin(), words.end());
  const bool friendly_delete = equal_ignoring_case(words[0], "DELETE");
  if (friendly_delete) arguments[0] = "DEL";
  auto reply = target_.execute(arguments);
  if (!reply) return show_error(reply.error());
  if (equal_ignoring_case(words[0], "MULTI")) in_multi_ = in_multi_ || !reply->is_error();
  for (const std::string_view end : {"EXEC", "DISCARD", "RESET"})
    if (equal_ignoring_case(words[0], end)) in_multi_ = false;
  if (friendly_delete && reply->kind == Reply::Kind::kInteger) return say(reply->integer != 0 ? "OK" : "(not found)");
  if (equal_ignoring_case(words[0], "KEYS")) std::ranges::sort(reply->elements, {}, &Reply::text);
  return show(*reply);
}

}  // namespace stave::shell
