#include "exchange/aof.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/assert.h"
#include "base/try.h"
#include "exchange/rdb.h"

namespace stave::exchange {

namespace {

constexpr std::uint64_t kArgumentsMax = 1u << 20;
/// Of one call, or of all calls of a transaction, which must be complete before the first is made.
constexpr std::uint64_t kCallBytesMax = 4ull << 30;

/// The arguments of one call.
class Call {
 public:
  void clear() noexcept {
    bytes_.clear();
    ends_.clear();
  }
  void add(std::string_view argument) {
    bytes_.append(argument);
    ends_.push_back(bytes_.size());
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_.size(); }
  [[nodiscard]] bool is(std::string_view upper_case_name) const noexcept {
    if (ends_.size() != 1 || ends_[0] != upper_case_name.size()) return false;
    return std::ranges::equal(bytes_, upper_case_name,
                              [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 'a' + 'A' : a) == b; });
  }
  Result<void> make(CallRef call, std::vector<std::string_view>& scratch) const {
    scratch.clear();
    std::size_t begin = 0;
    for (const std::size_t end : ends_) {
      scratch.push_back(std::string_view(bytes_).substr(begin, end - begin));
      begin = end;
    }
    STAVE_ASSERT(begin == bytes_.size());
    return call(scratch);
  }

 private:
  std::string bytes_;
  std::vector<std::size_t> ends_;
};

class AofReader {
 public:
  AofReader(Source& source, CallRef call, const Limits& limits, Summary& summary)
      : source_(source), call_(call), limits_(limits), summary_(summary) {}

  /// Reads calls to the end; false when the last one was cut off.
  Result<bool> read() {
    const std::string_view select[] = {"SELECT", "0"};
    STAVE_TRY(call_(select));
    for (;;) {
      STAVE_ASSIGN(const std::string_view ahead, source_.peek(1));
      if (ahead.empty()) return !in_transaction_;
      if (ahead[0] == '#') {
        STAVE_ASSIGN(const auto note, line());
        if (!note) return false;
        continue;
      }
      STAVE_ASSIGN(const bool whole, read_call());
      if (!whole) return false;
      STAVE_TRY(handle());
    }
  }

 private:
  /// A line without its end; nullopt when the input ends before. Valid until the next call.
  Result<std::optional<std::string_view>> line() {
    constexpr std::size_t kLineMax = 128;
    const std::uint64_t at = source_.offset();
    STAVE_ASSIGN(const std::string_view ahead, source_.peek(kLineMax));
    const std::size_t end = ahead.substr(0, kLineMax).find("\r\n");
    if (end == std::string_view::npos) {
      if (ahead.size() < kLineMax && ahead.find('\0') == std::string_view::npos) return std::nullopt;
      return source_.corrupt(at, "not the start of a call");
    }
    source_.drop(end + 2);
    return ahead.substr(0, end);
  }

  /// `<mark><number>`; nullopt when the input ends before.
  Result<std::optional<std::uint64_t>> number(char mark, std::uint64_t most) {
    const std::uint64_t at = source_.offset();
    STAVE_ASSIGN(const auto text, line());
    if (!text) return std::nullopt;
    std::uint64_t value = 0;
    const char* const last = text->data() + text->size();
    if (text->size() < 2 || text->front() != mark)
      return source_.corrupt(at, std::string("'") + mark + "' and a number are expected");
    const auto [end, error] = std::from_chars(text->data() + 1, last, value);
    if (error != std::errc{} || end != last)
      return source_.corrupt(at, std::string("'") + mark + "' and a number are expected");
    if (value > most)
      return source_.fail_at(at, ErrorCode::kTooLarge,
                             std::to_string(value) + " is over the limit of " + std::to_string(most));
    return value;
  }

  /// Reads one call into `current_`; false when it is cut off.
  Result<bool> read_call() {
    current_.clear();
    const std::uint64_t at = source_.offset();
    STAVE_ASSIGN(const auto count, number('*', kArgumentsMax));
    if (!count) return false;
    if (*count == 0) return source_.corrupt(at, "a call of nothing");
    for (std::uint64_t i = 0; i < *count; ++i) {
      STAVE_ASSIGN(const auto size, number('$', std::max(limits_.value_bytes_max, limits_.key_bytes_max)));
      if (!size) return false;
      if (held_bytes_ + current_.bytes() + *size > kCallBytesMax)
        return source_.fail_at(at, ErrorCode::kTooLarge, "a call or transaction of more than 4 GiB");
      STAVE_ASSIGN(const std::string_view ahead, source_.peek(static_cast<std::size_t>(*size) + 2));
      if (ahead.size() < *size + 2) return false;
      const auto bytes = static_cast<std::size_t>(*size);
      if (ahead.substr(bytes, 2) != "\r\n")
        return source_.corrupt(source_.offset() + bytes, "an argument does not end where it says");
      current_.add(ahead.substr(0, bytes));
      source_.drop(bytes + 2);
    }
    return true;
  }

  Result<void> handle() {
    STAVE_ASSERT(in_transaction_ || (held_.empty() && held_bytes_ == 0));
    if (current_.is("MULTI")) {
      if (in_transaction_) return source_.corrupt(source_.offset(), "a transaction within a transaction");
      in_transaction_ = true;
      return {};
    }
    if (!in_transaction_) return make(current_);
    if (!current_.is("EXEC") && !current_.is("DISCARD")) {
      held_bytes_ += current_.bytes();
      held_.push_back(current_);
      return {};
    }
    if (current_.is("EXEC"))
      for (const Call& held : held_) STAVE_TRY(make(held));
    in_transaction_ = false;
    held_ = {};
    held_bytes_ = 0;
    return {};
  }
  Result<void> make(const Call& call) {
    ++summary_.commands;
    return call.make(call_, scratch_);
  }

  Source& source_;
  CallRef call_;
  const Limits& limits_;
  Summary& summary_;
  Call current_;
  std::vector<Call> held_;  ///< Of the transaction that is open.
  std::uint64_t held_bytes_ = 0;
  bool in_transaction_ = false;
  std::vector<std::string_view> scratch_;
};

}  // namespace

Result<Summary> read_aof(ByteInput& input, const std::string& name, Sink& sink, CallRef call, const Limits& limits,
                         bool may_be_cut) {
  Source source(input, name);
  Summary summary{.format = Format::kAof};
  STAVE_ASSIGN(const std::string_view start, source.peek(kRdbMagic.size()));
  if (start.starts_with(kRdbMagic)) {
    STAVE_ASSIGN(summary, read_rdb_preamble(source, sink, limits));
    STAVE_ASSIGN(const bool snapshot_only, source.at_end());
    if (snapshot_only) return summary;
    summary.format = Format::kAof;
  }
  STAVE_ASSIGN(const bool whole, AofReader(source, call, limits, summary).read());
  summary.bytes = source.offset();
  summary.truncated = !whole;
  if (!whole && !may_be_cut)
    return source.corrupt(source.offset(), "the file ends in the middle of a call or transaction");
  return summary;
}

}  // namespace stave::exchange
