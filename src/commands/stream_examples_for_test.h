// Calls of the commands of streams, for examples_for_test.h.
#pragma once

#include <vector>

namespace stave::commands {

/// `Example`: that of examples_for_test.h, which includes this.
template <class Example>
std::vector<Example> stream_examples() {
  return {
      {"xack", {{"XACK", "k", "g", "1-1", "2-0"}}},
      {"xackdel", {{"XACKDEL", "k", "g", "DELREF", "IDS", "2", "1-1", "2-0"}}},
      {"xadd",
       {{"XADD", "k", "1-1", "f", "v"},
        {"XADD", "k", "2-*", "f", "v", "g", "7"},
        {"XADD", "k2", "3-0", "n", "1"},
        {"XADD", "k", "MAXLEN", "1", "5", "f", "v"},
        {"XADD", "k", "NOMKSTREAM", "MINID", "~", "2", "LIMIT", "10", "9-9", "f", "v"}}},
      {"xautoclaim", {{"XAUTOCLAIM", "k", "g", "d", "0", "-", "COUNT", "5"}, {"XAUTOCLAIM", "k", "g", "d", "9", "2"}}},
      {"xclaim", {{"XCLAIM", "k", "g", "d", "0", "1-1", "FORCE"}, {"XCLAIM", "k", "g", "d", "0", "2", "JUSTID"}}},
      {"xdel", {{"XDEL", "k", "1-1", "3-0"}}},
      {"xdelex", {{"XDELEX", "k", "IDS", "1", "1-1"}, {"XDELEX", "k", "ACKED", "IDS", "2", "2-0", "3-0"}}},
      {"xgroup|create", {{"XGROUP", "CREATE", "k", "g", "0", "MKSTREAM"}, {"XGROUP", "CREATE", "k", "h", "$"}}},
      {"xgroup|createconsumer", {{"XGROUP", "CREATECONSUMER", "k", "g", "c"}}},
      {"xgroup|delconsumer", {{"XGROUP", "DELCONSUMER", "k", "g", "c"}}},
      {"xgroup|destroy", {{"XGROUP", "DESTROY", "k", "g"}}},
      {"xgroup|help", {{"XGROUP", "HELP"}}},
      {"xgroup|setid", {{"XGROUP", "SETID", "k", "g", "$", "ENTRIESREAD", "1"}}},
      {"xinfo|consumers", {{"XINFO", "CONSUMERS", "k", "g"}}},
      {"xinfo|groups", {{"XINFO", "GROUPS", "k"}}},
      {"xinfo|help", {{"XINFO", "HELP"}}},
      {"xinfo|stream", {{"XINFO", "STREAM", "k"}, {"XINFO", "STREAM", "k", "FULL", "COUNT", "2"}}},
      {"xcfgset", {{"XCFGSET", "k", "IDMP-DURATION", "10", "IDMP-MAXSIZE", "5"}, {"XCFGSET", "k"}}},
      {"xnack", {{"XNACK", "k", "g", "FAIL", "IDS", "1", "1-1"}, {"XNACK", "k", "g", "FAIL", "IDS", "2", "1-1"}}},
      {"xlen", {{"XLEN", "k"}}},
      {"xpending", {{"XPENDING", "k", "g"}, {"XPENDING", "k", "g", "IDLE", "0", "-", "+", "10", "c"}}},
      {"xrange", {{"XRANGE", "k", "-", "+"}, {"XRANGE", "k", "(1-1", "5", "COUNT", "2"}}},
      {"xread",
       {{"XREAD", "COUNT", "2", "STREAMS", "k", "0"}, {"XREAD", "BLOCK", "1", "STREAMS", "k", "k2", "$", "1-1"}}},
      {"xreadgroup",
       {{"XREADGROUP", "GROUP", "g", "c", "COUNT", "1", "STREAMS", "k", ">"},
        {"XREADGROUP", "GROUP", "g", "c", "STREAMS", "k", "0"},
        {"XREADGROUP", "GROUP", "g", "c", "NOACK", "STREAMS", "k", "k2", ">", ">"}}},
      {"xrevrange", {{"XREVRANGE", "k", "+", "-"}, {"XREVRANGE", "k", "5", "(1-1", "COUNT", "2"}}},
      {"xsetid", {{"XSETID", "k", "100-1", "ENTRIESADDED", "50", "MAXDELETEDID", "7-0"}}},
      {"xtrim", {{"XTRIM", "k", "MAXLEN", "1"}, {"XTRIM", "k", "MINID", "~", "2-0"}}},
  };
}

}  // namespace stave::commands
