#include "commands/sketch_bloom_commands.h"

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/try.h"
#include "commands/sketch_access.h"
#include "types/sketch/bloom.h"
#include "types/sorted_set/score.h"
#include "types/string/number.h"

namespace stave::commands {

namespace sketch = types::sketch;
using sketch::Bloom;
using sketch::Kind;

namespace {

Result<double> rate_argument(const Call& call, std::size_t i) {
  const auto rate = types::sorted_set::parse_score(call[i]);
  if (!rate) return answer_error("ERR bad error rate");
  if (!(*rate > 0 && *rate < 1)) return answer_error("ERR (0 < error rate range < 1)");
  if (*rate < Bloom::kRateMin) return answer_error("ERR error rate must be in the range (0.000000, 1.000000)");
  return *rate;
}

Result<std::uint64_t> bloom_capacity(const Call& call, std::size_t i) {
  const auto capacity = types::parse_integer(call[i]);
  if (!capacity) return answer_error("ERR bad capacity");
  if (*capacity < 1) return answer_error("ERR (capacity should be larger than 0)");
  if (static_cast<std::uint64_t>(*capacity) > Bloom::kCapacityMax)
    return answer_error("ERR capacity must be in the range [1, " + std::to_string(Bloom::kCapacityMax) + "]");
  return static_cast<std::uint64_t>(*capacity);
}

Result<std::uint32_t> expansion_argument(const Call& call, std::size_t i) {
  const auto expansion = types::parse_integer(call[i]);
  if (!expansion) return answer_error("ERR bad expansion");
  if (*expansion < 0 || *expansion > std::int64_t{Bloom::kExpansionMax})
    return answer_error("ERR expansion must be in the range [0, " + std::to_string(Bloom::kExpansionMax) + "]");
  return static_cast<std::uint32_t>(*expansion);
}

/// Options whose words are those of RESERVE and INSERT.
struct BloomInsert {
  Bloom::Options filter;
  bool create = true;
  bool non_scaling = false;
  bool expansion_given = false;
  std::size_t items = 0;  ///< The argument with the first one.

  Result<void> settle() {
    if (non_scaling && expansion_given) return answer_error("ERR Nonscaling filters cannot expand");
    if (non_scaling) filter.expansion = 0;
    return {};
  }
};

Result<BloomInsert> parse_bloom_insert(const Call& call) {
  BloomInsert options;
  for (std::size_t i = 2; i < call.size();) {
    const bool more = i + 1 < call.size();
    if (call.is(i, "ITEMS")) {
      options.items = i + 1;
      break;
    }
    if (call.is(i, "NOCREATE")) {
      options.create = false;
      ++i;
    } else if (call.is(i, "NONSCALING")) {
      options.non_scaling = true;
      ++i;
    } else if (call.is(i, "CAPACITY") && more) {
      STAVE_ASSIGN(options.filter.capacity, bloom_capacity(call, i + 1));
      i += 2;
    } else if (call.is(i, "ERROR") && more) {
      STAVE_ASSIGN(options.filter.rate, rate_argument(call, i + 1));
      i += 2;
    } else if (call.is(i, "EXPANSION") && more) {
      STAVE_ASSIGN(options.filter.expansion, expansion_argument(call, i + 1));
      options.expansion_given = true;
      i += 2;
    } else {
      return answer_error("ERR Unknown argument received");
    }
  }
  if (options.items == 0 || options.items == call.size())
    return answer_error("ERR wrong number of arguments for 'bf.insert' command");
  STAVE_TRY(options.settle());
  return options;
}

/// How adding each of several went, as far as it got.
struct BloomAdded {
  boost::container::small_vector<bool, 16> fresh;
  std::optional<std::string> error;  ///< Why the next one was not added.
};

/// Adds the arguments from `options.items` on.
Result<BloomAdded> add_to_bloom(Call& call, const BloomInsert& options) {
  BloomAdded added;
  const std::uint64_t bytes_max = call.engine().options().value_bytes_max;
  if (options.create) STAVE_TRY(check_sketch_size(call, Bloom::bytes_for(options.filter)));
  STAVE_TRY(change_sketch(call, 1, Kind::kBloom, [&](sketch::Editor& bytes) -> Result<void> {
    added = {};
    if (bytes.size() == 0) {
      if (!options.create) return sketch_not_found();
      Bloom::make(bytes, options.filter);
    }
    Bloom filter(bytes);
    const std::uint64_t before = filter.elements();
    for (std::size_t i = options.items; i < call.size() && !added.error; ++i) {
      switch (filter.add(bytes, call[i], bytes_max)) {
        case Bloom::Added::kNew: added.fresh.push_back(true); break;
        case Bloom::Added::kThere: added.fresh.push_back(false); break;
        case Bloom::Added::kFull: added.error = "ERR non scaling filter is full"; break;
        case Bloom::Added::kTooLarge: added.error = "ERR problem inserting into filter"; break;
      }
    }
    if (filter.elements() != before) filter.finish(bytes);
    return {};
  }));
  return added;
}

void answer_each(Sink& reply, const BloomAdded& added) {
  reply.array(added.fresh.size() + (added.error ? 1 : 0));
  for (const bool fresh : added.fresh) reply.boolean(fresh);
  if (added.error) reply.error(*added.error);
}

/// Answers of each item from argument 2 on whether it is there; `several`: as an array.
Result<void> answer_exists(Call& call, bool several) {
  boost::container::small_vector<bool, 16> there(call.size() - 2, false);
  STAVE_TRY(look_at_sketch(call, 1, Kind::kBloom, [&](const sketch::Reader* bytes) -> Result<void> {
    if (bytes == nullptr) return {};
    const Bloom filter(*bytes);
    for (std::size_t i = 0; i < there.size(); ++i) there[i] = filter.contains(call[2 + i]);
    return {};
  }));
  if (several) call.reply().array(there.size());
  for (const bool one : there) call.reply().boolean(one);
  return {};
}

}  // namespace

Result<void> bf_add_command(Call& call) {
  BloomInsert options;
  options.items = 2;
  STAVE_ASSIGN(const BloomAdded added, add_to_bloom(call, options));
  if (added.error) return answer_error(*added.error);
  STAVE_ASSERT(added.fresh.size() == 1);
  call.reply().boolean(added.fresh[0]);
  return {};
}

Result<void> bf_madd_command(Call& call) {
  BloomInsert options;
  options.items = 2;
  STAVE_ASSIGN(const BloomAdded added, add_to_bloom(call, options));
  answer_each(call.reply(), added);
  return {};
}

Result<void> bf_insert_command(Call& call) {
  STAVE_ASSIGN(const BloomInsert options, parse_bloom_insert(call));
  STAVE_ASSIGN(const BloomAdded added, add_to_bloom(call, options));
  answer_each(call.reply(), added);
  return {};
}

Result<void> bf_exists_command(Call& call) {
  return answer_exists(call, false);
}
Result<void> bf_mexists_command(Call& call) {
  return answer_exists(call, true);
}

Result<void> bf_reserve_command(Call& call) {
  BloomInsert options;
  STAVE_ASSIGN(options.filter.rate, rate_argument(call, 2));
  STAVE_ASSIGN(options.filter.capacity, bloom_capacity(call, 3));
  for (std::size_t i = 4; i < call.size(); ++i) {
    if (call.is(i, "NONSCALING")) {
      options.non_scaling = true;
    } else if (call.is(i, "EXPANSION") && i + 1 < call.size()) {
      STAVE_ASSIGN(options.filter.expansion, expansion_argument(call, ++i));
      options.expansion_given = true;
    } else {
      return syntax_error();
    }
  }
  STAVE_TRY(options.settle());
  STAVE_TRY(check_sketch_size(call, Bloom::bytes_for(options.filter)));
  STAVE_TRY(change_sketch(call, 1, Kind::kBloom, [&](sketch::Editor& bytes) -> Result<void> {
    if (bytes.size() != 0) return answer_error("ERR item exists");
    Bloom::make(bytes, options.filter);
    return {};
  }));
  call.reply().status("OK");
  return {};
}

Result<void> bf_card_command(Call& call) {
  std::uint64_t elements = 0;
  STAVE_TRY(look_at_sketch(call, 1, Kind::kBloom, [&](const sketch::Reader* bytes) -> Result<void> {
    if (bytes != nullptr) elements = Bloom(*bytes).elements();
    return {};
  }));
  call.reply().integer(static_cast<std::int64_t>(elements));
  return {};
}

Result<void> bf_info_command(Call& call) {
  struct Row {
    std::string_view word;
    std::string_view name;
    std::optional<std::uint64_t> value;
  };
  boost::container::small_vector<Row, 5> rows;
  STAVE_TRY(look_at_sketch(call, 1, Kind::kBloom, [&](const sketch::Reader* bytes) -> Result<void> {
    if (bytes == nullptr) return sketch_not_found();
    const Bloom filter(*bytes);
    rows = {{"CAPACITY", "Capacity", filter.capacity()},
            {"SIZE", "Size", bytes->size()},
            {"FILTERS", "Number of filters", filter.layers()},
            {"ITEMS", "Number of items inserted", filter.elements()},
            {"EXPANSION", "Expansion rate",
             filter.expansion() == 0 ? std::nullopt : std::optional<std::uint64_t>(filter.expansion())}};
    return {};
  }));
  Sink& reply = call.reply();
  const auto answer = [&](const Row& row) {
    if (row.value) {
      reply.integer(static_cast<std::int64_t>(*row.value));
    } else {
      reply.null();
    }
  };
  if (call.size() == 3) {
    for (const Row& row : rows) {
      if (!call.is(2, row.word)) continue;
      if (reply.protocol() == 2) {
        reply.array(1);
      } else {
        reply.map(1);
        reply.status(row.name);
      }
      answer(row);
      return {};
    }
    return answer_error("ERR Invalid information value");
  }
  reply.map(rows.size());
  for (const Row& row : rows) {
    reply.status(row.name);
    answer(row);
  }
  return {};
}

Result<void> bf_scandump_command(Call& call) {
  return scan_dump(call, Kind::kBloom);
}
Result<void> bf_loadchunk_command(Call& call) {
  return load_chunk(call, Kind::kBloom, Bloom::size_of);
}

}  // namespace stave::commands
