// /db/{key}/items: the elements of a list, in their order, and its two ends.
#include <algorithm>

#include "doors/http/collections.h"
#include "doors/http/handlers.h"
#include "types/string/number.h"

namespace stave::http {

using store::List;
namespace json = boost::json;

namespace {

constexpr std::size_t kPopMax = 10'000;

/// Whether `side` says the front.
Outcomes<bool> at_front(const Exchange& exchange, bool initial) {
  const std::string* const side = exchange.param("side");
  if (side == nullptr) return initial;
  if (*side == "front") return true;
  if (*side == "back") return false;
  return std::unexpected(bad_parameter("side must be front or back"));
}

/// A place that counts from the end when it is negative; nullopt: there is no such place.
std::optional<std::uint64_t> place_of(std::int64_t index, std::uint64_t size) noexcept {
  const auto count = static_cast<std::int64_t>(size);
  if (index < -count || index >= count) return std::nullopt;
  return static_cast<std::uint64_t>(index < 0 ? index + count : index);
}

Outcomes<std::int64_t> index_of(const Exchange& exchange) {
  const auto index = types::parse_integer(exchange.element);
  if (index) return *index;
  return std::unexpected(bad_parameter("the place in a list is a whole number; negative ones count from the end"));
}

/// One item as it is, or the array of a document.
Outcomes<std::vector<std::string>> read_items(const Exchange& exchange) {
  if (media_type(exchange.request.header(Header::kContentType)) != kJsonType)
    return std::vector<std::string>{std::string(exchange.request.content())};
  if (exchange.request.content().size() > exchange.hub.config.json_bytes_max)
    return std::unexpected(Problem{
        .status = 413,
        .code = "too_large",
        .detail = "a document of items may have " + std::to_string(exchange.hub.config.json_bytes_max) + " bytes",
        .retryable = false,
        .members = {}});
  auto document = parse_document(exchange.request.content());
  if (!document) return std::unexpected(std::move(document.error()));
  const json::object* const object = document->if_object();
  const json::value* const list = object == nullptr ? &*document : object->if_contains("items");
  if (list == nullptr) return std::unexpected(bad_document("a push is {\"items\": [ … ]}"));
  return elements_of(*list, "items");
}

}  // namespace

Response list_items(Exchange& exchange) {
  const auto page = page_wish(exchange, kElementsInitial);
  if (!page) return answer_problem(page.error());
  std::int64_t offset = 0;
  if (const std::string* text = exchange.param("offset")) {
    const auto number = types::parse_integer(*text);
    if (!number) return answer_problem(bad_parameter("offset must be a whole number"));
    offset = *number;
  }
  const auto write = [offset, limit = page->limit](const CopiedCollection& collection, Draft& out, Response&) {
    const types::list::Reader& list = *collection.as<List>();
    const auto size = static_cast<std::int64_t>(list.size());
    const auto from =
        static_cast<std::uint64_t>(std::clamp<std::int64_t>(offset < 0 ? offset + size : offset, 0, size));
    out.text("{\"items\":[");
    draft_list(list, {.cursor = from, .limit = limit}, out);
    out.text("],\"offset\":" + std::to_string(from) + ",\"size\":" + std::to_string(size) + "}\n");
    return std::optional<Problem>();
  };
  return read_as_json(exchange, List::kType, write);
}

Response push_items(Exchange& exchange) {
  const auto front = at_front(exchange, false);
  if (!front) return answer_problem(front.error());
  const auto items = read_items(exchange);
  if (!items) return answer_problem(items.error());
  std::uint64_t size = 0;
  const auto edit = [&](store::Opened<List>& list) -> std::optional<Problem> {
    for (const std::string& item : *items) {
      auto& list_now = list.growing_editor();
      *front ? list_now.push_front(item) : list_now.push_back(item);
    }
    size = list.reader().size();
    return std::nullopt;
  };
  return answer_changed<List>(exchange, edit, [&](const CollectionChange& done) {
    Response response =
        answer_json(done.created && done.there ? 201 : 200, "{\"size\":" + std::to_string(size) + version_end(done));
    response.version = done.version;
    response.pending = done.pending;
    return response;
  });
}

Response pop_items(Exchange& exchange) {
  const auto front = at_front(exchange, true);
  if (!front) return answer_problem(front.error());
  const auto count = count_param(exchange, "count", 1, kPopMax);
  if (!count) return answer_problem(count.error());
  const std::uint64_t bytes_max = exchange.hub.config.answer_bytes_max;
  Draft out({.meter = &exchange.engine().budget(), .bytes_max = bytes_max});
  const auto edit = [&](store::Opened<List>& list) -> std::optional<Problem> {
    if (!list.existed()) return no_such_key();
    types::list::Editor& items = list.editor();
    const std::uint64_t taken = std::min<std::uint64_t>(*count, items.size());
    const std::uint64_t from = *front ? 0 : items.size() - taken;
    out.text("{\"items\":[");
    bool first = true;
    const auto show = [&](std::string_view item) {
      if (!std::exchange(first, false)) out.text(",");
      out.string(item);
      return out.good();
    };
    *front ? items.visit(from, from + taken, show) : items.visit_backwards(from, from + taken, show);
    items.erase(from, taken);
    out.text("],\"size\":" + std::to_string(items.size()));
    // While nothing has happened it can still be refused.
    if (!out.good()) return problem_of(out, bytes_max, false);
    return std::nullopt;
  };
  return answer_changed<List>(exchange, edit, [&](const CollectionChange& done) {
    out.text(version_end(done));
    return begin_work(
        write_draft(std::move(out), done.pending, [](Draft& written) { return answer_json(200, written.take()); }));
  });
}

Response get_item(Exchange& exchange) {
  const auto index = index_of(exchange);
  if (!index) return answer_problem(index.error());
  return read_collection(exchange, List::kType, [index = *index](const Collection& collection, Response described) {
    const types::list::Reader& list = *collection->as<List>();
    const auto place = place_of(index, list.size());
    if (!place) {
      Response response = answer_problem(no_such_element("place in this list"));
      response.pending = described.pending;
      return response;
    }
    described.type = kBytesType;
    described.body = list.at(*place).view();
    return described;
  });
}

Response put_item(Exchange& exchange) {
  const auto index = index_of(exchange);
  if (!index) return answer_problem(index.error());
  const auto edit = [&](store::Opened<List>& list) -> std::optional<Problem> {
    if (!list.existed()) return no_such_key();
    const auto place = place_of(*index, list.reader().size());
    if (!place) return no_such_element("place in this list");
    list.editor().set(*place, exchange.request.content());
    return std::nullopt;
  };
  return answer_changed<List>(exchange, edit, [&](const CollectionChange& done) { return answer_change(204, done); });
}

}  // namespace stave::http
