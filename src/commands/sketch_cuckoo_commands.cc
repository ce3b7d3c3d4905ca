#include "commands/sketch_cuckoo_commands.h"

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/try.h"
#include "commands/sketch_access.h"
#include "types/sketch/cuckoo.h"
#include "types/string/number.h"

namespace stave::commands {

namespace sketch = types::sketch;
using sketch::Cuckoo;
using sketch::Kind;

namespace {

std::unexpected<Error> cuckoo_not_found() {
  return answer_error("ERR Not found");
}

/// Argument `i`, from `least` to `most`. Errors: `message`, or which numbers it may be.
Result<std::uint64_t> number_argument(const Call& call, std::size_t i, std::string_view name, std::string_view message,
                                      std::uint64_t least, std::uint64_t most) {
  const auto number = types::parse_integer(call[i]);
  if (!number) return answer_error("ERR " + std::string(message));
  if (*number < 0 || static_cast<std::uint64_t>(*number) < least || static_cast<std::uint64_t>(*number) > most)
    return answer_error("ERR " + std::string(name) + ": value must be an integer between " + std::to_string(least) +
                        " and " + std::to_string(most) + ", inclusive.");
  return static_cast<std::uint64_t>(*number);
}
Result<std::uint64_t> cuckoo_capacity(const Call& call, std::size_t i) {
  return number_argument(call, i, "CAPACITY", "Bad capacity", 1, Cuckoo::kCapacityMax);
}

struct CuckooInsert {
  Cuckoo::Options filter;
  bool create = true;
  bool only_new = false;
  std::size_t items = 2;  ///< The argument with the first one.
};

Result<CuckooInsert> parse_cuckoo_insert(const Call& call, bool only_new) {
  CuckooInsert options{.filter = {}, .only_new = only_new, .items = 0};
  for (std::size_t i = 2; i < call.size() && options.items == 0;) {
    if (call.is(i, "ITEMS")) {
      options.items = i + 1;
    } else if (call.is(i, "NOCREATE")) {
      options.create = false;
      ++i;
    } else if (call.is(i, "CAPACITY") && i + 1 < call.size()) {
      STAVE_ASSIGN(options.filter.capacity, cuckoo_capacity(call, i + 1));
      i += 2;
    } else {
      return answer_error("ERR Unknown argument received");
    }
  }
  if (options.items == 0 || options.items == call.size())
    return answer_error("ERR wrong number of arguments for '" + std::string(only_new ? "cf.insertnx" : "cf.insert") +
                        "' command");
  return options;
}

enum class CuckooOutcome : std::uint8_t { kAdded, kThere, kFull };
using Outcomes = boost::container::small_vector<CuckooOutcome, 16>;

Result<Outcomes> add_to_cuckoo(Call& call, const CuckooInsert& options) {
  Outcomes outcomes;
  const std::uint64_t bytes_max = call.engine().options().value_bytes_max;
  if (options.create) STAVE_TRY(check_sketch_size(call, Cuckoo::bytes_for(options.filter)));
  STAVE_TRY(change_sketch(call, 1, Kind::kCuckoo, [&](sketch::Editor& bytes) -> Result<void> {
    outcomes.clear();
    if (bytes.size() == 0) {
      if (!options.create) return cuckoo_not_found();
      Cuckoo::make(bytes, options.filter);
    }
    Cuckoo filter(bytes);
    const std::uint64_t before = filter.elements();
    for (std::size_t i = options.items; i < call.size(); ++i) {
      if (options.only_new && filter.count(call[i]) != 0) {
        outcomes.push_back(CuckooOutcome::kThere);
      } else {
        const bool added = filter.add(bytes, call[i], bytes_max) == Cuckoo::Added::kYes;
        outcomes.push_back(added ? CuckooOutcome::kAdded : CuckooOutcome::kFull);
      }
    }
    if (filter.elements() != before) filter.finish(bytes);
    return {};
  }));
  return outcomes;
}

Result<void> answer_added(Call& call, bool only_new) {
  STAVE_ASSIGN(const Outcomes outcomes, add_to_cuckoo(call, {.filter = {}, .only_new = only_new}));
  STAVE_ASSERT(outcomes.size() == 1);
  if (outcomes[0] == CuckooOutcome::kFull) return answer_error("ERR Filter is full");
  call.reply().boolean(outcomes[0] == CuckooOutcome::kAdded);
  return {};
}

Result<void> answer_inserted(Call& call, bool only_new) {
  STAVE_ASSIGN(const CuckooInsert options, parse_cuckoo_insert(call, only_new));
  STAVE_ASSIGN(const Outcomes outcomes, add_to_cuckoo(call, options));
  call.reply().array(outcomes.size());
  for (const CuckooOutcome outcome : outcomes) {
    if (outcome == CuckooOutcome::kFull) {
      call.reply().integer(-1);
    } else {
      call.reply().boolean(outcome == CuckooOutcome::kAdded);
    }
  }
  return {};
}

/// How often each item from argument 2 on may be there.
Result<boost::container::small_vector<std::uint64_t, 16>> counts(Call& call) {
  boost::container::small_vector<std::uint64_t, 16> found(call.size() - 2, 0);
  STAVE_TRY(look_at_sketch(call, 1, Kind::kCuckoo, [&](const sketch::Reader* bytes) -> Result<void> {
    if (bytes == nullptr) return {};
    const Cuckoo filter(*bytes);
    for (std::size_t i = 0; i < found.size(); ++i) found[i] = filter.count(call[2 + i]);
    return {};
  }));
  return found;
}

}  // namespace

Result<void> cf_add_command(Call& call) {
  return answer_added(call, false);
}
Result<void> cf_addnx_command(Call& call) {
  return answer_added(call, true);
}
Result<void> cf_insert_command(Call& call) {
  return answer_inserted(call, false);
}
Result<void> cf_insertnx_command(Call& call) {
  return answer_inserted(call, true);
}

Result<void> cf_count_command(Call& call) {
  STAVE_ASSIGN(const auto found, counts(call));
  call.reply().integer(static_cast<std::int64_t>(found[0]));
  return {};
}
Result<void> cf_exists_command(Call& call) {
  STAVE_ASSIGN(const auto found, counts(call));
  call.reply().boolean(found[0] != 0);
  return {};
}
Result<void> cf_mexists_command(Call& call) {
  STAVE_ASSIGN(const auto found, counts(call));
  call.reply().array(found.size());
  for (const std::uint64_t count : found) call.reply().boolean(count != 0);
  return {};
}

Result<void> cf_del_command(Call& call) {
  bool removed = false;
  STAVE_TRY(change_sketch(call, 1, Kind::kCuckoo, [&](sketch::Editor& bytes) -> Result<void> {
    if (bytes.size() == 0) return cuckoo_not_found();
    Cuckoo filter(bytes);
    removed = filter.remove(bytes, call[2]);
    if (removed) filter.finish(bytes);
    return {};
  }));
  call.reply().boolean(removed);
  return {};
}

Result<void> cf_reserve_command(Call& call) {
  Cuckoo::Options options;
  STAVE_ASSIGN(options.capacity, cuckoo_capacity(call, 2));
  if (call.size() % 2 == 0) return syntax_error();
  for (std::size_t i = 3; i < call.size(); i += 2) {
    if (call.is(i, "BUCKETSIZE")) {
      STAVE_ASSIGN(const std::uint64_t bucket,
                   number_argument(call, i + 1, "BUCKETSIZE", "Couldn't parse BUCKETSIZE", 1, Cuckoo::kBucketMax));
      options.bucket = static_cast<std::uint16_t>(bucket);
    } else if (call.is(i, "MAXITERATIONS")) {
      STAVE_ASSIGN(const std::uint64_t moves,
                   number_argument(call, i + 1, "MAXITERATIONS", "Couldn't parse MAXITERATIONS", 1, Cuckoo::kMovesMax));
      options.moves = static_cast<std::uint32_t>(moves);
    } else if (call.is(i, "EXPANSION")) {
      STAVE_ASSIGN(const std::uint64_t expansion,
                   number_argument(call, i + 1, "EXPANSION", "Couldn't parse EXPANSION", 0, Cuckoo::kExpansionMax));
      options.expansion = static_cast<std::uint32_t>(expansion);
    } else {
      return syntax_error();
    }
  }
  STAVE_TRY(check_sketch_size(call, Cuckoo::bytes_for(options)));
  STAVE_TRY(change_sketch(call, 1, Kind::kCuckoo, [&](sketch::Editor& bytes) -> Result<void> {
    if (bytes.size() != 0) return answer_error("ERR item exists");
    Cuckoo::make(bytes, options);
    return {};
  }));
  call.reply().status("OK");
  return {};
}

Result<void> cf_info_command(Call& call) {
  struct Row {
    std::string_view name;
    std::uint64_t value = 0;
  };
  boost::container::small_vector<Row, 8> rows;
  STAVE_TRY(look_at_sketch(call, 1, Kind::kCuckoo, [&](const sketch::Reader* bytes) -> Result<void> {
    if (bytes == nullptr) return cuckoo_not_found();
    const Cuckoo filter(*bytes);
    rows = {{"Size", bytes->size()},
            {"Number of buckets", filter.buckets()},
            {"Number of filters", filter.filters()},
            {"Number of items inserted", filter.elements()},
            {"Number of items deleted", filter.removed()},
            {"Bucket size", filter.bucket_size()},
            {"Expansion rate", filter.expansion()},
            {"Max iterations", filter.moves()}};
    return {};
  }));
  call.reply().map(rows.size());
  for (const Row& row : rows) {
    call.reply().status(row.name);
    call.reply().integer(static_cast<std::int64_t>(row.value));
  }
  return {};
}

Result<void> cf_compact_command(Call& call) {
  STAVE_TRY(look_at_sketch(call, 1, Kind::kCuckoo, [&](const sketch::Reader* bytes) -> Result<void> {
    return bytes == nullptr ? Result<void>(answer_error("ERR Cuckoo filter was not found")) : Result<void>{};
  }));
  call.reply().status("OK");
  return {};
}

Result<void> cf_scandump_command(Call& call) {
  return scan_dump(call, Kind::kCuckoo);
}
Result<void> cf_loadchunk_command(Call& call) {
  return load_chunk(call, Kind::kCuckoo, Cuckoo::size_of);
}

}  // namespace stave::commands
