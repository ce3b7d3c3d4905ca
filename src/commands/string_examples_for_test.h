// Calls of the string commands that came after the first release, for examples_for_test.h.
#pragma once

#include <vector>

namespace stave::commands {

/// `Example`: that of examples_for_test.h, which includes this.
template <class Example>
std::vector<Example> later_string_examples() {
  // Of "abc".
  const char* const digest = "78af5f94892f3950";
  return {
      {"delex",
       {{"DELEX", "k"},
        {"DELEX", "k", "IFEQ", "abc"},
        {"DELEX", "k", "IFNE", "abc"},
        {"DELEX", "k", "IFDEQ", digest},
        {"DELEX", "k", "IFDNE", digest},
        {"DELEX", "k", "IFDEQ", "abc"}}},
      {"delifeq", {{"DELIFEQ", "k", "abc"}, {"DELIFEQ", "k", "41"}}},
      {"digest", {{"DIGEST", "k"}}},
      {"increx",
       {{"INCREX", "k"},
        {"INCREX", "k", "BYINT", "9223372036854775807", "EX", "100", "ENX"},
        {"INCREX", "k", "BYINT", "7", "UBOUND", "45", "SATURATE", "PERSIST"},
        {"INCREX", "k", "BYFLOAT", "0.5", "LBOUND", "100"},
        {"INCREX", "k", "PXAT", "1"}}},
      {"msetex",
       {{"MSETEX", "2", "k", "1", "k3", "3", "EX", "100"},
        {"MSETEX", "2", "k", "1", "k2", "2", "NX"},
        {"MSETEX", "2", "k", "1", "k2", "2", "XX", "KEEPTTL"},
        {"MSETEX", "1", "k", "1", "PXAT", "1"}}},
      {"set",
       {{"SET", "k", "v", "IFNE", "abc"},
        {"SET", "k", "v", "IFDEQ", digest},
        {"SET", "k", "v", "IFDNE", digest, "GET"}}},
  };
}

}  // namespace stave::commands
