// What the shell works on: a directory, a JSON file, or a server. One command in, one reply out.
//
// Must not know: terminals, how a reply is shown.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "doors/client/address.h"
#include "stave/client.h"
#include "stave/reply.h"
#include "stave/session.h"
#include "stave/store.h"

namespace stave::shell {

class Target {
 public:
  virtual ~Target() = default;
  /// Errors: the command could not be asked (a lost connection). What the store answers, errors included, is a reply.
  virtual Result<Reply> execute(std::span<const std::string_view> arguments) = 0;
  /// Several that do not depend on each other, in one go where that is quicker.
  virtual Result<std::vector<Reply>> execute_all(std::span<const std::vector<std::string_view>> calls);
  /// The selected database.
  [[nodiscard]] virtual int database() const noexcept = 0;
  /// Whether SNAPSHOT is the shell's own; else it is sent like any other command.
  [[nodiscard]] virtual bool writes_snapshots() const noexcept { return false; }
  /// Writes everything as JSON to `path` (empty: the usual one); returns the path.
  virtual Result<std::string> snapshot(std::string_view path);
  /// Ends the work. `asked`: by EXIT, which always saves; otherwise only changes are saved. May be tried again after an
  /// error; until then commands may be refused, but can be asked.
  virtual Result<void> finish(bool asked) = 0;
};

/// A store in a directory of this machine.
Result<std::unique_ptr<Target>> open_directory(const std::string& directory, bool create);
/// A store in memory that comes from a JSON file and goes back into it. A missing file is an empty store.
Result<std::unique_ptr<Target>> open_json_file(const std::string& path);

using client::parse_address;
using client::ServerAddress;

Result<std::unique_ptr<Target>> connect_server(const ServerAddress& address, const std::string& user,
                                               const std::string& password);

/// Reads a whole file. Errors: kNotFound and those of the file system.
Result<std::string> read_file(FileSystem& files, const std::string& path);
/// Replaces a file as a whole: after a crash there is the old one or the new one. On disk when this returns.
Result<void> replace_file(FileSystem& files, const std::string& path, std::string_view text);

}  // namespace stave::shell
