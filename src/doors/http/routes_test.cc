#include "doors/http/routes.h"

#include <gtest/gtest.h>

#include "doors/http/document.h"
#include "doors/http/openapi.h"

namespace stave::http {
namespace {

std::string_view name_of(Verb verb, std::string_view path) {
  const Match match = find_route(verb, path);
  return match.route == nullptr ? (match.path_known ? "405" : "404") : match.route->name;
}

TEST(Router, finds_each_row_by_its_own_path_and_verb) {
  for (const Route& route : route_table()) {
    std::string path(route.path);
    for (std::size_t at = path.find('{'); at != std::string::npos; at = path.find('{'))
      path.replace(at, path.find('}') - at + 1, "some");
    EXPECT_EQ(find_route(route.verb, path).route, &route) << route.name;
  }
}

TEST(Router, takes_everything_behind_db_for_the_key_but_the_batch) {
  EXPECT_EQ(find_route(Verb::kGet, "/db/a/b//c").key, "a/b//c");
  EXPECT_EQ(find_route(Verb::kPut, "/db/%5Fbatch").key, "%5Fbatch");
  EXPECT_EQ(name_of(Verb::kPost, "/db/_batch"), "batch");
  EXPECT_EQ(name_of(Verb::kPut, "/db/_batch"), "405");
  EXPECT_EQ(name_of(Verb::kPost, "/db/_batch/"), "postKey");
  EXPECT_EQ(name_of(Verb::kGet, "/db/"), "404");
  EXPECT_EQ(name_of(Verb::kGet, "/dbx"), "404");
  EXPECT_EQ(name_of(Verb::kGet, ""), "404");
}

TEST(Router, ends_a_key_before_the_first_word_for_what_it_holds) {
  const Match field = find_route(Verb::kGet, "/db/user/1/fields/first/name%2F");
  EXPECT_EQ(field.route->name, "getField");
  EXPECT_EQ(field.key, "user/1");
  EXPECT_EQ(field.element, "first/name%2F");
  EXPECT_EQ(find_route(Verb::kGet, "/db/a/items").element, std::nullopt);
  EXPECT_EQ(find_route(Verb::kGet, "/db/a/items/-1").element, "-1");
  EXPECT_EQ(find_route(Verb::kPut, "/db/a/members/").element, "") << "a member of no bytes";
  EXPECT_EQ(find_route(Verb::kGet, "/db/a/fields/members/x").element, "members/x");
  EXPECT_EQ(find_route(Verb::kGet, "/db/_batch/fields").key, "_batch");
  // Neither at the beginning, nor as a part of a word, nor escaped.
  EXPECT_EQ(find_route(Verb::kGet, "/db//fields").key, "/fields");
  EXPECT_EQ(find_route(Verb::kGet, "/db/fields/fields").key, "fields");
  EXPECT_EQ(find_route(Verb::kGet, "/db/fields").key, "fields");
  for (const std::string_view path : {"/db/a/fieldsx", "/db/a/xfields", "/db/a%2Ffields", "/db/a/%66ields/b"}) {
    EXPECT_EQ(name_of(Verb::kGet, path), "getKey") << path;
    EXPECT_EQ(find_route(Verb::kGet, path).key, path.substr(4));
  }
  EXPECT_EQ(name_of(Verb::kPut, "/db/a/fields"), "405");
  EXPECT_EQ(allowed_verbs("/db/a/fields"), "GET, HEAD, PATCH, OPTIONS");
  EXPECT_EQ(allowed_verbs("/db/a/fields/b"), "GET, HEAD, PUT, DELETE, OPTIONS");
  EXPECT_EQ(allowed_verbs("/db/a/items"), "GET, HEAD, POST, DELETE, OPTIONS");
}

TEST(Router, answers_head_where_get_changes_nothing) {
  EXPECT_EQ(name_of(Verb::kHead, "/db/a"), "headKey");
  EXPECT_EQ(name_of(Verb::kHead, "/version"), "version");
  EXPECT_EQ(name_of(Verb::kHead, "/set"), "405");
  EXPECT_EQ(name_of(Verb::kHead, "/delete"), "405");
}

TEST(Router, tells_what_a_path_takes) {
  EXPECT_EQ(allowed_verbs("/db/a"), "GET, HEAD, PUT, POST, DELETE, PATCH, OPTIONS");
  EXPECT_EQ(allowed_verbs("/set"), "GET, OPTIONS");
  EXPECT_EQ(allowed_verbs("/nothing"), "");
}

TEST(OpenApi, is_json_and_names_every_row_once) {
  const auto document = parse_document(openapi_document("1.2.3"));
  ASSERT_TRUE(document);
  std::size_t operations = 0;
  for (const auto& path : document->at("paths").as_object()) operations += path.value().as_object().size();
  EXPECT_EQ(operations, route_table().size());
  for (const Route& route : route_table()) {
    const auto& row = document->at("paths").at(route.path.data()).as_object();
    EXPECT_FALSE(row.empty()) << route.name;
  }
  EXPECT_NE(documentation_page("1.2.3").find("/db/{key}"), std::string::npos);
}

}  // namespace
}  // namespace stave::http
