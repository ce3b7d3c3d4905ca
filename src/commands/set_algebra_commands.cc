#include "commands/set_algebra_commands.h"

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/try.h"
#include "commands/arguments.h"
#include "commands/collection.h"
#include "commands/key_list.h"
#include "types/set/algebra.h"

namespace stave::commands {

using store::Set;
using SetReader = types::set::Reader;
using types::set::Readers;

namespace {

using AlgebraOperation = void (*)(Readers, SetReader::Visit);
using KeySpan = std::span<const store::KeyRef>;

/// The sets of some keys as they were at one instant, held without their locks. An absent key's is empty.
class CopiedSets {
 public:
  /// Errors: WRONGTYPE, those of a read.
  static Result<CopiedSets> of(Call& call, KeySpan keys) {
    CopiedSets sets(keys.size());
    bool other = false;
    bool paged = false;
    const auto look = [&](std::size_t i, const store::ValueView* held) {
      if (held == nullptr) return;
      if (held->type != Set::kType) {
        other = true;
      } else if (held->paged) {
        paged = true;
      } else {
        sets.copies_[i].take(*held, UnixMs{0});
      }
    };
    STAVE_TRY(call.wait_for(call.read_many(keys, store::as_root(call.session().read_access()), look)));
    if (other) return wrong_type();
    if (paged) STAVE_TRY(sets.copy_pages(call, keys));
    std::uint64_t hits = 0;
    for (const Copied<Set>& copy : sets.copies_) {
      hits += copy.reader() != nullptr ? 1 : 0;
      sets.readers_.push_back(&copy.or_empty());
    }
    call.session().counters().count_lookups(hits, keys.size() - hits);
    return sets;
  }
  [[nodiscard]] Readers readers() const noexcept { return readers_; }

 private:
  explicit CopiedSets(std::size_t count) : copies_(count) { readers_.reserve(count); }

  /// Copies all of them in a transaction, as one of pages needs it.
  Result<void> copy_pages(Call& call, KeySpan keys) {
    copies_ = std::vector<Copied<Set>>(keys.size());
    Part part(call.session(), keys);
    for (std::size_t i = 0; i < keys.size(); ++i)
      STAVE_TRY(copy_out(part, keys[i], call.session().read_access(), copies_[i]));
    return call.commit(part);
  }

  std::vector<Copied<Set>> copies_;
  std::vector<const SetReader*> readers_;
};

Result<void> show(Call& call, AlgebraOperation operation) {
  const KeyList keys = keys_of(call, 1, 1);
  STAVE_ASSIGN(const CopiedSets sets, CopiedSets::of(call, keys));
  std::vector<std::string> members;
  operation(sets.readers(), [&](std::string_view member) {
    members.emplace_back(member);
    return true;
  });
  call.reply().set(members.size());
  for (const std::string& member : members) call.reply().bulk(member);
  return {};
}

struct CountOptions {
  std::size_t keys = 0;
  std::uint64_t limit = 0;  ///< 0: none.
};

Result<CountOptions> count_options(const Call& call) {
  CountOptions options;
  const auto keys = types::parse_integer(call[1]);
  if (!keys || *keys < 1) return answer_error("ERR numkeys should be greater than 0");
  if (static_cast<std::uint64_t>(*keys) > call.size() - 2)
    return answer_error("ERR Number of keys can't be greater than number of args");
  options.keys = static_cast<std::size_t>(*keys);
  for (std::size_t i = 2 + options.keys; i < call.size(); i += 2) {
    if (!call.is(i, "LIMIT") || i + 1 == call.size()) return syntax_error();
    const auto limit = types::parse_integer(call[i + 1]);
    if (!limit || *limit < 0) return answer_error("ERR LIMIT can't be negative");
    options.limit = static_cast<std::uint64_t>(*limit);
  }
  return options;
}

Result<void> count(Call& call, AlgebraOperation operation) {
  STAVE_ASSIGN(const CountOptions options, count_options(call));
  KeyList keys;
  for (std::size_t i = 0; i < options.keys; ++i) keys.push_back(call.key(2 + i));
  STAVE_ASSIGN(const CopiedSets sets, CopiedSets::of(call, keys));
  std::uint64_t found = 0;
  operation(sets.readers(), [&](std::string_view) { return ++found != options.limit; });
  call.reply().integer(static_cast<std::int64_t>(found));
  return {};
}

Result<Set::Compact> make_of(Part& part, KeySpan keys, AlgebraOperation operation) {
  std::vector<store::Opened<Set>> opened;
  opened.reserve(keys.size());
  for (const store::KeyRef& key : keys) {
    STAVE_ASSIGN(store::Opened<Set> one, store::open_collection<Set>(part, key));
    opened.push_back(std::move(one));
  }
  std::vector<const SetReader*> readers;
  for (const store::Opened<Set>& one : opened) readers.push_back(&one.reader());
  Set::Compact made;
  operation(readers, [&](std::string_view member) {
    made.add_new(member);
    return true;
  });
  return made;
}

Result<void> keep(Call& call, AlgebraOperation operation) {
  const KeyList keys = keys_of(call, 1, 1);
  Part part(call.session(), keys);
  STAVE_ASSIGN(const Set::Compact made, make_of(part, KeySpan(keys).subspan(1), operation));
  STAVE_TRY(store::put_collection<Set>(part, keys[0], made));
  STAVE_TRY(call.commit(part));
  call.reply().integer(static_cast<std::int64_t>(made.size()));
  return {};
}

}  // namespace

Result<void> sdiff_command(Call& call) {
  return show(call, types::set::visit_difference);
}
Result<void> sdiffcard_command(Call& call) {
  return count(call, types::set::visit_difference);
}
Result<void> sdiffstore_command(Call& call) {
  return keep(call, types::set::visit_difference);
}
Result<void> sinter_command(Call& call) {
  return show(call, types::set::visit_intersection);
}
Result<void> sintercard_command(Call& call) {
  return count(call, types::set::visit_intersection);
}
Result<void> sinterstore_command(Call& call) {
  return keep(call, types::set::visit_intersection);
}
Result<void> sunion_command(Call& call) {
  return show(call, types::set::visit_union);
}
Result<void> sunioncard_command(Call& call) {
  return count(call, types::set::visit_union);
}
Result<void> sunionstore_command(Call& call) {
  return keep(call, types::set::visit_union);
}

}  // namespace stave::commands
