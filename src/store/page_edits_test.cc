// Pages that are changed where they lie: beside a map, undone and committed, in memory, from the log and from an image.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "store/options_for_test.h"
#include "store/pages.h"
#include "testing/sim_file_system.h"
#include "types/hash/paged.h"

namespace stave::store {
namespace {

using Model = std::map<types::PageId, std::string>;

class PageEdits : public ::testing::Test {
 protected:
  static constexpr types::PageId kPages = 12;
  static constexpr Lsn kIdentity{4711};

  // A root names the pages, or they would be swept away.
  void SetUp() override {
    open();
    Transaction transaction(*engine, {0, "root"});
    const std::string root = paged_value(kIdentity, types::hash::Paged::empty_root(1));
    ASSERT_TRUE(transaction.put({0, "root"}, root, {}, ValueType::kPagedHash));
    ASSERT_TRUE(transaction.commit());
  }
  void open() {
    engine.reset();
    Options options = still_options(disk, clock, 2);
    options.notice = [](std::string_view) {};
    auto opened = Engine::open("/db", options);
    ASSERT_TRUE(opened) << opened.error().describe();
    engine = std::move(*opened);
  }
  void close_and_open() {
    ASSERT_TRUE(engine->close());
    open();
  }
  void die() {
    ASSERT_TRUE(engine->wait({.written = engine->log().tail()}));
    open();
  }
  void spill() {
    engine->budget().set(1, MemoryPolicy::kSpill);
    for (int i = 0; i < 20; ++i) engine->budget().settle();
    engine->budget().set(0, MemoryPolicy::kSpill);
  }
  std::string any_bytes(std::size_t most) {
    std::string bytes(random.below(most + 1), '\0');
    for (char& byte : bytes) byte = static_cast<char>('a' + random.below(26));
    return bytes;
  }
  void edit(TransactionPages& pages, types::PageId page, std::string& held) {
    std::vector<base::Edit> edits;
    std::vector<std::string> in(5);
    std::size_t from = 0;
    // Five are more than are made in place.
    for (auto count = 1 + random.below(random.one_in(8) ? 5 : 2); count != 0; --count) {
      std::string& bytes = in[count - 1] = any_bytes(random.one_in(6) ? 300 : 30);
      const std::size_t at = from + random.below(held.size() - from + 1);
      const std::size_t out = random.coin() ? std::min(bytes.size(), held.size() - at)
                                            : random.below(std::min<std::size_t>(held.size() - at, 40) + 1);
      edits.push_back({.at = at, .out = out, .in = bytes});
      from = at + out;
    }
    std::string after(base::edited_size(edits, held.size()), '?');
    if (after.empty()) return;
    base::copy_edited(held, edits, after.data());
    if (random.coin()) {
      EXPECT_EQ(pages.read(page), held);
    }
    pages.edit(page, edits);
    held = after;
  }
  void change(TransactionPages& pages, Model& model) {
    const types::PageId page = random.below(kPages);
    const auto at = model.find(page);
    if (at == model.end() || random.one_in(12)) {
      const std::string bytes = "p" + any_bytes(1100);
      pages.write(page, bytes);
      model[page] = bytes;
    } else if (random.one_in(20)) {
      pages.erase(page);
      model.erase(at);
      return;
    } else {
      edit(pages, page, at->second);
    }
    ASSERT_FALSE(pages.failed());
    EXPECT_EQ(pages.read(page), model.at(page));
  }
  void check(const std::string& when) {
    Transaction transaction(*engine, {0, "k"});
    TransactionPages pages(transaction, kIdentity);
    for (const auto& [page, bytes] : wanted) ASSERT_EQ(pages.read(page), bytes) << when << ", page " << page;
    for (types::PageId page = 0; page != kPages; ++page) {
      TransactionPages one(transaction, kIdentity);
      EXPECT_EQ(one.read(page).empty(), !wanted.contains(page)) << when << ", page " << page;
    }
    const int database = pages_database(engine->keyspace());
    EXPECT_EQ(engine->keyspace().size(database), wanted.size()) << when;
  }
  void check_memory() {
    for (std::size_t i = 0; i != engine->keyspace().shard_count(); ++i) {
      keyspace::Shard& shard = engine->keyspace().shard(static_cast<keyspace::ShardId>(i));
      base::ShortLock lock(shard.mutex());
      shard.check();
    }
  }

  sim::SimFileSystem disk;
  ManualClock clock{UnixMs{1'000'000}};
  base::Random random{23};
  Model wanted;
  std::unique_ptr<Engine> engine;
};

TEST_F(PageEdits, agree_with_a_map_whatever_is_undone_read_again_or_has_left_memory) {
  for (int round = 0; round < 3'000; ++round) {
    const std::string when = "round " + std::to_string(round);
    Model model = wanted;
    {
      Transaction transaction(*engine, {0, "k"});
      TransactionPages pages(transaction, kIdentity);
      const bool starts_over = random.one_in(4);
      for (auto changes = random.below(12); changes != 0; --changes)
        ASSERT_NO_FATAL_FAILURE(change(pages, model)) << when;
      if (starts_over) {
        transaction.start_over();
        model = wanted;
        TransactionPages again(transaction, kIdentity);
        for (auto changes = random.below(6); changes != 0; --changes)
          ASSERT_NO_FATAL_FAILURE(change(again, model)) << when;
      }
      if (random.coin()) {
        ASSERT_TRUE(transaction.commit());
        wanted = model;
      }
    }
    ASSERT_NO_FATAL_FAILURE(check(when));
    if (round % 16 != 0) continue;
    check_memory();
    switch (random.below(6)) {
      case 0: ASSERT_TRUE(engine->checkpoint()) << when; break;
      case 1: ASSERT_TRUE(engine->clean()) << when; break;
      case 2: die(); break;
      case 3: close_and_open(); break;
      default: spill(); break;
    }
    if (HasFatalFailure()) return;
    ASSERT_NO_FATAL_FAILURE(check(when));
  }
}

TEST_F(PageEdits, cost_the_log_what_they_put_in) {
  const std::string page(900, 'p');
  const auto in_one = [&](auto&& change) {
    Transaction transaction(*engine, {0, "k"});
    TransactionPages pages(transaction, kIdentity);
    change(pages);
    EXPECT_FALSE(pages.failed());
    EXPECT_TRUE(transaction.commit());
  };
  in_one([&](TransactionPages& pages) { pages.write(1, page); });
  const Lsn before = engine->log().tail();
  const base::Edit edit{.at = 17, .out = 3, .in = "0123456789abcdef"};
  in_one([&](TransactionPages& pages) {
    EXPECT_EQ(pages.read(1), page);
    pages.edit(1, std::span(&edit, 1));
  });
  EXPECT_LT(engine->log().tail() - before, 80u);
  wanted[1] = std::string(page).replace(17, 3, edit.in);
  check("edited");
  die();
  check("replayed");
}

TEST_F(PageEdits, of_a_root_are_undone_and_the_root_is_logged_whole) {
  const std::string first = paged_value(kIdentity, "the root as it was first");
  const std::string second = paged_value(kIdentity, "the root as it is second");
  ASSERT_EQ(first.size(), second.size());
  const KeyRef key{0, "k"};
  const auto held = [&] {
    Transaction transaction(*engine, key);
    const auto found = transaction.find(key);
    return std::pair(std::string(found->value), found->version);
  };
  const auto put = [&](std::string_view value, bool commits) {
    Transaction transaction(*engine, key);
    EXPECT_TRUE(transaction.put(key, value, {}, ValueType::kPagedHash));
    EXPECT_EQ(transaction.find(key)->value, value);
    if (commits) {
      EXPECT_TRUE(transaction.commit());
    }
  };
  put(first, true);
  const auto before = held();
  put(second, false);
  EXPECT_EQ(held(), before);
  put(second, true);
  const auto after = held();
  EXPECT_EQ(after.first, second);
  EXPECT_GT(after.second, before.second);
  // With an expiry, without, gone, and back: whatever is done to it behind the edit.
  {
    Transaction transaction(*engine, key);
    EXPECT_TRUE(transaction.put(key, first, {}, ValueType::kPagedHash));
    EXPECT_TRUE(transaction.set_expiry(key, {.at = transaction.now() + 1000}));
    EXPECT_TRUE(transaction.put(key, second, {}, ValueType::kPagedHash));
    EXPECT_TRUE(transaction.erase(key));
    EXPECT_TRUE(transaction.put(key, first, {}, ValueType::kPagedHash));
  }
  EXPECT_EQ(held(), after);
  die();
  EXPECT_EQ(held(), after);
}

}  // namespace
}  // namespace stave::store
