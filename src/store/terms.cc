#include "store/terms.h"

#include <algorithm>

#include "base/try.h"

namespace stave::store {

namespace {

std::uint64_t last_number(const NodeState& state) noexcept {
  return state.terms.empty() ? 0 : state.terms.back().number;
}

void add(NodeState& state, const Term& term) {
  state.terms.push_back(term);
  if (state.terms.size() > kTermsMax) state.terms.erase(state.terms.begin());
  state.promised = std::max(state.promised, term.number);
}

}  // namespace

void Terms::publish() {
  number_.store(last_number(state_), std::memory_order_release);
  promised_.store(std::max(state_.promised, last_number(state_)), std::memory_order_release);
}

Result<void> Terms::load() {
  STAVE_ASSIGN(auto loaded, load_node(files_, directory_));
  base::MutexLock lock(mutex_);
  known_ = loaded.has_value();
  if (loaded) state_ = std::move(*loaded);
  publish();
  return {};
}

Result<bool> Terms::take_in(const log::RecordView& record, NodeState& state) {
  const auto begun = log::term_of(record);
  if (!begun) return false;
  const Term term{.number = begun->number, .leader = begun->leader, .first = record.lsn};
  // Most are known: from the file, or told by the leader before their records came.
  if (std::ranges::find(state.terms, term) != state.terms.end()) return false;
  // Forgotten because there were so many since.
  if (state.terms.size() == kTermsMax && term.first < state.terms.front().first) return false;
  // What was known of the log behind this place was of another end of it.
  std::erase_if(state.terms, [&](const Term& known) { return known.first >= term.first; });
  if (last_number(state) >= term.number)
    return fail(ErrorCode::kCorrupt, "the term record at LSN " + std::to_string(raw(record.lsn)) +
                                         " has no greater number than one before it");
  add(state, term);
  return true;
}

Result<void> Terms::saw(const log::RecordView& record) {
  base::MutexLock lock(mutex_);
  STAVE_ASSIGN(const bool news, take_in(record, state_));
  known_ |= news;
  publish();
  return {};
}

Result<void> Terms::learn(const log::RecordView& record) {
  base::MutexLock one(change_mutex_);
  NodeState next = state();
  STAVE_ASSIGN(const bool news, take_in(record, next));
  return news ? adopt(std::move(next)) : Result<void>{};
}

void Terms::settle(Lsn end) {
  base::MutexLock lock(mutex_);
  // While a copy is under way, its leader has told what is still to come.
  const Lsn known_to = end < state_.whole ? state_.whole : end;
  std::erase_if(state_.terms, [&](const Term& term) { return term.first >= known_to; });
  publish();
}

bool Terms::any() const {
  base::MutexLock lock(mutex_);
  return known_;
}

NodeState Terms::state() const {
  base::MutexLock lock(mutex_);
  return state_;
}

bool Terms::whole(Lsn end) const {
  base::MutexLock lock(mutex_);
  return end >= state_.whole;
}

bool Terms::must_begin(bool clean) const {
  base::MutexLock lock(mutex_);
  if (!known_) return false;
  return !clean || state_.follows || state_.terms.empty() || state_.terms.back().leader != state_.id ||
         state_.promised > state_.terms.back().number;
}

Result<void> Terms::begin(log::Log& log, UnixMs now) {
  base::MutexLock one(change_mutex_);
  NodeState next = state();
  if (next.id == log::NodeId{}) next.id = draw_node_id();
  next.promised = std::max(next.promised, last_number(next)) + 1;
  // First, so that the number is spent whatever happens now.
  STAVE_TRY(adopt(next));
  const log::TermPayload payload(next.promised, next.id);
  const log::RecordSpec record{.kind = log::RecordKind::kTerm, .time = now, .payload = payload.view()};
  Lsn lsn = kNoLsn;
  STAVE_ASSIGN(const Lsn end, log.append(std::span(&record, 1), std::span(&lsn, 1)));
  STAVE_TRY(log.wait_durable(end));
  add(next, {.number = next.promised, .leader = next.id, .first = lsn});
  // Not before: who is stopped in the middle follows still, as whoever wanted it to lead is told.
  next.follows = false;
  next.leader.clear();
  return adopt(std::move(next));
}

Result<void> Terms::adopt(NodeState next) {
  STAVE_TRY(save_node(files_, directory_, next));
  base::MutexLock lock(mutex_);
  state_ = std::move(next);
  known_ = true;
  publish();
  return {};
}

}  // namespace stave::store
