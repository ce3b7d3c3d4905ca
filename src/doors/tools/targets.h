// Where imported data goes: a store in a directory, or a running server. A sink of items, and of calls.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "exchange/exchange.h"
#include "stave/clock.h"

namespace stave::tools {

/// What became of what was brought in.
struct Tally {
  std::uint64_t keys = 0;     ///< Items stored.
  std::uint64_t expired = 0;  ///< Items whose time was up.
  std::uint64_t skipped = 0;  ///< Keys of types that have no place yet.
  std::map<std::string, std::uint64_t, std::less<>> skipped_types;
  std::vector<std::string> skipped_names;  ///< The first of them: "key (type)".
  std::uint64_t calls = 0;                 ///< Calls that were made, but for SELECT.
  std::uint64_t refused = 0;               ///< Calls that were answered with an error.
  std::map<std::string, std::uint64_t, std::less<>> refused_commands;
  std::string first_refusal;
};

class Target : public exchange::Sink {
 public:
  explicit Target(Clock& clock) : clock_(clock) {}
  Result<void> take(const exchange::Item& item) final;
  Result<void> skip(const exchange::Skipped& skipped) final;
  /// Makes a call of an append-only file. An answer that is an error is counted, not returned.
  Result<void> call(std::span<const std::string_view> arguments) {
    if (arguments[0] != "SELECT") ++tally_.calls;  // each file begins with one
    return make_call(arguments);
  }
  /// Returns when everything is on disk, or answered.
  virtual Result<void> finish() = 0;
  [[nodiscard]] const Tally& tally() const noexcept { return tally_; }

 protected:
  virtual Result<void> put(const exchange::Item& item) = 0;
  virtual Result<void> make_call(std::span<const std::string_view> arguments) = 0;
  void refused(std::string_view command, std::string_view answer);

 private:
  Clock& clock_;
  Tally tally_;
};

/// The store in `directory`, created if there is none.
Result<std::unique_ptr<Target>> open_store_target(const std::string& directory, int databases);

struct ServerLogin {
  std::string address;  ///< "host:port", as in parse_address of the client.
  std::string user;
  std::string password;
};
Result<std::unique_ptr<Target>> open_server_target(const ServerLogin& login);

}  // namespace stave::tools
