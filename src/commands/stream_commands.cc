#include "commands/stream_commands.h"

#include <boost/container/small_vector.hpp>
#include <span>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/try.h"
#include "commands/arguments.h"
#include "commands/collection.h"
#include "commands/notices/event_rules.h"
#include "commands/one_collection.h"
#include "commands/stream_arguments.h"
#include "commands/stream_idempotence.h"
#include "commands/stream_references.h"
#include "types/string/number.h"

namespace stave::commands {

using store::Stream;
using types::stream::Entry;
using types::stream::Id;
using StreamReader = types::stream::Reader;

namespace {

using OpenedStream = store::Opened<Stream>;
using Fields = boost::container::small_vector<types::stream::Field, 8>;

/// What XADD is asked to do.
struct AddWish {
  enum class IdForm : std::uint8_t { kAuto, kAutoSeq, kGiven };
  IdForm form = IdForm::kAuto;
  Id id;
  bool create = true;
  TrimWish trim;
  std::size_t first_field = 0;
  std::optional<Named> named;
  bool name_by_fields = false;
};

/// Takes IDMP or IDMPAUTO at argument `i`, and moves `i` to its last argument. False: it is neither.
Result<bool> take_name(const Call& call, std::size_t& i, AddWish& wish) {
  const bool given = call.is(i, "IDMP");
  if (!given && !call.is(i, "IDMPAUTO")) return false;
  const std::size_t words = given ? 2 : 1;
  if (wish.named || call.size() - i <= words) return syntax_error();
  wish.named = {.producer = call[i + 1], .name = given ? std::string(call[i + 2]) : std::string()};
  wish.name_by_fields = !given;
  if (wish.named->producer.empty() || (given && wish.named->name.empty()))
    return answer_error("ERR IDMP requires a producer and an idempotent id that are not empty");
  constexpr std::size_t kNameMax = 1024;
  if (wish.named->producer.size() > kNameMax || wish.named->name.size() > kNameMax)
    return answer_error("ERR IDMP takes a producer and an idempotent id of at most 1024 bytes");
  i += words;
  return true;
}

/// What an entry is called that has these fields: its hash, the same for ever.
std::string name_of_fields(const Call& call, std::size_t first) {
  std::string bytes;
  for (std::size_t i = first; i < call.size(); ++i) {
    char size[sizeof(std::uint64_t)];
    base::store<std::uint64_t>(size, call[i].size());
    bytes.append(size, sizeof size).append(call[i]);
  }
  std::string name(16, '\0');
  const auto hashed = std::as_bytes(std::span(bytes));
  base::store(name.data(), base::xxh3(hashed, 1));
  base::store(name.data() + 8, base::xxh3(hashed, 2));
  return name;
}

Result<void> parse_given_id(std::string_view text, AddWish& wish) {
  constexpr std::string_view kAutoSeq = "-*";
  wish.form = AddWish::IdForm::kGiven;
  if (text.ends_with(kAutoSeq)) {
    wish.form = AddWish::IdForm::kAutoSeq;
    text.remove_suffix(kAutoSeq.size());
    if (text.find('-') != std::string_view::npos) return invalid_stream_id();
  }
  STAVE_ASSIGN(wish.id, id_argument(text));
  return {};
}

Result<AddWish> parse_stream_add(Call& call) {
  AddWish wish;
  TrimOptions trim(call);
  std::size_t i = 2;
  for (; i < call.size(); ++i) {
    if (call[i] == "*") break;
    STAVE_ASSIGN(const bool taken, trim.take(i));
    if (taken) continue;
    if (call.is(i, "NOMKSTREAM")) {
      wish.create = false;
      continue;
    }
    STAVE_ASSIGN(const bool named, take_name(call, i, wish));
    if (named) continue;
    STAVE_TRY(parse_given_id(call[i], wish));
    break;
  }
  STAVE_ASSIGN(wish.trim, trim.finish());
  wish.first_field = i + 1;
  const std::size_t left = call.size() - std::min(call.size(), wish.first_field);
  if (left < 2 || left % 2 != 0) return answer_error("ERR wrong number of arguments for 'xadd' command");
  if (wish.form == AddWish::IdForm::kGiven && wish.id == types::stream::kIdMin)
    return answer_error("ERR The ID specified in XADD must be greater than 0-0");
  if (wish.named && wish.form != AddWish::IdForm::kAuto)
    return answer_error("ERR IDMP and IDMPAUTO can be used with an ID of * only");
  if (wish.name_by_fields) wish.named->name = name_of_fields(call, wish.first_field);
  return wish;
}

/// The id of the next entry. Errors: it would not be behind the last one.
Result<Id> id_to_add(const AddWish& wish, const Id& last, std::int64_t now_ms) {
  const auto too_small = [] {
    return answer_error("ERR The ID specified in XADD is equal or smaller than the target stream top item");
  };
  const auto next = types::stream::next_id(last);
  if (!next) return answer_error("ERR The stream has exhausted the last possible ID, unable to add more items");
  Id id = wish.id;
  switch (wish.form) {
    case AddWish::IdForm::kAuto: {
      const auto ms = static_cast<std::uint64_t>(std::max<std::int64_t>(now_ms, 0));
      return ms > last.ms ? Id{.ms = ms, .seq = 0} : *next;
    }
    case AddWish::IdForm::kAutoSeq:
      if (id.ms != last.ms) break;
      if (next->ms != last.ms) return too_small();
      id = *next;
      break;
    case AddWish::IdForm::kGiven: break;
  }
  return id > last ? Result<Id>(id) : too_small();
}

Result<Fields> fields_to_add(const Call& call, std::size_t first) {
  constexpr std::size_t kBytesMax = std::size_t{1} << 30;
  Fields fields;
  std::size_t bytes = 0;
  for (std::size_t i = first; i < call.size(); i += 2) {
    fields.push_back({.name = call[i], .value = call[i + 1]});
    bytes += call[i].size() + call[i + 1].size();
    if (bytes > kBytesMax) return answer_error("ERR Elements are too large to be stored");
  }
  return fields;
}

}  // namespace

Result<void> xadd_command(Call& call) {
  STAVE_ASSIGN(const AddWish wish, parse_stream_add(call));
  STAVE_ASSIGN(const Fields fields, fields_to_add(call, wish.first_field));
  std::optional<Id> added;
  const auto change = [&](OpenedStream& stream) -> Result<void> {
    added.reset();
    if (!stream.existed() && !wish.create) return {};
    const std::int64_t now_ms = wish.named ? wall_ms(call) : 0;
    if (wish.named) added = find_sent(stream.editor(), *wish.named, now_ms);
    if (added) return {};
    STAVE_ASSIGN(const Id id, id_to_add(wish, stream.reader().counters().last_id, wall_ms(call)));
    stream.editor().append(id, fields);
    added = id;
    if (wish.named) note_sent(stream.editor(), *wish.named, id, now_ms);
    call.session().remarks = trim_stream(stream.editor(), wish.trim) != 0 ? kTrimmed : 0;
    return {};
  };
  STAVE_TRY(change_one<Stream>(call, 1, change));
  if (added) {
    answer_id(call.reply(), *added);
  } else {
    call.reply().null();
  }
  return {};
}

Result<void> xtrim_command(Call& call) {
  TrimOptions options(call);
  for (std::size_t i = 2; i < call.size(); ++i) {
    STAVE_ASSIGN(const bool taken, options.take(i));
    if (!taken) return syntax_error();
  }
  STAVE_ASSIGN(const TrimWish wish, options.finish());
  if (wish.by == TrimWish::By::kNothing)
    return answer_error("ERR syntax error, XTRIM must be called with a trimming strategy");
  std::uint64_t removed = 0;
  const auto change = [&](OpenedStream& stream) -> Result<void> {
    removed = trim_stream(stream.editor(), wish);
    return {};
  };
  STAVE_TRY(change_one<Stream>(call, 1, change));
  call.reply().integer(static_cast<std::int64_t>(removed));
  return {};
}

Result<void> xdel_command(Call& call) {
  std::int64_t removed = 0;
  const auto change = [&](OpenedStream& stream) -> Result<void> {
    removed = 0;
    if (!stream.existed()) return {};
    std::vector<Id> ids;
    for (std::size_t i = 2; i < call.size(); ++i) {
      STAVE_ASSIGN(const Id id, id_argument(call[i]));
      ids.push_back(id);
    }
    types::stream::Counters counters = stream.reader().counters();
    for (const Id& id : ids) {
      if (!stream.editor().remove(id)) continue;
      ++removed;
      counters.max_deleted_id = std::max(counters.max_deleted_id, id);
    }
    stream.editor().set_counters(counters);
    return {};
  };
  STAVE_TRY(change_one<Stream>(call, 1, change));
  call.reply().integer(removed);
  return {};
}

namespace {

/// "[KEEPREF | DELREF | ACKED] IDS numids id [id ...]" from argument `i` on.
struct IdsWish {
  References references = References::kKeep;
  std::vector<Id> ids;
};
Result<IdsWish> parse_ids(const Call& call, std::size_t i) {
  IdsWish wish;
  for (; i < call.size() && !call.is(i, "IDS"); ++i) {
    const auto references = references_named(call[i]);
    if (!references) return syntax_error();
    wish.references = *references;
  }
  if (i + 2 >= call.size()) return syntax_error();
  const auto count = types::parse_integer(call[i + 1]);
  if (!count || *count < 1) return answer_error("ERR Number of IDs must be a positive integer");
  const std::size_t first = i + 2;
  if (static_cast<std::uint64_t>(*count) != call.size() - first)
    return answer_error("ERR The `numids` parameter must match the number of arguments");
  for (i = first; i < call.size(); ++i) {
    STAVE_ASSIGN(const Id id, id_argument(call[i]));
    wish.ids.push_back(id);
  }
  return wish;
}

void answer_deleted(Sink& reply, const std::vector<Deleted>& deleted) {
  reply.array(deleted.size());
  for (const Deleted one : deleted) reply.integer(static_cast<std::int64_t>(one));
}

/// Deletes an entry, and notes in `counters` that it was.
Deleted delete_one(OpenedStream& stream, const Id& id, References references, types::stream::Counters& counters) {
  const Deleted deleted = delete_entry(stream.editor(), id, references);
  if (deleted == Deleted::kYes) counters.max_deleted_id = std::max(counters.max_deleted_id, id);
  return deleted;
}

}  // namespace

Result<void> xdelex_command(Call& call) {
  STAVE_ASSIGN(const IdsWish wish, parse_ids(call, 2));
  std::vector<Deleted> deleted;
  const auto change = [&](OpenedStream& stream) -> Result<void> {
    deleted.assign(wish.ids.size(), Deleted::kNotThere);
    if (!stream.existed()) return {};
    types::stream::Counters counters = stream.reader().counters();
    for (std::size_t i = 0; i != wish.ids.size(); ++i)
      deleted[i] = delete_one(stream, wish.ids[i], wish.references, counters);
    stream.editor().set_counters(counters);
    return {};
  };
  STAVE_TRY(change_one<Stream>(call, 1, change));
  answer_deleted(call.reply(), deleted);
  return {};
}

Result<void> xackdel_command(Call& call) {
  STAVE_ASSIGN(const IdsWish wish, parse_ids(call, 3));
  std::vector<Deleted> deleted;
  const auto change = [&](OpenedStream& stream) -> Result<void> {
    deleted.assign(wish.ids.size(), Deleted::kNotThere);
    const auto group = stream.existed() ? stream.reader().group(call[2]) : std::nullopt;
    if (!group) return {};
    types::stream::Counters counters = stream.reader().counters();
    for (std::size_t i = 0; i != wish.ids.size(); ++i) {
      const Id& id = wish.ids[i];
      const auto pending = stream.reader().pending(group->number, id);
      if (!pending) continue;
      stream.editor().remove_pending(group->number, id, *pending);
      // Acknowledged it is, be the entry still there or not.
      const Deleted done = delete_one(stream, id, wish.references, counters);
      deleted[i] = done == Deleted::kReferenced ? done : Deleted::kYes;
    }
    stream.editor().set_counters(counters);
    return {};
  };
  STAVE_TRY(change_one<Stream>(call, 1, change));
  answer_deleted(call.reply(), deleted);
  return {};
}

Result<void> xlen_command(Call& call) {
  std::uint64_t length = 0;
  STAVE_TRY(look_at_one<Stream>(call, 1, [&](const StreamReader* stream) -> Result<void> {
    length = stream != nullptr ? stream->size() : 0;
    return {};
  }));
  call.reply().integer(static_cast<std::int64_t>(length));
  return {};
}

// --- what producers sent ---------------------------------------------------------------------------------------------

Result<void> xcfgset_command(Call& call) {
  std::optional<std::uint64_t> seconds;
  std::optional<std::uint64_t> most;
  const auto number = [&](std::size_t i, std::uint64_t end, std::string_view what) -> Result<std::uint64_t> {
    const auto given = types::parse_integer(call[i]);
    if (!given || *given < 1 || static_cast<std::uint64_t>(*given) > end)
      return answer_error("ERR invalid " + std::string(what));
    return static_cast<std::uint64_t>(*given);
  };
  for (std::size_t i = 2; i < call.size(); ++i) {
    if (call.is(i, "IDMP-DURATION") && i + 1 < call.size()) {
      STAVE_ASSIGN(seconds, number(++i, types::stream::Idempotence::kSecondsMax, "duration"));
    } else if (call.is(i, "IDMP-MAXSIZE") && i + 1 < call.size()) {
      STAVE_ASSIGN(most, number(++i, types::stream::Idempotence::kMostMax, "maxsize"));
    } else {
      return syntax_error();
    }
  }
  if (!seconds && !most) return syntax_error();
  const auto change = [&](OpenedStream& stream) -> Result<void> {
    if (!stream.existed()) return no_such_key();
    const auto before = stream.reader().idempotence();
    types::stream::Idempotence after = before.value_or(types::stream::Idempotence{});
    after.seconds = seconds.value_or(after.seconds);
    after.most = most.value_or(after.most);
    if (before && (before->seconds != after.seconds || before->most != after.most)) forget_sent(stream.editor());
    stream.editor().set_idempotence(after);
    return {};
  };
  STAVE_TRY(change_one<Stream>(call, 1, change));
  call.reply().status("OK");
  return {};
}

// --- ranges ----------------------------------------------------------------------------------------------------------

namespace {

Result<void> answer_range(Call& call, bool backwards) {
  STAVE_ASSIGN(const Id from, range_start(call[backwards ? 3 : 2]));
  STAVE_ASSIGN(const Id to, range_end(call[backwards ? 2 : 3]));
  std::optional<std::uint64_t> count;
  for (std::size_t i = 4; i < call.size(); ++i) {
    if (!call.is(i, "COUNT") || i + 1 == call.size()) return syntax_error();
    STAVE_ASSIGN(const std::int64_t given, integer_argument(call, ++i));
    count = static_cast<std::uint64_t>(std::max<std::int64_t>(given, 0));
  }
  TakenEntries found;
  bool there = false;
  const auto look = [&](const StreamReader* stream) -> Result<void> {
    found.clear();
    there = stream != nullptr;
    if (!there || count == 0) return {};
    const auto take = [&](const Entry& entry) {
      found.add(entry);
      return found.size() != count;
    };
    if (backwards) {
      stream->visit_backwards(from, to, take);
    } else {
      stream->visit(from, to, take);
    }
    return {};
  };
  STAVE_TRY(look_at_one<Stream>(call, 1, look));
  if (there && count == 0) {
    call.reply().null_array();
  } else {
    found.answer(call.reply());
  }
  return {};
}

}  // namespace

Result<void> xrange_command(Call& call) {
  return answer_range(call, false);
}

Result<void> xrevrange_command(Call& call) {
  return answer_range(call, true);
}

// --- what the stream keeps count of ----------------------------------------------------------------------------------

Result<void> xsetid_command(Call& call) {
  STAVE_ASSIGN(const Id last, id_argument(call[2]));
  std::optional<std::uint64_t> added;
  Id deleted;
  for (std::size_t i = 3; i < call.size(); ++i) {
    const bool more = i + 1 < call.size();
    if (more && call.is(i, "ENTRIESADDED")) {
      STAVE_ASSIGN(const std::int64_t given, integer_argument(call, ++i));
      if (given < 0) return answer_error("ERR entries_added must be positive");
      added = static_cast<std::uint64_t>(given);
    } else if (more && call.is(i, "MAXDELETEDID")) {
      STAVE_ASSIGN(deleted, id_argument(call[++i]));
      if (last < deleted)
        return answer_error("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id");
    } else {
      return syntax_error();
    }
  }
  const auto change = [&](OpenedStream& stream) -> Result<void> {
    if (!stream.existed()) return no_such_key();
    types::stream::Counters counters = stream.reader().counters();
    if (last < counters.max_deleted_id)
      return answer_error("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id");
    if (const auto top = stream.reader().top_id()) {
      if (last < *top) return answer_error("ERR The ID specified in XSETID is smaller than the target stream top item");
      if (added && counters.length > *added)
        return answer_error("ERR The entries_added specified in XSETID is smaller than the target stream length");
    }
    counters.last_id = last;
    if (added) counters.entries_added = *added;
    if (deleted != types::stream::kIdMin) counters.max_deleted_id = deleted;
    stream.editor().set_counters(counters);
    return {};
  };
  STAVE_TRY(change_one<Stream>(call, 1, change));
  call.reply().status("OK");
  return {};
}

}  // namespace stave::commands
