#include "replication/hello.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/try.h"

namespace stave::replication {

namespace {

constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kDictionariesMax = 1024;

template <class T>
void put(std::string& text, T number) {
  std::array<std::byte, sizeof number> bytes;
  base::store(bytes.data(), number);
  text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void put(std::string& text, const std::array<std::byte, 16>& id) {
  text.append(reinterpret_cast<const char*>(id.data()), id.size());
}

void put(std::string& text, std::span<const store::Term> terms) {
  put(text, static_cast<std::uint32_t>(terms.size()));
  for (const store::Term& term : terms) {
    put(text, term.number);
    put(text, term.leader);
    put(text, raw(term.first));
  }
}

/// Takes what it is asked for off the front, and remembers when there was not enough.
class Taker {
 public:
  explicit Taker(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}
  template <class T>
  T number() noexcept {
    T value{};
    const auto from = take(sizeof value);
    if (!from.empty()) value = base::load<T>(from.data());
    return value;
  }
  void id(std::array<std::byte, 16>& into) noexcept {
    const auto from = take(into.size());
    if (!from.empty()) std::memcpy(into.data(), from.data(), into.size());
  }
  Lsn lsn() noexcept {
    const auto value = number<std::uint64_t>();
    if (value > kLsnMax) short_ = true;
    return Lsn{short_ ? 0 : value};
  }
  std::vector<store::Term> terms() {
    const auto count = number<std::uint32_t>();
    if (count > store::kTermsMax) short_ = true;
    std::vector<store::Term> all;
    for (std::uint32_t i = 0; i < count && !short_; ++i) {
      store::Term term;
      term.number = number<std::uint64_t>();
      id(term.leader);
      term.first = lsn();
      if (!all.empty() && (term.number <= all.back().number || term.first <= all.back().first)) short_ = true;
      all.push_back(term);
    }
    return all;
  }
  /// Its length in one byte, and it.
  std::string short_text() {
    const auto from = take(number<std::uint8_t>());
    return {reinterpret_cast<const char*>(from.data()), from.size()};
  }
  [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
  void refuse() noexcept { short_ = true; }
  /// Everything there was made sense. What a later version adds behind is passed over.
  [[nodiscard]] bool good() const noexcept { return !short_; }

 private:
  std::span<const std::byte> take(std::size_t count) noexcept {
    if (short_ || count > bytes_.size()) {
      short_ = true;
      return {};
    }
    const auto taken = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return taken;
  }
  std::span<const std::byte> bytes_;
  bool short_ = false;
};

std::unexpected<Error> nonsense(std::string_view what) {
  return fail(ErrorCode::kCorrupt, "the other side's " + std::string(what) + " makes no sense");
}

std::unexpected<Error> later_version() {
  return fail(ErrorCode::kUnsupported, "the other side speaks another version of the protocol of replication");
}

}  // namespace

Lsn agreed(std::span<const store::Term> a, Lsn a_end, std::span<const store::Term> b, Lsn b_end) noexcept {
  std::size_t i = 0;
  while (i < a.size() && i < b.size() && a[i] == b[i]) ++i;
  const Lsn a_parts = i < a.size() ? std::min(a[i].first, a_end) : a_end;
  const Lsn b_parts = i < b.size() ? std::min(b[i].first, b_end) : b_end;
  return std::min(a_parts, b_parts);
}

Result<Welcome> answer_to(const Hello& hello, const Standing& standing) {
  Welcome welcome{.answer = Answer::kStream,
                  .store_id = standing.store_id,
                  .leader = standing.node,
                  .at = hello.end,
                  .whole = kNoLsn,
                  .term = standing.terms.empty() ? 0 : standing.terms.back().number,
                  .terms = {standing.terms.begin(), standing.terms.end()}};
  if (hello.promised > welcome.term)
    return fail(ErrorCode::kConflict, "term " + std::to_string(hello.promised) +
                                          " has begun elsewhere, and this leader is of term " +
                                          std::to_string(welcome.term));
  if (hello.empty()) {
    welcome.answer = Answer::kCopy;
    welcome.at = standing.first;
    welcome.whole = standing.end;
    return welcome;
  }
  if (hello.store_id != standing.store_id)
    return fail(ErrorCode::kConflict,
                "the follower has another store; start it with an empty directory, or let it follow that one's leader");
  const Lsn common = agreed(hello.terms, hello.end, standing.terms, standing.end);
  if (common < standing.first) {
    welcome.answer = Answer::kAnew;
    welcome.at = common;
  } else if (common < hello.end) {
    welcome.answer = Answer::kCut;
    welcome.at = common;
  }
  return welcome;
}

std::string encode(const Hello& hello) {
  std::string text;
  put(text, kVersion);
  put(text, hello.store_id);
  put(text, hello.node);
  put(text, raw(hello.end));
  put(text, hello.promised);
  put(text, hello.port);
  put(text, std::span<const store::Term>(hello.terms));
  put(text, static_cast<std::uint32_t>(hello.dictionaries.size()));
  for (const std::uint32_t id : hello.dictionaries) put(text, id);
  put(text, static_cast<std::uint8_t>(std::min(hello.host.size(), kHostBytesMax)));
  text.append(hello.host, 0, kHostBytesMax);
  return text;
}

Result<Hello> decode_hello(std::span<const std::byte> bytes) {
  Taker taker(bytes);
  if (taker.number<std::uint32_t>() != kVersion) return later_version();
  Hello hello;
  taker.id(hello.store_id);
  taker.id(hello.node);
  hello.end = taker.lsn();
  hello.promised = taker.number<std::uint64_t>();
  hello.port = taker.number<std::uint16_t>();
  hello.terms = taker.terms();
  const auto count = taker.number<std::uint32_t>();
  if (count > kDictionariesMax) taker.refuse();
  for (std::uint32_t i = 0; i < count && taker.good(); ++i) hello.dictionaries.push_back(taker.number<std::uint32_t>());
  // Earlier versions end here.
  if (taker.good() && !taker.empty()) hello.host = taker.short_text();
  if (!taker.good() || hello.host.find_first_of(std::string_view(" ,=\r\n\t\0", 7)) != std::string::npos)
    return nonsense("hello");
  return hello;
}

std::string encode(const Welcome& welcome) {
  std::string text;
  put(text, kVersion);
  put(text, static_cast<std::uint8_t>(welcome.answer));
  put(text, welcome.store_id);
  put(text, welcome.leader);
  put(text, raw(welcome.at));
  put(text, raw(welcome.whole));
  put(text, welcome.term);
  put(text, std::span<const store::Term>(welcome.terms));
  return text;
}

Result<Welcome> decode_welcome(std::span<const std::byte> bytes) {
  Taker taker(bytes);
  if (taker.number<std::uint32_t>() != kVersion) return later_version();
  Welcome welcome;
  welcome.answer = static_cast<Answer>(taker.number<std::uint8_t>());
  taker.id(welcome.store_id);
  taker.id(welcome.leader);
  welcome.at = taker.lsn();
  welcome.whole = taker.lsn();
  welcome.term = taker.number<std::uint64_t>();
  welcome.terms = taker.terms();
  if (!taker.good() || welcome.answer < Answer::kStream || welcome.answer > Answer::kAnew || welcome.terms.empty() ||
      welcome.term != welcome.terms.back().number || welcome.store_id == log::StoreId{})
    return nonsense("welcome");
  return welcome;
}

}  // namespace stave::replication
