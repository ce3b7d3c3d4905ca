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
    const std::string path = route.path == "/db/{key}" ? "/db/some" : std::string(route.path);
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
