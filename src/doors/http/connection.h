// One client of the HTTP door: its bytes in, its requests in their order, its answers out when they may leave.
//
// Promises: answers leave in the order of the requests, and none before what it tells, or what those before it told, is
// as durable as the store's policy says; a client that is slow, silent or greedy is told so and closed; nothing it does
// makes the thread wait. One thread, but for `close`.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "commands/channels.h"
#include "commands/session.h"
#include "doors/http/access_log.h"
#include "doors/http/app.h"
#include "doors/http/reading_pace.h"
#include "doors/http/request_reader.h"
#include "doors/http/transport.h"

namespace stave::http {

class Connection;

/// What a connection asks of the thread that owns it.
class ConnectionHost {
 public:
  virtual ~ConnectionHost() = default;
  /// An answer waits for the disk: call `pump` when the log has moved.
  virtual void hold(Connection& connection) = 0;
  /// There is work: call `step` in the next turn.
  virtual void work(Connection& connection) = 0;
  /// What, called on any thread at any time, has `resume` called on the connection's own, if its `parking` is still the
  /// same then.
  virtual std::function<void()> way_back(Connection& connection) = 0;
  /// It is closed and nothing refers to it: destroy it at the end of the turn.
  virtual void bury(Connection& connection) = 0;
  /// Another thread wants a connection closed: call `obey_close` of all.
  virtual void close_wanted() = 0;
  [[nodiscard]] virtual std::uint64_t now_ns() const = 0;
  [[nodiscard]] virtual std::string_view date() = 0;
  [[nodiscard]] virtual std::string_view next_request_id() = 0;
  virtual void log_access(const AccessEntry& entry, std::string_view client) = 0;
  /// Where messages to its sessions come in; null: nowhere.
  [[nodiscard]] virtual commands::Post* post() { return nullptr; }
  /// A buffer that connections use in turn.
  [[nodiscard]] virtual std::span<char> scratch() = 0;
};

class Connection final : public TransportOwner, public commands::ClientControl {
 public:
  using MakeTransport = std::unique_ptr<Transport> (*)(TransportOwner&, void*);

  Connection(Hub& hub, ConnectionHost& host, std::string address, std::string local_address);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Takes its transport and begins.
  void start(std::unique_ptr<Transport> transport);

  void readable(const ErrorCodeOfSystem& problem) override;
  void sent(const ErrorCodeOfSystem& problem, std::size_t count) override;
  void close(bool after_reply) override;
  void look_at_rights() override;
  /// A message for its session, which listens.
  void hear(const commands::Message& message, const std::string* pattern);

  /// Sends what may be sent, and reads on when there is room for more.
  void pump();
  /// One step of its work.
  void step();
  /// What it waited for is there.
  void resume();
  /// Tells this wait for something from every other of this and any connection; expired: it is over.
  [[nodiscard]] std::weak_ptr<Connection*> parking() const noexcept { return parked_; }
  /// The log has failed: every answer that waits for it in vain becomes one that says so, and the others go out as they
  /// are.
  void fail_held(const Error& error);
  /// No more requests: what is in flight is finished, and then it closes.
  void stop();
  /// Looks at the clock for everything that may be too slow.
  void check_time();
  void obey_close();
  void kill();

  /// Whether messages come to it.
  [[nodiscard]] bool listens() const noexcept { return session_ != nullptr && session_->subscriptions != nullptr; }

  /// What its answers wait for, all together.
  [[nodiscard]] store::Pending held() const noexcept;

  /// The owning thread's books.
  struct Books {
    std::size_t index = 0;
    bool in_held = false;
    bool in_working = false;
    bool in_buried = false;
  } books;

 private:
  /// One of the answers of an item that waits for the disk: should that fail, each is told for itself.
  struct Waiting {
    std::size_t end;  ///< In `Item::bytes`, and of its content if it has any.
    store::Pending pending;
    int version;
    bool keep_alive;
    bool head_only;
    std::string request_id;
  };
  /// An answer on its way out, or several small ones: all of them wait for the disk, or none.
  struct Item {
    std::string bytes;
    std::string body;
    std::string_view page;
    std::optional<commands::SharedBytes> shared;
    store::Pending pending;
    std::uint64_t held_ns = 0;  ///< Since when it waits; 0: it does not.
    bool released = false;
    bool close = false;
    std::vector<Waiting> waiting;      ///< Its answers, if they wait.
    std::vector<AccessEntry> entries;  ///< Of its answers, if they are written down.
    std::size_t gone = 0;              ///< Bytes of `bytes`, then of the content, that were sent.
    [[nodiscard]] std::string_view content() const noexcept {
      if (shared) return shared->view();
      return page.empty() ? std::string_view(body) : page;
    }
    /// Nothing but `bytes`, to which more may be added.
    [[nodiscard]] bool small() const noexcept { return !shared && page.empty() && body.empty() && !close; }
  };
  enum class Phase : std::uint8_t {
    kFresh,  ///< Nothing was asked yet.
    kIdle,   ///< Between requests.
    kHead,
    kBody,
    kAnswering,  ///< Ours to be quick.
    kStreaming,  ///< An answer that goes on; what the peer sends meanwhile means nothing.
    kLingering,  ///< All is sent; the peer may still be sending.
  };

  void run(std::string_view bytes);
  std::size_t process(std::string_view bytes);
  void begin_request();
  void finish_request();
  void refuse(Problem problem);
  void respond(Response response);
  void park(const Prelude& first);
  void begin_stream(std::unique_ptr<Stream> stream);
  void step_stream();
  /// It is asked for more, if there is room.
  void draw_on_stream();
  void end_stream();
  void enqueue_piece(std::string_view piece, const store::Pending& pending = {});
  void enqueue(Response& response, bool keep_alive, bool head_only);
  /// Where the next bytes go: the last item if they are small and it waits for the disk as they do, else a new one.
  Item& item_for(bool small, bool waits);
  commands::Session* session();
  bool account_body(std::uint64_t bytes);
  bool reckon(store::BufferShare& share, std::uint64_t bytes) noexcept;
  void release_body() noexcept;
  [[nodiscard]] bool may_read_on() const noexcept;
  /// A request is being answered, and the answer is not known yet.
  [[nodiscard]] bool busy() const noexcept { return work_ != nullptr || parked_ != nullptr || stream_ != nullptr; }
  void wait_for_input();
  /// Its first answer has waited for followers for too long.
  [[nodiscard]] bool waits_for_followers_in_vain(std::uint64_t now_ns) const;
  bool let_go(Item& item);
  void fail(Item& item, const Error& error);
  std::size_t gather(std::span<asio::const_buffer> pieces);
  void consume(std::size_t count);
  /// It is owed an answer that may leave, and takes it too slowly.
  bool does_not_read(std::uint64_t now_ns);
  void begin_linger();
  void abandon();
  void enter(Phase phase) noexcept;
  void maybe_bury();

  Hub& hub_;
  ConnectionHost& host_;
  App app_;
  std::string address_;
  Caller caller_;
  std::string local_address_;
  std::unique_ptr<Transport> transport_;
  RequestReader reader_;
  Admission admission_;
  std::string input_;  ///< What was received and not read yet.
  std::deque<Item> items_;
  std::uint64_t queued_bytes_ = 0;
  store::BufferShare queued_;  ///< What the answers take, once it is worth counting.
  std::unique_ptr<Work> work_;
  std::shared_ptr<Connection*> parked_;  ///< While something that its request needs is under way.
  std::unique_ptr<commands::Session> session_;
  std::unique_ptr<Stream> stream_;  ///< May refer to the session.
  bool in_chunks_ = false;          ///< How its pieces are sent.
  std::uint64_t body_accounted_ = 0;
  store::BufferShare body_;  ///< The same of a request's.
  std::uint64_t request_began_ns_ = 0;
  std::uint64_t phase_since_ns_ = 0;
  std::uint64_t progress_ns_ = 0;  ///< When bytes were last received.
  std::uint64_t sent_bytes_ = 0;   ///< Ever, into the kernel's buffer.
  ReadingPace reading_pace_;
  std::uint64_t lingered_bytes_ = 0;
  Phase phase_ = Phase::kFresh;
  int operations_ = 0;    ///< Of the transport, begun and not ended.
  bool waiting_ = false;  ///< For input.
  bool sending_ = false;
  bool last_ = false;     ///< No request after the one in flight.
  bool closing_ = false;  ///< An answer that ends the connection is queued.
  bool at_end_ = false;   ///< The peer sends no more.
  bool dead_ = false;
  std::atomic<std::uint8_t> close_wanted_{0};  ///< 1: after the reply, 2: now.
  std::atomic<bool> look_wanted_{false};       ///< At what it may listen to.
};

}  // namespace stave::http
