// The commands that POST /transaction runs at one instant: those of strings and of keys, over one transaction.
//
// Promises: all or none; answers as the commands themselves give them. A command that is not among them refuses the
// whole before anything is locked.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <vector>

#include "commands/session.h"
#include "store/engine.h"

namespace stave::http {

using CommandText = std::vector<std::string>;

struct TransactionRefused {
  std::string line;  ///< As a command's error.
  store::Pending pending;
};

/// Appends `{"result":…}` for each command, with commas between, to `out`.
std::expected<store::Pending, TransactionRefused> transact(commands::Session& session,
                                                           std::span<const CommandText> commands, bool base64,
                                                           std::string& out);

}  // namespace stave::http
