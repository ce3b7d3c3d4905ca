#include "commands/stream_arguments.h"

#include <algorithm>

#include "base/assert.h"
#include "base/try.h"
#include "commands/arguments.h"
#include "commands/encoding_limits.h"
#include "commands/errors.h"

namespace stave::commands {

using types::stream::Entry;
using types::stream::Id;
using StreamReader = types::stream::Reader;

std::unexpected<Error> invalid_stream_id() {
  return answer_error("ERR Invalid stream ID specified as stream command argument");
}

Result<Id> id_argument(std::string_view text, std::uint64_t missing_seq, bool strict) {
  constexpr std::size_t kTextMax = 127;
  if (!strict && text == "-") return types::stream::kIdMin;
  if (!strict && text == "+") return types::stream::kIdMax;
  const auto id = text.size() <= kTextMax ? types::stream::parse_id(text, missing_seq) : std::nullopt;
  return id ? Result<Id>(*id) : invalid_stream_id();
}

Result<Id> range_start(std::string_view text) {
  const bool without = text.size() > 1 && text[0] == '(';
  if (!without) return id_argument(text, 0, false);
  STAVE_ASSIGN(const Id id, id_argument(text.substr(1)));
  const auto next = types::stream::next_id(id);
  return next ? Result<Id>(*next) : answer_error("ERR invalid start ID for the interval");
}

Result<Id> range_end(std::string_view text) {
  constexpr std::uint64_t kLastOfAll = types::stream::kIdMax.seq;
  const bool without = text.size() > 1 && text[0] == '(';
  if (!without) return id_argument(text, kLastOfAll, false);
  STAVE_ASSIGN(const Id id, id_argument(text.substr(1), kLastOfAll));
  const auto previous = types::stream::previous_id(id);
  return previous ? Result<Id>(*previous) : answer_error("ERR invalid end ID for the interval");
}

// Redis trims about right by whole nodes of its own, of so many entries; here that number stands for the same.
std::uint64_t entries_to_trim(const StreamReader& stream, const TrimWish& wish) {
  std::uint64_t beyond = 0;
  switch (wish.by) {
    case TrimWish::By::kNothing: return 0;
    case TrimWish::By::kLength: beyond = stream.size() - std::min(stream.size(), wish.length); break;
    case TrimWish::By::kId: {
      const auto last = types::stream::previous_id(wish.least);
      const auto count = [&](const Entry&) { return ++beyond != wish.limit; };
      if (last) stream.visit(types::stream::kIdMin, *last, count);
      break;
    }
  }
  if (!wish.about) return beyond;
  if (wish.limit != 0) beyond = std::min(beyond, wish.limit);
  return beyond == stream.size() ? beyond : beyond - beyond % wish.piece;
}

namespace {

/// Those that no group has to see any more, until the stream is as short as is wished.
std::uint64_t trim_acknowledged(types::stream::Editor& stream, const TrimWish& wish) {
  std::uint64_t most =
      wish.by == TrimWish::By::kLength ? stream.size() - std::min(stream.size(), wish.length) : stream.size();
  if (wish.limit != 0) most = std::min(most, wish.limit);
  if (most == 0) return 0;
  const bool by_id = wish.by == TrimWish::By::kId;
  const auto last = by_id ? types::stream::previous_id(wish.least) : types::stream::kIdMax;
  if (!last) return 0;
  std::vector<Id> ids;
  stream.visit(types::stream::kIdMin, *last, [&](const Entry& entry) {
    if (!is_referenced(stream, entry.id())) ids.push_back(entry.id());
    return ids.size() != most;
  });
  for (const Id& id : ids) stream.remove(id);
  return ids.size();
}

}  // namespace

std::uint64_t trim_stream(types::stream::Editor& stream, const TrimWish& wish) {
  if (wish.by == TrimWish::By::kNothing) return 0;
  if (wish.references == References::kAcknowledged && stream.groups() != 0) return trim_acknowledged(stream, wish);
  const std::uint64_t count = entries_to_trim(stream, wish);
  if (count == 0) return 0;
  if (wish.references == References::kDrop && stream.groups() != 0) {
    std::vector<Id> ids;
    stream.visit(types::stream::kIdMin, types::stream::kIdMax, [&](const Entry& entry) {
      ids.push_back(entry.id());
      return ids.size() != count;
    });
    for (const Id& id : ids) drop_references(stream, id);
  }
  stream.remove_first(count);
  return count;
}

Result<void> TrimOptions::take_threshold(std::size_t& i, TrimWish::By by) {
  if (wish_.by != TrimWish::By::kNothing)
    return answer_error("ERR syntax error, MAXLEN and MINID options at the same time are not compatible");
  wish_.about = false;
  if (i + 2 < call_.size() && (call_[i + 1] == "~" || call_[i + 1] == "=")) wish_.about = call_[++i] == "~";
  ++i;
  wish_.by = by;
  if (by == TrimWish::By::kId) {
    STAVE_ASSIGN(wish_.least, id_argument(call_[i]));
    return {};
  }
  STAVE_ASSIGN(const std::int64_t length, integer_argument(call_, i));
  if (length < 0) return answer_error("ERR The MAXLEN argument must be >= 0.");
  wish_.length = static_cast<std::uint64_t>(length);
  return {};
}

Result<bool> TrimOptions::take(std::size_t& i) {
  if (const auto references = references_named(call_[i])) {
    wish_.references = *references;
    return true;
  }
  if (i + 1 >= call_.size()) return false;
  if (call_.is(i, "MAXLEN")) {
    STAVE_TRY(take_threshold(i, TrimWish::By::kLength));
  } else if (call_.is(i, "MINID")) {
    STAVE_TRY(take_threshold(i, TrimWish::By::kId));
  } else if (call_.is(i, "LIMIT")) {
    STAVE_ASSIGN(const std::int64_t limit, integer_argument(call_, ++i));
    if (limit < 0) return answer_error("ERR The LIMIT argument must be >= 0.");
    limit_ = static_cast<std::uint64_t>(limit);
  } else {
    return false;
  }
  return true;
}

Result<TrimWish> TrimOptions::finish() {
  constexpr std::uint64_t kPiecesAtOnce = 100;
  constexpr std::uint64_t kManyEntries = 10'000;
  constexpr std::uint64_t kEntriesMax = 1'000'000;
  if (limit_ && *limit_ != 0 && wish_.by == TrimWish::By::kNothing)
    return answer_error("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy");
  if (limit_ && !wish_.about && wish_.by != TrimWish::By::kNothing)
    return answer_error("ERR syntax error, LIMIT cannot be used without the special ~ option");
  if (!wish_.about) return wish_;
  const auto piece =
      static_cast<std::uint64_t>(call_.environment().encoding_limits().get(EncodingLimit::kStreamNodeEntries));
  wish_.piece = std::max<std::uint64_t>(piece, 1);
  const std::uint64_t usual = piece == 0 || piece > kEntriesMax ? kManyEntries : kPiecesAtOnce * piece;
  wish_.limit = limit_.value_or(std::min(usual, kEntriesMax));
  return wish_;
}

void TakenEntries::clear() noexcept {
  bytes_.clear();
  ends_.clear();
  entries_.clear();
  claimed_.clear();
}

void TakenEntries::add(const Entry& entry) {
  entries_.push_back({.id = entry.id(), .first = ends_.size(), .strings = 2 * entry.fields()});
  entry.visit([this](std::string_view name, std::string_view value) {
    add(name);
    add(value);
  });
}

void TakenEntries::add_claimed(const Entry& entry, const Before& before) {
  STAVE_ASSERT(claimed_.size() == entries_.size());
  add(entry);
  claimed_.push_back(before);
}

void TakenEntries::add_gone(const Id& id) {
  entries_.push_back({.id = id, .gone = true});
}

void TakenEntries::answer(Sink& reply, std::size_t i) const {
  STAVE_ASSERT(i < entries_.size());
  const One& one = entries_[i];
  reply.array(i < claimed_.size() ? 4 : 2);
  answer_id(reply, one.id);
  if (one.gone) {
    reply.null_array();
    return;
  }
  reply.array(one.strings);
  std::size_t begin = one.first == 0 ? 0 : ends_[one.first - 1];
  for (std::size_t at = one.first; at != one.first + one.strings; ++at) {
    reply.bulk(std::string_view(bytes_).substr(begin, ends_[at] - begin));
    begin = ends_[at];
  }
  if (i >= claimed_.size()) return;
  reply.integer(claimed_[i].idle_ms);
  reply.integer(static_cast<std::int64_t>(claimed_[i].deliveries));
}

void TakenEntries::answer(Sink& reply) const {
  reply.array(entries_.size());
  for (std::size_t i = 0; i != entries_.size(); ++i) answer(reply, i);
}

}  // namespace stave::commands
