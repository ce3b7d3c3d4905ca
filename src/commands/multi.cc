#include "commands/multi.h"

#include <algorithm>
#include <new>
#include <utility>

#include "base/assert.h"
#include "base/try.h"
#include "commands/answer_tape.h"
#include "commands/connection_commands.h"
#include "commands/dispatch.h"
#include "commands/errors.h"
#include "commands/monitors.h"
#include "commands/pause_rules.h"
#include "commands/pubsub_commands.h"
#include "commands/together.h"
#include "types/string/number.h"

namespace stave::commands {
namespace {

constexpr std::string_view kNoRoom =
    "EXECABORT Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'.";
constexpr std::string_view kAnswersTooLarge =
    "ERR the answers of the transaction need more memory than output-buffer-hard-limit or maxmemory allow";

bool is_select(const Command& row) noexcept {
  return row.run == select_command;
}

/// SELECT is of no concern to the store, but those that come after it are.
bool takes_part(const Command& row) noexcept {
  return (row.flags & kTogether) != 0 || is_select(row);
}

/// The database that a queued SELECT chooses, if it does.
std::optional<int> selected(const Session& session, const Command& row, Arguments arguments) {
  if (!is_select(row)) return std::nullopt;
  const auto number = types::parse_integer(arguments[1]);
  if (!number || *number < 0 || *number >= session.databases()) return std::nullopt;
  return static_cast<int>(*number);
}

/// For as long as it lives the session answers, whatever CLIENT REPLY says, and nothing that it runs leaves.
class Inside {
 public:
  explicit Inside(Session& session) noexcept
      : session_(session),
        mode_(std::exchange(session.reply_mode, ReplyMode::kOn)),
        may_leave_(std::exchange(session.may_leave, false)),
        may_block_(std::exchange(session.may_block, false)),
        received_(session.received) {
    session_.executing = true;
  }
  ~Inside() {
    session_.executing = false;
    session_.reply_mode = mode_;
    session_.may_leave = may_leave_;
    session_.may_block = may_block_;
    session_.received = received_;
  }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  Session& session_;
  ReplyMode mode_;
  bool may_leave_;
  bool may_block_;
  std::span<const keyspace::Block> received_;
};

/// The transaction of one EXEC.
class Running {
 public:
  Running(Session& session, const Multi& multi)
      : session_(session),
        multi_(multi),
        tape_(&session.environment().engine().budget(), session.answer_bytes_max, session.protocol()),
        database_(session.database()) {
    for (std::size_t i = 0; i < multi.calls.size(); ++i)
      if (takes_part(multi.calls.row(i))) parts_.push_back(i);
    failed_.resize(parts_.size());
    name_keys();
  }

  /// The answers of those that take part are on the tape afterwards, in their order.
  std::expected<store::Pending, NothingDone> run() {
    if (parts_.empty() && multi_.watched.empty()) return store::Pending{};
    const auto check = [&](store::Transaction& transaction) -> std::optional<std::string> {
      return why_not(transaction);
    };
    const auto begin = [&](bool anew) {
      if (anew) std::ranges::fill(failed_, std::string());
      tape_.rewind();
      if (session_.database() != database_) session_.select(database_);
    };
    const auto one = [&](std::size_t part) { return run_part(part); };
    auto done = run_together(session_, {.keys = keys_, .shards = shards_, .count = parts_.size()}, check, begin, one);
    if (!done && session_.database() != database_) session_.select(database_);
    return done;
  }
  [[nodiscard]] const AnswerTape& tape() const noexcept { return tape_; }

 private:
  void name_keys() {
    for (const Watched& watched : multi_.watched) keys_.push_back({watched.database, watched.key});
    for (const std::size_t i : parts_) {
      const Command& row = multi_.calls.row(i);
      const int database = multi_.calls.database(i);
      const Arguments arguments = multi_.calls.arguments(i);
      visit_keys(row, arguments, [&](std::size_t at) {
        keys_.push_back({database, arguments[at], at == 1 ? multi_.calls.hash(i) : std::uint64_t{0}});
      });
      lock_whole(session_, row, database, shards_);
    }
  }

  /// Looked at under the locks. nullopt: it may be run. Empty: a watched key was changed.
  std::optional<std::string> why_not(store::Transaction& transaction) const {
    for (const Watched& watched : multi_.watched) {
      const auto held = transaction.find({watched.database, watched.key}, store::Access::kMeta);
      if (held.has_value() != watched.version.has_value() || (held && held->version != *watched.version))
        return std::string();
    }
    if (!transaction.refuses()) return std::nullopt;
    for (const std::size_t i : parts_)
      if ((multi_.calls.row(i).flags & kGrows) != 0) return std::string(kNoRoom);
    return std::nullopt;
  }

  RanTogether run_part(std::size_t part) {
    tape_.begin_answer();
    if (!failed_[part].empty()) {
      // It was undone a moment ago, with all the others, and those are run again without it.
      tape_.error(failed_[part]);
      return {};
    }
    const std::size_t i = parts_[part];
    const bool was_closing = session_.closing();
    const Arguments arguments = multi_.calls.arguments(i);
    session_.set_known_hash(arguments.size() > 1 ? arguments[1] : std::string_view{}, multi_.calls.hash(i));
    dispatch(session_, multi_.calls.resolved(i), arguments, tape_);
    session_.set_known_hash({}, 0);
    if (tape_.full()) return {.line = std::string(kAnswersTooLarge), .undo_all = true};
    const std::string_view line = tape_.error_line();
    if (line.empty()) return {};
    // Without memory in the middle of a command nobody knows what it has done.
    if (session_.closing() && !was_closing) return {.line = std::string(line), .undo_all = true};
    // What a script did before its error stays, as if it stood alone.
    if (!multi_.rolls_back && !session_.undo_together && multi_.calls.row(i).group == "scripting") return {};
    failed_[part] = line;
    if (!multi_.rolls_back) return {.line = std::string(line)};
    return {.line = "command " + std::to_string(i + 1) + " ('" + full_name(multi_.calls.row(i)) +
                    "') failed, and everything was undone: " + std::string(line),
            .undo_all = true};
  }

  Session& session_;
  const Multi& multi_;
  AnswerTape tape_;
  int database_;                     ///< That the session was in before.
  std::vector<std::size_t> parts_;   ///< Which of the queued calls take part.
  std::vector<std::string> failed_;  ///< What each of them failed with, if it did.
  std::vector<store::KeyRef> keys_;
  std::vector<keyspace::ShardId> shards_;
};

}  // namespace

Multi& multi_of(Session& session) {
  if (session.multi == nullptr) session.multi = std::make_unique<Multi>(&session.environment().engine().budget());
  return *session.multi;
}

void forget_watched(Session& session) noexcept {
  if (session.multi == nullptr) return;
  session.multi->watched = {};
  session.multi->watched_bytes = 0;
  static_cast<void>(session.multi->watched_counted.resize(0));
}

void forget_multi(Session& session) noexcept {
  session.in_multi = false;
  if (session.multi == nullptr) return;
  forget_watched(session);
  session.multi->calls.clear();
  session.show_multi(-1, 0);
}

std::string_view why_not_queued(const Session& session, const Command& row) noexcept {
  if (takes_part(row)) return {};
  if ((row.flags & kAfterCommit) == 0) return "ERR Command not allowed inside a transaction";
  // What is published is so once all has happened, and then it does not fail.
  if (session.multi->rolls_back && row.run != publish_command && row.run != spublish_command)
    return "ERR Command not allowed inside a transaction that rolls back: what it does could not be undone";
  return {};
}

bool queue_call(Session& session, const Resolved& resolved, Arguments arguments) {
  Multi& multi = *session.multi;
  const Command& row = *resolved.row;
  const auto database = selected(session, row, arguments);
  if (!multi.calls.add(session, resolved, arguments, multi.database, session.queued_bytes_max)) {
    multi.aborted = true;
    multi.calls.clear();
    session.show_multi(0, 0);
    return false;
  }
  if (database) multi.database = *database;
  if (!multi.writes && may_change(session.environment(), row, arguments)) multi.writes = true;
  session.show_multi(static_cast<int>(multi.calls.size()), multi.calls.bytes());
  return true;
}

Result<void> run_queued(Call& call, const Multi& multi) {
  Session& session = call.session();
  Sink& reply = call.reply();
  const Inside inside(session);
  session.received = multi.calls.blocks();
  Running running(session, multi);
  const auto done = running.run();
  if (!done) {
    // What the commands themselves would have waited for is part of what all of them wait for.
    static_cast<void>(session.take_pending());
    call.wait_for(done.error().pending);
    if (!done.error().line.empty()) return answer_error(done.error().line);
    reply.null_array();
    return {};
  }
  static_cast<void>(session.take_pending());
  call.wait_for(*done);
  reply.array(multi.calls.size());
  std::size_t part = 0;
  for (std::size_t i = 0; i < multi.calls.size(); ++i) {
    if (takes_part(multi.calls.row(i))) {
      running.tape().play(part++, reply);
      if (Monitors& monitors = session.environment().monitors(); monitors.any()) [[unlikely]]
        monitors.show(session, multi.calls.row(i), multi.calls.arguments(i));
    } else {
      dispatch(session, multi.calls.resolved(i), multi.calls.arguments(i), reply);
    }
  }
  return {};
}

}  // namespace stave::commands
