#include "commands/users.h"

#include <algorithm>

#include "base/assert.h"
#include "base/sha256.h"
#include "base/try.h"
#include "commands/text.h"

namespace stave::commands {
namespace {

constexpr std::string_view kDefault = "default";

std::vector<std::string_view> line_words(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const std::size_t end = std::min(line.find_first_of(" \t\r"), line.size());
    if (end != 0) words.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

Result<AclUser> read_user(std::span<const std::string_view> words, bool all_channels) {
  if (words.size() < 2 || words[0] != "user")
    return fail(ErrorCode::kInvalidArgument, "should start with user keyword followed by the username");
  if (const auto why = why_no_user_name(words[1]); !why.empty())
    return fail(ErrorCode::kInvalidArgument, std::string(why));
  AclUser user(words[1], all_channels);
  STAVE_ASSIGN(const auto rules, merge_selectors(words.subspan(2)));
  for (const std::string& rule : rules)
    if (auto done = user.apply(rule, all_channels); !done) {
      // A password is not repeated.
      const bool secret = rule.find_first_of("><#!") == 0;
      return fail(
          ErrorCode::kInvalidArgument,
          secret ? done.error().message() : "Error in applying operation '" + rule + "': " + done.error().message());
    }
  return user;
}

}  // namespace

Users::Users() {
  base::MutexLock lock(mutex_);
  publish(AclUser::open_default());
}

void Users::publish(AclUser user) {
  const auto fresh = std::make_shared<const AclUser>(std::move(user));
  users_.insert_or_assign(fresh->name, fresh);
  if (fresh->name == kDefault) open_.store(fresh->enabled && fresh->no_password, std::memory_order_relaxed);
}

void Users::tell() {
  version_.fetch_add(1);
  if (changed) changed();
}

Users::User Users::find(std::string_view name) const {
  base::MutexLock lock(mutex_);
  const auto found = users_.find(name);
  return found == users_.end() ? nullptr : found->second;
}

std::vector<Users::User> Users::all() const {
  base::MutexLock lock(mutex_);
  std::vector<User> users;
  users.reserve(users_.size());
  for (const auto& [name, user] : users_) users.push_back(user);
  return users;
}

Result<void> Users::set(std::string_view name, std::span<const std::string_view> words) {
  if (const auto why = why_no_user_name(name); !why.empty()) return fail(ErrorCode::kInvalidArgument, std::string(why));
  STAVE_ASSIGN(const auto rules, merge_selectors(words));
  {
    base::MutexLock lock(mutex_);
    const auto found = users_.find(name);
    AclUser user = found == users_.end() ? AclUser(name, all_channels()) : *found->second;
    for (const std::string& rule : rules)
      if (auto done = user.apply(rule, all_channels()); !done)
        return fail(ErrorCode::kInvalidArgument,
                    "Error in ACL SETUSER modifier '" + rule + "': " + done.error().message());
    publish(std::move(user));
  }
  tell();
  return {};
}

bool Users::remove(std::string_view name) {
  STAVE_ASSERT(name != kDefault);
  {
    base::MutexLock lock(mutex_);
    const auto found = users_.find(name);
    if (found == users_.end()) return false;
    users_.erase(found);
  }
  tell();
  return true;
}

std::vector<std::string> Users::replace(std::vector<AclUser> users) {
  std::vector<std::string> gone;
  {
    base::MutexLock lock(mutex_);
    const auto before = std::exchange(users_, {});
    for (AclUser& user : users) publish(std::move(user));
    if (!users_.contains(kDefault)) publish(AclUser::open_default());
    for (const auto& [name, user] : before)
      if (!users_.contains(name)) gone.push_back(name);
  }
  tell();
  return gone;
}

Result<std::vector<AclUser>> Users::read(std::string_view text, std::string_view where) const {
  std::vector<AclUser> users;
  int number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const auto words = line_words(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (words.empty()) continue;
    auto user = read_user(words, all_channels());
    if (user && std::ranges::find(users, user->name, &AclUser::name) != users.end())
      user = fail(ErrorCode::kInvalidArgument, "Duplicate user '" + user->name + "'");
    if (!user)
      return fail(ErrorCode::kInvalidArgument,
                  std::string(where) + ":" + std::to_string(number) + ": " + user.error().message());
    users.push_back(std::move(*user));
  }
  return users;
}

std::string Users::written() const {
  std::string text;
  for (const User& user : all())
    text.append("user ").append(user->name).append(" ").append(user->describe()).append("\n");
  return text;
}

Users::User Users::authenticate(std::string_view name, std::string_view password) const {
  const User user = find(name);
  if (user == nullptr) {
    static_cast<void>(base::sha256_hex(password));
    return nullptr;
  }
  return user->password_fits(password) && user->enabled ? user : nullptr;
}

void Users::require_password(std::string_view hash) {
  STAVE_ASSERT(hash.empty() || is_password_hash(hash));
  {
    base::MutexLock lock(mutex_);
    const auto found = users_.find(kDefault);
    STAVE_ASSERT(found != users_.end());
    AclUser user = *found->second;
    user.no_password = hash.empty();
    user.passwords.clear();
    if (!hash.empty()) user.passwords.emplace_back(hash);
    publish(std::move(user));
  }
  tell();
}

}  // namespace stave::commands
