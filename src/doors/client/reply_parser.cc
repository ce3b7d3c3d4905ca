#include "doors/client/reply_parser.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/assert.h"
#include "base/try.h"

namespace stave::client {

namespace {

constexpr std::size_t kLineBytesMax = 64 << 10;

std::unexpected<Error> corrupt(std::string what) {
  return fail(ErrorCode::kCorrupt, "the server does not speak the Redis protocol: " + std::move(what));
}
std::unexpected<Error> too_large(std::string what) {
  return fail(ErrorCode::kTooLarge, "the server's reply is " + std::move(what));
}

template <class T>
std::optional<T> number(std::string_view text) {
  // from_chars knows no leading plus, the protocol allows it.
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> real(std::string_view text) {
  if (text == "inf" || text == "+inf") return std::numeric_limits<double>::infinity();
  if (text == "-inf") return -std::numeric_limits<double>::infinity();
  if (text == "nan" || text == "-nan") return std::numeric_limits<double>::quiet_NaN();
  return number<double>(text);
}

}  // namespace

Result<std::optional<Reply>> ReplyParser::next() {
  while (!done_) {
    bool progress = false;
    if (bulk_) {
      STAVE_ASSIGN(progress, bulk_arrived());
    } else {
      STAVE_ASSIGN(progress, read_header());
    }
    if (!progress) break;
  }
  STAVE_ASSERT(at_ <= input_.size());
  // What was read is dropped once it is most of the buffer, so that every byte is moved a bounded number of times.
  if (at_ == input_.size() || at_ > input_.size() / 2) {
    input_.erase(0, at_);
    scanned_ -= std::min(scanned_, at_);
    at_ = 0;
  }
  return std::exchange(done_, std::nullopt);
}

Result<void> ReplyParser::spend(std::uint64_t bytes) {
  STAVE_ASSERT(bytes_ <= limits_.bytes_max);
  if (bytes > limits_.bytes_max - bytes_)
    return too_large("larger than " + std::to_string(limits_.bytes_max) + " bytes");
  bytes_ += bytes;
  return {};
}

/// The next line without its end, or nullopt when it is not all there.
Result<std::optional<std::string_view>> ReplyParser::line() {
  const std::size_t from = std::max(at_, scanned_);
  const std::size_t end = input_.find('\n', from);
  if (end == std::string::npos) {
    scanned_ = input_.size();
    if (input_.size() - at_ > kLineBytesMax) return corrupt("a line without an end");
    return std::nullopt;
  }
  if (end == at_ || input_[end - 1] != '\r' || end - at_ > kLineBytesMax) return corrupt("a line without CRLF");
  const auto text = std::string_view(input_).substr(at_, end - 1 - at_);
  STAVE_TRY(spend(end + 1 - at_));
  at_ = end + 1;
  return text;
}

Result<bool> ReplyParser::bulk_arrived() {
  STAVE_ASSERT(bulk_ && at_ <= input_.size());
  const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(bulk_->missing, input_.size() - at_));
  bulk_->reply.text.append(input_, at_, take);
  at_ += take;
  bulk_->missing -= take;
  if (bulk_->missing != 0 || input_.size() - at_ < 2) return false;
  if (input_.compare(at_, 2, "\r\n") != 0) return corrupt("a string is longer than announced");
  at_ += 2;
  Reply reply = std::move(bulk_->reply);
  bulk_.reset();
  if (reply.kind == Reply::Kind::kVerbatim) {
    if (reply.text.size() < 4 || reply.text[3] != ':') return corrupt("a verbatim string without a format");
    reply.format = reply.text.substr(0, 3);
    reply.text.erase(0, 4);
  }
  finish(std::move(reply));
  return true;
}

Result<bool> ReplyParser::read_header() {
  STAVE_ASSIGN(const auto header, line());
  if (!header) return false;
  if (header->empty()) return corrupt("an empty line");
  if (++elements_ > limits_.elements_max)
    return too_large("made of more than " + std::to_string(limits_.elements_max) + " parts");
  const char type = header->front();
  const std::string_view text = header->substr(1);
  switch (type) {
    case '$':
    case '=':
    case '!': STAVE_TRY(open_bulk(type, text)); break;
    case '*':
    case '%':
    case '~':
    case '>':
    case '|': STAVE_TRY(open_aggregate(type, text)); break;
    default: STAVE_TRY(read_simple(type, text)); break;
  }
  return true;
}

Result<void> ReplyParser::read_simple(char type, std::string_view text) {
  Reply reply;
  switch (type) {
    case '+':
      reply.kind = Reply::Kind::kStatus;
      reply.text = text;
      break;
    case '-':
      reply.kind = Reply::Kind::kError;
      reply.text = text;
      break;
    case ':': {
      const auto value = number<std::int64_t>(text);
      if (!value) return corrupt("a bad integer");
      reply.kind = Reply::Kind::kInteger;
      reply.integer = *value;
      break;
    }
    case ',': {
      const auto value = real(text);
      if (!value) return corrupt("a bad number");
      reply.kind = Reply::Kind::kDouble;
      reply.number = *value;
      break;
    }
    case '#':
      if (text != "t" && text != "f") return corrupt("a bad boolean");
      reply.kind = Reply::Kind::kBoolean;
      reply.integer = text == "t" ? 1 : 0;
      break;
    case '(': {
      const std::string_view digits = text.starts_with('-') || text.starts_with('+') ? text.substr(1) : text;
      if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos)
        return corrupt("a bad big number");
      reply.kind = Reply::Kind::kBigNumber;
      reply.text = text;
      break;
    }
    case '_':
      if (!text.empty()) return corrupt("a bad null");
      break;
    default: return corrupt("an unknown type of reply");
  }
  finish(std::move(reply));
  return {};
}

Result<void> ReplyParser::open_bulk(char type, std::string_view text) {
  STAVE_ASSERT(!bulk_ && !done_);
  const auto size = number<std::int64_t>(text);
  if (!size || *size < -1) return corrupt("a bad string length");
  if (*size == -1) {
    if (type != '$') return corrupt("a bad string length");
    finish(Reply{});
    return {};
  }
  STAVE_TRY(spend(static_cast<std::uint64_t>(*size) + 2));
  Bulk bulk;
  bulk.reply.kind = type == '$' ? Reply::Kind::kBulk : type == '=' ? Reply::Kind::kVerbatim : Reply::Kind::kError;
  bulk.missing = static_cast<std::uint64_t>(*size);
  bulk_ = std::move(bulk);
  return {};
}

Result<void> ReplyParser::open_aggregate(char type, std::string_view text) {
  const auto size = number<std::int64_t>(text);
  if (!size || *size < -1) return corrupt("a bad number of elements");
  if (*size == -1) {
    if (type != '*') return corrupt("a bad number of elements");
    finish(Reply{});
    return {};
  }
  auto count = static_cast<std::uint64_t>(*size);
  if (count > limits_.elements_max)
    return too_large("made of more than " + std::to_string(limits_.elements_max) + " parts");
  Open open;
  open.attribute = type == '|';
  switch (type) {
    case '%':
    case '|':
      open.reply.kind = Reply::Kind::kMap;
      count *= 2;
      break;
    case '~': open.reply.kind = Reply::Kind::kSet; break;
    case '>': open.reply.kind = Reply::Kind::kPush; break;
    default: open.reply.kind = Reply::Kind::kArray; break;
  }
  open.missing = count;
  if (count == 0) {
    if (!open.attribute) finish(std::move(open.reply));
    return {};
  }
  if (static_cast<int>(open_.size()) >= limits_.depth_max) return too_large("nested too deeply");
  open_.push_back(std::move(open));
  return {};
}

void ReplyParser::finish(Reply&& reply) {
  while (!open_.empty()) {
    Open& innermost = open_.back();
    STAVE_ASSERT(innermost.missing != 0);
    innermost.reply.elements.push_back(std::move(reply));
    if (--innermost.missing != 0) return;
    const bool attribute = innermost.attribute;
    Reply whole = std::move(innermost.reply);
    open_.pop_back();
    if (attribute) return;  // The reply it is about is still to come, in the same place.
    reply = std::move(whole);
  }
  STAVE_ASSERT(!done_ && !bulk_);
  done_ = std::move(reply);
  bytes_ = 0;
  elements_ = 0;
}

}  // namespace stave::client
