// Calls of the commands of bitmaps, for examples_for_test.h.
#pragma once

#include <vector>

namespace stave::commands {

/// `Example`: that of examples_for_test.h, which includes this.
template <class Example>
std::vector<Example> bit_examples() {
  return {
      {"bitcount", {{"BITCOUNT", "k"}, {"BITCOUNT", "k", "1", "-1"}, {"BITCOUNT", "k", "3", "9", "BIT"}}},
      {"bitfield",
       {{"BITFIELD", "k", "GET", "u8", "0", "SET", "i5", "3", "-7", "OVERFLOW", "FAIL", "INCRBY", "u4", "#2", "15"},
        {"BITFIELD", "k3", "INCRBY", "u8", "100", "1"},
        {"BITFIELD", "k", "INCRBY", "u8", "100000", "1"},
        {"BITFIELD", "k", "GET", "u64", "0"}}},
      {"bitfield_ro", {{"BITFIELD_RO", "k", "GET", "i16", "4"}, {"BITFIELD_RO", "k", "SET", "i16", "4", "1"}}},
      {"bitop",
       {{"BITOP", "XOR", "k3", "k", "k2"}, {"BITOP", "NOT", "k", "k"}, {"BITOP", "DIFF", "k2", "k", "k2", "k3"}}},
      {"bitpos", {{"BITPOS", "k", "1"}, {"BITPOS", "k", "0", "0", "-1"}, {"BITPOS", "k", "1", "2", "9", "BIT"}}},
      {"getbit", {{"GETBIT", "k", "3"}}},
      {"setbit",
       {{"SETBIT", "k", "3", "1"},
        {"SETBIT", "k3", "100", "1"},
        {"SETBIT", "k", "100000", "1"},
        {"SETBIT", "k", "x", "1"}}},
  };
}

}  // namespace stave::commands
