#include "commands/together.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/assert.h"
#include "commands/errors.h"
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
  for (const std::size_t i : key_positions(*resolved.row, arguments))
    keys.push_back({session.database(), arguments[i]});
  return {};
}

using Outcome = std::expected<store::Pending, NothingDone>;

/// nullopt: the transaction was lost and everything is to be run again in another one.
std::optional<Outcome> run_in(Session& session, store::Transaction& transaction, std::size_t count,
                              base::FunctionRef<std::string(std::size_t)> run) {
  for (std::size_t i = 0; i < count; ++i) {
    std::string line;
    {
      const Sharing sharing(session, transaction);
      line = run(i);
    }
    if (transaction.wanted()) return std::nullopt;
    if (line.empty()) continue;
    transaction.rollback();
    // What it failed for was seen.
    return std::unexpected(NothingDone{std::string(kDiscarded) + line, transaction.observed()});
  }
  const bool changed = transaction.changed();
  const auto pending = transaction.commit(session.sync());
  if (!pending) return std::unexpected(NothingDone{spell_error(pending.error()), transaction.observed()});
  if (changed) session.last_write = std::max({session.last_write, pending->durable, pending->written});
  return *pending;
}

}  // namespace

std::expected<store::Pending, NothingDone> run_together(Session& session, std::span<const ResolvedCall> calls,
                                                        base::FunctionRef<void()> begin,
                                                        base::FunctionRef<std::string(std::size_t)> run) {
  store::Engine& engine = session.environment().engine();
  std::vector<store::KeyRef> keys;
  for (const ResolvedCall& call : calls)
    if (const std::string why = prepare(session, call, keys); !why.empty())
      return std::unexpected(NothingDone{std::string(kDiscarded) + why, {}});
  std::vector<keyspace::ShardId> more;
  for (int restarts = 0;; ++restarts) {
    store::Transaction transaction(engine, keys, more);
    begin();
    if (auto done = run_in(session, transaction, calls.size(), run)) return std::move(*done);
    more = store::shards_to_start_again(transaction, restarts);
  }
}

}  // namespace stave::commands
