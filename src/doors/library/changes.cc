// Changes as they happen, for who has the store in his own process.
#include "stave/changes.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "commands/type_names.h"
#include "commands/wanted_changes.h"
#include "doors/library/store_impl.h"
#include "store/change_reader.h"
#include "store/upkeep.h"

namespace stave {

using store::ChangeFeed;
using store::ChangeReader;
using store::LoggedChange;

namespace {

/// Read at once.
constexpr std::size_t kAheadChanges = 1000;
constexpr std::size_t kAheadBytes = 1u << 20;
constexpr std::size_t kStepBytes = 8u << 20;
constexpr std::uint64_t kNsPerMs = 1'000'000;

ChangeEvent::Kind kind_of(LoggedChange::Kind kind) noexcept {
  switch (kind) {
    case LoggedChange::Kind::kSet: return ChangeEvent::Kind::kSet;
    case LoggedChange::Kind::kChange: return ChangeEvent::Kind::kChange;
    case LoggedChange::Kind::kSetExpiry: return ChangeEvent::Kind::kSetExpiry;
    case LoggedChange::Kind::kDelete: return ChangeEvent::Kind::kDelete;
    case LoggedChange::Kind::kExpire: return ChangeEvent::Kind::kExpire;
    case LoggedChange::Kind::kEvict: return ChangeEvent::Kind::kEvict;
    case LoggedChange::Kind::kFlush: return ChangeEvent::Kind::kFlush;
    case LoggedChange::Kind::kSwap: return ChangeEvent::Kind::kSwap;
    case LoggedChange::Kind::kLost: return ChangeEvent::Kind::kLost;
  }
  return ChangeEvent::Kind::kLost;
}

commands::WantedChanges::Wish wish_of(ChangeOptions& options) {
  return {.database = options.database,
          .prefix = std::move(options.prefix),
          .pattern = std::move(options.pattern),
          .type = commands::type_named(options.type)};
}

}  // namespace

std::string_view to_string(ChangeEvent::Kind kind) noexcept {
  switch (kind) {
    case ChangeEvent::Kind::kSet: return "set";
    case ChangeEvent::Kind::kChange: return "change";
    case ChangeEvent::Kind::kSetExpiry: return "set_expiry";
    case ChangeEvent::Kind::kDelete: return "delete";
    case ChangeEvent::Kind::kExpire: return "expire";
    case ChangeEvent::Kind::kEvict: return "evict";
    case ChangeEvent::Kind::kFlush: return "flush";
    case ChangeEvent::Kind::kSwap: return "swap";
    case ChangeEvent::Kind::kLost: return "lost";
  }
  return "unknown";
}

struct ChangeStream::State {
  State(store::Engine& of, Lsn since, ChangeOptions options)
      : engine(of),
        known_type(options.type.empty() || commands::type_named(options.type)),
        wanted(wish_of(options)),
        reader(of, since, {.values = options.values, .filter = &wanted}) {
    wanted.show_everything();
  }

  Result<void> read_ahead() {
    ahead.clear();
    next = 0;
    std::size_t bytes = 0;
    const auto keep = [&](const LoggedChange& change) {
      bytes += change.key.size() + (change.value ? change.value->size() : 0);
      ahead.push_back(change);
      return ahead.size() < kAheadChanges && bytes < kAheadBytes;
    };
    auto read = reader.read(kStepBytes, keep);
    // What came before is told first.
    if (!read && ahead.empty()) return std::unexpected<Error>(std::move(read).error());
    more = read && read->more;
    return {};
  }

  ChangeEvent take() {
    LoggedChange& change = ahead[next++];
    ChangeEvent event{.lsn = change.lsn,
                      .batch = change.batch,
                      .last = change.last,
                      .kind = kind_of(change.kind),
                      .database = change.database,
                      .other = change.other,
                      .time = engine.time().to_wall(change.time),
                      .expiry = engine.time().shown(change.expiry),
                      .key = std::move(change.key),
                      .value = std::nullopt};
    if (!change.type) return event;
    event.type = commands::type_name(*change.type);
    if (*change.type == store::ValueType::kString || *change.type == store::ValueType::kJson)
      event.value = std::move(change.value);
    return event;
  }

  store::Engine& engine;
  const bool known_type;
  commands::WantedChanges wanted;
  ChangeReader reader;
  std::vector<LoggedChange> ahead;
  std::size_t next = 0;  ///< Of these.
  bool more = false;
};

ChangeStream::ChangeStream(Store& store, Lsn since, ChangeOptions options)
    : state_(std::make_unique<State>(store.engine(), since, std::move(options))) {}

ChangeStream::~ChangeStream() = default;
ChangeStream::ChangeStream(ChangeStream&& other) noexcept = default;
ChangeStream& ChangeStream::operator=(ChangeStream&& other) noexcept = default;

Result<std::optional<ChangeEvent>> ChangeStream::next(std::int64_t wait_ms) try {
  State& state = *state_;
  if (!state.known_type) return fail(ErrorCode::kInvalidArgument, "there is no type of that name; see TYPE");
  ChangeFeed& feed = state.engine.upkeep().change_feed();
  // Far from where sums of nanoseconds end.
  constexpr std::int64_t kMostMs = std::int64_t{1} << 40;
  std::uint64_t deadline_ns = 0;
  for (bool waited = false;;) {
    if (state.next < state.ahead.size()) return state.take();
    STAVE_TRY(state.read_ahead());
    if (!state.ahead.empty() || state.more) continue;
    if (wait_ms == 0) return std::nullopt;
    if (wait_ms > 0 && !std::exchange(waited, true))
      deadline_ns =
          state.engine.clock().monotonic_ns() + static_cast<std::uint64_t>(std::min(wait_ms, kMostMs)) * kNsPerMs;
    const ChangeFeed::Woken how = feed.wait(state.reader.waits_past(), deadline_ns);
    if (how == ChangeFeed::Woken::kTimeUp) return std::nullopt;
    if (how == ChangeFeed::Woken::kStopped) return fail(ErrorCode::kAborted, "the store is being closed");
  }
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

Lsn ChangeStream::position() const noexcept {
  if (state_->next < state_->ahead.size()) return Lsn{raw(state_->ahead[state_->next].lsn) - 1};
  return state_->reader.position();
}

Lsn ChangeStream::oldest(Store& store) {
  return ChangeReader::oldest_position(store.engine());
}

Lsn ChangeStream::now(Store& store) {
  return Lsn{raw(store.engine().upkeep().change_feed().horizon()) - 1};
}

}  // namespace stave
