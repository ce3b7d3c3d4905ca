// ACL: users, and what they may do.
#pragma once

#include "commands/help.h"
#include "commands/table.h"

namespace stave::commands {

Result<void> acl_cat_command(Call& call);
Result<void> acl_deluser_command(Call& call);
Result<void> acl_dryrun_command(Call& call);
Result<void> acl_genpass_command(Call& call);
Result<void> acl_getuser_command(Call& call);
Result<void> acl_list_command(Call& call);
Result<void> acl_load_command(Call& call);
Result<void> acl_log_command(Call& call);
Result<void> acl_save_command(Call& call);
Result<void> acl_setuser_command(Call& call);
Result<void> acl_users_command(Call& call);
Result<void> acl_whoami_command(Call& call);

inline constexpr std::uint32_t kAclFlags = kNoScript | kLoading | kStale | kAfterCommit;

inline constexpr Command kAclSubcommands[] = {
    {.name = "CAT",
     .arity = between(2, 3),
     .flags = kAclFlags,
     .group = "server",
     .since = "0.1",
     .cost = "O(1), or O(N) in the number of commands",
     .syntax = "[category]",
     .help = "Returns all categories, or the commands of one.",
     .run = acl_cat_command},
    {.name = "DELUSER",
     .arity = at_least(3),
     .flags = kAclFlags | kAdmin | kSecret,
     .group = "server",
     .since = "0.1",
     .cost = "O(1) for each user",
     .syntax = "username [username ...]",
     .help = "Removes users, and ends their connections; returns how many there were.",
     .run = acl_deluser_command,
     .tips = "request_policy:all_nodes response_policy:all_succeeded"},
    {.name = "DRYRUN",
     .arity = at_least(4),
     .flags = kAclFlags | kAdmin | kSecret,
     .group = "server",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "username command [arg [arg ...]]",
     .help = "Tells whether a user might run a call, without running it.",
     .run = acl_dryrun_command},
    {.name = "GENPASS",
     .arity = between(2, 3),
     .flags = kAclFlags,
     .group = "server",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "[bits]",
     .help = "Returns a random password in hexadecimal, of 256 bits or as many as asked for.",
     .run = acl_genpass_command},
    {.name = "GETUSER",
     .arity = exactly(3),
     .flags = kAclFlags | kAdmin | kSecret,
     .group = "server",
     .since = "0.1",
     .cost = "O(N) in the number of rules",
     .syntax = "username",
     .help = "Returns a user's flags, password hashes and rules.",
     .run = acl_getuser_command},
    help_row("server", answer_help),
    {.name = "LIST",
     .arity = exactly(2),
     .flags = kAclFlags | kAdmin,
     .group = "server",
     .since = "0.1",
     .cost = "O(N) in the number of users",
     .syntax = "",
     .help = "Returns all users as lines of a configuration file.",
     .run = acl_list_command},
    {.name = "LOAD",
     .arity = exactly(2),
     .flags = kAclFlags | kAdmin,
     .group = "server",
     .since = "0.1",
     .cost = "O(N) in the number of users",
     .syntax = "",
     .help = "Reads the users from aclfile again, all of them or, when one is wrong, none.",
     .run = acl_load_command},
    {.name = "LOG",
     .arity = between(2, 3),
     .flags = kAclFlags | kAdmin,
     .group = "server",
     .since = "0.1",
     .cost = "O(N) in the number of entries",
     .syntax = "[count | RESET]",
     .help = "Returns the newest denials, or forgets all.",
     .run = acl_log_command},
    {.name = "SAVE",
     .arity = exactly(2),
     .flags = kAclFlags | kAdmin,
     .group = "server",
     .since = "0.1",
     .cost = "O(N) in the number of users",
     .syntax = "",
     .help = "Writes the users to aclfile.",
     .run = acl_save_command,
     .tips = "request_policy:all_nodes response_policy:all_succeeded"},
    {.name = "SETUSER",
     .arity = at_least(3),
     .flags = kAclFlags | kAdmin | kSecret,
     .group = "server",
     .since = "0.1",
     .cost = "O(N) in the number of rules",
     .syntax = "username [rule [rule ...]]",
     .help = "Makes a user, or changes one, by rules that are applied in their order.",
     .run = acl_setuser_command,
     .tips = "request_policy:all_nodes response_policy:all_succeeded"},
    {.name = "USERS",
     .arity = exactly(2),
     .flags = kAclFlags | kAdmin,
     .group = "server",
     .since = "0.1",
     .cost = "O(N) in the number of users",
     .syntax = "",
     .help = "Returns the names of all users.",
     .run = acl_users_command},
    {.name = "WHOAMI",
     .arity = exactly(2),
     .flags = kAclFlags,
     .group = "server",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "",
     .help = "Returns the name of this connection's user.",
     .run = acl_whoami_command},
};

inline constexpr Command kAclCommands[] = {
    {.name = "ACL",
     .arity = at_least(2),
     .group = "server",
     .since = "0.1",
     .cost = "Depends on the subcommand.",
     .syntax = "subcommand [argument ...]",
     .help = "Manages users and what they may do.",
     .subcommands = kAclSubcommands},
};

}  // namespace stave::commands
