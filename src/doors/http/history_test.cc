// A key's past over HTTP, and what a failed precondition says.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "doors/http/app_for_test.h"
#include "doors/http/times.h"

namespace stave::http {
namespace {

class HistoryOverHttp : public AppFixture {
 protected:
  std::string etag(const std::string& key) {
    const Response response = ask(Verb::kGet, "/db/" + key);
    return std::to_string(raw(response.version));
  }
  std::string at(const std::string& key, const std::string& query) {
    const Response response = ask(Verb::kGet, "/db/" + key + "?" + query);
    return response.status == 200 ? std::string(response.content()) : std::to_string(response.status);
  }
};

TEST_F(HistoryOverHttp, is_listed_and_shown_as_it_was) {
  put("k", "one");
  const std::string one = etag("k");
  const std::string then = rfc3339(clock_.wall());
  clock_.advance_ms(10'000);
  put("k", "two", {});
  ask(Verb::kDelete, "/db/k");
  const Response listed = ask(Verb::kGet, "/db/k/history");
  ASSERT_EQ(listed.status, 200);
  const std::string body(listed.content());
  EXPECT_NE(body.find("\"kind\":\"delete\",\"size\":0,\"expires_at\":null"), std::string::npos) << body;
  EXPECT_NE(body.find("\"version\":\"" + one + "\",\"time\":\"" + then + "\",\"kind\":\"set\",\"size\":3"),
            std::string::npos)
      << body;
  EXPECT_EQ(std::string(ask(Verb::kGet, "/db/k/history?limit=1").content()).find("\"set\""), std::string::npos);
  EXPECT_EQ(at("k", "at_lsn=" + one), "one");
  EXPECT_EQ(at("k", "at=" + then), "one");
  EXPECT_EQ(at("k", "at=" + rfc3339(clock_.wall())), "404") << "it was deleted by then";
  EXPECT_EQ(raw(ask(Verb::kGet, "/db/k?at_lsn=" + one).version), std::stoull(one));
  const Response head = ask(Verb::kHead, "/db/k?at_lsn=" + one);
  EXPECT_EQ(head.status, 200);
}

TEST_F(HistoryOverHttp, shows_collections_as_they_are_shown_today) {
  run({"HSET", "h", "f", "1"});
  const std::string one = etag("h");
  run({"HSET", "h", "f", "2"});
  run({"RPUSH", "l", "a", "b"});
  EXPECT_EQ(at("h", "at_lsn=" + one), "{\"f\":\"1\"}\n");
  EXPECT_EQ(at("l", "at_lsn=" + etag("l")), std::string(ask(Verb::kGet, "/db/l").content()));
}

TEST_F(HistoryOverHttp, refuses_nonsense_and_says_what_is_gone) {
  put("k", "v");
  EXPECT_EQ(at("k", "at=yesterday"), "400");
  EXPECT_EQ(at("k", "at_lsn=x"), "400");
  EXPECT_EQ(at("k", "at_lsn=1&at=2026-01-01T00:00:00Z"), "400");
  EXPECT_EQ(at("k", "at_lsn=1&limit=3"), "400");
  EXPECT_EQ(ask(Verb::kGet, "/db/k/history?limit=0").status, 400);
  EXPECT_EQ(ask(Verb::kPut, "/db/k/history", "x", {{Header::kContentType, "application/octet-stream"}}).status, 405);
  EXPECT_EQ(ask(Verb::kGet, "/db/nosuch/history").status, 200);
}

// Only at the end of a path: what else a key may look like is its own business.
TEST_F(HistoryOverHttp, is_a_key_s_name_elsewhere) {
  put("history/of/rome", "v");
  EXPECT_EQ(std::string(ask(Verb::kGet, "/db/history/of/rome").content()), "v");
  put("my/history/of", "w");
  EXPECT_EQ(std::string(ask(Verb::kGet, "/db/my/history/of").content()), "w");
  put("a%2Fhistory", "x");
  EXPECT_EQ(std::string(ask(Verb::kGet, "/db/a%2Fhistory").content()), "x");
}

TEST_F(HistoryOverHttp, is_for_users_who_may_read_the_past) {
  put("k", "v");
  run({"ACL", "SETUSER", "reader", "on", ">pw", "~*", "+get", "+@read", "-stave.history", "-stave.getat"});
  const std::vector<std::pair<Header, std::string>> reader = {{Header::kAuthorization, "Basic cmVhZGVyOnB3"}};
  EXPECT_EQ(ask(Verb::kGet, "/db/k", {}, reader).status, 200);
  EXPECT_EQ(ask(Verb::kGet, "/db/k/history", {}, reader).status, 403);
  EXPECT_EQ(ask(Verb::kGet, "/db/k?at_lsn=1", {}, reader).status, 403);
}

TEST_F(HistoryOverHttp, and_failed_preconditions_say_what_was_the_matter) {
  const auto detail = [&](const std::string& key, Header header, const std::string& value) {
    return std::string(put(key, "v", {{header, value}}).content());
  };
  EXPECT_NE(detail("k", Header::kIfMatch, "*").find("If-Match asks for one"), std::string::npos);
  put("k", "v");
  EXPECT_NE(detail("k", Header::kIfNoneMatch, "*").find("asks for it to be absent"), std::string::npos);
  EXPECT_NE(detail("k", Header::kIfMatch, "\"1\"").find("another version than If-Match"), std::string::npos);
  EXPECT_NE(detail("k", Header::kIfNoneMatch, "\"" + etag("k") + "\"").find("If-None-Match excludes"),
            std::string::npos);
}

}  // namespace
}  // namespace stave::http
