#include <functional>
#include <map>
#include <string>
#include <vector>

#include "commands/errands.h"
#include "commands/fixture_for_test.h"
#include "commands/save_points.h"
#include "commands/snapshots.h"
#include "exchange/files.h"
#include "packing/compression.h"

namespace stave::commands {
namespace {

struct Contents final : exchange::Sink {
  Result<void> take(const exchange::Item& item) override {
    values[{item.database, std::string(item.key)}] = item.value;
    return {};
  }
  std::map<std::pair<int, std::string>, std::string> values;
};

class Life : public CommandsTest {
 protected:
  /// What is in a snapshot file; fails the test when it cannot be read.
  std::map<std::pair<int, std::string>, std::string> contents(const std::string& path) {
    Contents sink;
    auto file = file_system_->open(path, OpenMode::kRead);
    EXPECT_TRUE(file) << path;
    if (!file) return {};
    exchange::FileInput input(**file);
    const auto read = exchange::read_any(input, path, sink);
    EXPECT_TRUE(read) << read.error().describe();
    if (read) format_ = read->format;
    return sink.values;
  }
  bool there(const std::string& path) { return file_system_->exists(path).value_or(false); }
  std::string field(std::string_view section, std::string_view name) {
    const std::string text = reply({"INFO", section}).text;
    const std::string start = "\r\n" + std::string(name) + ":";
    const std::size_t at = text.find(start);
    if (at == std::string::npos) return "no such field";
    return text.substr(at + start.size(), text.find("\r\n", at + start.size()) - at - start.size());
  }
  Snapshots& snapshots() { return environment_->snapshots(); }

  exchange::Format format_{};
};

TEST_F(Life, save_writes_everything_to_the_usual_file) {
  run({"SET", "a", "1"});
  run({"SELECT", "3"});
  run({"SET", "b", "2", "EX", "100"});
  clock_.advance_ms(5000);
  EXPECT_EQ(run({"SAVE"}), "OK");
  EXPECT_EQ(contents("store/snapshots/snapshot.stave"),
            (std::map<std::pair<int, std::string>, std::string>{{{0, "a"}, "1"}, {{3, "b"}, "2"}}));
  EXPECT_EQ(format_, exchange::Format::kBinary2);
  EXPECT_EQ(run({"LASTSAVE"}), std::to_string(raw(clock_.wall()) / 1000));
  EXPECT_FALSE(there("store/snapshots/snapshot.stave.partial"));
}

TEST_F(Life, a_snapshot_is_in_the_format_that_is_asked_for_or_that_its_name_says) {
  run({"SET", "a", "1"});
  const struct {
    std::vector<std::string_view> call;
    const char* path;
    exchange::Format format;
  } cases[] = {
      {{"SNAPSHOT", "one.json"}, "one.json", exchange::Format::kJson},
      {{"SNAPSHOT", "two.ndjson"}, "two.ndjson", exchange::Format::kNdjson},
      {{"SNAPSHOT", "three", "json"}, "three", exchange::Format::kJson},
      {{"SNAPSHOT", "four.json", "BINARY"}, "four.json", exchange::Format::kBinary2},
      {{"SNAPSHOT", "NDJSON"}, "snapshot.stave", exchange::Format::kNdjson},
      {{"SNAPSHOT"}, "snapshot.stave", exchange::Format::kBinary2},
  };
  for (const auto& c : cases) {
    const std::string path = std::string("store/snapshots/") + c.path;
    const std::string answer = run(std::span(c.call));
    EXPECT_TRUE(answer.starts_with("Wrote 1 key (") && answer.ends_with(" to " + path)) << answer;
    EXPECT_EQ(contents(path).size(), 1u);
    EXPECT_EQ(format_, c.format) << c.path;
  }
  EXPECT_EQ(run({"SNAPSHOT", "a", "XML"}), "-ERR syntax error");
}

// Others cannot make the server write outside its directory, whatever they call the file.
TEST_F(Life, a_client_names_files_and_never_paths) {
  struct Server final : Host {
    [[nodiscard]] bool trusts_paths() const override { return false; }
  } server;
  session_.reset();
  environment_ = std::make_unique<Environment>(*engine_, server);
  session_ = new_session();
  using namespace std::string_view_literals;
  for (const std::string_view name : {"../x"sv, "/etc/x"sv, "a/b"sv, "."sv, ".."sv, ".x"sv, "a\0b"sv, "a b"sv,
                                      "x.partial"sv, "C:\\x"sv, "\xc3\xa4"sv}) {
    EXPECT_TRUE(run({"SNAPSHOT", name}).starts_with("-ERR a snapshot's name must be a plain file name")) << name;
  }
  EXPECT_TRUE(run({"SNAPSHOT", std::string(201, 'x')}).starts_with("-ERR"));
  EXPECT_TRUE(run({"SNAPSHOT", std::string(200, 'x')}).starts_with("Wrote"));
  session_.reset();
  environment_.reset();
}

TEST_F(Life, a_caller_in_this_process_may_name_any_path) {
  EXPECT_TRUE(run({"SNAPSHOT", "elsewhere/x.json"}).starts_with("Wrote 0 keys"));
  EXPECT_TRUE(there("elsewhere/x.json"));
}

TEST_F(Life, one_snapshot_is_written_at_a_time) {
  close();
  WatchedFiles files(*file_system_);
  options_.file_system = &files;
  open();
  const auto other = new_session();
  std::vector<std::string> answers;
  files.created = [&](const std::string& path) {
    if (!path.ends_with(".partial")) return;
    for (const std::string_view command : {"SAVE", "BGSAVE", "SNAPSHOT"})
      answers.push_back(spell(run_in(*other, {command})));
    answers.push_back(field("persistence", "rdb_bgsave_in_progress"));
  };
  EXPECT_EQ(run_in(*session_, {"SAVE"}).text, "OK");
  const std::string refusal = "-ERR Background save already in progress";
  EXPECT_EQ(answers, (std::vector<std::string>{refusal, refusal, refusal, "1"}));
  EXPECT_EQ(field("persistence", "rdb_bgsave_in_progress"), "0");
  files.created = nullptr;
}

// /readyz and INFO said that all was well while every large write was refused.
TEST_F(Life, a_disk_on_which_only_small_writes_still_fit_is_told_from_one_that_is_full) {
  close();
  WatchedFiles files(*file_system_);
  options_.file_system = &files;
  options_.packing = Packing::kNone;
  open();
  ASSERT_EQ(run({"SET", "small", "1"}), "OK");
  EXPECT_EQ(field("persistence", "stave_disk_low"), "0");
  files.free = 0;
  EXPECT_EQ(run({"SET", "small", "2"}), "OK");
  EXPECT_TRUE(run({"SET", "large", std::string(8'000'000, 'x')}).starts_with("-MISCONF"));
  EXPECT_EQ(run({"SET", "small", "3"}), "OK");
  EXPECT_EQ(field("persistence", "stave_disk_low"), "1");
  EXPECT_EQ(field("persistence", "stave_disk_full"), "0");
  files.free.reset();
  EXPECT_EQ(field("persistence", "stave_disk_low"), "0");
  EXPECT_EQ(run({"SET", "large", std::string(8'000'000, 'x')}), "OK");
  close();
}

TEST_F(Life, a_failed_snapshot_leaves_the_old_file_and_says_why) {
  run({"SET", "a", "1"});
  ASSERT_EQ(run({"SAVE"}), "OK");
  const std::string when = run({"LASTSAVE"});
  clock_.advance_ms(10'000);
  // A file where the directory should be.
  snapshots().configure({.directory = "store/snapshots/snapshot.stave"});
  EXPECT_TRUE(run({"SAVE"}).starts_with("-"));
  EXPECT_EQ(run({"LASTSAVE"}), when);
  EXPECT_EQ(field("persistence", "rdb_last_bgsave_status"), "err");
  EXPECT_NE(field("persistence", "stave_snapshot_last_error"), "");
  EXPECT_EQ(contents("store/snapshots/snapshot.stave").size(), 1u);
  snapshots().configure({});
  EXPECT_EQ(run({"BGSAVE"}), "Background saving started");
  EXPECT_EQ(field("persistence", "rdb_last_bgsave_status"), "ok");
}

TEST_F(Life, changes_are_counted_from_the_last_save) {
  EXPECT_EQ(field("persistence", "rdb_changes_since_last_save"), "0");
  run({"SET", "a", "1"});
  run({"INCR", "a"});
  run({"GET", "a"});
  run({"INCR", "a", "b"});
  EXPECT_EQ(field("persistence", "rdb_changes_since_last_save"), "2");
  run({"SAVE"});
  EXPECT_EQ(field("persistence", "rdb_changes_since_last_save"), "0");
  EXPECT_EQ(field("persistence", "rdb_saves"), "1");
  // A snapshot elsewhere is not the one that the schedule is about.
  run({"SET", "a", "1"});
  run({"SNAPSHOT", "other"});
  EXPECT_EQ(field("persistence", "rdb_changes_since_last_save"), "1");
}

TEST_F(Life, the_schedule_saves_when_enough_changed_and_enough_time_passed) {
  snapshots().configure({.points = *parse_save_points("900 1 60 3")});
  const auto saves = [&] {
    snapshots().tick();
    return field("persistence", "rdb_saves");
  };
  clock_.advance_ms(10'000'000);
  EXPECT_EQ(saves(), "0") << "nothing changed";
  run({"SET", "a", "1"});
  EXPECT_EQ(saves(), "1");
  run({"SET", "a", "2"});
  clock_.advance_ms(61'000);
  EXPECT_EQ(saves(), "1") << "one change is too little for a minute";
  run({"SET", "a", "3"});
  run({"SET", "a", "4"});
  EXPECT_EQ(saves(), "2");
  run({"SET", "a", "5"});
  clock_.advance_ms(899'000);
  EXPECT_EQ(saves(), "2");
  clock_.advance_ms(1000);
  EXPECT_EQ(saves(), "3");
}

TEST_F(Life, the_schedule_saves_by_age_alone_and_waits_after_a_failure) {
  snapshots().configure({.directory = "store/LOCK", .every_ms = 3'600'000});
  run({"SET", "a", "1"});
  clock_.advance_ms(3'600'000);
  snapshots().tick();
  EXPECT_EQ(field("persistence", "stave_snapshots_failed"), "1");
  snapshots().tick();
  EXPECT_EQ(field("persistence", "stave_snapshots_failed"), "1");
  snapshots().configure({.every_ms = 3'600'000});
  clock_.advance_ms(5000);
  snapshots().tick();
  EXPECT_EQ(field("persistence", "rdb_saves"), "1");
}

TEST_F(Life, cleaning_gives_back_what_was_overwritten) {
  engine_->compression().set({.codec = packing::Codec::kNone});
  const std::string value(10'000, 'x');
  for (int i = 0; i < 2000; ++i) run({"SET", "k" + std::to_string(i % 10), value + std::to_string(i)});
  const auto before = engine_->stats().log.segments;
  const Reply report = reply({"STAVE.CLEAN", "WAIT"});
  ASSERT_EQ(report.kind, Reply::Kind::kMap);
  EXPECT_EQ(report.elements[0].text, "scanned_bytes");
  EXPECT_GT(report.elements[5].integer, 0);
  EXPECT_LT(engine_->stats().log.segments, before);
  EXPECT_EQ(run({"STAVE.CLEAN"}), "Cleaning started");
  EXPECT_EQ(run({"BGREWRITEAOF"}), "Background append only file rewriting started");
  EXPECT_EQ(run({"STAVE.CLEAN", "NOW"}), "-ERR syntax error");
  EXPECT_EQ(run({"GET", "k3"}), "\"" + value + "1993\"");
  EXPECT_NE(field("stave", "cleaner_runs"), "0");
}

TEST_F(Life, a_checkpoint_tells_what_it_took) {
  run({"SET", "a", "1"});
  const Reply report = reply({"STAVE.CHECKPOINT"});
  ASSERT_EQ(report.kind, Reply::Kind::kMap);
  EXPECT_EQ(field("persistence", "stave_checkpoints"), "1");
  reopen();
  EXPECT_EQ(field("persistence", "stave_recovered_image_keys"), "1");
  EXPECT_EQ(run({"GET", "a"}), "\"1\"");
}

// --- memory ----------------------------------------------------------------------------------------------------------

TEST_F(Life, without_eviction_writes_are_refused_and_everything_else_works) {
  run({"SET", "a", "1", "EX", "1000"});
  run({"SET", "b", "abc"});
  engine_->budget().set(1, MemoryPolicy::kNoEviction);
  const std::string refusal = "-OOM command not allowed when used memory > 'maxmemory'.";
  using Call = std::vector<std::string_view>;
  for (const Call& call : {Call{"SET", "c", "1"}, Call{"MSET", "c", "1", "d", "2"}, Call{"APPEND", "b", "x"},
                           Call{"SETRANGE", "b", "9", "x"}, Call{"INCR", "a"}, Call{"INCRBYFLOAT", "a", "1"},
                           Call{"SETBIT", "b", "100", "1"}, Call{"GETSET", "b", "x"}, Call{"SETEX", "c", "10", "x"},
                           Call{"SETNX", "c", "x"}, Call{"MSETNX", "c", "x"}, Call{"COPY", "a", "c"},
                           Call{"PSETEX", "c", "10", "x"}, Call{"DECRBY", "a", "2"}, Call{"BITOP", "NOT", "c", "a"}}) {
    if (find_command(call[0]) == nullptr) continue;
    EXPECT_EQ(run(std::span(call)), refusal) << call[0];
  }
  EXPECT_EQ(run({"RENAME", "b", "c"}), "OK");
  EXPECT_EQ(run({"RENAME", "c", "b"}), "OK");
  EXPECT_EQ(run({"MOVE", "a", "1"}), "1");
  run({"SELECT", "1"});
  EXPECT_EQ(run({"MOVE", "a", "0"}), "1");
  run({"SELECT", "0"});
  EXPECT_EQ(run({"GET", "b"}), "\"abc\"");
  EXPECT_EQ(run({"TTL", "a"}), "1000");
  EXPECT_EQ(run({"EXPIRE", "a", "5"}), "1");
  EXPECT_EQ(run({"PERSIST", "a"}), "1");
  EXPECT_EQ(run({"GETDEL", "a"}), "\"1\"");
  EXPECT_EQ(run({"DEL", "b"}), "1");
  EXPECT_EQ(run({"FLUSHALL"}), "OK");
  EXPECT_EQ(run({"DBSIZE"}), "0");
  EXPECT_EQ(field("memory", "maxmemory_policy"), "noeviction");
  engine_->budget().set(0, MemoryPolicy::kNoEviction);
  EXPECT_EQ(run({"SET", "c", "1"}), "OK");
}

TEST_F(Life, frequency_is_told_under_a_policy_that_goes_by_it) {
  run({"SET", "a", "1"});
  EXPECT_TRUE(run({"OBJECT", "FREQ", "a"}).starts_with("-ERR An LFU maxmemory policy is not selected"));
  engine_->budget().set(0, MemoryPolicy::kAllKeysLfu);
  EXPECT_EQ(run({"OBJECT", "FREQ", "a"}), "0");
  for (int i = 0; i < 3; ++i) run({"GET", "a"});
  EXPECT_EQ(run({"OBJECT", "FREQ", "a"}), "3");
  EXPECT_EQ(run({"OBJECT", "FREQ", "none"}), "nil");
  engine_->budget().set(0, MemoryPolicy::kAllKeysLru);
  EXPECT_TRUE(run({"OBJECT", "IDLETIME", "a"}).starts_with("-ERR Stave keeps how often"));
}

TEST_F(Life, config_and_info_tell_the_limit) {
  engine_->budget().set(64u << 20, MemoryPolicy::kVolatileTtl);
  EXPECT_EQ(run({"CONFIG", "GET", "maxmemory"}), "{\"maxmemory\", \"67108864\"}");
  EXPECT_EQ(run({"CONFIG", "GET", "maxmemory-policy"}), "{\"maxmemory-policy\", \"volatile-ttl\"}");
  EXPECT_EQ(field("memory", "maxmemory"), "67108864");
  EXPECT_EQ(field("memory", "maxmemory_human"), "64.00M");
}

// --- errands ---------------------------------------------------------------------------------------------------------

// A door that can wait is not kept: the call leaves without an answer, and answers when it is presented again.
TEST_F(Life, what_takes_long_leaves_the_thread_of_a_door_that_can_wait) {
  run({"SET", "a", "1"});
  session_->may_leave = true;
  EXPECT_EQ(run({"SAVE"}), "nil");
  EXPECT_FALSE(answered_);
  ASSERT_NE(session_->errand, nullptr);
  base::Mutex mutex;
  base::ConditionVariable told;
  bool done = false;
  session_->errand->on_done([&] {
    base::MutexLock lock(mutex);
    done = true;
    told.notify_all();
  });
  {
    base::MutexLock lock(mutex);
    while (!done) told.wait(mutex);
  }
  EXPECT_EQ(run({"SAVE"}), "OK");
  EXPECT_EQ(session_->errand, nullptr);
  EXPECT_EQ(contents("store/snapshots/snapshot.stave").size(), 1u);
  // It was one call.
  EXPECT_NE(reply({"INFO", "commandstats"}).text.find("cmdstat_save:calls=1,"), std::string::npos);
}

TEST_F(Life, an_errand_outlives_the_session_that_asked_for_it) {
  session_->may_leave = true;
  run({"SAVE"});
  ASSERT_NE(session_->errand, nullptr);
  session_.reset();
  environment_.reset();  // joins it
  EXPECT_TRUE(there("store/snapshots/snapshot.stave") || !there("store/snapshots/snapshot.stave.partial"));
}

// The next command that takes long, of whoever has the session by then, took its result or ended the process.
TEST_F(Life, an_errand_that_nobody_came_back_for_is_not_taken_by_a_later_call) {
  session_->may_leave = true;
  run({"STAVE.CHECKPOINT"});
  const auto left_behind = session_->errand;
  ASSERT_NE(left_behind, nullptr);
  session_->reset();
  EXPECT_EQ(run({"SAVE"}), "nil");
  EXPECT_NE(session_->errand, nullptr);
  EXPECT_NE(session_->errand, left_behind);
}

// Nothing on the errand's thread caught it.
TEST(Errands, answer_for_the_memory_that_their_work_ran_out_of) {
  ErrandFor<int> errand([]() -> Result<int> { throw std::bad_alloc(); });
  errand.run();
  ASSERT_TRUE(errand.done());
  const auto result = errand.take();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::kNoMemory);
}

TEST(SavePoints, are_pairs_of_positive_numbers) {
  EXPECT_EQ(parse_save_points("")->size(), 0u);
  EXPECT_EQ(*parse_save_points(" 900  1 300 10 "), (std::vector<SavePoint>{{900, 1}, {300, 10}}));
  EXPECT_EQ(to_text(*parse_save_points("900 1 300 10")), "900 1 300 10");
  for (const char* text : {"1", "1 2 3", "a b", "0 1", "1 0", "-1 1", "1 99999999999999999999", "1,1"})
    EXPECT_FALSE(parse_save_points(text)) << text;
}

}  // namespace
}  // namespace stave::commands
