#include "doors/http/request_reader.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>

#include "base/assert.h"
#include "commands/text.h"
#include "doors/http/json_text.h"

namespace stave::http {
namespace {

namespace beast = boost::beast;

constexpr std::string_view kHeadEnd = "\r\n\r\n";
/// Chunk headers and trailers have to end within this.
constexpr std::size_t kChunkLineMax = 8 * 1024;
/// A body up to here gets its room at once; a longer one as it comes.
constexpr std::size_t kReserveMax = 64 * 1024;

struct KnownHeader {
  std::string_view name;
  Header header;
  bool list;  ///< May come in several lines, which count as one, joined by commas.
};
constexpr KnownHeader kKnown[] = {
    {"host", Header::kHost, false},
    {"authorization", Header::kAuthorization, false},
    {"content-type", Header::kContentType, false},
    {"content-encoding", Header::kContentEncoding, true},
    {"if-match", Header::kIfMatch, true},
    {"if-none-match", Header::kIfNoneMatch, true},
    {"range", Header::kRange, false},
    {"if-range", Header::kIfRange, false},
    {"accept", Header::kAccept, true},
    {"accept-encoding", Header::kAcceptEncoding, true},
    {"origin", Header::kOrigin, false},
    {"expect", Header::kExpect, true},
    {"transfer-encoding", Header::kTransferEncoding, false},
    {"x-request-id", Header::kRequestId, false},
    {"sec-fetch-site", Header::kFetchSite, false},
    {"upstash-encoding", Header::kUpstashEncoding, false},
    {"access-control-request-method", Header::kWantedMethod, false},
    {"access-control-request-headers", Header::kWantedHeaders, true},
    {"user-agent", Header::kUserAgent, false},
    {"last-event-id", Header::kLastEventId, false},
};
static_assert(std::size(kKnown) == kHeaderCount && kHeaderCount <= 32, "each has a bit of Request::present");

Verb verb_of(std::string_view method) noexcept {
  constexpr Verb kVerbs[] = {Verb::kGet,    Verb::kHead,  Verb::kPut,    Verb::kPost,
                             Verb::kDelete, Verb::kPatch, Verb::kOptions};
  for (const Verb verb : kVerbs)
    if (verb_name(verb) == method) return verb;
  return Verb::kOther;
}

bool may_begin_a_method(char c) noexcept {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

beast::error_code stop() {
  return make_error_code(boost::system::errc::operation_canceled);
}

}  // namespace

struct RequestReader::Parser final : beast::http::basic_parser<true> {
  using Text = beast::string_view;
  using Code = beast::error_code;
  using Length = boost::optional<std::uint64_t>;

  explicit Parser(RequestReader& reader_given) : reader(reader_given) {
    header_limit(0x7fff'ffff);  // the reader keeps the limits
    body_limit(boost::none);
    eager(true);
  }

  void on_request_impl(beast::http::verb, Text method, Text target, int version, Code&) override {
    reader.request_.verb = verb_of(method);
    reader.request_.target.assign(target.data(), target.size());
    reader.request_.version = version;
  }
  void on_response_impl(int, Text, int, Code&) override {}
  void on_field_impl(beast::http::field, Text name, Text value, Code& code) override {
    // Behind the last chunk come trailers, which nobody here needs.
    if (!in_trailer && !reader.take_field(name, value)) code = stop();
  }
  void on_header_impl(Code&) override { in_trailer = true; }
  void on_body_init_impl(const Length&, Code&) override {}
  std::size_t on_body_impl(Text piece, Code& code) override {
    if (!reader.take_body(piece)) code = stop();
    return piece.size();
  }
  void on_chunk_header_impl(std::uint64_t size, Text, Code& code) override {
    if (size > reader.plan_.bytes_max && !reader.take_body({})) code = stop();
  }
  std::size_t on_chunk_body_impl(std::uint64_t, Text piece, Code& code) override { return on_body_impl(piece, code); }
  void on_finish_impl(Code&) override {}

  RequestReader& reader;
  bool in_trailer = false;
  std::optional<JsonChecker> checker;
};

RequestReader::RequestReader(const ReaderLimits& limits) : limits_(limits) {}
RequestReader::~RequestReader() = default;

RequestReader::Status RequestReader::refuse(int status, std::string_view code, std::string detail) {
  stage_ = Stage::kBad;
  problem_ = {.status = status, .code = code, .detail = std::move(detail), .retryable = false, .members = {}};
  return Status::kBad;
}

void RequestReader::next() {
  parser_.reset();
  request_.clear();
  plan_ = {};
  is_large_ = false;
  body_bytes_ = 0;
  lengths_seen_ = 0;
  searched_ = 0;
  stage_ = Stage::kHead;
}

RequestReader::Status RequestReader::read(std::string_view bytes, std::size_t& consumed) {
  consumed = 0;
  switch (stage_) {
    case Stage::kHead: return read_head(bytes, consumed);
    case Stage::kBody: return read_body(bytes, consumed);
    case Stage::kDone: return Status::kDone;
    case Stage::kBad: break;
  }
  return Status::kBad;
}

// --- the head ---------------------------------------------------------------------------------

RequestReader::Status RequestReader::read_head(std::string_view bytes, std::size_t& consumed) {
  // An empty line before a request is forgiven (RFC 9112, 2.2).
  while (bytes.starts_with("\r\n")) {
    bytes.remove_prefix(2);
    consumed += 2;
    searched_ = 0;
  }
  if (bytes.empty() || bytes == "\r") return Status::kMore;
  if (!may_begin_a_method(bytes.front())) return refuse(400, "malformed_request", "this is not HTTP");
  const std::size_t from = searched_ < kHeadEnd.size() ? 0 : searched_ - kHeadEnd.size() + 1;
  const std::size_t end = bytes.find(kHeadEnd, std::min(from, bytes.size()));
  const std::size_t size = end == std::string_view::npos ? bytes.size() : end + kHeadEnd.size();
  const std::size_t line = std::min(bytes.find("\r\n"), bytes.size());
  if (line > limits_.target_bytes_max)
    return refuse(414, "url_too_long",
                  "the request line may have " + std::to_string(limits_.target_bytes_max) +
                      " bytes; longer keys go through POST /db/_batch or POST /command");
  if (size > limits_.head_bytes_max)
    return refuse(431, "head_too_large", "the header may have " + std::to_string(limits_.head_bytes_max) + " bytes");
  if (end == std::string_view::npos) {
    searched_ = bytes.size();
    return Status::kMore;
  }
  const std::string_view head = bytes.substr(0, size);
  if (!head_is_plain(head)) return Status::kBad;
  parser_ = std::make_unique<Parser>(*this);
  parser_->eager(false);
  beast::error_code error;
  parser_->put({head.data(), head.size()}, error);
  if (stage_ == Stage::kBad) return Status::kBad;
  if (error == beast::http::error::bad_version)
    return refuse(505, "http_version", "HTTP/1.1 and HTTP/1.0 are spoken here");
  if (error || !parser_->is_header_done())
    return refuse(400, "malformed_request", "the header cannot be read: " + error.message());
  if (!head_is_sound()) return Status::kBad;
  consumed += size;
  stage_ = Stage::kBody;
  return Status::kHead;
}

bool RequestReader::head_is_plain(std::string_view head) {
  for (std::size_t i = 0; i < head.size(); ++i) {
    const char c = head[i];
    if (c == '\0') return refuse(400, "malformed_request", "a NUL in the header"), false;
    if (c == '\r' && head[i + 1 < head.size() ? i + 1 : i] != '\n')
      return refuse(400, "malformed_request", "a bare carriage return in the header"), false;
    if (c != '\n') continue;
    if (i == 0 || head[i - 1] != '\r') return refuse(400, "malformed_request", "a bare line feed in the header"), false;
    if (i + 1 < head.size() && (head[i + 1] == ' ' || head[i + 1] == '\t'))
      return refuse(400, "obsolete_folding", "a header line must not be continued on the next"), false;
  }
  return true;
}

bool RequestReader::take_field(std::string_view name, std::string_view value) {
  if (commands::same_word(name, "content-length")) {
    if (++lengths_seen_ > 1 || value.empty() || value.find_first_not_of("0123456789") != std::string_view::npos)
      return refuse(400, "conflicting_length", "Content-Length must come once and be one number"), false;
    return true;
  }
  for (const KnownHeader& known : kKnown) {
    if (known.name.size() != name.size() || !commands::same_word(known.name, name)) continue;
    std::string& held = request_.header(known.header);
    const std::uint32_t bit = 1u << static_cast<unsigned>(known.header);
    if ((request_.present & bit) == 0) {
      held.assign(value);
    } else if (known.list) {
      held.append(", ").append(value);
    } else {
      return refuse(400, "repeated_header", "there must be one " + std::string(known.name) + " header"), false;
    }
    request_.present |= bit;
    return true;
  }
  return true;
}

bool RequestReader::head_is_sound() {
  const auto came = [&](Header header) { return (request_.present >> static_cast<unsigned>(header) & 1) != 0; };
  if (request_.version >= 11 && !came(Header::kHost))
    return refuse(400, "malformed_request", "there must be a Host header"), false;
  if (came(Header::kTransferEncoding)) {
    if (lengths_seen_ != 0 || request_.version < 11)
      return refuse(400, "conflicting_length", "Transfer-Encoding with Content-Length, or in HTTP/1.0"), false;
    if (!commands::same_word(request_.header(Header::kTransferEncoding), "chunked"))
      return refuse(501, "transfer_encoding", "the only transfer coding spoken here is chunked"), false;
  }
  request_.chunked = parser_->chunked();
  request_.keep_alive = parser_->keep_alive();
  if (const auto length = parser_->content_length()) request_.content_length = *length;
  return true;
}

// --- the body ---------------------------------------------------------------------------------

void RequestReader::plan_body(BodyPlan plan) {
  STAVE_ASSERT(stage_ == Stage::kBody && parser_ != nullptr && body_bytes_ == 0);
  plan_ = std::move(plan);
  parser_->eager(true);
  if (!plan_.keep || !request_.has_body()) return;
  if (plan_.check_json) parser_->checker.emplace();
  const std::uint64_t length = request_.content_length.value_or(0);
  is_large_ = plan_.large && length >= keyspace::Block::kMappedFrom;
  if (is_large_) return;
  if (length != 0 && length <= plan_.bytes_max) {
    // Room that nothing was written to costs no memory yet: the system gives pages as they are filled.
    request_.body.reserve(static_cast<std::size_t>(length));
  } else {
    request_.body.reserve(std::min<std::size_t>(kReserveMax, static_cast<std::size_t>(plan_.bytes_max)));
  }
}

bool RequestReader::take_body(std::string_view piece) {
  body_bytes_ += piece.size();
  // Only a chunked body gets here with more than was announced.
  if (body_bytes_ > plan_.bytes_max || piece.empty())
    return refuse(413, "too_large", "the body may have " + std::to_string(plan_.bytes_max) + " bytes"), false;
  if (!plan_.keep) return true;
  if (!keep_body(piece)) return refuse(507, "no_memory", "there is no memory for a body of this size"), false;
  if (parser_->checker) parser_->checker->add(piece);  // told of at the end, when the connection can go on
  return true;
}

bool RequestReader::keep_body(std::string_view piece) {
  if (!is_large_ && plan_.large && body_bytes_ >= keyspace::Block::kMappedFrom) {
    // It was not announced, and turns out to be large.
    if (!plan_.large->append(request_.body)) return false;
    std::string().swap(request_.body);
    is_large_ = true;
  }
  if (is_large_) return plan_.large->append(piece);
  request_.body.append(piece);
  return true;
}

RequestReader::Status RequestReader::read_body(std::string_view bytes, std::size_t& consumed) {
  STAVE_ASSERT(parser_ != nullptr);
  while (!parser_->is_done()) {
    if (consumed == bytes.size()) return Status::kMore;
    beast::error_code error;
    const std::string_view rest = bytes.substr(consumed);
    consumed += parser_->put({rest.data(), rest.size()}, error);
    STAVE_ASSERT(consumed <= bytes.size());
    if (stage_ == Stage::kBad) return Status::kBad;
    if (error == beast::http::error::need_more) {
      if (bytes.size() - consumed > kChunkLineMax)
        return refuse(400, "malformed_request", "a chunk's header or trailer is too long");
      return Status::kMore;
    }
    if (error) return refuse(400, "malformed_request", "the body cannot be read: " + error.message());
  }
  return finish();
}

RequestReader::Status RequestReader::finish() {
  stage_ = Stage::kDone;
  STAVE_ASSERT(!is_large_ || (plan_.large && request_.body.empty()));
  if (is_large_) request_.large_body = plan_.large->finish();
  if (plan_.check_json && (!parser_->checker || !parser_->checker->finish())) {  // nothing at all is not JSON either
    problem_ = {.status = 400,
                .code = "invalid_json",
                .detail = "the body is not one JSON document",
                .retryable = false,
                .members = {}};
  } else {
    problem_ = {.status = 0, .code = {}, .detail = {}, .retryable = false, .members = {}};
  }
  return Status::kDone;
}

}  // namespace stave::http
