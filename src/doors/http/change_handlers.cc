// GET /changes: what happens in the store, as it happens.
//
// Read and written into text on threads of the store's change feed, a bounded piece at a time, and only when the
// connection has sent the piece before.
#include <memory>
#include <string>
#include <utility>

#include "commands/access.h"
#include "commands/table.h"
#include "commands/wanted_changes.h"
#include "doors/http/app.h"
#include "doors/http/change_text.h"
#include "doors/http/handlers.h"
#include "doors/http/heartbeat.h"
#include "doors/http/values.h"
#include "store/change_reader.h"
#include "store/consumers.h"
#include "store/upkeep.h"
#include "types/string/number.h"

namespace stave::http {

namespace {

using store::ChangeFeed;
using store::ChangeReader;

constexpr std::size_t kToldBytes = 64 * 1024;
constexpr std::size_t kStepBytes = 8u << 20;

Problem problem_of_changes(const Error& error) {
  Problem problem = problem_of(error);
  if (error.code() == ErrorCode::kNotFound)
    problem = {.status = 410, .code = "changes_gone", .detail = error.message(), .retryable = false, .members = {}};
  if (error.code() == ErrorCode::kConflict)
    problem = {.status = 409, .code = "position_ahead", .detail = error.message(), .retryable = false, .members = {}};
  return problem;
}

/// What is read and written for one client. One at a time has it: who reads, or the connection's thread.
class Reading : public std::enable_shared_from_this<Reading> {
 public:
  struct Ask {
    Lsn since = kNoLsn;
    ChangeForm form = ChangeForm::kEvents;
    bool values = false;
    bool follow = true;
    std::uint64_t limit = 0;  ///< 0: none.
  };
  Reading(store::Engine& engine, const Ask& ask, commands::WantedChanges::Wish wish)
      : ask_(ask), engine_(engine), wanted_(std::move(wish)) {
    begin_at(ask.since);
  }

  /// Returns whether the user may see something else now than before.
  bool look_at_rights(commands::Session& session) { return wanted_.look_at_rights(session); }
  /// What was read since the last `go_on` is to be read again.
  void go_back() {
    text_.clear();
    failure_.reset();
    begun_ = more_ = false;
    told_ = told_before_;
    begin_at(before_);
  }

  /// Reads on, and calls `done` when there is something to send. `at_once`: or nothing now.
  void go_on(std::function<void()> done, bool at_once) {
    deadline_ns_ = engine_.clock().monotonic_ns() + kHeartbeatNs;
    before_ = reader_->position();
    told_before_ = told_;
    read_aside(std::move(done), at_once);
  }

  [[nodiscard]] std::string take_text() { return std::exchange(text_, {}); }
  [[nodiscard]] const std::optional<Error>& failure() const noexcept { return failure_; }
  [[nodiscard]] bool ended() const noexcept {
    return failure_ || (ask_.limit != 0 && told_ >= ask_.limit) || (!ask_.follow && !more_ && begun_);
  }
  [[nodiscard]] ChangeForm form() const noexcept { return ask_.form; }
  [[nodiscard]] Lsn position() const noexcept { return reader_->position(); }
  [[nodiscard]] store::Engine& engine() noexcept { return engine_; }

 private:
  void begin_at(Lsn position) {
    reader_.emplace(engine_, position, ChangeReader::Wish{.values = ask_.values, .filter = &wanted_});
  }
  ChangeFeed& feed() { return engine_.upkeep().change_feed(); }

  void read_aside(std::function<void()> done, bool at_once) {
    feed().aside([self = shared_from_this(), done = std::move(done), at_once] { self->read(done, at_once); });
  }

  void read(const std::function<void()>& done, bool at_once) {
    const auto tell = [this](const store::LoggedChange& change) {
      append_change(text_, ask_.form, engine_, change, ask_.values);
      ++told_;
      return text_.size() < kToldBytes && (ask_.limit == 0 || told_ < ask_.limit);
    };
    try {
      auto read = reader_->read(kStepBytes, tell);
      more_ = read && read->more;
      if (!read) failure_.emplace(std::move(read).error());
    } catch (const std::bad_alloc&) {
      failure_.emplace(ErrorCode::kNoMemory, "there is no memory to tell what changed");
    }
    begun_ = true;
    if (at_once || !text_.empty() || ended()) return done();
    // Nobody may be there any more, and would not be missed before he is sent something.
    const bool late = engine_.clock().monotonic_ns() >= deadline_ns_;
    if (late) return beat(done);
    if (more_) return read_aside(done, false);
    feed().when(reader_->waits_past(), deadline_ns_, 0, [self = shared_from_this(), done](ChangeFeed::Woken how) {
      if (how == ChangeFeed::Woken::kNews) return self->read_aside(done, false);
      self->beat(done);
    });
  }

  void beat(const std::function<void()>& done) {
    append_position(text_, ask_.form, reader_->position());
    done();
  }

  const Ask ask_;
  store::Engine& engine_;
  commands::WantedChanges wanted_;
  std::optional<ChangeReader> reader_;
  Lsn before_ = kNoLsn;            ///< Where it was, and
  std::uint64_t told_before_ = 0;  ///< how many it had told, before it went on.
  std::string text_;
  std::optional<Error> failure_;
  std::uint64_t told_ = 0;
  std::uint64_t deadline_ns_ = 0;
  bool more_ = false;
  bool begun_ = false;
};

/// Why the session may not read changes any more; empty: it may.
std::string why_not(commands::Session& session) {
  static const commands::Command* const kRow = commands::find_command("STAVE.CHANGES");
  constexpr std::string_view kCall[] = {"STAVE.CHANGES", "FROM", "0"};
  return session.plain() ? std::string() : commands::why_not_allowed(session, *kRow, kCall);
}

class ChangesStream final : public Stream {
 public:
  ChangesStream(commands::Session& session, std::shared_ptr<Reading> reading)
      : session_(session), reading_(std::move(reading)) {}

  Next step(std::string& into, Prelude& first) override {
    // Rights that it had when this was read may have been taken since.
    if (!why_not(session_).empty()) {
      append_end(into, reading_->form(),
                 Problem{.status = 403,
                         .code = "forbidden",
                         .detail = "this user may not read changes any more",
                         .retryable = false,
                         .members = {}}
                     .json());
      return Next::kEnd;
    }
    if (reading_->look_at_rights(session_)) reading_->go_back();
    into = reading_->take_text();
    if (reading_->failure()) append_end(into, reading_->form(), problem_of_changes(*reading_->failure()).json());
    if (reading_->ended()) {
      if (!reading_->failure()) append_position(into, reading_->form(), reading_->position());
      return Next::kEnd;
    }
    first = [reading = reading_](std::function<void()> done) { reading->go_on(std::move(done), false); };
    return Next::kWait;
  }

 private:
  commands::Session& session_;
  std::shared_ptr<Reading> reading_;
};

/// Reads the first piece, so that what cannot be had at all is answered as such.
class BeginChanges final : public Work {
 public:
  BeginChanges(commands::Session& session, std::shared_ptr<Reading> reading)
      : session_(session), reading_(std::move(reading)) {}

  bool step(Response& response) override {
    if (!std::exchange(begun_, true)) {
      response.first = [reading = reading_](std::function<void()> done) { reading->go_on(std::move(done), true); };
      return false;
    }
    if (reading_->failure()) {
      Problem problem = problem_of_changes(*reading_->failure());
      if (problem.status == 410)
        problem.members =
            ",\"oldest\":\"" + std::to_string(raw(ChangeReader::oldest_position(reading_->engine()))) + "\"";
      response = answer_problem(std::move(problem));
      return true;
    }
    response.type = reading_->form() == ChangeForm::kEvents ? kEventsType : kLinesType;
    response.add_header("Cache-Control", "no-store");
    response.add_header("X-Accel-Buffering", "no");
    response.stream = std::make_unique<ChangesStream>(session_, reading_);
    return true;
  }

 private:
  commands::Session& session_;
  std::shared_ptr<Reading> reading_;
  bool begun_ = false;
};

bool yes(const std::string* text) noexcept {
  return text != nullptr && (*text == "true" || *text == "1" || text->empty());
}

/// Where to begin: where the client was, what it names, where its consumer is, or now.
Outcomes<Lsn> begin_of(const Exchange& exchange) {
  store::Engine& engine = exchange.engine();
  const std::string& last = exchange.request.header(Header::kLastEventId);
  const std::string* const since = exchange.param("since");
  const std::string* const name = exchange.param("consumer");
  if (since != nullptr && name != nullptr)
    return std::unexpected(bad_parameter("since and consumer exclude each other"));
  const std::string* const text = !last.empty() ? &last : since;
  if (text != nullptr && *text == "oldest") return ChangeReader::oldest_position(engine);
  if (text != nullptr && *text != "now") {
    const auto lsn = types::parse_unsigned(*text);
    if (!lsn || *lsn > kLsnMax)
      return std::unexpected(bad_parameter("since and Last-Event-ID are an LSN, `oldest` or `now`"));
    return Lsn{*lsn};
  }
  if (name != nullptr) {
    auto consumer = engine.upkeep().consumers().find(*name);
    if (!consumer) return std::unexpected(problem_of(consumer.error()));
    if (!*consumer)
      return std::unexpected(Problem{.status = 404,
                                     .code = "no_such_consumer",
                                     .detail = "there is no consumer of that name; STAVE.CONSUMER CREATE makes one",
                                     .retryable = false,
                                     .members = {}});
    return (*consumer)->position;
  }
  return Lsn{raw(engine.upkeep().change_feed().horizon()) - 1};
}

}  // namespace

Response stream_changes(Exchange& exchange) {
  auto since = begin_of(exchange);
  if (!since) return answer_problem(std::move(since.error()));
  Reading::Ask ask{.since = *since};
  if (accepts(exchange.request.header(Header::kAccept), kLinesType)) ask.form = ChangeForm::kLines;
  ask.values = yes(exchange.param("values"));
  ask.follow = exchange.param("follow") == nullptr || yes(exchange.param("follow"));
  if (const std::string* const limit = exchange.param("limit")) {
    const auto count = types::parse_unsigned(*limit);
    if (!count || *count == 0) return answer_problem(bad_parameter("limit must be a number from 1 on"));
    ask.limit = *count;
  }
  commands::WantedChanges::Wish wish;
  if (exchange.param("db") != nullptr) wish.database = exchange.database;
  if (const std::string* const prefix = exchange.param("prefix")) wish.prefix = *prefix;
  if (const std::string* const pattern = exchange.param("match")) wish.pattern = *pattern;
  if (const std::string* const type = exchange.param("type")) {
    wish.type = commands::type_named(*type);
    if (!wish.type)
      return answer_problem(bad_parameter("type must be a type as TYPE names it, such as string or hash"));
  }
  const auto reading = std::make_shared<Reading>(exchange.engine(), ask, std::move(wish));
  reading->look_at_rights(exchange.session());
  return begin_work(std::make_unique<BeginChanges>(exchange.session(), reading));
}

}  // namespace stave::http
