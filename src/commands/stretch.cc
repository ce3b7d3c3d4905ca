#include "commands/stretch.h"

#include <algorithm>
#include <new>
#include <utility>

#include "base/assert.h"
#include "commands/environment.h"
#include "commands/table.h"

namespace stave::commands {

constinit thread_local Stretch* Stretch::here;

Stretch::Stretch(Session& session, store::KeyRef key)
    : session_(session), key_(key), transaction_(session.environment().engine(), key) {
  STAVE_ASSERT(session.shared == nullptr && here == nullptr);
  session.shared = &transaction_;
  here = this;
}

Stretch::~Stretch() {
  session_.shared = nullptr;
  here = nullptr;
}

/// Not when writing is refused, which is said of each call by what it does, nor when somebody acts on each change.
bool Stretch::begins() const noexcept {
  const store::ChangeWatch& watch = transaction_.engine().change_watch();
  return !transaction_.refuses() && transaction_.notes() == nullptr && !watch.watches(key_.hash);
}

/// What is open goes back to its key, so that whoever looks finds it whole.
void Stretch::give_up() noexcept {
  if (std::exchange(given_up_, true)) return;
  if (auto kept = keep(); !kept) transaction_.fail_commit(std::move(kept).error());
}

Result<void> Stretch::keep() {
  Result<void> kept;
  const auto keep_any = [&]<class Any>(Any& any) {
    if constexpr (!std::is_same_v<Any, std::monostate>) kept = store::keep_collection(transaction_, key_, any);
  };
  std::visit(keep_any, opened_);
  opened_.emplace<std::monostate>();
  return kept;
}

Result<store::Pending> Stretch::commit() {
  STAVE_TRY(keep());
  const bool changed = transaction_.changed();
  STAVE_ASSIGN(const store::Pending pending, transaction_.commit(session_.sync()));
  if (changed) session_.last_write = std::max({session_.last_write, pending.durable, pending.written});
  return pending;
}

bool may_stretch(Session& session) noexcept {
  Environment& environment = session.environment();
  return session.plain() && session.reply_mode == ReplyMode::kOn && !session.in_multi && !session.listening &&
         session.shared == nullptr && !session.away() && !session.closing() && !environment.scripts_are_slow() &&
         !environment.pausing() && !environment.engine().follows();
}

bool may_stretch(Session& session, const Resolved& resolved) noexcept {
  if (!resolved.runs()) return false;
  const Command& row = *resolved.row;
  constexpr std::uint32_t kWanted = kFast | kTogether;
  if ((row.flags & kWanted) != kWanted || (row.flags & kBlocking) != 0) return false;
  const Keys& keys = row.keys;
  if (keys.first != 1 || keys.last != 1 || keys.count_at != 0 || keys.word_from != 0) return false;
  const std::string_view group = row.group;
  const bool collection =
      group == "hash" || group == "list" || group == "set" || group == "sorted-set" || group == "stream";
  return collection && may_stretch(session);
}

RanStretch run_stretch(Session& session, store::KeyRef key, std::size_t count,
                       base::FunctionRef<bool(std::size_t)> run) try {
  Stretch stretch(session, key);
  if (!stretch.begins()) return {};
  std::size_t done = 0;
  bool undone = false;
  while (!undone && done < count && !stretch.over()) {
    undone = !run(done++) || stretch.given_up() || session.away() || session.closing();
  }
  if (!undone) {
    if (auto pending = stretch.commit()) return {.count = done, .pending = *pending};
  }
  return {};
} catch (const std::bad_alloc&) {
  return {};
}

}  // namespace stave::commands
