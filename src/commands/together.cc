#include "commands/together.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/assert.h"
#include "commands/errors.h"
#include "commands/script/run.h"
#include "commands/table.h"
#include "store/transact.h"

namespace stave::commands {
namespace {

constexpr std::string_view kDiscarded = "EXECABORT Transaction discarded: ";

/// While it lives, the session's commands work in `transaction`.
class Sharing {
 public:
  Sharing(Session& session, store::Transaction& transaction) noexcept : session_(session) {
    STAVE_ASSERT(session_.shared == nullptr);
    session_.shared = &transaction;
  }
  ~Sharing() { session_.shared = nullptr; }
  Sharing(const Sharing&) = delete;
  Sharing& operator=(const Sharing&) = delete;

 private:
  Session& session_;
};

/// Looks at a call before anything is locked, and adds its keys. Returns why it cannot be; empty: it can.
std::string prepare(const Session& session, const ResolvedCall& call, std::vector<store::KeyRef>& keys) {
  const auto& [arguments, resolved] = call;
  const bool named = resolved.runs() || resolved.refusal == Resolved::Refusal::kArity;
  if (!named || (resolved.row->flags & kTogether) == 0)
    return "'" + quoted(arguments.empty() ? std::string_view{} : arguments[0]) + "' cannot be part of one";
  if (!resolved.runs()) return "wrong number of arguments for '" + full_name(*resolved.row) + "' command";
  visit_keys(*resolved.row, arguments, [&](std::size_t i) { keys.push_back({session.database(), arguments[i]}); });
  return {};
}

using TogetherOutcome = std::expected<store::Pending, NothingDone>;

/// A command that fails half-way costs all of them a run. Those that check first and then act never do, so this is for
/// the few that run out of memory in between.
constexpr int kRunsAgainMax = 16;

/// One transaction, from its locks to its end.
class OneTransaction {
 public:
  OneTransaction(Session& session, store::Transaction& transaction, base::FunctionRef<void(bool)> begin,
                 base::FunctionRef<RanTogether(std::size_t)> run)
      : session_(session), transaction_(transaction), begin_(begin), run_(run) {}

  /// nullopt: it was lost, and everything is to be run in another one.
  std::optional<TogetherOutcome> run(std::size_t count,
                                     base::FunctionRef<std::optional<std::string>(store::Transaction&)> check) {
    const auto why_not = check(transaction_);
    if (transaction_.wanted()) return std::nullopt;
    if (why_not) return give_up(*why_not);
    start();
    begin_(true);
    for (std::size_t i = 0; i < count;) {
      const std::uint64_t changes = transaction_.changes();
      const RanTogether ran = run_one(i);
      if (transaction_.wanted()) return std::nullopt;
      if (ran.undo_all || session_.undo_together) return give_up(std::string(kDiscarded) + ran.line);
      if (ran.line.empty() || transaction_.changes() == changes) {
        ++i;
        continue;
      }
      if (++again_ > kRunsAgainMax) return give_up(std::string(kDiscarded) + ran.line);
      transaction_.start_over();
      start();
      begin_(false);
      i = 0;
    }
    return finish();
  }

 private:
  RanTogether run_one(std::size_t i) {
    const Sharing sharing(session_, transaction_);
    return run_(i);
  }
  void start() {
    session_.afterwards.clear();
    session_.undo_together = false;
  }
  TogetherOutcome give_up(std::string line) {
    start();
    transaction_.rollback();
    // What it failed for was seen.
    return std::unexpected(NothingDone{std::move(line), transaction_.observed()});
  }
  std::optional<TogetherOutcome> finish() {
    const bool changed = transaction_.changed();
    auto pending = transaction_.commit(session_.sync());
    if (transaction_.wanted()) return std::nullopt;  // by those who watch what was changed
    if (!pending) return std::unexpected(NothingDone{spell_error(pending.error()), transaction_.observed()});
    if (changed) {
      session_.wrote(*pending);
      if (session_.replicas() != 0) pending->require(pending->end(), session_.replicas());
    }
    if (!session_.afterwards.empty()) script::run_afterwards(session_);
    return *pending;
  }

  Session& session_;
  store::Transaction& transaction_;
  base::FunctionRef<void(bool)> begin_;
  base::FunctionRef<RanTogether(std::size_t)> run_;
  int again_ = 0;
};

}  // namespace

void lock_whole(Session& session, const Command& row, int database, std::vector<keyspace::ShardId>& shards) {
  const bool all = (row.flags & kAllDatabases) != 0;
  if (!all && (row.flags & kWholeDatabase) == 0) return;
  const int last = all ? session.databases() - 1 : database;
  const auto more = session.environment().engine().world().shards_of(all ? 0 : database, last);
  // Once is enough: who asks for a database twice has it already.
  if (std::ranges::includes(shards, more)) return;
  shards.insert(shards.end(), more.begin(), more.end());
  std::ranges::sort(shards);
}

TogetherOutcome run_together(Session& session, const TogetherTerms& terms,
                             base::FunctionRef<std::optional<std::string>(store::Transaction&)> check,
                             base::FunctionRef<void(bool)> begin, base::FunctionRef<RanTogether(std::size_t)> run) {
  store::Engine& engine = session.environment().engine();
  std::vector<keyspace::ShardId> more(terms.shards.begin(), terms.shards.end());
  for (int restarts = 0;; ++restarts) {
    store::Transaction transaction(engine, terms.keys, more);
    transaction.allow_starting_again();
    if (auto done = OneTransaction(session, transaction, begin, run).run(terms.count, check)) return std::move(*done);
    more = store::shards_to_start_again(transaction, restarts);
  }
}

TogetherOutcome run_together(Session& session, std::span<const ResolvedCall> calls, base::FunctionRef<void()> begin,
                             base::FunctionRef<std::string(std::size_t)> run) {
  std::vector<store::KeyRef> keys;
  std::vector<keyspace::ShardId> shards;
  for (const ResolvedCall& call : calls) {
    if (const std::string why = prepare(session, call, keys); !why.empty())
      return std::unexpected(NothingDone{std::string(kDiscarded) + why, {}});
    lock_whole(session, *call.resolved.row, session.database(), shards);
  }
  const auto check = [](store::Transaction&) { return std::optional<std::string>(); };
  const auto begin_any = [&](bool) { begin(); };
  const auto run_all = [&](std::size_t i) {
    RanTogether ran{.line = run(i)};
    ran.undo_all = !ran.line.empty();
    return ran;
  };
  return run_together(session, {.keys = keys, .shards = shards, .count = calls.size()}, check, begin_any, run_all);
}

}  // namespace stave::commands
