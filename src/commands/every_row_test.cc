// What holds for every row of the table: no answer leaves before what it depends on, and nothing is read that is not
// needed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "commands/collections_for_test.h"
#include "commands/examples_for_test.h"
#include "commands/fixture_for_test.h"

namespace stave::commands {
namespace {

std::string text_of(const Words& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// A store in memory on which nothing is synced unless somebody asks for it.
class Fresh {
 public:
  explicit Fresh(Sync sync) {
    options.file_system = files.get();
    options.clock = &clock;
    options.background = false;
    options.shards = 2;
    options.databases = 2;
    options.log_buffer_bytes = 1u << 16;
    options.segment_bytes = 1u << 20;
    options.sync = sync;
    engine = std::move(*store::Engine::open("store", options));
    environment = std::make_unique<Environment>(*engine, host);
    ClientInfo info;
    info.protocol = 3;
    session = std::make_unique<Session>(*environment, info, nullptr);
  }

  /// The answer, and what it waits for, which is not waited for here.
  std::string run(const Words& words, store::Pending& pending) {
    const std::vector<std::string_view> views(words.begin(), words.end());
    ReplySink sink(*session);
    dispatch(*session, views, sink);
    pending = session->take_pending();
    if (!sink.complete()) return "(none)";
    Reply reply = sink.take();
    // The order of a scan is that of the hashes, whose key every store draws for itself.
    if (words[0] == "SCAN" && reply.elements.size() == 2)
      std::sort(reply.elements[1].elements.begin(), reply.elements[1].elements.end(),
                [](const Reply& a, const Reply& b) { return a.text < b.text; });
    return spell(reply);
  }
  std::string run(const Words& words) {
    store::Pending pending;
    return run(words, pending);
  }
  /// A line of a state: a call, a value without one ("(put)", key, type), or the clock going on.
  void step(const Words& words) {
    if (words[0] == "(put)") {
      for (const AnyValue& value : some_collections())
        if (value.name == words[2]) put_value(*engine, {0, words[1]}, value);
      return;
    }
    if (words[0] == "(wait)") {
      clock.advance_ms(std::stoll(words[1]));
      return;
    }
    if (words[0] == "(expire)") {
      clock.advance_ms(std::stoll(words[1]));
      engine->tick();
      return;
    }
    run(words);
  }

  ManualClock clock;
  std::unique_ptr<FileSystem> files = make_memory_file_system();
  Options options;
  TestHost host;
  std::unique_ptr<store::Engine> engine;
  std::unique_ptr<Environment> environment;
  std::unique_ptr<Session> session;
};

/// What is on disk, and what came after it and is not.
struct State {
  std::vector<Words> safe;
  std::vector<Words> unsafe;

  [[nodiscard]] std::string text() const {
    std::string all;
    for (const Words& words : safe) all += text_of(words) + "; ";
    all += "| ";
    for (const Words& words : unsafe) all += text_of(words) + "; ";
    return all;
  }
};

/// Figures of the process and its files, which are what they are and no promise about any key; and chance.
bool is_figure(const Words& call) {
  const auto& name = call[0];
  const std::string what = call.size() > 1 ? call[1] : std::string();
  return (name == "INFO" && what.empty()) || name == "LATENCY" || name == "SLOWLOG" || name == "COMMANDLOG" ||
         name == "LASTSAVE" || name == "SAVE" || name == "SNAPSHOT" || (name == "ACL" && what == "GENPASS") ||
         name.starts_with("STAVE.C") || name == "STAVE.LASTLSN" || name == "SENTINEL" || name == "STAVE.BACKUP" ||
         name == "STAVE.PURGE" || name == "ROLE" || name == "RANDOMKEY" || name == "HRANDFIELD" ||
         name == "SRANDMEMBER" || name == "ZRANDMEMBER" || (name == "SPOP" && call.size() == 2) ||
         (name == "CLIENT" && (what == "LIST" || what == "INFO")) || (name == "MEMORY" && what != "USAGE") ||
         (name == "SCAN" && call.size() > 2 && call[2] == "COUNT");
}

bool moves_time(const State& state) {
  return std::ranges::any_of(state.unsafe,
                             [](const Words& words) { return words[0] == "(wait)" || words[0] == "(expire)"; });
}

/// A store that is ahead of its disk.
struct Ahead {
  Ahead(const State& that, Sync how) : state(that), sync(how), store(how) {
    for (const Words& words : state.safe) store.step(words);
    EXPECT_TRUE(store.engine->sync());
    for (const Words& words : state.unsafe) {
      begins.push_back(store.engine->log().tail());
      store.step(words);
    }
  }

  const State& state;
  const Sync sync;
  Fresh store;
  std::vector<Lsn> begins;  // where each of what is unsafe begins
};

// The oracle: of an answer that waits for the log up to some place, everything must be true in the store that a crash
// leaves once the log is safe up to there. So a twin is given exactly the writes that begin before that place (what is
// safe ends with a batch), and has to answer the same.
void expect_true_after_a_crash(Ahead& ahead, const Words& call) {
  const State& state = ahead.state;
  SCOPED_TRACE(state.text() + "=> " + text_of(call));
  const bool always = ahead.sync == Sync::kAlways;
  const log::Log& log = ahead.store.engine->log();
  const auto reached = [&] { return always ? log.durable() : log.written(); };
  const Lsn base = reached();
  if (base >= log.tail()) return;  // some calls wait by themselves, and a tick may write: nothing is unsafe
  store::Pending pending;
  const std::string answer = ahead.store.run(call, pending);
  // Some calls wait by themselves, and then everything is as safe as it can be.
  const Lsn safe = std::max(always ? pending.durable : pending.written, reached());
  // A twin that is given everything does what this store did: it has nothing to say.
  if (!ahead.begins.empty() && ahead.begins.back() < safe && !moves_time(state)) return;

  Fresh twin(ahead.sync);
  for (const Words& words : state.safe) twin.step(words);
  ASSERT_TRUE(twin.engine->sync());
  for (std::size_t i = 0; i < state.unsafe.size(); ++i) {
    const bool is_time = state.unsafe[i][0] == "(wait)" || state.unsafe[i][0] == "(expire)";
    if (is_time) {
      twin.step({"(wait)", state.unsafe[i][1]});
      if (state.unsafe[i][0] == "(expire)" && ahead.begins[i] < safe) twin.engine->tick();
    } else if (ahead.begins[i] < safe) {
      twin.step(state.unsafe[i]);
    }
  }
  EXPECT_EQ(twin.run(call), answer) << "it waits up to " << raw(safe) << ", the log was safe up to " << raw(base)
                                    << " and ends at " << raw(log.tail());
}

void expect_true_after_a_crash(const State& state, const Words& call, Sync sync) {
  Ahead ahead(state, sync);
  expect_true_after_a_crash(ahead, call);
}

/// Calls that change nothing are asked of one store after the other; each of the others gets its own.
void expect_true_after_a_crash(const State& state, std::span<const Example> examples, Sync sync) {
  std::unique_ptr<Ahead> read;
  for (const Example& example : examples)
    for (const Words& call : example.calls) {
      if (is_figure(call)) continue;
      const Command* const row = find_command(call[0]);
      if (row == nullptr || (row->flags & kReadOnly) == 0 || moves_time(state)) {
        expect_true_after_a_crash(state, call, sync);
        continue;
      }
      if (read == nullptr) read = std::make_unique<Ahead>(state, sync);
      expect_true_after_a_crash(*read, call);
    }
}

const Words kHash{"(put)", "k", "hash"};
const Words kList{"(put)", "k", "list"};
const Words kSet{"(put)", "k", "set"};
const Words kSortedSet{"(put)", "k", "zset"};
const Words kStream{"(put)", "k", "stream"};

std::vector<State> states() {
  const Words number{"SET", "k", "41"};
  const Words word{"SET", "k", "abc"};
  const Words other{"SET", "k2", "xyz"};
  const Words fields{"HSET", "k", "f", "v", "n", "7"};
  const Words soon{"PSETEX", "k", "50", "soon"};
  const Words list{"RPUSH", "k", "a", "b", "3"};
  return {
      {{}, {number}},
      {{}, {word}},
      {{}, {word, other}},
      {{other}, {{"DEL", "k2"}}},
      {{number}, {word}},
      {{word}, {number}},
      {{number}, {{"DEL", "k"}}},
      {{number, other}, {{"DEL", "k"}, {"SET", "k3", "later"}}},
      {{number, other}, {{"DEL", "k", "k2"}}},
      {{number, other}, {{"DEL", "k"}, word}},
      {{number, other}, {{"FLUSHDB"}}},
      {{number, other}, {{"FLUSHALL"}, {"SET", "k3", "later"}}},
      {{number, other}, {{"SWAPDB", "0", "1"}}},
      {{number, {"SELECT", "1"}, word, {"SELECT", "0"}}, {{"SWAPDB", "0", "1"}}},
      {{number}, {{"PEXPIRE", "k", "10"}, {"(wait)", "20"}}},
      {{number}, {{"PEXPIRE", "k", "10"}, {"(expire)", "20"}}},
      {{soon}, {{"(expire)", "60"}}},
      {{soon}, {{"PERSIST", "k"}, {"(wait)", "60"}}},
      {{soon}, {{"PEXPIRE", "k", "100000"}}},
      {{number}, {{"PEXPIRE", "k", "100000"}}},
      {{}, {list}},
      {{list}, {{"RPUSH", "k", "d"}}},
      {{list, other}, {{"LPOP", "k", "9"}}},
      {{list}, {{"RPOPLPUSH", "k", "k2"}}},
      {{number}, {{"RENAME", "k", "k2"}}},
      {{number, other}, {{"RENAME", "k2", "k"}}},
      {{number}, {{"MOVE", "k", "1"}}},
      {{number}, {{"COPY", "k", "k2"}}},
      {{number}, {{"APPEND", "k", "x"}}},
      {{number, other}, {{"MSET", "k", "1", "k2", "2"}}},
      {{number, word}, {{"STAVE.REVERT", "k", "LSN", "1"}}},
      {{}, {fields}},
      {{fields}, {{"HDEL", "k", "f"}, {"HSET", "k", "new", "x"}}},
      {{fields}, {{"HPEXPIRE", "k", "10", "FIELDS", "1", "f"}, {"(wait)", "20"}}},
      {{fields}, {{"HPEXPIRE", "k", "10", "FIELDS", "2", "f", "n"}, {"(expire)", "20"}}},
      {{}, {{"ZADD", "k", "1", "a", "2.5", "b"}}},
      {{{"ZADD", "k", "1", "a", "2.5", "b"}}, {{"ZREM", "k", "a"}, {"ZADD", "k3", "1", "b"}}},
      {{{"ZADD", "k", "1", "a"}, {"ZADD", "k3", "2", "a"}}, {{"ZPOPMIN", "k"}}},
      {{{"ZADD", "k", "1", "a"}, {"ZADD", "k3", "2", "a"}}, {{"ZUNIONSTORE", "k3", "2", "k", "k3"}}},
      {{}, {{"SADD", "k", "a", "7", "m"}}},
      {{{"SADD", "k", "a", "7", "m"}, {"SADD", "k2", "7"}}, {{"SREM", "k", "a"}, {"SADD", "k2", "m"}}},
      {{{"SADD", "k", "m"}, {"SADD", "k2", "7"}}, {{"SUNIONSTORE", "k2", "k", "k2"}, {"SMOVE", "k", "k2", "m"}}},
      {{}, {kHash}},
      {{number}, {kList}},
      {{kSet}, {word}},
      {{kSortedSet, {"(put)", "k2", "set"}}, {{"DEL", "k"}}},
      {{kList}, {{"RENAME", "k", "k2"}}},
      {{}, {kStream}},
      {{kStream}, {{"XADD", "k", "6-0", "f", "v"}, {"XREADGROUP", "GROUP", "g", "c", "STREAMS", "k", ">"}}},
      {{kStream, {"XREADGROUP", "GROUP", "g", "c", "STREAMS", "k", ">"}}, {{"XACK", "k", "g", "5-1"}}},
      {{kStream}, {{"XDEL", "k", "5-1"}, {"XGROUP", "DESTROY", "k", "g"}}},
      {{kHash, other}, {{"COPY", "k", "k2", "REPLACE"}, {"PEXPIRE", "k", "10"}, {"(wait)", "20"}}},
  };
}

TEST(EveryRow, has_an_example) {
  expect_every_row_has_an_example();
}

TEST(EveryRow, tells_nothing_that_a_crash_could_take_back) {
  const std::vector<State> all = states();
  for (const State& state : all)
    for (const Sync sync : {Sync::kAlways, Sync::kOs}) expect_true_after_a_crash(state, key_examples(), sync);
  // What is not about keys has fewer ways to go wrong.
  for (const State& state : {all[0], all[6], all[10], all[12]})
    expect_true_after_a_crash(state, other_examples(), Sync::kAlways);
}

// RANDOMKEY is a matter of chance as soon as there is a choice.
TEST(EveryRow, randomkey_waits_for_the_only_key_and_for_there_being_none) {
  const Words call{"RANDOMKEY"};
  expect_true_after_a_crash({{}, {{"SET", "k", "1"}}}, call, Sync::kAlways);
  expect_true_after_a_crash({{{"SET", "k", "1"}}, {{"DEL", "k"}}}, call, Sync::kAlways);
  expect_true_after_a_crash({{{"SET", "k", "1"}}, {{"FLUSHALL"}}}, call, Sync::kAlways);
  expect_true_after_a_crash({{{"SET", "k", "1"}}, {{"PEXPIRE", "k", "9"}, {"(wait)", "20"}}}, call, Sync::kAlways);
}

// So is who is taken out of a set.
TEST(EveryRow, a_random_member_waits_for_the_set_to_be_what_it_is) {
  const Words only{"SADD", "k", "m"};
  for (const Words& call :
       {Words{"SPOP", "k"}, {"SRANDMEMBER", "k"}, {"SRANDMEMBER", "k", "-2"}, {"SRANDMEMBER", "k", "9"}}) {
    expect_true_after_a_crash({{}, {only}}, call, Sync::kAlways);
    expect_true_after_a_crash({{only}, {{"SREM", "k", "m"}}}, call, Sync::kAlways);
    expect_true_after_a_crash({{{"SADD", "k", "m", "n"}}, {{"SREM", "k", "n"}}}, call, Sync::kAlways);
    expect_true_after_a_crash({{only}, {{"SINTERSTORE", "k", "k", "k2"}}}, call, Sync::kAlways);
  }
}

// Random writes, a part of them on disk. STAVE_SEED repeats one run, STAVE_EVERY_ROW_STATES makes it longer.
TEST(EveryRow, tells_nothing_that_a_crash_could_take_back_of_random_states) {
  const char* const given = std::getenv("STAVE_SEED");
  const char* const size = std::getenv("STAVE_EVERY_ROW_STATES");
  const std::uint64_t seed = given == nullptr ? std::random_device{}() : std::strtoull(given, nullptr, 10);
  const int count = size == nullptr ? 1500 : std::atoi(size);
  SCOPED_TRACE("STAVE_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::vector<Words> writes;
  std::vector<Words> calls;
  for (const Example& example : all_examples())
    for (const Words& call : example.calls)
      if (!is_figure(call)) calls.push_back(call);
  for (const Example& example : key_examples())
    for (const Words& call : example.calls)
      if (find_command(call[0]) != nullptr && (find_command(call[0])->flags & kWrite) != 0 && !is_figure(call))
        writes.push_back(call);
  for (const char* const value : {"1", "abc", "9223372036854775807", ""})
    for (const char* const key : {"k", "k2", "k3"}) writes.push_back({"SET", key, value});
  for (const AnyValue& value : some_collections())
    for (const char* const key : {"k", "k2"}) writes.push_back({"(put)", key, std::string(value.name)});
  writes.push_back({"FLUSHDB"});
  writes.push_back({"SWAPDB", "0", "1"});
  writes.push_back({"(wait)", "30"});
  for (int i = 0; i < count && !::testing::Test::HasFailure(); ++i) {
    State state;
    for (auto n = random() % 5; n > 0; --n) state.safe.push_back(writes[random() % writes.size()]);
    for (auto n = 1 + random() % 4; n > 0; --n) state.unsafe.push_back(writes[random() % writes.size()]);
    expect_true_after_a_crash(state, calls[random() % calls.size()], random() % 4 == 0 ? Sync::kOs : Sync::kAlways);
  }
}

// --- what is read ----------------------------------------------------------------------------------------------------

/// Takes every value out of memory that can go.
void spill_everything(store::Engine& engine) {
  ASSERT_TRUE(engine.sync());
  engine.budget().set(1, MemoryPolicy::kSpill);
  for (int round = 0; round < 100; ++round) engine.budget().settle();
  engine.budget().set(0, MemoryPolicy::kSpill);
}

// What a row says about the values that it needs is all that it reads: blind writes and what asks about keys read
// nothing, neither ahead nor with the shards held.
TEST(EveryRow, reads_no_value_that_it_does_not_say_it_needs) {
  const std::string text(300, 'v');
  std::vector<AnyValue> values = some_collections(text);
  values.push_back(some_string(text));
  const auto expect_no_more = [](const Words& call, const AnyValue& value) {
    SCOPED_TRACE(text_of(call) + " of a " + std::string(value.name));
    Fresh store(Sync::kAlways);
    for (const char* const key : {"k", "k2"}) put_value(*store.engine, {0, key}, value);
    spill_everything(*store.engine);
    const std::vector<store::KeyRef> both = {{0, "k"}, {0, "k2"}};
    for (const store::KeyRef& key : both) ASSERT_TRUE(store.engine->must_fetch(std::span(&key, 1)));
    const std::vector<std::string_view> views(call.begin(), call.end());
    std::vector<store::KeyRef> needed;
    keys_needed(*store.session, resolve(views), views, needed);
    std::set<std::string_view> there;
    for (const store::KeyRef& key : needed)
      if (key.key == "k" || key.key == "k2") there.insert(key.key);
    const std::uint64_t before = store.engine->stats().fetched_values;
    store.run(call);
    EXPECT_LE(store.engine->stats().fetched_values - before, there.size());
  };
  for (const Example& example : key_examples())
    for (const Words& call : example.calls)
      for (const AnyValue& value : values) expect_no_more(call, value);
}

TEST(EveryRow, says_what_it_needs_by_its_options) {
  Fresh store(Sync::kAlways);
  const auto needed = [&](const std::vector<std::string_view>& call) {
    std::vector<store::KeyRef> keys;
    keys_needed(*store.session, resolve(call), call, keys);
    std::string names;
    for (const store::KeyRef& key : keys) names += std::string(key.key) + " ";
    return names;
  };
  EXPECT_EQ(needed({"SET", "k", "v"}), "");
  EXPECT_EQ(needed({"SET", "k", "v", "EX", "10"}), "");
  EXPECT_EQ(needed({"SET", "k", "v", "NX"}), "");
  EXPECT_EQ(needed({"SET", "k", "v", "KEEPTTL"}), "");
  EXPECT_EQ(needed({"SET", "k", "v", "get"}), "k ");
  EXPECT_EQ(needed({"SET", "k", "v", "IFEQ", "x"}), "k ");
  EXPECT_EQ(needed({"SET", "k", "v", "ifdne", "x"}), "k ");
  EXPECT_EQ(needed({"DELEX", "k"}), "");
  EXPECT_EQ(needed({"DELEX", "k", "IFNE", "x"}), "k ");
  EXPECT_EQ(needed({"MSETEX", "2", "k", "1", "k2", "2"}), "");
  EXPECT_EQ(needed({"GET", "k"}), "k ");
  EXPECT_EQ(needed({"GET"}), "");
  EXPECT_EQ(needed({"MGET", "k", "k2"}), "k k2 ");
  EXPECT_EQ(needed({"MSET", "k", "1", "k2", "2"}), "");
  EXPECT_EQ(needed({"RENAME", "k", "k2"}), "k ");
  EXPECT_EQ(needed({"COPY", "k", "k2"}), "k ");
  EXPECT_EQ(needed({"OBJECT", "ENCODING", "k"}), "k ");
  EXPECT_EQ(needed({"DEL", "k"}), "");
  EXPECT_EQ(needed({"NOSUCH", "k"}), "");
}

}  // namespace
}  // namespace stave::commands
