// Calls of the commands of sets, for examples_for_test.h.
#pragma once

#include <vector>

namespace stave::commands {

/// `Example`: that of examples_for_test.h, which includes this.
template <class Example>
std::vector<Example> set_examples() {
  return {
      {"sadd", {{"SADD", "k", "m"}, {"SADD", "k", "a", "7", "m"}, {"SADD", "k2", "7", "b"}}},
      {"scard", {{"SCARD", "k"}}},
      {"sdiff", {{"SDIFF", "k", "k2"}, {"SDIFF", "k2", "k", "k3"}}},
      {"sdiffcard", {{"SDIFFCARD", "2", "k", "k2"}, {"SDIFFCARD", "1", "k", "LIMIT", "1"}}},
      {"sdiffstore", {{"SDIFFSTORE", "k", "k2", "k3"}, {"SDIFFSTORE", "k", "k", "k2"}}},
      {"sinter", {{"SINTER", "k", "k2"}, {"SINTER", "k"}}},
      {"sintercard", {{"SINTERCARD", "2", "k", "k2"}, {"SINTERCARD", "1", "k", "LIMIT", "1"}}},
      {"sinterstore", {{"SINTERSTORE", "k", "k", "k2"}, {"SINTERSTORE", "k3", "k2"}}},
      {"sismember", {{"SISMEMBER", "k", "m"}, {"SISMEMBER", "k", "7"}}},
      {"smembers", {{"SMEMBERS", "k"}}},
      {"smismember", {{"SMISMEMBER", "k", "m", "7"}}},
      {"smove", {{"SMOVE", "k", "k2", "m"}, {"SMOVE", "k2", "k", "7"}, {"SMOVE", "k", "k", "m"}}},
      {"spop", {{"SPOP", "k"}, {"SPOP", "k", "0"}, {"SPOP", "k", "100"}}},
      {"srandmember", {{"SRANDMEMBER", "k"}, {"SRANDMEMBER", "k", "100"}, {"SRANDMEMBER", "k", "-3"}}},
      {"srem", {{"SREM", "k", "m"}, {"SREM", "k", "a", "7"}}},
      {"sscan", {{"SSCAN", "k", "0"}, {"SSCAN", "k", "0", "MATCH", "m*", "COUNT", "5"}}},
      {"sunion", {{"SUNION", "k", "k2"}}},
      {"sunioncard", {{"SUNIONCARD", "2", "k", "k2"}, {"SUNIONCARD", "2", "k", "k2", "LIMIT", "2"}}},
      {"sunionstore", {{"SUNIONSTORE", "k", "k2", "k3"}, {"SUNIONSTORE", "k2", "k", "k2"}}},
  };
}

}  // namespace stave::commands
