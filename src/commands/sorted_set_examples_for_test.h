// Calls of the commands of sorted sets, for examples_for_test.h.
#pragma once

#include <vector>

namespace stave::commands {

/// `Example`: that of examples_for_test.h, which includes this.
template <class Example>
std::vector<Example> sorted_set_examples() {
  return {
      {"bzmpop", {{"BZMPOP", "0", "2", "none", "k", "MIN"}, {"BZMPOP", "0.1", "1", "k", "MAX", "COUNT", "2"}}},
      {"bzpopmax", {{"BZPOPMAX", "k", "k2", "0"}}},
      {"bzpopmin", {{"BZPOPMIN", "none", "k", "0"}, {"BZPOPMIN", "k", "soon"}}},
      {"zadd",
       {{"ZADD", "k", "1", "a"},
        {"ZADD", "k", "1", "a", "2.5", "b"},
        {"ZADD", "k3", "-inf", "x", "0", "1"},
        {"ZADD", "k", "NX", "3", "a"},
        {"ZADD", "k", "XX", "GT", "CH", "4", "a"},
        {"ZADD", "k", "INCR", "1", "b"},
        {"ZADD", "k", "x", "b"}}},
      {"zcard", {{"ZCARD", "k"}}},
      {"zcount", {{"ZCOUNT", "k", "-inf", "(2"}}},
      {"zdiff", {{"ZDIFF", "2", "k", "k2", "WITHSCORES"}}},
      {"zdiffstore", {{"ZDIFFSTORE", "k3", "2", "k", "k2"}}},
      {"zincrby", {{"ZINCRBY", "k", "0.5", "a"}}},
      {"zinter", {{"ZINTER", "2", "k", "k3", "AGGREGATE", "MAX"}}},
      {"zintercard", {{"ZINTERCARD", "2", "k", "k3", "LIMIT", "1"}}},
      {"zinterstore", {{"ZINTERSTORE", "k2", "2", "k", "k3", "WEIGHTS", "2", "-1"}}},
      {"zlexcount", {{"ZLEXCOUNT", "k", "-", "[b"}}},
      {"zmpop", {{"ZMPOP", "2", "k", "k3", "MIN"}, {"ZMPOP", "1", "k", "MAX", "COUNT", "2"}}},
      {"zmscore", {{"ZMSCORE", "k", "a", "none"}}},
      {"zpopmax", {{"ZPOPMAX", "k"}, {"ZPOPMAX", "k", "2"}}},
      {"zpopmin", {{"ZPOPMIN", "k"}, {"ZPOPMIN", "k", "0"}}},
      // All of them: whatever is left to chance could not be compared.
      {"zrandmember", {{"ZRANDMEMBER", "k", "1000", "WITHSCORES"}, {"ZRANDMEMBER", "k", "0"}}},
      {"zrange",
       {{"ZRANGE", "k", "0", "-1", "WITHSCORES"},
        {"ZRANGE", "k", "(1", "+inf", "BYSCORE", "LIMIT", "0", "1"},
        {"ZRANGE", "k", "+", "-", "BYLEX", "REV"}}},
      {"zrangebylex", {{"ZRANGEBYLEX", "k", "[a", "+"}}},
      {"zrangebyscore", {{"ZRANGEBYSCORE", "k", "0", "2"}}},
      {"zrangestore", {{"ZRANGESTORE", "k2", "k", "0", "1"}, {"ZRANGESTORE", "k", "k", "5", "9", "BYSCORE"}}},
      {"zrank", {{"ZRANK", "k", "a"}, {"ZRANK", "k", "b", "WITHSCORE"}}},
      {"zrem", {{"ZREM", "k", "a"}, {"ZREM", "k", "none", "b"}}},
      {"zremrangebylex", {{"ZREMRANGEBYLEX", "k", "[b", "[c"}}},
      {"zremrangebyrank", {{"ZREMRANGEBYRANK", "k", "0", "0"}}},
      {"zremrangebyscore", {{"ZREMRANGEBYSCORE", "k", "2", "(4"}}},
      {"zrevrange", {{"ZREVRANGE", "k", "0", "0", "WITHSCORES"}}},
      {"zrevrangebylex", {{"ZREVRANGEBYLEX", "k", "+", "-"}}},
      {"zrevrangebyscore", {{"ZREVRANGEBYSCORE", "k", "+inf", "-inf"}}},
      {"zrevrank", {{"ZREVRANK", "k", "a"}}},
      {"zscan", {{"ZSCAN", "k", "0"}, {"ZSCAN", "k", "0", "MATCH", "a*", "COUNT", "100"}}},
      {"zscore", {{"ZSCORE", "k", "a"}}},
      {"zunion", {{"ZUNION", "2", "k", "k3", "WITHSCORES"}}},
      {"zunionstore", {{"ZUNIONSTORE", "k2", "2", "k", "k3", "AGGREGATE", "COUNT"}}},
  };
}

}  // namespace stave::commands
