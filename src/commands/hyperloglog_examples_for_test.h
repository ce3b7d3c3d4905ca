// Calls of the commands of HyperLogLogs, for examples_for_test.h.
#pragma once

#include <vector>

namespace stave::commands {

/// `Example`: that of examples_for_test.h, which includes this.
template <class Example>
std::vector<Example> hyperloglog_examples() {
  return {
      {"pfadd", {{"PFADD", "k", "a", "b"}, {"PFADD", "k3"}, {"PFADD", "k3", "a"}}},
      {"pfcount", {{"PFCOUNT", "k"}, {"PFCOUNT", "k", "k2", "k3"}}},
      {"pfdebug", {{"PFDEBUG", "ENCODING", "k"}, {"PFDEBUG", "TODENSE", "k"}, {"PFDEBUG", "DECODE", "k3"}}},
      {"pfmerge", {{"PFMERGE", "k", "k2"}, {"PFMERGE", "k3", "k2"}, {"PFMERGE", "k3"}}},
      {"pfselftest", {{"PFSELFTEST"}}},
  };
}

}  // namespace stave::commands
