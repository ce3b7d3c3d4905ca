// All users of a store, and who has just changed.
//
// Promises: a user is replaced as a whole, so whoever holds one sees it as it was at one moment; after a change every
// session finds out before its next call. Users are kept where the host keeps them, not in the store (host.h). Must not
// know: sessions, files. Threads: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "commands/acl_log.h"
#include "commands/acl_user.h"
#include "stave/error.h"

namespace stave::commands {

class Users {
 public:
  using User = std::shared_ptr<const AclUser>;

  /// There is one, `default`, who may do everything without a password.
  Users();

  /// Null: there is none of that name.
  [[nodiscard]] User find(std::string_view name) const STAVE_EXCLUDES(mutex_);
  /// By name.
  [[nodiscard]] std::vector<User> all() const STAVE_EXCLUDES(mutex_);
  /// Goes up with every change.
  [[nodiscard]] std::uint64_t version() const noexcept { return version_.load(); }
  /// Whether connections are `default` from the start: it is on and has no password.
  [[nodiscard]] bool open() const noexcept { return open_.load(std::memory_order_relaxed); }

  /// Applies rules to a user, who is made when there is none. Errors: a sentence that names the rule; nothing changed.
  Result<void> set(std::string_view name, std::span<const std::string_view> words) STAVE_EXCLUDES(mutex_);
  /// False: there was none. `default` cannot be removed.
  bool remove(std::string_view name) STAVE_EXCLUDES(mutex_);
  /// These instead of all others; `default` as it is at first when it is not among them. Returns who is gone.
  std::vector<std::string> replace(std::vector<AclUser> users) STAVE_EXCLUDES(mutex_);
  /// Lines `user name rule …`. `where`: named in errors, with the number of the line.
  [[nodiscard]] Result<std::vector<AclUser>> read(std::string_view text, std::string_view where) const;
  /// Those lines.
  [[nodiscard]] std::string written() const;

  /// Whose name and password these are; null: nobody's, or somebody's who is off. Takes as long for an unknown name.
  [[nodiscard]] User authenticate(std::string_view name, std::string_view password) const;
  /// What `requirepass` means: the one password of `default`, as SHA-256 in hexadecimal; empty: none is needed.
  void require_password(std::string_view hash) STAVE_EXCLUDES(mutex_);
  /// What new users and "reset" grant (acl-pubsub-default).
  void set_all_channels(bool all) noexcept { all_channels_.store(all, std::memory_order_relaxed); }
  [[nodiscard]] bool all_channels() const noexcept { return all_channels_.load(std::memory_order_relaxed); }

  /// Called after each change, on the thread that made it. Set before there are threads.
  std::function<void()> changed;
  AclLog log;

 private:
  void publish(AclUser user) STAVE_REQUIRES(mutex_);
  void tell();

  mutable base::Mutex mutex_;
  std::map<std::string, User, std::less<>> users_ STAVE_GUARDED_BY(mutex_);
  std::atomic<std::uint64_t> version_{1};
  std::atomic<bool> open_{true};
  std::atomic<bool> all_channels_{false};
};

}  // namespace stave::commands
