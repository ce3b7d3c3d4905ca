#include "commands/wanted_changes.h"

#include <algorithm>
#include <utility>

#include "commands/access.h"
#include "commands/glob.h"
#include "commands/session.h"
#include "commands/text.h"
#include "commands/type_names.h"

namespace stave::commands {

bool WantedChanges::look_at_rights(Session& session) {
  const bool everything = session.plain() || session.identity.owner;
  std::shared_ptr<const AclUser> user = everything ? nullptr : session.identity.user;
  const bool other = everything != everything_ || user != user_;
  everything_ = everything;
  user_ = std::move(user);
  return other;
}

bool WantedChanges::wants(const store::LoggedChange& change, std::string_view key) const {
  using Kind = store::LoggedChange::Kind;
  if (change.kind == Kind::kLost) return true;
  if (wish_.database && *wish_.database != change.database &&
      !(change.kind == Kind::kSwap && *wish_.database == change.other))
    return false;
  const bool whole = change.whole_database();
  if (!whole) {
    if (wish_.type && change.type && *change.type != *wish_.type) return false;
    if (!key.starts_with(wish_.prefix)) return false;
    if (!wish_.pattern.empty() && !glob_match(wish_.pattern, key)) return false;
  }
  if (everything_) return true;
  return user_ != nullptr && std::ranges::any_of(user_->selectors, [&](const AclSelector& selector) {
           if (!selector.allows_database(change.database)) return false;
           if (change.kind == Kind::kSwap && !selector.allows_database(change.other)) return false;
           return whole || selector.allows_key(key, true, false);
         });
}

std::optional<store::ValueType> type_named(std::string_view name) noexcept {
  using store::ValueType;
  for (const ValueType type : {ValueType::kString, ValueType::kHash, ValueType::kList, ValueType::kSet,
                               ValueType::kSortedSet, ValueType::kStream, ValueType::kSketch})
    if (same_word(name, type_name(type))) return type;
  return std::nullopt;
}

}  // namespace stave::commands
