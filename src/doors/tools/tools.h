// Subcommands of the program that move whole data sets: one row and one function each.
//
// Must not know: how files are laid out (exchange), how a store works (library). A tool reads its arguments, connects
// one to the other, and tells a person what happened.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

namespace stave::tools {

// What a tool returns to who called the program.
inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitIncomplete = 3;  ///< Done, but something was left out, and it was said what.

int run_backup(std::span<const std::string> arguments);
int run_restore(std::span<const std::string> arguments);
int run_import(std::span<const std::string> arguments);
int run_follow_redis(std::span<const std::string> arguments);
int run_load(std::span<const std::string> arguments);
int run_snapshot(std::span<const std::string> arguments);
int run_doctor(std::span<const std::string> arguments);
int run_log(std::span<const std::string> arguments);

struct Tool {
  std::string_view name;
  std::string_view help;
  /// Runs it with what follows its name; prints; returns one of the above.
  int (*run)(std::span<const std::string> arguments);
};
inline constexpr std::array kTools = {
    Tool{"import", "Take over the data of a Redis: dump.rdb, appendonlydir or appendonly.aof", run_import},
    Tool{"follow-redis", "Copy a running Redis into a store, and go on as it does", run_follow_redis},
    Tool{"load", "Load a snapshot file, or lines of JSON from standard input (-)", run_load},
    Tool{"snapshot", "Write everything to a snapshot file: binary, JSON or lines of JSON", run_snapshot},
    Tool{"backup", "Back up a store into a directory, or add what is new; stave backup verify DIR", run_backup},
    Tool{"restore", "Make a new store as an old one was at a point, from a backup or its log", run_restore},
    Tool{"doctor", "Examine every file of a store, and copy what is whole of a damaged one", run_doctor},
    Tool{"log", "Print the log of a store as lines of JSON: stave log dump DIR", run_log},
};

}  // namespace stave::tools
