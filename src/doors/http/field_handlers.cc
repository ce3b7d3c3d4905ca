// /db/{key}/fields: the fields of a hash, all of them and one by one.
#include "doors/http/collections.h"
#include "doors/http/handlers.h"
#include "doors/http/json_text.h"

namespace stave::http {

using store::Hash;
using types::hash::Field;
namespace json = boost::json;

namespace {

/// A row for each field, `,` between them; returns the next cursor.
std::uint64_t draft_rows(const types::hash::Reader& hash, const PageWish& page, Draft& out) {
  bool first = true;
  return hash.scan(page.cursor, page.limit, [&](const Field& field) {
    out.text(std::exchange(first, false) ? "\n{" : ",\n{");
    out.string(field.name, "field");
    out.text(",");
    out.string(field.value, "value");
    out.text("}");
    return out.good();
  });
}

/// A merge patch (RFC 7396) as far as a hash has room for one: null removes, anything else sets.
struct FieldPatch {
  std::string field;
  std::optional<std::string> value;
};
Outcomes<std::vector<FieldPatch>> read_field_patch(std::string_view text) {
  auto document = parse_document(text);
  if (!document) return std::unexpected(std::move(document.error()));
  const json::object* const object = document->if_object();
  if (object == nullptr)
    return std::unexpected(bad_document("a patch is an object: {\"name\": \"Alice\", \"city\": null}"));
  std::vector<FieldPatch> patches;
  patches.reserve(object->size());
  for (const auto& member : *object) {
    FieldPatch patch{.field = std::string(member.key().data(), member.key().size()), .value = std::nullopt};
    if (!member.value().is_null()) {
      patch.value = element_of(member.value());
      if (!patch.value)
        return std::unexpected(
            bad_document("the value of a field is a string, a number, a boolean, {\"base64\": \"…\"}, or null"));
    }
    patches.push_back(std::move(patch));
  }
  return patches;
}

}  // namespace

Response list_fields(Exchange& exchange) {
  const auto page = page_wish(exchange, kElementsInitial);
  if (!page) return answer_problem(page.error());
  const auto write = [page = *page](const CopiedCollection& collection, Draft& out, Response&) {
    const types::hash::Reader& hash = *collection.as<Hash>();
    out.text("{\"fields\":[");
    const std::uint64_t next = draft_rows(hash, page, out);
    out.text("\n],\"size\":" + std::to_string(hash.size()));
    draft_cursor(next, out);
    return std::optional<Problem>();
  };
  return read_as_json(exchange, Hash::kType, write);
}

Response get_field(Exchange& exchange) {
  return read_collection(exchange, Hash::kType,
                         [field = exchange.element](const Collection& collection, Response described) {
                           const auto value = collection->as<Hash>()->find(field);
                           if (!value) {
                             Response response = answer_problem(no_such_element("field"));
                             response.pending = described.pending;
                             return response;
                           }
                           described.type = kBytesType;
                           described.body = value->view();
                           return described;
                         });
}

Response put_field(Exchange& exchange) {
  bool is_new = false;
  const auto edit = [&](store::Opened<Hash>& hash) -> std::optional<Problem> {
    is_new = hash.editor().set(exchange.element, exchange.request.content());
    return std::nullopt;
  };
  return answer_changed<Hash>(exchange, edit,
                              [&](const CollectionChange& done) { return answer_change(is_new ? 201 : 204, done); });
}

Response delete_field(Exchange& exchange) {
  const auto edit = [&](store::Opened<Hash>& hash) -> std::optional<Problem> {
    if (!hash.existed()) return no_such_key();
    if (!hash.editor().remove(exchange.element)) return no_such_element("field");
    return std::nullopt;
  };
  return answer_changed<Hash>(exchange, edit, [&](const CollectionChange& done) { return answer_change(204, done); });
}

Response patch_fields(Exchange& exchange) {
  const auto patches = read_field_patch(exchange.request.body);
  if (!patches) return answer_problem(patches.error());
  Patched patched;
  const auto edit = [&](store::Opened<Hash>& hash) -> std::optional<Problem> {
    for (const FieldPatch& patch : *patches) {
      if (patch.value) {
        patched.added += hash.growing_editor().set(patch.field, *patch.value) ? 1 : 0;
      } else {
        patched.removed += hash.editor().remove(patch.field) ? 1 : 0;
      }
    }
    patched.size = hash.reader().size();
    return std::nullopt;
  };
  return answer_changed<Hash>(exchange, edit,
                              [&](const CollectionChange& done) { return answer_patched(patched, done); });
}

}  // namespace stave::http
