// GET /db, DELETE /db and /keys: many keys, a step at a time.
#include <charconv>
#include <new>
#include <utility>

#include "base/assert.h"
#include "commands/glob.h"
#include "commands/type_names.h"
#include "doors/http/handlers.h"
#include "doors/http/json_text.h"
#include "doors/http/listing.h"
#include "doors/http/protobuf.h"
#include "doors/http/times.h"
#include "doors/http/values.h"

namespace stave::http {

using store::ValueType;
using store::ValueView;

namespace {

constexpr std::size_t kPageInitial = 100;
constexpr std::size_t kPageMax = 10'000;
/// A page with values ends when it has so many bytes of them.
constexpr std::size_t kPageBytes = 8 * 1024 * 1024;
/// Keys looked at in one step.
constexpr std::size_t kStepKeys = 512;

Outcomes<std::uint64_t> cursor_param(const Exchange& exchange) {
  const std::string* const text = exchange.param("cursor");
  if (text == nullptr) return std::uint64_t{0};
  std::uint64_t cursor = 0;
  const auto [stop, problem] = std::from_chars(text->data(), text->data() + text->size(), cursor);
  if (problem != std::errc{} || stop != text->data() + text->size())
    return std::unexpected(bad_parameter("cursor must be what the page before named"));
  return cursor;
}

struct Filter {
  std::string prefix;
  std::optional<std::string> pattern;

  [[nodiscard]] bool passes(std::string_view key) const noexcept {
    return key.starts_with(prefix) && (!pattern || commands::glob_match(*pattern, key));
  }
};

/// `match` and `pattern` are two names of one thing.
const std::string* pattern_of(const Exchange& exchange) {
  const std::string* const match = exchange.param("match");
  return match != nullptr ? match : exchange.param("pattern");
}

Filter filter_of(const Exchange& exchange) {
  Filter filter;
  if (const std::string* prefix = exchange.param("prefix")) filter.prefix = *prefix;
  if (const std::string* pattern = pattern_of(exchange)) filter.pattern = *pattern;
  return filter;
}

/// A page that is being filled, a step at a time.
class Page {
 public:
  Page(const Exchange& exchange, Filter filter, std::size_t limit, std::uint64_t cursor, bool values)
      : engine_(exchange.engine()),
        database_(exchange.database),
        filter_(std::move(filter)),
        limit_(limit),
        values_(values),
        counted_(&exchange.engine().budget()) {
    listing_.cursor = cursor;
  }

  /// Whether a step may have to wait for the disk.
  [[nodiscard]] bool may_wait() const noexcept { return values_ && engine_.may_fetch(); }
  void step() noexcept try {
    STAVE_ASSERT(!full() && listing_.entries.size() < limit_);
    const std::size_t wanted = std::min(kStepKeys, limit_ - listing_.entries.size());
    const auto show = [&](std::string_view key, const ValueView& value) { take(key, value); };
    const auto next = values_ ? engine_.scan_values(database_, listing_.cursor, wanted, show, pending_)
                              : Result<std::uint64_t>(engine_.scan(database_, listing_.cursor, wanted, show, pending_));
    if (!next) {
      failure_ = problem_of(next.error());
      return;
    }
    if (refused_) {
      failure_ = no_memory_for_answer();
      return;
    }
    listing_.cursor = *next;
    full_ = listing_.cursor == 0 || listing_.entries.size() >= limit_ || bytes_ >= kPageBytes;
  } catch (const std::bad_alloc&) {
    failure_ = problem_of(Error(ErrorCode::kNoMemory, "there is no memory for this page"));
  }
  [[nodiscard]] bool full() const noexcept { return full_ || failure_; }
  Response answer(Response (*write)(const Listing&)) {
    STAVE_ASSERT(full());
    Response response = failure_ ? answer_problem(std::move(*failure_)) : write(listing_);
    response.pending = pending_;
    // What was written counts from here on.
    listing_.entries.clear();
    counted_ = {};
    return response;
  }
  [[nodiscard]] store::Engine& engine() const noexcept { return engine_; }

 private:
  void take(std::string_view key, const ValueView& value) {
    if (refused_ || !filter_.passes(key)) return;
    const bool with_value = values_ && value.type == ValueType::kString &&
                            // A value that would fill the page alone is left to a GET.
                            value.value.size() <= kPageBytes - std::min(bytes_, kPageBytes);
    bytes_ += key.size() + (with_value ? value.value.size() : 0);
    refused_ = !counted_.resize(bytes_ + (listing_.entries.size() + 1) * sizeof(ListEntry));
    if (refused_) return;
    ListEntry entry{.key = std::string(key),
                    .type = value.type,
                    .version = value.version,
                    .expiry = engine_.time().shown(value.expiry),
                    // A collection is answered with as JSON.
                    .json = value.json || value.type != ValueType::kString};
    entry.size = value.size;
    if (with_value) entry.value.emplace(value);
    listing_.entries.push_back(std::move(entry));
  }

  store::Engine& engine_;
  int database_;
  Filter filter_;
  std::size_t limit_;
  bool values_;
  Listing listing_;
  store::Pending pending_;
  std::size_t bytes_ = 0;
  store::BufferShare counted_;  ///< What the page takes until it is written.
  bool refused_ = false;        ///< There was no room for more.
  bool full_ = false;
  std::optional<Problem> failure_;
};

/// Fills a page, and then has it written. Values that may have to be read from the disk are gathered by another thread,
/// without driving what is in use out of memory; the page is shared with it, for the client may leave meanwhile.
class ListWork final : public Work {
 public:
  using Write = Response (*)(const Listing&);

  ListWork(std::shared_ptr<Page> page, Write write) : page_(std::move(page)), write_(write) {}

  bool step(Response& response) override {
    if (!std::exchange(away_, false)) {
      if (page_->may_wait()) {
        away_ = true;
        response.first = done_aside(page_->engine(), [page = page_] { page->step(); });
        return false;
      }
      page_->step();
    }
    if (!page_->full()) return false;
    response = page_->answer(write_);
    return true;
  }

 private:
  std::shared_ptr<Page> page_;
  Write write_;
  bool away_ = false;  ///< The step is another thread's.
};

void append_bytes(std::string& out, std::string_view name, std::string_view bytes) {
  const bool text = is_utf8(bytes);
  out.append("\"").append(name).append(text ? "\":" : "_base64\":");
  if (text) {
    append_json_string(out, bytes);
  } else {
    out += '"';
    append_base64(out, bytes);
    out += '"';
  }
}

void append_entry(std::string& out, const ListEntry& entry) {
  out += '{';
  append_bytes(out, "key", entry.key);
  out.append(",\"type\":\"").append(commands::type_name(entry.type));
  out += "\",\"version\":\"" + std::to_string(raw(entry.version)) + "\",\"size\":" + std::to_string(entry.size);
  out += entry.json ? ",\"content_type\":\"application/json\"" : ",\"content_type\":\"application/octet-stream\"";
  if (!entry.expiry.never()) out += ",\"expires_at\":\"" + rfc3339(entry.expiry.at) + '"';
  if (entry.value) {
    out += ',';
    append_bytes(out, "value", entry.value->view());
  }
  out += '}';
}

Response write_page(const Listing& listing) {
  std::string out = "{\"keys\":[";
  for (const ListEntry& entry : listing.entries) {
    out += out.back() == '[' ? "\n" : ",\n";
    append_entry(out, entry);
  }
  out += "\n],\"cursor\":";
  out += listing.cursor == 0 ? "null" : '"' + std::to_string(listing.cursor) + '"';
  return answer_json(200, out + "}\n");
}

Response write_lines(const Listing& listing) {
  Response response;
  response.type = kLinesType;
  for (const ListEntry& entry : listing.entries) {
    append_entry(response.body, entry);
    response.body += '\n';
  }
  if (listing.cursor != 0) response.add_header("Stave-Cursor", std::to_string(listing.cursor));
  return response;
}

Response write_message(const Listing& listing) {
  Response response;
  response.type = kProtobufType;
  response.body = encode_listing(listing);
  return response;
}

Response write_names(const Listing& listing) {
  std::string out = "[";
  for (const ListEntry& entry : listing.entries) {
    if (out.back() != '[') out += ',';
    append_json_bytes(out, entry.key);
  }
  Response response = answer_json(200, out + "]\n");
  if (listing.cursor != 0) response.add_header("Stave-Cursor", std::to_string(listing.cursor));
  return response;
}

/// Deletes what passes a filter, in transactions of one step's keys.
class ClearWork final : public Work {
 public:
  ClearWork(const Exchange& exchange, Filter filter)
      : engine_(exchange.engine()),
        database_(exchange.database),
        sync_(exchange.sync),
        replicas_(exchange.replicas),
        filter_(std::move(filter)) {}

  bool step(Response& response) override {
    std::vector<std::string> found;
    cursor_ = engine_.scan(
        database_, cursor_, kStepKeys,
        [&](std::string_view key, const ValueView&) {
          if (filter_.passes(key)) found.emplace_back(key);
        },
        pending_);
    if (!found.empty()) {
      std::vector<store::KeyRef> keys;
      keys.reserve(found.size());
      for (const std::string& key : found) keys.push_back({database_, key});
      store::Transaction transaction(engine_, keys);
      std::size_t deleted = 0;
      for (const store::KeyRef& key : keys) deleted += transaction.erase(key) ? 1 : 0;
      auto pending = transaction.commit(sync_);
      if (!pending) {
        Problem problem = problem_of(pending.error());
        problem.members = ",\"deleted\":" + std::to_string(deleted_);
        response = answer_problem(std::move(problem));
        pending_.merge(transaction.observed());
        response.pending = pending_;
        return true;
      }
      pending_.merge(*pending);
      if (replicas_ != 0) pending_.require(pending->end(), replicas_);
      deleted_ += deleted;
    }
    if (cursor_ != 0) return false;
    response = answer_json(200, "{\"deleted\":" + std::to_string(deleted_) + "}\n");
    response.pending = pending_;
    return true;
  }

 private:
  store::Engine& engine_;
  int database_;
  Sync sync_;
  std::uint32_t replicas_;
  Filter filter_;
  std::uint64_t cursor_ = 0;
  std::uint64_t deleted_ = 0;
  store::Pending pending_;
};

Response list(const Exchange& exchange, bool values, ListWork::Write write) {
  const auto limit = count_param(exchange, "limit", kPageInitial, kPageMax);
  if (!limit) return answer_problem(limit.error());
  const auto cursor = cursor_param(exchange);
  if (!cursor) return answer_problem(cursor.error());
  auto page = std::make_shared<Page>(exchange, filter_of(exchange), *limit, *cursor, values);
  return begin_work(std::make_unique<ListWork>(std::move(page), write));
}

}  // namespace

Response list_keys(Exchange& exchange) {
  const auto values = flag_param(exchange, "values");
  if (!values) return answer_problem(values.error());
  const std::string& accept = exchange.request.header(Header::kAccept);
  if (accepts(accept, kProtobufType)) return list(exchange, *values, write_message);
  return list(exchange, *values, accepts(accept, kLinesType) ? write_lines : write_page);
}

Response short_keys(Exchange& exchange) {
  return list(exchange, false, write_names);
}

Response delete_keys(Exchange& exchange) {
  const auto confirm = flag_param(exchange, "confirm");
  if (!confirm) return answer_problem(confirm.error());
  if (!*confirm)
    return answer_problem({.status = 400,
                           .code = "not_confirmed",
                           .detail = "add confirm=true to delete keys",
                           .retryable = false,
                           .members = {}});
  if (pattern_of(exchange) == nullptr && exchange.param("prefix") == nullptr)
    return answer_problem(bad_parameter("say which keys: match or prefix; match=* for all"));
  Response response;
  response.work = std::make_unique<ClearWork>(exchange, filter_of(exchange));
  return response;
}

}  // namespace stave::http
