// Publish and subscribe: listening to channels, and sending to them.
#pragma once

#include "commands/help.h"
#include "commands/table.h"

namespace stave::commands {

Result<void> psubscribe_command(Call& call);
Result<void> publish_command(Call& call);
Result<void> punsubscribe_command(Call& call);
Result<void> spublish_command(Call& call);
Result<void> ssubscribe_command(Call& call);
Result<void> subscribe_command(Call& call);
Result<void> sunsubscribe_command(Call& call);
Result<void> unsubscribe_command(Call& call);
Result<void> pubsub_channels_command(Call& call);
Result<void> pubsub_numpat_command(Call& call);
Result<void> pubsub_numsub_command(Call& call);
Result<void> pubsub_shardchannels_command(Call& call);
Result<void> pubsub_shardnumsub_command(Call& call);

/// Whether a session that listens may send this with the older protocol, in which only messages may come between.
bool allowed_while_listening(const Command& row) noexcept;
/// Whether it changes what the session listens to.
bool is_subscribing(const Command& row) noexcept;

inline constexpr std::uint32_t kListenFlags = kNoScript | kLoading | kStale | kPubSub;
inline constexpr std::uint32_t kAskFlags = kLoading | kStale | kPubSub | kAfterCommit;

inline constexpr Command kPubSubSubcommands[] = {
    {.name = "CHANNELS",
     .arity = between(2, 3),
     .flags = kAskFlags,
     .group = "pubsub",
     .since = "0.3",
     .cost = "O(N) in the number of channels",
     .syntax = "[pattern]",
     .help = "Returns the channels that somebody listens to, those of patterns left out.",
     .run = pubsub_channels_command},
    help_row("pubsub", answer_help),
    {.name = "NUMPAT",
     .arity = exactly(2),
     .flags = kAskFlags,
     .group = "pubsub",
     .since = "0.3",
     .cost = "O(1)",
     .syntax = "",
     .help = "Returns how many different patterns somebody listens to.",
     .run = pubsub_numpat_command},
    {.name = "NUMSUB",
     .arity = at_least(2),
     .flags = kAskFlags,
     .group = "pubsub",
     .since = "0.3",
     .cost = "O(N) in the number of channels",
     .syntax = "[channel [channel ...]]",
     .help = "Returns how many listen to each of the channels, those of patterns left out.",
     .run = pubsub_numsub_command},
    {.name = "SHARDCHANNELS",
     .arity = between(2, 3),
     .flags = kAskFlags,
     .group = "pubsub",
     .since = "0.3",
     .cost = "O(N) in the number of shard channels",
     .syntax = "[pattern]",
     .help = "Returns the shard channels that somebody listens to.",
     .run = pubsub_shardchannels_command},
    {.name = "SHARDNUMSUB",
     .arity = at_least(2),
     .flags = kAskFlags,
     .group = "pubsub",
     .since = "0.3",
     .cost = "O(N) in the number of shard channels",
     .syntax = "[shardchannel [shardchannel ...]]",
     .help = "Returns how many listen to each of the shard channels.",
     .run = pubsub_shardnumsub_command},
};

inline constexpr Command kPubSubCommands[] = {
    {.name = "PSUBSCRIBE",
     .arity = at_least(2),
     .flags = kListenFlags,
     .group = "pubsub",
     .since = "0.3",
     .cost = "O(N) in the number of patterns",
     .syntax = "pattern [pattern ...]",
     .help = "Listens to all channels that match a pattern.",
     .run = psubscribe_command},
    {.name = "PUBLISH",
     .arity = exactly(3),
     .flags = kLoading | kStale | kFast | kPubSub | kAfterCommit,
     .group = "pubsub",
     .since = "0.3",
     .cost = "O(N + M) in the number of listeners and of patterns anybody listens to",
     .syntax = "channel message",
     .help = "Sends a message to those who listen to a channel, and returns how many they are.",
     .run = publish_command},
    {.name = "PUBSUB",
     .arity = at_least(2),
     .group = "pubsub",
     .since = "0.3",
     .cost = "Depends on the subcommand.",
     .syntax = "subcommand [argument ...]",
     .help = "Tells who listens to what.",
     .subcommands = kPubSubSubcommands},
    {.name = "PUNSUBSCRIBE",
     .arity = at_least(1),
     .flags = kListenFlags,
     .group = "pubsub",
     .since = "0.3",
     .cost = "O(N) in the number of patterns",
     .syntax = "[pattern [pattern ...]]",
     .help = "Listens no more to these patterns, or to any.",
     .run = punsubscribe_command},
    {.name = "SPUBLISH",
     .arity = exactly(3),
     .flags = kLoading | kStale | kFast | kPubSub | kAfterCommit,
     .group = "pubsub",
     .since = "0.3",
     .cost = "O(N) in the number of listeners",
     .syntax = "shardchannel message",
     .help = "Sends a message to those who listen to a shard channel, and returns how many they are.",
     .run = spublish_command},
    {.name = "SSUBSCRIBE",
     .arity = at_least(2),
     .flags = kListenFlags,
     .group = "pubsub",
     .since = "0.3",
     .cost = "O(N) in the number of shard channels",
     .syntax = "shardchannel [shardchannel ...]",
     .help = "Listens to shard channels.",
     .run = ssubscribe_command},
    {.name = "SUBSCRIBE",
     .arity = at_least(2),
     .flags = kListenFlags,
     .group = "pubsub",
     .since = "0.3",
     .cost = "O(N) in the number of channels",
     .syntax = "channel [channel ...]",
     .help = "Listens to channels.",
     .run = subscribe_command},
    {.name = "SUNSUBSCRIBE",
     .arity = at_least(1),
     .flags = kListenFlags,
     .group = "pubsub",
     .since = "0.3",
     .cost = "O(N) in the number of shard channels",
     .syntax = "[shardchannel [shardchannel ...]]",
     .help = "Listens no more to these shard channels, or to any.",
     .run = sunsubscribe_command},
    {.name = "UNSUBSCRIBE",
     .arity = at_least(1),
     .flags = kListenFlags,
     .group = "pubsub",
     .since = "0.3",
     .cost = "O(N) in the number of channels",
     .syntax = "[channel [channel ...]]",
     .help = "Listens no more to these channels, or to any.",
     .run = unsubscribe_command},
};

}  // namespace stave::commands
