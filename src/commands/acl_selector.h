// One selector of an access list: which commands may be run, on which keys, channels and databases.
//
// Promises: what no rule allows is denied; rules mean what they mean in Redis 7.2 (`+get -@hash +config|get ~a* %R~b*
// &news.*`), and databases what they mean in Valkey 9.1 (`db=0,1 alldbs resetdbs`); `describe` gives rules that make
// the same selector. Must not know: users, sessions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "commands/resolve.h"
#include "stave/error.h"

namespace stave::commands {

/// Why a call is denied, in the order in which one reason counts more than another.
enum class Denied : std::uint8_t { kNo, kCommand, kKey, kChannel, kDatabase };
struct Denial {
  Denied why = Denied::kNo;
  std::size_t argument = 0;  ///< Of the key, the channel or the database; 0 of that in use.
  [[nodiscard]] bool allowed() const noexcept { return why == Denied::kNo; }
};

class AclSelector {
 public:
  /// Nothing but all databases; with `all_channels` those as well.
  explicit AclSelector(bool all_channels = false);

  /// Applies a rule. Errors: a sentence without the rule, as ACL SETUSER tells it; nothing was changed.
  Result<void> apply(std::string_view rule);

  /// Whether there is nothing that it denies.
  [[nodiscard]] bool allows_everything() const noexcept {
    return all_commands_ && all_keys_ && all_channels_ && all_databases_;
  }
  /// `arguments` fit the row. `database`: the caller's.
  [[nodiscard]] Denial check(const Command& row, Arguments arguments, int database) const;
  [[nodiscard]] bool allows_command(const Command& row, Arguments arguments) const;
  /// Whether every key may be read (or written): what SORT BY asks, whose keys are known only once it runs.
  [[nodiscard]] bool allows_every_key(bool reads, bool writes) const noexcept;
  [[nodiscard]] bool allows_key(std::string_view key, bool reads, bool writes) const noexcept;
  [[nodiscard]] bool allows_channel(std::string_view channel, bool pattern) const noexcept;
  [[nodiscard]] bool allows_database(int database) const;

  /// "-@all +get".
  [[nodiscard]] std::string commands() const;
  /// "~a* %R~b*".
  [[nodiscard]] std::string keys() const;
  /// "&news.*".
  [[nodiscard]] std::string channels() const;
  /// "alldbs", "db=0,1", or nothing.
  [[nodiscard]] std::string databases() const;
  /// All of it, as rules in one line. All databases, the default, are not mentioned.
  [[nodiscard]] std::string describe() const;

 private:
  struct KeyPattern {
    std::string pattern;
    bool reads = true;
    bool writes = true;
  };

  Result<void> apply_commands(std::string_view rule, bool allow);
  Result<void> apply_first_argument(std::string_view rule);
  Result<void> add_key_pattern(std::string_view rule);
  Result<void> add_channel(std::string_view pattern);
  Result<void> add_databases(std::string_view list);
  void set_all_commands(bool allow);
  /// The row, and if it is a container's all that it contains.
  void set_command(const Command& row, bool allow);
  void set_bit(const Command& row, bool allow);
  void note_rule(std::string_view rule, bool allow);
  [[nodiscard]] bool bit(const Command& row) const noexcept;

  bool all_commands_ = false;
  bool later_commands_ = false;  ///< What "+@all" says of commands that are not there yet.
  bool all_keys_ = false;
  bool all_channels_ = false;
  bool all_databases_ = true;
  std::vector<std::uint64_t> bits_;  ///< By row_index.
  std::map<std::size_t, std::vector<std::string>> first_arguments_;
  std::vector<std::string> rules_;  ///< "+get", since the last "+@all" or "-@all".
  std::vector<KeyPattern> keys_;
  std::vector<std::string> channels_;
  std::set<int> databases_;
};

}  // namespace stave::commands
