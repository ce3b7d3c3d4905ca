// One client: its socket, what it sent, what it is owed, and which of that must wait for the disk.
//
// Promises: commands run in the order they came and are answered in that order; no answer leaves before what it tells,
// or what the answers before it told, is as durable as the store's policy says; nothing a client does or fails to do
// takes more memory than its limits or makes the thread wait. One thread, but for `close`.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <boost/intrusive/set.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "commands/auth_backoff.h"
#include "commands/channels.h"
#include "commands/dispatch.h"
#include "commands/waiting/bell.h"
#include "doors/resp/input.h"
#include "doors/resp/large_arguments.h"
#include "doors/resp/output.h"
#include "doors/resp/parser.h"
#include "doors/resp/shared.h"
#include "doors/resp/slow_reader.h"
#include "doors/resp/wire.h"
#include "doors/resp/writer.h"

namespace stave::commands {
class SlowLog;
}

namespace stave::resp {

/// Points the writer at whoever is being served.
class SessionWriter final : public Writer {
 public:
  void serve(Output& output, const commands::Session& session) noexcept {
    bind(output);
    session_ = &session;
  }
  [[nodiscard]] int protocol() const noexcept override { return session_->protocol(); }

 private:
  const commands::Session* session_ = nullptr;
};

/// Wakes an I/O thread. Outlives it in the hands of those who were asked to call back.
class Waker {
 public:
  explicit Waker(int descriptor) : descriptor_(descriptor) {}
  void wake() noexcept STAVE_EXCLUDES(mutex_);
  /// The descriptor is about to be closed.
  void retire() noexcept STAVE_EXCLUDES(mutex_);

 private:
  base::Mutex mutex_;
  int descriptor_ STAVE_GUARDED_BY(mutex_);
};

class Connection;

/// What the connections of one thread use in turn.
struct Workbench {
  static constexpr std::size_t kScratchBytes = 64 * 1024;
  /// Commands that are parsed, prefetched and run together: enough to hide memory latency, few enough for the
  /// first-level cache.
  static constexpr std::size_t kBatch = 64;

  struct Parsed {
    std::size_t first;
    std::size_t count;
    std::size_t begin;  ///< Where it lies in the buffer.
    std::size_t end;
    commands::Resolved call = {};
    std::uint64_t hash = 0;  ///< Of the first key, if it was prefetched.
  };

  explicit Workbench(Shared& with) : shared(with), blocks(&with.engine.budget()) { batch.reserve(kBatch); }

  /// Valid until the next batch is parsed.
  [[nodiscard]] commands::Arguments arguments_of(const Parsed& parsed) const noexcept {
    return {arguments.data() + parsed.first, parsed.count};
  }

  Shared& shared;
  BlockPool blocks;
  SessionWriter writer;
  std::unique_ptr<char[]> scratch = std::make_unique_for_overwrite<char[]>(kScratchBytes);
  std::vector<std::string_view> arguments;
  std::vector<Parsed> batch;
  /// Where the messages come that this thread's connections listen for.
  commands::Post* post = nullptr;
  /// Where it is said that calls of theirs need not wait any longer.
  commands::Bell* bell = nullptr;
  std::vector<store::KeyRef> needed;  ///< Keys of a batch whose values may have to be fetched.
  std::uint64_t now_ns = 0;
  /// Wakes the thread, from any other one, for as long as there is one to wake.
  std::shared_ptr<Waker> waker;
  /// Any thread asks for a connection to be attended to (Connection::attend), by its own.
  std::function<void(Connection&)> call;
};

/// By when a connection's call has waited long enough: in the thread's set of them, which it leaves by itself.
struct ByDeadline : boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
  std::uint64_t deadline_ns = 0;
};

class Connection final : public commands::ClientControl, public ByDeadline {
 public:
  /// Takes `descriptor`, a connected, non-blocking socket. `address` is the peer's "host:port". `context`: null for no
  /// TLS.
  Connection(Workbench& bench, int descriptor, std::string address, std::string local_address,
             const tls::Context& context = nullptr);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Reads once and runs what came.
  void on_readable();
  /// Runs what was left of the input, after a turn that ended early or a pause.
  void resume();
  /// Either: what is left comes first.
  void go_on();
  /// Sends what may be sent.
  void send();
  /// Lets go of the answers whose wait is over; true when all are.
  bool release();
  /// The log has failed: every answer that waits for it in vain becomes `error`, each for itself, and the others go out
  /// as they are.
  void fail_held(std::string_view error);
  /// A message for who listens, as it is to be sent, once that is as safe as `pending` says.
  void hear(std::string_view text, const store::Pending& pending) noexcept;
  /// Does what other threads have asked for: closes, looks at rights, shows lines.
  void attend() noexcept;
  /// Something came, or the client has left, while its call waits.
  void hear_while_waiting(bool has_left) noexcept;
  /// The wait of its call ends without what it was for.
  void stop_waiting() noexcept;
  /// Looks at the clock for idleness, the soft limit, a lingering close.
  void check_time();
  void close(bool after_reply) override;
  void look_at_rights() override;
  void show_line(const std::shared_ptr<const std::string>& line) override STAVE_EXCLUDES(lines_mutex_);
  void show_invalidation(const std::shared_ptr<const commands::Invalidation>& what) override
      STAVE_EXCLUDES(lines_mutex_);

  [[nodiscard]] int descriptor() const noexcept { return wire_.descriptor(); }
  [[nodiscard]] bool dead() const noexcept { return dead_; }
  void kill() noexcept { dead_ = true; }
  /// Its socket is somebody else's now and stays open: it is to be taken off every list of events.
  [[nodiscard]] bool handed_over() const noexcept { return handed_over_; }
  /// Its call waits for what others write (commands/waiting): nothing more runs until that has ended.
  [[nodiscard]] bool waits() const noexcept { return waiting_; }
  [[nodiscard]] bool listens() const noexcept { return session_.listening; }
  /// Whole commands may lie in the input.
  [[nodiscard]] bool runnable() const noexcept {
    return (runnable_ || (wire_.has_more() && parked_until_ns_ == 0 && !waiting_)) && !dead_ && !closing_ && !stalled();
  }
  /// Until when it is to be left alone; 0: it is not.
  [[nodiscard]] std::uint64_t parked_until_ns() const noexcept { return parked_until_ns_; }
  [[nodiscard]] const store::Pending* held() const noexcept { return marks_.empty() ? nullptr : &waits_for_; }
  /// Its oldest answer has waited for followers for too long.
  [[nodiscard]] bool waits_for_followers_in_vain() const noexcept;
  /// It waited for values from the disk, or for an errand, and that is over.
  [[nodiscard]] bool fetched() const noexcept { return fetching_ != nullptr && fetching_->load(); }
  /// Which events it wants to hear of (EPOLLIN, EPOLLOUT).
  [[nodiscard]] std::uint32_t interest() const noexcept;
  [[nodiscard]] bool needs_clock() const noexcept { return lingering_ || blocked_; }
  /// Nothing left to send.
  [[nodiscard]] bool drained() const noexcept { return output_.pending() == 0; }
  /// What its buffers take, as last shown.
  [[nodiscard]] std::uint64_t shown_bytes() const noexcept { return shown_buffers_; }
  [[nodiscard]] bool evictable() const { return !dead_ && !closing_ && !session_.info().no_evict; }
  /// Closes it to make room for others.
  void evict();
  [[nodiscard]] std::uint64_t unsent() const noexcept { return output_.pending(); }

  /// The owning thread's books.
  struct Books {
    std::size_t index = 0;
    std::uint32_t interest = 0;
    bool in_held = false;
    bool in_runnable = false;
    bool in_parked = false;
    bool in_doomed = false;
    bool in_answered = false;
  } books;
  /// The thread's, under its lock: whether it is called already, or cannot be any more.
  bool called = false;

 private:
  enum class Turn : std::uint8_t {
    kGoOn,
    kEnd,    ///< It ran, and nothing more runs now.
    kLater,  ///< It did not run; it is to be presented again.
  };
  /// An answer that waits, and where it lies in the stream. Those behind it wait with it.
  struct Mark {
    std::uint64_t begin;
    std::uint64_t end;
    store::Pending pending;
    std::uint64_t since_ns;
    bool message = false;  ///< Nobody asked for it.
  };
  /// With so many bytes or answers held for the disk's sake, the client has to wait too.
  static constexpr std::uint64_t kHeldBytesMax = 16 << 20;
  static constexpr std::size_t kHeldAnswersMax = 1 << 16;
  /// Smaller calls and answers are in no log of large ones, whatever its threshold: nobody pays for looking.
  static constexpr std::size_t kLargeFrom = 1024;
  /// A turn ends when it has produced so much, so that others get theirs.
  static constexpr std::uint64_t kTurnBytes = 1 << 20;
  /// Or when its commands have taken so long.
  static constexpr std::uint64_t kTurnNs = 5'000'000;

  ssize_t read(char* into, std::size_t room);
  void send_some();
  void greet();
  void show_lines() STAVE_EXCLUDES(lines_mutex_);
  void receive_first();
  void receive_more();
  void begin_large();
  void receive_large();
  void drop_for_memory();
  void forget_large() noexcept;
  bool received(ssize_t count);
  void run(const char* bytes, std::size_t size, std::size_t& position);
  ParseStatus parse_batch(const char* bytes, std::size_t size, std::size_t& position);
  /// What the batch's newest command, which is its last, runs.
  [[nodiscard]] commands::Resolved resolved(const Workbench::Parsed& parsed) const noexcept;
  Turn run_batch(std::uint64_t turn_end, std::size_t& position);
  /// How many commands of the batch from `i` on are about the same large collection, and may be run as one.
  [[nodiscard]] std::size_t stretch_from(std::size_t i) noexcept;
  /// Runs `count` commands from `i` on as one; returns how many were run. 0: none, they are to be run one by one.
  std::size_t run_stretch(std::size_t i, std::size_t count);
  Turn run_alone(const Workbench::Parsed& parsed);
  Turn after_call(std::uint64_t turn_end) noexcept;
  void set_paused(bool paused) noexcept;
  /// Brings towards the cache what command `i` of the batch will look at first, and what it will find there.
  void call_bucket(std::size_t i);
  void call_entry(std::size_t i);
  /// Runs one command, or finds a reason not to yet.
  Turn run_one(const commands::Resolved& call, commands::Arguments arguments);
  static bool authenticates(const commands::Resolved& call, commands::Arguments arguments) noexcept;
  /// Returns how long the answer is.
  std::uint64_t hold_answer(std::uint64_t begin, std::uint64_t end);
  void note_large(commands::SlowLog& log, const commands::Resolved& call, commands::Arguments arguments,
                  std::uint64_t bytes) const;
  void release_all() noexcept;
  void replace_held(std::string_view error);
  /// The output has refused the reply that begins at `begin`.
  Turn give_up_reply(const commands::Resolved& call, std::uint64_t begin);
  void check_query_limit(std::size_t size, std::size_t apart);
  [[nodiscard]] std::size_t bytes_apart() const noexcept;
  /// Whether the batch has to wait for values that are on the disk only; then they are being fetched.
  bool waits_for_values();
  void wait_for_errand();
  void begin_to_wait() noexcept;
  void publish_buffers();
  void count_bytes(std::uint64_t now) noexcept;
  void protocol_error();
  void close_when_sent() noexcept;
  void drop(std::string_view why, std::atomic<std::uint64_t>& counter);
  /// An allocation failed that nobody closer could do without.
  void run_out() noexcept;
  [[nodiscard]] bool trusted();
  [[nodiscard]] bool stalled() const noexcept {
    return !marks_.empty() && (output_.pending() > kHeldBytesMax || marks_.size() >= kHeldAnswersMax);
  }
  [[nodiscard]] std::string_view host() const noexcept { return commands::host_of(address_); }

  Workbench& bench_;
  Wire wire_;
  std::string address_;
  Parser parser_;
  Input input_;
  std::unique_ptr<LargeArguments> large_;  ///< Of the command at the beginning of the input, if it has any.
  Output output_;
  std::vector<Mark> marks_;   ///< Oldest first.
  store::Pending waits_for_;  ///< What all of them wait for, together.
  std::uint64_t parked_until_ns_ = 0;
  bool paused_ = false;  ///< The next call waits for the end of a pause, and is counted.
  std::shared_ptr<std::atomic<bool>>
      fetching_;  ///< Set while values are being fetched or an errand is done; true once it is over.
  std::uint64_t active_ns_;
  SlowReader slow_reader_;
  std::uint64_t linger_until_ns_ = 0;
  std::uint64_t shown_buffers_ = 0;
  bool runnable_ = false;
  bool waiting_ = false;
  bool unread_ = false;     ///< While it waits: something lies in the socket.
  bool blocked_ = false;    ///< The socket takes no more for now.
  bool closing_ = false;    ///< Runs nothing more; closed when all is sent.
  bool lingering_ = false;  ///< All is sent; waits for the client to have seen it.
  bool linger_ = false;     ///< Close by lingering.
  bool at_end_ = false;     ///< The client will send no more.
  bool dead_ = false;
  bool handed_over_ = false;
  bool told_of_memory_ = false;                ///< The log was.
  std::atomic<std::uint8_t> close_wanted_{0};  ///< 1: after the reply, 2: now.
  std::atomic<bool> rights_changed_{false};
  base::Mutex lines_mutex_;
  struct Told {
    std::shared_ptr<const std::string> line;  ///< One of the two.
    std::shared_ptr<const commands::Invalidation> invalidation;
  };
  void take_told(Told told, std::uint64_t bytes) STAVE_EXCLUDES(lines_mutex_);
  std::vector<Told> lines_ STAVE_GUARDED_BY(lines_mutex_);
  std::uint64_t lines_bytes_ STAVE_GUARDED_BY(lines_mutex_) = 0;
  commands::Session session_;  ///< Last: others can see it, and through it this.
};

}  // namespace stave::resp
