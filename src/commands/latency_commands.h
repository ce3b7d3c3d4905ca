// LATENCY: events that took long, and how long commands take.
#pragma once

#include "commands/help.h"
#include "commands/table.h"

namespace stave::commands {

Result<void> latency_doctor_command(Call& call);
Result<void> latency_graph_command(Call& call);
Result<void> latency_histogram_command(Call& call);
Result<void> latency_history_command(Call& call);
Result<void> latency_latest_command(Call& call);
Result<void> latency_reset_command(Call& call);

inline constexpr std::uint32_t kLatencyFlags = kAdmin | kNoScript | kLoading | kStale | kAfterCommit;

inline constexpr Command kLatencySubcommands[] = {
    {.name = "DOCTOR",
     .arity = exactly(2),
     .flags = kLatencyFlags,
     .group = "server",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "",
     .help = "Returns what the events say, for a person.",
     .run = latency_doctor_command,
     .tips = "nondeterministic_output request_policy:all_nodes response_policy:special"},
    {.name = "GRAPH",
     .arity = exactly(3),
     .flags = kLatencyFlags,
     .group = "server",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "event",
     .help = "Returns a picture of the samples of an event.",
     .run = latency_graph_command,
     .tips = "nondeterministic_output request_policy:all_nodes response_policy:special"},
    help_row("server", answer_help),
    {.name = "HISTOGRAM",
     .arity = at_least(2),
     .flags = kLatencyFlags,
     .group = "server",
     .since = "0.1",
     .cost = "O(N) in the number of commands",
     .syntax = "[command [command ...]]",
     .help = "Returns how many calls of commands took up to how many microseconds.",
     .run = latency_histogram_command,
     .tips = "nondeterministic_output request_policy:all_nodes response_policy:special"},
    {.name = "HISTORY",
     .arity = exactly(3),
     .flags = kLatencyFlags,
     .group = "server",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "event",
     .help = "Returns the samples of an event: time and milliseconds.",
     .run = latency_history_command,
     .tips = "nondeterministic_output request_policy:all_nodes response_policy:special"},
    {.name = "LATEST",
     .arity = exactly(2),
     .flags = kLatencyFlags,
     .group = "server",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "",
     .help = "Returns the newest sample of each event, and the worst of all.",
     .run = latency_latest_command,
     .tips = "nondeterministic_output request_policy:all_nodes response_policy:special"},
    {.name = "RESET",
     .arity = at_least(2),
     .flags = kLatencyFlags,
     .group = "server",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "[event [event ...]]",
     .help = "Forgets some events, or all.",
     .run = latency_reset_command,
     .tips = "request_policy:all_nodes response_policy:agg_sum"},
};

inline constexpr Command kLatencyCommands[] = {
    {.name = "LATENCY",
     .arity = at_least(2),
     .group = "server",
     .since = "0.1",
     .cost = "Depends on the subcommand.",
     .syntax = "subcommand [argument ...]",
     .help = "Shows events that took long.",
     .subcommands = kLatencySubcommands},
};

}  // namespace stave::commands
