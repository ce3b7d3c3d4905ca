// A session: what the store remembers about one caller between commands. And the environment all sessions share.
//
// A session belongs to one thread at a time. Its `ClientInfo` part may be read by others (CLIENT LIST) under its own
// lock. Must not know: sockets. A door that has one tells about it through `ClientInfo` and `ClientControl`.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "commands/call_counters.h"
#include "stave/options.h"
#include "store/engine.h"

namespace stave::replication {
class Link;
}

namespace stave::commands {

struct AclUser;
class Bell;
class Environment;
class Errand;
class Post;
class Waiter;
struct ClientTracking;
struct Command;
struct Invalidation;
struct Multi;
struct Subscriptions;

/// How a door lets a client be acted upon from another one's command (CLIENT KILL, CLIENT PAUSE …). Threads: any.
class ClientControl {
 public:
  virtual ~ClientControl() = default;
  /// Ends the connection soon; what was already answered still goes out when `after_reply`.
  virtual void close(bool after_reply) = 0;
  /// What its user may do has changed: a client that may no longer listen to what it listens to is to be closed.
  virtual void look_at_rights() {}
  /// Copies of keys that the client has are worth nothing any more (CLIENT TRACKING).
  virtual void show_invalidation(const std::shared_ptr<const Invalidation>& /*what*/) {}
  /// A line for who watches all commands (MONITOR).
  virtual void show_line(const std::shared_ptr<const std::string>& /*line*/) {}
};

/// What others may know of a client.
struct ClientInfo {
  std::uint64_t id = 0;
  std::string address;  ///< "127.0.0.1:50000"; empty for an embedded session.
  std::string local_address;
  int descriptor = -1;
  std::string name;
  std::string library_name;
  std::string library_version;
  std::string last_command;  ///< "client|list" form.
  std::string user = "default";
  int database = 0;
  int protocol = 2;
  int multi = -1;  ///< Commands queued by MULTI; -1: none was called.
  std::uint64_t multi_bytes = 0;
  std::size_t channels = 0;  ///< It listens to; likewise below.
  std::size_t patterns = 0;
  std::size_t shard_channels = 0;
  [[nodiscard]] bool listens() const noexcept { return channels + patterns + shard_channels != 0; }
  bool blocked = false;
  bool no_evict = false;
  bool no_touch = false;
  bool monitors = false;
  bool tracks = false;
  bool tracks_prefixes = false;
  bool redirect_broken = false;
  std::int64_t redirect = -1;    ///< To whom it lets what it would be told go; 0: nobody, -1: it does not track.
  std::uint64_t created_ns = 0;  ///< On the monotonic clock.
  std::uint64_t active_ns = 0;
  std::uint64_t query_buffer = 0;
  std::uint64_t output_buffer = 0;
};

/// A command that lost its part (part.h) and is to be run again, with more shards locked from the start.
struct Restart {
  std::vector<keyspace::ShardId> shards;
  int count = 0;
  bool wanted = false;

  void note(store::Transaction& lost) noexcept;
};

/// Whether the next replies are sent (CLIENT REPLY).
enum class ReplyMode : std::uint8_t { kOn, kOff, kSkip, kSkipNext };

class Session {
 public:
  /// `control` may be null (embedded); else it must outlive the session.
  Session(Environment& environment, ClientInfo info, ClientControl* control);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] Environment& environment() noexcept { return environment_; }
  [[nodiscard]] int database() const noexcept { return database_; }
  void select(int database) noexcept;
  /// How many there are.
  [[nodiscard]] int databases() const noexcept;
  [[nodiscard]] int protocol() const noexcept { return protocol_; }
  void set_protocol(int version) noexcept;
  /// Who it is (access.h).
  struct Identity {
    std::shared_ptr<const AclUser> user;  ///< Null: it is the owner's, or its user was removed.
    std::uint64_t version = 0;            ///< Of the users when that was found.
    std::uint64_t failures = 0;           ///< Names and passwords that did not fit.
    bool authenticated = false;           ///< From the start when `default` needs no password.
    bool owner = false;                   ///< Of the process: nothing is denied.
  };
  Identity identity;
  /// Whether nothing about its calls needs to be looked at: it may do everything, and nobody watches. One relaxed load.
  [[nodiscard]] bool plain() const noexcept { return plain_.load(std::memory_order_relaxed); }
  /// False, on any thread: rights or watchers have changed, and the session finds out before its next call.
  void set_plain(bool yes) noexcept { plain_.store(yes); }
  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }

  /// The hash of the next command's first key, as `prefetch` returned it; 0 takes it back. The key is known by where
  /// its bytes lie, so it must be taken back before those change.
  void set_known_hash(std::string_view key, std::uint64_t hash) noexcept {
    known_key_ = key.data();
    known_hash_ = hash;
  }
  [[nodiscard]] std::uint64_t known_hash(std::string_view key) const noexcept {
    return key.data() == known_key_ ? known_hash_ : 0;
  }

  /// Durability of this session's later writes; kDefault: the store's (STAVE.SYNC).
  [[nodiscard]] Sync sync() const noexcept { return sync_; }
  void set_sync(Sync sync) noexcept { sync_ = sync; }
  /// How many followers are to have this session's later writes on their disks before they are answered, where that is
  /// more than is asked of all.
  [[nodiscard]] std::uint32_t replicas() const noexcept { return replicas_; }
  void set_replicas(std::uint32_t count) noexcept { replicas_ = count; }

  /// What the answers given so far must wait for. The door takes it before it sends.
  void wait_for(const store::Pending& pending) noexcept { pending_.merge(pending); }
  [[nodiscard]] store::Pending take_pending() noexcept { return std::exchange(pending_, {}); }
  /// It has written up to there, which its answers are made to wait for.
  void wrote(const store::Pending& pending) noexcept {
    const Lsn end = pending.end();
    if (end > last_write) last_write = end;
    if (replicas_ != 0) [[unlikely]]
      pending_.require(end, replicas_);
  }
  /// End of this session's last write, for WAITAOF.
  Lsn last_write = kNoLsn;

  /// Set by QUIT and by errors after which the door must close once the answer is out.
  [[nodiscard]] bool closing() const noexcept { return closing_; }
  void set_closing() noexcept { closing_ = true; }
  ReplyMode reply_mode = ReplyMode::kOn;
  /// MULTI was called: what comes is queued (multi.h).
  bool in_multi = false;
  /// EXEC runs what was queued.
  bool executing = false;
  /// What MULTI and WATCH left; null: nothing ever.
  std::unique_ptr<Multi> multi;
  /// Tells others how far a transaction has got; `calls` -1: there is none.
  void show_multi(int calls, std::uint64_t bytes) noexcept {
    multi_calls_.store(calls, std::memory_order_relaxed);
    multi_bytes_.store(bytes, std::memory_order_relaxed);
  }
  /// It listens to channels (channels.h): with the older protocol, few commands may be sent.
  bool listening = false;
  /// Where its messages go, from a door that can bring them; it outlives the session. Null: there is none.
  Post* post = nullptr;
  /// What it listens to; null: nothing.
  std::unique_ptr<Subscriptions> subscriptions;
  void show_subscriptions(std::size_t channels, std::size_t patterns, std::size_t shard_channels) noexcept;
  /// How many bytes may be queued, and how many the answers of a transaction may have. A door may say so.
  std::uint64_t queued_bytes_max = std::uint64_t{128} << 20;
  std::uint64_t answer_bytes_max = std::uint64_t{256} << 20;

  /// Large arguments of the calls to come that lie in blocks of their own already, from the door.
  std::span<const keyspace::Block> received;
  /// The block that is `value`; null: there is none.
  [[nodiscard]] const keyspace::Block* received_block(std::string_view value) const noexcept {
    if (value.size() < keyspace::Block::kMappedFrom) [[likely]]
      return nullptr;
    for (const keyspace::Block& block : received)
      if (block.view().data() == value.data() && block.size() == value.size()) return &block;
    return nullptr;
  }

  /// CLIENT TRACKING (notices/tracking.h); null: off.
  std::unique_ptr<ClientTracking> tracking;

  /// The door runs this session's commands for a while, and nobody else's.
  void begin_turn() noexcept { busy_ns_ = chain_ns_ = 0; }
  /// How long those have taken that were timed.
  [[nodiscard]] std::uint64_t busy_ns() const noexcept { return busy_ns_; }
  /// When the command before this one ended, if that was just now; 0: not known. For dispatch.
  [[nodiscard]] std::uint64_t take_chain() noexcept { return std::exchange(chain_ns_, 0); }
  void end_timed(std::uint64_t at_ns, std::uint64_t taken_ns) noexcept {
    chain_ns_ = at_ns;
    busy_ns_ += taken_ns;
  }

  /// For parts, and for dispatch.
  Restart restart;
  /// The hash of the key that was found to hold a collection of pages last, which is looked at in a part
  /// (collection.h): who comes back to it need not find that out again.
  std::uint64_t paged_key = 0;

  /// What several commands that are run as one share (together.h); null: each stands for itself.
  store::Transaction* shared = nullptr;

  /// What a handler says of its call besides what it changed (notices/event_rules.h).
  std::uint8_t remarks = 0;

  /// What scripts have published, for when that which they are part of has happened.
  std::vector<std::vector<std::string>> afterwards;
  /// Set by one of several commands: all of them are to be undone.
  bool undo_together = false;

  /// For doors that can let a connection rest and present its call again: then commands that take long are done
  /// elsewhere (errands.h).
  bool may_leave = false;
  /// Set after `dispatch`: nothing was answered; the same call is to be presented again when this is done.
  std::shared_ptr<Errand> errand;
  /// For sessions whose thread may stand still while a call waits for somebody else's change (waiting/wait.h).
  bool may_block = false;
  /// Where it is said that such a wait is over, from a door that can let a connection rest; it outlives the session.
  Bell* bell = nullptr;
  /// As `errand`: the same call is to be presented again when this has ended.
  std::shared_ptr<Waiter> waiter;
  /// Whether the call that was dispatched last is not over.
  [[nodiscard]] bool away() const noexcept { return errand != nullptr || waiter != nullptr; }
  void show_waiting(bool on) noexcept { waits_.store(on, std::memory_order_relaxed); }

  /// For doors that can give a connection away as a stream of bytes.
  bool may_hand_over = false;
  /// Set by one command, which also asks for the connection to be closed: instead, once all is sent, it is given to
  /// this, and the session ends.
  std::function<void(std::unique_ptr<replication::Link>)> take_over;

  /// Runs `change` on the part others may see.
  template <class Change>
  void update_info(Change&& change) {
    base::ShortLock lock(info_mutex_);
    change(info_);
  }
  [[nodiscard]] ClientInfo info() const;
  /// CLIENT NO-TOUCH: whether this session's reads leave no trace.
  void set_no_touch(bool on) noexcept { read_access_ = on ? store::Access::kPeek : store::Access::kTouch; }
  /// How this session's commands look at keys they use.
  [[nodiscard]] store::Access read_access() const noexcept { return read_access_; }
  /// Counts this session's calls until the statistics ask for them.
  [[nodiscard]] CallCounters& counters() noexcept { return counters_; }
  /// The row run last, for CLIENT LIST. Static storage.
  [[nodiscard]] const Command* last_row() const noexcept { return last_row_.load(std::memory_order_relaxed); }
  void set_last_row(const Command& row) noexcept { last_row_.store(&row, std::memory_order_relaxed); }
  /// When the session last did something, for CLIENT LIST. A door that reads the clock anyway may tell; dispatch tells
  /// at times.
  void set_active(std::uint64_t monotonic_ns) noexcept { active_ns_.store(monotonic_ns, std::memory_order_relaxed); }
  [[nodiscard]] ClientControl* control() const noexcept { return control_; }
  /// Back to a fresh session (RESET).
  void reset();

 private:
  Environment& environment_;
  ClientControl* control_;
  std::uint64_t id_ = 0;
  int database_ = 0;
  int protocol_ = 2;
  std::atomic<bool> plain_{false};
  bool closing_ = false;
  Sync sync_ = Sync::kDefault;
  std::uint32_t replicas_ = 0;
  store::Access read_access_ = store::Access::kTouch;
  store::Pending pending_;
  const char* known_key_ = nullptr;
  std::uint64_t known_hash_ = 0;
  std::uint64_t busy_ns_ = 0;
  std::uint64_t chain_ns_ = 0;
  CallCounters counters_;
  std::atomic<int> multi_calls_{-1};
  std::atomic<std::uint64_t> multi_bytes_{0};
  std::atomic<bool> waits_{false};
  std::atomic<std::uint64_t> active_ns_{0};
  std::atomic<const Command*> last_row_{nullptr};
  mutable base::ShortMutex info_mutex_;
  ClientInfo info_ STAVE_GUARDED_BY(info_mutex_);
};

}  // namespace stave::commands
