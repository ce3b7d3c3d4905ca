// What the commands may ask of the process they run in: the seam between `commands` and whoever hosts them.
//
// An embedded store has the default host, which knows nothing and refuses politely. The server implements it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stave/error.h"

namespace stave::commands {

/// One line of INFO: section-less "field:value".
using InfoFields = std::vector<std::pair<std::string, std::string>>;

class Host {
 public:
  virtual ~Host() = default;
  /// Ends the process in good order, soon. Errors: kUnsupported when there is no process to end (embedded).
  virtual Result<void> request_shutdown();
  /// Options as CONFIG GET sees them, name and value, all of them.
  virtual std::vector<std::pair<std::string, std::string>> config();
  /// Sets one option. Errors: kNotFound (unknown), kInvalidArgument (value), kUnsupported (needs a restart).
  virtual Result<void> set_config(std::string_view name, std::string_view value);
  /// Once all of a CONFIG SET are set: what depends on several of them is made anew. Errors: kInvalidArgument; nothing
  /// was made, and the options are to be set back.
  virtual Result<void> settle_config();
  /// Writes the running configuration back to its file. Errors: kUnsupported when there is none.
  virtual Result<void> rewrite_config();
  /// Reads the users from their file again, or writes them there; what was wrong with it is the message. Errors:
  /// kUnsupported when there is none.
  virtual Result<void> load_users();
  virtual Result<void> save_users();
  /// Fields the host adds to an INFO section ("server", "clients", "stats", …).
  virtual InfoFields info(std::string_view section);
  /// Zeroes the host's counters (CONFIG RESETSTAT).
  virtual void reset_statistics();
  [[nodiscard]] virtual int port() const;
  /// Whether callers may name any file of this machine: they run in this process, so they can anyway.
  [[nodiscard]] virtual bool trusts_paths() const { return true; }
  /// Below which directory callers who are not trusted may have backups made; empty: `backups` in the store's own.
  [[nodiscard]] virtual std::string backup_root() const { return {}; }
};

}  // namespace stave::commands
