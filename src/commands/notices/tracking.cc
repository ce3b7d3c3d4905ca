#include "commands/notices/tracking.h"

#include <algorithm>
#include <new>
#include <utility>

#include "base/assert.h"
#include "base/random.h"
#include "commands/client_registry.h"
#include "commands/environment.h"
#include "commands/notices/notices.h"
#include "commands/session.h"
#include "commands/table.h"

namespace stave::commands {

void Invalidation::join(const Invalidation& next) {
  STAVE_ASSERT(joins && next.joins && !keys.empty() && !next.keys.empty());
  pending.merge(next.pending);
  for (const std::string& key : next.keys)
    if (std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
}

TrackingCounts Tracking::counts() const {
  base::MutexLock lock(mutex_);
  return {.clients = clients_.size(), .keys = keys_.size(), .items = items_, .prefixes = prefixes_.size()};
}

void Tracking::begin(Session& session, ClientTracking wish) {
  const bool by_prefix = wish.by_prefix;
  const std::uint64_t redirect = wish.redirect;
  // Of a client that tracks already, what it asked for before stays besides.
  if (session.tracking != nullptr)
    for (const std::string& prefix : session.tracking->prefixes)
      if (std::ranges::find(wish.prefixes, prefix) == wish.prefixes.end()) wish.prefixes.push_back(prefix);
  session.tracking = std::make_unique<ClientTracking>(std::move(wish));
  try {
    put_down(session);
  } catch (const std::bad_alloc&) {
    end(session);
    throw;
  }
  session.update_info([&](ClientInfo& info) {
    info.tracks = true;
    info.tracks_prefixes = by_prefix;
    info.redirect_broken = false;
    info.redirect = static_cast<std::int64_t>(redirect);
  });
  environment_.notices().look_who_listens();
}

void Tracking::put_down(const Session& session) {
  const ClientTracking& own = *session.tracking;
  base::MutexLock lock(mutex_);
  clients_[session.id()] = {.redirect = own.redirect, .by_prefix = own.by_prefix, .no_loop = own.no_loop};
  clients_count_.store(clients_.size());
  for (const std::string& prefix : own.prefixes) {
    Readers& readers = prefixes_[prefix];
    if (std::ranges::find(readers, session.id()) == readers.end()) readers.push_back(session.id());
  }
}

void Tracking::end(Session& session) noexcept {
  if (session.tracking == nullptr) return;
  const std::unique_ptr<ClientTracking> old = std::exchange(session.tracking, nullptr);
  {
    base::MutexLock lock(mutex_);
    clients_.erase(session.id());
    clients_count_.store(clients_.size());
    for (const std::string& prefix : old->prefixes) {
      const auto found = prefixes_.find(prefix);
      if (found == prefixes_.end()) continue;
      std::erase(found->second, session.id());
      if (found->second.empty()) prefixes_.erase(found);
    }
    // Nobody is put down any more: nor need the keys be known.
    if (clients_.empty()) {
      keys_.clear();
      items_ = 0;
    }
  }
  session.update_info([](ClientInfo& info) {
    info.tracks = info.tracks_prefixes = info.redirect_broken = false;
    info.redirect = -1;
  });
  environment_.notices().look_who_listens();
}

// --- reads -----------------------------------------------------------------------------------------------------------

bool Tracking::remembers(const Session& session, const Command& row) const noexcept {
  if (session.tracking == nullptr || session.tracking->by_prefix) return false;
  if ((row.flags & kReadOnly) == 0 || row.keys.none()) return false;
  if (session.tracking->opt_in) return session.tracking->caching;
  return !session.tracking->opt_out || !session.tracking->caching;
}

void Tracking::remember(std::string_view key, std::uint64_t client) {
  auto found = keys_.find(key);
  if (found == keys_.end()) {
    if (const std::uint64_t most = keys_max_.load(std::memory_order_relaxed); most != 0 && keys_.size() >= most)
      give_up_some();
    found = keys_.emplace(std::string(key), Readers()).first;
  }
  Readers& readers = found->second;
  if (std::ranges::find(readers, client) != readers.end()) return;
  if (readers.size() == readers.capacity()) sweep(readers);
  readers.push_back(client);
  ++items_;
}

/// Clients that went are in the lists of keys that nobody changes; so they leave before a list grows.
void Tracking::sweep(Readers& readers) noexcept {
  items_ -= std::erase_if(readers, [&](std::uint64_t id) STAVE_REQUIRES(mutex_) { return !clients_.contains(id); });
}

void Tracking::give_up_some() {
  const std::uint64_t most = keys_max_.load(std::memory_order_relaxed);
  while (!keys_.empty() && keys_.size() >= most) {
    std::size_t bucket = base::thread_random() % keys_.bucket_count();
    while (keys_.bucket_size(bucket) == 0) bucket = (bucket + 1) % keys_.bucket_count();
    const auto found = keys_.find(std::string_view(keys_.begin(bucket)->first));
    STAVE_ASSERT(found != keys_.end());
    const auto what = std::make_shared<const Invalidation>(Invalidation{.keys = {found->first}, .pending = {}});
    for (const std::uint64_t id : found->second) tell(id, what);
    items_ -= found->second.size();
    keys_.erase(found);
  }
}

void Tracking::before_read(Session& session, const Command& row, Arguments arguments) {
  if (!remembers(session, row)) return;
  base::MutexLock lock(mutex_);
  for (const std::size_t i : key_positions(row, arguments)) remember(arguments[i], session.id());
}

void Tracking::after_read(Session& session, const Command& row, Arguments arguments) {
  if (!remembers(session, row)) return;
  base::MutexLock lock(mutex_);
  for (const std::size_t i : key_positions(row, arguments)) {
    const auto found = keys_.find(arguments[i]);
    if (found != keys_.end() && std::ranges::find(found->second, session.id()) != found->second.end()) continue;
    tell(session.id(),
         std::make_shared<const Invalidation>(Invalidation{.keys = {std::string(arguments[i])}, .pending = {}}));
  }
}

// --- changes ---------------------------------------------------------------------------------------------------------

// `what` is made for the first that is told, and shared.
void Tracking::tell_of(const Change& change, std::uint64_t id, bool by_prefix,
                       std::shared_ptr<const Invalidation>& what) noexcept {
  const auto client = clients_.find(id);
  if (client == clients_.end() || client->second.by_prefix != by_prefix) return;
  if (client->second.no_loop && id == change.by) return;
  try {
    if (what == nullptr)
      what = std::make_shared<const Invalidation>(
          Invalidation{.keys = {std::string(change.key)}, .pending = change.pending, .joins = by_prefix});
  } catch (const std::bad_alloc&) {
    what = nullptr;
  }
  tell(id, what);
}

// Without memory to tell it a client could not know what it missed: then it loses its connection.
void Tracking::changed(std::string_view key, std::uint64_t by, const store::Pending& pending) noexcept {
  base::MutexLock lock(mutex_);
  if (clients_.empty()) return;
  const Change change{.key = key, .by = by, .pending = pending};
  std::shared_ptr<const Invalidation> of_key;
  if (const auto found = keys_.find(key); found != keys_.end()) {
    for (const std::uint64_t id : found->second) tell_of(change, id, false, of_key);
    items_ -= found->second.size();
    keys_.erase(found);
  }
  // Those of one client do not overlap, so none is told twice.
  std::shared_ptr<const Invalidation> of_prefix;
  for (const auto& [prefix, readers] : prefixes_)
    if (key.starts_with(prefix))
      for (const std::uint64_t id : readers) tell_of(change, id, true, of_prefix);
}

void Tracking::flushed(const store::Pending& pending) noexcept {
  if (!any()) return;
  base::MutexLock lock(mutex_);
  keys_.clear();
  items_ = 0;
  std::shared_ptr<const Invalidation> what;
  try {
    what = std::make_shared<const Invalidation>(Invalidation{.keys = {}, .pending = pending});
  } catch (const std::bad_alloc&) {
    what = nullptr;
  }
  for (auto& [id, client] : clients_) tell(id, what);
}

/// `what` null: there is no memory for it, and the connection is given up.
void Tracking::tell(std::uint64_t client, const std::shared_ptr<const Invalidation>& what) noexcept {
  const auto found = clients_.find(client);
  if (found == clients_.end()) return;
  const std::uint64_t target = found->second.redirect != 0 ? found->second.redirect : client;
  const auto show = [&](Session& session) {
    if (session.control() == nullptr) return;
    if (what == nullptr) return session.control()->close(false);
    session.control()->show_invalidation(what);
  };
  ClientRegistry& clients = environment_.clients();
  if (clients.with(target, show) || target == client) return;
  clients.with(client, [&](Session& session) {
    session.update_info([](ClientInfo& info) { info.redirect_broken = true; });
    if (session.control() == nullptr) return;
    try {
      session.control()->show_invalidation(
          std::make_shared<const Invalidation>(Invalidation{.keys = {}, .pending = {}, .broken = target}));
    } catch (const std::bad_alloc&) {
      session.control()->close(false);
    }
  });
}

}  // namespace stave::commands
