// A leader and its followers, whole stores, over streams in memory that break.
#include <gtest/gtest.h>

#include "replication/pair_for_test.h"
#include "testing/sim_file_system.h"

namespace stave::replication {
namespace {

class Replication : public ::testing::Test {
 protected:
  void TearDown() override {
    follower.close();
    leader.close();
  }
  /// Has the follower follow on a thread until it has everything, or asks to be opened again.
  void catch_up(Machine& machine, const Dial& dial, bool must_arrive = true) {
    machine.follow(dial);
    std::atomic<bool> gave_up{false};
    std::thread thread([&] {
      for (int tries = 0; tries < 5000 && machine.wanted().what == Rebuild::What::kNothing; ++tries) {
        if (auto ended = machine.follower->follow_once(); !ended) why_ = ended.error().describe();
        if (!machine.engine->log().health()) gave_up.store(true);
        if (done_.load() || gave_up.load()) return;
      }
    });
    ASSERT_TRUE(leader.engine->log().wait_written(leader.engine->log().tail()));
    static_cast<void>(eventually([&] {
      return gave_up.load() || machine.wanted().what != Rebuild::What::kNothing ||
             machine.engine->log().tail() >= leader.engine->log().tail();
    }));
    done_.store(true);
    machine.follower->stop();
    thread.join();
    done_.store(false);
    EXPECT_TRUE(!must_arrive || machine.wanted().what != Rebuild::What::kNothing ||
                machine.engine->log().tail() >= leader.engine->log().tail())
        << why_;
  }
  void reopen(Machine& machine, const Dial& dial) {
    machine.close();
    auto opened = machine.open_to_follow(dial);
    ASSERT_TRUE(opened) << opened.error().describe();
  }
  void expect_equal(Machine& machine) {
    ASSERT_EQ(machine.engine->log().tail(), leader.engine->log().tail());
    const Lsn first = std::max(machine.engine->log().stats().first, leader.engine->log().stats().first);
    EXPECT_EQ(records_of(*machine.engine, first), records_of(*leader.engine, first));
    // Both clocks tell the same time, so that the same keys are past their time.
    EXPECT_EQ(contents_of(*machine.engine), contents_of(*leader.engine));
  }

  std::unique_ptr<FileSystem> files = make_memory_file_system();
  Machine leader{*files, "/leader"};
  Machine follower{*files, "/follower"};
  std::atomic<bool> done_{false};
  std::string why_;
};

TEST_F(Replication, a_follower_that_has_nothing_gets_everything_and_goes_on) {
  std::mt19937_64 random(1);
  leader.lead();
  load_some(leader, random, 3000);
  ASSERT_TRUE(leader.engine->clean());
  const Dial dial = dial_to(leader);
  ASSERT_TRUE(follower.open_to_follow(dial));
  EXPECT_FALSE(follower.engine->terms().whole(follower.engine->log().tail()));
  for (int round = 0; round < 5; ++round) {
    catch_up(follower, dial);
    EXPECT_EQ(follower.wanted().what, Rebuild::What::kNothing);
    EXPECT_TRUE(follower.engine->terms().whole(follower.engine->log().tail()));
    expect_equal(follower);
    EXPECT_GT(leader.engine->terms().number(), 0u);
    EXPECT_EQ(follower.engine->terms().number(), leader.engine->terms().number());
    load_some(leader, random, 300);
    follower.engine->tick();
    reopen(follower, dial);
  }
}

TEST_F(Replication, a_follower_refuses_writers_and_decides_nothing) {
  std::mt19937_64 random(2);
  leader.lead();
  load_some(leader, random, 500);
  const Dial dial = dial_to(leader);
  ASSERT_TRUE(leader.engine->put({0, "short"}, "v", {.at = leader.engine->now() + 100, .sliding_ms = 0}));
  ASSERT_TRUE(leader.engine->put({0, "sliding"}, "v", {.at = leader.engine->now() + 1000, .sliding_ms = 1000}));
  ASSERT_TRUE(follower.open_to_follow(dial));
  catch_up(follower, dial);
  const Lsn end = follower.engine->log().tail();
  EXPECT_EQ(follower.engine->put({0, "a"}, "b", Expiry{}).error().code(), ErrorCode::kReadOnly);
  EXPECT_EQ(follower.engine->flush(0).error().code(), ErrorCode::kReadOnly);
  EXPECT_EQ(follower.engine->clean().error().code(), ErrorCode::kReadOnly);
  follower.clock.advance_ms(500);
  bool there = true;
  ASSERT_TRUE(follower.engine->read({0, "short"}, store::Access::kTouch,
                                    [&](const store::ValueView* view) { there = view != nullptr; }));
  EXPECT_FALSE(there) << "its time is up, whoever says so";
  ASSERT_TRUE(follower.engine->read({0, "sliding"}, store::Access::kTouch,
                                    [&](const store::ValueView* view) { there = view != nullptr; }));
  EXPECT_TRUE(there);
  for (int i = 0; i < 50; ++i) follower.engine->tick();
  ASSERT_TRUE(follower.engine->checkpoint());
  EXPECT_EQ(follower.engine->log().tail(), end);
}

TEST_F(Replication, connections_that_break_or_spoil_bytes_anywhere_lose_nothing) {
  std::mt19937_64 random(3);
  leader.lead();
  load_some(leader, random, 1500);
  std::uint64_t budget = 700;
  int broken = 0;
  const Dial dial = dial_to(leader, [&](std::uint64_t at, std::vector<std::byte>& bytes) {
    if (at + bytes.size() < budget) return false;
    const std::size_t place = budget > at ? static_cast<std::size_t>(budget - at) : 0;
    budget = 600 + random() % 200'000;
    ++broken;
    if (random() % 2 == 0 && place < bytes.size()) {
      bytes[place] ^= std::byte{0x10};
      return false;
    }
    bytes.resize(std::min(bytes.size(), place));
    return true;
  });
  // What begins it must come through.
  for (int tries = 0; tries < 50 && !follower.engine; ++tries) {
    follower.tries = 0;
    static_cast<void>(follower.open_to_follow(dial));
  }
  ASSERT_TRUE(follower.engine);
  for (int round = 0; round < 8; ++round) {
    catch_up(follower, dial);
    ASSERT_EQ(follower.wanted().what, Rebuild::What::kNothing);
    expect_equal(follower);
    load_some(leader, random, 1500);
    if (round % 2 == 0) reopen(follower, dial);
  }
  EXPECT_GT(broken, 3);
}

TEST_F(Replication, a_follower_that_dies_at_any_write_goes_on_where_it_was) {
  std::mt19937_64 random(4);
  leader.lead();
  load_some(leader, random, 400);
  bool ran_through = false;
  int rounds = 0;
  for (std::uint64_t number = 5; !ran_through; number += 1 + number / 20, ++rounds) {
    sim::SimFileSystem disk(number);
    disk.crash_at(number);
    const Dial dial = dial_to(leader);
    {
      Machine dying(disk, "/follower");
      if (dying.open_to_follow(dial)) {
        catch_up(dying, dial, false);
        static_cast<void>(dying.engine->sync());
        static_cast<void>(dying.engine->checkpoint());
      }
      ran_through = !disk.crashed();
      dying.follower.reset();
      dying.engine.reset();
    }
    for (const sim::CrashMode mode : sim::kCrashModes) {
      sim::SimFileSystem left = disk.after_crash(mode, number);
      Machine again(left, "/follower");
      auto opened = again.open_to_follow(dial);
      ASSERT_TRUE(opened) << number << ": " << opened.error().describe();
      catch_up(again, dial);
      ASSERT_EQ(again.wanted().what, Rebuild::What::kNothing);
      expect_equal(again);
      again.close();
    }
  }
  EXPECT_GT(rounds, 20);
}

TEST_F(Replication, a_follower_that_is_ahead_cuts_what_its_leader_has_not) {
  std::mt19937_64 random(5);
  sim::SimFileSystem disk(5);
  Machine shaky(disk, "/leader");
  std::swap(shaky.engine, leader.engine);
  shaky.lead();
  load_some(shaky, random, 300);
  std::swap(shaky.engine, leader.engine);
  std::swap(shaky.followers, leader.followers);
  const Dial dial = dial_to(leader);
  ASSERT_TRUE(follower.open_to_follow(dial));
  catch_up(follower, dial);
  ASSERT_TRUE(leader.engine->sync());
  // Written, sent, and on no disk of the leader's.
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(leader.engine->put({0, "late" + std::to_string(i)}, "v", Expiry{}));
  catch_up(follower, dial);
  const Lsn ahead = follower.engine->log().tail();
  ASSERT_EQ(ahead, leader.engine->log().tail());
  sim::SimFileSystem left = disk.after_crash(sim::CrashMode::kDropUnsynced, 5);
  leader.followers->stop();
  leader.followers.reset();
  leader.engine.reset();
  Machine risen(left, "/leader");
  risen.lead();
  ASSERT_LT(risen.engine->log().tail(), ahead);
  std::swap(risen.engine, leader.engine);
  std::swap(risen.followers, leader.followers);
  load_some(leader, random, 30);
  catch_up(follower, dial);
  ASSERT_EQ(follower.wanted().what, Rebuild::What::kCut);
  reopen(follower, dial);
  catch_up(follower, dial);
  expect_equal(follower);
  const auto names = files->list("/follower");
  ASSERT_TRUE(names);
  EXPECT_TRUE(std::any_of(names->begin(), names->end(), [](const auto& name) { return name.ends_with(".cut"); }));
  follower.close();
  leader.close();
}

TEST_F(Replication, a_follower_takes_over_and_its_former_leader_follows_it) {
  std::mt19937_64 random(6);
  leader.lead();
  load_some(leader, random, 300);
  const Dial dial = dial_to(leader);
  ASSERT_TRUE(follower.open_to_follow(dial));
  catch_up(follower, dial);
  expect_equal(follower);
  // A tail that nobody has.
  load_some(leader, random, 40);
  leader.close();
  const std::uint64_t term = follower.engine->terms().number();
  ASSERT_TRUE(follower.engine->lead());
  EXPECT_EQ(follower.engine->terms().number(), term + 1);
  follower.follower.reset();
  follower.followers = std::make_unique<Followers>(*follower.engine, [](const std::string&) {});
  follower.engine->upkeep().history_bytes.store(std::uint64_t{1} << 30);
  load_some(follower, random, 200);
  std::swap(leader.engine, follower.engine);
  std::swap(leader.followers, follower.followers);
  // Now `leader` is the machine that leads, and the other directory is that of the former one.
  Machine former(*files, "/leader");
  const Dial to_new = dial_to(leader);
  former.told = "new:2";
  ASSERT_TRUE(former.open_to_follow(to_new));
  catch_up(former, to_new);
  ASSERT_EQ(former.wanted().what, Rebuild::What::kCut);
  reopen(former, to_new);
  catch_up(former, to_new);
  former.clock.advance_ms(raw(leader.engine->now()) - raw(former.engine->now()));
  expect_equal(former);
  former.close();
}

TEST_F(Replication, what_a_leader_has_not_any_more_is_begun_anew) {
  std::mt19937_64 random(7);
  leader.lead();
  load_some(leader, random, 200);
  const Dial dial = dial_to(leader);
  ASSERT_TRUE(follower.open_to_follow(dial));
  catch_up(follower, dial);
  // A follower that is gone is waited for, up to so much.
  leader.engine->upkeep().keep_bytes_max.store(1 << 16);
  for (int i = 0; i < 4; ++i) {
    load_some(leader, random, 1500);
    ASSERT_TRUE(leader.engine->clean());
  }
  ASSERT_GT(leader.engine->log().stats().first, follower.engine->log().tail());
  catch_up(follower, dial);
  ASSERT_EQ(follower.wanted().what, Rebuild::What::kAnew);
  reopen(follower, dial);
  catch_up(follower, dial);
  expect_equal(follower);
}

TEST_F(Replication, what_a_follower_has_yet_to_read_stays) {
  std::mt19937_64 random(8);
  leader.lead();
  load_some(leader, random, 200);
  const Dial dial = dial_to(leader);
  ASSERT_TRUE(follower.open_to_follow(dial));
  catch_up(follower, dial);
  for (int i = 0; i < 4; ++i) {
    load_some(leader, random, 1500);
    ASSERT_TRUE(leader.engine->clean());
  }
  EXPECT_LE(leader.engine->log().stats().first, follower.engine->log().tail());
  catch_up(follower, dial);
  EXPECT_EQ(follower.wanted().what, Rebuild::What::kNothing);
  expect_equal(follower);
}

TEST_F(Replication, a_store_with_data_of_its_own_is_not_given_up) {
  leader.lead();
  ASSERT_TRUE(leader.engine->put({0, "a"}, "1", Expiry{}));
  {
    Machine other(*files, "/follower");
    other.lead();
    ASSERT_TRUE(other.engine->put({0, "mine"}, "1", Expiry{}));
    other.close();
  }
  const Dial dial = dial_to(leader);
  EXPECT_EQ(follower.open_to_follow(dial).error().code(), ErrorCode::kConflict);
  {
    Machine other(*files, "/follower");
    other.lead();
    EXPECT_EQ(contents_of(*other.engine).size(), 1u);
    ASSERT_TRUE(other.engine->flush_all());
    other.close();
  }
  auto opened = follower.open_to_follow(dial);
  ASSERT_TRUE(opened) << opened.error().describe();
  catch_up(follower, dial);
  expect_equal(follower);
}

TEST_F(Replication, a_leader_of_another_store_or_of_an_earlier_term_is_not_followed) {
  leader.lead();
  ASSERT_TRUE(leader.engine->put({0, "a"}, "1", Expiry{}));
  const Dial dial = dial_to(leader);
  ASSERT_TRUE(follower.open_to_follow(dial));
  catch_up(follower, dial);
  ASSERT_TRUE(follower.engine->terms().change([](store::NodeState& state) { state.promised += 5; }));
  follower.follow(dial);
  auto refused = follower.follower->follow_once();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kConflict) << refused.error().describe();
  follower.close();
  leader.close();
  Machine other(*files, "/other");
  other.lead();
  ASSERT_TRUE(other.engine->put({0, "b"}, "1", Expiry{}));
  const Dial to_other = dial_to(other);
  ASSERT_TRUE(follower.open_to_follow(to_other));
  refused = follower.follower->follow_once();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kConflict) << refused.error().describe();
  follower.close();
  other.close();
}

TEST_F(Replication, half_a_copy_is_no_store_and_does_not_lead) {
  std::mt19937_64 random(9);
  leader.lead();
  load_some(leader, random, 500);
  const Dial dial = dial_to(leader);
  ASSERT_TRUE(follower.open_to_follow(dial));
  EXPECT_EQ(follower.engine->lead().error().code(), ErrorCode::kConflict);
  follower.close();
  EXPECT_EQ(store::Engine::open("/follower", follower.options).error().code(), ErrorCode::kConflict);
  ASSERT_TRUE(follower.open_to_follow(dial));
  catch_up(follower, dial);
  expect_equal(follower);
  follower.close();
  // Whole, it is one, which still follows.
  auto alone = store::Engine::open("/follower", follower.options);
  ASSERT_TRUE(alone) << alone.error().describe();
  EXPECT_EQ(contents_of(**alone), contents_of(*leader.engine));
  EXPECT_TRUE((*alone)->follows());
}

TEST_F(Replication, waiting_counts_what_followers_say_of_their_disks) {
  leader.lead();
  ASSERT_TRUE(leader.engine->put({0, "a"}, "1", Expiry{}));
  const Dial dial = dial_to(leader);
  follower.options.sync = Sync::kAlways;
  ASSERT_TRUE(follower.open_to_follow(dial));
  std::thread thread([&] { static_cast<void>(follower.follower->follow_once()); });
  ASSERT_TRUE(eventually([&] { return leader.followers->size() != 0; }));
  ASSERT_TRUE(leader.engine->put({0, "b"}, "2", Expiry{}));
  const Lsn end = leader.engine->log().tail();
  ASSERT_TRUE(leader.engine->log().wait_written(end));
  std::atomic<int> called{0};
  const auto here = std::make_shared<int>(0);
  leader.followers->when({.lsn = end, .count = 1}, here, [&] { ++called; });
  ASSERT_TRUE(eventually([&] { return called != 0; }));
  EXPECT_EQ(called, 1);
  EXPECT_EQ(leader.followers->with_written(end), 1u);
  EXPECT_EQ(leader.followers->with_durable(end), 1u);
  EXPECT_EQ(leader.followers->with_written(end + 1), 0u);
  // One that cannot be fulfilled ends with its time.
  leader.followers->when({.lsn = end + 1, .count = 1, .deadline_ns = 1}, here, [&] { ++called; });
  EXPECT_EQ(called, 2);
  // Not with the last follower: another one may come. Who has gone is not called.
  leader.followers->when({.lsn = end + 1, .count = 1}, here, [&] { ++called; });
  leader.followers->when({.lsn = end + 1, .count = 1}, std::make_shared<int>(0), [&] { called = 100; });
  EXPECT_EQ(called, 2);
  follower.follower->stop();
  thread.join();
  ASSERT_TRUE(eventually([&] { return leader.followers->size() == 0; }));
  EXPECT_EQ(called, 2);
  // Its time is looked at although nobody says anything any more.
  leader.followers->when({.lsn = end + 1, .count = 1, .deadline_ns = leader.clock.monotonic_ns() + 1}, here,
                         [&] { ++called; });
  leader.clock.advance_ms(1);
  ASSERT_TRUE(eventually([&] { return called == 3; }));
  leader.followers->stop();
  EXPECT_EQ(called, 4);
}

TEST_F(Replication, what_a_lost_follower_had_yet_to_read_is_let_go_though_no_other_comes) {
  std::mt19937_64 random(9);
  leader.lead();
  load_some(leader, random, 200);
  const Dial dial = dial_to(leader);
  ASSERT_TRUE(follower.open_to_follow(dial));
  catch_up(follower, dial);
  const Lsn end = follower.engine->log().tail();
  ASSERT_TRUE(eventually([&] { return leader.followers->size() == 0; }));
  for (int i = 0; i < 3; ++i) {
    load_some(leader, random, 1500);
    ASSERT_TRUE(leader.engine->clean());
  }
  EXPECT_LE(leader.engine->log().stats().first, end);
  leader.clock.advance_ms(static_cast<std::int64_t>(Followers::kKeptNs / 1'000'000) + 1);
  EXPECT_TRUE(eventually([&] {
    load_some(leader, random, 50);
    EXPECT_TRUE(leader.engine->clean());
    return leader.engine->log().stats().first > end;
  }));
}

TEST_F(Replication, answers_wait_for_as_many_followers_as_are_asked_for) {
  leader.lead();
  ASSERT_TRUE(leader.engine->put({0, "a"}, "1", Expiry{}));
  store::Engine& engine = *leader.engine;
  EXPECT_FALSE(engine.replicas().lacking());
  engine.replicas().ask(1, 0);
  EXPECT_TRUE(engine.replicas().lacking());
  const auto pending = engine.put({0, "b"}, "2", Expiry{});
  ASSERT_TRUE(pending);
  ASSERT_TRUE(engine.sync());
  EXPECT_TRUE(engine.on_disk(*pending));
  EXPECT_FALSE(engine.fulfilled(*pending));
  // Who reads what they may not have, waits likewise; also for what was there before.
  const auto seen = engine.read({0, "a"}, store::Access::kPeek, [](const store::ValueView*) {});
  ASSERT_TRUE(seen);
  EXPECT_FALSE(engine.fulfilled(*seen));
  std::atomic<int> news{0};
  const std::uint64_t handle = engine.replicas().add_listener([&] { ++news; });
  const Dial dial = dial_to(leader);
  ASSERT_TRUE(follower.open_to_follow(dial));
  // It syncs although its own policy does not want it to.
  follower.engine->set_sync(Sync::kOs);
  std::thread thread([&] { static_cast<void>(follower.follower->follow_once()); });
  EXPECT_TRUE(eventually([&] { return engine.fulfilled(*pending); }));
  EXPECT_GT(news, 0);
  EXPECT_FALSE(engine.replicas().lacking());
  EXPECT_TRUE(engine.replicas().lacking(2));
  const auto now = engine.read({0, "b"}, store::Access::kPeek, [](const store::ValueView*) {});
  ASSERT_TRUE(now);
  EXPECT_TRUE(engine.fulfilled(*now));
  for (int i = 0; i < 20; ++i) {
    const auto more = engine.put({0, "c"}, std::to_string(i), Expiry{});
    ASSERT_TRUE(more);
    ASSERT_TRUE(engine.wait(*more));
    EXPECT_TRUE(eventually([&] { return engine.fulfilled(*more); }));
    EXPECT_GE(raw(follower.engine->log().durable()), raw(more->replicated));
  }
  follower.follower->stop();
  thread.join();
  EXPECT_TRUE(eventually([&] { return engine.replicas().lacking(); }));
  EXPECT_TRUE(engine.fulfilled(*pending)) << "what was said once stays true";
  engine.replicas().remove_listener(handle);
}

TEST_F(Replication, strangers_are_let_go_without_harm) {
  leader.lead();
  ASSERT_TRUE(leader.engine->put({0, "a"}, "1", Expiry{}));
  std::mt19937_64 random(10);
  const Hello hello{
      .store_id = {}, .node = {}, .end = kNoLsn, .promised = 0, .port = 0, .terms = {}, .dictionaries = {}};
  const std::string text = encode(hello);
  const Frame good{.kind = FrameKind::kHello, .payload = std::as_bytes(std::span(text))};
  for (int round = 0; round < 16; ++round) {
    auto wires = std::make_shared<Wires>();
    leader.followers->serve(std::make_unique<MemoryLink>(wires, 0));
    MemoryLink link(wires, 1);
    const FrameHeader header = encode_header(good);
    std::vector<std::byte> bytes(header.begin(), header.end());
    bytes.insert(bytes.end(), good.payload.begin(), good.payload.end());
    switch (round % 4) {
      case 0: bytes[random() % bytes.size()] ^= static_cast<std::byte>(1u << (random() % 8)); break;
      case 1: {
        // It announces more than there is room for anywhere.
        const std::uint32_t huge = 0xffff'ffff;
        std::memcpy(bytes.data() + 8, &huge, sizeof huge);
        break;
      }
      case 2:
        for (std::byte& b : bytes) b = static_cast<std::byte>(random());
        break;
      default: bytes.resize(random() % bytes.size()); break;
    }
    static_cast<void>(link.send(bytes));
    if (round % 4 == 3) link.shut();
    // Never an answer that lets it in.
    FrameReader reader(link);
    const auto answer = reader.next(round % 4 == 0 ? 50 : 1000);
    if (answer && *answer) {
      EXPECT_EQ((*answer)->kind, FrameKind::kRefusal);
    }
  }
  EXPECT_EQ(leader.followers->size(), 0u);
}

TEST(Hello, agreement_is_where_histories_part) {
  const auto term = [](std::uint64_t number, int leader, std::uint64_t first) {
    return store::Term{.number = number, .leader = {static_cast<std::byte>(leader)}, .first = Lsn{first}};
  };
  const std::vector<store::Term> one = {term(1, 1, 100)};
  const std::vector<store::Term> two = {term(1, 1, 100), term(2, 2, 500)};
  const std::vector<store::Term> other = {term(1, 1, 100), term(2, 3, 400)};
  EXPECT_EQ(agreed(one, Lsn{300}, one, Lsn{900}), Lsn{300});
  EXPECT_EQ(agreed(one, Lsn{900}, two, Lsn{700}), Lsn{500}) << "ahead in an old term";
  EXPECT_EQ(agreed(one, Lsn{300}, two, Lsn{700}), Lsn{300});
  EXPECT_EQ(agreed(two, Lsn{900}, other, Lsn{900}), Lsn{400}) << "two leaders took the same number";
  EXPECT_EQ(agreed({}, Lsn{300}, two, Lsn{900}), Lsn{100});
}

}  // namespace
}  // namespace stave::replication
