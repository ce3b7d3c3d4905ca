// The library beside a std::map that knows what it must answer: random calls with all their outcomes, time that passes,
// clean restarts and forgotten closes. STAVE_SEED replays a run, STAVE_MODEL_CALLS sets its length.
#include <gtest/gtest.h>

#include <charconv>
#include <cstdlib>
#include <iostream>
#include <map>
#include <optional>

#include "base/random.h"
#include "stave/store.h"

namespace stave {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// The number that `text` spells, in the one way that counts.
std::optional<std::int64_t> number_in(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || std::to_string(number) != text) return std::nullopt;
  return number;
}

class Model {
 public:
  struct Held {
    std::string value;
    std::int64_t dies = 0;
    std::int64_t sliding = 0;
  };

  explicit Model(std::uint64_t seed) : random_(seed) {
    options_.file_system = files_.get();
    options_.clock = &clock_;
    options_.background = false;
    options_.sync = Sync::kOs;
    options_.segment_bytes = 1u << 20;
    options_.log_buffer_bytes = 256u << 10;
    reopen();
  }

  void run(std::uint64_t calls) {
    for (std::uint64_t i = 0;
         i < calls && !::testing::Test::HasFatalFailure() && !::testing::Test::HasNonfatalFailure(); ++i) {
      step(i);
    }
    compare_all();
  }

 private:
  std::int64_t now() { return raw(clock_.wall()); }
  void forget_the_dead() {
    std::erase_if(map_, [&](const auto& entry) { return entry.second.dies != 0 && entry.second.dies <= now(); });
  }
  void reopen() {
    if (store_) {
      EXPECT_TRUE(store_->close());
    }
    store_.reset();
    auto opened = Store::open("/model", options_);
    ASSERT_TRUE(opened) << opened.error().describe();
    store_ = std::move(*opened);
  }
  /// A restart may find a sliding deadline up to an eighth of its period early, and never late.
  void adopt_sliding_deadlines() {
    for (auto at = map_.begin(); at != map_.end();) {
      const auto here = at++;
      Held& held = here->second;
      if (held.sliding == 0) continue;
      const std::int64_t earliest = held.dies - held.sliding / 8 - 1;
      auto expiry = store_->expiry(here->first);
      ASSERT_TRUE(expiry);
      if (*expiry) {
        EXPECT_GE(raw((*expiry)->at), earliest);
        EXPECT_LE(raw((*expiry)->at), held.dies);
        held.dies = raw((*expiry)->at);
      } else {
        EXPECT_LE(earliest, now());
        map_.erase(here);
      }
    }
  }
  void compare_all() {
    forget_the_dead();
    std::map<std::string, std::string> found;
    std::uint64_t cursor = 0;
    do {
      auto next = store_->scan(cursor, "", 1000,
                               [&](std::string_view key, std::string_view value) { found[std::string(key)] = value; });
      ASSERT_TRUE(next);
      cursor = *next;
    } while (cursor != 0);
    EXPECT_EQ(found.size(), map_.size());
    for (const auto& [key, held] : map_) EXPECT_EQ(found[key], held.value) << key;
  }
  std::string some_key() { return "key" + std::to_string(random_.below(2000)); }
  std::string some_value() {
    if (random_.below(4) == 0) return std::to_string(static_cast<std::int64_t>(random_.below(100'000)) - 50'000);
    static constexpr std::uint64_t kSizes[] = {1, 20, 200, 1500, 6000};
    return std::string(random_.below(kSizes[random_.below(5)]), static_cast<char>(random_.below(256)));
  }
  Held* find(const std::string& key) {
    const auto at = map_.find(key);
    return at == map_.end() ? nullptr : &at->second;
  }
  void touched(Held& held) {
    if (held.sliding != 0) held.dies = now() + held.sliding;
  }

  void step(std::uint64_t number) {
    const std::string key = some_key();
    Held* const held = find(key);
    SCOPED_TRACE("call " + std::to_string(number) + " on " + key);
    switch (random_.below(20)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4: return get(key, held);
      case 5:
      case 6:
      case 7:
      case 8: return set(key);
      case 9: EXPECT_EQ(*store_->remove(key), map_.erase(key) == 1); return;
      case 10:
      case 11: return increment(key, held);
      case 12: return append(key, held);
      case 13: return set_range(key, held);
      case 14: return expire(key, held);
      case 15: return set_if(key, held);
      case 16: return transact(key);
      case 17: {
        clock_.advance_ms(static_cast<std::int64_t>(random_.below(30)));
        forget_the_dead();
        return;
      }
      case 18: store_->tick(); return;
      default:
        if (random_.below(2000) == 0) {
          compare_all();
          reopen();
          adopt_sliding_deadlines();
        }
    }
  }

  void get(const std::string& key, Held* held) {
    auto got = store_->get(key);
    ASSERT_TRUE(got);
    ASSERT_EQ(got->has_value(), held != nullptr);
    if (held == nullptr) return;
    EXPECT_EQ(**got, held->value);
    touched(*held);
  }
  void set(const std::string& key) {
    const std::string value = some_value();
    WriteOptions how;
    Held held{.value = value};
    const std::uint64_t kind = random_.below(8);
    const auto ms = static_cast<std::int64_t>(1 + random_.below(3000));
    if (kind == 0) how.ttl = Ttl::after_ms(ms);
    if (kind == 1) how.ttl = Ttl::sliding_ms(ms);
    if (kind <= 1) held.dies = now() + ms;
    if (kind == 1) held.sliding = ms;
    ASSERT_TRUE(store_->set(key, value, how));
    map_[key] = held;
  }
  void increment(const std::string& key, Held* held) {
    const auto by = static_cast<std::int64_t>(random_.below(1000)) - 500;
    auto sum = store_->increment(key, by);
    if (sum) {
      const auto before = held != nullptr ? number_in(held->value) : std::optional<std::int64_t>(0);
      ASSERT_TRUE(before) << held->value;
      EXPECT_EQ(*sum, *before + by);
      map_[key].value = std::to_string(*sum);
      if (held != nullptr) touched(*held);
    } else {
      EXPECT_EQ(sum.error().code(), ErrorCode::kNotANumber);
      ASSERT_NE(held, nullptr);
      EXPECT_FALSE(number_in(held->value)) << held->value;
      if (held->sliding != 0) drop(key);  // whether a refused call refreshed it is its own affair
    }
  }
  void append(const std::string& key, Held* held) {
    const std::string suffix = "+" + some_value().substr(0, 300);  // appending nothing may or may not count as a use
    auto length = store_->append(key, suffix);
    ASSERT_TRUE(length);
    Held& now_held = map_[key];
    now_held.value += suffix;
    if (held != nullptr) touched(now_held);
    EXPECT_EQ(*length, now_held.value.size());
  }
  void set_range(const std::string& key, Held* held) {
    const std::uint64_t offset = random_.below(500);
    const std::string bytes = some_value().substr(0, 100);
    auto length = store_->set_range(key, offset, bytes);
    ASSERT_TRUE(length);
    if (bytes.empty()) {
      EXPECT_EQ(*length, held != nullptr ? held->value.size() : 0);
      if (held != nullptr && held->sliding != 0) drop(key);
      return;
    }
    Held& now_held = map_[key];
    if (now_held.value.size() < offset + bytes.size()) now_held.value.resize(offset + bytes.size(), '\0');
    now_held.value.replace(offset, bytes.size(), bytes);
    if (held != nullptr) touched(now_held);
    EXPECT_EQ(*length, now_held.value.size());
  }
  void drop(const std::string& key) {
    map_.erase(key);
    EXPECT_TRUE(store_->remove(key));
  }
  void expire(const std::string& key, Held* held) {
    const auto ms = static_cast<std::int64_t>(random_.below(3000));
    const bool forever = random_.below(3) == 0;
    auto done = store_->expire(key, forever ? Ttl::none() : Ttl::after_ms(ms + 1));
    ASSERT_TRUE(done);
    EXPECT_EQ(*done, held != nullptr);
    if (held == nullptr) return;
    held->dies = forever ? 0 : now() + ms + 1;
    held->sliding = 0;
  }
  void set_if(const std::string& key, Held* held) {
    const std::string value = some_value();
    const std::uint64_t kind = random_.below(3);
    const std::string other = held != nullptr && random_.below(2) == 0 ? held->value : "something else";
    const Condition condition = kind == 0   ? Condition::absent()
                                : kind == 1 ? Condition::present()
                                            : Condition::value_is(other);
    const bool holds = kind == 0   ? held == nullptr
                       : kind == 1 ? held != nullptr
                                   : held != nullptr && held->value == other;
    auto set = store_->set_if(key, value, condition);
    ASSERT_TRUE(set);
    EXPECT_EQ(set->has_value(), holds);
    if (holds) {
      map_[key] = {.value = value};
    } else if (held != nullptr && held->sliding != 0) {
      drop(key);
    }
  }
  void transact(const std::string& first) {
    const std::string second = some_key();
    const std::string_view keys[] = {first, second};
    auto draft = map_;
    const bool fails = random_.below(3) == 0;
    const std::string value = some_value();
    auto done = store_->transact(keys, [&](Txn& txn) -> Result<void> {
      if (auto set = txn.set(first, value); !set) return std::unexpected(std::move(set).error());
      draft[first] = {.value = value};
      auto gone = txn.remove(second);
      if (!gone) return std::unexpected(std::move(gone).error());
      EXPECT_EQ(*gone, draft.erase(second) == 1);
      if (fails) return fail(ErrorCode::kAborted, "no");
      return {};
    });
    EXPECT_EQ(done.has_value(), !fails);
    if (!fails) map_ = std::move(draft);
  }

  base::Random random_;
  std::unique_ptr<FileSystem> files_ = make_memory_file_system();
  ManualClock clock_;
  Options options_;
  std::unique_ptr<Store> store_;
  std::map<std::string, Held> map_;
};

TEST(Library, agrees_with_a_map_over_a_million_calls) {
  const std::uint64_t calls = from_environment("STAVE_MODEL_CALLS", 1'000'000);
  const std::uint64_t seed = from_environment("STAVE_SEED", base::thread_random());
  std::cout << "STAVE_SEED=" << seed << ", " << calls << " calls\n";
  Model(seed).run(calls);
}

}  // namespace
}  // namespace stave
