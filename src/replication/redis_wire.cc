#include "replication/redis_wire.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/assert.h"
#include "base/try.h"
#include "replication/redis_state.h"

namespace stave::replication {

namespace {

constexpr std::size_t kLineMax = 64u << 10;
constexpr std::uint64_t kWordsMax = 64u << 20;
constexpr int kDatabaseMax = 1 << 20;

std::optional<std::uint64_t> number_of(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

bool same_word(std::string_view word, std::string_view upper) noexcept {
  return std::ranges::equal(word, upper, [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 32 : a) == b; });
}

std::string shown(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 60)) out += c >= ' ' && c <= '~' ? c : '?';
  return out;
}

std::unexpected<Error> nonsense_of_master(const std::string& what) {
  return fail(ErrorCode::kCorrupt, "the master sends what makes no sense: " + what);
}

std::string_view take_word(std::string_view& text) {
  const std::size_t at = std::min(text.find(' '), text.size());
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return taken;
}

}  // namespace

Result<PsyncAnswer> parse_psync_answer(std::string_view line) {
  if (line.starts_with("-NOMASTERLINK") || line.starts_with("-LOADING"))
    return fail(ErrorCode::kBusy, "the master cannot be followed yet: " + shown(line));
  if (line.starts_with("-NO")) return fail(ErrorCode::kPermission, "the master refuses: " + shown(line));
  if (line.starts_with("-")) return fail(ErrorCode::kUnsupported, "the master answers PSYNC: " + shown(line));
  PsyncAnswer answer;
  const std::string_view what = take_word(line);
  if (what == "+CONTINUE") {
    const std::string_view replid = take_word(line);
    if (!replid.empty() && !is_replid(replid)) return nonsense_of_master("a replication id " + shown(replid));
    answer.replid = replid;
    return answer;
  }
  if (what != "+FULLRESYNC") return nonsense_of_master("an answer to PSYNC, " + shown(what));
  answer.full = true;
  answer.replid = take_word(line);
  const auto offset = number_of(take_word(line));
  if (!is_replid(answer.replid) || !offset) return nonsense_of_master("a place in its stream");
  answer.offset = *offset;
  return answer;
}

Result<SnapshotFrame> parse_snapshot_frame(std::string_view line) {
  if (line.starts_with("-")) return fail(ErrorCode::kBusy, "the master has no snapshot to send: " + shown(line));
  if (!line.starts_with("$")) return nonsense_of_master("a snapshot was expected, and " + shown(line) + " came");
  line.remove_prefix(1);
  SnapshotFrame frame;
  constexpr std::string_view kUnknown = "EOF:";
  if (line.starts_with(kUnknown)) {
    frame.mark = line.substr(kUnknown.size());
    if (frame.mark.size() != kMarkBytes) return nonsense_of_master("a snapshot's end mark of another length");
    return frame;
  }
  const auto bytes = number_of(line);
  if (!bytes) return nonsense_of_master("a snapshot's length, " + shown(line));
  frame.bytes = *bytes;
  return frame;
}

Result<std::optional<std::string_view>> RedisStream::line(std::size_t& at) const {
  const std::size_t end = buffer_.find('\n', at);
  if (end == std::string::npos) {
    if (buffer_.size() - at > kLineMax) return nonsense_of_master("a line without end");
    return std::nullopt;
  }
  std::string_view text(buffer_.data() + at, end - at);
  if (text.ends_with('\r')) text.remove_suffix(1);
  at = end + 1;
  return text;
}

// `at` goes behind what was parsed. No words: an empty line, which counts all the same.
Result<RedisStream::Step> RedisStream::parse(std::size_t& at, std::vector<std::string_view>& words) const {
  std::size_t here = at;
  STAVE_ASSIGN(const auto head, line(here));
  if (!head) return Step::kMore;
  if (head->empty()) {
    at = here;
    return Step::kCall;
  }
  if (!head->starts_with('*')) return nonsense_of_master("a command was expected, and " + shown(*head) + " came");
  const auto count = number_of(head->substr(1));
  if (!count || *count > kWordsMax) return nonsense_of_master("a command of " + shown(head->substr(1)) + " words");
  for (std::uint64_t i = 0; i < *count; ++i) {
    STAVE_ASSIGN(const auto length, line(here));
    if (!length) return Step::kMore;
    const auto bytes = length->starts_with('$') ? number_of(length->substr(1)) : std::nullopt;
    if (!bytes) return nonsense_of_master("a word's length was expected, and " + shown(*length) + " came");
    if (*bytes > kUnitBytesMax)
      return fail(ErrorCode::kTooLarge, "the master announces a word of " + std::to_string(*bytes) +
                                            " bytes; the most is " + std::to_string(kUnitBytesMax));
    if (buffer_.size() - here < *bytes + 2) return Step::kMore;
    words.emplace_back(buffer_.data() + here, static_cast<std::size_t>(*bytes));
    here += static_cast<std::size_t>(*bytes);
    if (std::string_view(buffer_).substr(here, 2) != "\r\n")
      return nonsense_of_master("a word is not as long as it says");
    here += 2;
  }
  at = here;
  return Step::kCall;
}

/// Whether the unit is whole.
Result<bool> RedisStream::take(std::vector<std::string_view> words) {
  if (words.empty()) return !open_;
  const std::string_view name = words.front();
  if (same_word(name, "SELECT")) {
    const auto number = words.size() == 2 ? number_of(words[1]) : std::nullopt;
    if (!number || *number > kDatabaseMax) return nonsense_of_master("SELECT of no database");
    unit_.database = static_cast<int>(*number);
    return !open_;
  }
  if (same_word(name, "MULTI")) {
    if (open_) return nonsense_of_master("MULTI within a transaction");
    open_ = true;
    return false;
  }
  if (same_word(name, "EXEC")) {
    if (!open_) return nonsense_of_master("EXEC without MULTI");
    open_ = false;
    return true;
  }
  if (same_word(name, "PING")) return !open_;
  if (same_word(name, "REPLCONF")) {
    asked_ |= words.size() >= 2 && same_word(words[1], "GETACK");
    return !open_;
  }
  unit_.calls.push_back({.database = unit_.database, .words = std::move(words)});
  return !open_;
}

Result<std::optional<RedisUnit>> RedisStream::next(bool& asked) {
  while (at_ != buffer_.size()) {
    std::vector<std::string_view> words;
    STAVE_ASSIGN(const Step step, parse(at_, words));
    if (step == Step::kMore) break;
    STAVE_ASSIGN(const bool whole, take(std::move(words)));
    if (!whole) continue;
    begin_ = at_;
    unit_.end = offset_ + begin_;
    asked |= std::exchange(asked_, false);
    const int database = unit_.database;
    return std::exchange(unit_, RedisUnit{.calls = {}, .end = 0, .database = database});
  }
  if (buffer_.size() - begin_ > kUnitBytesMax)
    return fail(ErrorCode::kTooLarge,
                "the master sends a command or transaction of more than " + std::to_string(kUnitBytesMax) + " bytes");
  return std::nullopt;
}

template <class Change>
void RedisStream::change(std::size_t shift, Change&& change) {
  std::vector<std::size_t> places;
  for (const RedisCall& call : unit_.calls)
    for (const std::string_view& word : call.words)
      places.push_back(static_cast<std::size_t>(word.data() - buffer_.data()) - shift);
  change();
  std::size_t i = 0;
  for (RedisCall& call : unit_.calls)
    for (std::string_view& word : call.words) word = std::string_view(buffer_.data() + places[i++], word.size());
}

void RedisStream::add(std::string_view bytes) {
  if (const std::size_t size = buffer_.size() + bytes.size(); size > buffer_.capacity())
    change(0, [&] { buffer_.reserve(std::max(size, 2 * buffer_.capacity())); });
  buffer_.append(bytes);
}

void RedisStream::drop() {
  constexpr std::size_t kKept = 4u << 20;
  if (begin_ == 0) return;
  change(begin_, [&] { buffer_.erase(0, begin_); });
  offset_ += begin_;
  at_ -= begin_;
  begin_ = 0;
  if (buffer_.empty() && buffer_.capacity() > kKept) std::string().swap(buffer_);
}

}  // namespace stave::replication
