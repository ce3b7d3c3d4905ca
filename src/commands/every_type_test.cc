// What is common to all types: commands on keys whatever they hold, and string commands on what is no string.
#include <algorithm>

#include "commands/collections_for_test.h"
#include "commands/encodings.h"
#include "commands/fixture_for_test.h"

namespace stave::commands {
namespace {

constexpr const char* kWrongType = "-WRONGTYPE Operation against a key holding the wrong kind of value";

class EveryType : public CommandsTest {
 protected:
  /// What the key holds now, whole.
  std::string whole(std::string_view key) {
    return run({"STAVE.GETAT", key, "LSN", std::to_string(raw(engine_->log().tail()))});
  }
  std::string encoding(const AnyValue& value) {
    put_value(*engine_, {0, "e"}, value);
    return reply({"OBJECT", "ENCODING", "e"}).text;
  }
  template <class Type>
  std::string encoding_of(const typename Type::Compact& collection) {
    return encoding({"", Type::kType, Type::Compact::form_of(collection), ""});
  }
  /// Calls `check` for each collection, which "k" holds then and nothing else is there.
  template <class Check>
  void with_each(Check check) {
    for (const AnyValue& value : some_collections()) {
      SCOPED_TRACE(value.name);
      run({"FLUSHALL"});
      put_value(*engine_, {0, "k"}, value);
      check(value);
    }
  }
};

TEST_F(EveryType, is_told_counted_and_removed) {
  with_each([&](const AnyValue& value) {
    EXPECT_EQ(run({"TYPE", "k"}), value.name);
    EXPECT_EQ(run({"EXISTS", "k", "k"}), "2");
    EXPECT_EQ(run({"TOUCH", "k"}), "1");
    EXPECT_EQ(run({"RANDOMKEY"}), "\"k\"");
    EXPECT_EQ(run({"OBJECT", "REFCOUNT", "k"}), "1");
    EXPECT_EQ(whole("k"), value.whole);
    for (const std::string_view remove : {"DEL", "UNLINK", "DELEX"}) {
      EXPECT_EQ(run({remove, "k"}), "1");
      EXPECT_EQ(run({"TYPE", "k"}), "none");
      EXPECT_EQ(whole("k"), "nil");
      put_value(*engine_, {0, "k"}, value);
    }
    reopen();
    EXPECT_EQ(whole("k"), value.whole);
  });
}

TEST_F(EveryType, is_found_by_scan) {
  for (const AnyValue& value : some_collections()) put_value(*engine_, {0, value.name}, value);
  put_value(*engine_, {0, "string"}, some_string());
  for (const std::string_view type : {"string", "hash", "list", "set", "zset", "stream"}) {
    EXPECT_EQ(run({"SCAN", "0", "COUNT", "100", "TYPE", type}), "[\"0\", [\"" + std::string(type) + "\"]]");
    EXPECT_EQ(run({"SCAN", "0", "COUNT", "100", "TYPE", upper(type)}), "[\"0\", [\"" + std::string(type) + "\"]]");
  }
  EXPECT_EQ(run({"SCAN", "0", "COUNT", "100", "TYPE", "module"}), "[\"0\", []]");
  EXPECT_EQ(run({"SCAN", "0", "COUNT", "100", "TYPE", "hash", "MATCH", "s*"}), "[\"0\", []]");
}

TEST_F(EveryType, is_copied_renamed_and_moved) {
  with_each([&](const AnyValue& value) {
    run({"EXPIRE", "k", "100"});
    EXPECT_EQ(run({"COPY", "k", "k2"}), "1");
    EXPECT_EQ(run({"COPY", "k", "k2"}), "0");
    run({"SET", "k3", "text"});
    EXPECT_EQ(run({"COPY", "k", "k3", "REPLACE"}), "1");
    EXPECT_EQ(run({"RENAMENX", "k", "k2"}), "0");
    EXPECT_EQ(run({"RENAME", "k", "k2"}), "OK");
    EXPECT_EQ(run({"TYPE", "k"}), "none");
    for (const std::string_view key : {"k2", "k3"}) {
      EXPECT_EQ(run({"TYPE", key}), value.name);
      EXPECT_EQ(whole(key), value.whole);
      EXPECT_EQ(run({"TTL", key}), "100");
    }
    EXPECT_EQ(run({"RENAMENX", "k2", "k"}), "1");
    EXPECT_EQ(run({"COPY", "k", "k", "DB", "1"}), "1");
    EXPECT_EQ(run({"MOVE", "k", "1"}), "0");
    EXPECT_EQ(run({"MOVE", "k3", "1"}), "1");
    EXPECT_EQ(run({"EXISTS", "k3"}), "0");
    run({"SELECT", "1"});
    EXPECT_EQ(whole("k"), value.whole);
    EXPECT_EQ(whole("k3"), value.whole);
    EXPECT_EQ(run({"TTL", "k3"}), "100");
    run({"SELECT", "0"});
    // A collection gives way to a string.
    run({"SET", "text", "text"});
    EXPECT_EQ(run({"RENAME", "text", "k"}), "OK");
    EXPECT_EQ(run({"GET", "k"}), "\"text\"");
  });
}

TEST_F(EveryType, expires) {
  with_each([&](const AnyValue& value) {
    EXPECT_EQ(run({"EXPIRE", "k", "100", "XX"}), "0");
    EXPECT_EQ(run({"EXPIRE", "k", "100", "NX"}), "1");
    EXPECT_EQ(run({"PEXPIRE", "k", "50000", "GT"}), "0");
    EXPECT_EQ(run({"PEXPIRE", "k", "50000", "LT"}), "1");
    EXPECT_EQ(run({"TTL", "k"}), "50");
    EXPECT_EQ(run({"PTTL", "k"}), "50000");
    EXPECT_EQ(whole("k"), value.whole);
    reopen();
    EXPECT_EQ(run({"TTL", "k"}), "50");
    EXPECT_EQ(whole("k"), value.whole);
    EXPECT_EQ(run({"PERSIST", "k"}), "1");
    EXPECT_EQ(run({"PERSIST", "k"}), "0");
    EXPECT_EQ(run({"TTL", "k"}), "-1");
    EXPECT_EQ(run({"EXPIREAT", "k", "9999999999"}), "1");
    EXPECT_EQ(run({"EXPIRETIME", "k"}), "9999999999");
    EXPECT_EQ(run({"PEXPIREAT", "k", "9999999999999"}), "1");
    EXPECT_EQ(run({"PEXPIRETIME", "k"}), "9999999999999");
    run({"PEXPIRE", "k", "10"});
    clock_.advance_ms(20);
    EXPECT_EQ(run({"TYPE", "k"}), "none");
    engine_->tick();
    EXPECT_EQ(run({"DBSIZE"}), "0");
    put_value(*engine_, {0, "k"}, value);
    EXPECT_EQ(run({"EXPIRE", "k", "-1"}), "1");
    EXPECT_EQ(run({"EXISTS", "k"}), "0");
  });
}

TEST_F(EveryType, has_a_past) {
  for (const std::string_view protocol : {"3", "2"}) {
    with_each([&](const AnyValue& value) {
      run({"HELLO", protocol});
      const std::string first = std::to_string(raw(engine_->log().tail()) - 1);
      const std::string before = whole("k");
      if (protocol == "3") {
        EXPECT_EQ(before, value.whole);
      } else if (value.name == "zset") {
        EXPECT_EQ(before, "[\"first\", -1.000000, \"abc\", 2.500000]");
      }
      run({"SET", "k", "text"});
      EXPECT_EQ(run({"STAVE.GETAT", "k", "LSN", first}), before);
      EXPECT_EQ(whole("k"), "\"text\"");
      EXPECT_EQ(run({"STAVE.REVERT", "k", "LSN", first}), "1");
      EXPECT_EQ(run({"TYPE", "k"}), value.name);
      EXPECT_EQ(whole("k"), before);
      EXPECT_EQ(run({"STAVE.REVERT", "k", "LSN", std::to_string(raw(engine_->log().tail()))}), "0");
      run({"EXPIRE", "k", "100"});
      run({"DEL", "k"});
      const Reply history = reply({"STAVE.HISTORY", "k", "COUNT", "5"});
      ASSERT_EQ(history.elements.size(), 5u);
      const std::string kind =
          "\"kind\", \"set_" + std::string(value.name == "zset" ? "sorted_set" : value.name) + "\"";
      const auto kind_is = [&](std::size_t i, std::string_view text) {
        const std::string all = spell(history.elements[i]);
        return all.find(text) != std::string::npos;
      };
      EXPECT_TRUE(kind_is(0, "\"kind\", \"delete\""));
      EXPECT_TRUE(kind_is(1, "\"kind\", \"set_expiry\""));
      EXPECT_TRUE(kind_is(2, kind)) << spell(history);
      EXPECT_TRUE(kind_is(3, "\"kind\", \"set\""));
      EXPECT_TRUE(kind_is(4, kind)) << spell(history);
    });
  }
}

TEST_F(EveryType, is_no_string) {
  using Call = std::vector<std::string_view>;
  const std::vector<Call> refused = {{"GET", "k"},
                                     {"GETDEL", "k"},
                                     {"GETEX", "k"},
                                     {"GETEX", "k", "EX", "10"},
                                     {"GETEX", "k", "EX", "0"},
                                     {"GETEX", "k", "PERSIST"},
                                     {"GETRANGE", "k", "0", "-1"},
                                     {"SUBSTR", "k", "0", "-1"},
                                     {"GETSET", "k", "v"},
                                     {"SET", "k", "v", "GET"},
                                     {"SET", "k", "v", "NX", "GET"},
                                     {"SET", "k", "v", "IFEQ", "abc"},
                                     {"SET", "k", "v", "IFNE", "abc"},
                                     {"SET", "k", "v", "IFDEQ", "78af5f94892f3950"},
                                     {"SET", "k", "v", "IFDNE", "x"},
                                     {"STRLEN", "k"},
                                     {"APPEND", "k", "v"},
                                     {"APPEND", "k", ""},
                                     {"SETRANGE", "k", "0", "v"},
                                     {"SETRANGE", "k", "0", ""},
                                     {"INCR", "k"},
                                     {"DECR", "k"},
                                     {"INCRBY", "k", "1"},
                                     {"DECRBY", "k", "1"},
                                     {"INCRBYFLOAT", "k", "1"},
                                     {"INCREX", "k"},
                                     {"DIGEST", "k"},
                                     {"DELIFEQ", "k", "v"}};
  with_each([&](const AnyValue& value) {
    run({"EXPIRE", "k", "100"});
    for (const Call& call : refused) EXPECT_EQ(run(call), kWrongType) << call[0];
    EXPECT_EQ(run({"SETRANGE", "k", "-1", "v"}), "-ERR offset is out of range");
    EXPECT_EQ(run({"INCRBY", "k", "x"}), "-ERR value is not an integer or out of range");
    EXPECT_EQ(run({"SET", "k", "v", "EX", "0"}), "-ERR invalid expire time in 'set' command");
    for (const Call& call : {Call{"LCS", "k", "none"}, {"LCS", "none", "k"}, {"LCS", "k", "k", "FOO"}})
      EXPECT_EQ(run(call), "-ERR The specified keys must contain string values");
    EXPECT_EQ(run({"MGET", "k", "none"}), "[nil, nil]");
    EXPECT_EQ(run({"SET", "k", "v", "NX"}), "nil");
    EXPECT_EQ(run({"SETNX", "k", "v"}), "0");
    EXPECT_EQ(run({"MSETNX", "k", "v", "other", "v"}), "0");
    EXPECT_EQ(whole("k"), value.whole);
    EXPECT_EQ(run({"TTL", "k"}), "100");
  });
}

TEST_F(EveryType, gives_way_to_a_string) {
  using Call = std::vector<std::string_view>;
  for (const Call& call :
       {Call{"SET", "k", "v"}, Call{"SET", "k", "v", "XX"}, Call{"SET", "k", "v", "EX", "100"},
        Call{"SET", "k", "v", "KEEPTTL"}, Call{"SETEX", "k", "100", "v"}, Call{"PSETEX", "k", "100000", "v"},
        Call{"MSET", "k", "v"}, Call{"MSETEX", "1", "k", "v", "XX"}}) {
    with_each([&](const AnyValue& value) {
      SCOPED_TRACE(call[0]);
      run(call);
      EXPECT_EQ(run({"TYPE", "k"}), "string");
      EXPECT_EQ(run({"GET", "k"}), "\"v\"");
      reopen();
      EXPECT_EQ(run({"GET", "k"}), "\"v\"");
      put_value(*engine_, {0, "k"}, value);
      EXPECT_EQ(run({"SET", "k", "v", "PXAT", "1"}), "OK");
      EXPECT_EQ(run({"EXISTS", "k"}), "0");
    });
  }
}

TEST_F(EveryType, takes_memory) {
  for (const AnyValue& value : some_collections(std::string(100, 'x'))) {
    put_value(*engine_, {0, "k"}, value);
    const Reply usage = reply({"MEMORY", "USAGE", "k", "SAMPLES", "0"});
    EXPECT_GT(usage.integer, static_cast<std::int64_t>(value.bytes.size())) << value.name;
    EXPECT_LT(usage.integer, static_cast<std::int64_t>(value.bytes.size()) + 200) << value.name;
  }
  EXPECT_EQ(run({"MEMORY", "USAGE", "none"}), "nil");
}

TEST_F(EveryType, is_described) {
  with_each([&](const AnyValue& value) {
    const std::string line = run({"DEBUG", "OBJECT", "k"});
    const std::string name = run({"OBJECT", "ENCODING", "k"});
    EXPECT_TRUE(line.starts_with("Value type:" + std::string(value.name) + " encoding:")) << line;
    EXPECT_NE(line.find(" encoding:" + name.substr(1, name.size() - 2) + " version:"), std::string::npos) << line;
    EXPECT_NE(line.find(" serializedlength:" + std::to_string(value.bytes.size()) + " "), std::string::npos) << line;
  });
  run({"SET", "k", "1"});
  EXPECT_TRUE(run({"DEBUG", "OBJECT", "k"}).starts_with("Value type:string encoding:int version:"));
  EXPECT_EQ(run({"DEBUG", "OBJECT", "none"}), "-ERR no such key");
}

// --- the names of encodings ------------------------------------------------------------------------------------------

template <class Add>
void times(int count, Add add) {
  for (int i = 0; i < count; ++i) add(std::to_string(i));
}

TEST_F(EveryType, of_hash_has_an_encoding_of_the_name_that_clients_know) {
  const auto hash = [](int fields, std::size_t name = 1, std::size_t value = 1) {
    store::Hash::Compact made;
    times(fields - 1, [&](const std::string& n) { made.set("f" + n, n); });
    made.set(std::string(name, 'n'), std::string(value, 'v'));
    return made;
  };
  EXPECT_EQ(encoding_of<store::Hash>(hash(1)), "listpack");
  EXPECT_EQ(encoding_of<store::Hash>(hash(512, 64, 64)), "listpack");
  EXPECT_EQ(encoding_of<store::Hash>(hash(513)), "hashtable");
  EXPECT_EQ(encoding_of<store::Hash>(hash(1, 65)), "hashtable");
  EXPECT_EQ(encoding_of<store::Hash>(hash(1, 1, 65)), "hashtable");
  run({"CONFIG", "SET", "hash-max-ziplist-entries", "2", "hash-max-listpack-value", "70"});
  EXPECT_EQ(encoding_of<store::Hash>(hash(2, 65, 70)), "listpack");
  EXPECT_EQ(encoding_of<store::Hash>(hash(2, 65, 71)), "hashtable");
  EXPECT_EQ(encoding_of<store::Hash>(hash(3)), "hashtable");
}

TEST_F(EveryType, of_list_has_an_encoding_of_the_name_that_clients_know) {
  const auto list = [](int elements, std::size_t bytes) {
    store::List::Compact made;
    times(elements, [&](const std::string&) { made.push_back(std::string(bytes, 'x')); });
    return made;
  };
  // In a listpack of 8 KiB: 7 bytes of its own, and 2 or 4 beyond each text.
  EXPECT_EQ(encoding_of<store::List>(list(1, 1)), "listpack");
  EXPECT_EQ(encoding_of<store::List>(list(1, 8178)), "listpack");
  EXPECT_EQ(encoding_of<store::List>(list(1, 8192)), "quicklist");
  EXPECT_EQ(encoding_of<store::List>(list(682, 10)), "listpack");
  EXPECT_EQ(encoding_of<store::List>(list(683, 10)), "quicklist");
  run({"CONFIG", "SET", "list-max-ziplist-size", "3"});
  EXPECT_EQ(encoding_of<store::List>(list(3, 100)), "listpack");
  EXPECT_EQ(encoding_of<store::List>(list(4, 1)), "quicklist");
  EXPECT_EQ(encoding_of<store::List>(list(2, 5000)), "quicklist");
  run({"CONFIG", "SET", "list-max-listpack-size", "0"});
  EXPECT_EQ(encoding_of<store::List>(list(1, 100)), "listpack");
  EXPECT_EQ(encoding_of<store::List>(list(2, 100)), "quicklist");
  for (const std::string_view size : {"-5", "-2147483648"}) {
    run({"CONFIG", "SET", "list-max-listpack-size", size});
    EXPECT_EQ(encoding_of<store::List>(list(1, 60000)), "listpack");
    EXPECT_EQ(encoding_of<store::List>(list(1, 66000)), "quicklist");
  }
  run({"CONFIG", "SET", "list-max-listpack-size", "-1"});
  EXPECT_EQ(encoding_of<store::List>(list(1, 4082)), "listpack");
  EXPECT_EQ(encoding_of<store::List>(list(2, 4082)), "quicklist");
}

TEST_F(EveryType, of_set_has_an_encoding_of_the_name_that_clients_know) {
  const auto set = [](int integers, std::string_view other = {}) {
    store::Set::Compact made;
    times(integers, [&](const std::string& n) { made.add(n); });
    if (!other.empty()) made.add(other);
    return made;
  };
  EXPECT_EQ(encoding_of<store::Set>(set(1)), "intset");
  EXPECT_EQ(encoding_of<store::Set>(set(512)), "intset");
  EXPECT_EQ(encoding_of<store::Set>(set(513)), "hashtable");
  EXPECT_EQ(encoding_of<store::Set>(set(127, "x")), "listpack");
  EXPECT_EQ(encoding_of<store::Set>(set(128, "x")), "hashtable");
  EXPECT_EQ(encoding_of<store::Set>(set(0, std::string(64, 'x'))), "listpack");
  EXPECT_EQ(encoding_of<store::Set>(set(0, std::string(65, 'x'))), "hashtable");
  run({"CONFIG", "SET", "set-max-intset-entries", "0", "set-max-listpack-entries", "600", "set-max-listpack-value",
       "1kb"});
  EXPECT_EQ(encoding_of<store::Set>(set(1)), "listpack");
  EXPECT_EQ(encoding_of<store::Set>(set(513, std::string(1024, 'x'))), "listpack");
  EXPECT_EQ(encoding_of<store::Set>(set(513, std::string(1025, 'x'))), "hashtable");
}

TEST_F(EveryType, of_sorted_set_has_an_encoding_of_the_name_that_clients_know) {
  const auto set = [](int members, std::size_t bytes = 1) {
    store::SortedSet::Compact made;
    times(members - 1, [&](const std::string& n) { made.set(n, 1); });
    made.set(std::string(bytes, 'x'), 1);
    return made;
  };
  EXPECT_EQ(encoding_of<store::SortedSet>(set(128, 64)), "listpack");
  EXPECT_EQ(encoding_of<store::SortedSet>(set(129)), "skiplist");
  EXPECT_EQ(encoding_of<store::SortedSet>(set(1, 65)), "skiplist");
  run({"CONFIG", "SET", "zset-max-listpack-entries", "1", "zset-max-ziplist-value", "2"});
  EXPECT_EQ(encoding_of<store::SortedSet>(set(1, 2)), "listpack");
  EXPECT_EQ(encoding_of<store::SortedSet>(set(1, 3)), "skiplist");
  EXPECT_EQ(encoding_of<store::SortedSet>(set(2)), "skiplist");
}

TEST_F(EveryType, of_string_has_an_encoding_of_the_name_that_clients_know) {
  EXPECT_EQ(encoding(some_string("-12")), "int");
  EXPECT_EQ(encoding(some_string("012")), "embstr");
  EXPECT_EQ(encoding(some_string(std::string(44, '1'))), "embstr");
  EXPECT_EQ(encoding(some_string(std::string(45, '1'))), "raw");
  EXPECT_EQ(run({"OBJECT", "ENCODING", "none"}), "nil");
}

TEST_F(EveryType, has_its_limits_as_options) {
  EXPECT_EQ(run({"CONFIG", "GET", "hash-max-*"}),
            "{\"hash-max-listpack-entries\", \"512\", \"hash-max-listpack-value\", \"64\", "
            "\"hash-max-ziplist-entries\", \"512\", \"hash-max-ziplist-value\", \"64\"}");
  EXPECT_EQ(run({"CONFIG", "GET", "list-*"}),
            "{\"list-compress-depth\", \"0\", \"list-max-listpack-size\", \"-2\", \"list-max-ziplist-size\", \"-2\"}");
  EXPECT_EQ(run({"CONFIG", "GET", "set-max-*"}),
            "{\"set-max-intset-entries\", \"512\", \"set-max-listpack-entries\", \"128\", "
            "\"set-max-listpack-value\", \"64\"}");
  EXPECT_EQ(run({"CONFIG", "SET", "zset-max-ziplist-entries", "7"}), "OK");
  EXPECT_EQ(run({"CONFIG", "GET", "zset-max-*-entries"}),
            "{\"zset-max-listpack-entries\", \"7\", \"zset-max-ziplist-entries\", \"7\"}");
  const auto refusal = [&](std::string_view name, std::string_view value) {
    const std::string answer = run({"CONFIG", "SET", name, value});
    return answer.substr(answer.find(" - ") + 3);
  };
  EXPECT_EQ(refusal("hash-max-ziplist-entries", "-1"), "argument must be between 0 and 9223372036854775807 inclusive");
  EXPECT_EQ(refusal("hash-max-listpack-entries", "x"), "argument couldn't be parsed into an integer");
  EXPECT_EQ(refusal("hash-max-listpack-entries", "1kb"), "argument couldn't be parsed into an integer");
  for (const std::string_view bad : {"x", "", "-1", "1tb", "kb", "9223372036854775807kb", "01", " 1"})
    EXPECT_EQ(refusal("hash-max-listpack-value", bad), "argument must be a memory value") << bad;
  EXPECT_EQ(refusal("list-max-listpack-size", "2147483648"),
            "argument must be between -2147483648 and 2147483647 inclusive");
  EXPECT_EQ(refusal("list-compress-depth", "-1"), "argument must be between 0 and 2147483647 inclusive");
  for (const auto& [text, bytes] : {std::pair<std::string_view, std::string_view>{"0", "0"},
                                    {"2KB", "2048"},
                                    {"2k", "2000"},
                                    {"3b", "3"},
                                    {"1mb", "1048576"},
                                    {"1g", "1000000000"}}) {
    EXPECT_EQ(run({"CONFIG", "SET", "hash-max-ziplist-value", text}), "OK") << text;
    EXPECT_EQ(run({"CONFIG", "GET", "hash-max-listpack-value"}),
              "{\"hash-max-listpack-value\", \"" + std::string(bytes) + "\"}");
  }
}

}  // namespace
}  // namespace stave::commands
