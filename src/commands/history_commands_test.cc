#include <algorithm>

#include "commands/backups.h"
#include "commands/fixture_for_test.h"
#include "commands/points.h"

namespace stave::commands {
namespace {

class HistoryCommands : public CommandsTest {
 protected:
  std::string lsn_now() { return std::to_string(raw(engine_->log().tail()) - 1); }
};

TEST_F(HistoryCommands, list_versions_show_values_and_put_them_back) {
  run({"SET", "k", "one"});
  const std::string one = lsn_now();
  const std::string at_one = std::to_string(raw(engine_->now()));
  clock_.advance_ms(1000);
  run({"SET", "k", "two", "PX", "5000"});
  run({"DEL", "k"});
  const Reply history = reply({"STAVE.HISTORY", "k"});
  ASSERT_EQ(history.elements.size(), 3u);
  EXPECT_EQ(spell(history.elements[0]).substr(0, 7), "{\"lsn\",");
  EXPECT_NE(spell(history.elements[0]).find("\"kind\", \"delete\", \"size\", 0, \"expires\", nil"), std::string::npos);
  EXPECT_NE(spell(history.elements[1]).find("\"kind\", \"set\", \"size\", 3, \"expires\", "), std::string::npos);
  EXPECT_EQ(reply({"STAVE.HISTORY", "k", "COUNT", "2"}).elements.size(), 2u);
  EXPECT_EQ(run({"STAVE.GETAT", "k", "LSN", one}), "\"one\"");
  EXPECT_EQ(run({"STAVE.GETAT", "k", "TIME", at_one}), "\"one\"");
  EXPECT_EQ(run({"STAVE.GETAT", "k", "LSN", lsn_now()}), "nil");
  EXPECT_EQ(run({"STAVE.REVERT", "k", "LSN", one}), "1");
  EXPECT_EQ(run({"GET", "k"}), "\"one\"");
  EXPECT_EQ(run({"STAVE.REVERT", "k", "LSN", lsn_now()}), "0");
  EXPECT_EQ(run({"STAVE.REVERT", "k", "LSN", "1"}), "1");
  EXPECT_EQ(run({"EXISTS", "k"}), "0");
}

TEST_F(HistoryCommands, a_revert_is_seen_by_watch) {
  run({"SET", "k", "one"});
  const std::string one = lsn_now();
  run({"SET", "k", "two"});
  const auto other = new_session();
  Lsn before{};
  ASSERT_TRUE(engine_->read({0, "k"}, store::Access::kMeta, [&](const store::ValueView* v) { before = v->version; }));
  run_in(*other, {"STAVE.REVERT", "k", "LSN", one});
  Lsn after{};
  ASSERT_TRUE(engine_->read({0, "k"}, store::Access::kMeta, [&](const store::ValueView* v) { after = v->version; }));
  EXPECT_GT(after, before);
}

TEST_F(HistoryCommands, refuse_what_is_no_point) {
  for (const std::string_view text : {"", "x", "-1", "2026-13-01", "2026-11-21T25:00", "2026-11-21T1:00"})
    EXPECT_TRUE(run({"STAVE.GETAT", "k", "TIME", text}).starts_with("-ERR")) << text;
  EXPECT_EQ(run({"STAVE.GETAT", "k", "AT", "1"}), "-ERR syntax error");
  EXPECT_TRUE(run({"STAVE.GETAT", "k", "LSN", "-5"}).starts_with("-ERR"));
  EXPECT_TRUE(run({"STAVE.HISTORY", "k", "COUNT", "0"}).starts_with("-ERR"));
  EXPECT_EQ(run({"STAVE.HISTORY", "k", "COUNTS", "1"}), "-ERR syntax error");
  EXPECT_EQ(parse_iso_time("1970-01-02T00:00:01.250Z"), UnixMs{86'401'250});
  EXPECT_EQ(parse_iso_time("2026-11-21"), UnixMs{1'795'219'200'000});
}

TEST_F(HistoryCommands, purge_leaves_no_trace_of_what_was_deleted_in_any_file) {
  options_.history_bytes = 1u << 30;
  options_.packing = Packing::kNone;
  reopen();
  run({"SET", "private", "the-secret-value"});
  run({"SET", "kept", "an-older-value"});
  run({"SET", "kept", "what-is-there-now"});
  ASSERT_TRUE(engine_->checkpoint());
  run({"DEL", "private"});
  ASSERT_TRUE(engine_->checkpoint());
  std::string where;
  const auto traces = [&](std::string_view text) {
    int found = 0;
    where.clear();
    const std::vector<std::string> names = *file_system_->list("store");
    for (const std::string& name : names) {
      auto file = *file_system_->open("store/" + name, OpenMode::kRead);
      std::string bytes(*file->size(), '\0');
      EXPECT_TRUE(file->read_at(0, std::as_writable_bytes(std::span(bytes))));
      if (bytes.find(text) == std::string::npos) continue;
      ++found;
      where = name;
    }
    return found;
  };
  ASSERT_TRUE(engine_->sync());
  EXPECT_GT(traces("the-secret-value"), 0);
  EXPECT_GT(traces("an-older-value"), 0);
  EXPECT_TRUE(run({"STAVE.PURGE", "private", "kept"}).starts_with("{\"present\", 1, \"freed_bytes\", "));
  EXPECT_EQ(traces("the-secret-value"), 0) << where;
  EXPECT_EQ(traces("private"), 0) << where;
  EXPECT_EQ(traces("an-older-value"), 0) << where;
  EXPECT_EQ(run({"GET", "kept"}), "\"what-is-there-now\"");
  reopen();
  EXPECT_EQ(run({"GET", "kept"}), "\"what-is-there-now\"");
  EXPECT_EQ(run({"GET", "private"}), "nil");
}

TEST_F(HistoryCommands, backup_says_what_it_did) {
  run({"SET", "k", "v"});
  EXPECT_TRUE(run({"STAVE.BACKUP", "b"}).starts_with("{\"first\", 4096, \"end\", "));
  EXPECT_TRUE(run({"STAVE.BACKUP", "store"}).starts_with("-"));
}

TEST_F(HistoryCommands, backup_status_tells_of_what_was_asked_for_and_of_the_schedule) {
  EXPECT_NE(run({"STAVE.BACKUP", "status"}).find("\"last\", 0, \"last_iso\", nil"), std::string::npos);
  run({"SET", "k", "v"});
  run({"STAVE.BACKUP", "b"});
  EXPECT_NE(run({"STAVE.BACKUP", "STATUS"}).find("\"made\", 1, \"failed\", 0"), std::string::npos);
  run({"STAVE.BACKUP", "store"});  // it is a store
  const std::string failed = run({"STAVE.BACKUP", "STATUS"});
  EXPECT_NE(failed.find("\"last_status\", \"err\""), std::string::npos) << failed;
  EXPECT_NE(failed.find("\"made\", 1, \"failed\", 1"), std::string::npos) << failed;
}

TEST_F(HistoryCommands, backups_are_made_when_they_are_due) {
  Backups& backups = environment_->backups();
  run({"SET", "k", "v"});
  backups.tick();
  EXPECT_EQ(backups.state().made, 0U) << "no schedule";
  backups.configure({.root = "auto", .every_ms = 60'000, .keep = {.count = 2}});
  for (std::uint64_t i = 1; i <= 4; ++i) {
    backups.tick();
    EXPECT_EQ(backups.state().made, i);
    backups.tick();
    EXPECT_EQ(backups.state().made, i) << "not due yet";
    EXPECT_EQ(backups.state().kept, std::min<std::uint64_t>(i, 2));
    clock_.advance_ms(60'000);
  }
  // Another process finds what is there, and goes on from it.
  const UnixMs last = backups.state().last_time;
  Backups next(*engine_);
  next.configure({.root = "auto", .every_ms = 600'000, .keep = {.count = 2}});
  EXPECT_EQ(next.state().last_time, last);
  EXPECT_EQ(next.state().kept, 2U);
  next.tick();
  EXPECT_EQ(next.state().made, 0U);
}

}  // namespace
}  // namespace stave::commands
