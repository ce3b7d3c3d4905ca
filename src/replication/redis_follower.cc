#include "replication/redis_follower.h"

#include <algorithm>
#include <new>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/thread.h"
#include "base/try.h"
#include "log/segment.h"
#include "replication/times.h"

namespace stave::replication {

namespace {

constexpr std::int64_t kMasterLookMs = 500;
constexpr std::uint64_t kAnswerNs = 15'000'000'000;
/// A master that says nothing for so long is gone: it pings every ten seconds, also while it makes a snapshot.
constexpr std::uint64_t kMasterSilenceNs = 60'000'000'000;
constexpr std::uint64_t kAcknowledgeNs = 1'000'000'000;
/// After a snapshot that was refused: making another one costs the master much.
constexpr std::int64_t kRetryCopyMs = 10'000;
constexpr std::size_t kPiece = 256u << 10;
constexpr std::size_t kAnswerLineMax = 4096;
constexpr std::size_t kUnitsMax = 512;
constexpr std::uint64_t kGroupBytesMax = 4u << 20;

std::string call_of(std::initializer_list<std::string_view> words) {
  std::string call = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string_view word : words)
    call.append("$").append(std::to_string(word.size())).append("\r\n").append(word).append("\r\n");
  return call;
}

/// Whether another try cannot end otherwise: somebody has to do something first.
bool is_final(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kUnsupported:
    case ErrorCode::kTooLarge:
    case ErrorCode::kInvalidArgument: return true;
    default: return false;
  }
}

/// Removes a file if it is there.
Result<void> remove_if_there(FileSystem& files, const std::string& path) {
  STAVE_ASSIGN(const bool there, files.exists(path));
  return there ? files.remove(path) : Result<void>{};
}

}  // namespace

/// A link, and what has come on it and was not taken yet.
struct RedisFollower::Connection {
  explicit Connection(RedisFollower& follower) : owner(follower), piece(kPiece) {}
  ~Connection() {
    base::MutexLock lock(owner.mutex_);
    owner.link_ = nullptr;
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void use(std::unique_ptr<Link> fresh) {
    link = std::move(fresh);
    heard_ns = owner.engine_.clock().monotonic_ns();
    base::MutexLock lock(owner.mutex_);
    owner.link_ = link.get();
    if (owner.stopping()) link->shut();
  }
  Result<void> send(std::string_view text) { return link->send(base::as_bytes(text)); }
  /// Receives what there is into `buffer`, waiting a little. Errors: those of the link; kAborted; kBusy: nothing has
  /// come for `silence_ns`.
  Result<bool> fill(std::int64_t wait_ms, std::uint64_t silence_ns) {
    if (owner.stopping()) return fail(ErrorCode::kAborted, "stopped");
    STAVE_ASSIGN(const std::size_t got, link->receive(piece, wait_ms));
    const std::uint64_t now = owner.engine_.clock().monotonic_ns();
    if (got != 0) {
      heard_ns = now;
      owner.show([&](RedisStatus& status) { status.heard_ns = now; });
      buffer.append(reinterpret_cast<const char*>(piece.data()), got);
      return true;
    }
    if (now - heard_ns > silence_ns)
      return fail(ErrorCode::kBusy,
                  "the master has said nothing for " + std::to_string(silence_ns / 1'000'000'000) + " seconds");
    return false;
  }
  /// The next line that is not empty: those keep a connection alive.
  Result<std::string> line(std::uint64_t silence_ns) {
    for (;;) {
      const std::size_t end = buffer.find('\n');
      if (end == std::string::npos) {
        if (buffer.size() > kAnswerLineMax)
          return fail(ErrorCode::kCorrupt, "what answers is no master: a line has no end");
        STAVE_TRY(fill(kMasterLookMs, silence_ns));
        continue;
      }
      std::string text = buffer.substr(0, end);
      buffer.erase(0, end + 1);
      if (text.ends_with('\r')) text.pop_back();
      if (!text.empty()) return text;
    }
  }
  Result<std::string> ask(std::initializer_list<std::string_view> words) {
    STAVE_TRY(send(call_of(words)));
    return line(kAnswerNs);
  }

  RedisFollower& owner;
  std::unique_ptr<Link> link;
  std::vector<std::byte> piece;
  std::string buffer;
  std::uint64_t heard_ns = 0;
};

RedisFollower::RedisFollower(store::Engine& engine, RedisState state, RedisTarget& target, Config config)
    : engine_(engine), target_(target), config_(std::move(config)), state_(std::move(state)) {
  whole_.store(state_.copy == RedisCopy::kOwn || state_.copy == RedisCopy::kFollow, std::memory_order_release);
  base::MutexLock lock(mutex_);
  status_.master = state_.master;
  if (config_.carried != nullptr) status_.full_syncs = config_.carried->full_syncs;
  caught_up_ns_ = engine_.clock().monotonic_ns();
}

RedisFollower::~RedisFollower() {
  stop();
}

void RedisFollower::start() {
  thread_ = base::start_thread([this] { run(); });
}

void RedisFollower::stop() {
  {
    base::MutexLock lock(mutex_);
    stopping_.store(true, std::memory_order_relaxed);
    if (link_ != nullptr) link_->shut();
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

RedisStatus RedisFollower::status() const {
  const std::uint64_t now = engine_.clock().monotonic_ns();
  base::MutexLock lock(mutex_);
  RedisStatus status = status_;
  status.whole = whole();
  const bool caught_up = status.connected && status.received == status.position.offset;
  const std::uint64_t since = caught_up ? std::max(caught_up_ns_, status.heard_ns) : caught_up_ns_;
  // One that is up to date is heard of every ten seconds.
  constexpr std::uint64_t kHeardNs = 30'000'000'000;
  status.lag_ms = caught_up && now - since < kHeardNs ? 0 : (now - std::min(since, now)) / 1'000'000;
  return status;
}

template <class Change>
void RedisFollower::show(Change&& change) {
  base::MutexLock lock(mutex_);
  change(status_);
  if (status_.connected && status_.received == status_.position.offset) caught_up_ns_ = engine_.clock().monotonic_ns();
}

void RedisFollower::note(std::string trouble, bool connected) {
  base::MutexLock lock(mutex_);
  const bool news = trouble != status_.trouble || connected != status_.connected;
  status_.trouble = std::move(trouble);
  status_.connected = connected;
  status_.receiving = false;
  if (!news) return;
  if (connected) {
    config_.tell("follows the Redis at " + status_.master + " from offset " + std::to_string(status_.position.offset));
  } else if (!status_.trouble.empty()) {
    config_.tell("does not follow the Redis at " + status_.master + " now: " + status_.trouble);
  }
}

void RedisFollower::rest(std::int64_t ms) {
  base::MutexLock lock(mutex_);
  if (!stopping()) wake_.wait_for_ms(mutex_, ms);
}

Result<void> RedisFollower::save(const RedisState& state) {
  STAVE_TRY(save_redis_state(engine_.file_system(), engine_.directory(), state));
  state_ = state;
  return {};
}

void RedisFollower::run() {
  base::enter_thread("stave-redis");
  const store::MirrorPass pass;
  std::int64_t retry_ms = kRetryMsMin;
  while (!stopping() && !reopening_) {
    const std::uint64_t begun = engine_.clock().monotonic_ns();
    Result<void> ended;
    try {
      ended = follow_once();
    } catch (const std::bad_alloc&) {
      ended = fail(ErrorCode::kNoMemory, "there is no memory");
    }
    if (stopping() || reopening_) return;
    note(ended ? "the connection has ended" : ended.error().describe(), false);
    if (!ended && is_final(ended.error())) {
      config_.tell("has given up following the Redis at " + state_.master +
                   ": nothing was left out; REPLICAOF tries again");
      show([](RedisStatus& status) { status.stopped = true; });
      while (!stopping()) rest(kRetryCopyMs);
      return;
    }
    if (engine_.clock().monotonic_ns() - begun > 10'000'000'000) retry_ms = kRetryMsMin;
    const bool bad_copy = !ended && ended.error().code() == ErrorCode::kCorrupt;
    rest(bad_copy ? kRetryCopyMs : retry_ms);
    retry_ms = std::min(2 * retry_ms, kRetryMsMax);
  }
}

Result<void> RedisFollower::follow_once() {
  Connection connection(*this);
  if (config_.carried != nullptr && config_.carried->link != nullptr) {
    connection.use(std::move(config_.carried->link));
    connection.buffer = std::move(config_.carried->behind);
  }
  if (state_.copy == RedisCopy::kLoad) {
    const std::uint64_t begun = engine_.clock().monotonic_ns();
    std::uint64_t told_ns = begun;
    show([](RedisStatus& status) { status.loading = true; });
    const auto alive = [&] {
      const std::uint64_t now = engine_.clock().monotonic_ns();
      if (connection.link != nullptr && now - told_ns > kAcknowledgeNs) {
        told_ns = now;
        // So that the master does not take this side for dead. One that is gone is found out afterwards.
        static_cast<void>(connection.send("\n"));
      }
      return !stopping();
    };
    auto loaded = [&]() -> Result<void> {
      FileSystem& files = engine_.file_system();
      const std::string path = log::join_path(engine_.directory(), kRedisCopyName);
      STAVE_ASSIGN(const auto file, files.open(path, OpenMode::kRead));
      STAVE_TRY(target_.load(*file, alive));
      STAVE_TRY(target_.put_position(state_.lineage, state_.loaded));
      STAVE_TRY(engine_.sync());
      return finish_loading();
    }();
    show([](RedisStatus& status) { status.loading = false; });
    if (!loaded) {
      const ErrorCode code = loaded.error().code();
      if (code == ErrorCode::kCorrupt || code == ErrorCode::kNotFound) {
        // The file was whole, and is not any more: another one has to come.
        RedisState next = state_;
        next.copy = RedisCopy::kNone;
        STAVE_TRY(save(next));
      }
      return loaded;
    }
  } else if (state_.copy == RedisCopy::kFollow && position_.replid.empty()) {
    STAVE_ASSIGN(const auto known, target_.position(state_.lineage));
    if (known) position_ = *known;
  }
  show([&](RedisStatus& status) { status.position = position_; });
  if (connection.link == nullptr) {
    STAVE_TRY(connect(connection));
    if (reopening_) return {};
  } else if (connection.buffer.empty()) {
    STAVE_TRY(acknowledge(connection));  // one that sends its snapshot from memory waits for that
  }
  return stream(connection);
}

/// What was loaded is the store's data from here on.
Result<void> RedisFollower::finish_loading() {
  RedisState next = state_;
  next.copy = RedisCopy::kFollow;
  STAVE_TRY(save(next));
  position_ = state_.loaded;
  whole_.store(true, std::memory_order_release);
  STAVE_TRY(remove_if_there(engine_.file_system(), log::join_path(engine_.directory(), kRedisCopyName)));
  const std::uint64_t took =
      config_.carried == nullptr ? 0 : (engine_.clock().monotonic_ns() - config_.carried->begun_ns) / 1'000'000;
  config_.tell("has loaded the copy of the Redis at " + state_.master +
               (took == 0 ? std::string() : ", " + std::to_string(took) + " ms after it was asked for"));
  return {};
}

Result<void> RedisFollower::connect(Connection& connection) {
  STAVE_ASSIGN(auto link, config_.dial(state_.master));
  connection.use(std::move(link));
  STAVE_TRY(greet(connection));
  const bool known = !position_.replid.empty();
  const std::string from = known ? std::to_string(position_.offset + 1) : "-1";
  STAVE_ASSIGN(const std::string line,
               connection.ask({"PSYNC", known ? std::string_view(position_.replid) : std::string_view("?"), from}));
  STAVE_ASSIGN(const PsyncAnswer answer, parse_psync_answer(line));
  if (answer.full) return receive_snapshot(connection, answer);
  if (!known) return fail(ErrorCode::kCorrupt, "the master goes on where nothing has begun");
  show([](RedisStatus& status) { ++status.partial_syncs; });
  if (answer.replid.empty() || answer.replid == position_.replid) return {};
  position_.replid = answer.replid;
  return target_.put_position(state_.lineage, position_);
}

Result<void> RedisFollower::greet(Connection& connection) {
  STAVE_ASSIGN(const std::string pong, connection.ask({"PING"}));
  if (pong.starts_with("-NOAUTH") || pong.starts_with("-NOPERM"))
    return fail(ErrorCode::kPermission, "the master wants a user and a password (masteruser, masterauth): " + pong);
  if (pong.starts_with("-LOADING") || pong.starts_with("-BUSY") || pong.starts_with("-MASTERDOWN"))
    return fail(ErrorCode::kBusy, "the master is not ready: " + pong);
  if (pong != "+PONG") return fail(ErrorCode::kCorrupt, "what answers is no master: " + pong.substr(0, 80));
  // A master that does not know one of these goes without it.
  if (config_.port != 0) STAVE_TRY(connection.ask({"REPLCONF", "listening-port", std::to_string(config_.port)}));
  STAVE_TRY(connection.ask({"REPLCONF", "capa", "eof", "capa", "psync2"}));
  return {};
}

// What was stays until all of it is here and has passed.
Result<void> RedisFollower::receive_snapshot(Connection& connection, const PsyncAnswer& answer) {
  const std::uint64_t begun = engine_.clock().monotonic_ns();
  config_.tell("copies everything from the Redis at " + state_.master);
  show([](RedisStatus& status) {
    status.receiving = true;
    status.snapshot_bytes = status.snapshot_expected = 0;
    ++status.full_syncs;
  });
  STAVE_ASSIGN(const std::string line, connection.line(kMasterSilenceNs));
  STAVE_ASSIGN(const SnapshotFrame frame, parse_snapshot_frame(line));
  show([&](RedisStatus& status) { status.snapshot_expected = frame.bytes; });
  FileSystem& files = engine_.file_system();
  const std::string part = log::join_path(engine_.directory(), kRedisCopyPart);
  STAVE_TRY(remove_if_there(files, part));
  if (auto stored = store_snapshot(connection, frame); !stored) {
    static_cast<void>(remove_if_there(files, part));  // the reason is the one to tell
    return stored;
  }
  STAVE_TRY(files.rename(part, log::join_path(engine_.directory(), kRedisCopyName)));
  STAVE_TRY(files.sync_directory(engine_.directory()));
  RedisState next = state_;
  next.copy = RedisCopy::kLoad;
  next.loaded = {.replid = answer.replid, .offset = answer.offset, .database = 0};
  STAVE_TRY(save(next));
  config_.tell("the copy is here and has passed its checks, " +
               std::to_string((engine_.clock().monotonic_ns() - begun) / 1'000'000) +
               " ms after it was asked for; it takes the place of what the store had");
  auto carry = std::make_shared<RedisCarry>();
  {
    base::MutexLock lock(mutex_);
    link_ = nullptr;
  }
  carry->full_syncs = status().full_syncs;
  carry->begun_ns = begun;
  carry->link = std::move(connection.link);
  carry->behind = std::move(connection.buffer);
  reopening_ = true;
  config_.reopen(std::move(carry));
  return {};
}

/// Into the file, and through the checks, as it comes.
Result<void> RedisFollower::store_snapshot(Connection& connection, const SnapshotFrame& frame) {
  FileSystem& files = engine_.file_system();
  const std::string part = log::join_path(engine_.directory(), kRedisCopyPart);
  STAVE_ASSIGN(const auto file, files.open(part, OpenMode::kCreate));
  std::uint64_t written = 0;
  bool ended = false;
  const auto take = [&](std::span<std::byte> into, std::size_t there) -> Result<std::size_t> {
    const std::size_t count = std::min(there, into.size());
    std::copy_n(reinterpret_cast<const std::byte*>(connection.buffer.data()), count, into.begin());
    connection.buffer.erase(0, count);
    STAVE_TRY(file->write_at(written, into.first(count)));
    written += count;
    show([&](RedisStatus& status) { status.snapshot_bytes = written; });
    return count;
  };
  const SnapshotBytes bytes = [&](std::span<std::byte> into) -> Result<std::size_t> {
    if (into.empty()) return std::size_t{0};
    for (;;) {
      if (ended || (frame.mark.empty() && written == frame.bytes)) return std::size_t{0};
      std::size_t there = connection.buffer.size();
      if (frame.mark.empty()) {
        there = static_cast<std::size_t>(std::min<std::uint64_t>(there, frame.bytes - written));
      } else {
        // The mark may be among the last bytes that have come.
        there -= std::min(there, kMarkBytes);
        if (there == 0 && connection.buffer == frame.mark) {
          connection.buffer.clear();
          ended = true;
          continue;
        }
      }
      if (there != 0) return take(into, there);
      STAVE_TRY(connection.fill(kMasterLookMs, kMasterSilenceNs));
    }
  };
  STAVE_TRY(target_.check(bytes));
  return file->sync_data();
}

Result<void> RedisFollower::stream(Connection& connection) {
  RedisStream stream(position_.offset, position_.database);
  show([&](RedisStatus& status) { status.received = status.position.offset; });
  note({}, true);
  acknowledged_ns_ = 0;
  for (;;) {
    stream.add(connection.buffer);
    connection.buffer.clear();
    show([&](RedisStatus& status) { status.received = stream.received(); });
    STAVE_TRY(apply(connection, stream));
    if (engine_.clock().monotonic_ns() - acknowledged_ns_ >= kAcknowledgeNs) STAVE_TRY(acknowledge(connection));
    STAVE_TRY(connection.fill(kMasterLookMs, kMasterSilenceNs));
  }
}

/// All that has come whole.
Result<void> RedisFollower::apply(Connection& connection, RedisStream& stream) {
  std::vector<RedisUnit> units;
  bool asked = false;
  for (bool more = true; more;) {
    units.clear();
    const std::uint64_t begun = position_.offset;
    std::uint64_t calls = 0;
    Result<void> sense;
    while (units.size() < kUnitsMax && !asked) {
      auto unit = stream.next(asked);
      more = unit && unit->has_value();
      if (!unit) sense = fail(std::move(unit).error());  // what came before it did make sense
      if (!more) break;
      calls += (*unit)->calls.size();
      units.push_back(std::move(**unit));
      if (units.back().end - begun > kGroupBytesMax) break;
    }
    if (!units.empty()) {
      auto applied = target_.apply(state_.lineage, units, position_);
      while (!applied && applied.error().code() == ErrorCode::kBusy && !stopping()) {
        rest(10);
        std::erase_if(units, [&](const RedisUnit& unit) { return unit.end <= position_.offset; });
        applied = target_.apply(state_.lineage, units, position_);
      }
      show([&](RedisStatus& status) {
        status.position = position_;
        status.applied += calls;
      });
      STAVE_TRY(std::move(applied));
    }
    STAVE_TRY(std::move(sense));
    stream.drop();
    if (std::exchange(asked, false)) STAVE_TRY(acknowledge(connection));
  }
  return {};
}

// The master may forget what was acknowledged.
Result<void> RedisFollower::acknowledge(Connection& connection) {
  STAVE_TRY(target_.settle());
  acknowledged_ns_ = engine_.clock().monotonic_ns();
  return connection.send(call_of({"REPLCONF", "ACK", std::to_string(position_.offset)}));
}

}  // namespace stave::replication
