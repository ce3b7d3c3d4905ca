// The part of rdb_value.h that reads streams: listpacks of entries, counters, groups. Written from the descriptions in
// Redis' own t_stream.c and rdb.c, and from what servers made.
#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/try.h"
#include "exchange/rdb_packed.h"
#include "exchange/rdb_types.h"
#include "exchange/rdb_value.h"

namespace stave::exchange {

using types::stream::Field;
using types::stream::Id;

namespace {

/// What an entry's items take beyond their texts, at most.
constexpr std::size_t kItemHead = 9;

/// Takes the elements of a node one by one and makes entries of them: a state machine, since the listpack's walk is not
/// ours.
///
/// First the master: entries, deleted ones, n, n names, 0. Then of each entry: flags, ms and seq beyond the node's id,
/// [n, when the names are its own,] names and values, or values, and how many elements that were.
class NodeReader {
 public:
  enum class Wrong : std::uint8_t { kNothing, kMalformed, kTooLarge };

  NodeReader(const Id& master, std::size_t bytes_max, types::stream::Builder& into)
      : master_(master), bytes_max_(bytes_max), into_(into) {}

  bool take(const types::ItemText& element) {
    wrong_ = step(element);
    return wrong_ == Wrong::kNothing;
  }
  [[nodiscard]] bool whole() const noexcept { return state_ == State::kFlags && live_ == count_ && dead_ == deleted_; }
  [[nodiscard]] Wrong wrong() const noexcept { return wrong_; }

 private:
  enum class State : std::uint8_t { kCount, kDeleted, kNames, kName, kZero, kFlags, kMs, kSeq, kFields, kText, kBack };
  static constexpr std::int64_t kDeletedFlag = 1;
  static constexpr std::int64_t kSameFields = 2;

  static std::optional<std::int64_t> number(const types::ItemText& element) {
    if (element.number()) return element.number();
    return types::parse_integer(element.view());
  }

  Wrong step(const types::ItemText& element) {
    if (state_ == State::kName) return take_name(element.view());
    if (state_ == State::kText) return take_text(element.view());
    const auto value = number(element);
    return value ? take_number(*value) : Wrong::kMalformed;
  }

  Wrong take_number(std::int64_t value) {
    const auto next = [this](State state) {
      state_ = state;
      return Wrong::kNothing;
    };
    const auto delta = static_cast<std::uint64_t>(value);
    switch (state_) {
      case State::kCount: count_ = value; return next(State::kDeleted);
      case State::kDeleted: deleted_ = value; return next(State::kNames);
      case State::kNames:
        if (value < 0) return Wrong::kMalformed;
        left_ = delta;
        return next(left_ == 0 ? State::kZero : State::kName);
      case State::kZero: return value == 0 ? next(State::kFlags) : Wrong::kMalformed;
      case State::kFlags:
        flags_ = value;
        elements_ = 3;
        texts_.clear();
        return next(State::kMs);
      case State::kMs: id_.ms = master_.ms + delta; return next(State::kSeq);
      case State::kSeq:
        id_.seq = master_.seq + delta;
        if ((flags_ & kSameFields) == 0) return next(State::kFields);
        return begin_texts(names_.size());
      case State::kFields:
        if (value <= 0 || delta > bytes_max_) return Wrong::kMalformed;
        ++elements_;
        return begin_texts(2 * delta);
      case State::kBack: return static_cast<std::uint64_t>(value) == elements_ ? finish() : Wrong::kMalformed;
      case State::kName:
      case State::kText: break;
    }
    return Wrong::kMalformed;
  }

  Wrong begin_texts(std::uint64_t texts) {
    if (texts == 0) return Wrong::kMalformed;
    left_ = texts;
    elements_ += texts;
    state_ = State::kText;
    bytes_ = 0;
    return Wrong::kNothing;
  }
  Wrong take_name(std::string_view name) {
    names_.emplace_back(name);
    if (--left_ == 0) state_ = State::kZero;
    return Wrong::kNothing;
  }
  Wrong take_text(std::string_view text) {
    bytes_ += text.size() + kItemHead;
    if (bytes_ > bytes_max_ || into_.bytes() > bytes_max_ - bytes_) return Wrong::kTooLarge;
    texts_.emplace_back(text);
    if (--left_ == 0) state_ = State::kBack;
    return Wrong::kNothing;
  }
  Wrong finish() {
    state_ = State::kFlags;
    if ((flags_ & kDeletedFlag) != 0) {
      ++dead_;
      return Wrong::kNothing;
    }
    ++live_;
    std::vector<Field> fields;
    if ((flags_ & kSameFields) != 0) {
      for (std::size_t i = 0; i != texts_.size(); ++i) fields.push_back({.name = names_[i], .value = texts_[i]});
    } else {
      for (std::size_t i = 0; i != texts_.size(); i += 2) fields.push_back({.name = texts_[i], .value = texts_[i + 1]});
    }
    return into_.append(id_, fields) ? Wrong::kNothing : Wrong::kMalformed;
  }

  Id master_;
  std::size_t bytes_max_;
  types::stream::Builder& into_;
  State state_ = State::kCount;
  Wrong wrong_ = Wrong::kNothing;
  std::int64_t count_ = 0;
  std::int64_t deleted_ = 0;
  std::int64_t live_ = 0;
  std::int64_t dead_ = 0;
  std::int64_t flags_ = 0;
  std::uint64_t left_ = 0;
  std::uint64_t elements_ = 0;
  std::size_t bytes_ = 0;
  Id id_;
  std::vector<std::string> names_;
  std::vector<std::string> texts_;
};

/// As two lengths.
Result<Id> read_counted_id(RdbStream& stream) {
  Id id;
  STAVE_ASSIGN(id.ms, stream.length());
  STAVE_ASSIGN(id.seq, stream.length());
  return id;
}

/// As sixteen bytes.
Result<Id> read_raw_id(RdbStream& stream) {
  STAVE_ASSIGN(const std::string_view bytes, stream.take(types::stream::kIdBytes));
  return types::stream::get_id(bytes.data());
}

bool has_counters(unsigned type) noexcept {
  return static_cast<RdbType>(type) != RdbType::kStreamListpacks;
}

}  // namespace

/// What a group has pending: when it was delivered and how often, until it is known to whom.
struct RdbValueReader::StreamGroup {
  types::stream::Number number = 0;
  std::map<Id, types::stream::Pending> pending;
};

Result<void> RdbValueReader::check_stream_size(const RdbStream& stream, std::size_t more) const {
  const std::size_t most = std::min<std::size_t>(bytes_max_, types::item::kTextMax / 2);
  if (more <= most && stream_.bytes() <= most - more) return {};
  return stream.fail_here(ErrorCode::kTooLarge, "a value of more than " + std::to_string(bytes_max_) + " bytes");
}

Result<void> RdbValueReader::read_stream_node(RdbStream& stream) {
  STAVE_TRY(string(stream, first_));
  if (first_.size() != types::stream::kIdBytes) return stream.corrupt("a stream's entries without an id");
  const Id master = types::stream::get_id(first_.data());
  STAVE_TRY(string(stream, text_));
  NodeReader node(master, std::min<std::size_t>(bytes_max_, types::item::kTextMax / 2), stream_);
  const bool walked = walk_listpack(text_, [&](const types::ItemText& element) { return node.take(element); });
  if (node.wrong() == NodeReader::Wrong::kTooLarge) return check_stream_size(stream, bytes_max_);
  if (!walked || !node.whole()) return stream.corrupt("entries of a stream are malformed");
  return {};
}

Result<void> RdbValueReader::read_stream_consumers(RdbStream& stream, unsigned type, StreamGroup& group) {
  STAVE_ASSIGN(std::uint64_t consumers, stream.length());
  for (; consumers != 0; --consumers) {
    STAVE_TRY(string(stream, first_));
    STAVE_TRY(check_stream_size(stream, first_.size()));
    STAVE_ASSIGN(const std::int64_t seen, stream.integer<std::int64_t>());
    std::optional<std::int64_t> active = seen;
    if (static_cast<RdbType>(type) == RdbType::kStreamListpacks3) {
      STAVE_ASSIGN(active, stream.integer<std::int64_t>());
      if (*active == -1) active.reset();
    }
    const auto consumer = stream_.add_consumer(group.number, first_, seen, active);
    STAVE_ASSIGN(std::uint64_t pending, stream.length());
    for (; pending != 0; --pending) {
      STAVE_ASSIGN(const Id id, read_raw_id(stream));
      const auto known = group.pending.find(id);
      if (known == group.pending.end()) return stream.corrupt("a consumer was given what its group was not");
      known->second.consumer = consumer;
      stream_.add_pending(group.number, id, known->second);
      group.pending.erase(known);
    }
  }
  if (!group.pending.empty()) return stream.corrupt("a group was given what none of its consumers was");
  return {};
}

Result<void> RdbValueReader::read_stream_group(RdbStream& stream, unsigned type) {
  STAVE_TRY(string(stream, first_));
  STAVE_TRY(check_stream_size(stream, first_.size()));
  const std::string name = first_;
  STAVE_ASSIGN(const Id last, read_counted_id(stream));
  std::optional<std::uint64_t> entries_read;
  if (has_counters(type)) {
    STAVE_ASSIGN(const std::uint64_t read, stream.length());
    if (static_cast<std::int64_t>(read) >= 0) entries_read = read;
  }
  StreamGroup group;
  group.number = stream_.add_group(name, last, entries_read);
  STAVE_ASSIGN(std::uint64_t pending, stream.length());
  for (; pending != 0; --pending) {
    STAVE_ASSIGN(const Id id, read_raw_id(stream));
    types::stream::Pending one;
    STAVE_ASSIGN(one.delivered_ms, stream.integer<std::int64_t>());
    STAVE_ASSIGN(one.deliveries, stream.length());
    STAVE_TRY(check_stream_size(stream, (group.pending.size() + 1) * 2 * types::stream::kIdBytes));
    if (!group.pending.emplace(id, one).second) return stream.corrupt("an entry is pending twice");
  }
  return read_stream_consumers(stream, type, group);
}

Result<std::string_view> RdbValueReader::read_stream_value(RdbStream& stream, unsigned type) {
  stream_.clear();
  STAVE_ASSIGN(std::uint64_t nodes, stream.length());
  for (; nodes != 0; --nodes) STAVE_TRY(read_stream_node(stream));
  types::stream::Counters counters;
  STAVE_ASSIGN(const std::uint64_t length, stream.length());
  if (length != stream_.entries()) return stream.corrupt("a stream of another length than it says");
  STAVE_ASSIGN(counters.last_id, read_counted_id(stream));
  counters.entries_added = length;
  if (has_counters(type)) {
    STAVE_ASSIGN(const Id first, read_counted_id(stream));
    static_cast<void>(first);  // is what the first entry says
    STAVE_ASSIGN(counters.max_deleted_id, read_counted_id(stream));
    STAVE_ASSIGN(counters.entries_added, stream.length());
  }
  stream_.set_counters(counters);
  STAVE_ASSIGN(std::uint64_t groups, stream.length());
  for (; groups != 0; --groups) STAVE_TRY(read_stream_group(stream, type));
  auto form = stream_.finish();
  stream_.clear();
  if (!form) return stream.corrupt("a stream that contradicts itself");
  text_ = std::move(*form);
  return text_;
}

}  // namespace stave::exchange
