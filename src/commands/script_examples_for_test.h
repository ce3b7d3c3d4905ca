// Calls of scripts for the tests that run every row (examples_for_test.h).
#pragma once

#include <vector>

namespace stave::commands {

template <class Example>
std::vector<Example> script_examples() {
  return {
      {"eval",
       {{"EVAL", "return redis.call('GET', KEYS[1])", "1", "k"},
        {"EVAL", "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[2])", "2", "k", "k2", "v"},
        {"EVAL", "redis.call('DEL', KEYS[1]) return redis.call('INCR', 'k3') .. error('x')", "1", "k"},
        {"EVAL", "return redis.call('EXISTS', 'k', 'k2')", "0"}}},
      {"evalsha", {{"EVALSHA", "ffffffffffffffffffffffffffffffffffffffff", "1", "k"}}},
      {"evalsha_ro", {{"EVALSHA_RO", "ffffffffffffffffffffffffffffffffffffffff", "1", "k"}}},
      {"eval_ro", {{"EVAL_RO", "return redis.pcall('GET', KEYS[1])", "1", "k"}}},
      {"fcall", {{"FCALL", "f", "1", "k"}}},
      {"fcall_ro", {{"FCALL_RO", "f", "1", "k"}}},
  };
}

template <class Example>
std::vector<Example> other_script_examples() {
  return {
      {"function|delete", {{"FUNCTION", "DELETE", "lib"}}},
      {"function|dump", {{"FUNCTION", "DUMP"}}},
      {"function|flush", {{"FUNCTION", "FLUSH"}}},
      {"function|help", {{"FUNCTION", "HELP"}}},
      {"function|kill", {{"FUNCTION", "KILL"}}},
      {"function|list", {{"FUNCTION", "LIST"}}},
      {"function|load",
       {{"FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('f', function(keys) return keys[1] end)"}}},
      {"function|restore", {{"FUNCTION", "RESTORE", "damaged"}}},
      {"function|stats", {{"FUNCTION", "STATS"}}},
      {"script|exists", {{"SCRIPT", "EXISTS", "ffffffffffffffffffffffffffffffffffffffff"}}},
      {"script|flush", {{"SCRIPT", "FLUSH"}}},
      {"script|help", {{"SCRIPT", "HELP"}}},
      {"script|kill", {{"SCRIPT", "KILL"}}},
      {"script|load", {{"SCRIPT", "LOAD", "return 1"}}},
      {"script|show", {{"SCRIPT", "SHOW", "ffffffffffffffffffffffffffffffffffffffff"}}},
  };
}

}  // namespace stave::commands
