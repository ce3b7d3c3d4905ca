// Calls of the list commands and of SORT, for examples_for_test.h.
#pragma once

#include <vector>

namespace stave::commands {

/// `Example`: that of examples_for_test.h, which includes this.
template <class Example>
std::vector<Example> list_examples() {
  return {
      {"blmove", {{"BLMOVE", "k", "k2", "LEFT", "RIGHT", "0"}, {"BLMOVE", "none", "k", "LEFT", "LEFT", "1"}}},
      {"blmpop", {{"BLMPOP", "0", "2", "none", "k", "LEFT"}, {"BLMPOP", "0.1", "1", "k", "RIGHT", "COUNT", "2"}}},
      {"blpop", {{"BLPOP", "none", "k", "0"}, {"BLPOP", "k", "-1"}}},
      {"brpop", {{"BRPOP", "k", "k2", "0.5"}}},
      {"brpoplpush", {{"BRPOPLPUSH", "k", "k2", "0"}, {"BRPOPLPUSH", "k", "k", "0"}}},
      {"lindex", {{"LINDEX", "k", "0"}, {"LINDEX", "k", "-1"}}},
      {"linsert", {{"LINSERT", "k", "BEFORE", "b", "x"}, {"LINSERT", "k", "AFTER", "a", "x"}}},
      {"llen", {{"LLEN", "k"}}},
      {"lmove", {{"LMOVE", "k", "k2", "LEFT", "RIGHT"}, {"LMOVE", "k", "k", "RIGHT", "LEFT"}}},
      {"lmovem",
       {{"LMOVEM", "k", "k2", "LEFT", "LEFT"},
        {"LMOVEM", "k", "k2", "LEFT", "RIGHT", "COUNT", "2", "OBO"},
        {"LMOVEM", "k", "k", "RIGHT", "LEFT", "EXACTLY", "2", "BULK"}}},
      {"lmpop", {{"LMPOP", "2", "k", "k2", "LEFT"}, {"LMPOP", "1", "k", "RIGHT", "COUNT", "2"}}},
      {"lpop", {{"LPOP", "k"}, {"LPOP", "k", "2"}}},
      {"lpos", {{"LPOS", "k", "a"}, {"LPOS", "k", "a", "RANK", "-1", "COUNT", "0"}}},
      {"lpush", {{"LPUSH", "k", "a", "b"}, {"LPUSH", "k", "c"}}},
      {"lpushx", {{"LPUSHX", "k", "x"}}},
      {"lrange", {{"LRANGE", "k", "0", "-1"}}},
      {"lrem", {{"LREM", "k", "0", "a"}}},
      {"lset", {{"LSET", "k", "0", "x"}}},
      {"ltrim", {{"LTRIM", "k", "1", "-1"}}},
      {"rpop", {{"RPOP", "k"}, {"RPOP", "k", "2"}}},
      {"rpoplpush", {{"RPOPLPUSH", "k", "k2"}, {"RPOPLPUSH", "k", "k"}}},
      {"rpush", {{"RPUSH", "k", "a", "b"}, {"RPUSH", "k2", "c", "3"}}},
      {"rpushx", {{"RPUSHX", "k", "x"}}},
      {"sort", {{"SORT", "k", "ALPHA"}, {"SORT", "k", "BY", "*", "GET", "#", "GET", "*", "STORE", "k2"}}},
      {"sort_ro", {{"SORT_RO", "k", "DESC", "LIMIT", "0", "2"}, {"SORT_RO", "k", "BY", "nosort", "GET", "k*"}}},
  };
}

}  // namespace stave::commands
