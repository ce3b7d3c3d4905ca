#include "doors/http/json_sink.h"

#include <gtest/gtest.h>

#include <limits>
#include <utility>

#include "doors/http/json_text.h"

namespace stave::http {
namespace {

std::string text_of(Draft& draft) {
  while (!draft.write_some()) {
  }
  return draft.take();
}

TEST(JsonSink, writes_every_kind_of_answer) {
  Draft draft;
  JsonSink sink(draft);
  sink.array(7);
  sink.status("OK");
  sink.integer(-5);
  sink.bulk("a\"b");
  sink.null();
  sink.map(1);
  sink.bulk("k");
  sink.set(0);
  sink.real(1.5);
  sink.error("ERR inner");
  EXPECT_TRUE(sink.complete());
  const std::string out = text_of(draft);
  EXPECT_EQ(out, R"(["OK",-5,"a\"b",null,["k",[]],"1.5","ERR inner"])");
  EXPECT_TRUE(is_json(out));
  EXPECT_EQ(sink.error_line(), "");
}

TEST(JsonSink, writes_maps_and_sets_flat_and_doubles_as_strings) {
  Draft draft;
  JsonSink sink(draft);
  sink.array(4);
  sink.map(2);
  for (const auto* text : {"a", "1", "b", "2"}) sink.bulk(text);
  sink.set(2);
  sink.bulk("x");
  sink.bulk("\xff");
  sink.array(2);
  sink.bulk("member");
  sink.real(100000);
  sink.map(0);
  EXPECT_TRUE(sink.complete());
  EXPECT_EQ(text_of(draft), R"([["a","1","b","2"],["x",{"base64":"/w=="}],["member","100000"],[]])");
  for (const auto& [value, text] : {std::pair(0.1, "\"0.1\""), std::pair(-1e300, "\"-1e+300\""),
                                    std::pair(-std::numeric_limits<double>::infinity(), "\"-inf\"")}) {
    Draft one;
    JsonSink(one).real(value);
    EXPECT_EQ(text_of(one), text);
  }
}

TEST(JsonSink, keeps_an_error_that_is_the_whole_answer_apart) {
  Draft draft;
  JsonSink sink(draft);
  sink.error("ERR a\r\nb");
  EXPECT_EQ(text_of(draft), "");
  EXPECT_EQ(sink.error_line(), "ERR a  b");
  EXPECT_TRUE(sink.complete());
}

TEST(JsonSink, encodes_all_strings_but_the_status_ok_when_asked) {
  Draft draft({.base64 = true});
  JsonSink sink(draft);
  sink.array(3);
  sink.status("OK");
  sink.bulk("OK");
  sink.status("PONG");
  EXPECT_EQ(text_of(draft), R"(["OK","T0s=","UE9ORw=="])");
}

TEST(JsonSink, closes_nested_arrays_and_may_be_used_for_one_value_after_another) {
  Draft draft;
  JsonSink first(draft);
  first.array(2);
  first.array(1);
  first.array(1);
  first.integer(1);
  EXPECT_FALSE(first.complete());
  first.array(0);
  EXPECT_TRUE(first.complete());
  EXPECT_EQ(text_of(draft), "[[[1]],[]]");
}

}  // namespace
}  // namespace stave::http
