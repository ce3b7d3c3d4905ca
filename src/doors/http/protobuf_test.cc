#include "doors/http/protobuf.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include <proto/stave.pb.h>

namespace stave::http {
namespace {

using Kind = Operation::Kind;
constexpr UnixMs kNow{1'700'000'000'000};

auto decode(std::string_view body, std::size_t most) {
  ManualClock clock(kNow);
  store::StoreClock time(clock);
  return decode_batch(body, time, most);
}

/// What decoding says about a batch of one operation.
std::string verdict(const v1::BatchOperation& operation) {
  v1::Batch batch;
  *batch.add_operations() = operation;
  const auto decoded = decode(batch.SerializeAsString(), 100);
  return decoded ? "taken" : std::string(decoded.error().code);
}

TEST(ProtobufBatch, becomes_operations_of_every_kind_in_their_order) {
  v1::Batch batch;
  auto* one = batch.add_operations();
  one->set_key(std::string("a\0b\xff", 4));
  one->mutable_set()->set_value("bytes");
  one->mutable_expiry()->set_ttl_ms(1000);
  one->mutable_expiry()->set_sliding(true);
  batch.add_operations()->mutable_get();
  batch.add_operations()->mutable_delete_();
  batch.add_operations()->mutable_increment();
  batch.add_operations()->mutable_increment()->set_by(-7);
  batch.add_operations()->mutable_increment()->set_by_float(0.5);
  batch.add_operations()->mutable_append()->set_value("more");
  auto* expire = batch.add_operations();
  expire->mutable_expire();
  expire->mutable_expiry()->set_at_ms(5);
  batch.add_operations()->mutable_check();

  const auto decoded = decode(batch.SerializeAsString(), 100);
  ASSERT_TRUE(decoded);
  const std::vector<Kind> kinds = {Kind::kSet,       Kind::kGet,       Kind::kDelete,
                                   Kind::kIncrement, Kind::kIncrement, Kind::kIncrementFloat,
                                   Kind::kAppend,    Kind::kExpire,    Kind::kCheck};
  ASSERT_EQ(decoded->size(), kinds.size());
  for (std::size_t i = 0; i < kinds.size(); ++i) EXPECT_EQ((*decoded)[i].kind, kinds[i]) << i;
  const Operation& set = decoded->front();
  EXPECT_EQ(set.key, std::string("a\0b\xff", 4));
  EXPECT_EQ(set.value, "bytes");
  EXPECT_FALSE(set.json);
  EXPECT_TRUE(set.expiry.given);
  EXPECT_EQ(raw(set.expiry.expiry.at), raw(kNow) + 1000);
  EXPECT_EQ(set.expiry.expiry.sliding_ms, 1000);
  EXPECT_FALSE((*decoded)[1].expiry.given);
  EXPECT_EQ((*decoded)[3].by, 1);
  EXPECT_EQ((*decoded)[4].by, -7);
  EXPECT_EQ((*decoded)[5].by_float, 0.5L);
  EXPECT_EQ((*decoded)[6].value, "more");
  EXPECT_EQ(raw((*decoded)[7].expiry.expiry.at), 5);
}

TEST(ProtobufBatch, has_preconditions_that_judge_like_the_headers) {
  v1::Batch batch;
  auto* one = batch.add_operations();
  one->mutable_check();
  one->mutable_precondition()->add_versions(12);
  one->mutable_precondition()->add_versions(15);
  auto* two = batch.add_operations();
  two->mutable_check();
  two->mutable_precondition()->set_absent(true);
  batch.add_operations()->mutable_check();
  const auto decoded = decode(batch.SerializeAsString(), 100);
  ASSERT_TRUE(decoded);
  using Verdict = Preconditions::Verdict;
  EXPECT_EQ((*decoded)[0].conditions.judge(Lsn{15}, false), Verdict::kGoOn);
  EXPECT_EQ((*decoded)[0].conditions.judge(Lsn{16}, false), Verdict::kFailed);
  EXPECT_EQ((*decoded)[0].conditions.judge(kNoLsn, false), Verdict::kFailed);
  EXPECT_EQ((*decoded)[1].conditions.judge(kNoLsn, false), Verdict::kGoOn);
  EXPECT_EQ((*decoded)[1].conditions.judge(Lsn{1}, false), Verdict::kFailed);
  EXPECT_TRUE((*decoded)[2].conditions.empty());
}

TEST(ProtobufBatch, checks_what_claims_to_be_json) {
  v1::BatchOperation operation;
  operation.mutable_set()->set_content_type("application/json");
  operation.mutable_set()->set_value("{\"a\": 1}");
  EXPECT_EQ(verdict(operation), "taken");
  operation.mutable_set()->set_value("{\"a\": }");
  EXPECT_EQ(verdict(operation), "invalid_json");
  operation.mutable_set()->set_content_type("text/html");
  EXPECT_EQ(verdict(operation), "invalid_protobuf");
}

TEST(ProtobufBatch, is_refused_when_it_says_nothing_sensible) {
  v1::BatchOperation operation;
  EXPECT_EQ(verdict(operation), "invalid_protobuf") << "no action";
  operation.mutable_expire();
  for (const std::int64_t ttl : {std::int64_t{0}, std::int64_t{-1}, std::numeric_limits<std::int64_t>::max()}) {
    operation.mutable_expiry()->set_ttl_ms(ttl);
    EXPECT_EQ(verdict(operation), "invalid_protobuf") << ttl;
  }
  operation.mutable_expiry()->set_at_ms(-5);
  EXPECT_EQ(verdict(operation), "invalid_protobuf");
  operation.mutable_expiry()->set_at_ms(5);
  operation.mutable_expiry()->set_sliding(true);
  EXPECT_EQ(verdict(operation), "invalid_protobuf") << "sliding needs a span";
  operation.clear_expiry();
  operation.mutable_precondition()->set_exists(true);
  operation.mutable_precondition()->add_versions(1);
  EXPECT_EQ(verdict(operation), "invalid_protobuf");
  operation.clear_precondition();
  operation.mutable_increment()->set_by_float(std::numeric_limits<double>::infinity());
  EXPECT_EQ(verdict(operation), "invalid_protobuf");
}

TEST(ProtobufBatch, names_the_operation_that_is_wrong) {
  v1::Batch batch;
  batch.add_operations()->mutable_get();
  batch.add_operations();
  const auto decoded = decode(batch.SerializeAsString(), 100);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().members, ",\"index\":1");
  EXPECT_EQ(decoded.error().status, 400);
}

TEST(ProtobufBatch, survives_bytes_that_are_no_message) {
  v1::Batch batch;
  for (int i = 0; i < 20; ++i) {
    auto* operation = batch.add_operations();
    operation->set_key("key" + std::to_string(i));
    operation->mutable_set()->set_value(std::string(50, 'v'));
    operation->mutable_precondition()->add_versions(7);
  }
  const std::string whole = batch.SerializeAsString();
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    const auto decoded = decode(std::string_view(whole).substr(0, cut), 100);
    ASSERT_TRUE(decoded || cut != whole.size());
    if (decoded) {
      EXPECT_LE(decoded->size(), 20u);
    }
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string broken = whole;
    broken[at] = static_cast<char>(broken[at] ^ 0xff);
    const auto decoded = decode(broken, 100);
    EXPECT_TRUE(decoded || decoded.error().status == 400);
  }
  EXPECT_EQ(decode("{\"operations\": []}", 100).error().code, "invalid_protobuf");
  EXPECT_TRUE(decode("", 100)->empty()) << "an empty message is an empty batch";
}

TEST(ProtobufBatch, is_not_made_when_it_is_too_long) {
  v1::Batch batch;
  for (int i = 0; i < 101; ++i) batch.add_operations()->mutable_check();
  EXPECT_EQ(decode(batch.SerializeAsString(), 100).error().detail, "a batch may have 100 operations");
  EXPECT_EQ(decode(batch.SerializeAsString(), 101)->size(), 101u);
  // Fields of a later version are passed over, before and behind.
  const std::string later = std::string(
      "\x78\x05\x7d"
      "abcd\x79"
      "abcdefgh\x7a\x02zz",
      20);
  batch.Clear();
  batch.add_operations()->mutable_check();
  EXPECT_EQ(decode(later + batch.SerializeAsString() + later, 1)->size(), 1u);
  v1::BatchOperation operation;
  operation.mutable_check();
  for (int i = 0; i < 101; ++i) operation.mutable_precondition()->add_versions(7);
  EXPECT_EQ(verdict(operation), "invalid_protobuf");
}

TEST(ProtobufResults, tell_what_became_of_each_operation) {
  std::vector<Operation> operations(4);
  operations[2].kind = Kind::kAppend;
  std::vector<OperationResult> results(4);
  using Status = OperationResult::Status;
  results[0] = {
      .status = Status::kFound, .version = Lsn{12}, .value = std::string("{}"), .json = true, .expiry = {UnixMs{99}}};
  results[1] = {.status = Status::kAbsent};
  results[2] = {.status = Status::kCreated, .changed = true, .version = Lsn{40}, .length = 0};
  results[3] = {.status = Status::kReplaced, .changed = true, .version = Lsn{40}};
  v1::BatchResult message;
  ASSERT_TRUE(message.ParseFromString(encode_results(operations, results)));
  ASSERT_EQ(message.results_size(), 4);
  EXPECT_EQ(message.results(0).status(), v1::BatchOperationResult::STATUS_FOUND);
  EXPECT_EQ(message.results(0).version(), 12u);
  EXPECT_EQ(message.results(0).value(), "{}");
  EXPECT_EQ(message.results(0).content_type(), "application/json");
  EXPECT_EQ(message.results(0).expires_at_ms(), 99);
  EXPECT_FALSE(message.results(1).has_version());
  EXPECT_FALSE(message.results(1).has_value());
  EXPECT_TRUE(message.results(2).has_length()) << "a length of zero is said";
  EXPECT_FALSE(message.results(3).has_length());
  EXPECT_FALSE(message.results(3).has_expires_at_ms());
}

TEST(ProtobufListing, has_the_keys_of_a_page_and_where_to_go_on) {
  Listing listing;
  listing.entries.push_back({.key = std::string("\0\xff", 2), .version = Lsn{7}, .expiry = {UnixMs{50}}, .size = 3});
  listing.entries.push_back({.key = "b", .version = Lsn{8}, .json = true, .size = 4, .value = std::string("null")});
  listing.cursor = 1234;
  v1::ListResponse message;
  ASSERT_TRUE(message.ParseFromString(encode_listing(listing)));
  ASSERT_EQ(message.entries_size(), 2);
  EXPECT_EQ(message.entries(0).key(), std::string("\0\xff", 2));
  EXPECT_EQ(message.entries(0).type(), "string");
  EXPECT_EQ(message.entries(0).expires_at_ms(), 50);
  EXPECT_FALSE(message.entries(0).has_value());
  EXPECT_EQ(message.entries(0).size(), 3u);
  EXPECT_EQ(message.entries(1).value(), "null");
  EXPECT_EQ(message.entries(1).content_type(), "application/json");
  EXPECT_FALSE(message.entries(1).has_expires_at_ms());
  EXPECT_EQ(message.cursor(), "1234");
  listing.cursor = 0;
  ASSERT_TRUE(message.ParseFromString(encode_listing(listing)));
  EXPECT_EQ(message.cursor(), "");
}

}  // namespace
}  // namespace stave::http
