// A batch of commands: parsed, prefetched, and run in the order in which they came.
#include <algorithm>
#include <array>
#include <functional>

#include "base/assert.h"
#include "commands/stretch.h"
#include "commands/table.h"
#include "doors/resp/connection.h"
#include "doors/resp/connection_times.h"
#include "store/still_moment.h"

namespace stave::resp {
namespace {

/// So many commands of a batch are run as of one moment at most; one of so many bytes begins another.
constexpr std::size_t kCommandsAtOnce = 16;
constexpr std::size_t kBytesAtOnce = 4096;

/// And no subcommand.
bool is_command(const commands::Command& row) noexcept {
  const auto table = commands::command_table();
  return !std::less<>{}(&row, table.data()) && std::less<>{}(&row, table.data() + table.size());
}

}  // namespace

ParseStatus Connection::parse_batch(const char* bytes, std::size_t size, std::size_t& position) {
  const bool trust = trusted();
  // A stranger's commands go one by one: AUTH lifts the limits for the next.
  const std::size_t most = trust ? Workbench::kBatch : 1;
  const ParserLimits limits{.bulk_bytes_max = bench_.shared.limits.bulk_bytes_max, .authenticated = trust};
  bench_.arguments.clear();
  bench_.batch.clear();
  while (bench_.batch.size() < most) {
    // An inline command's arguments end with the next parse: it goes alone.
    const bool is_inline = position < size && bytes[position] != '*';
    if (is_inline && !bench_.batch.empty()) break;
    const std::size_t first = bench_.arguments.size();
    const std::size_t begin = position;
    const ParseStatus status = parser_.next(bytes, size, position, limits, bench_.arguments);
    if (status != ParseStatus::kCommand) return status;
    STAVE_ASSERT(position > begin && bench_.arguments.size() > first);
    auto& parsed = bench_.batch.emplace_back(first, bench_.arguments.size() - first, begin, position);
    parsed.call = resolved(parsed);
    if (is_inline) break;
  }
  return ParseStatus::kCommand;
}

// Pipelines are monotonous: what the command before was, spelled alike and with as many arguments, this one is too,
// unless its second word is what decides.
commands::Resolved Connection::resolved(const Workbench::Parsed& parsed) const noexcept {
  const commands::Arguments arguments = bench_.arguments_of(parsed);
  if (bench_.batch.size() > 1) {
    const auto& before = (&parsed)[-1];
    const commands::Command* const row = before.call.row;
    if (before.count == parsed.count && before.call.runs() && row->subcommands.empty() &&
        bench_.arguments_of(before)[0] == arguments[0] && is_command(*row))
      return before.call;
  }
  return commands::resolve(arguments);
}

// Everything the batch may look at is fetched at once, and then the batch is presented again. It waits once only: what
// has left memory again in between is read by the command itself.
bool Connection::waits_for_values() {
  if (std::exchange(fetching_, nullptr) != nullptr) return false;
  auto& needed = bench_.needed;
  needed.clear();
  for (const auto& parsed : bench_.batch)
    commands::keys_needed(session_, parsed.call, bench_.arguments_of(parsed), needed);
  if (needed.empty() || !bench_.shared.engine.must_fetch(needed)) return false;
  fetching_ = std::make_shared<std::atomic<bool>>(false);
  bench_.shared.engine.fetch(needed, [done = fetching_, waker = bench_.waker] {
    done->store(true);
    waker->wake();
  });
  // Woken when they are there; should that get lost, looked at again.
  parked_until_ns_ = bench_.now_ns + kFetchLookNs;
  return true;
}

void Connection::call_bucket(std::size_t i) {
  if (i >= bench_.batch.size()) return;
  auto& parsed = bench_.batch[i];
  parsed.hash = commands::prefetch(session_, parsed.call, bench_.arguments_of(parsed));
}

void Connection::call_entry(std::size_t i) {
  if (i >= bench_.batch.size() || bench_.batch[i].hash == 0) return;
  bench_.shared.engine.prefetch_entry(session_.database(), bench_.batch[i].hash);
}

// Of calls of a page's size or less: so that who else wants the key waits for no more than some hundred microseconds.
std::size_t Connection::stretch_from(std::size_t i) noexcept {
  const auto& batch = bench_.batch;
  const auto& first = batch[i];
  // Nearly never: the key of the call is not the one that was found to hold a large collection.
  if (session_.paged_key == 0 || first.hash != session_.paged_key || i + 1 == batch.size()) return 0;
  if (large_ != nullptr || close_wanted_.load(std::memory_order_relaxed) != 0) return 0;
  const std::string_view key = bench_.arguments_of(first)[1];
  const commands::Command* row = nullptr;
  std::size_t end = i;
  for (; end != batch.size(); ++end) {
    const auto& parsed = batch[end];
    if (parsed.end - parsed.begin > kLargeFrom) break;
    if (parsed.call.row != row || !parsed.call.runs()) {
      if (!commands::may_stretch(session_, parsed.call)) break;
      row = parsed.call.row;
    }
    if (bench_.arguments_of(parsed)[1] != key) break;
  }
  return end - i;
}

std::size_t Connection::run_stretch(std::size_t i, std::size_t count) {
  const auto& batch = bench_.batch;
  const std::uint64_t begin = output_.appended();
  std::array<std::uint64_t, Workbench::kBatch> ends;
  STAVE_ASSERT(count <= ends.size() && output_.refusal() == Output::Refusal::kNone);
  const store::KeyRef key{session_.database(), bench_.arguments_of(batch[i])[1], batch[i].hash};
  const auto run = [&](std::size_t k) {
    commands::dispatch(session_, batch[i + k].call, bench_.arguments_of(batch[i + k]), bench_.writer);
    ends[k] = output_.appended();
    return output_.refusal() == Output::Refusal::kNone;
  };
  const commands::RanStretch ran = commands::run_stretch(session_, key, count, run);
  if (ran.count == 0) {
    // Nothing of it has happened, so nobody is told anything of it.
    if (output_.refusal() == Output::Refusal::kMemory) output_.retract(begin);
    output_.truncate(begin);
    static_cast<void>(session_.take_pending());
    if (session_.closing()) bench_.writer.error("OOM command not allowed when used memory > 'maxmemory'.");
    return 0;
  }
  std::uint64_t answer = begin;
  for (std::size_t k = 0; k < ran.count; ++k) {
    session_.wait_for(ran.pending);
    const std::uint64_t bytes = hold_answer(std::exchange(answer, ends[k]), ends[k]);
    if (bytes > kLargeFrom) [[unlikely]]
      note_large(session_.environment().large_replies(), batch[i + k].call, bench_.arguments_of(batch[i + k]), bytes);
  }
  return ran.count;
}

Connection::Turn Connection::run_alone(const Workbench::Parsed& parsed) {
  const commands::Arguments arguments = bench_.arguments_of(parsed);
  // The first key of nearly every command is its first argument; of the others nothing is known.
  session_.set_known_hash(arguments.size() > 1 ? arguments[1] : std::string_view{}, parsed.hash);
  const Turn turn = run_one(parsed.call, arguments);
  if ((parsed.end - parsed.begin > kLargeFrom || large_ != nullptr) && turn != Turn::kLater) [[unlikely]]
    note_large(session_.environment().large_requests(), parsed.call, arguments,
               parsed.end - parsed.begin + bytes_apart());
  session_.set_known_hash({}, 0);
  return turn;
}

Connection::Turn Connection::run_batch(std::uint64_t turn_end, std::size_t& position) {
  auto& batch = bench_.batch;
  if (!batch.empty() && bench_.shared.engine.may_fetch() && trusted() && waits_for_values()) [[unlikely]] {
    position = batch.front().begin;
    parser_.reset();
    return Turn::kEnd;
  }
  // A line for each command that comes soon: a processor keeps track of a dozen or so, not of a batch's.
  constexpr std::size_t kBucketsAhead = 12;
  constexpr std::size_t kEntriesAhead = 6;
  if (batch.size() > 1) {
    for (std::size_t i = 0; i < kBucketsAhead; ++i) call_bucket(i);
    for (std::size_t i = 0; i < kEntriesAhead; ++i) call_entry(i);
  }
  // All of it was received before the clock is read, so nobody who has had an answer is shown an earlier time.
  store::StillMoment still(bench_.shared.engine.time());
  std::size_t alone_to = 0;
  for (std::size_t i = 0; i < batch.size();) {
    Turn turn = Turn::kGoOn;
    const std::size_t first = i;
    if (const std::size_t count = i < alone_to ? 0 : stretch_from(i); count > 1) [[unlikely]] {
      still.go_on();
      i += run_stretch(i, count);
      still.go_on();
      call_bucket(i);
      // What has failed as one is run one by one, and each call is told what is the matter.
      if (i == first) alone_to = i + count;
      if (session_.closing()) i = first + 1;
    }
    if (i == first) {
      call_bucket(i + kBucketsAhead);
      call_entry(i + kEntriesAhead);
      if (i % kCommandsAtOnce == 0 || batch[i].end - batch[i].begin > kBytesAtOnce) still.go_on();
      turn = run_alone(batch[i]);
      if (batch[i].call.row == nullptr || !commands::is_quick(*batch[i].call.row)) still.go_on();
      ++i;
    }
    if (turn == Turn::kGoOn) turn = after_call(turn_end);
    if (turn == Turn::kGoOn) continue;
    // What was parsed and not run will be presented again.
    position = turn == Turn::kLater ? batch[first].begin : batch[i - 1].end;
    parser_.reset();
    return Turn::kEnd;
  }
  return Turn::kGoOn;
}

/// Whether it is others' turn, or the end.
Connection::Turn Connection::after_call(std::uint64_t turn_end) noexcept {
  if (session_.closing() || close_wanted_.load(std::memory_order_relaxed) != 0) [[unlikely]] {
    close_when_sent();
    return Turn::kEnd;
  }
  if (output_.appended() <= turn_end && session_.busy_ns() <= kTurnNs && marks_.size() < kHeldAnswersMax)
    return Turn::kGoOn;
  runnable_ = true;
  return Turn::kEnd;
}

}  // namespace stave::resp
