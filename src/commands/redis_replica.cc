#include "commands/redis_replica.h"

#include <charconv>
#include <utility>

#include "base/assert.h"
#include "base/try.h"
#include "commands/access.h"
#include "commands/dispatch.h"
#include "commands/errors.h"
#include "commands/null_sink.h"
#include "commands/text.h"
#include "commands/together.h"
#include "store/own_values.h"
#include "store/transaction.h"

namespace stave::commands {

using replication::RedisCall;
using replication::RedisPosition;
using replication::RedisUnit;

namespace {

/// Keeps the line of an error, and nothing else.
class ErrorSink final : public NullSink {
 public:
  ErrorSink() noexcept : NullSink(2) {}
  void error(std::string_view text) override {
    if (line_.empty()) line_ = text;
  }
  [[nodiscard]] const std::string& line() const noexcept { return line_; }
  void clear() noexcept { line_.clear(); }

 private:
  std::string line_;
};

std::string shown(const RedisCall& call) {
  std::string text;
  for (std::size_t i = 0; i < call.words.size() && i < 4; ++i) {
    text += i == 0 ? "" : " ";
    for (const char c : call.words[i].substr(0, 40)) text += c > ' ' && c <= '~' ? c : '?';
  }
  return call.words.size() > 4 ? text + " …" : text;
}

/// What follows from a call's answer, which was an error.
std::unexpected<Error> failed(const RedisCall& call, std::string line) {
  constexpr std::string_view kDiscarded = "EXECABORT Transaction discarded: ";
  if (line.starts_with(kDiscarded)) line.erase(0, kDiscarded.size());
  if (line.starts_with("BUSY ")) return fail(ErrorCode::kBusy, line);
  if (line.starts_with("OOM ")) return fail(ErrorCode::kNoMemory, "the master's command needs more memory: " + line);
  if (line.starts_with("MISCONF ")) return fail(ErrorCode::kNoSpace, line);
  return fail(ErrorCode::kUnsupported, "the master's command `" + shown(call) + "` in database " +
                                           std::to_string(call.database) + " cannot be applied: " + line);
}

bool is_flush(const Command& row) noexcept {
  return row.name == "FLUSHALL" || row.name == "FLUSHDB";
}

bool is_of(const Command& row, std::string_view container) noexcept {
  const Command* const above = container_of(row);
  return above != nullptr && above->name == container;
}

/// Whether a call can be part of the transaction that the position is in. Scripts come as what they did.
bool takes_part(const Resolved& resolved) noexcept {
  return resolved.runs() && (resolved.row->flags & kTogether) != 0 && resolved.row->group != "scripting";
}

/// Whether what it does can be done twice without harm.
bool stands_alone(const Resolved& resolved) noexcept {
  if (!resolved.runs()) return false;
  const Command& row = *resolved.row;
  return is_of(row, "FUNCTION") || is_of(row, "SCRIPT") || row.name == "PUBLISH" || row.name == "SPUBLISH";
}

bool plain(const RedisUnit& unit) {
  if (unit.calls.size() == 1 && resolve(unit.calls[0].words).runs() && is_flush(*resolve(unit.calls[0].words).row))
    return false;
  return std::ranges::all_of(unit.calls, [](const RedisCall& call) { return takes_part(resolve(call.words)); });
}

template <class Number>
bool take_figure(std::string_view& text, Number& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  if (error != std::errc{} || end == text.data() + text.size() || *end != ' ') return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return true;
}

}  // namespace

/// What is noted before two databases change places: a key of one of them, which is in the other one afterwards.
struct RedisReplica::Swap {
  int first = 0;
  int second = 0;
  int holder = 0;  ///< Where the key is before.
  std::uint64_t version = 0;
  RedisPosition behind;  ///< Behind the swap; its replid is that of the position before.
  std::string key;

  [[nodiscard]] std::string encode() const {
    std::string text = "\nswap ";
    for (const std::uint64_t number :
         {static_cast<std::uint64_t>(first), static_cast<std::uint64_t>(second), static_cast<std::uint64_t>(holder),
          version, behind.offset, static_cast<std::uint64_t>(behind.database)})
      text += std::to_string(number) + " ";
    return text + key;
  }
  static std::optional<Swap> decode(std::string_view text) {
    constexpr std::string_view kWord = "swap ";
    Swap swap;
    if (!text.starts_with(kWord)) return std::nullopt;
    text.remove_prefix(kWord.size());
    if (!take_figure(text, swap.first) || !take_figure(text, swap.second) || !take_figure(text, swap.holder) ||
        !take_figure(text, swap.version) || !take_figure(text, swap.behind.offset) ||
        !take_figure(text, swap.behind.database))
      return std::nullopt;
    swap.key = text;
    return swap;
  }
};

RedisReplica::RedisReplica(Environment& environment)
    : environment_(environment), session_(environment, ClientInfo{.name = "master"}, nullptr) {
  become_owner(session_);
}

Result<void> RedisReplica::put_own(std::string_view value) {
  STAVE_ASSIGN(const store::Pending pending,
               store::write_own(environment_.engine(), store::OwnValue::kMasterPosition, value, Sync::kDefault));
  pending_.merge(pending);
  return {};
}

Result<void> RedisReplica::put_position(std::string_view lineage, const RedisPosition& position) {
  return put_own(encode_position(lineage, position));
}

Result<bool> RedisReplica::has_swapped(const Swap& swap) {
  store::Transaction transaction(environment_.engine(), store::KeyRef{swap.holder, swap.key});
  const auto held = transaction.find({swap.holder, swap.key}, store::Access::kMeta);
  if (const Error* failure = transaction.failure()) return fail(failure->clone());
  return !held || raw(held->version) != swap.version;
}

Result<std::optional<RedisPosition>> RedisReplica::position(std::string_view lineage) {
  STAVE_ASSIGN(const auto value, store::read_own(environment_.engine(), store::OwnValue::kMasterPosition));
  if (!value) return std::nullopt;
  const std::string_view text = *value;
  const std::size_t end = std::min(text.find('\n'), text.size());
  auto position = replication::decode_position(text.substr(0, end), lineage);
  if (!position || end == text.size()) return position;
  const auto swap = Swap::decode(text.substr(end + 1));
  if (!swap) return std::nullopt;
  STAVE_ASSIGN(const bool swapped, has_swapped(*swap));
  if (!swapped) return position;
  position->offset = swap->behind.offset;
  position->database = swap->behind.database;
  STAVE_TRY(put_position(lineage, *position));
  return position;
}

Result<void> RedisReplica::settle() {
  return environment_.engine().wait(std::exchange(pending_, {}));
}

Result<void> RedisReplica::apply(std::string_view lineage, std::span<const RedisUnit> units, RedisPosition& at) {
  while (!units.empty()) {
    std::size_t count = 0;
    while (count < units.size() && plain(units[count])) ++count;
    if (count == 0) {
      STAVE_TRY(apply_alone(lineage, units[0], at));
      units = units.subspan(1);
      continue;
    }
    auto done = apply_together(lineage, units.first(count), at);
    const bool refused =
        !done && (done.error().code() == ErrorCode::kUnsupported || done.error().code() == ErrorCode::kInvalidArgument);
    if (refused && count > 1) {
      // Up to the one that cannot be.
      for (std::size_t i = 0; i < count; ++i) STAVE_TRY(apply_together(lineage, units.subspan(i, 1), at));
      done = {};
    }
    STAVE_TRY(std::move(done));
    units = units.subspan(count);
  }
  return {};
}

Result<void> RedisReplica::apply_together(std::string_view lineage, std::span<const RedisUnit> units,
                                          RedisPosition& at) {
  store::Engine& engine = environment_.engine();
  std::vector<const RedisCall*> calls;
  for (const RedisUnit& unit : units)
    for (const RedisCall& call : unit.calls)
      if (takes_part(resolve(call.words))) calls.push_back(&call);
  const RedisPosition behind{.replid = at.replid, .offset = units.back().end, .database = units.back().database};
  if (calls.empty()) {
    at = behind;  // only pings: the log hears of them with the next command
    return {};
  }
  const store::OwnKey own(engine.keyspace(), store::OwnValue::kMasterPosition);
  std::vector<store::KeyRef> keys{own.ref()};
  std::vector<keyspace::ShardId> shards;
  std::vector<Resolved> resolved;
  for (const RedisCall* call : calls) {
    if (call->database >= engine.options().databases)
      return fail(ErrorCode::kInvalidArgument, "the master uses database " + std::to_string(call->database) +
                                                   ", and there are " + std::to_string(engine.options().databases) +
                                                   " here: start with more `databases`");
    resolved.push_back(resolve(call->words));
    visit_keys(*resolved.back().row, call->words,
               [&](std::size_t i) { keys.push_back({call->database, call->words[i]}); });
    lock_whole(session_, *resolved.back().row, call->database, shards);
  }
  const std::string value = encode_position(lineage, behind);
  ErrorSink sink;
  std::size_t last = 0;
  const auto check = [](store::Transaction&) { return std::optional<std::string>(); };
  const auto begin = [](bool) {};
  const auto run = [&](std::size_t i) -> RanTogether {
    sink.clear();
    last = i;
    if (i == calls.size()) {
      auto put = session_.shared->put(own.ref(), value, {}, store::ValueType::kPage);
      return put ? RanTogether{} : RanTogether{.line = spell_error(put.error()), .undo_all = true};
    }
    session_.select(calls[i]->database);
    dispatch(session_, resolved[i], calls[i]->words, sink);
    return {.line = sink.line(), .undo_all = !sink.line().empty()};
  };
  const auto done =
      run_together(session_, {.keys = keys, .shards = shards, .count = calls.size() + 1}, check, begin, run);
  static_cast<void>(session_.take_pending());
  if (!done) {
    if (sink.line().empty()) return failed(*calls[std::min(last, calls.size() - 1)], done.error().line);
    return failed(*calls[last], sink.line());
  }
  pending_.merge(*done);
  at = behind;
  return {};
}

// The rest of a transaction that has such a command follows it: nobody depends on whether a library of functions comes
// a moment before the keys.
Result<void> RedisReplica::apply_alone(std::string_view lineage, const RedisUnit& unit, RedisPosition& at) {
  for (const RedisCall& call : unit.calls) {
    const Resolved resolved = resolve(call.words);
    const bool single = unit.calls.size() == 1;
    if (single && resolved.runs() && resolved.row->name == "SWAPDB") return apply_swap(lineage, call, unit, at);
    if (stands_alone(resolved) || (single && resolved.runs() && is_flush(*resolved.row))) {
      STAVE_TRY(run_by_itself(call));
    } else if (!takes_part(resolved)) {
      if (!resolved.runs()) return failed(call, refusal_line(resolved, call.words));
      return failed(call, "ERR Stave does not know it as something that a master sends" +
                              std::string(single ? "" : " in a transaction"));
    }
  }
  STAVE_TRY(apply_together(lineage, std::span(&unit, 1), at));
  return put_position(lineage, at);
}

Result<void> RedisReplica::run_by_itself(const RedisCall& call) {
  if (call.database >= environment_.engine().options().databases)
    return failed(call, "ERR there are fewer databases here: start with more `databases`");
  session_.select(call.database);
  // Once more does no harm, and may be needed after a crash.
  std::vector<std::string_view> words = call.words;
  const bool function = words.size() >= 2 && same_word(words[0], "FUNCTION");
  if (function && words.size() == 3 && same_word(words[1], "LOAD")) words.insert(words.begin() + 2, "REPLACE");
  if (function && words.size() >= 3 && same_word(words[1], "RESTORE") &&
      (words.size() == 3 || same_word(words[3], "APPEND"))) {
    words.resize(3);
    words.emplace_back("REPLACE");
  }
  ErrorSink sink;
  dispatch(session_, words, sink);
  pending_.merge(session_.take_pending());
  if (sink.line().empty()) return {};
  if (function && same_word(words[1], "DELETE") && sink.line() == "ERR Library not found") return {};
  return failed(call, sink.line());
}

Result<void> RedisReplica::apply_swap(std::string_view lineage, const RedisCall& call, const RedisUnit& unit,
                                      RedisPosition& at) {
  store::Engine& engine = environment_.engine();
  Swap swap{.behind = {.replid = at.replid, .offset = unit.end, .database = unit.database}};
  const auto number = [&](std::size_t i, int& into) {
    const std::string_view text = call.words[i];
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
    return error == std::errc{} && end == text.data() + text.size() && into >= 0 && into < engine.options().databases;
  };
  if (!number(1, swap.first) || !number(2, swap.second))
    return failed(call, "ERR there are fewer databases here: start with more `databases`");
  bool found = false;
  for (const int database : {swap.first, swap.second}) {
    if (found) break;
    const auto shards = engine.world().shards_of(database, database);
    store::Transaction transaction(engine, std::span<const store::KeyRef>(), shards);
    std::uint64_t cursor = 0;
    do {
      cursor = transaction.scan(database, cursor, 1, [&](std::string_view key, const store::ValueView& view) {
        found = true;
        swap.holder = database;
        swap.key = key;
        swap.version = raw(view.version);
      });
    } while (cursor != 0 && !found);
  }
  // Of two that are empty nobody can tell, and nobody needs to.
  if (found && swap.first != swap.second) STAVE_TRY(put_own(encode_position(lineage, at) + swap.encode()));
  STAVE_TRY(run_by_itself(call));
  at = swap.behind;
  return put_position(lineage, at);
}

}  // namespace stave::commands
