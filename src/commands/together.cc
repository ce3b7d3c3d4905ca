#include "commands/together.h"

#include <algorithm>
#include <vector>

#include "commands/errors.h"
#include "commands/table.h"

namespace stave::commands {
namespace {

constexpr std::string_view kDiscarded = "EXECABORT Transaction discarded: ";

/// While it lives, the session's commands work in `transaction`.
class Sharing {
 public:
  Sharing(Session& session, store::Transaction& transaction) noexcept : session_(session) {
    session_.shared = &transaction;
  }
  ~Sharing() { session_.shared = nullptr; }
  Sharing(const Sharing&) = delete;
  Sharing& operator=(const Sharing&) = delete;

 private:
  Session& session_;
};

/// Looks at a call before anything is locked, and adds its keys. Returns why it cannot be; empty: it can.
std::string prepare(const Session& session, Arguments arguments, std::vector<store::KeyRef>& keys) {
  const Command* const row = find_row(arguments);
  if (row == nullptr || (row->flags & kTogether) == 0)
    return "'" + quoted(arguments.empty() ? std::string_view{} : arguments[0]) + "' cannot be part of one";
  const auto count = static_cast<int>(arguments.size());
  if (count < row->arity.least || (row->arity.most != -1 && count > row->arity.most))
    return "wrong number of arguments for '" + full_name(*row) + "' command";
  for (const std::size_t i : key_positions(*row, arguments)) keys.push_back({session.database(), arguments[i]});
  return {};
}

}  // namespace

std::expected<store::Pending, NothingDone> run_together(Session& session, std::span<const Arguments> calls,
                                                        base::FunctionRef<std::string(std::size_t)> run) {
  store::Engine& engine = session.environment().engine();
  std::vector<store::KeyRef> keys;
  for (const Arguments& call : calls)
    if (const std::string why = prepare(session, call, keys); !why.empty())
      return std::unexpected(NothingDone{std::string(kDiscarded) + why, {}});
  store::Transaction transaction(engine, keys);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    std::string line;
    {
      const Sharing sharing(session, transaction);
      line = run(i);
    }
    if (line.empty()) continue;
    transaction.rollback();
    // What it failed for was seen.
    return std::unexpected(
        NothingDone{std::string(kDiscarded) + line, engine.pending_for_write(engine.log().tail(), Sync::kDefault)});
  }
  const bool changed = transaction.changed();
  const auto pending = transaction.commit(session.sync());
  if (!pending) return std::unexpected(NothingDone{spell_error(pending.error()), {}});
  if (changed) session.last_write = std::max({session.last_write, pending->durable, pending->written});
  return *pending;
}

}  // namespace stave::commands
