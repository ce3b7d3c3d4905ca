#include "doors/http/connection.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <new>

#include "base/assert.h"
#include "commands/access.h"
#include "commands/auth_backoff.h"
#include "commands/errors.h"
#include "doors/http/serialize.h"

namespace stave::http {
namespace {

constexpr std::uint64_t kMsNs = 1'000'000;
/// With so many bytes of answers waiting, the client's next requests wait too.
constexpr std::uint64_t kQueuedBytesMax = 4u << 20;
constexpr std::size_t kQueuedItemsMax = 256;
/// Small answers are put together up to here.
constexpr std::size_t kTogetherBytes = 64 * 1024;
constexpr std::size_t kSmallBody = 4 * 1024;
constexpr std::size_t kPiecesMax = 16;
/// A refused request's body is read over up to here; with a longer one the connection ends.
constexpr std::uint64_t kReadOverMax = 64 * 1024;
constexpr std::uint64_t kLingerNs = 1'000 * kMsNs;
constexpr std::uint64_t kLingerBytesMax = 1u << 20;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

bool is_sane_id(std::string_view id) noexcept {
  constexpr std::size_t kIdMax = 128;
  return !id.empty() && id.size() <= kIdMax && std::ranges::all_of(id, [](char c) { return c > 0x20 && c < 0x7f; });
}

Problem too_slow() {
  return {.status = 408,
          .code = "too_slow",
          .detail = "the request did not come in time",
          .retryable = true,
          .members = {}};
}

}  // namespace

Connection::Connection(Hub& hub, ConnectionHost& host, std::string address, std::string local_address)
    : hub_(hub),
      host_(host),
      app_(hub),
      address_(std::move(address)),
      caller_{.host = std::string(commands::host_of(address_))},
      local_address_(std::move(local_address)),
      reader_({.target_bytes_max = hub.config.url_bytes_max, .head_bytes_max = hub.config.head_bytes_max}) {
  enter(Phase::kFresh);
}

Connection::~Connection() {
  release_body();
}

void Connection::start(std::unique_ptr<Transport> transport) {
  STAVE_ASSERT(transport_ == nullptr && transport != nullptr);
  transport_ = std::move(transport);
  wait_for_input();
}

commands::Session* Connection::session() {
  commands::Environment* const environment = hub_.environment.load(std::memory_order_acquire);
  if (environment == nullptr) return nullptr;
  if (!session_) {
    commands::ClientInfo info;
    info.address = address_;
    info.local_address = local_address_;
    info.library_name = "http";
    session_ = std::make_unique<commands::Session>(*environment, std::move(info), this);
    session_->set_protocol(2);
    session_->may_leave = true;
    caller_.entered = false;
  }
  app_.enter(*session_, caller_);
  return session_.get();
}

void Connection::enter(Phase phase) noexcept {
  phase_ = phase;
  phase_since_ns_ = host_.now_ns();
  progress_ns_ = phase_since_ns_;
}

// --- in ---------------------------------------------------------------------------------------

bool Connection::may_read_on() const noexcept {
  return !dead_ && !closing_ && !busy() && queued_bytes_ <= kQueuedBytesMax && items_.size() <= kQueuedItemsMax;
}

void Connection::wait_for_input() {
  if (waiting_ || dead_ || at_end_) return;
  // A peer that leaves while it is sent a stream is to be noticed.
  if (phase_ != Phase::kLingering && phase_ != Phase::kStreaming && !may_read_on()) return;
  waiting_ = true;
  ++operations_;
  transport_->wait_readable();
}

void Connection::readable(const ErrorCodeOfSystem& problem) {
  STAVE_ASSERT(waiting_ && operations_ > 0);
  --operations_;
  waiting_ = false;
  if (dead_) return maybe_bury();
  if (problem && problem != asio::error::eof) return kill();
  const std::span<char> scratch = host_.scratch();
  ErrorCodeOfSystem code;
  const std::size_t count = problem ? 0 : transport_->read(scratch.data(), scratch.size(), code);
  if (code == asio::error::would_block || code == asio::error::try_again) return wait_for_input();
  if (problem || code || count == 0) {
    at_end_ = true;
    // Half closed: what was asked is still answered, if that ever ends.
    if (phase_ == Phase::kLingering || phase_ == Phase::kStreaming || (items_.empty() && !busy())) return kill();
    last_ = true;
    return;
  }
  hub_.counters.input_bytes.fetch_add(count, std::memory_order_relaxed);
  progress_ns_ = host_.now_ns();
  if (phase_ == Phase::kLingering) {
    lingered_bytes_ += count;
    if (lingered_bytes_ > kLingerBytesMax) return kill();
    return wait_for_input();
  }
  if (phase_ == Phase::kStreaming) return wait_for_input();
  run({scratch.data(), count});
  pump();
}

/// Reads requests from what was left and what came.
void Connection::run(std::string_view bytes) try {
  if (input_.empty()) {
    const std::size_t consumed = process(bytes);
    STAVE_ASSERT(consumed <= bytes.size());
    if (!dead_) input_.assign(bytes.substr(consumed));
  } else {
    input_.append(bytes);
    input_.erase(0, process(input_));
  }
  if (input_.empty() && input_.capacity() > kSmallBody) std::string().swap(input_);
} catch (const std::bad_alloc&) {
  kill();
}

std::size_t Connection::process(std::string_view bytes) {
  std::size_t consumed = 0;
  while (may_read_on() && (!last_ || reader_.in_body())) {
    const std::string_view rest = bytes.substr(consumed);
    if (!reader_.in_body() && !rest.empty() && (phase_ == Phase::kFresh || phase_ == Phase::kIdle)) {
      enter(Phase::kHead);
      request_began_ns_ = phase_since_ns_;
    }
    std::size_t taken = 0;
    const auto status = reader_.read(rest, taken);
    STAVE_ASSERT(taken <= rest.size());
    consumed += taken;
    if (status == RequestReader::Status::kMore) {
      if (reader_.in_body() && !account_body(reader_.held_bytes()))
        refuse({.status = 503,
                .code = "overloaded",
                .detail = "too many bodies are being received at this moment",
                .retryable = true,
                .members = {}});
      break;
    }
    if (status == RequestReader::Status::kBad) {
      refuse(reader_.problem());
      return bytes.size();
    }
    if (status == RequestReader::Status::kHead) {
      begin_request();
    } else {
      finish_request();
    }
  }
  return consumed;
}

void Connection::begin_request() {
  Request& request = reader_.request();
  admission_ = app_.admit(request, caller_);
  const bool expects = request.version >= 11 && !request.header(Header::kExpect).empty();
  if (admission_.refusal) {
    const std::uint64_t length = request.chunked ? kReadOverMax + 1 : request.content_length.value_or(0);
    if (request.has_body() && (expects || length > kReadOverMax)) {
      admission_.refusal->close = true;
      respond(std::move(*admission_.refusal));
      return;
    }
    admission_.body = {.keep = false, .bytes_max = kReadOverMax};
  } else if (!account_body(request.content_length.value_or(0))) {
    refuse({.status = 503,
            .code = "overloaded",
            .detail = "too many bodies are being received at this moment",
            .retryable = true,
            .members = {}});
    return;
  }
  reader_.plan_body(std::move(admission_.body));
  if (!request.has_body()) return;
  enter(Phase::kBody);
  if (expects && !admission_.refusal) {
    item_for(true, false).bytes.append(kContinue);
    queued_bytes_ += kContinue.size();
  }
}

void Connection::finish_request() {
  enter(Phase::kAnswering);
  if (admission_.refusal) return respond(std::move(*admission_.refusal));
  if (reader_.problem().status != 0) return respond(answer_problem(reader_.problem()));
  const Route* const route = admission_.match.route;
  const bool open = route == nullptr || route->has(kOpen);
  respond(app_.answer(reader_.request(), admission_.match, open ? nullptr : session()));
}

/// Answers what cannot be gone on with, and ends the connection after it.
void Connection::refuse(Problem problem) {
  Response response = answer_problem(std::move(problem));
  response.close = true;
  respond(std::move(response));
}

/// Has the share stand for `bytes`, if they are worth counting. False: there is no memory for so many.
bool Connection::reckon(store::BufferShare& share, std::uint64_t bytes) noexcept {
  constexpr std::uint64_t kUncountedBytes = 64 * 1024;
  if (bytes <= kUncountedBytes) bytes = 0;
  if (bytes == share.bytes()) return true;
  if (share.bytes() == 0) {
    commands::Environment* const environment = hub_.environment.load(std::memory_order_acquire);
    if (environment == nullptr) return true;
    share = store::BufferShare(&environment->engine().budget());
  }
  return share.resize(bytes);
}

bool Connection::account_body(std::uint64_t bytes) {
  if (bytes <= body_accounted_ || bytes <= kReadOverMax) return true;
  if (commands::Environment* const environment = hub_.environment.load(std::memory_order_acquire))
    environment->engine().budget().settle();
  if (!reckon(body_, bytes)) return false;
  const std::uint64_t more = bytes - body_accounted_;
  const std::uint64_t before = hub_.body_bytes.fetch_add(more, std::memory_order_relaxed);
  body_accounted_ = bytes;
  return before + more <= hub_.config.memory_bytes_max;
}

void Connection::release_body() noexcept {
  if (body_accounted_ == 0) return;
  const std::uint64_t before = hub_.body_bytes.fetch_sub(body_accounted_, std::memory_order_relaxed);
  STAVE_ASSERT(before >= body_accounted_);
  body_accounted_ = 0;
  body_ = {};
}

// --- answers ----------------------------------------------------------------------------------

void Connection::step() try {
  if (stream_ && !dead_) {
    step_stream();
    return pump();
  }
  if (!work_ || dead_) return;
  Response response;
  try {
    if (!work_->step(response)) return response.first ? park(response.first) : host_.work(*this);
  } catch (const std::bad_alloc&) {
    response = answer_error(Error(ErrorCode::kNoMemory, "there is no memory for this request"));
  }
  work_.reset();
  respond(std::move(response));
  if (!dead_) run({});
  pump();
} catch (const std::bad_alloc&) {
  kill();  // not even an answer that says so
}

void Connection::park(const Prelude& first) {
  STAVE_ASSERT(parked_ == nullptr && !dead_);
  parked_ = std::make_shared<Connection*>(this);
  try {
    first(host_.way_back(*this));
  } catch (const std::bad_alloc&) {
    // Nobody may come back for a request that is being answered otherwise.
    parked_.reset();
    throw;
  }
}

void Connection::resume() try {
  STAVE_ASSERT(parked_ != nullptr && !dead_);
  parked_.reset();
  if (work_ || stream_) return step();
  respond(app_.answer(reader_.request(), admission_.match, session(), true));
  if (!dead_) run({});
  pump();
} catch (const std::bad_alloc&) {
  kill();
}

void Connection::respond(Response response) {
  if (response.work) work_ = std::move(response.work);
  if (response.first) return park(response.first);
  if (work_) return host_.work(*this);
  const Request& request = reader_.request();
  if (response.body.size() > kSmallBody && !reckon(queued_, queued_bytes_ + response.body.size())) {
    const store::Pending seen = response.pending;
    response = answer_problem(no_memory_for_answer());
    response.pending = seen;
  }
  app_.finish(request, response);
  const bool head_only = request.verb == Verb::kHead;
  const bool streams = response.stream != nullptr && !head_only;
  if (streams) response.close = true;
  const bool keep_alive = request.keep_alive && !response.close && !last_;
  hub_.counters.requests.fetch_add(1, std::memory_order_relaxed);
  if (response.status >= 500) {
    hub_.counters.failed_requests.fetch_add(1, std::memory_order_relaxed);
  } else if (response.status >= 400) {
    hub_.counters.refused_requests.fetch_add(1, std::memory_order_relaxed);
  }
  enqueue(response, keep_alive, head_only);
  in_chunks_ = request.version != 10;
  reader_.next();
  release_body();
  if (!keep_alive) closing_ = true;
  enter(Phase::kIdle);
  if (streams && !dead_) begin_stream(std::move(response.stream));
}

Connection::Item& Connection::item_for(bool small, bool waits) {
  if (small && !items_.empty() && !sending_) {
    Item& last = items_.back();
    if (last.small() && !last.released && last.pending.empty() != waits && last.bytes.size() < kTogetherBytes)
      return last;
  }
  return items_.emplace_back();
}

void Connection::enqueue(Response& response, bool keep_alive, bool head_only) {
  const Request& request = reader_.request();
  const std::string_view given = request.header(Header::kRequestId);
  const std::string id(is_sane_id(given) ? given : host_.next_request_id());
  const bool small = !response.shared && response.page.empty() && response.body.size() <= kSmallBody;
  const std::uint64_t length = has_content(response.status) ? response.content_length() : 0;
  Item& item = item_for(small || head_only, !response.pending.empty());
  const std::size_t before = item.bytes.size();
  append_head(item.bytes, response,
              {.version = request.version, .keep_alive = keep_alive, .date = host_.date(), .request_id = id});
  if (!head_only && has_content(response.status)) {
    if (small) {
      item.bytes.append(response.body);
    } else {
      STAVE_ASSERT(before == 0 && item.content().empty());
      item.body = std::move(response.body);
      item.page = response.page;
      item.shared = std::move(response.shared);
    }
  }
  if (!response.pending.empty()) {
    item.pending.merge(response.pending);
    item.waiting.push_back({.end = item.bytes.size(),
                            .pending = response.pending,
                            .version = request.version,
                            .keep_alive = keep_alive,
                            .head_only = head_only,
                            .request_id = id});
  }
  item.close = !keep_alive;
  queued_bytes_ += item.bytes.size() - before + item.body.size();
  if (!reckon(queued_, queued_bytes_)) return abandon();
  if (hub_.config.access_log != AccessLog::kOff) {
    item.entries.push_back({.method = std::string(verb_name(request.verb)),
                            .target = request.target,
                            .request_id = id,
                            .user_agent = request.header(Header::kUserAgent),
                            .status = response.status,
                            .bytes = head_only ? 0 : length,
                            .began_ns = request_began_ns_});
  }
}

store::Pending Connection::held() const noexcept {
  store::Pending all;
  for (const Item& item : items_)
    if (!item.released) all.merge(item.pending);
  return all;
}

// --- out --------------------------------------------------------------------------------------

bool Connection::let_go(Item& item) {
  if (item.released) return true;
  if (!item.pending.empty()) {
    commands::Environment* const environment = hub_.environment.load(std::memory_order_acquire);
    STAVE_ASSERT(environment != nullptr);
    if (!environment->engine().fulfilled(item.pending)) {
      if (item.held_ns == 0) item.held_ns = host_.now_ns();
      host_.hold(*this);
      return false;
    }
  }
  item.released = true;
  for (const AccessEntry& entry : item.entries) host_.log_access(entry, address_);
  return true;
}

std::size_t Connection::gather(std::span<asio::const_buffer> pieces) {
  std::size_t count = 0;
  for (Item& item : items_) {
    if (count + 2 > pieces.size() || !let_go(item)) break;
    std::size_t gone = item.gone;
    const auto add = [&](std::string_view text) {
      const std::size_t skip = std::min(gone, text.size());
      gone -= skip;
      if (skip < text.size()) pieces[count++] = asio::buffer(text.data() + skip, text.size() - skip);
    };
    add(item.bytes);
    add(item.content());
  }
  return count;
}

void Connection::consume(std::size_t count) {
  hub_.counters.output_bytes.fetch_add(count, std::memory_order_relaxed);
  sent_bytes_ += count;
  while (!items_.empty()) {
    Item& item = items_.front();
    STAVE_ASSERT(item.gone <= item.bytes.size() + item.content().size());
    const std::size_t left = item.bytes.size() + item.content().size() - item.gone;
    if (count < left || !item.released) {
      item.gone += count;
      return;
    }
    count -= left;
    STAVE_ASSERT(queued_bytes_ >= item.bytes.size() + item.body.size());
    queued_bytes_ -= item.bytes.size() + item.body.size();
    static_cast<void>(reckon(queued_, queued_bytes_));  // less than before
    const bool close = item.close;
    items_.pop_front();
    // Only now it has all that it asked for; to take it may have been long.
    if (items_.empty() && phase_ == Phase::kIdle) enter(Phase::kIdle);
    if (close) return begin_linger();
  }
  STAVE_ASSERT(count == 0);
}

void Connection::pump() {
  while (!dead_ && !sending_ && !items_.empty()) {
    Item& front = items_.front();
    if (!let_go(front)) break;
    std::array<asio::const_buffer, kPiecesMax> pieces;
    const std::size_t count = gather(pieces);
    if (count == 0) {
      consume(0);
      continue;
    }
    ErrorCodeOfSystem problem;
    const auto sent_now = transport_->send(std::span(pieces).first(count), problem);
    if (problem) return kill();
    if (!sent_now) {
      sending_ = true;
      ++operations_;
      break;
    }
    consume(*sent_now);
  }
  if (dead_) return maybe_bury();
  draw_on_stream();
  if (items_.empty() && !busy() && (at_end_ || (last_ && !reader_.in_body() && phase_ == Phase::kIdle)) &&
      phase_ != Phase::kLingering)
    return kill();
  // Requests that came while there was no room for their answers.
  if (!input_.empty() && may_read_on() && !waiting_) {
    const std::size_t before = input_.size();
    run({});
    if (input_.size() != before && !items_.empty() && !sending_ && held().empty()) return pump();
  }
  wait_for_input();
}

void Connection::sent(const ErrorCodeOfSystem& problem, std::size_t count) {
  STAVE_ASSERT(sending_ && operations_ > 0);
  --operations_;
  sending_ = false;
  if (dead_) return maybe_bury();
  if (problem) return kill();
  if (count > 0) consume(count);
  pump();
}

void Connection::fail_held(const Error& error) try {
  if (dead_) return;
  // A piece of what goes on cannot be replaced by an answer.
  if (stream_ || phase_ == Phase::kStreaming) return kill();
  // What is released is safe and still goes out; of the rest nothing has left yet. A request that is still being worked
  // on gets its own answer in its turn.
  for (Item& item : items_)
    if (!item.released && !item.waiting.empty()) fail(item, error);
  pump();
} catch (const std::bad_alloc&) {
  kill();  // what cannot be told apart must not leave
}

namespace {

/// `error`: the log's, or kBusy: followers did not say in time that they have it.
Problem unconfirmed(const Error& error) {
  if (error.code() == ErrorCode::kBusy)
    return {.status = 504, .code = "unreplicated", .detail = error.message(), .retryable = false, .members = {}};
  return {.status = 500,
          .code = "unconfirmed",
          .detail = "the log has failed (" + error.message() + "); whether what this was about is on disk is unknown",
          .retryable = false,
          .members = {}};
}

}  // namespace

// Every answer of the item that waits in vain becomes one that says so.
void Connection::fail(Item& item, const Error& error) {
  const store::Engine& engine = hub_.environment.load(std::memory_order_acquire)->engine();
  const bool logged = item.entries.size() == item.waiting.size();
  std::string bytes;
  std::size_t from = 0;
  bool kept_content = false;
  for (std::size_t i = 0; i < item.waiting.size(); ++i) {
    const Waiting& answer = item.waiting[i];
    STAVE_ASSERT(from <= answer.end && answer.end <= item.bytes.size());
    const std::string_view old = std::string_view(item.bytes).substr(from, answer.end - from);
    from = answer.end;
    if (engine.fulfilled(answer.pending)) {
      bytes += old;
      kept_content = true;  // an item that has content beside its bytes is one answer
      continue;
    }
    Response response = answer_problem(unconfirmed(error));
    append_head(bytes, response,
                {.version = answer.version,
                 .keep_alive = answer.keep_alive,
                 .date = host_.date(),
                 .request_id = answer.request_id});
    if (!answer.head_only) bytes += response.body;
    hub_.counters.failed_requests.fetch_add(1, std::memory_order_relaxed);
    if (!logged) continue;
    item.entries[i].status = response.status;
    item.entries[i].bytes = answer.head_only ? 0 : response.body.size();
  }
  STAVE_ASSERT(from == item.bytes.size() && item.gone == 0);
  queued_bytes_ -= item.bytes.size() + item.body.size();
  item.bytes = std::move(bytes);
  if (!kept_content) {
    item.body.clear();
    item.page = {};
    item.shared.reset();
  }
  item.pending = {};
  item.waiting.clear();
  queued_bytes_ += item.bytes.size() + item.body.size();
}

// --- ends -------------------------------------------------------------------------------------

void Connection::begin_linger() {
  closing_ = true;
  items_.clear();
  queued_bytes_ = 0;
  queued_ = {};
  if (at_end_) return kill();
  transport_->finish_sending();
  enter(Phase::kLingering);
  wait_for_input();
}

void Connection::stop() {
  if (dead_) return;
  last_ = true;
  if (stream_) end_stream();
  pump();
  // A head that is not whole is no request yet.
  if (!dead_ && items_.empty() && !busy() && !reader_.in_body() && phase_ != Phase::kLingering) kill();
}

/// What it is owed does not fit beside what others have not taken.
void Connection::abandon() {
  hub_.log.warn("Closed {}: there is no memory for the answers that it does not take.", address_);
  kill();
}

void Connection::kill() {
  if (!dead_) {
    dead_ = true;
    work_.reset();
    stream_.reset();
    parked_.reset();
    transport_->close();
  }
  maybe_bury();
}

void Connection::maybe_bury() {
  if (dead_ && operations_ == 0) host_.bury(*this);
}

bool Connection::does_not_read(std::uint64_t now_ns) {
  const bool owed = !items_.empty() && items_.front().released;
  if (!owed) return reading_pace_.overdue(false, sent_bytes_, 0, now_ns);
  const std::uint64_t waiting = std::min(transport_->unacknowledged(), sent_bytes_);
  const auto patience = static_cast<std::uint64_t>(hub_.config.body_timeout_ms) * kMsNs;
  return reading_pace_.overdue(true, sent_bytes_ - waiting, patience, now_ns);
}

bool Connection::waits_for_followers_in_vain(std::uint64_t now_ns) const {
  if (items_.empty()) return false;
  const Item& front = items_.front();
  if (front.released || front.held_ns == 0 || front.pending.replicas == 0) return false;
  const store::Engine& engine = hub_.environment.load(std::memory_order_acquire)->engine();
  return engine.replicas().too_late(front.held_ns, now_ns) && engine.on_disk(front.pending) &&
         !engine.fulfilled(front.pending);
}

void Connection::check_time() try {
  if (dead_) return;
  const std::uint64_t now = host_.now_ns();
  const auto since = [&](std::uint64_t then) { return now > then ? now - then : 0; };
  const auto limit = [](std::int64_t ms) { return static_cast<std::uint64_t>(ms) * kMsNs; };
  if (waits_for_followers_in_vain(now)) return fail_held(Error(ErrorCode::kBusy, std::string(commands::kUnreplicated)));
  if (does_not_read(now)) {
    hub_.counters.timed_out.fetch_add(1, std::memory_order_relaxed);
    return kill();
  }
  bool slow = false;
  switch (phase_) {
    case Phase::kFresh:
      if (since(phase_since_ns_) > limit(hub_.config.head_timeout_ms)) return kill();
      break;
    case Phase::kIdle:
      if (items_.empty() && since(phase_since_ns_) > limit(hub_.config.idle_timeout_ms)) return kill();
      break;
    case Phase::kHead: slow = since(phase_since_ns_) > limit(hub_.config.head_timeout_ms); break;
    case Phase::kBody: {
      const std::uint64_t granted =
          limit(hub_.config.body_timeout_ms) + reader_.body_bytes() * (1000 * kMsNs / ReadingPace::kBytesPerSecondMin);
      slow = since(progress_ns_) > limit(hub_.config.body_timeout_ms) || since(phase_since_ns_) > granted;
      break;
    }
    case Phase::kAnswering:
    case Phase::kStreaming: break;
    case Phase::kLingering:
      if (since(phase_since_ns_) > kLingerNs) return kill();
      break;
  }
  if (!slow || closing_) return;
  hub_.counters.timed_out.fetch_add(1, std::memory_order_relaxed);
  refuse(too_slow());
  pump();
} catch (const std::bad_alloc&) {
  kill();
}

void Connection::close(bool after_reply) {
  close_wanted_.store(after_reply ? 1 : 2, std::memory_order_relaxed);
  host_.close_wanted();
}

void Connection::obey_close() {
  const std::uint8_t wanted = close_wanted_.load(std::memory_order_relaxed);
  if (wanted == 2) kill();
  if (wanted == 1) stop();
  if (!dead_ && look_wanted_.exchange(false, std::memory_order_relaxed) && session_ &&
      !commands::may_go_on_listening(*session_))
    kill();
}

}  // namespace stave::http
