#include "world.h"

#include <algorithm>
#include <array>

#include "archive/backup.h"
#include "archive/restore.h"
#include "base/interleave.h"
#include "store/collection.h"
#include "store/history.h"
#include "store/image.h"
#include "store/snapshot.h"
#include "store/transaction.h"
#include "store/upkeep.h"
#include "store/warm_up.h"

namespace stave::interleaving {

using base::interleave::yield_point;
using store::Access;
using store::Pending;
using store::Transaction;
using store::ValueView;

namespace {

constexpr char kStore[] = "/store";
constexpr std::int64_t kSlidingMs = 800;

/// What looks at the clock more than once must find it where it was.
class AtWork {
 public:
  explicit AtWork(int& count) : count_(count) { ++count_; }
  ~AtWork() { --count_; }
  AtWork(const AtWork&) = delete;
  AtWork& operator=(const AtWork&) = delete;

 private:
  int& count_;
};

std::string named(const Place& place) {
  return "'" + place.second + "' of database " + std::to_string(place.first);
}

/// A hash that consists of pages, which the log knows by their differences.
constexpr char kHash[] = "hash";
constexpr std::uint64_t kFields = 90;
/// A string that consists of pages.
constexpr char kString[] = "string";

/// A hash as the model has it: in an order of its own.
std::string rendered(const types::hash::Reader& hash) {
  std::map<std::string, std::string> fields;
  hash.visit([&](const types::hash::Field& field) {
    fields.emplace(field.name, field.value);
    return true;
  });
  std::string all;
  for (const auto& [name, value] : fields) all += name + "=" + value + ";";
  return all;
}
std::string rendered(store::ValueType type, const std::string& value) {
  return type == store::ValueType::kHash ? rendered(types::hash::Compact(value)) : value;
}

std::string shown(const std::string& value) {
  return value.substr(0, 12) + " (" + std::to_string(value.size()) + " bytes)";
}

}  // namespace

World::World(std::uint64_t seed)
    : random_(seed),
      entropy_(seed ^ 0x5eed),
      disk_(seed),
      databases_(static_cast<int>(2 + random_.below(2))),
      shards_(std::size_t{1} << random_.below(3)),
      plain_only_(random_.one_in(4)) {
  open();
}

World::~World() = default;

Options World::options(FileSystem& files) {
  Options o;
  o.file_system = &files;
  o.clock = &clock_;
  o.background = false;
  o.segment_bytes = 64u << 10;
  o.log_buffer_bytes = 64u << 10;
  o.disk_reserve_bytes = 0;
  o.databases = databases_;
  o.shards = shards_;
  o.packing = Packing::kNone;
  o.max_space_amplification = 1.5;
  o.checkpoint_bytes = 100'000;
  o.checkpoint_interval_ms = 0;
  return o;
}

void World::open() {
  auto opened = store::Engine::open(kStore, options(disk_));
  if (!opened) return fail("the store does not open: " + opened.error().describe());
  engine_ = std::move(*opened);
}

World::Target World::target() {
  const auto number = std::to_string(random_.below(5));
  const int database = static_cast<int>(random_.below(static_cast<std::uint64_t>(databases_)));
  switch (plain_only_ ? 0 : random_.below(4)) {
    case 2: return {database, "mortal" + number, false, false};
    case 3: return {database, "sliding" + number, false, true};
    default: return {database, "plain" + number, true, false};
  }
}

std::string World::value() {
  const std::string mark = std::to_string(++writes_) + ":";
  return mark + std::string(random_.one_in(5) ? random_.below(9000) : random_.below(60), 'x');
}

// --- writers ---------------------------------------------------------------------------------------------------------

void World::wait(const Result<Pending>& pending, const char* what) {
  if (!pending) return fail(std::string(what) + ": " + pending.error().describe());
  if (random_.coin()) return;
  yield_point("writer: not yet durable");
  if (auto done = engine_->wait(*pending); !done) fail(std::string(what) + ": " + done.error().describe());
}

void World::write(int times) {
  for (int i = 0; i < times && !failed(); ++i) {
    yield_point("writer: next");
    const AtWork at_work(at_work_);
    const std::uint64_t dice = random_.below(24);
    if (dice == 0) {
      flush();
    } else if (dice <= 2) {
      swap();
    } else if (dice <= 4) {
      change_hash();
    } else if (dice <= 6) {
      change_string();
    } else if (dice <= 12) {
      transact();
    } else {
      put(target());
    }
  }
}

void World::put(const Target& at) {
  Held held{.value = value()};
  if (!at.plain && random_.coin()) {
    held.sliding = at.sliding ? kSlidingMs : 0;
    held.deadline = time() + (at.sliding ? kSlidingMs : static_cast<std::int64_t>(1 + random_.below(1500)));
  }
  Lsn version = kNoLsn;
  const auto done = engine_->put({at.database, at.key}, held.value,
                                 {.at = UnixMs{held.deadline}, .sliding_ms = held.sliding}, Sync::kDefault, &version);
  // The budget may be as small as a task made it.
  if (!done && done.error().code() == ErrorCode::kNoMemory) return;
  if (done)
    model_.note({.kind = Event::Kind::kSet, .lsn = version, .database = at.database, .key = at.key, .held = held});
  wait(done, "put");
}

void World::transact() {
  std::vector<Target> targets;
  std::vector<store::KeyRef> keys;
  for (std::uint64_t i = 0, count = 1 + random_.below(3); i < count; ++i) {
    Target at = target();
    if (std::ranges::none_of(targets, [&](const Target& t) { return t.database == at.database && t.key == at.key; }))
      targets.push_back(std::move(at));
  }
  for (const Target& at : targets) keys.push_back({at.database, at.key});
  Transaction transaction(*engine_, keys);
  const std::int64_t now = raw(transaction.now());
  std::vector<Event> events;
  for (const Target& at : targets) {
    yield_point("transaction: next key");
    const Held* const held = model_.find(at.database, at.key, now);
    const auto seen = transaction.find({at.database, at.key}, Access::kPeek);
    if (seen.has_value() != (held != nullptr) || (seen && seen->value != held->value))
      return fail("a transaction sees " + named({at.database, at.key}) + " as " +
                  (seen ? shown(std::string(seen->value)) : "absent") + ", it is " +
                  (held != nullptr ? shown(held->value) : "absent"));
    const std::uint64_t dice = random_.below(6);
    Event event{.database = at.database, .key = at.key};
    if (dice == 0) {
      event.kind = Event::Kind::kErase;
      if (transaction.erase({at.database, at.key})) events.push_back(event);
    } else if (dice <= 2 && held != nullptr && !at.plain) {
      event.kind = Event::Kind::kExpiry;
      const std::uint64_t how = random_.below(3);
      if (how != 0)
        event.held.deadline = now + (at.sliding ? kSlidingMs : static_cast<std::int64_t>(1 + random_.below(1500)));
      if (how != 0 && at.sliding) event.held.sliding = kSlidingMs;
      if (!transaction.set_expiry({at.database, at.key},
                                  {.at = UnixMs{event.held.deadline}, .sliding_ms = event.held.sliding}))
        return fail("an expiry cannot be set");
      events.push_back(event);
    } else {
      event.kind = Event::Kind::kSet;
      event.held.value = value();
      if (auto put = transaction.put({at.database, at.key}, event.held.value, {}); !put) {
        if (put.error().code() != ErrorCode::kNoMemory) return fail("put: " + put.error().describe());
        return;
      }
      events.push_back(event);
    }
  }
  yield_point("transaction: about to commit");
  if (random_.one_in(8)) return;  // rolled back
  const auto done = transaction.commit();
  if (done) {
    for (Event& event : events) {
      event.lsn = transaction.version();
      model_.note(std::move(event));
    }
  }
  wait(done, "commit");
}

void World::change_hash() {
  const store::KeyRef key{static_cast<int>(random_.below(static_cast<std::uint64_t>(databases_))), kHash};
  Transaction transaction(*engine_, key);
  yield_point("hash: about to be looked at");
  auto hash = store::open_collection<store::Hash>(transaction, key);
  if (!hash) return fail("a hash cannot be opened: " + hash.error().describe());
  const std::string seen = rendered(hash->reader());
  if (auto whole = hash->whole(); !whole) return fail("a hash cannot be read: " + whole.error().describe());
  // Not before: others take turns while pages are read, and databases change places in the model too.
  const Held* const held = model_.find(key.database, kHash, raw(transaction.now()));
  if (seen != (held != nullptr ? held->value : ""))
    return fail("a transaction sees another hash than " + (held != nullptr ? shown(held->value) : "none"));
  const bool there = held != nullptr;
  Event event{.kind = Event::Kind::kSet, .database = key.database, .key = kHash};
  if (there && random_.one_in(10)) {
    event.kind = Event::Kind::kErase;
    transaction.erase(key);
  } else {
    const std::uint64_t changes = there ? 1 + random_.below(3) : kFields;
    for (std::uint64_t i = 0; i < changes; ++i)
      hash->editor().set("field " + std::to_string(there ? random_.below(kFields) : i),
                         std::to_string(++writes_) + std::string(random_.below(30), 'v'));
    event.held.value = rendered(hash->reader());
    if (auto kept = store::keep_collection(transaction, key, *hash); !kept) {
      if (kept.error().code() != ErrorCode::kNoMemory) fail("a hash: " + kept.error().describe());
      return;
    }
  }
  yield_point("hash: about to commit");
  if (random_.one_in(8)) return;  // rolled back
  const auto done = transaction.commit();
  event.lsn = transaction.version();
  if (done) model_.note(std::move(event));
  wait(done, "hash");
}

// To everybody who looks at it, it is a string like any other.
void World::change_string() {
  const store::KeyRef key{static_cast<int>(random_.below(static_cast<std::uint64_t>(databases_))), kString};
  Transaction transaction(*engine_, key);
  yield_point("string: about to be looked at");
  auto string = store::open_collection<store::String>(transaction, key);
  if (!string) return fail("a string cannot be opened: " + string.error().describe());
  std::string seen = types::sketch::Compact::form_of(string->reader());
  if (auto whole = string->whole(); !whole) return fail("a string cannot be read: " + whole.error().describe());
  const Held* const held = model_.find(key.database, kString, raw(transaction.now()));
  if (seen != (held != nullptr ? held->value : ""))
    return fail("a transaction sees another string than " + (held != nullptr ? shown(held->value) : "none"));
  Event event{.kind = Event::Kind::kSet, .database = key.database, .key = kString};
  if (held != nullptr && random_.one_in(10)) {
    event.kind = Event::Kind::kErase;
    transaction.erase(key);
  } else {
    const std::string piece = std::to_string(++writes_) + std::string(random_.below(40), 's');
    if (seen.size() < 9000) {
      string->editor_for(seen.size() + 9000).extend(9000);
      seen.append(9000, '\0');
    }
    const std::uint64_t at = random_.below(seen.size() + 1);
    if (at + piece.size() <= seen.size()) {
      string->editor().write(at, piece);
      seen.replace(at, piece.size(), piece);
    } else {
      string->editor().append(piece);
      seen += piece;
    }
    event.held.value = seen;
    if (auto kept = store::keep_collection(transaction, key, *string); !kept) {
      if (kept.error().code() != ErrorCode::kNoMemory) fail("a string: " + kept.error().describe());
      return;
    }
  }
  yield_point("string: about to commit");
  if (random_.one_in(8)) return;  // rolled back
  const auto done = transaction.commit();
  event.lsn = transaction.version();
  if (done) model_.note(std::move(event));
  wait(done, "string");
}

void World::flush() {
  const bool all = random_.one_in(3);
  const int database = static_cast<int>(random_.below(static_cast<std::uint64_t>(databases_)));
  ++upheavals_;
  const auto done = all ? engine_->flush_all() : engine_->flush(database);
  --upheavals_;
  if (done)
    for (int i = all ? 0 : database; i <= (all ? databases_ - 1 : database); ++i)
      model_.note({.kind = Event::Kind::kFlush, .lsn = Lsn{raw(done->durable) - 1}, .database = i});
  wait(done, "flush");
}

void World::swap() {
  const int first = static_cast<int>(random_.below(static_cast<std::uint64_t>(databases_)));
  const int second = (first + 1) % databases_;
  ++upheavals_;
  const auto done = engine_->swap(first, second);
  --upheavals_;
  ++swaps_;
  if (done)
    model_.note({.kind = Event::Kind::kSwap, .lsn = Lsn{raw(done->durable) - 1}, .database = first, .other = second});
  wait(done, "swap");
}

void World::read(int times) {
  for (int i = 0; i < times && !failed(); ++i) {
    yield_point("reader: next");
    const AtWork at_work(at_work_);
    const Target at = target();
    const bool touch = random_.coin();
    const auto done =
        engine_->read({at.database, at.key}, touch ? Access::kTouch : Access::kPeek, [&](const ValueView* view) {
          const Held* const held = model_.find(at.database, at.key, time());
          if ((view != nullptr) != (held != nullptr) || (view != nullptr && view->value != held->value))
            return fail("a reader sees " + named({at.database, at.key}) + " as " +
                        (view != nullptr ? shown(std::string(view->value)) : "absent") + ", it is " +
                        (held != nullptr ? shown(held->value) : "absent"));
          if (held == nullptr || !touch || held->sliding == 0) return;
          Held fresh = *held;
          fresh.deadline = std::max(fresh.deadline, time() + fresh.sliding);
          model_.note({.kind = Event::Kind::kTouch, .database = at.database, .key = at.key, .held = std::move(fresh)});
        });
    if (!done) fail("read: " + done.error().describe());
  }
}

// --- background ------------------------------------------------------------------------------------------------------

void World::snapshot() {
  store::SnapshotWalk walk(*engine_);
  const std::uint64_t order = model_.order();
  std::map<Place, std::string> found;
  const auto report = walk.run([&](const store::SnapshotItem& item) -> Result<void> {
    if (!found.emplace(Place(item.database, item.key), rendered(item.type, std::string(item.value))).second)
      fail("a snapshot shows twice " + named({item.database, std::string(item.key)}));
    if (item.expiry.passed(walk.time()))
      fail("a snapshot shows with a deadline that has passed " + named({item.database, std::string(item.key)}));
    return {};
  });
  if (!report) return fail("a snapshot fails: " + report.error().describe());
  State wanted = model_.at(walk.cut(), order);
  std::erase_if(wanted, [&](const auto& item) { return !item.second.alive(raw(walk.time())); });
  for (const auto& [place, held] : wanted) {
    const auto at = found.find(place);
    if (at == found.end()) return fail("a snapshot lacks " + named(place) + ": " + shown(held.value));
    if (at->second != held.value)
      return fail("a snapshot shows " + named(place) + " as " + shown(at->second) + ", at its cut it was " +
                  shown(held.value));
  }
  for (const auto& [place, text] : found)
    if (!wanted.contains(place))
      return fail("a snapshot shows what was not there: " + named(place) + " " + shown(text));
}

void World::checkpoint() {
  if (auto done = engine_->checkpoint(); !done && done.error().code() != ErrorCode::kBusy)
    fail("a checkpoint fails: " + done.error().describe());
}

void World::clean() {
  if (auto done = engine_->clean(); !done && done.error().code() != ErrorCode::kBusy)
    fail("cleaning fails: " + done.error().describe());
}

void World::keep_up() {
  for (int i = 0; i < 4; ++i) {
    yield_point("upkeep: next step");
    engine_->upkeep().tick();
  }
}

void World::spill() {
  const std::uint64_t used = engine_->budget().used();
  engine_->budget().set(used - used / 8, MemoryPolicy::kSpill);
  for (int i = 0; i < 3; ++i) {
    engine_->budget().settle();
    yield_point("spill: next step");
  }
  engine_->budget().set(0, MemoryPolicy::kSpill);
}

void World::warm() {
  static_cast<void>(store::WarmUp(*engine_).run(never_stop_));
}

void World::expire() {
  for (int i = 0; i < 3; ++i) {
    yield_point("expiry: next step");
    engine_->tick();
  }
}

void World::pass_time() {
  for (int i = 0; i < 4; ++i) {
    yield_point("the clock: next step");
    if (at_work_ == 0) clock_.advance_ms(static_cast<std::int64_t>(random_.below(400)));
  }
}

void World::look_back() {
  if (model_.events().empty()) return;
  const std::uint64_t swaps = swaps_;
  if (upheavals_ != 0) return;
  const Lsn point = model_.events()[random_.below(model_.events().size())].lsn;
  const int database = static_cast<int>(random_.below(static_cast<std::uint64_t>(databases_)));
  const std::string key = random_.one_in(4)   ? kHash
                          : random_.one_in(4) ? kString
                                              : "plain" + std::to_string(random_.below(5));
  if (point == kNoLsn) return;
  Pending pending;
  const auto past = store::History(*engine_).value_at({database, key}, point, pending);
  // A swap meanwhile makes it another database's past.
  if (swaps != swaps_ || upheavals_ != 0) return;
  if (!past) {
    if (past.error().code() != ErrorCode::kNotFound) fail("history fails: " + past.error().describe());
    return;
  }
  const State then = model_.at(point + 1, 0);
  const auto held = then.find({model_.origin(database, point + 1), key});
  if (past->has_value() != (held != then.end()) ||
      (*past && rendered((*past)->type, (*past)->value) != held->second.value))
    fail("history shows " + named({database, key}) + " at LSN " + std::to_string(raw(point)) + " as " +
         (*past ? shown((*past)->value) : "absent") + ", it was " +
         (held != then.end() ? shown(held->second.value) : "absent"));
}

void World::back_up() {
  const std::string number = std::to_string(++backups_);
  const std::string backup = "/backup" + number;
  const std::string target = "/restored" + number;
  const auto report = archive::back_up(*engine_, backup);
  if (!report) return fail("a backup fails: " + report.error().describe());
  const auto check = archive::verify_backup(disk_, backup);
  if (!check || !check->findings.empty())
    return fail("a backup is not sound: " + (check ? check->findings.front() : check.error().describe()));
  const auto restored = archive::restore(disk_, {.source = backup, .log = "", .target = target, .point = {}});
  if (!restored) return fail("a backup is not restored: " + restored.error().describe());
  while (upheavals_ != 0) yield_point("backup: waits until the model knows");
  State wanted = model_.at(report->end, 0);
  // Reads that put a deadline off without a record may or may not be known.
  std::erase_if(wanted, [](const auto& item) { return item.second.sliding != 0; });
  Options o = options(disk_);
  auto opened = store::Engine::open(target, o);
  if (!opened) return fail("what was restored does not open: " + opened.error().describe());
  compare(**opened, wanted, "restored from a backup", true);
  opened->reset();
  for (const auto& [path, bytes] : disk_.dump())
    if (path.starts_with(backup + "/") || path.starts_with(target + "/")) static_cast<void>(disk_.remove(path));
}

void World::add_background(testing::Interleaver& interleaver) {
  switch (random_.below(24)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4: interleaver.add("checkpoint", [this] { checkpoint(); }); return;
    case 5:
    case 6:
    case 7: interleaver.add("cleaner", [this] { clean(); }); return;
    case 8:
    case 9:
    case 10:
    case 11:
    case 12: interleaver.add("snapshot", [this] { snapshot(); }); return;
    case 13:
    case 14: interleaver.add("upkeep", [this] { keep_up(); }); return;
    case 15:
    case 16: interleaver.add("spill", [this] { spill(); }); return;
    case 17: interleaver.add("warm-up", [this] { warm(); }); return;
    case 18:
    case 19: interleaver.add("expiry", [this] { expire(); }); return;
    case 20:
    case 21: interleaver.add("history", [this] { look_back(); }); return;
    case 22:
      if (random_.one_in(8)) {
        interleaver.add("backup", [this] { back_up(); });
        return;
      }
      [[fallthrough]];
    default: interleaver.add("reader", [this] { read(5); });
  }
}

// --- a schedule ------------------------------------------------------------------------------------------------------

bool World::run_schedule() {
  if (failed()) return false;
  model_.begin(engine_->log().tail(), time());
  testing::Interleaver interleaver(random_.next());
  for (std::uint64_t i = 0, count = 1 + random_.below(2); i < count; ++i)
    interleaver.add(i == 0 ? "writer 1" : "writer 2", [this] { write(static_cast<int>(1 + random_.below(6))); });
  for (std::uint64_t i = 0, count = 1 + random_.below(3); i < count; ++i) add_background(interleaver);
  if (!plain_only_ && random_.coin()) interleaver.add("clock", [this] { pass_time(); });
  const bool ended = interleaver.run();
  turns_ += interleaver.turns();
  if (!ended) {
    // The tasks that wait are in the engine still.
    static_cast<void>(engine_.release());
    fail("all tasks wait for each other");
  }
  if (!failed() && random_.one_in(3)) compare(*engine_, model_.now(), "at rest", false);
  if (!failed() && random_.one_in(6)) open_a_copy();
  if (!failed() && random_.one_in(12)) restart();
  if (failed()) failure_ += "\n" + interleaver.trace();
  return !failed();
}

// --- looking at it ---------------------------------------------------------------------------------------------------

void World::compare_hash(store::Engine& engine, const Place& place, const Held& wanted, const std::string& when) {
  const store::KeyRef key{place.first, place.second};
  Transaction transaction(engine, key);
  const auto hash = store::open_collection<store::Hash>(transaction, key);
  if (!hash) return fail(when + " " + named(place) + ": " + hash.error().describe());
  const std::string seen = rendered(hash->reader());
  if (auto whole = hash->whole(); !whole) return fail(when + " " + named(place) + ": " + whole.error().describe());
  if (seen != wanted.value) fail(when + " " + named(place) + " is " + seen + ", it must be " + wanted.value);
}

void World::compare_key(store::Engine& engine, const Place& place, const Held& wanted, const ValueView& view,
                        const std::string& when, bool restarted) {
  if (view.value != wanted.value)
    return fail(when + " " + named(place) + " is " + shown(std::string(view.value)) + ", it must be " +
                shown(wanted.value));
  const std::int64_t deadline = raw(view.expiry.at);
  // The log hears of a deadline that reads put off once for each eighth of its period.
  const std::int64_t slack = restarted && wanted.sliding != 0 ? wanted.sliding / 8 + 1 : 0;
  if (deadline > wanted.deadline || deadline < wanted.deadline - slack || view.expiry.sliding_ms != wanted.sliding)
    fail(when + " " + named(place) + " ends at " + std::to_string(deadline) + ", it must at " +
         std::to_string(wanted.deadline) + "; it is " + std::to_string(raw(engine.now())));
}

void World::compare(store::Engine& engine, const State& wanted, const std::string& when, bool restarted) {
  const AtWork at_work(at_work_);
  const std::int64_t now = raw(engine.now());
  State left = wanted;
  std::erase_if(left, [&](const auto& item) { return !item.second.alive(now); });
  const bool all = std::ranges::none_of(wanted, [](const auto& item) { return item.second.sliding != 0; });
  std::vector<Place> hashes;
  for (int database = 0; database < databases_; ++database) {
    Pending pending;
    std::uint64_t cursor = 0;
    do {
      auto next = engine.scan_values(
          database, cursor, 100,
          [&](std::string_view key, const ValueView& view) {
            const Place place{database, key};
            const auto found = left.find(place);
            if (found == left.end()) {
              // Of what slides, a backup is compared in part only.
              if (!key.starts_with("sliding") || !all) fail(when + " there is " + named(place) + ", which is gone");
              return;
            }
            if (view.type == store::ValueType::kHash) {
              hashes.push_back(place);
              return;
            }
            compare_key(engine, place, found->second, view, when, restarted);
            left.erase(found);
          },
          pending);
      if (!next) return fail(when + ": " + next.error().describe());
      cursor = *next;
    } while (cursor != 0);
  }
  for (const Place& place : hashes) {
    if (const auto found = left.find(place); found != left.end()) {
      compare_hash(engine, place, found->second, when);
      left.erase(found);
    }
  }
  for (const auto& [place, held] : left) {
    // So a restart may find its time up a little early.
    if (restarted && held.sliding != 0 && held.deadline - held.sliding / 8 - 1 <= now) continue;
    return fail(when + " " + named(place) + " is lost: " + shown(held.value));
  }
}

void World::adopt_deadlines() {
  const State before = model_.now();
  for (const auto& [place, held] : before) {
    if (held.sliding == 0) continue;
    std::optional<std::int64_t> deadline;
    const auto read = engine_->read({place.first, place.second}, Access::kMeta, [&](const ValueView* view) {
      if (view != nullptr) deadline = raw(view->expiry.at);
    });
    if (!read) return fail("read: " + read.error().describe());
    model_.adopt(place, deadline);
  }
}

void World::restart() {
  if (random_.coin()) {
    if (auto closed = engine_->close(); !closed) return fail("the store does not close: " + closed.error().describe());
    engine_.reset();
    open();
  } else {
    if (auto synced = engine_->sync(); !synced) return fail("sync: " + synced.error().describe());
    sim::SimFileSystem left = disk_.after_kill(random_.next());
    engine_.reset();
    disk_ = std::move(left);
    open();
  }
  if (failed()) return;
  compare(*engine_, model_.now(), "after a restart", true);
  adopt_deadlines();
}

// The power fails; the store is opened from its newest image, from an older one, or from the log alone.
void World::open_a_copy() {
  if (auto synced = engine_->sync(); !synced) return fail("sync: " + synced.error().describe());
  constexpr std::size_t kModes = std::size(sim::kCrashModes);
  sim::SimFileSystem copy = disk_.after_crash(sim::kCrashModes[random_.below(kModes)], random_.next());
  std::vector<std::string> images;
  for (const auto& [path, bytes] : copy.dump())
    if (path.starts_with(kStore) && store::parse_image_name(path.substr(path.rfind('/') + 1))) images.push_back(path);
  std::ranges::sort(images, std::greater{});
  const std::uint64_t without = random_.below(images.size() + 1);
  for (std::uint64_t i = 0; i < without; ++i)
    if (auto removed = copy.remove(images[i]); !removed) return fail("an image cannot be removed");
  auto opened = store::Engine::open(kStore, options(copy));
  const std::string when = "after a power cut, " + std::to_string(images.size() - without) + " of " +
                           std::to_string(images.size()) + " images";
  if (!opened) return fail(when + ", the store does not open: " + opened.error().describe());
  compare(**opened, model_.now(), when, true);
}

}  // namespace stave::interleaving
