// A user: a name, passwords as SHA-256, and selectors, of which one must allow a call.
//
// Promises: passwords are kept as hashes only; an unknown rule changes nothing. Source of the rules: Redis 7.2's ACL
// SETUSER. Must not know: sessions, files.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "commands/acl_selector.h"
#include "stave/error.h"

namespace stave::commands {

struct AclUser {
  /// Off, without a password, and with no rights; with `all_channels` those.
  explicit AclUser(std::string_view user_name, bool all_channels = false);
  /// The user "default" of a store that nobody has locked: on, without a password, everything allowed.
  static AclUser open_default();

  std::string name;
  bool enabled = false;
  bool no_password = false;
  bool trusts_dumps = false;  ///< "skip-sanitize-payload". Nothing depends on it: what RESTORE takes is always checked.
  std::vector<std::string> passwords;  ///< SHA-256 in hexadecimal.
  std::vector<AclSelector> selectors;  ///< Never empty; the first is the user's own.

  /// Applies a rule. `all_channels`: what "reset" grants. Errors: a sentence; nothing was changed.
  Result<void> apply(std::string_view rule, bool all_channels);
  [[nodiscard]] bool allows_everything() const noexcept;
  /// Takes the same time whether the password is right or not.
  [[nodiscard]] bool password_fits(std::string_view password) const;
  /// The denial that counts most, of the selector that came closest.
  [[nodiscard]] Denial check(const Command& row, Arguments arguments, int database) const;
  /// Whether a selector that allows the call allows every key.
  [[nodiscard]] bool allows_every_key(const Command& row, Arguments arguments, bool reads, bool writes) const;
  [[nodiscard]] bool allows_channel(std::string_view channel, bool pattern) const noexcept;
  /// "on", "nopass", …, as ACL GETUSER tells them.
  [[nodiscard]] std::vector<std::string_view> flags() const;
  /// The rules that make the user, in one line.
  [[nodiscard]] std::string describe() const;
};

/// Why the name cannot be a user's; empty: it can.
std::string_view why_no_user_name(std::string_view name) noexcept;
/// Whether it is 64 hexadecimal digits in lower case.
[[nodiscard]] bool is_password_hash(std::string_view text) noexcept;
/// Joins "(+get", "~a)" into one rule. Errors: a parenthesis that is never closed.
Result<std::vector<std::string>> merge_selectors(std::span<const std::string_view> words);

}  // namespace stave::commands
