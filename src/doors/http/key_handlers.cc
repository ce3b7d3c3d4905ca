// GET, HEAD, PUT, POST and DELETE of /db/{key}, and the short forms that do the same.
#include <algorithm>
#include <memory>
#include <new>
#include <utility>

#include "base/assert.h"
#include "base/try.h"
#include "doors/http/collections.h"
#include "doors/http/handlers.h"
#include "doors/http/json_text.h"
#include "doors/http/values.h"
#include "store/answer_copy.h"
#include "store/pages.h"
#include "store/transact.h"
#include "types/string/paged.h"

namespace stave::http {

using store::KeyRef;
using store::Transaction;
using store::ValueType;
using store::ValueView;

namespace {

/// A larger value is looked through in pieces of this size.
constexpr std::size_t kCheckedBytes = 256 * 1024;

/// What a GET asks for.
struct Wish {
  Preconditions conditions;
  std::string range;
  std::optional<TagList> if_range;
  bool as_json = false;
  bool content = true;  ///< False: the bytes are not wanted (HEAD).
  PageWish page{};      ///< Of a collection.
};

void make_partial(Response& response, const ByteRange& range, std::uint64_t size) {
  STAVE_ASSERT(range.begin < range.end && range.end <= size);
  response.status = 206;
  response.add_header("Content-Range", "bytes " + std::to_string(range.begin) + "-" + std::to_string(range.end - 1) +
                                           "/" + std::to_string(size));
}

Response unsatisfiable(std::uint64_t size) {
  Response response = answer_problem({.status = 416,
                                      .code = "range_not_satisfiable",
                                      .detail = "the value has " + std::to_string(size) + " bytes",
                                      .retryable = false,
                                      .members = {}});
  response.add_header("Content-Range", "bytes */" + std::to_string(size));
  return response;
}

/// The answer for what was found. Runs under the shard's lock, so what is large is not copied; of a value that is not
/// at hand the content is still to come: `range` of it.
Response show(const store::StoreClock& time, const ValueView* value, const Wish& wish, ByteRange& range) {
  const Lsn version = value == nullptr ? kNoLsn : value->version;
  const auto verdict = wish.conditions.judge(version, true);
  if (verdict == Preconditions::Verdict::kFailed) return answer_problem(precondition_failed(wish.conditions, version));
  if (value == nullptr) return answer_problem(no_such_key());
  Response response;
  describe(response, time, *value);
  response.add_header("Cache-Control", "no-cache");
  if (verdict == Preconditions::Verdict::kNotModified) {
    response.status = 304;
    return response;
  }
  if (value->type != ValueType::kString) return response;  // what it holds is kept by who asked
  response.type = type_of(*value);
  response.add_header("Accept-Ranges", "bytes");
  range = {0, value->size};
  if (!wish.range.empty() && (!wish.if_range || wish.if_range->matches_strongly(version))) {
    switch (parse_range(wish.range, value->size, range)) {
      case RangeKind::kWhole: break;
      case RangeKind::kPart: make_partial(response, range, value->size); break;
      case RangeKind::kUnsatisfiable: return unsatisfiable(value->size);
    }
  }
  const std::uint64_t size = range.end - range.begin;
  if (!wish.content || !value->here) {
    response.length = size;
  } else if (size >= keyspace::Block::kBytesMin && value->block != nullptr) {
    response.shared = commands::SharedBytes{.block = value->share(), .at = range.begin, .size = size};
  } else {
    STAVE_ASSERT(range.end <= value->value.size());
    response.body.assign(value->value.substr(range.begin, size));
  }
  return response;
}

Problem not_json() {
  return {.status = 409, .code = "not_json", .detail = "the value is not JSON", .retryable = false, .members = {}};
}

/// Looks through a large value, a piece at a time, for whether it is JSON, and then answers with it.
class CheckJson final : public Work {
 public:
  explicit CheckJson(Response answer) : answer_(std::move(answer)), left_(answer_.content()) {}

  bool step(Response& response) override {
    const bool good = checker_.add(left_.substr(0, kCheckedBytes));
    left_.remove_prefix(std::min(left_.size(), kCheckedBytes));
    if (good && !left_.empty()) return false;
    if (!good || !checker_.finish()) {
      response = answer_problem(not_json());
      response.pending = answer_.pending;
    } else {
      answer_.type = kJsonType;
      response = std::move(answer_);
    }
    return true;
  }

 private:
  Response answer_;
  std::string_view left_;
  JsonChecker checker_;
};

/// One reading of a key: what was wished and what came of it.
struct KeyReading {
  store::Engine& engine;
  KeyRef key;
  Wish wish;
  store::Access access;
  std::uint64_t answer_bytes_max = 0;
  Response response{};
  bool known_json = false;
  std::shared_ptr<CopiedCollection> collection{};  ///< Instead of content.
  bool again = false;                              ///< A collection that was not asked for and is not in memory.
  Result<store::Pending> pending{};

  void run() noexcept try {
    bool paged = false;
    // A string in pages by its root: how much of it is asked for is still to be seen.
    const store::Access look = store::needs_value(access) ? store::as_root(access) : access;
    pending = engine.read(key, look, [&](const ValueView* value) {
      known_json = value != nullptr && value->json;
      paged = value != nullptr && value->type == ValueType::kString && value->paged;
      if (paged) return;
      ByteRange range;
      response = show(engine.time(), value, wish, range);
      if (value == nullptr || value->type == ValueType::kString || response.status != 200) return;
      again = !value->here;
      if (again) return;
      paged = value->paged;
      if (paged) return;
      collection = std::make_shared<CopiedCollection>();
      collection->take(*value, engine.now());
    });
    if (pending && paged) run_in_transaction();
  } catch (const std::bad_alloc&) {
    pending = fail(ErrorCode::kNoMemory, "there is no memory for this value");
  }

 private:
  /// What lies in pages needs one.
  void run_in_transaction() {
    const auto work = [&](store::Transaction& transaction) -> Result<void> {
      const store::Access look = store::needs_value(access) ? access : store::Access::kPeek;
      const auto held = transaction.find(key, store::as_root(look));
      collection.reset();
      if (held && held->type == ValueType::kString && held->paged) return show_pages(transaction, *held);
      ByteRange range;
      response = show(engine.time(), held ? &*held : nullptr, wish, range);
      if (!held || held->type == ValueType::kString || response.status != 200) return {};
      collection = std::make_shared<CopiedCollection>();
      return collection->take(transaction, *held);
    };
    store::Pending observed;
    pending = store::transact(engine, std::span(&key, 1), work, Sync::kDefault, observed);
  }

  /// A string in pages, of which no more is read than is asked for. Errors: those of reading it.
  Result<void> show_pages(store::Transaction& transaction, const ValueView& held) {
    if (!held.here) return {};  // the commit says why
    // The view may end with the first page that is read.
    const std::string root(held.value);
    ValueView value = held;
    value.paged = value.here = false;
    value.value = {};
    value.block = nullptr;
    value.size = types::text::Paged::size_of(store::root_of(root));
    ByteRange range;
    response = show(engine.time(), &value, wish, range);
    if (!wish.content || (response.status != 200 && response.status != 206)) return {};
    store::LoadedValue content;
    const auto size = static_cast<std::size_t>(range.end - range.begin);
    STAVE_TRY(store::copy_of_string(transaction, root, range.begin, size, content));
    response.length.reset();
    if (content.block) {
      response.shared = commands::SharedBytes{.block = std::move(content.block), .at = 0, .size = size};
    } else {
      response.body = std::move(content.text);
    }
    return {};
  }
};

Response answer_key(commands::Session& session, KeyReading& reading) {
  if (!reading.pending) return answer_problem(problem_of(reading.pending.error()));
  Response response = std::move(reading.response);
  response.pending = *reading.pending;
  if (response.status == 404) {
    session.counters().count_miss();
  } else {
    session.counters().count_hit();
  }
  if (reading.collection) {
    const auto write = [page = reading.wish.page](const CopiedCollection& collection, Draft& out, Response& described) {
      return draft_document(collection, page, out, described);
    };
    return draft_collection(reading.engine, reading.answer_bytes_max, reading.collection, std::move(response), write);
  }
  if (!reading.wish.as_json || reading.known_json || response.status != 200) return response;
  if (response.content().size() > kCheckedBytes) return begin_work(std::make_unique<CheckJson>(std::move(response)));
  if (is_json(response.content())) {
    response.type = kJsonType;
    return response;
  }
  Response refused = answer_problem(not_json());
  refused.pending = response.pending;
  return refused;
}

/// Reads a value that does not stay in memory, on a thread that may wait for the disk.
class ReadKeyAside final : public Work {
 public:
  ReadKeyAside(commands::Session& session, const KeyReading& reading)
      : session_(session), shared_(std::make_shared<Shared>(reading)) {}

  bool step(Response& response) override {
    if (!std::exchange(begun_, true)) {
      response.first = done_aside(shared_->reading.engine, [shared = shared_] { shared->reading.run(); });
      return false;
    }
    response = answer_key(session_, shared_->reading);
    return true;
  }

 private:
  /// The client may leave meanwhile.
  struct Shared {
    explicit Shared(const KeyReading& given)
        : key(given.key.key),
          reading{.engine = given.engine,
                  .key = {given.key.database, key, given.key.hash},
                  .wish = given.wish,
                  .access = given.access,
                  .answer_bytes_max = given.answer_bytes_max} {}
    std::string key;
    KeyReading reading;
  };

  commands::Session& session_;
  std::shared_ptr<Shared> shared_;
  bool begun_ = false;
};

Response read_key(const Exchange& exchange, KeyRef key, Wish wish) {
  // JSON is checked as a whole, so a part of it is not asked for.
  if (wish.as_json) wish.range = {};
  KeyReading reading{.engine = exchange.engine(),
                     .key = key,
                     .wish = std::move(wish),
                     .access = store::Access::kMeta,
                     .answer_bytes_max = exchange.hub.config.answer_bytes_max};
  if (reading.wish.content) {
    reading.access = exchange.session().read_access();
    if (reading.engine.must_fetch(std::span(&key, 1))) {
      if (exchange.may_fetch) return answer_after_fetch(reading.engine, std::span(&key, 1));
      // There is no room for it, or others needed that more.
      return begin_work(std::make_unique<ReadKeyAside>(exchange.session(), reading));
    }
  }
  reading.run();
  if (reading.pending && reading.again) {
    // How long its JSON is depends on all of it.
    reading.wish.content = true;
    return read_key(exchange, key, std::move(reading.wish));
  }
  return answer_key(exchange.session(), reading);
}

}  // namespace

Response get_key(Exchange& exchange) {
  if (exchange.param("at") != nullptr || exchange.param("at_lsn") != nullptr) return get_past(exchange);
  auto conditions = preconditions_of(exchange);
  if (!conditions) return answer_problem(std::move(conditions.error()));
  Wish wish{.conditions = std::move(*conditions), .range = exchange.request.header(Header::kRange)};
  wish.content = exchange.request.verb != Verb::kHead;
  const auto page = page_wish(exchange, 0);
  if (!page) return answer_problem(page.error());
  wish.page = *page;
  if (const std::string& text = exchange.request.header(Header::kIfRange); !text.empty()) {
    wish.if_range = TagList::parse(text);
    if (!wish.if_range || wish.if_range->any()) wish.range = {};  // a date, or nonsense: the whole is always right
  }
  if (const std::string* format = exchange.param("format")) {
    if (*format != "json") return answer_problem(bad_parameter("the only format is json"));
    wish.as_json = true;
    wish.content = true;  // HEAD too: what it says depends on what is in the value
  }
  return read_key(exchange, exchange.key_ref(), std::move(wish));
}

Response put_key(Exchange& exchange) {
  const auto conditions = preconditions_of(exchange);
  if (!conditions) return answer_problem(conditions.error());
  const auto wish = expiry_wish(exchange);
  if (!wish) return answer_problem(wish.error());
  const bool json = media_type(exchange.request.header(Header::kContentType)) == kJsonType;
  const keyspace::Block& block = exchange.request.large_body;
  auto stored = store_value(exchange, exchange.key_ref(), exchange.request.content(), json, *conditions, *wish,
                            block ? &block : nullptr);
  if (!stored) return answer_refused(std::move(stored.error()));
  Response response;
  response.status = stored->created ? 201 : 204;
  response.version = stored->version;
  response.pending = stored->pending;
  return response;
}

Response delete_key(Exchange& exchange) {
  const auto conditions = preconditions_of(exchange);
  if (!conditions) return answer_problem(conditions.error());
  const KeyRef key = exchange.key_ref();
  Transaction transaction(exchange.engine(), key);
  const auto held = transaction.find(key, store::Access::kMeta);
  const Lsn version = held ? held->version : kNoLsn;
  Response response;
  if (conditions->judge(version, false) != Preconditions::Verdict::kGoOn) {
    response = answer_problem(precondition_failed(*conditions, version));
  } else if (!held) {
    response = answer_problem(no_such_key());
  } else {
    transaction.erase(key);
    response.status = 204;
  }
  auto pending = transaction.commit(exchange.sync);
  if (!pending) return answer_refused({problem_of(pending.error()), transaction.observed()});
  response.pending = *pending;
  return response;
}

// --- short forms ------------------------------------------------------------------------------

namespace {

/// nullopt: it is there. The key may be empty, but it has to be named.
std::optional<Response> missing(const Exchange& exchange, std::string_view name) {
  if (exchange.param(name) != nullptr) return std::nullopt;
  return answer_problem(bad_parameter("the parameter " + std::string(name) + " is missing"));
}

}  // namespace

Response short_get(Exchange& exchange) {
  if (auto refusal = missing(exchange, "key")) return std::move(*refusal);
  return read_key(exchange, {exchange.database, *exchange.param("key")},
                  {.content = exchange.request.verb != Verb::kHead});
}

Response short_set(Exchange& exchange) {
  if (auto refusal = missing(exchange, "key")) return std::move(*refusal);
  if (auto refusal = missing(exchange, "value")) return std::move(*refusal);
  const auto wish = expiry_wish(exchange);
  if (!wish) return answer_problem(wish.error());
  auto stored =
      store_value(exchange, {exchange.database, *exchange.param("key")}, *exchange.param("value"), false, {}, *wish);
  if (!stored) return answer_refused(std::move(stored.error()));
  Response response =
      answer_json(stored->created ? 201 : 200, std::string("{\"created\":") + (stored->created ? "true" : "false") +
                                                   ",\"version\":\"" + std::to_string(raw(stored->version)) + "\"}\n");
  response.version = stored->version;
  response.pending = stored->pending;
  return response;
}

Response short_delete(Exchange& exchange) {
  if (auto refusal = missing(exchange, "key")) return std::move(*refusal);
  exchange.key = *exchange.param("key");
  Response response = delete_key(exchange);
  if (response.status != 204) return response;
  Response told = answer_json(200, "{\"deleted\":1}\n");
  told.pending = response.pending;
  return told;
}

}  // namespace stave::http
