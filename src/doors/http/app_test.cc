// The door without sockets: what is admitted, what is answered, what an answer waits for.
#include "doors/http/app.h"

#include <utility>

#include "base/sha256.h"
#include "commands/auth_backoff.h"
#include "commands/users.h"
#include "doors/http/app_for_test.h"

namespace stave::http {
namespace {

using AppTest = AppFixture;

// Sixty clients that asked for pages of values and did not read them took half a gigabyte, and left others without.
TEST_F(AppTest, a_page_of_values_takes_no_more_than_there_is_room_for) {
  constexpr std::size_t kValue = 100'000;
  for (int i = 0; i < 30; ++i) ASSERT_EQ(put("k" + std::to_string(i), std::string(kValue, 'v')).status, 201);
  store::Budget& budget = engine_->budget();
  budget.set(budget.used() + kValue, MemoryPolicy::kNoEviction);
  // What others have not taken, until no more is granted.
  std::uint64_t taken = 0;
  while (budget.take_buffer(kValue)) taken += kValue;
  const std::uint64_t before = budget.used();
  EXPECT_EQ(ask(Verb::kGet, "/db?values=true&limit=100").status, 507);
  EXPECT_EQ(budget.used(), before) << "what was refused is given back";
  budget.give_buffer(taken);
  const Response page = ask(Verb::kGet, "/db?values=true&limit=100");
  EXPECT_EQ(page.status, 200);
  EXPECT_GT(page.body.size(), kValue);
}

TEST_F(AppTest, guessing_the_token_gets_slower_and_harms_nobody_who_knows_it) {
  environment_->users().require_password(base::sha256_hex("sesame"));
  const std::vector<std::pair<Header, std::string>> right = {{Header::kAuthorization, "Bearer sesame"}};
  const std::vector<std::pair<Header, std::string>> wrong = {{Header::kAuthorization, "Bearer guess"}};
  for (int i = 0; i < 100; ++i) EXPECT_EQ(ask(Verb::kGet, "/keys").status, 401);  // no token is no guess
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(Verb::kGet, "/keys", {}, wrong).status, 401);
  for (const auto& token : {wrong, right}) {
    const Response refused = ask(Verb::kGet, "/keys", {}, token);
    EXPECT_EQ(refused.status, 429);
    EXPECT_NE(refused.headers.find("Retry-After: 1\r\n"), std::string::npos);
  }
  clock_.advance_ms(100);
  EXPECT_EQ(ask(Verb::kGet, "/keys", {}, wrong).status, 401);
  clock_.advance_ms(100);
  EXPECT_EQ(ask(Verb::kGet, "/keys", {}, right).status, 429) << "the wait is longer each time";
  clock_.advance_ms(100);
  EXPECT_EQ(ask(Verb::kGet, "/keys", {}, right).status, 200);
  // Another connection from the same address guesses: this one goes on, new ones wait.
  Caller known = caller_;
  caller_.trusted = false;
  for (int i = 0; i < 10; ++i) {
    EXPECT_NE(ask(Verb::kGet, "/keys", {}, wrong).status, 200);
    clock_.advance_ms(10'000);
  }
  EXPECT_EQ(ask(Verb::kGet, "/keys", {}, wrong).status, 401);
  const Response refused = ask(Verb::kGet, "/keys", {}, right);
  EXPECT_EQ(refused.status, 429);
  EXPECT_NE(refused.headers.find("Retry-After: 10\r\n"), std::string::npos);
  std::swap(caller_, known);
  EXPECT_EQ(ask(Verb::kGet, "/keys", {}, right).status, 200);
  // Until it guesses too.
  EXPECT_EQ(ask(Verb::kGet, "/keys", {}, wrong).status, 401);
  EXPECT_EQ(ask(Verb::kGet, "/keys", {}, right).status, 429);
}

TEST_F(AppTest, the_doors_share_one_memory_of_who_guesses) {
  environment_->users().require_password(base::sha256_hex("sesame"));
  for (int i = 0; i < 3; ++i) environment_->auth_backoff().failed("192.0.2.1", clock_.monotonic_ns());
  EXPECT_EQ(ask(Verb::kGet, "/keys", {}, {{Header::kAuthorization, "Bearer sesame"}}).status, 429);
  caller_.host = "192.0.2.2";
  EXPECT_EQ(ask(Verb::kGet, "/keys", {}, {{Header::kAuthorization, "Bearer sesame"}}).status, 200);
}

TEST_F(AppTest, an_answer_waits_for_what_it_tells) {
  const Response stored = put("a", "1");
  EXPECT_EQ(stored.status, 201);
  EXPECT_FALSE(engine_->fulfilled(stored.pending));
  const Response read = ask(Verb::kGet, "/db/a");
  EXPECT_EQ(read.body, "1");
  EXPECT_FALSE(engine_->fulfilled(read.pending));
  EXPECT_FALSE(engine_->fulfilled(put("a", "2", {{Header::kIfNoneMatch, "*"}}).pending)) << "a refusal tells too";
  ASSERT_TRUE(engine_->wait(read.pending));
  EXPECT_TRUE(engine_->fulfilled(ask(Verb::kGet, "/db/a").pending));
}

TEST_F(AppTest, a_head_is_refused_before_its_body_comes) {
  environment_->users().require_password(base::sha256_hex("sesame"));
  EXPECT_EQ(put("a", "1").status, 401);
  EXPECT_EQ(put("a", "1", {{Header::kAuthorization, "Bearer sesame"}}).status, 201);
  EXPECT_EQ(put("a", "1", {{Header::kAuthorization, "bearer wrong"}}).status, 401);
  EXPECT_EQ(ask(Verb::kGet, "/healthz").status, 200);
}

TEST_F(AppTest, another_origin_reads_and_changes_nothing_unless_it_is_named) {
  EXPECT_EQ(put("a", "1", {{Header::kOrigin, "https://evil.example"}}).status, 403);
  EXPECT_EQ(put("a", "1", {{Header::kOrigin, "null"}}).status, 403);
  EXPECT_EQ(put("a", "1", {{Header::kOrigin, "https://good.example"}}).status, 201);
  EXPECT_EQ(put("a", "1", {{Header::kOrigin, "http://localhost:8080"}}).status, 204);
  EXPECT_EQ(ask(Verb::kGet, "/set?key=a&value=b", {}, {{Header::kFetchSite, "cross-site"}}).status, 403);
  EXPECT_EQ(ask(Verb::kGet, "/set?key=a&value=b", {}, {{Header::kFetchSite, "none"}}).status, 200);
  EXPECT_EQ(ask(Verb::kGet, "/db/a", {}, {{Header::kHost, "evil.example:8080"}}).status, 421);
  EXPECT_EQ(ask(Verb::kGet, "/db/a", {}, {{Header::kHost, "127.0.0.1.evil.example"}}).status, 421);
  for (const auto* host : {"127.0.0.1:8080", "localhost", "[::1]:8080", "app.localhost"})
    EXPECT_EQ(ask(Verb::kGet, "/db/a", {}, {{Header::kHost, host}}).status, 200) << host;
}

TEST_F(AppTest, before_the_store_is_open_it_says_so) {
  hub_->environment = nullptr;
  hub_->serving = Serving::kRecovering;
  EXPECT_EQ(put("a", "1").status, 503);
  const Response ready = ask(Verb::kGet, "/readyz");
  EXPECT_EQ(ready.status, 503);
  EXPECT_NE(ready.body.find("recovering"), std::string::npos);
  EXPECT_EQ(ask(Verb::kGet, "/healthz").status, 200);
}

TEST_F(AppTest, is_ready_but_says_so_when_only_small_writes_still_fit) {
  close();
  commands::WatchedFiles files(*file_system_);
  options_.file_system = &files;
  options_.packing = Packing::kNone;
  open();
  hub_->environment = environment_.get();
  ASSERT_EQ(put("a", "1").status, 201);
  EXPECT_EQ(ask(Verb::kGet, "/readyz").body, "{\"status\":\"ready\"}\n");
  files.free = 0;
  EXPECT_EQ(put("a", "2").status, 204);
  EXPECT_EQ(put("b", std::string(8'000'000, 'x')).status, 507);
  const Response ready = ask(Verb::kGet, "/readyz");
  EXPECT_EQ(ready.status, 200);
  EXPECT_NE(ready.body.find("\"reason\":\"disk_low\""), std::string::npos) << ready.body;
  close();
}

TEST_F(AppTest, a_large_value_is_not_copied_into_its_answer) {
  put("a", std::string(1'000'000, 'x'));
  const Response whole = ask(Verb::kGet, "/db/a");
  ASSERT_TRUE(whole.shared);
  EXPECT_EQ(whole.content_length(), 1'000'000u);
  const char* held = nullptr;
  ASSERT_TRUE(
      engine_->read({0, "a"}, store::Access::kPeek, [&](const store::ValueView* v) { held = v->value.data(); }));
  EXPECT_EQ(whole.content().data(), held);
  const Response half = ask(Verb::kGet, "/db/a", {}, {{Header::kRange, "bytes=500000-"}});
  EXPECT_EQ(half.content().data(), held + 500'000);
  EXPECT_EQ(half.content_length(), 500'000u);
  const Response head = ask(Verb::kHead, "/db/a");
  EXPECT_EQ(head.content_length(), 1'000'000u);
  EXPECT_TRUE(head.content().empty());
  const Response part = ask(Verb::kGet, "/db/a", {}, {{Header::kRange, "bytes=5-6"}});
  EXPECT_EQ(part.body, "xx");
  EXPECT_EQ(part.status, 206);
}

TEST_F(AppTest, an_answer_keeps_the_value_that_it_found) {
  const std::string first(1'000'000, 'x');
  put("a", first);
  const Response before = ask(Verb::kGet, "/db/a");
  put("a", std::string(1'000'000, 'y'));
  EXPECT_TRUE(before.content() == first);
  const Response after = ask(Verb::kGet, "/db/a");
  EXPECT_EQ(ask(Verb::kDelete, "/db/a").status, 204);
  EXPECT_TRUE(before.content() == first);
  EXPECT_TRUE(after.content() == std::string(1'000'000, 'y'));
}

TEST_F(AppTest, a_large_value_is_looked_through_for_json_where_it_lies) {
  const std::string json = "[\"" + std::string(1'000'000, 'x') + "\"]";
  put("a", json);
  const Response good = ask(Verb::kGet, "/db/a?format=json");
  EXPECT_EQ(good.type, kJsonType);
  EXPECT_TRUE(good.content() == json);
  EXPECT_EQ(ask(Verb::kHead, "/db/a?format=json").type, kJsonType);
  put("a", json.substr(1));
  EXPECT_EQ(ask(Verb::kGet, "/db/a?format=json").status, 409);
  EXPECT_EQ(ask(Verb::kHead, "/db/a?format=json").status, 409);
}

TEST_F(AppTest, what_a_request_left_in_the_session_is_gone_with_the_next) {
  EXPECT_EQ(ask(Verb::kPost, "/command?db=3", R"(["SET","a","3"])").status, 200);
  EXPECT_NE(ask(Verb::kPost, "/command", R"(["GET","a"])").body.find("null"), std::string::npos);
  EXPECT_EQ(ask(Verb::kPost, "/command", R"(["SELECT","3"])").status, 400);
}

TEST_F(AppTest, compression_changes_the_tag) {
  put("a", std::string(5000, 'x'));
  const Response plain = ask(Verb::kGet, "/db/a");
  const Response packed = ask(Verb::kGet, "/db/a", {}, {{Header::kAcceptEncoding, "gzip"}});
  EXPECT_LT(packed.body.size(), plain.body.size());
  EXPECT_NE(packed.headers.find("-gzip\""), std::string::npos);
  EXPECT_EQ(plain.headers.find("-gzip\""), std::string::npos);
}

}  // namespace
}  // namespace stave::http
