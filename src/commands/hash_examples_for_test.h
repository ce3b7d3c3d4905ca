// Calls of the rows that are about hashes, for examples_for_test.h.
#pragma once

#include <vector>

namespace stave::commands {

template <class Example>
std::vector<Example> hash_examples() {
  return {
      {"hdel", {{"HDEL", "k", "f"}, {"HDEL", "k", "f", "n", "none"}}},
      {"hexists", {{"HEXISTS", "k", "f"}}},
      {"hexpire",
       {{"HEXPIRE", "k", "100", "FIELDS", "1", "f"},
        {"HEXPIRE", "k", "100", "NX", "FIELDS", "2", "f", "none"},
        {"HEXPIRE", "k", "0", "FIELDS", "2", "f", "n"}}},
      {"hexpireat", {{"HEXPIREAT", "k", "9999999999", "LT", "FIELDS", "1", "f"}}},
      {"hexpiretime", {{"HEXPIRETIME", "k", "FIELDS", "1", "f"}}},
      {"hget", {{"HGET", "k", "f"}, {"HGET", "k", "none"}}},
      {"hgetall", {{"HGETALL", "k"}}},
      {"hgetdel", {{"HGETDEL", "k", "FIELDS", "2", "f", "none"}}},
      {"hgetex",
       {{"HGETEX", "k", "FIELDS", "1", "f"},
        {"HGETEX", "k", "PX", "20", "FIELDS", "1", "f"},
        {"HGETEX", "k", "PERSIST", "FIELDS", "2", "f", "n"}}},
      {"hincrby", {{"HINCRBY", "k", "n", "5"}, {"HINCRBY", "k", "f", "1"}}},
      {"hincrbyfloat", {{"HINCRBYFLOAT", "k", "n", "0.5"}}},
      {"hkeys", {{"HKEYS", "k"}}},
      {"hlen", {{"HLEN", "k"}}},
      {"hmget", {{"HMGET", "k", "f", "none"}}},
      {"hmset", {{"HMSET", "k", "f", "w", "n", "8"}}},
      {"hpersist", {{"HPERSIST", "k", "FIELDS", "2", "f", "n"}}},
      {"hpexpire", {{"HPEXPIRE", "k", "10", "FIELDS", "2", "f", "n"}, {"HPEXPIRE", "k", "10", "FIELDS", "1", "f"}}},
      {"hpexpireat", {{"HPEXPIREAT", "k", "9999999999999", "XX", "FIELDS", "1", "f"}}},
      {"hpexpiretime", {{"HPEXPIRETIME", "k", "FIELDS", "1", "f"}}},
      {"hpttl", {{"HPTTL", "k", "FIELDS", "2", "f", "none"}}},
      {"hrandfield", {{"HRANDFIELD", "k"}, {"HRANDFIELD", "k", "1"}, {"HRANDFIELD", "k", "-2", "WITHVALUES"}}},
      {"hscan", {{"HSCAN", "k", "0"}, {"HSCAN", "k", "0", "MATCH", "f*", "COUNT", "5", "NOVALUES"}}},
      {"hset", {{"HSET", "k", "f", "v", "n", "7"}, {"HSET", "k", "new", "x"}, {"HSET", "k2", "f", "v"}}},
      {"hsetex",
       {{"HSETEX", "k", "PX", "20", "FIELDS", "1", "f", "v"},
        {"HSETEX", "k", "FNX", "KEEPTTL", "FIELDS", "2", "n", "1", "new", "2"},
        {"HSETEX", "k", "FXX", "PXAT", "1", "FIELDS", "1", "f", "x"}}},
      {"hsetnx", {{"HSETNX", "k", "f", "v"}}},
      {"hstrlen", {{"HSTRLEN", "k", "f"}}},
      {"httl", {{"HTTL", "k", "FIELDS", "1", "f"}}},
      {"hvals", {{"HVALS", "k"}}},
  };
}

}  // namespace stave::commands
