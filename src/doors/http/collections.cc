#include "doors/http/collections.h"

#include <array>
#include <charconv>
#include <cmath>
#include <new>

#include "base/assert.h"
#include "doors/http/json_text.h"
#include "store/transact.h"
#include "types/sketch/sketch.h"
#include "types/string/number.h"

namespace stave::http {

using store::ValueType;
using store::ValueView;

namespace {

constexpr std::size_t kElementsMax = 10'000;
/// A larger collection is made an answer of by another thread.
constexpr std::size_t kHereBytes = 64 * 1024;

}  // namespace

void CopiedCollection::take(const ValueView& held, UnixMs now) {
  bytes_ = held.size;
  switch (held.type) {
    case ValueType::kHash: copy_.emplace<commands::Copied<store::Hash>>().take(held, now); return;
    case ValueType::kList: copy_.emplace<commands::Copied<store::List>>().take(held, now); return;
    case ValueType::kSet: copy_.emplace<commands::Copied<store::Set>>().take(held, now); return;
    case ValueType::kSortedSet: copy_.emplace<commands::Copied<store::SortedSet>>().take(held, now); return;
    case ValueType::kSketch: copy_.emplace<commands::Copied<store::Sketch>>().take(held, now); return;
    case ValueType::kStream: copy_.emplace<commands::Copied<store::Stream>>().take(held, now); return;
    default: STAVE_ASSERT(false && "a string is no collection");
  }
}

Result<void> CopiedCollection::take(store::Transaction& transaction, const ValueView& held) {
  if (!held.paged) {
    take(held, transaction.now());
    return {};
  }
  bytes_ = kHereBytes + 1;
  switch (held.type) {
    case ValueType::kHash: return copy_.emplace<commands::Copied<store::Hash>>().take(transaction, held.value);
    case ValueType::kList: return copy_.emplace<commands::Copied<store::List>>().take(transaction, held.value);
    case ValueType::kSet: return copy_.emplace<commands::Copied<store::Set>>().take(transaction, held.value);
    case ValueType::kSketch: return copy_.emplace<commands::Copied<store::Sketch>>().take(transaction, held.value);
    case ValueType::kStream: return copy_.emplace<commands::Copied<store::Stream>>().take(transaction, held.value);
    default: return copy_.emplace<commands::Copied<store::SortedSet>>().take(transaction, held.value);
  }
}

// --- reading ----------------------------------------------------------------------------------

namespace {

/// One reading of a key. Shared with the thread that may wait for the disk; the client may leave meanwhile.
struct CollectionReading {
  store::Engine& engine;
  int database;
  std::string key;
  store::Access access;
  ValueType wanted;
  Preconditions conditions;
  ShowCollection show;
  Response described{};
  bool found = false;  ///< Else `described` is the answer.
  CopiedCollection collection{};
  Result<store::Pending> pending{};

  void run() noexcept try {
    bool paged = false;
    pending = engine.read({database, key}, access, [&](const ValueView* value) {
      paged = value != nullptr && value->paged;
      if (!paged) static_cast<void>(look(value, nullptr));  // nothing of it can fail
    });
    if (pending && paged) run_in_transaction();
  } catch (const std::bad_alloc&) {
    pending = fail(ErrorCode::kNoMemory, "there is no memory for this collection");
  }

 private:
  void run_in_transaction() {
    const store::KeyRef at{database, key};
    const auto work = [&](store::Transaction& transaction) -> Result<void> {
      const auto held = transaction.find(at, access);
      return look(held ? &*held : nullptr, &transaction);
    };
    store::Pending observed;
    pending = store::transact(engine, std::span(&at, 1), work, Sync::kDefault, observed);
  }

  // Under the key's lock.
  Result<void> look(const ValueView* value, store::Transaction* within) {
    const Lsn version = value == nullptr ? kNoLsn : value->version;
    const auto verdict = conditions.judge(version, true);
    if (verdict == Preconditions::Verdict::kFailed) {
      described = answer_problem(precondition_failed(conditions, version));
    } else if (value == nullptr) {
      described = answer_problem(no_such_key());
    } else if (value->type != wanted) {
      described = answer_problem(wrong_type(value->type, wanted));
    } else {
      described = Response{};
      describe(described, engine.time(), *value);
      described.add_header("Cache-Control", "no-cache");
      described.status = verdict == Preconditions::Verdict::kNotModified ? 304 : 200;
      found = described.status == 200;
      if (found && within != nullptr) return collection.take(*within, *value);
      if (found) collection.take(*value, engine.now());
    }
    return {};
  }
};

Response answer_collection(commands::Session& session, const std::shared_ptr<CollectionReading>& reading) {
  if (!reading->pending) return answer_problem(problem_of(reading->pending.error()));
  Response response = std::move(reading->described);
  response.pending = *reading->pending;
  if (response.status == 404) {
    session.counters().count_miss();
  } else {
    session.counters().count_hit();
  }
  if (!reading->found) return response;
  return reading->show(Collection(reading, &reading->collection), std::move(response));
}

/// Reads what does not stay in memory, on a thread that may wait for the disk.
class ReadCollectionAside final : public Work {
 public:
  ReadCollectionAside(commands::Session& session, std::shared_ptr<CollectionReading> reading)
      : session_(session), reading_(std::move(reading)) {}

  bool step(Response& response) override {
    if (!std::exchange(begun_, true)) {
      response.first = done_aside(reading_->engine, [reading = reading_] { reading->run(); });
      return false;
    }
    response = answer_collection(session_, reading_);
    return true;
  }

 private:
  commands::Session& session_;
  std::shared_ptr<CollectionReading> reading_;
  bool begun_ = false;
};

}  // namespace

Response read_collection(const Exchange& exchange, ValueType wanted, ShowCollection show) {
  auto conditions = preconditions_of(exchange);
  if (!conditions) return answer_problem(std::move(conditions.error()));
  store::Engine& engine = exchange.engine();
  const auto reading =
      std::make_shared<CollectionReading>(engine, exchange.database, exchange.key, exchange.session().read_access(),
                                          wanted, std::move(*conditions), std::move(show));
  const store::KeyRef key = exchange.key_ref();
  if (engine.must_fetch(std::span(&key, 1))) {
    if (exchange.may_fetch) return answer_after_fetch(engine, std::span(&key, 1));
    return begin_work(std::make_unique<ReadCollectionAside>(exchange.session(), reading));
  }
  reading->run();
  return answer_collection(exchange.session(), reading);
}

// --- answering --------------------------------------------------------------------------------

namespace {

class DraftWork final : public Work {
 public:
  DraftWork(store::Engine& engine, std::uint64_t bytes_max, Collection collection, Response described,
            WriteCollection write)
      : engine_(engine),
        made_(std::make_shared<Made>(std::move(collection), std::move(write), std::move(described),
                                     Draft({.meter = &engine.budget(), .bytes_max = bytes_max}))) {}

  bool step(Response& response) override {
    if (!std::exchange(begun_, true)) {
      if (made_->collection->bytes() > kHereBytes) {
        response.first = done_aside(engine_, [made = made_] { made->run(); });
        return false;
      }
      made_->run();
    }
    if (!made_->problem && !made_->out.write_some()) return false;
    if (!made_->problem && !made_->out.good()) made_->problem = problem_of(made_->out, made_->out.bytes_max(), false);
    if (made_->problem) {
      response = answer_problem(std::move(*made_->problem));
      response.pending = made_->described.pending;
    } else {
      response = std::move(made_->described);
      response.type = kJsonType;
      response.body = made_->out.take();
    }
    return true;
  }

 private:
  struct Made {
    Made(Collection given, WriteCollection how, Response first, Draft draft)
        : collection(std::move(given)), write(std::move(how)), described(std::move(first)), out(std::move(draft)) {}
    void run() noexcept try { problem = write(*collection, out, described); } catch (const std::bad_alloc&) {
      problem = no_memory_for_answer();
    }
    Collection collection;
    WriteCollection write;
    Response described;
    Draft out;
    std::optional<Problem> problem;
  };

  store::Engine& engine_;
  std::shared_ptr<Made> made_;
  bool begun_ = false;
};

}  // namespace

Response draft_collection(store::Engine& engine, std::uint64_t bytes_max, const Collection& collection,
                          Response described, WriteCollection write) {
  return begin_work(std::make_unique<DraftWork>(engine, bytes_max, collection, std::move(described), std::move(write)));
}

Response read_as_json(const Exchange& exchange, ValueType wanted, WriteCollection write) {
  return read_collection(exchange, wanted,
                         [&engine = exchange.engine(), bytes_max = exchange.hub.config.answer_bytes_max,
                          write = std::move(write)](const Collection& collection, Response described) {
                           return draft_collection(engine, bytes_max, collection, std::move(described), write);
                         });
}

namespace {

Problem name_not_utf8() {
  return {.status = 406,
          .code = "not_utf8",
          .detail = "a field's name is not UTF-8, and so no name of a JSON object; GET /db/{key}/fields tells it",
          .retryable = false,
          .members = {}};
}

/// The members of a JSON object. False: there is one whose name cannot be written.
bool draft_members(const types::hash::Reader& hash, const PageWish& page, Draft& out, std::uint64_t& next) {
  bool first = true;
  bool good = true;
  const auto show = [&](const types::hash::Field& field) {
    good = is_utf8(field.name);
    if (!good) return false;
    if (!std::exchange(first, false)) out.text(",");
    out.string(field.name);
    out.text(":");
    out.string(field.value);
    return out.good();
  };
  next = 0;
  if (page.limit != 0) {
    next = hash.scan(page.cursor, page.limit, show);
  } else {
    hash.visit(show);
  }
  return good;
}

}  // namespace

std::optional<Problem> draft_document(const CopiedCollection& collection, const PageWish& page, Draft& out,
                                      Response& described) {
  std::uint64_t next = 0;
  if (const auto* hash = collection.as<store::Hash>()) {
    out.text("{");
    if (!draft_members(*hash, page, out, next)) return name_not_utf8();
    out.text("}\n");
  } else if (const auto* sketch = collection.as<store::Sketch>()) {
    const types::sketch::Head head = types::sketch::Head::of(*sketch);
    out.text("{");
    out.string(types::sketch::type_name(head.view()), "type");
    out.text(",\"bytes\":");
    out.text(types::Digits(static_cast<std::int64_t>(sketch->size())).view());
    out.text("}\n");
  } else {
    out.text("[");
    if (const auto* list = collection.as<store::List>()) next = draft_list(*list, page, out);
    if (const auto* set = collection.as<store::Set>()) next = draft_set(*set, page, out);
    if (const auto* set = collection.as<store::SortedSet>()) next = draft_ranks(*set, page, out);
    if (const auto* stream = collection.as<store::Stream>()) next = draft_stream(*stream, page, out);
    out.text("]\n");
  }
  if (next != 0) described.add_header("Stave-Cursor", std::to_string(next));
  return std::nullopt;
}

Problem no_such_element(std::string_view what) {
  return {.status = 404,
          .code = "not_found",
          .detail = "there is no such " + std::string(what),
          .retryable = false,
          .members = {}};
}

// --- a page of elements -----------------------------------------------------------------------

Outcomes<PageWish> page_wish(const Exchange& exchange, std::size_t initial) {
  const auto limit = count_param(exchange, "limit", initial == 0 ? kElementsMax : initial, kElementsMax);
  if (!limit) return std::unexpected(limit.error());
  PageWish wish{.limit = initial == 0 && exchange.param("limit") == nullptr ? 0 : *limit};
  if (const std::string* text = exchange.param("cursor")) {
    const auto cursor = types::parse_unsigned(*text);
    if (!cursor) return std::unexpected(bad_parameter("cursor must be what the page before named"));
    wish.cursor = *cursor;
  }
  return wish;
}

namespace {

/// The places of a page among `size`, and where the next one begins; 0: there is none.
struct PagePlaces {
  std::uint64_t from;
  std::uint64_t to;
  std::uint64_t next;
};
PagePlaces places_of(const PageWish& page, std::uint64_t size) noexcept {
  const std::uint64_t from = std::min(page.cursor, size);
  const std::uint64_t left = size - from;
  const std::uint64_t to = from + (page.limit == 0 ? left : std::min<std::uint64_t>(page.limit, left));
  return {.from = from, .to = to, .next = to == size ? 0 : to};
}

/// A comma before all but the first.
class Commas {
 public:
  explicit Commas(Draft& out) noexcept : out_(out) {}
  void next() {
    if (!std::exchange(first_, false)) out_.text(",");
  }

 private:
  Draft& out_;
  bool first_ = true;
};

}  // namespace

std::uint64_t draft_list(const types::list::Reader& list, const PageWish& page, Draft& out) {
  const PagePlaces places = places_of(page, list.size());
  Commas commas(out);
  list.visit(places.from, places.to, [&](std::string_view element) {
    commas.next();
    out.string(element);
    return out.good();
  });
  return places.next;
}

std::uint64_t draft_set(const types::set::Reader& set, const PageWish& page, Draft& out) {
  Commas commas(out);
  const auto show = [&](std::string_view member) {
    commas.next();
    out.string(member);
    return out.good();
  };
  if (page.limit != 0) return set.scan(page.cursor, page.limit, show);
  set.visit(show);
  return 0;
}

std::uint64_t draft_ranks(const types::sorted_set::Reader& set, const PageWish& page, Draft& out) {
  const PagePlaces places = places_of(page, set.size());
  Commas commas(out);
  set.visit(places.from, places.to, [&](const types::sorted_set::Element& element) {
    commas.next();
    draft_pair(element, out);
    return out.good();
  });
  return places.next;
}

std::uint64_t draft_stream(const types::stream::Reader& stream, const PageWish& page, Draft& out) {
  const PagePlaces places = places_of(page, stream.size());
  Commas commas(out);
  std::uint64_t place = 0;
  stream.visit(types::stream::kIdMin, types::stream::kIdMax, [&](const types::stream::Entry& entry) {
    if (place == places.to) return false;
    if (place++ < places.from) return true;
    commas.next();
    out.text("[");
    out.string(types::stream::IdText(entry.id()).view());
    entry.visit([&](std::string_view name, std::string_view value) {
      out.text(",");
      out.string(name);
      out.text(",");
      out.string(value);
    });
    out.text("]");
    return out.good();
  });
  return places.next;
}

void draft_pair(const types::sorted_set::Element& element, Draft& out) {
  out.text("[");
  out.string(element.member);
  out.text("," + score_json(element.score) + "]");
}

std::string score_json(double score) {
  STAVE_ASSERT(!std::isnan(score));
  std::array<char, 32> text{};
  const std::string digits(text.data(), types::format_double(score, text.data()));
  return std::isinf(score) ? '"' + digits + '"' : digits;
}

void draft_cursor(std::uint64_t cursor, Draft& out) {
  out.text(cursor == 0 ? ",\"cursor\":null}\n" : ",\"cursor\":\"" + std::to_string(cursor) + "\"}\n");
}

// --- elements that are sent -------------------------------------------------------------------

namespace json = boost::json;

std::optional<std::string> element_of(const json::value& value) {
  const json::object* const object = value.if_object();
  if (object == nullptr) return as_argument(value);
  const auto encoded = text_member(*object, "base64");
  if (!encoded || object->size() != 1) return std::nullopt;
  return from_base64(*encoded);
}

Outcomes<std::vector<std::string>> elements_of(const json::value& value, std::string_view name) {
  const json::array* const list = value.if_array();
  if (list == nullptr) return std::unexpected(bad_document(std::string(name) + " is an array"));
  std::vector<std::string> elements;
  elements.reserve(list->size());
  for (const json::value& one : *list) {
    auto element = element_of(one);
    if (!element)
      return std::unexpected(
          bad_document("an element of " + std::string(name) + " is a string, a number, or {\"base64\": \"…\"}"));
    elements.push_back(std::move(*element));
  }
  return elements;
}

std::optional<double> score_of(std::string_view text) {
  const auto number = types::parse_float(text);
  return number ? std::optional(static_cast<double>(*number)) : std::nullopt;
}

std::optional<double> score_of(const json::value& value) {
  switch (value.kind()) {
    case json::kind::int64: return static_cast<double>(value.get_int64());
    case json::kind::uint64: return static_cast<double>(value.get_uint64());
    case json::kind::double_: return value.get_double();
    case json::kind::string: {
      const std::string_view text(value.get_string().data(), value.get_string().size());
      if (text == "inf" || text == "-inf" || text == "+inf") return score_of(text);
      return std::nullopt;
    }
    default: return std::nullopt;
  }
}

// --- changes ----------------------------------------------------------------------------------

Response answer_change(int status, const CollectionChange& change) {
  Response response;
  response.status = status;
  response.version = change.version;
  response.pending = change.pending;
  return response;
}

std::string version_end(const CollectionChange& change) {
  return change.version == kNoLsn ? ",\"version\":null}\n"
                                  : ",\"version\":\"" + std::to_string(raw(change.version)) + "\"}\n";
}

Response answer_patched(const Patched& patched, const CollectionChange& change) {
  Response response =
      answer_json(change.created && change.there ? 201 : 200,
                  "{\"added\":" + std::to_string(patched.added) + ",\"removed\":" + std::to_string(patched.removed) +
                      ",\"size\":" + std::to_string(patched.size) + version_end(change));
  response.version = change.version;
  response.pending = change.pending;
  return response;
}

Outcomes<ChangeWish> change_wish(const Exchange& exchange) {
  auto conditions = preconditions_of(exchange);
  if (!conditions) return std::unexpected(std::move(conditions.error()));
  const auto expiry = expiry_wish(exchange);
  if (!expiry) return std::unexpected(expiry.error());
  return ChangeWish{.conditions = std::move(*conditions), .expiry = *expiry};
}

std::optional<Response> fetch_before_change(const Exchange& exchange) {
  const store::KeyRef key = exchange.key_ref();
  if (!exchange.may_fetch || !exchange.engine().must_fetch(std::span(&key, 1))) return std::nullopt;
  return answer_after_fetch(exchange.engine(), std::span(&key, 1));
}

}  // namespace stave::http
