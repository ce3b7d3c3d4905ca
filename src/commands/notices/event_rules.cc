#include "commands/notices/event_rules.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/assert.h"
#include "commands/table.h"
#include "commands/text.h"

namespace stave::commands {
namespace {

/// How events follow from what was done to the keys of a call.
enum class Shape : std::uint8_t {
  kChange,  ///< The event, of each key; `del` behind it when nothing was left of one.
  kAlways,  ///< The same; of its key also when that stayed as it was.
  kStore,   ///< The event; only `del` when the result was empty.
  kSet,     ///< The event, and `expire` when an expiry was given.
  kExpire,  ///< `expire`, `persist` or `del`.
  kRename,
  kToOther,  ///< To another database.
  kMake,     ///< The event; the key counts as new whatever was there.
  kListMove,
  kSetMove,
  kSilent,  ///< Nothing, but what the handler remarked.
};

struct Rule {
  std::string_view row;
  EventClass of = kGenericEvents;
  std::string_view event = {};
  Shape shape = Shape::kChange;
};

// By name.
constexpr Rule kRules[] = {
    {"APPEND", kStringEvents, "append", Shape::kAlways},
    {"BITFIELD", kStringEvents, "setbit"},
    {"BITOP", kStringEvents, "set", Shape::kStore},
    {"BLMOVE", kListEvents, {}, Shape::kListMove},
    {"BLMPOP", kListEvents},
    {"BLPOP", kListEvents, "lpop"},
    {"BRPOP", kListEvents, "rpop"},
    {"BRPOPLPUSH", kListEvents, {}, Shape::kListMove},
    {"BZMPOP", kSortedSetEvents},
    {"BZPOPMAX", kSortedSetEvents, "zpopmax"},
    {"BZPOPMIN", kSortedSetEvents, "zpopmin"},
    {"COPY", kGenericEvents, "copy_to", Shape::kMake},
    {"DECR", kStringEvents, "incrby"},
    {"DECRBY", kStringEvents, "incrby", Shape::kAlways},
    {"EXPIRE", kGenericEvents, {}, Shape::kExpire},
    {"EXPIREAT", kGenericEvents, {}, Shape::kExpire},
    {"FLUSHALL", kGenericEvents, {}, Shape::kSilent},
    {"FLUSHDB", kGenericEvents, {}, Shape::kSilent},
    {"GEOADD", kSortedSetEvents, "zadd"},
    {"GEORADIUS", kSortedSetEvents, "georadiusstore", Shape::kStore},
    {"GEORADIUSBYMEMBER", kSortedSetEvents, "georadiusstore", Shape::kStore},
    {"GEOSEARCHSTORE", kSortedSetEvents, "geosearchstore", Shape::kStore},
    {"GETEX", kGenericEvents, {}, Shape::kExpire},
    {"GETSET", kStringEvents, "set", Shape::kSet},
    {"HDEL", kHashEvents, "hdel"},
    {"HEXPIRE", kHashEvents, "hexpire"},
    {"HEXPIREAT", kHashEvents, "hexpire"},
    {"HGETDEL", kHashEvents, "hdel"},
    {"HGETEX", kHashEvents, "hexpire"},
    {"HINCRBY", kHashEvents, "hincrby", Shape::kAlways},
    {"HINCRBYFLOAT", kHashEvents, "hincrbyfloat", Shape::kAlways},
    {"HMSET", kHashEvents, "hset", Shape::kAlways},
    {"HPERSIST", kHashEvents, "hpersist"},
    {"HPEXPIRE", kHashEvents, "hexpire"},
    {"HPEXPIREAT", kHashEvents, "hexpire"},
    {"HSET", kHashEvents, "hset", Shape::kAlways},
    {"HSETEX", kHashEvents, "hset"},
    {"HSETNX", kHashEvents, "hset"},
    {"INCR", kStringEvents, "incrby"},
    {"INCRBY", kStringEvents, "incrby", Shape::kAlways},
    {"INCRBYFLOAT", kStringEvents, "incrbyfloat", Shape::kAlways},
    {"INCREX", kStringEvents, "incrby"},
    {"LINSERT", kListEvents, "linsert"},
    {"LMOVE", kListEvents, {}, Shape::kListMove},
    {"LMOVEM", kListEvents, {}, Shape::kListMove},
    {"LMPOP", kListEvents},
    {"LPOP", kListEvents, "lpop"},
    {"LPUSH", kListEvents, "lpush"},
    {"LPUSHX", kListEvents, "lpush"},
    {"LREM", kListEvents, "lrem"},
    {"LSET", kListEvents, "lset", Shape::kAlways},
    {"LTRIM", kListEvents, "ltrim", Shape::kAlways},
    {"MOVE", kGenericEvents, {}, Shape::kToOther},
    {"MSET", kStringEvents, "set", Shape::kSet},
    {"MSETEX", kStringEvents, "set", Shape::kSet},
    {"MSETNX", kStringEvents, "set", Shape::kSet},
    {"PERSIST", kGenericEvents, {}, Shape::kExpire},
    {"PEXPIRE", kGenericEvents, {}, Shape::kExpire},
    {"PEXPIREAT", kGenericEvents, {}, Shape::kExpire},
    {"PFADD", kStringEvents, "pfadd"},
    {"PFCOUNT", kStringEvents, {}, Shape::kSilent},
    {"PFDEBUG", kStringEvents, {}, Shape::kSilent},
    {"PFMERGE", kStringEvents, "pfadd", Shape::kAlways},
    {"PSETEX", kStringEvents, "set", Shape::kSet},
    {"RENAME", kGenericEvents, {}, Shape::kRename},
    {"RENAMENX", kGenericEvents, {}, Shape::kRename},
    {"RESTORE", kGenericEvents, "restore", Shape::kMake},
    {"RPOP", kListEvents, "rpop"},
    {"RPOPLPUSH", kListEvents, {}, Shape::kListMove},
    {"RPUSH", kListEvents, "rpush"},
    {"RPUSHX", kListEvents, "rpush"},
    {"SADD", kSetEvents, "sadd"},
    {"SDIFFSTORE", kSetEvents, "sdiffstore", Shape::kStore},
    {"SET", kStringEvents, "set", Shape::kSet},
    {"SETBIT", kStringEvents, "setbit"},
    {"SETEX", kStringEvents, "set", Shape::kSet},
    {"SETNX", kStringEvents, "set", Shape::kSet},
    {"SETRANGE", kStringEvents, "setrange"},
    {"SINTERSTORE", kSetEvents, "sinterstore", Shape::kStore},
    {"SMOVE", kSetEvents, {}, Shape::kSetMove},
    {"SORT", kListEvents, "sortstore", Shape::kStore},
    {"SPOP", kSetEvents, "spop"},
    {"SREM", kSetEvents, "srem"},
    {"SUNIONSTORE", kSetEvents, "sunionstore", Shape::kStore},
    {"XACK", kStreamEvents, {}, Shape::kSilent},
    {"XACKDEL", kStreamEvents, "xdel"},
    {"XADD", kStreamEvents, "xadd"},
    {"XAUTOCLAIM", kStreamEvents, {}, Shape::kSilent},
    {"XCLAIM", kStreamEvents, {}, Shape::kSilent},
    {"XDEL", kStreamEvents, "xdel"},
    {"XDELEX", kStreamEvents, "xdel"},
    {"XGROUP CREATE", kStreamEvents, "xgroup-create"},
    {"XGROUP CREATECONSUMER", kStreamEvents, "xgroup-createconsumer"},
    {"XGROUP DELCONSUMER", kStreamEvents, "xgroup-delconsumer"},
    {"XGROUP DESTROY", kStreamEvents, "xgroup-destroy"},
    {"XGROUP SETID", kStreamEvents, "xgroup-setid", Shape::kAlways},
    {"XREADGROUP", kStreamEvents, {}, Shape::kSilent},
    {"XSETID", kStreamEvents, "xsetid", Shape::kAlways},
    {"XTRIM", kStreamEvents, "xtrim"},
    {"ZADD", kSortedSetEvents, "zadd"},
    {"ZDIFFSTORE", kSortedSetEvents, "zdiffstore", Shape::kStore},
    {"ZINCRBY", kSortedSetEvents, "zincr"},
    {"ZINTERSTORE", kSortedSetEvents, "zinterstore", Shape::kStore},
    {"ZMPOP", kSortedSetEvents},
    {"ZPOPMAX", kSortedSetEvents, "zpopmax"},
    {"ZPOPMIN", kSortedSetEvents, "zpopmin"},
    {"ZRANGESTORE", kSortedSetEvents, "zrangestore", Shape::kStore},
    {"ZREM", kSortedSetEvents, "zrem"},
    {"ZREMRANGEBYLEX", kSortedSetEvents, "zremrangebylex"},
    {"ZREMRANGEBYRANK", kSortedSetEvents, "zremrangebyrank"},
    {"ZREMRANGEBYSCORE", kSortedSetEvents, "zremrangebyscore"},
    {"ZUNIONSTORE", kSortedSetEvents, "zunionstore", Shape::kStore},
};
static_assert(std::ranges::is_sorted(kRules, {}, &Rule::row));

const Rule* find_rule(std::string_view name) noexcept {
  const auto* const found = std::ranges::lower_bound(kRules, name, {}, &Rule::row);
  return found != std::end(kRules) && found->row == name ? found : nullptr;
}

/// What nobody has a rule for: a command of a type of its own is told by its name.
Rule rule_of(const Command& row, std::string& name) {
  if (const Command* const container = container_of(row); container != nullptr)
    name.append(container->name).append(" ");
  name.append(row.name);
  if (const Rule* const found = find_rule(name)) return *found;
  return {.row = row.name, .of = kModuleEvents, .event = row.name};
}

/// A key from before the call to after it.
struct Touched {
  store::KeyRef key;
  bool was = false;
  bool is = false;
  bool expired = false;  ///< It was found to have died.
  bool put = false;
  Expiry after = {};
};
using TouchedKeys = std::vector<Touched>;

bool same_key(const store::KeyRef& a, const store::KeyRef& b) noexcept {
  return a.database == b.database && a.key == b.key;
}

TouchedKeys touched_keys(std::span<const store::KeyChange> changes) {
  using What = store::KeyChange::What;
  TouchedKeys all;
  for (const store::KeyChange& change : changes) {
    auto found = std::ranges::find_if(all, [&](const Touched& one) { return same_key(one.key, change.key); });
    if (found == all.end()) found = all.insert(all.end(), {.key = change.key, .was = change.existed});
    found->is = change.what == What::kPut || change.what == What::kExpiry;
    found->put |= change.what == What::kPut;
    found->after = change.after;
    if (change.what != What::kExpired) continue;
    found->expired = true;
    found->was = false;
  }
  return all;
}

EventClass class_of(store::ValueType type) noexcept {
  switch (store::shown_type(type)) {
    case store::ValueType::kHash: return kHashEvents;
    case store::ValueType::kList: return kListEvents;
    case store::ValueType::kSet: return kSetEvents;
    case store::ValueType::kSortedSet: return kSortedSetEvents;
    case store::ValueType::kStream: return kStreamEvents;
    case store::ValueType::kSketch: return kModuleEvents;
    default: return kStringEvents;
  }
}

std::string_view plain_event(EventClass of) noexcept {
  switch (of) {
    case kHashEvents: return "hset";
    case kListEvents: return "rpush";
    case kSetEvents: return "sadd";
    case kSortedSetEvents: return "zadd";
    case kStreamEvents: return "xadd";
    default: return "set";
  }
}

/// The events of one call.
class Teller {
 public:
  Teller(const Explained& explained, std::vector<Event>& events)
      : call_(explained.call),
        transaction_(explained.transaction),
        events_(events),
        keys_(touched_keys(explained.changes)) {}

  void tell() {
    std::string name;
    Rule rule = rule_of(call_.row, name);
    if (rule.event.empty() || name == "ZADD") choose_by_words(rule, name);
    for (const Touched& key : keys_)
      if (key.expired) add(kExpiredEvents, "expired", key);
    tell_misses(rule, name);
    if (name.starts_with("MSET")) return tell_each_named(rule);
    if (name == "DEL" || name == "UNLINK") return tell_in_order_of_keys();
    switch (rule.shape) {
      case Shape::kRename: return tell_rename();
      case Shape::kToOther: return tell_move();
      case Shape::kListMove: return tell_list_move(name);
      case Shape::kSetMove: return tell_set_move();
      case Shape::kSet: return tell_set(rule);
      case Shape::kSilent: return tell_remarks();
      default: break;
    }
    for (const Touched& key : keys_) tell_one(rule, key);
    tell_remarks();
  }

 private:
  void add(EventClass of, std::string_view event, const Touched& key) { events_.push_back({of, event, key.key}); }
  void gone(const Touched& key) { add(kGenericEvents, "del", key); }
  void fresh(const Touched& key, bool in_any_case = false) {
    if (key.is && (!key.was || in_any_case)) add(kNewEvents, "new", key);
  }
  void expiry(const Touched& key) { add(kGenericEvents, key.after.never() ? "persist" : "expire", key); }

  /// Among the options of a call that sets values, which come behind them: a value may be any word.
  [[nodiscard]] bool has_option(std::string_view word) const {
    if (call_.row.name != "SET" && call_.row.name != "MSETEX") return false;
    std::size_t at = 0;
    visit_keys(call_.row, call_.arguments, [&](std::size_t i) { at = i + 2; });
    at = std::min(at, call_.arguments.size());
    return std::ranges::any_of(call_.arguments.subspan(at), [&](std::string_view one) { return same_word(one, word); });
  }
  [[nodiscard]] const Touched* find(std::size_t argument) const {
    if (argument >= call_.arguments.size()) return nullptr;
    for (const Touched& key : keys_)
      if (key.key.key == call_.arguments[argument] && key.key.database == call_.database) return &key;
    return nullptr;
  }

  /// Where the event depends on options.
  void choose_by_words(Rule& rule, std::string_view name) const {
    if (name == "ZADD") {
      // Scores and members are no options; an option comes before them.
      for (std::size_t i = 2; i < call_.arguments.size() && i < 6; ++i)
        if (same_word(call_.arguments[i], "INCR") && i + 3 == call_.arguments.size()) rule.event = "zincr";
    } else if (name == "LMPOP" || name == "BLMPOP") {
      rule.event = word_behind_keys("RIGHT") ? "rpop" : "lpop";
    } else if (name == "ZMPOP" || name == "BZMPOP") {
      rule.event = word_behind_keys("MAX") ? "zpopmax" : "zpopmin";
    }
  }
  [[nodiscard]] bool word_behind_keys(std::string_view word) const {
    const std::size_t count = counted_keys(call_.row, call_.arguments);
    const std::size_t at = counted_key_at(call_.row.keys, count);
    return at < call_.arguments.size() && same_word(call_.arguments[at], word);
  }

  void tell_one(const Rule& rule, const Touched& key) {
    if (key.is) {
      if (rule.shape == Shape::kExpire) return expiry(key);
      if (!key.put && rule.of != kHashEvents) return expiry(key);
      fresh(key, rule.shape == Shape::kMake);
      add(rule.of, rule.event, key);
    } else if (key.was) {
      const bool only_gone = rule.shape == Shape::kStore || rule.shape == Shape::kExpire || rule.of == kStringEvents ||
                             rule.of == kGenericEvents || rule.of == kModuleEvents;
      if (!only_gone) add(rule.of, rule.event, key);
      gone(key);
    }
  }

  /// Which keys a call that writes looked for and did not find. Of one that only reads that is told elsewhere.
  void tell_misses(const Rule& rule, std::string_view name) {
    const bool first_too = name == "GETEX" || name == "GETDEL" || name == "PFMERGE" || name == "COPY" || name == "SORT";
    if (!first_too && rule.shape != Shape::kStore) return;
    const std::size_t first = name == "BITOP" ? 2 : 1;  // where the result goes
    visit_keys(call_.row, call_.arguments, [&](std::size_t i) {
      if ((i == first && !first_too) || (i != first && name == "COPY")) return;
      const store::KeyRef key{call_.database, call_.arguments[i]};
      const Touched* const touched = find(i);
      const bool there = touched != nullptr         ? touched->was
                         : !transaction_.holds(key) ? true
                                                    : transaction_.find(key, store::Access::kMeta).has_value();
      if (!there) events_.push_back({kMissEvents, "keymiss", key});
    });
  }

  void tell_in_order_of_keys() {
    for (const Touched& key : keys_)
      if (key.was && !key.is) gone(key);
  }

  /// One of several keys with their values is told as often as it is named.
  void tell_each_named(const Rule& rule) {
    std::vector<const Touched*> met;
    visit_keys(call_.row, call_.arguments, [&](std::size_t i) {
      const Touched* const key = find(i);
      if (key == nullptr || !key->is) return;
      if (std::ranges::find(met, key) == met.end()) fresh(*key);
      met.push_back(key);
      add(rule.of, rule.event, *key);
      if (!key->after.never() && !has_option("KEEPTTL")) add(kGenericEvents, "expire", *key);
    });
  }

  void tell_set(const Rule& rule) {
    const bool keeps = has_option("KEEPTTL");
    for (const Touched& key : keys_) {
      if (!key.is) {
        if (key.was) gone(key);
        continue;
      }
      if (!key.was && call_.row.name == "SET" && has_option("GET")) add(kMissEvents, "keymiss", key);
      if (!key.was && call_.row.name == "GETSET") add(kMissEvents, "keymiss", key);
      fresh(key);
      add(rule.of, rule.event, key);
      if (!key.after.never() && !keeps) add(kGenericEvents, "expire", key);
    }
  }

  void tell_rename() {
    const Touched* const from = find(1);
    const Touched* const to = find(2);
    if (from == nullptr || to == nullptr || from == to) return;
    fresh(*to, true);
    add(kGenericEvents, "rename_from", *from);
    add(kGenericEvents, "rename_to", *to);
  }

  void tell_move() {
    const Touched* from = nullptr;
    const Touched* to = nullptr;
    for (const Touched& key : keys_) (key.is ? to : from) = &key;
    if (from == nullptr || to == nullptr) return;
    fresh(*to);
    add(kGenericEvents, "move_from", *from);
    add(kGenericEvents, "move_to", *to);
  }

  void tell_list_move(std::string_view name) {
    const bool old = name == "RPOPLPUSH" || name == "BRPOPLPUSH" || call_.arguments.size() < 5;
    const bool from_left = !old && same_word(call_.arguments[3], "LEFT");
    const bool to_left = old || same_word(call_.arguments[4], "LEFT");
    const Touched* const from = find(1);
    const Touched* const to = find(2);
    if (from == nullptr || to == nullptr) return;
    if (from != to) fresh(*to);
    add(kListEvents, to_left ? "lpush" : "rpush", *to);
    add(kListEvents, from_left ? "lpop" : "rpop", *from);
    if (!from->is) gone(*from);
  }

  void tell_set_move() {
    const Touched* const from = find(1);
    const Touched* const to = find(2);
    if (from == nullptr || from == to) return;
    add(kSetEvents, "srem", *from);
    if (!from->is) gone(*from);
    if (to == nullptr) return;
    fresh(*to);
    add(kSetEvents, "sadd", *to);
  }

  void tell_remarks() {
    if (call_.remarks == 0) return;
    for (const Touched& key : keys_) {
      if ((call_.remarks & kTrimmed) != 0) add(kStreamEvents, "xtrim", key);
      if ((call_.remarks & kNewConsumer) != 0) add(kStreamEvents, "xgroup-createconsumer", key);
    }
  }

  const CallFacts& call_;
  store::Transaction& transaction_;
  std::vector<Event>& events_;
  TouchedKeys keys_;
};

}  // namespace

void add_events(const Explained& call, std::vector<Event>& events) {
  Teller(call, events).tell();
}

std::optional<Event> unchanged_event(const Command& row, Arguments arguments, int database) {
  std::string name;
  const Rule rule = rule_of(row, name);
  const auto argument = static_cast<std::size_t>(row.keys.first);
  if (rule.shape != Shape::kAlways || argument == 0 || argument >= arguments.size()) return std::nullopt;
  return Event{.of = rule.of, .name = rule.event, .key = {database, arguments[argument]}};
}

void add_plain_events(std::span<const store::KeyChange> changes, std::vector<Event>& events) {
  using What = store::KeyChange::What;
  for (const store::KeyChange& change : changes) {
    const EventClass of = class_of(change.type);
    switch (change.what) {
      case What::kExpired: events.push_back({kExpiredEvents, "expired", change.key}); break;
      case What::kErased: events.push_back({kGenericEvents, "del", change.key}); break;
      case What::kExpiry:
        events.push_back({kGenericEvents, change.after.never() ? "persist" : "expire", change.key});
        break;
      case What::kPut:
        if (!change.existed) events.push_back({kNewEvents, "new", change.key});
        events.push_back({of, plain_event(of), change.key});
        if (of == kStringEvents && !change.after.never()) events.push_back({kGenericEvents, "expire", change.key});
        break;
    }
  }
}

bool tells_of_misses(const Command& row, Arguments arguments) noexcept {
  if (row.keys.none()) return false;
  if (row.name == "GETEX") return arguments.size() == 2;  // else it writes, and that is told with what it did
  const Command* const container = container_of(row);
  // What only looks at how a key is kept does not count as a use of it.
  if (container != nullptr && container->name != "XINFO") return false;
  return (row.flags & kReadOnly) != 0;
}

}  // namespace stave::commands
