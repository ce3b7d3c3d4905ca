// Publish and subscribe: who listens to which channels, and how a message gets to them.
//
// A session that listens belongs to a `Post`, the place where one thread of a door takes its messages; whoever
// publishes leaves one copy at each post that has a listener, so a message costs as much as there are threads, not
// listeners. Promises: all listeners of a channel get its messages in one order, and those of one publisher in the
// order in which they were published; each at most once; a message waits for what its publisher had written before.
// Must not know: sockets, protocols.
#pragma once

#include <array>
#include <atomic>
#include <boost/container/flat_map.hpp>
#include <boost/container/flat_set.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/function_ref.h"
#include "base/mutex.h"
#include "stave/error.h"
#include "store/buffer_meter.h"
#include "store/engine.h"

namespace stave::commands {

class Channels;
class Session;

enum class ChannelKind : std::uint8_t { kChannel, kPattern, kShard };
inline constexpr std::size_t kChannelKinds = 3;

struct Message {
  std::string channel;
  std::string payload;
  bool sharded = false;
  /// Of all patterns that anybody listens to, those that the channel matches.
  std::vector<std::string> patterns;
  /// What telling it waits for: that its publisher's writes before it are as safe as the store's policy says.
  store::Pending pending;
  store::BufferShare counted;
};

/// Names by their bytes, looked up without a copy.
struct NameHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view name) const noexcept { return std::hash<std::string_view>{}(name); }
};
template <class Value>
using ByName = std::unordered_map<std::string, Value, NameHash, std::equal_to<>>;

/// Where one thread takes the messages for its sessions.
class Post {
 public:
  using Letter = std::shared_ptr<const Message>;

  /// `wake` is called, on any thread, when the first message comes after the last `drain`, unless it comes from the
  /// post's own thread. `channels` must outlive the post, and the post its sessions.
  Post(Channels& channels, std::function<void()> wake) : channels_(channels), wake_(std::move(wake)) {}
  Post(const Post&) = delete;
  Post& operator=(const Post&) = delete;

  /// Whether there are messages: one relaxed load, of the thread's own line.
  [[nodiscard]] bool waiting() const noexcept { return waiting_.load(std::memory_order_relaxed); }
  /// Shows all messages that have come, each with those who hear it: first as listeners of its channel (`pattern`
  /// null), then for each pattern. Only the post's thread, which does not change who listens meanwhile.
  using Show = base::FunctionRef<void(const Message&, const std::string* pattern, Session&)>;
  void drain(Show show) STAVE_EXCLUDES(mutex_);

  [[nodiscard]] Channels& channels() noexcept { return channels_; }

 private:
  friend class Channels;
  friend struct Subscriptions;
  using Listeners = boost::container::flat_set<Session*>;

  void put(std::list<Letter> letter, bool from_within) noexcept STAVE_EXCLUDES(mutex_);
  void show_to(ChannelKind kind, std::string_view name, const Message& message, const std::string* pattern, Show show);

  Channels& channels_;
  std::function<void()> wake_;
  std::array<ByName<Listeners>, kChannelKinds> listeners_;  ///< The thread's own.
  std::atomic<bool> waiting_{false};
  base::Mutex mutex_;
  std::list<Letter> letters_ STAVE_GUARDED_BY(mutex_);
};

/// Which posts have listeners, of everything. Threads: any.
class Channels {
 public:
  explicit Channels(store::BufferMeter* meter) noexcept : meter_(meter) {}

  /// One more listener at `post`. Throws std::bad_alloc; nothing changed.
  void add(ChannelKind kind, std::string_view name, Post& post) STAVE_EXCLUDES(mutex_);
  void remove(ChannelKind kind, std::string_view name, Post& post) noexcept STAVE_EXCLUDES(mutex_);

  /// Returns how many will hear it. `own`: the post of the thread that asks, if it has one. Errors: kNoMemory, and
  /// nobody hears it.
  Result<std::uint64_t> publish(std::string_view channel, std::string_view payload, bool sharded,
                                const store::Pending& pending, const Post* own) STAVE_EXCLUDES(mutex_);

  /// The channels that somebody listens to and that match the pattern, or all.
  [[nodiscard]] std::vector<std::string> names(ChannelKind kind, const std::string_view* pattern) const
      STAVE_EXCLUDES(mutex_);
  [[nodiscard]] std::uint64_t listeners(ChannelKind kind, std::string_view name) const STAVE_EXCLUDES(mutex_);
  /// How many different names of that kind somebody listens to.
  [[nodiscard]] std::size_t count(ChannelKind kind) const STAVE_EXCLUDES(mutex_);

 private:
  struct Heard {
    std::uint64_t listeners = 0;
    boost::container::flat_map<Post*, std::uint64_t> posts;
  };
  using Posts = boost::container::flat_set<Post*>;
  std::uint64_t find_listeners(std::string_view channel, bool sharded, Posts& posts,
                               std::vector<std::string>& patterns) const STAVE_REQUIRES(mutex_);

  store::BufferMeter* meter_;
  std::atomic<std::uint64_t> all_{0};  ///< Listeners to anything.
  mutable base::Mutex mutex_;
  std::array<ByName<Heard>, kChannelKinds> heard_ STAVE_GUARDED_BY(mutex_);
};

/// What one session listens to. Its thread's.
struct Subscriptions {
  Subscriptions(Post& at, store::BufferMeter* meter) : post(at), counted(meter) {}

  using Names = std::set<std::string, std::less<>>;
  Post& post;
  std::array<Names, kChannelKinds> names;
  std::uint64_t bytes = 0;
  store::BufferShare counted;

  Names& of(ChannelKind kind) noexcept { return names[static_cast<std::size_t>(kind)]; }
  [[nodiscard]] bool empty() const noexcept;
  /// False: there is no room for more, and nothing changed. Listening twice is listening once.
  [[nodiscard]] bool add(Session& session, ChannelKind kind, std::string_view name, std::uint64_t bytes_max);
  void remove(Session& session, ChannelKind kind, std::string_view name) noexcept;
};

/// The session hears nothing any more.
void forget_subscriptions(Session& session) noexcept;

}  // namespace stave::commands
