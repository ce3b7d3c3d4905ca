// Hashes, lists, sets and sorted sets as resources: what is answered, and what an answer waits for.
#include "doors/http/collections.h"

#include <cmath>
#include <limits>

#include "doors/http/app_for_test.h"
#include "doors/http/json_text.h"

namespace stave::http {
namespace {

using Headers = std::vector<std::pair<Header, std::string>>;
const Headers kJson = {{Header::kContentType, "application/json"}};
const Headers kBytes = {{Header::kContentType, "application/octet-stream"}};

class HttpCollections : public AppFixture {
 protected:
  int patch(const std::string& target, const std::string& json) {
    return ask(Verb::kPatch, target, json, kJson).status;
  }
  int push(const std::string& target, const std::string& json) { return ask(Verb::kPost, target, json, kJson).status; }
  std::string body(const std::string& target) {
    Response response = ask(Verb::kGet, target);
    EXPECT_EQ(response.status, 200) << target << response.body;
    EXPECT_TRUE(response.type != kJsonType || is_json(response.body)) << response.body;
    return response.body;
  }
  int get(const std::string& target) { return ask(Verb::kGet, target).status; }
};

TEST_F(HttpCollections, fields_are_put_got_and_deleted_one_by_one) {
  EXPECT_EQ(ask(Verb::kPut, "/db/h/fields/name", "Alice", kBytes).status, 201);
  EXPECT_EQ(ask(Verb::kPut, "/db/h/fields/name", "Bob", kBytes).status, 204);
  EXPECT_EQ(ask(Verb::kPut, "/db/h/fields/%ff%00", std::string("\0\xfe", 2), kBytes).status, 201);
  EXPECT_EQ(ask(Verb::kPut, "/db/h/fields/", "no name", kBytes).status, 201);
  EXPECT_EQ(ask(Verb::kPut, "/db/h/fields/doc", "{\"a\":1}", kJson).status, 201);
  const Response name = ask(Verb::kGet, "/db/h/fields/name");
  EXPECT_EQ(name.body, "Bob");
  EXPECT_EQ(name.type, kBytesType);
  EXPECT_NE(name.version, kNoLsn);
  EXPECT_EQ(body("/db/h/fields/%FF%00"), std::string("\0\xfe", 2));
  EXPECT_EQ(body("/db/h/fields/"), "no name");
  EXPECT_EQ(get("/db/h/fields/none"), 404);
  EXPECT_EQ(get("/db/none/fields/none"), 404);
  EXPECT_EQ(get("/db/h/fields/%f"), 400);
  EXPECT_EQ(ask(Verb::kDelete, "/db/h/fields/none").status, 404);
  EXPECT_EQ(ask(Verb::kDelete, "/db/none/fields/none").status, 404);
  for (const auto* field : {"name", "%ff%00", "", "doc"})
    EXPECT_EQ(ask(Verb::kDelete, std::string("/db/h/fields/") + field).status, 204);
  EXPECT_EQ(get("/db/h"), 404) << "the key went with its last field";
}

TEST_F(HttpCollections, a_patch_sets_and_removes_fields_at_one_instant) {
  EXPECT_EQ(patch("/db/h/fields", R"({"a":"1","n":12,"half":0.5,"yes":true,"bin":{"base64":"/w=="},"gone":null})"),
            201);
  EXPECT_EQ(body("/db/h/fields/n"), "12");
  EXPECT_EQ(body("/db/h/fields/half"), "0.5");
  EXPECT_EQ(body("/db/h/fields/yes"), "true");
  EXPECT_EQ(body("/db/h/fields/bin"), "\xff");
  const Response done = ask(Verb::kPatch, "/db/h/fields", R"({"a":null,"b":"2","none":null})", kJson);
  EXPECT_EQ(done.status, 200);
  EXPECT_TRUE(done.body.starts_with(R"({"added":1,"removed":1,"size":5,"version":")")) << done.body;
  const std::string before = body("/db/h");
  for (const auto* bad :
       {"[]", "1", R"({"a":[1]})", R"({"a":{}})", R"({"a":{"base64":"?"}})", R"({"x":"1","a":{"base64":"","b":1}})"})
    EXPECT_EQ(patch("/db/h/fields", bad), 400) << bad;
  EXPECT_EQ(patch("/db/h/fields", "{"), 400);
  EXPECT_EQ(body("/db/h"), before) << "all or nothing";
  EXPECT_EQ(patch("/db/none/fields", "{}"), 200);
  EXPECT_EQ(patch("/db/none/fields", R"({"a":null})"), 200);
  EXPECT_EQ(get("/db/none"), 404);
  EXPECT_EQ(patch("/db/h/fields", R"({"n":null,"half":null,"yes":null,"bin":null,"b":null})"), 200);
  EXPECT_EQ(get("/db/h"), 404);
}

TEST_F(HttpCollections, a_key_answers_with_the_json_of_what_it_holds) {
  patch("/db/h/fields", R"({"name":"Al\"ice","n":1,"bin":{"base64":"/w=="}})");
  EXPECT_EQ(body("/db/h"), R"({"name":"Al\"ice","n":"1","bin":{"base64":"/w=="}})"
                           "\n");
  push("/db/l/items", R"(["a",{"base64":"/w=="},"a"])");
  EXPECT_EQ(body("/db/l"), R"(["a",{"base64":"/w=="},"a"])"
                           "\n");
  patch("/db/s/members", R"({"add":["x","7","x"]})");
  EXPECT_EQ(body("/db/s"), R"(["x","7"])"
                           "\n");
  patch("/db/z/scores", R"({"b":1.5,"a":1.5,"top":"inf","low":"-inf","big":1e300,"n":-700000})");
  EXPECT_EQ(body("/db/z"), R"([["low","-inf"],["n",-700000],["a",1.5],["b",1.5],["big",1e+300],["top","inf"]])"
                           "\n");
  const Response response = ask(Verb::kGet, "/db/z");
  EXPECT_EQ(response.type, kJsonType);
  EXPECT_NE(response.version, kNoLsn);
  EXPECT_EQ(body("/get?key=z"), body("/db/z"));
  EXPECT_EQ(body("/db/z?format=json"), body("/db/z"));
  EXPECT_EQ(ask(Verb::kGet, "/db/z", {}, {{Header::kRange, "bytes=0-1"}}).status, 200) << "a range is of a value";
  const Response head = ask(Verb::kHead, "/db/z");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.type, kJsonType);
  EXPECT_EQ(head.content_length(), response.body.size());
}

TEST_F(HttpCollections, a_field_that_is_no_json_name_is_told_by_the_page_of_fields) {
  ask(Verb::kPut, "/db/h/fields/%ff", "x", kBytes);
  ask(Verb::kPut, "/db/h/fields/a", "\xfe", kBytes);
  const Response refused = ask(Verb::kGet, "/db/h");
  EXPECT_EQ(refused.status, 406);
  EXPECT_NE(refused.body.find("not_utf8"), std::string::npos);
  EXPECT_EQ(
      body("/db/h/fields"),
      "{\"fields\":[\n{\"field_base64\":\"/w==\",\"value\":\"x\"},\n{\"field\":\"a\",\"value_base64\":\"/g==\"}\n],"
      "\"size\":2,\"cursor\":null}\n");
}

TEST_F(HttpCollections, items_are_pushed_popped_and_replaced) {
  EXPECT_EQ(push("/db/l/items", R"({"items":["a","b"]})"), 201);
  EXPECT_EQ(push("/db/l/items?side=front", R"(["y","x"])"), 200);
  EXPECT_EQ(ask(Verb::kPost, "/db/l/items", std::string("\0", 1), kBytes).status, 200);
  EXPECT_EQ(body("/db/l"), R"(["x","y","a","b","\u0000"])"
                           "\n");
  EXPECT_EQ(body("/db/l/items?offset=1&limit=2"), R"({"items":["y","a"],"offset":1,"size":5})"
                                                  "\n");
  EXPECT_EQ(body("/db/l/items?offset=-2&limit=1"), R"({"items":["b"],"offset":3,"size":5})"
                                                   "\n");
  EXPECT_EQ(body("/db/l/items?offset=-99&limit=1"), R"({"items":["x"],"offset":0,"size":5})"
                                                    "\n");
  EXPECT_EQ(body("/db/l/items?offset=9223372036854775807"), R"({"items":[],"offset":5,"size":5})"
                                                            "\n");
  EXPECT_EQ(body("/db/l/items?offset=-9223372036854775808&limit=1"), R"({"items":["x"],"offset":0,"size":5})"
                                                                     "\n");
  EXPECT_EQ(body("/db/l/items/0"), "x");
  EXPECT_EQ(body("/db/l/items/-2"), "b");
  for (const auto* place : {"5", "-6", "9223372036854775807", "-9223372036854775808"})
    EXPECT_EQ(get(std::string("/db/l/items/") + place), 404) << place;
  for (const auto* place : {"", "x", "1.5", "+1", "9223372036854775808"})
    EXPECT_EQ(get(std::string("/db/l/items/") + place), 400) << place;
  EXPECT_EQ(ask(Verb::kPut, "/db/l/items/-1", "last", kBytes).status, 204);
  EXPECT_EQ(ask(Verb::kPut, "/db/l/items/5", "x", kBytes).status, 404);
  EXPECT_EQ(ask(Verb::kPut, "/db/none/items/0", "x", kBytes).status, 404);
  const Response popped = ask(Verb::kDelete, "/db/l/items?side=back&count=2");
  EXPECT_TRUE(popped.body.starts_with(R"({"items":["last","b"],"size":3,"version":")")) << popped.body;
  EXPECT_TRUE(ask(Verb::kDelete, "/db/l/items").body.starts_with(R"({"items":["x"],"size":2)"));
  EXPECT_EQ(ask(Verb::kDelete, "/db/l/items?count=10000").body, R"({"items":["y","a"],"size":0,"version":null})"
                                                                "\n");
  EXPECT_EQ(ask(Verb::kDelete, "/db/l/items").status, 404);
  for (const auto* query : {"side=left", "side=", "count=0", "count=10001", "count=-1"})
    EXPECT_EQ(ask(Verb::kDelete, std::string("/db/l/items?") + query).status, 400) << query;
  for (const auto* bad : {"{}", "1", R"({"items":"a"})", R"([[]])", R"([null])", R"(["a",{"base64":1}])"})
    EXPECT_EQ(push("/db/l/items", bad), 400) << bad;
  EXPECT_EQ(push("/db/l/items", "[]"), 200);
  EXPECT_EQ(get("/db/l"), 404);
  EXPECT_EQ(ask(Verb::kPost, "/db/l/items", "x", {{Header::kContentType, "text/plain"}}).status, 415);
}

TEST_F(HttpCollections, members_are_there_or_not) {
  EXPECT_EQ(ask(Verb::kPut, "/db/s/members/a%20b/c").status, 201);
  EXPECT_EQ(ask(Verb::kPut, "/db/s/members/a%20b/c").status, 204);
  EXPECT_EQ(get("/db/s/members/a%20b/c"), 204);
  EXPECT_EQ(get("/db/s/members/a"), 404);
  EXPECT_EQ(get("/db/none/members/a"), 404);
  const Response done = ask(Verb::kPatch, "/db/s/members", R"({"add":["x",5,"x"],"remove":["a b/c","none"]})", kJson);
  EXPECT_TRUE(done.body.starts_with(R"({"added":2,"removed":1,"size":2,"version":")")) << done.body;
  EXPECT_EQ(body("/db/s/members?limit=10"), R"({"members":["x","5"],"size":2,"cursor":null})"
                                            "\n");
  EXPECT_EQ(ask(Verb::kDelete, "/db/s/members/none").status, 404);
  EXPECT_EQ(ask(Verb::kDelete, "/db/s/members/x").status, 204);
  for (const auto* bad : {"{}", "[]", R"({"add":"x"})", R"({"add":[],"other":[]})", R"({"remove":[null]})"})
    EXPECT_EQ(patch("/db/s/members", bad), 400) << bad;
  EXPECT_EQ(ask(Verb::kDelete, "/db/s/members/5").status, 204);
  EXPECT_EQ(get("/db/s"), 404);
}

TEST_F(HttpCollections, scores_are_asked_for_by_rank_by_score_and_by_member) {
  EXPECT_EQ(ask(Verb::kPut, "/db/z/scores/a", "1", kJson).status, 201);
  EXPECT_EQ(ask(Verb::kPut, "/db/z/scores/a", R"({"score":1.5})", kJson).status, 204);
  EXPECT_EQ(patch("/db/z/scores", R"({"b":2,"c":3,"d":"inf","gone":null})"), 200);
  EXPECT_EQ(body("/db/z/scores/c"), "{\"score\":3,\"rank\":2}\n");
  EXPECT_EQ(body("/db/z/scores/c?order=desc"), "{\"score\":3,\"rank\":1}\n");
  EXPECT_EQ(body("/db/z/scores/d"), "{\"score\":\"inf\",\"rank\":3}\n");
  EXPECT_EQ(get("/db/z/scores/none"), 404);
  EXPECT_EQ(body("/db/z/scores"), R"({"scores":[["a",1.5],["b",2],["c",3],["d","inf"]],"matching":4,"size":4})"
                                  "\n");
  EXPECT_EQ(body("/db/z/scores?offset=1&limit=2"), R"({"scores":[["b",2],["c",3]],"matching":4,"size":4})"
                                                   "\n");
  EXPECT_EQ(body("/db/z/scores?order=desc&limit=2"), R"({"scores":[["d","inf"],["c",3]],"matching":4,"size":4})"
                                                     "\n");
  EXPECT_EQ(body("/db/z/scores?min=1.5&max=(3"), R"({"scores":[["a",1.5],["b",2]],"matching":2,"size":4})"
                                                 "\n");
  EXPECT_EQ(body("/db/z/scores?min=(1.5&order=desc&offset=1&limit=1"), R"({"scores":[["c",3]],"matching":3,"size":4})"
                                                                       "\n");
  EXPECT_EQ(body("/db/z/scores?min=5&max=1"), R"({"scores":[],"matching":0,"size":4})"
                                              "\n");
  EXPECT_EQ(body("/db/z/scores?max=-inf"), R"({"scores":[],"matching":0,"size":4})"
                                           "\n");
  EXPECT_EQ(body("/db/z/scores?offset=18446744073709551615"), R"({"scores":[],"matching":4,"size":4})"
                                                              "\n");
  for (const auto* query : {"min=nan", "min=", "max=(", "max=x", "offset=-1", "limit=0", "limit=10001", "order=up"})
    EXPECT_EQ(get(std::string("/db/z/scores?") + query), 400) << query;
  for (const auto* bad : {"null", "\"1\"", "[1]", "{}", R"({"score":null})", R"({"score":1,"b":2})", "\"nan\"", "true"})
    EXPECT_EQ(ask(Verb::kPut, "/db/z/scores/a", bad, kJson).status, 400) << bad;
  EXPECT_EQ(patch("/db/z/scores", R"({"b":9,"a":"x"})"), 400);
  EXPECT_EQ(body("/db/z/scores/b"), "{\"score\":2,\"rank\":1}\n");
  EXPECT_EQ(ask(Verb::kPut, "/db/z/scores/a", "-0.0", kJson).status, 204);
  EXPECT_EQ(body("/db/z/scores/a"), "{\"score\":0,\"rank\":0}\n");
  for (const auto* member : {"a", "b", "c", "d"})
    EXPECT_EQ(ask(Verb::kDelete, std::string("/db/z/scores/") + member).status, 204);
  EXPECT_EQ(ask(Verb::kDelete, "/db/z/scores/a").status, 404);
}

TEST_F(HttpCollections, another_type_is_refused_and_named) {
  ask(Verb::kPut, "/db/k", "string", kBytes);
  patch("/db/h/fields", R"({"a":"1"})");
  for (const auto* part : {"fields", "items", "members", "scores"})
    EXPECT_EQ(get(std::string("/db/k/") + part), 409) << part;
  EXPECT_EQ(get("/db/h/members/a"), 409);
  const Response refused = ask(Verb::kPatch, "/db/h/scores", R"({"a":1})", kJson);
  EXPECT_EQ(refused.status, 409);
  EXPECT_NE(refused.body.find("holds a hash, not a zset"), std::string::npos) << refused.body;
  EXPECT_FALSE(engine_->fulfilled(refused.pending)) << "a refusal tells too";
  EXPECT_EQ(ask(Verb::kPatch, "/db/h", R"({"increment":1})", kJson).status, 409);
  EXPECT_EQ(ask(Verb::kPut, "/db/h", "now a string", kBytes).status, 204);
  EXPECT_EQ(body("/db/h"), "now a string");
}

TEST_F(HttpCollections, preconditions_are_about_the_version_of_the_key) {
  const Response made = ask(Verb::kPut, "/db/h/fields/a", "1",
                            {{Header::kContentType, "application/octet-stream"}, {Header::kIfNoneMatch, "*"}});
  EXPECT_EQ(made.status, 201);
  const std::string tag = entity_tag(made.version);
  EXPECT_EQ(ask(Verb::kPatch, "/db/h/fields", R"({"b":"2"})",
                {{Header::kContentType, "application/json"}, {Header::kIfNoneMatch, "*"}})
                .status,
            412);
  for (const auto* path : {"/db/h", "/db/h/fields", "/db/h/fields/a"}) {
    EXPECT_EQ(ask(Verb::kGet, path, {}, {{Header::kIfNoneMatch, tag}}).status, 304) << path;
    EXPECT_EQ(ask(Verb::kGet, path, {}, {{Header::kIfMatch, "\"1\""}}).status, 412) << path;
    EXPECT_EQ(ask(Verb::kGet, path, {}, {{Header::kIfMatch, "1"}}).status, 400) << path;
  }
  const Response patched = ask(Verb::kPatch, "/db/h/fields", R"({"b":"2"})",
                               {{Header::kContentType, "application/json"}, {Header::kIfMatch, tag}});
  EXPECT_EQ(patched.status, 200);
  EXPECT_NE(patched.version, made.version);
  EXPECT_EQ(ask(Verb::kGet, "/db/h").version, patched.version) << "the version told is the one it has";
  EXPECT_EQ(ask(Verb::kDelete, "/db/h/fields/a", {}, {{Header::kIfMatch, tag}}).status, 412);
  const Response same = ask(Verb::kPut, "/db/h/fields/b", "2", kBytes);
  EXPECT_EQ(same.status, 204);
  EXPECT_EQ(ask(Verb::kGet, "/db/h").version, same.version);
}

TEST_F(HttpCollections, an_expiry_stays_or_is_the_one_that_is_given) {
  EXPECT_EQ(ask(Verb::kPut, "/db/s/members/a?ttl=60s").status, 201);
  const auto expires = [&] { return ask(Verb::kGet, "/db/s").headers.find("Stave-Expires-At") != std::string::npos; };
  EXPECT_TRUE(expires());
  EXPECT_EQ(ask(Verb::kPut, "/db/s/members/b").status, 201);
  EXPECT_TRUE(expires());
  const Response longer = ask(Verb::kPut, "/db/s/members/b?ttl=100s");
  EXPECT_EQ(longer.status, 204) << "nothing but the deadline changes";
  EXPECT_EQ(ask(Verb::kGet, "/db/s").version, longer.version);
  clock_.advance_ms(60'000);
  EXPECT_EQ(get("/db/s"), 200);
  clock_.advance_ms(40'000);
  EXPECT_EQ(get("/db/s"), 404);
  EXPECT_EQ(ask(Verb::kPut, "/db/s/members/a?expires_at=1").status, 201);
  EXPECT_EQ(get("/db/s"), 404) << "its time was up already";
  EXPECT_EQ(ask(Verb::kPut, "/db/s/members/a?keep_ttl=true").status, 400);
  EXPECT_EQ(ask(Verb::kPut, "/db/s/members/a?ttl=x").status, 400);
}

TEST_F(HttpCollections, answers_wait_for_what_they_tell) {
  const Response put = ask(Verb::kPut, "/db/h/fields/a", "1", kBytes);
  EXPECT_FALSE(engine_->fulfilled(put.pending));
  for (const auto* path : {"/db/h", "/db/h/fields", "/db/h/fields/a", "/db/h/fields/none", "/db/h/items"})
    EXPECT_FALSE(engine_->fulfilled(ask(Verb::kGet, path).pending)) << path;
  EXPECT_FALSE(engine_->fulfilled(ask(Verb::kDelete, "/db/h/fields/none").pending));
  ASSERT_TRUE(engine_->wait(put.pending));
  EXPECT_TRUE(engine_->fulfilled(ask(Verb::kGet, "/db/h").pending));
}

TEST_F(HttpCollections, a_list_of_the_store_comes_in_pages) {
  std::string items = "[\"0\"";
  for (int i = 1; i < 250; ++i) items += ",\"" + std::to_string(i) + "\"";
  ASSERT_EQ(push("/db/l/items", items + "]"), 201);
  std::string seen;
  std::string target = "/db/l?limit=100";
  for (int page = 0; page < 3; ++page) {
    const Response response = ask(Verb::kGet, target);
    ASSERT_EQ(response.status, 200);
    seen += response.body.substr(1, response.body.size() - 3) + (page < 2 ? "," : "");
    const std::size_t at = response.headers.find("Stave-Cursor: ");
    ASSERT_EQ(at == std::string::npos, page == 2);
    if (page < 2)
      target = "/db/l?limit=100&cursor=" + response.headers.substr(at + 14, response.headers.find('\r', at) - at - 14);
  }
  EXPECT_EQ("[" + seen + "]", items + "]");
  EXPECT_EQ(body("/db/l?limit=100&cursor=18446744073709551615"), "[]\n");
  for (const auto* query : {"limit=0", "limit=10001", "cursor=x", "cursor=-1"})
    EXPECT_EQ(get(std::string("/db/l?") + query), 400) << query;
}

TEST_F(HttpCollections, large_ones_are_answered_whole_and_within_the_limit) {
  std::string items = "[\"" + std::string(1000, 'x') + "\"";
  for (int i = 1; i < 500; ++i) items += ",\"" + std::string(1000, 'x') + "\"";
  ASSERT_EQ(push("/db/l/items", items + "]"), 201);
  EXPECT_EQ(body("/db/l"), items + "]\n");
  start({.answer_bytes_max = 100'000});
  const Response refused = ask(Verb::kGet, "/db/l");
  EXPECT_EQ(refused.status, 413);
  EXPECT_NE(refused.body.find("answer_too_large"), std::string::npos);
  EXPECT_EQ(get("/db/l?limit=50"), 200);
  EXPECT_EQ(ask(Verb::kDelete, "/db/l/items?count=500").status, 413);
  EXPECT_NE(body("/db/l/items?limit=1").find("\"size\":500"), std::string::npos) << "nothing was taken";
  EXPECT_EQ(ask(Verb::kDelete, "/db/l/items?count=50").status, 200);
}

TEST_F(HttpCollections, listings_say_the_type) {
  patch("/db/h/fields", R"({"a":"1"})");
  push("/db/l/items", R"(["a"])");
  patch("/db/s/members", R"({"add":["a"]})");
  patch("/db/z/scores", R"({"a":1})");
  const std::string page = body("/db?values=true");
  for (const auto* type : {"hash", "list", "set", "zset"})
    EXPECT_NE(page.find("\"type\":\"" + std::string(type) + "\""), std::string::npos) << page;
  EXPECT_EQ(page.find("octet-stream"), std::string::npos);
  EXPECT_EQ(page.find("\"value\""), std::string::npos) << "values are those of strings";
}

}  // namespace
}  // namespace stave::http
