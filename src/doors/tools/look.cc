// `stave log dump` and `stave doctor` as subcommands: arguments, printing, exit codes.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "doors/tools/doctor.h"
#include "doors/tools/log_dump.h"
#include "doors/tools/tools.h"

namespace stave::tools {

namespace {

constexpr std::int64_t kFollowPauseMs = 100;

/// Nothing when the program should go on; else what it returns.
std::optional<int> parse(CLI::App& app, std::span<const std::string> arguments) {
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitDone : kExitUsage;
  }
  return std::nullopt;
}

bool print_line(std::string_view line) {
  return std::fwrite(line.data(), 1, line.size(), stdout) == line.size() && std::fputc('\n', stdout) != EOF;
}

/// A pause between two looks at a log that somebody else writes.
bool pause() {
  if (std::fflush(stdout) != 0) return false;
  base::Mutex mutex;
  base::ConditionVariable never;
  base::MutexLock lock(mutex);
  static_cast<void>(never.wait_for_ms(mutex, kFollowPauseMs));
  return true;
}

}  // namespace

int run_log(std::span<const std::string> arguments) {
  CLI::App app("Read the log of a store, also of one that is at work. Nothing is locked or changed.", "stave log");
  app.require_subcommand(1);
  CLI::App* const dumping = app.add_subcommand("dump", "Print its records as lines of JSON");
  LogDump dump;
  constexpr const char* kPlaces = "PLACE";
  dumping->add_option("DIR", dump.directory, "The store's directory")->required();
  dumping
      ->add_option("--from", dump.from,
                   "First to show: an LSN (123456, 0x1e240) or a moment in UTC (2026-11-21, 2026-11-21T14:05:00Z, "
                   "@1795269900)")
      ->type_name(kPlaces);
  dumping->add_option("--to", dump.to, "First not to show any more, likewise")->type_name(kPlaces);
  dumping->add_flag("-f,--follow", dump.follow, "Go on with what is written from now on, until interrupted");
  dumping->add_flag("--keys", dump.keys_only, "Leave out records that are about no key");
  dumping->add_flag("--values", dump.values, "Show values, too");
  if (const auto code = parse(app, arguments)) return *code;
  const auto done = dump_log(FileSystem::system(), dump, print_line, pause);
  std::fflush(stdout);
  if (done) return kExitDone;
  std::fprintf(stderr, "stave log: %s\n", done.error().describe().c_str());
  return done.error().code() == ErrorCode::kInvalidArgument ? kExitUsage : kExitFailed;
}

int run_doctor(std::span<const std::string> arguments) {
  CLI::App app(
      "Examine every file of a store. Nothing in it is locked or changed; close the store first, or what it is writing "
      "looks torn. Returns 0 when it is sound, 1 when it is damaged, 2 when it cannot be examined or repaired.",
      "stave doctor");
  Doctor task;
  app.add_option("DIR", task.directory, "The store's directory")->required();
  app.add_option("--repair", task.repair, "Copy everything that is whole into this new directory")->type_name("NEWDIR");
  if (const auto code = parse(app, arguments)) return *code;
  return static_cast<int>(examine_store(FileSystem::system(), task, [](std::string_view line) { print_line(line); }));
}

}  // namespace stave::tools
