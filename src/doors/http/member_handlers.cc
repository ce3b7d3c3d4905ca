// /db/{key}/members: the members of a set, all of them and one by one.
#include "doors/http/collections.h"
#include "doors/http/handlers.h"

namespace stave::http {

using store::Set;
namespace json = boost::json;

namespace {

struct MemberPatch {
  std::vector<std::string> add;
  std::vector<std::string> remove;
};
Outcomes<MemberPatch> read_member_patch(std::string_view text) {
  auto document = parse_document(text);
  if (!document) return std::unexpected(std::move(document.error()));
  const json::object* const object = document->if_object();
  const json::value* const add = object == nullptr ? nullptr : object->if_contains("add");
  const json::value* const remove = object == nullptr ? nullptr : object->if_contains("remove");
  const std::size_t known = (add != nullptr ? 1u : 0u) + (remove != nullptr ? 1u : 0u);
  if (known == 0 || object->size() != known)
    return std::unexpected(bad_document("a patch is {\"add\": [ … ], \"remove\": [ … ]}"));
  MemberPatch patch;
  if (add != nullptr) {
    auto members = elements_of(*add, "add");
    if (!members) return std::unexpected(std::move(members.error()));
    patch.add = std::move(*members);
  }
  if (remove != nullptr) {
    auto members = elements_of(*remove, "remove");
    if (!members) return std::unexpected(std::move(members.error()));
    patch.remove = std::move(*members);
  }
  return patch;
}

}  // namespace

Response list_members(Exchange& exchange) {
  const auto page = page_wish(exchange, kElementsInitial);
  if (!page) return answer_problem(page.error());
  const auto write = [page = *page](const CopiedCollection& collection, Draft& out, Response&) {
    const types::set::Reader& set = *collection.as<Set>();
    out.text("{\"members\":[");
    const std::uint64_t next = draft_set(set, page, out);
    out.text("],\"size\":" + std::to_string(set.size()));
    draft_cursor(next, out);
    return std::optional<Problem>();
  };
  return read_as_json(exchange, Set::kType, write);
}

Response get_member(Exchange& exchange) {
  return read_collection(exchange, Set::kType,
                         [member = exchange.element](const Collection& collection, Response described) {
                           if (collection->as<Set>()->contains(member)) {
                             described.status = 204;
                             return described;
                           }
                           Response response = answer_problem(no_such_element("member"));
                           response.pending = described.pending;
                           return response;
                         });
}

Response put_member(Exchange& exchange) {
  bool is_new = false;
  const auto edit = [&](store::Opened<Set>& set) -> std::optional<Problem> {
    is_new = set.editor().add(exchange.element);
    return std::nullopt;
  };
  return answer_changed<Set>(exchange, edit,
                             [&](const CollectionChange& done) { return answer_change(is_new ? 201 : 204, done); });
}

Response delete_member(Exchange& exchange) {
  const auto edit = [&](store::Opened<Set>& set) -> std::optional<Problem> {
    if (!set.existed()) return no_such_key();
    if (!set.editor().remove(exchange.element)) return no_such_element("member");
    return std::nullopt;
  };
  return answer_changed<Set>(exchange, edit, [&](const CollectionChange& done) { return answer_change(204, done); });
}

Response patch_members(Exchange& exchange) {
  const auto patch = read_member_patch(exchange.request.body);
  if (!patch) return answer_problem(patch.error());
  Patched patched;
  const auto edit = [&](store::Opened<Set>& set) -> std::optional<Problem> {
    for (const std::string& member : patch->add) patched.added += set.growing_editor().add(member) ? 1 : 0;
    for (const std::string& member : patch->remove) patched.removed += set.editor().remove(member) ? 1 : 0;
    patched.size = set.reader().size();
    return std::nullopt;
  };
  return answer_changed<Set>(exchange, edit,
                             [&](const CollectionChange& done) { return answer_patched(patched, done); });
}

}  // namespace stave::http
