#include "commands/waiting/wait.h"

#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "base/try.h"
#include "commands/answer_tape.h"
#include "commands/errors.h"
#include "commands/nanoseconds.h"
#include "commands/waiting/waiting.h"
#include "types/string/number.h"

namespace stave::commands {
namespace {

/// Longer than anything lives, and far from where sums of nanoseconds end.
constexpr std::uint64_t kTimeoutNsMax = std::numeric_limits<std::uint64_t>::max() / 4;

Result<std::uint64_t> timeout_of(std::int64_t ms) {
  if (ms < 0) return answer_error("ERR timeout is negative");
  const auto count = static_cast<std::uint64_t>(ms);
  return count > kTimeoutNsMax / kNsPerMs ? kTimeoutNsMax : count * kNsPerMs;
}

void answer_not(Sink& reply, WhenNot how) {
  switch (how) {
    case WhenNot::kNullArray: return reply.null_array();
    case WhenNot::kNull: return reply.null();
    case WhenNot::kZero: return reply.integer(0);
  }
}

bool may_wait(const Session& session) noexcept {
  return session.shared == nullptr && (session.may_block || (session.may_leave && session.bell != nullptr));
}

}  // namespace

Result<std::uint64_t> timeout_in_seconds(std::string_view text) {
  const auto seconds = types::parse_float(text);
  if (!seconds || std::isnan(*seconds)) return answer_error("ERR timeout is not a float or out of range");
  const long double ms = *seconds * 1000;
  if (ms > static_cast<long double>(std::numeric_limits<std::int64_t>::max()))
    return answer_error("ERR timeout is out of range");
  // What is rounded up to nothing is nothing.
  const long double whole = std::ceil(ms);
  return timeout_of(whole < 0 ? -1 : static_cast<std::int64_t>(whole));
}

Result<std::uint64_t> timeout_in_ms(std::string_view text) {
  const auto ms = types::parse_integer(text);
  if (!ms) return answer_error("ERR timeout is not an integer or out of range");
  return timeout_of(*ms);
}

Result<void> answer_or_wait(Call& call, std::span<const store::KeyRef> keys, std::size_t watched,
                            const WaitTerms& terms) {
  Session& session = call.session();
  STAVE_ASSERT(session.waiter == nullptr && watched <= keys.size());
  AnswerTape tape(&call.engine().budget(), session.answer_bytes_max, session.protocol());
  tape.begin_answer();
  std::shared_ptr<Waiter> waiter;
  {
    Part part(session, keys);
    store::Transaction& transaction = part.transaction();
    bool done = false;
    if (terms.attempt != nullptr) {
      STAVE_ASSIGN(done, terms.attempt({.transaction = transaction,
                                        .environment = call.environment(),
                                        .database = session.database(),
                                        .arguments = call.arguments(),
                                        .access = session.read_access()},
                                       tape));
    }
    if (done && tape.full()) return answer_error("OOM there is no memory for the answer");
    if (!done && may_wait(session) && !transaction.wanted() && transaction.failure() == nullptr) {
      // While nobody else can change what it waits on.
      waiter = call.environment().waiting().add(session, call.arguments(), keys.first(watched), terms);
      if (waiter == nullptr) return answer_error("OOM there is no memory to wait");
    }
    if (auto committed = call.commit(part); !committed) {
      STAVE_ASSERT(waiter == nullptr);  // nothing was changed, and all could be read
      return committed;
    }
    if (done) {
      tape.play(0, call.reply());
      return {};
    }
  }
  if (waiter == nullptr) {
    answer_not(call.reply(), terms.at_once);
    return {};
  }
  session.waiter = std::move(waiter);
  session.show_waiting(true);
  if (session.may_leave) return {};
  call.environment().waiting().wait_here(*session.waiter);
  return terms.again_ns != 0 ? Result<void>() : come_back(call);
}

std::optional<std::uint64_t> time_to_try_again(Call& call) {
  Session& session = call.session();
  STAVE_ASSERT(session.waiter != nullptr);
  const Waiter& waiter = *session.waiter;
  if (!waiter.ended() || waiter.end() != WaitEnd::kTimedOut || waiter.terms().again_ns == 0) return std::nullopt;
  const std::uint64_t end = waiter.end_ns();
  const std::uint64_t now = call.engine().clock().monotonic_ns();
  // Before its time: somebody told it to be up.
  const bool told = now < waiter.deadline_ns();
  session.waiter = nullptr;
  session.show_waiting(false);
  if (told) return 1;
  if (end == 0) return 0;
  return end > now ? end - now + 1 : 1;
}

Result<void> come_back(Call& call) {
  Session& session = call.session();
  STAVE_ASSERT(session.waiter != nullptr);
  if (!session.waiter->ended()) return {};
  const std::shared_ptr<Waiter> waiter = std::exchange(session.waiter, nullptr);
  session.show_waiting(false);
  switch (waiter->end()) {
    case WaitEnd::kTimedOut: answer_not(call.reply(), waiter->terms().timed_out); return {};
    case WaitEnd::kUnblocked: return answer_error("UNBLOCKED client unblocked via CLIENT UNBLOCK");
    case WaitEnd::kAnswered: break;
  }
  call.wait_for_write(waiter->pending());
  if (const std::string_view line = waiter->tape().error_line(); !line.empty()) return answer_error(std::string(line));
  waiter->tape().play(0, call.reply());
  return {};
}

}  // namespace stave::commands
