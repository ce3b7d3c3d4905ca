#include "commands/stream_claim_commands.h"

#include <limits>
#include <utility>
#include <vector>

#include "base/try.h"
#include "commands/arguments.h"
#include "commands/collection.h"
#include "commands/notices/event_rules.h"
#include "commands/one_collection.h"
#include "commands/stream_arguments.h"
#include "commands/stream_groups.h"
#include "types/string/number.h"

namespace stave::commands {

using store::Stream;
using types::stream::Consumer;
using types::stream::Entry;
using types::stream::Group;
using types::stream::Id;
using PendingEntry = types::stream::Pending;

namespace {

using OpenedStream = store::Opened<Stream>;

/// How entries are taken over.
struct ClaimWish {
  std::int64_t idle_ms = 0;  ///< Only what has been pending for that long.
  std::int64_t delivered_ms = 0;
  std::optional<std::uint64_t> deliveries;
  bool force = false;
  bool just_id = false;
  Id last_id;
};

/// A consumer that takes over entries of its group.
class Claimer {
 public:
  /// Errors: NOGROUP.
  static Result<Claimer> open(Call& call, OpenedStream& stream, std::int64_t now_ms) {
    const auto group = stream.existed() ? stream.reader().group(call[2]) : std::nullopt;
    STAVE_TRY(stream.whole());
    if (!group) return no_group(call[1], call[2]);
    return Claimer(stream, *group, now_ms);
  }

  [[nodiscard]] Group& group() noexcept { return group_; }
  /// What is to be told of it besides: whether the consumer was not known before.
  [[nodiscard]] std::uint8_t remarks() const noexcept { return fresh_ ? kNewConsumer : 0; }
  void begin(std::string_view consumer) {
    const auto known = stream_.reader().consumer(group_.number, consumer);
    name_ = consumer;
    fresh_ = !known;
    consumer_ = known ? *known : stream_.editor().add_consumer(group_.number, consumer, now_ms_);
    consumer_.seen_ms = now_ms_;
  }
  void end() { stream_.editor().set_consumer(group_.number, name_, consumer_); }

  enum class Claimed : std::uint8_t { kYes, kNo, kGone };
  /// Takes over one entry, which is pending as `before` says, and copies it to `taken`. Gone: the entry is there no
  /// more, and nothing of it is pending.
  Claimed claim(const Id& id, const std::optional<PendingEntry>& before, const ClaimWish& wish, TakenEntries& taken) {
    const auto copy = [&] {
      bool there = false;
      stream_.reader().visit(id, id, [&](const Entry& entry) {
        taken.add(entry);
        return !(there = true);
      });
      return there;
    };
    const bool may = before ? wish.idle_ms == 0 || now_ms_ - before->delivered_ms >= wish.idle_ms : wish.force;
    if (!may && (!before || stream_.reader().contains(id))) return Claimed::kNo;
    if (!may || !copy()) {
      if (!before) return Claimed::kNo;
      stream_.editor().remove_pending(group_.number, id, *before);
      return Claimed::kGone;
    }
    // What FORCE makes pending counts as delivered once.
    PendingEntry after = before.value_or(PendingEntry{.deliveries = 1});
    after.consumer = consumer_.number;
    after.delivered_ms = wish.delivered_ms;
    if (wish.deliveries) {
      after.deliveries = *wish.deliveries;
    } else if (!wish.just_id) {
      after.deliveries = once_more(after.deliveries);
    }
    stream_.editor().set_pending(group_.number, id, after, before);
    consumer_.active_ms = now_ms_;
    return Claimed::kYes;
  }

 private:
  Claimer(OpenedStream& stream, const Group& group, std::int64_t now_ms)
      : stream_(stream), group_(group), now_ms_(now_ms) {}

  OpenedStream& stream_;
  Group group_;
  Consumer consumer_;
  bool fresh_ = false;
  std::string_view name_;
  std::int64_t now_ms_;
};

void answer_claimed(Sink& reply, const TakenEntries& taken, bool just_id) {
  if (!just_id) return taken.answer(reply);
  reply.array(taken.size());
  for (std::size_t i = 0; i != taken.size(); ++i) answer_id(reply, taken.id(i));
}

Result<std::int64_t> claim_number(const Call& call, std::size_t i, std::string_view what, std::string_view command) {
  const auto number = types::parse_integer(call[i]);
  if (number) return *number;
  return answer_error("ERR Invalid " + std::string(what) + " argument for " + std::string(command));
}

// --- XCLAIM ----------------------------------------------------------------------------------------------------------

/// The options from argument `i` on.
Result<void> parse_claim_options(const Call& call, std::size_t i, std::int64_t now_ms, ClaimWish& wish) {
  std::optional<std::int64_t> delivered;
  for (; i < call.size(); ++i) {
    const bool more = i + 1 < call.size();
    if (call.is(i, "FORCE")) {
      wish.force = true;
    } else if (call.is(i, "JUSTID")) {
      wish.just_id = true;
    } else if (more && call.is(i, "IDLE")) {
      STAVE_ASSIGN(const std::int64_t idle, claim_number(call, ++i, "IDLE option", "XCLAIM"));
      delivered = types::checked_add(now_ms, idle == std::numeric_limits<std::int64_t>::min() ? 0 : -idle);
    } else if (more && call.is(i, "TIME")) {
      STAVE_ASSIGN(delivered, claim_number(call, ++i, "TIME option", "XCLAIM"));
    } else if (more && call.is(i, "RETRYCOUNT")) {
      STAVE_ASSIGN(const std::int64_t count, claim_number(call, ++i, "RETRYCOUNT option", "XCLAIM"));
      wish.deliveries.reset();
      if (count >= 0) wish.deliveries = static_cast<std::uint64_t>(count);
    } else if (more && call.is(i, "LASTID")) {
      STAVE_ASSIGN(wish.last_id, id_argument(call[++i]));
    } else {
      return answer_error("ERR Unrecognized XCLAIM option '" + quoted(call[i]) + "'");
    }
  }
  // What lies in the future, or before all times, is somebody's wrong clock: now.
  wish.delivered_ms = delivered && *delivered >= 0 && *delivered <= now_ms ? *delivered : now_ms;
  return {};
}

}  // namespace

Result<void> xclaim_command(Call& call) {
  TakenEntries taken;
  ClaimWish wish;
  const auto change = [&](OpenedStream& stream) -> Result<void> {
    const std::int64_t now_ms = wall_ms(call);
    taken.clear();
    wish = {};
    STAVE_ASSIGN(Claimer claimer, Claimer::open(call, stream, now_ms));
    STAVE_ASSIGN(const std::int64_t idle, claim_number(call, 4, "min-idle-time", "XCLAIM"));
    wish.idle_ms = std::max<std::int64_t>(idle, 0);
    std::vector<Id> ids;
    std::size_t i = 5;
    for (; i < call.size(); ++i) {
      const auto id = id_argument(call[i]);
      if (!id) break;
      ids.push_back(*id);
    }
    STAVE_TRY(parse_claim_options(call, i, now_ms, wish));
    if (wish.last_id > claimer.group().last_delivered) {
      claimer.group().last_delivered = wish.last_id;
      stream.editor().set_group(call[2], claimer.group());
    }
    claimer.begin(call[3]);
    call.session().remarks = claimer.remarks();
    for (const Id& id : ids) claimer.claim(id, stream.reader().pending(claimer.group().number, id), wish, taken);
    claimer.end();
    return {};
  };
  STAVE_TRY(change_one<Stream>(call, 1, change));
  answer_claimed(call.reply(), taken, wish.just_id);
  return {};
}

// --- XAUTOCLAIM ------------------------------------------------------------------------------------------------------

namespace {

struct AutoClaimWish {
  ClaimWish claim;
  Id from;
  std::uint64_t count = 100;
};

Result<AutoClaimWish> parse_auto_claim(Call& call) {
  constexpr std::int64_t kCountMax = std::numeric_limits<std::int64_t>::max() / 16;
  AutoClaimWish wish;
  STAVE_ASSIGN(const std::int64_t idle, claim_number(call, 4, "min-idle-time", "XAUTOCLAIM"));
  wish.claim.idle_ms = std::max<std::int64_t>(idle, 0);
  STAVE_ASSIGN(wish.from, range_start(call[5]));
  for (std::size_t i = 6; i < call.size(); ++i) {
    if (call.is(i, "COUNT") && i + 1 < call.size()) {
      const auto count = types::parse_integer(call[++i]);
      if (!count || *count < 1 || *count > kCountMax) return answer_error("ERR COUNT must be > 0");
      wish.count = static_cast<std::uint64_t>(*count);
    } else if (call.is(i, "JUSTID")) {
      wish.claim.just_id = true;
    } else {
      return syntax_error();
    }
  }
  return wish;
}

struct AutoClaimed {
  TakenEntries taken;
  std::vector<Id> gone;
  Id next;  ///< Where to go on; the first of all: it is over.
};

/// Takes over up to so many entries, having looked at no more than some times as many.
void claim_from(OpenedStream& stream, Claimer& claimer, const AutoClaimWish& wish, AutoClaimed& done) {
  constexpr std::uint64_t kLooks = 10;
  std::uint64_t looks = kLooks * wish.count;
  Id from = wish.from;
  while (looks != 0 && done.taken.size() + done.gone.size() != wish.count) {
    // Some at a time, since claiming changes what is walked over.
    constexpr std::size_t kAtOnce = 128;
    std::vector<std::pair<Id, PendingEntry>> idle;
    const std::size_t most =
        std::min<std::uint64_t>({kAtOnce, looks, wish.count - done.taken.size() - done.gone.size()});
    stream.reader().visit_pending(claimer.group().number, from, [&](const Id& id, const PendingEntry& pending) {
      idle.emplace_back(id, pending);
      return idle.size() != most;
    });
    if (idle.empty()) return;
    for (const auto& [id, pending] : idle)
      if (claimer.claim(id, pending, wish.claim, done.taken) == Claimer::Claimed::kGone) done.gone.push_back(id);
    looks -= idle.size();
    const auto next = types::stream::next_id(idle.back().first);
    if (!next) return;
    from = *next;
  }
  stream.reader().visit_pending(claimer.group().number, from, [&](const Id& id, const PendingEntry&) {
    done.next = id;
    return false;
  });
}

}  // namespace

Result<void> xautoclaim_command(Call& call) {
  STAVE_ASSIGN(AutoClaimWish wish, parse_auto_claim(call));
  AutoClaimed done;
  const auto change = [&](OpenedStream& stream) -> Result<void> {
    done = {};
    const std::int64_t now_ms = wall_ms(call);
    wish.claim.delivered_ms = now_ms;
    STAVE_ASSIGN(Claimer claimer, Claimer::open(call, stream, now_ms));
    claimer.begin(call[3]);
    call.session().remarks = claimer.remarks();
    claim_from(stream, claimer, wish, done);
    claimer.end();
    return {};
  };
  STAVE_TRY(change_one<Stream>(call, 1, change));
  Sink& reply = call.reply();
  reply.array(3);
  answer_id(reply, done.next);
  answer_claimed(reply, done.taken, wish.claim.just_id);
  reply.array(done.gone.size());
  for (const Id& id : done.gone) answer_id(reply, id);
  return {};
}

// --- XNACK -----------------------------------------------------------------------------------------------------------

namespace {

constexpr std::uint64_t kDeliveriesMax = std::numeric_limits<std::int64_t>::max();

/// How entries are given back.
struct NackWish {
  enum class Mode : std::uint8_t { kSilent, kFail, kFatal };
  Mode mode = Mode::kFail;
  std::vector<Id> ids;
  std::optional<std::uint64_t> deliveries;
  bool force = false;

  [[nodiscard]] std::uint64_t deliveries_after(std::uint64_t before) const noexcept {
    if (deliveries) return *deliveries;
    switch (mode) {
      case Mode::kSilent: return before == 0 ? 0 : before - 1;
      case Mode::kFail: return before;
      case Mode::kFatal: return kDeliveriesMax;
    }
    return before;
  }
};

Result<NackWish> parse_nack(const Call& call) {
  NackWish wish;
  if (call.is(3, "SILENT")) {
    wish.mode = NackWish::Mode::kSilent;
  } else if (call.is(3, "FATAL")) {
    wish.mode = NackWish::Mode::kFatal;
  } else if (!call.is(3, "FAIL")) {
    return syntax_error();
  }
  if (!call.is(4, "IDS")) return syntax_error();
  const auto count = types::parse_integer(call[5]);
  if (!count || *count < 1) return answer_error("ERR Number of IDs must be a positive integer");
  if (static_cast<std::uint64_t>(*count) > call.size() - 6)
    return answer_error("ERR The `numids` parameter must match the number of arguments");
  std::size_t i = 6;
  for (; i != 6 + static_cast<std::size_t>(*count); ++i) {
    STAVE_ASSIGN(const Id id, id_argument(call[i]));
    wish.ids.push_back(id);
  }
  for (; i < call.size(); ++i) {
    if (call.is(i, "FORCE")) {
      wish.force = true;
    } else if (call.is(i, "RETRYCOUNT") && i + 1 < call.size()) {
      const auto times = types::parse_integer(call[++i]);
      if (!times || *times < 0) return answer_error("ERR RETRYCOUNT must be a non-negative integer");
      wish.deliveries = static_cast<std::uint64_t>(*times);
    } else {
      return syntax_error();
    }
  }
  return wish;
}

}  // namespace

Result<void> xnack_command(Call& call) {
  STAVE_ASSIGN(const NackWish wish, parse_nack(call));
  std::int64_t released = 0;
  const auto change = [&](OpenedStream& stream) -> Result<void> {
    released = 0;
    const auto group = stream.existed() ? stream.reader().group(call[2]) : std::nullopt;
    STAVE_TRY(stream.whole());
    if (!group) return no_group(call[1], call[2]);
    std::optional<Consumer> nobody = stream.reader().consumer(group->number, kNobody);
    for (const Id& id : wish.ids) {
      const auto before = stream.reader().pending(group->number, id);
      if (!before && !(wish.force && stream.reader().contains(id))) continue;
      if (!nobody) nobody = stream.editor().add_consumer(group->number, kNobody, 0);
      const PendingEntry after{.consumer = nobody->number,
                               .delivered_ms = 0,
                               .deliveries = wish.deliveries_after(before ? before->deliveries : 0)};
      stream.editor().set_pending(group->number, id, after, before);
      ++released;
    }
    return {};
  };
  STAVE_TRY(change_one<Stream>(call, 1, change));
  call.reply().integer(released);
  return {};
}

}  // namespace stave::commands
