// The crash promise with one writer: the power fails before every operation that the store asks of the disk, and what
// was not synced is dropped, kept, thinned out, reordered or torn. Every state found must be the store's own after some
// number of its writes: at least all that were acknowledged, at most all that were begun, and never half of one.
//
// Every failure names the load's seed, the operation, the mode and the crash's seed, which together replay it.
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <sstream>

#include "base/random.h"
#include "base/try.h"
#include "crash/crash_support.h"
#include "store/collection.h"
#include "store/snapshot.h"
#include "store/transact.h"
#include "store/transaction.h"

namespace stave::crash {
namespace {

using sim::CrashMode;
using sim::SimFileSystem;
using store::Engine;
using store::KeyRef;
using store::Transaction;

/// A store under a random load, with a model of what it must hold after each of its writes.
class Load {
 public:
  Load(Engine& engine, ManualClock& clock, std::uint64_t seed, Contents start)
      : engine_(engine), clock_(clock), random_(seed) {
    states_.push_back(std::move(start));
  }

  /// One random step. False when the disk has failed.
  bool step() {
    Contents next = states_.back();
    begun_ = states_.size();  // the model's state after this step may be on disk from now on
    attempt_.reset();
    switch (random_.below(20)) {
      case 0:
      case 1:
      case 2: return transaction(std::move(next));
      case 3: return whole_database(std::move(next));
      case 4: clock_.advance_ms(static_cast<std::int64_t>(random_.below(400))); return true;
      case 5: engine_.tick(); return true;
      case 6: {
        if (!engine_.sync()) return false;
        acknowledged_ = states_.size() - 1;
        return true;
      }
      case 7: return upkeep();
      case 8:
      case 9: return change_hash(std::move(next));
      case 10: return change_string(std::move(next));
      default: return one_put(std::move(next));
    }
  }

  /// Whether `found` may be what a power cut at this moment leaves.
  [[nodiscard]] bool allows(const Contents& found, std::int64_t now) const {
    if (attempt_ && alive(*attempt_, now) == found) return true;
    for (std::size_t i = states_.size(); i-- > acknowledged_;)
      if (alive(states_[i], now) == found) return true;
    return false;
  }
  [[nodiscard]] std::string story() const {
    std::ostringstream text;
    text << "acknowledged " << acknowledged_ << " of " << states_.size() - 1 << " writes"
         << (attempt_ ? ", one more begun" : "");
    return text.str();
  }
  /// How `found` differs from each state that would have been right.
  [[nodiscard]] std::string differences(const Contents& found, std::int64_t now) const {
    std::ostringstream text;
    const auto short_form = [](const Contents& all, const std::string& key) {
      const auto at = all.find(key);
      if (at == all.end()) return std::string("nothing");
      const std::string& value = at->second.first;
      return std::to_string(value.size()) + " bytes ending in " +
             value.substr(value.size() - std::min<std::size_t>(value.size(), 8)) + " until " +
             std::to_string(at->second.second);
    };
    const auto compare = [&](const std::string& name, const Contents& right) {
      text << "\n  beside " << name << ":";
      Contents both = right;
      both.insert(found.begin(), found.end());
      for (const auto& [key, held] : both)
        if (short_form(right, key) != short_form(found, key))
          text << " " << key << " holds " << short_form(found, key) << " instead of " << short_form(right, key) << ";";
    };
    for (std::size_t i = acknowledged_; i < states_.size(); ++i)
      compare("state " + std::to_string(i), alive(states_[i], now));
    if (attempt_) compare("the one begun", alive(*attempt_, now));
    return text.str();
  }

 private:
  static Contents alive(const Contents& all, std::int64_t now) {
    Contents out;
    for (const auto& [key, held] : all)
      if (held.second == 0 || held.second > now) out[key] = held;
    return out;
  }
  std::string some_key() { return "k" + std::to_string(random_.below(24)); }
  std::string some_value() {
    static constexpr std::uint64_t kSizes[] = {8, 100, 700, 3000, 20000};
    return std::string(1 + random_.below(kSizes[random_.below(5)]), static_cast<char>('a' + random_.below(26))) +
           std::to_string(++serial_);
  }
  Expiry some_expiry() {
    return random_.below(5) == 0 ? Expiry{.at = engine_.now() + 1 + static_cast<std::int64_t>(random_.below(2000))}
                                 : Expiry{};
  }
  Sync some_sync() { return random_.below(4) == 0 ? Sync::kOs : Sync::kDefault; }

  bool finish(Contents next, const Result<store::Pending>& pending, Sync sync) {
    if (!pending) return false;
    states_.push_back(std::move(next));
    if (sync == Sync::kOs) return true;
    if (!engine_.wait(*pending)) return false;
    // A transaction that changed nothing logs nothing, and so says nothing about unsynced writes before it.
    if (pending->durable == engine_.log().tail()) acknowledged_ = states_.size() - 1;
    attempt_.reset();
    return true;
  }

  // What looks after the log changes nothing that anybody can see.
  bool upkeep() {
    switch (random_.below(6)) {
      case 5: return engine_.orphans().sweep(engine_, never_).has_value();
      case 0: return engine_.checkpoint().has_value();
      case 1: return engine_.clean().has_value();
      case 2: {
        // Everything cold leaves memory.
        engine_.budget().set(1, MemoryPolicy::kSpill);
        engine_.budget().settle();
        engine_.budget().set(0, MemoryPolicy::kSpill);
        return true;
      }
      case 3: return snapshot();
      default: engine_.tick(); return true;
    }
  }

  // The walk shows the state it began with, although writes go on; these are not waited for.
  bool snapshot() {
    store::SnapshotWalk walk(engine_);
    const Contents right = alive(states_.back(), raw(walk.time()));
    Contents shown;
    bool well = true;
    const auto report = walk.run([&](const store::SnapshotItem& item) -> Result<void> {
      shown[std::to_string(item.database) + ":" + std::string(item.key)] = {
          item.type == store::ValueType::kString ? std::string(item.value) : rendered(types::hash::Compact(item.value)),
          raw(item.expiry.at)};
      if (random_.below(4) == 0) well = well && one_put(states_.back());
      return {};
    });
    if (!well || !report) return false;
    EXPECT_TRUE(shown == right) << "a snapshot shows what was not there";
    return true;
  }

  bool one_put(Contents next) {
    const std::string key = some_key();
    const std::string value = some_value();
    const Expiry expiry = some_expiry();
    const Sync sync = some_sync();
    next["0:" + key] = {value, raw(expiry.at)};
    attempt_ = next;
    return finish(std::move(next), engine_.put({0, key}, value, expiry, sync), sync);
  }

  bool transaction(Contents next) {
    std::vector<std::string> names;
    for (std::uint64_t i = 0; i < 2 + random_.below(6); ++i) names.push_back(some_key());
    std::vector<KeyRef> keys;
    for (const auto& name : names) keys.push_back({static_cast<int>(random_.below(2)), name});
    Transaction txn(engine_, keys);
    for (const KeyRef& key : keys) {
      const std::string name = std::to_string(key.database) + ":" + std::string(key.key);
      if (random_.below(3) == 0) {
        txn.erase(key);
        next.erase(name);
      } else if (random_.below(4) == 0 && txn.find(key)) {
        const Expiry expiry{.at = txn.now() + 1 + static_cast<std::int64_t>(random_.below(2000))};
        if (!txn.set_expiry(key, expiry)) return false;
        next[name].second = raw(expiry.at);
      } else {
        const std::string value = some_value();
        if (!txn.put(key, value, {})) return false;
        next[name] = {value, 0};
      }
    }
    if (random_.below(5) == 0) return true;  // rolled back: nothing happened
    attempt_ = next;
    const Sync sync = some_sync();
    return finish(std::move(next), txn.commit(sync), sync);
  }

  // A part of a string in pages written, or something put at its end, zeros too; now and then a whole value over it.
  bool change_string(Contents next) {
    const std::string name = "t" + std::to_string(random_.below(2));
    const KeyRef key{0, name};
    const Sync sync = some_sync();
    const auto work = [&](Transaction& txn) -> Result<void> {
      STAVE_ASSIGN(auto string, store::open_collection<store::String>(txn, key));
      std::string held = types::sketch::Compact::form_of(string.reader());
      STAVE_TRY(string.whole());
      const std::string piece = std::to_string(++serial_) + std::string(random_.below(60), 's');
      const std::uint64_t dice = random_.below(20);
      if (dice == 0) {
        held = piece;
        STAVE_TRY(txn.put(key, held, string.own_expiry()));
      } else if (dice < 6 || held.size() < piece.size()) {
        const std::size_t zeros =
            random_.below(3) == 0 ? random_.below(60'000) : 9000 - std::min<std::size_t>(held.size(), 9000);
        auto& bytes = string.editor_for(held.size() + zeros + piece.size());
        bytes.extend(zeros);
        bytes.append(piece);
        held.append(zeros, '\0').append(piece);
      } else {
        const std::size_t at = random_.below(held.size() - piece.size() + 1);
        string.editor_for(held.size()).write(at, piece);
        held.replace(at, piece.size(), piece);
      }
      next["0:" + name] = {std::move(held), raw(string.own_expiry().at)};
      attempt_ = next;
      return dice == 0 ? Result<void>{} : store::keep_collection(txn, key, string);
    };
    store::Pending observed;
    const auto pending = store::transact(engine_, std::span(&key, 1), work, sync, observed);
    return finish(std::move(next), pending, sync);
  }

  // Some fields set or removed, in one transaction; now and then all of them, or the hash under another name.
  bool change_hash(Contents next) {
    const std::string name = "h" + std::to_string(random_.below(3));
    const std::string other = "h" + std::to_string(random_.below(3));
    const std::vector<KeyRef> keys = {{0, name}, {0, other}};
    const bool moves = name != other && random_.below(6) == 0;
    const Sync sync = some_sync();
    const auto work = [&](Transaction& txn) -> Result<void> {
      STAVE_ASSIGN(auto hash, store::open_collection<store::Hash>(txn, keys[0]));
      if (moves) {
        const auto held = txn.find(keys[0]);
        if (!held) return {};
        STAVE_TRY(txn.put(keys[1], std::string(held->value), held->expiry, held->stored_type()));
        txn.erase(keys[0]);
        next["0:" + other] = next["0:" + name];
        next.erase("0:" + name);
        attempt_ = next;
        return {};
      }
      const bool shrinks = random_.below(4) == 0;
      const std::uint64_t changes = 1 + random_.below(random_.below(4) == 0 ? 200 : 8);
      for (std::uint64_t i = 0; i < changes; ++i) {
        const std::string field = "f" + std::to_string(random_.below(400));
        if (shrinks) {
          hash.editor().remove(field);
        } else {
          hash.editor().set(field, std::to_string(++serial_) + std::string(random_.below(20), 'v'));
        }
      }
      STAVE_TRY(hash.whole());
      std::string held = rendered(hash.reader());
      if (held.empty()) {
        next.erase("0:" + name);
      } else {
        next["0:" + name] = {std::move(held), raw(hash.own_expiry().at)};
      }
      attempt_ = next;
      return store::keep_collection(txn, keys[0], hash);
    };
    store::Pending observed;
    const auto pending = store::transact(engine_, keys, work, sync, observed);
    return finish(std::move(next), pending, sync);
  }

  bool whole_database(Contents next) {
    const auto move = [&](char from, char to, Contents& into) {
      for (const auto& [key, held] : next)
        if (key[0] == from) into[to + key.substr(1)] = held;
    };
    Contents after;
    const bool swap = random_.below(3) != 0;
    if (swap) move('0', '1', after);
    move('1', swap ? '0' : '1', after);
    attempt_ = after;
    auto pending = swap ? engine_.swap(0, 1) : engine_.flush(0);
    return finish(std::move(after), pending, Sync::kDefault);
  }

  Engine& engine_;
  ManualClock& clock_;
  base::Random random_;
  std::uint64_t serial_ = 0;
  std::deque<Contents> states_;      ///< After each write, in order; [0] is the start.
  std::optional<Contents> attempt_;  ///< After the write that is under way.
  std::size_t acknowledged_ = 0;
  std::size_t begun_ = 0;
  std::atomic<bool> never_{false};
};

/// Opens what a crash left and checks it. Returns false after the first failure, having told it.
bool examine(SimFileSystem& disk, ManualClock& clock, const Load& load, const std::string& where,
             Contents* found = nullptr) {
  auto engine = Engine::open("/store", small_options(disk, clock));
  if (!engine) {
    ADD_FAILURE() << where << ": does not open: " << engine.error().describe() << " (" << load.story() << ")";
    return false;
  }
  const Contents contents = contents_of(**engine);
  if (found != nullptr) *found = contents;
  if (load.allows(contents, raw((*engine)->now()))) return true;
  ADD_FAILURE() << where << ": holds what the store never held (" << load.story() << ")"
                << load.differences(contents, raw((*engine)->now()));
  return false;
}

// A second power cut while the first is being recovered from; then a third state that must still be allowed.
bool examine_crash_in_recovery(const SimFileSystem& disk, ManualClock& clock, const Load& load, base::Random& random,
                               const std::string& where, std::uint64_t& states) {
  for (std::uint64_t at = 1;; ++at) {
    SimFileSystem again = disk.after_crash(CrashMode::kKeepAll, 1);
    again.crash_at(at);
    static_cast<void>(Engine::open("/store", small_options(again, clock)));
    const bool crashed = again.crashed();
    const auto mode = sim::kCrashModes[random.below(std::size(sim::kCrashModes))];
    SimFileSystem left = again.after_crash(mode, random.next());
    ++states;
    if (!examine(left, clock, load,
                 where + ", crashed again at operation " + std::to_string(at) + " of recovery, " + to_string(mode)))
      return false;
    if (!crashed) return true;
  }
}

// Life after a crash: some more writes on what was recovered, another power cut, and nothing of before may come back.
bool examine_second_life(SimFileSystem& disk, ManualClock& clock, const Load& load, base::Random& random,
                         const std::string& where, std::uint64_t& states) {
  Contents found;
  if (!examine(disk, clock, load, where, &found)) return false;
  auto engine = Engine::open("/store", small_options(disk, clock));
  if (!engine) return false;
  Load second(**engine, clock, random.next(), found);
  const std::uint64_t stop = disk.operations() + 1 + random.below(60);
  disk.crash_at(stop);
  for (int i = 0; i < 200 && second.step(); ++i) {
  }
  for (const CrashMode mode : sim::kCrashModes) {
    SimFileSystem left = disk.after_crash(mode, random.next());
    ++states;
    if (!examine(left, clock, second,
                 where + ", second life cut at operation " + std::to_string(stop) + ", " + to_string(mode)))
      return false;
  }
  return true;
}

// Only the process dies, so the next one reads what the disk does not have yet. What it showed must stay if the power
// goes then.
bool examine_kill(const SimFileSystem& disk, ManualClock& clock, const Load& load, base::Random& random,
                  const std::string& where, std::uint64_t& states) {
  SimFileSystem left = disk.after_kill(random.next());
  Contents shown;
  if (!examine(left, clock, load, where, &shown)) return false;
  const auto mode = sim::kCrashModes[random.below(std::size(sim::kCrashModes))];
  SimFileSystem then = left.after_crash(mode, random.next());
  states += 2;
  auto engine = Engine::open("/store", small_options(then, clock));
  if (engine && contents_of(**engine) == shown) return true;
  ADD_FAILURE() << where << ", then power cut (" << to_string(mode) << "): "
                << (engine ? "what was shown after the kill is not there any more" : engine.error().describe());
  return false;
}

TEST(CrashPromise, holds_at_every_operation_of_a_mixed_load) {
  const std::uint64_t wanted = states_wanted(20'000);
  std::uint64_t states = 0;
  for (std::uint64_t seed = first_seed(); states < wanted && !::testing::Test::HasFailure(); ++seed) {
    base::Random random(seed * 7919);
    ManualClock clock;
    SimFileSystem disk(seed);
    const auto engine = Engine::open("/store", small_options(disk, clock));
    ASSERT_TRUE(engine) << engine.error().describe();
    Load load(**engine, clock, seed, {});
    disk.on_operation([&](const sim::Operation& operation) {
      if (::testing::Test::HasFailure()) return;
      for (const CrashMode mode : sim::kCrashModes) {
        const std::uint64_t crash_seed = random.next();
        std::ostringstream where;
        where << "seed " << seed << ", operation " << operation.number << " (" << to_string(operation.kind) << " "
              << operation.path << "), " << to_string(mode) << ", crash seed " << crash_seed;
        ManualClock then(clock.wall());
        SimFileSystem left = disk.after_crash(mode, crash_seed);
        ++states;
        const std::uint64_t deeper = random.below(40);
        if (mode == CrashMode::kKeepAll && !examine_kill(disk, then, load, random, where.str() + " (killed)", states))
          return;
        if (deeper == 0) {
          if (!examine_crash_in_recovery(left, then, load, random, where.str(), states)) return;
        } else if (deeper < 4) {
          if (!examine_second_life(left, then, load, random, where.str(), states)) return;
        } else if (!examine(left, then, load, where.str())) {
          return;
        }
      }
    });
    for (int i = 0; i < 250 && states < wanted && !::testing::Test::HasFailure(); ++i) ASSERT_TRUE(load.step());
    disk.on_operation(nullptr);
  }
  RecordProperty("states", static_cast<int>(states));
  std::cout << states << " states\n";
}

// The disk fails instead of the power: whatever the Nth operation answers, nothing acknowledged is lost, nothing is
// half done, and the store says so instead of going on.
TEST(DiskFault, at_any_operation_loses_nothing_that_was_acknowledged) {
  const std::uint64_t wanted = states_wanted(6'000);
  std::uint64_t points = 0;
  for (std::uint64_t seed = first_seed(); points < wanted && !::testing::Test::HasFailure(); ++seed) {
    for (std::uint64_t at = 1;; ++at) {
      base::Random random(seed * 104729 + at);
      ManualClock clock;
      SimFileSystem disk(seed);
      sim::Fault fault;
      fault.at = at;
      fault.system_errno = random.below(2) == 0 ? 5 : 28;
      fault.times = random.below(2) == 0 ? 1 : sim::kForever;
      fault.partial = random.below(2) == 0;
      disk.inject(fault);
      std::ostringstream where;
      std::string failed;
      disk.on_operation([&](const sim::Operation& operation) {
        if (operation.number == at) failed = std::string(to_string(operation.kind)) + " " + operation.path;
      });
      where << "seed " << seed << ", operation " << at << " answers errno " << fault.system_errno
            << (fault.times == 1 ? " once" : " for good") << (fault.partial ? ", after a part of it" : "");
      auto engine = Engine::open("/store", small_options(disk, clock));
      ++points;
      if (!engine) continue;
      Load load(**engine, clock, seed, {});
      for (int i = 0; i < 60 && load.step(); ++i) {
      }
      const bool hit = disk.faults_hit() != 0;
      engine->reset();
      disk.clear_faults();
      const CrashMode mode = sim::kCrashModes[random.below(std::size(sim::kCrashModes))];
      SimFileSystem left = disk.after_crash(mode, random.next());
      if (!examine(left, clock, load, where.str() + " (" + failed + "), then " + to_string(mode))) return;
      if (!hit || points >= wanted) break;
    }
  }
  std::cout << points << " faults\n";
}

}  // namespace
}  // namespace stave::crash
