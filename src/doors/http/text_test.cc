// The small parsers: percent-encoding, queries, tags, ranges, times, base64, JSON, media types.
#include <gtest/gtest.h>

#include "base/random.h"
#include "doors/http/conditions.h"
#include "doors/http/gzip.h"
#include "doors/http/json_text.h"
#include "doors/http/percent.h"
#include "doors/http/request.h"
#include "doors/http/times.h"

namespace stave::http {
namespace {

using Verdict = Preconditions::Verdict;

TEST(Percent, decodes_any_bytes_and_refuses_broken_escapes) {
  EXPECT_EQ(percent_decode("a%2Fb%00%ff+"), std::string("a/b\0\xff+", 6));
  EXPECT_EQ(percent_decode("a+b%2B", true), "a b+");
  for (const auto* broken : {"%", "%2", "%zz", "a%", "%%41", "%-1"}) EXPECT_FALSE(percent_decode(broken)) << broken;
}

TEST(Percent, takes_back_what_it_encoded) {
  base::Random random(7);
  for (int i = 0; i < 200; ++i) {
    std::string bytes(random.below(40), '\0');
    random.fill(std::as_writable_bytes(std::span(bytes.data(), bytes.size())));
    EXPECT_EQ(percent_decode(percent_encode(bytes)), bytes);
  }
}

TEST(Query, keeps_names_values_and_order) {
  const auto query = Query::parse("a=1&b=&c&&d=x%3Dy+z");
  ASSERT_TRUE(query);
  ASSERT_EQ(query->all().size(), 4u);
  EXPECT_EQ(*query->find("a"), "1");
  EXPECT_EQ(*query->find("b"), "");
  EXPECT_EQ(*query->find("c"), "");
  EXPECT_EQ(*query->find("d"), "x=y z");
  EXPECT_EQ(query->find("e"), nullptr);
  EXPECT_FALSE(Query::parse("a=1&a=2"));
  EXPECT_FALSE(Query::parse("a=%"));
}

TEST(Tags, are_compared_strongly_and_weakly) {
  const auto list = TagList::parse("\"1\", W/\"2\",\"3-gzip\"");
  ASSERT_TRUE(list);
  EXPECT_TRUE(list->matches_strongly(Lsn{1}));
  EXPECT_FALSE(list->matches_strongly(Lsn{2}));
  EXPECT_TRUE(list->matches_weakly(Lsn{2}));
  EXPECT_TRUE(list->matches_strongly(Lsn{3}));
  EXPECT_FALSE(list->matches_weakly(Lsn{4}));
  EXPECT_TRUE(TagList::parse(" * ")->matches_strongly(Lsn{9}));
  EXPECT_FALSE(TagList::parse("*")->matches_weakly(kNoLsn));
  for (const auto* broken : {"", "1", "\"1", "\"1\" \"2\"", "*, \"1\"", "w/\"1\"", "\"a b\"", ","}) {
    const auto parsed = TagList::parse(broken);
    EXPECT_FALSE(parsed) << broken;
  }
}

TEST(Preconditions, judge_a_version) {
  const auto judge = [](std::string_view match, std::string_view none, Lsn version, bool reading) {
    return Preconditions::parse(match, none)->judge(version, reading);
  };
  EXPECT_EQ(judge("", "", kNoLsn, false), Verdict::kGoOn);
  EXPECT_EQ(judge("*", "", kNoLsn, false), Verdict::kFailed);
  EXPECT_EQ(judge("\"5\"", "", Lsn{5}, false), Verdict::kGoOn);
  EXPECT_EQ(judge("\"5\"", "", Lsn{6}, false), Verdict::kFailed);
  EXPECT_EQ(judge("", "*", Lsn{6}, false), Verdict::kFailed);
  EXPECT_EQ(judge("", "*", kNoLsn, false), Verdict::kGoOn);
  EXPECT_EQ(judge("", "\"6\"", Lsn{6}, true), Verdict::kNotModified);
  EXPECT_EQ(judge("\"6\"", "\"6\"", Lsn{6}, true), Verdict::kNotModified);
  EXPECT_FALSE(Preconditions::parse("6", ""));
}

TEST(Range, is_one_part_the_whole_or_nothing) {
  ByteRange range;
  const auto part = [&](std::string_view header, std::uint64_t size) {
    range = {};
    return parse_range(header, size, range);
  };
  EXPECT_EQ(part("bytes=0-4", 10), RangeKind::kPart);
  EXPECT_EQ(range.end, 5u);
  EXPECT_EQ(part("bytes=7-", 10), RangeKind::kPart);
  EXPECT_EQ(range.begin, 7u);
  EXPECT_EQ(range.end, 10u);
  EXPECT_EQ(part("bytes=-3", 10), RangeKind::kPart);
  EXPECT_EQ(range.begin, 7u);
  EXPECT_EQ(part("bytes=-30", 10), RangeKind::kPart);
  EXPECT_EQ(range.begin, 0u);
  EXPECT_EQ(part("bytes=2-18446744073709551615", 10), RangeKind::kPart);
  EXPECT_EQ(range.end, 10u);
  for (const auto* whole : {"", "bytes", "bytes=", "bytes=-", "bytes=3-2", "bytes=a-b", "bytes=1-2,4-5", "lines=1-2",
                            "bytes=99999999999999999999-", "bytes=1-99999999999999999999"})
    EXPECT_EQ(part(whole, 10), RangeKind::kWhole) << whole;
  EXPECT_EQ(part("bytes=10-", 10), RangeKind::kUnsatisfiable);
  EXPECT_EQ(part("bytes=-0", 10), RangeKind::kUnsatisfiable);
  EXPECT_EQ(part("bytes=0-", 0), RangeKind::kUnsatisfiable);
  EXPECT_EQ(part("bytes=-1", 0), RangeKind::kUnsatisfiable);
}

TEST(Times, are_written_and_read) {
  EXPECT_EQ(http_date(UnixMs{784111777000}), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(rfc3339(UnixMs{784111777250}), "1994-11-06T08:49:37.250Z");
  EXPECT_EQ(parse_moment("1994-11-06T08:49:37.25Z"), UnixMs{784111777250});
  EXPECT_EQ(parse_moment("784111777.25"), UnixMs{784111777250});
  EXPECT_EQ(parse_moment("784111777"), UnixMs{784111777000});
  EXPECT_EQ(parse_moment("1705314600250"), UnixMs{1'705'314'600'250}) << "milliseconds, as elsewhere";
  for (const auto* broken : {"", "x", "-5", "1.", "1.2345", "1994-02-30T00:00:00Z", "1994-11-06",
                             "1994-11-06T24:00:00Z", "1994-11-06T08:49:37", "99999999999999999999"})
    EXPECT_FALSE(parse_moment(broken)) << broken;
  EXPECT_EQ(parse_span_ms("500ms"), 500);
  EXPECT_EQ(parse_span_ms("60"), 60'000);
  EXPECT_EQ(parse_span_ms("7d"), 7 * 86'400'000);
  for (const auto* broken : {"", "0", "-1s", "1y", "s", "9223372036854775807d", "1 s"})
    EXPECT_FALSE(parse_span_ms(broken)) << broken;
}

TEST(Base64, takes_back_what_it_wrote_and_nothing_else) {
  base::Random random(11);
  for (std::size_t size = 0; size < 50; ++size) {
    std::string bytes(size, '\0');
    random.fill(std::as_writable_bytes(std::span(bytes.data(), bytes.size())));
    std::string text;
    append_base64(text, bytes);
    EXPECT_EQ(from_base64(text), bytes);
  }
  for (const auto* broken : {"a", "ab", "abc", "ab=c", "a===", "====", "ab==cd==", "YR==", "YQ=\n"})
    EXPECT_FALSE(from_base64(broken)) << broken;
}

TEST(JsonText, escapes_what_must_be_and_replaces_what_is_no_text) {
  EXPECT_EQ(json_string("a\"\\\n\x01é"), "\"a\\\"\\\\\\n\\u0001é\"");
  EXPECT_EQ(json_string("\xff\xc0\x80\xed\xa0\x80é"), R"("\\xff\\xc0\\x80\\xed\\xa0\\x80é")");
  EXPECT_TRUE(is_utf8("é€𝄞"));
  EXPECT_FALSE(is_utf8("\xf4\x90\x80\x80"));
}

TEST(JsonText, is_checked_however_it_is_cut) {
  for (const auto* good : {"1", "\"x\"", "[1,{\"a\":null}]", " {} ", "-1.5e3"}) EXPECT_TRUE(is_json(good)) << good;
  for (const auto* bad : {"", " ", "{", "[1,]", "01", "1 2", "nul", "\"\xff\"", "{\"a\"}", "'a'", "[1]x"}) {
    EXPECT_FALSE(is_json(bad)) << bad;
    JsonChecker checker;
    for (const char c : std::string_view(bad)) checker.add({&c, 1});
    EXPECT_FALSE(checker.finish()) << bad;
  }
  JsonChecker checker;
  for (const char c : std::string_view("{\"key\": [true, \"\\u00e9\", 12.5]}")) EXPECT_TRUE(checker.add({&c, 1}));
  EXPECT_TRUE(checker.finish());
  EXPECT_FALSE(is_json(std::string(1000, '[') + std::string(1000, ']')));
}

TEST(MediaTypes, are_compared_without_case_and_parameters) {
  EXPECT_EQ(media_type(" Application/JSON ; charset=utf-8"), "application/json");
  EXPECT_TRUE(accepts("text/html, application/x-ndjson;q=0.9", "application/x-ndjson"));
  EXPECT_FALSE(accepts("gzip;q=0, br", "gzip"));
  EXPECT_FALSE(accepts("gzip; q=0.000", "gzip"));
  EXPECT_FALSE(accepts("*/*", "application/x-ndjson"));
}

TEST(Gzip, gives_up_when_it_would_not_be_smaller) {
  EXPECT_LT(gzip(std::string(10'000, 'a')).size(), 200u);
  EXPECT_EQ(gzip("abc"), "");
}

}  // namespace
}  // namespace stave::http
