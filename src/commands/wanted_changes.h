// Which changes a reader is shown: what it asked for, less what its user may not see.
//
// Promises: a key that the user may not read is not shown, nor counted. What is about all keys of a database passes
// every filter of keys, and what has no type in the log (deletions, changes of expiry) every filter of types: whoever
// keeps a copy of some keys has to hear of it. Must not know: where changes come from.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "commands/acl_user.h"
#include "store/logged_change.h"

namespace stave::commands {

class Session;

class WantedChanges final : public store::ChangeFilter {
 public:
  struct Wish {
    std::optional<int> database;
    std::string prefix;
    std::string pattern;  ///< Empty: any.
    std::optional<store::ValueType> type;
  };
  explicit WantedChanges(Wish wish) : wish_(std::move(wish)) {}

  /// From now on it shows what the user of the session may see, as dispatch found that. Returns whether that is not
  /// what it showed before. Not while it is asked.
  bool look_at_rights(Session& session);
  /// The same for who owns the store.
  void show_everything() noexcept { everything_ = true; }

  [[nodiscard]] bool wants(const store::LoggedChange& change, std::string_view key) const override;

 private:
  const Wish wish_;
  bool everything_ = false;              ///< May be seen.
  std::shared_ptr<const AclUser> user_;  ///< Else what this one may see; null: nothing.
};

/// The type that TYPE calls so; nullopt: there is none.
[[nodiscard]] std::optional<store::ValueType> type_named(std::string_view name) noexcept;

}  // namespace stave::commands
