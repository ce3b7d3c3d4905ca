// CLIENT TRACKING: which clients keep copies of which keys, and who tells them that a copy is worth nothing any more.
//
// A client is put down for a key before it reads it, and told of the next change of that key once, after the change may
// be read; so none is lost, and none comes before what it announces. Should the change come between the two, the client
// is told again behind the answer that it may keep. Promises: the table holds at most so many keys as it is told to,
// those beyond it are given up as if they had changed; keys are known by their names in all databases, as in Redis.
// Must not know: sockets, protocols. Threads: any. Order of locks: shards, this one's, then the registry of clients.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "commands/channels.h"
#include "commands/resolve.h"
#include "store/engine.h"

namespace stave::commands {

class Environment;
class Session;

/// What a client is told.
struct Invalidation {
  std::vector<std::string> keys;  ///< None: all of them.
  store::Pending pending;         ///< What telling it waits for.
  static constexpr std::size_t kJoinedMax = 512;
  bool joins = false;        ///< May be told in one message with others of the kind that come right after.
  std::uint64_t broken = 0;  ///< Not 0: instead, that the client to which its messages went is gone.

  /// Whether there is room for more in one message: so that joining stays cheap.
  [[nodiscard]] bool may_join(const Invalidation& next) const noexcept {
    return joins && next.joins && keys.size() < kJoinedMax;
  }
  /// Each key once. Throws std::bad_alloc. O(keys).
  void join(const Invalidation& next);
};

/// What a session has asked for. Its thread's.
struct ClientTracking {
  bool by_prefix = false;
  bool opt_in = false;
  bool opt_out = false;
  bool no_loop = false;
  std::uint64_t redirect = 0;
  std::vector<std::string> prefixes = {};  ///< With `by_prefix`; the empty one stands for all keys.
  bool caching = false;                    ///< CLIENT CACHING was called for the next command.
};

struct TrackingCounts {
  std::uint64_t clients = 0;
  std::uint64_t keys = 0;
  std::uint64_t items = 0;  ///< Clients of all keys.
  std::uint64_t prefixes = 0;
};

class Tracking {
 public:
  explicit Tracking(Environment& environment) noexcept : environment_(environment) {}

  /// Whether any client tracks: one relaxed load.
  [[nodiscard]] bool any() const noexcept { return clients_count_.load(std::memory_order_relaxed) != 0; }
  void set_keys_max(std::uint64_t keys) noexcept { keys_max_.store(keys, std::memory_order_relaxed); }
  [[nodiscard]] TrackingCounts counts() const STAVE_EXCLUDES(mutex_);

  /// The session tracks as `wish` says from now on. Throws std::bad_alloc; then it does not track.
  void begin(Session& session, ClientTracking wish) STAVE_EXCLUDES(mutex_);
  void end(Session& session) noexcept STAVE_EXCLUDES(mutex_);

  /// The session is about to run a call that reads. Throws std::bad_alloc.
  void before_read(Session& session, const Command& row, Arguments arguments) STAVE_EXCLUDES(mutex_);
  /// It has. Throws std::bad_alloc.
  void after_read(Session& session, const Command& row, Arguments arguments) STAVE_EXCLUDES(mutex_);

  /// A key was changed, by that client (0: by none), whose shard is locked.
  void changed(std::string_view key, std::uint64_t by, const store::Pending& pending) noexcept STAVE_EXCLUDES(mutex_);
  /// Whole databases were emptied.
  void flushed(const store::Pending& pending) noexcept STAVE_EXCLUDES(mutex_);

 private:
  struct Client {
    std::uint64_t redirect = 0;
    bool by_prefix = false;
    bool no_loop = false;
  };
  using Readers = std::vector<std::uint64_t>;
  struct Change {
    std::string_view key;
    std::uint64_t by = 0;
    const store::Pending& pending;
  };

  void put_down(const Session& session) STAVE_EXCLUDES(mutex_);
  [[nodiscard]] bool remembers(const Session& session, const Command& row) const noexcept;
  void remember(std::string_view key, std::uint64_t client) STAVE_REQUIRES(mutex_);
  void give_up_some() STAVE_REQUIRES(mutex_);
  void sweep(Readers& readers) noexcept STAVE_REQUIRES(mutex_);
  void tell_of(const Change& change, std::uint64_t id, bool by_prefix,
               std::shared_ptr<const Invalidation>& what) noexcept STAVE_REQUIRES(mutex_);
  void tell(std::uint64_t client, const std::shared_ptr<const Invalidation>& what) noexcept STAVE_REQUIRES(mutex_);

  Environment& environment_;
  std::atomic<std::uint64_t> clients_count_{0};
  std::atomic<std::uint64_t> keys_max_{1'000'000};
  mutable base::Mutex mutex_;
  std::unordered_map<std::uint64_t, Client> clients_ STAVE_GUARDED_BY(mutex_);
  ByName<Readers> keys_ STAVE_GUARDED_BY(mutex_);
  std::uint64_t items_ STAVE_GUARDED_BY(mutex_) = 0;
  std::map<std::string, Readers, std::less<>> prefixes_ STAVE_GUARDED_BY(mutex_);
};

}  // namespace stave::commands
