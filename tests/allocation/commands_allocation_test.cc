// Memory runs out at every moment it can, in every row of the command table. Whatever is answered, the store is wholly
// as before or wholly as after, says which, no shard stays locked, and the next command works.
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "allocation/failing_allocation.h"
#include "allocation/store_state.h"
#include "allocation/uncounted_files.h"
#include "commands/errands.h"
#include "commands/examples_for_test.h"
#include "commands/fixture_for_test.h"

namespace stave::commands {
namespace {

using sim::FailingAllocation;
using store::State;

/// What a door has in place before a command runs: room for the answer, of which only its kind is looked at.
class KindSink final : public Sink {
 public:
  void status(std::string_view) override { add(1); }
  void error(std::string_view text) override {
    refused_ |= begun_ == 0;
    no_memory_ |= text.starts_with("OOM ");
    add(1);
  }
  void integer(std::int64_t) override { add(1); }
  void bulk(std::string_view) override { add(1); }
  void shared_bulk(const SharedBytes&) override { add(1); }
  void null() override { add(1); }
  void null_array() override { add(1); }
  void array(std::size_t count) override { add(1, count); }
  void map(std::size_t pairs) override { add(1, 2 * pairs); }
  void set(std::size_t count) override { add(1, count); }
  void real(double) override { add(1); }
  void boolean(bool) override { add(1); }
  void big_number(std::string_view) override { add(1); }
  void verbatim(std::string_view, std::string_view) override { add(1); }
  void push(std::size_t count) override { add(1, count); }
  [[nodiscard]] int protocol() const noexcept override { return 3; }

  /// Every value that was announced has come.
  [[nodiscard]] bool complete() const noexcept { return begun_ != 0 && missing_ == 0; }
  [[nodiscard]] bool refused() const noexcept { return refused_; }
  [[nodiscard]] bool no_memory() const noexcept { return no_memory_; }

 private:
  void add(std::size_t values, std::size_t announced = 0) noexcept {
    if (begun_ != 0) missing_ -= values;
    begun_ += values;
    missing_ += announced;
  }

  std::size_t begun_ = 0;
  std::size_t missing_ = 0;
  bool refused_ = false;
  bool no_memory_ = false;
};

class Subject {
 public:
  Subject() {
    Options options;
    options.file_system = files_.get();
    options.clock = &clock_;
    options.background = false;
    options.shards = 4;
    options.databases = 2;
    options.segment_bytes = 64u << 10;
    options.log_buffer_bytes = 64u << 10;
    options.sync = Sync::kOs;
    options.disk_reserve_bytes = 0;
    options.checkpoint_bytes = 0;
    options.checkpoint_interval_ms = 0;
    options.max_space_amplification = 0;
    auto opened = store::Engine::open("/store", options);
    if (!opened) return;
    engine_ = std::move(*opened);
    environment_ = std::make_unique<Environment>(*engine_, host_);
    ClientInfo info;
    info.protocol = 3;
    session_ = std::make_unique<Session>(*environment_, info, nullptr);
    for (const Words& words : {Words{"SET", "k", "41"}, Words{"SET", "k2", "xyz", "EX", "100"}, Words{"SELECT", "1"},
                               Words{"SET", "k", "elsewhere"}, Words{"SELECT", "0"}})
      run(words);
  }
  void run(const Words& words) {
    const std::vector<std::string_view> views(words.begin(), words.end());
    KindSink sink;
    dispatch(*session_, views, sink);
    static_cast<void>(engine_->wait(session_->take_pending()));
  }
  store::Engine& engine() { return *engine_; }
  Session& session() { return *session_; }

 private:
  std::unique_ptr<FileSystem> memory_files_ = make_memory_file_system();
  std::unique_ptr<FileSystem> files_ = sim::make_uncounted_file_system(*memory_files_);
  ManualClock clock_;
  TestHost host_;
  std::unique_ptr<store::Engine> engine_;
  std::unique_ptr<Environment> environment_;
  std::unique_ptr<Session> session_;
};

std::string text_of(const Words& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word.substr(0, 20);
  return text;
}

std::uint64_t points = 0;

/// False when the call got through untouched.
bool point(const std::vector<std::string_view>& call, std::uint64_t nth, FailingAllocation::How how,
           const State& after) {
  ++points;
  Subject subject;
  const State before = state_of(subject.engine());
  KindSink sink;
  bool hit = false;
  {
    FailingAllocation failing(nth, how);
    dispatch(subject.session(), call, sink);
    hit = failing.hit();
  }
  EXPECT_TRUE(sink.complete() || subject.session().closing()) << "half an answer, and the connection stays";
  EXPECT_TRUE(all_unlocked(subject.engine()));
  if (::testing::Test::HasFailure()) return false;
  const State now = state_of(subject.engine());
  EXPECT_TRUE(now == before || now == after) << "half of it was done";
  if (sink.no_memory() && sink.refused()) {
    EXPECT_TRUE(now == before) << "it was done, but refused";
  }
  if (sink.complete() && !sink.no_memory()) {
    EXPECT_TRUE(now == after) << "it was not done";
  }
  // MULTI may be what was done, and would only queue it.
  if (subject.session().in_multi) subject.run({"DISCARD"});
  subject.run({"SET", "next", "after"});
  // SELECT may have been among what was done.
  const State later = state_of(subject.engine());
  EXPECT_EQ(later.count({0, "next"}) + later.count({1, "next"}), 1u);
  return hit && !::testing::Test::HasFailure();
}

void run_out_in(const Words& words) {
  const std::vector<std::string_view> call(words.begin(), words.end());
  State after;
  {
    Subject subject;
    subject.run(words);
    after = state_of(subject.engine());
  }
  for (const auto how : {FailingAllocation::How::kOnce, FailingAllocation::How::kForGood}) {
    for (std::uint64_t nth = 1; nth < 10'000; ++nth) {
      SCOPED_TRACE(text_of(words) + (how == FailingAllocation::How::kOnce ? ", once: " : ", for good: ") +
                   std::to_string(nth));
      if (!point(call, nth, how, after)) break;
    }
  }
}

TEST(CommandsAllocation, of_a_row_about_keys_fails_and_nothing_or_all_of_it_was_done) {
  for (const Example& example : key_examples())
    for (const Words& words : example.calls) {
      run_out_in(words);
      if (HasFailure()) return;
    }
  std::printf("%llu points\n", static_cast<unsigned long long>(points));
}

// The client had its error, and the door waited for an errand that nobody had begun.
TEST(CommandsAllocation, of_a_call_that_may_leave_fails_and_it_is_answered_or_under_way) {
  for (const char* const name : {"SAVE", "STAVE.CHECKPOINT"}) {
    bool hit = true;
    for (std::uint64_t nth = 1; hit && nth < 10'000; ++nth) {
      SCOPED_TRACE(std::string(name) + ", " + std::to_string(nth));
      Subject subject;
      subject.session().may_leave = true;
      const std::vector<std::string_view> call = {name};
      KindSink sink;
      {
        FailingAllocation failing(nth);
        dispatch(subject.session(), call, sink);
        hit = failing.hit();
      }
      ASSERT_NE(sink.complete(), subject.session().errand != nullptr);
    }
    EXPECT_FALSE(hit);
  }
}

TEST(CommandsAllocation, of_a_row_about_anything_else_fails_and_nothing_or_all_of_it_was_done) {
  for (const Example& example : other_examples())
    for (const Words& words : example.calls) {
      run_out_in(words);
      if (HasFailure()) return;
    }
  std::printf("%llu points\n", static_cast<unsigned long long>(points));
}

}  // namespace
}  // namespace stave::commands
