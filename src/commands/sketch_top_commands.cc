#include "commands/sketch_top_commands.h"

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/try.h"
#include "commands/sketch_access.h"
#include "types/sketch/top.h"
#include "types/sorted_set/score.h"
#include "types/string/number.h"

namespace stave::commands {

namespace sketch = types::sketch;
using sketch::Kind;
using sketch::Top;

namespace {

std::unexpected<Error> no_list() {
  return answer_error("ERR TopK: key does not exist");
}

/// Argument `i`, above 0.
std::optional<std::uint32_t> number_argument(const Call& call, std::size_t i) {
  const auto number = types::parse_integer(call[i]);
  if (!number || *number < 1 || *number > std::int64_t{std::numeric_limits<std::uint32_t>::max()}) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

Result<Top::Options> parse_reserve(const Call& call) {
  if (call.size() != 3 && call.size() != 6)
    return answer_error("ERR wrong number of arguments for 'topk.reserve' command");
  Top::Options options;
  const auto k = number_argument(call, 2);
  if (!k) return answer_error("ERR TopK: invalid k");
  options.k = *k;
  if (call.size() == 3) return options;
  const auto width = number_argument(call, 3);
  if (!width) return answer_error("ERR TopK: invalid width");
  const auto depth = number_argument(call, 4);
  if (!depth) return answer_error("ERR TopK: invalid depth");
  const auto decay = types::sorted_set::parse_score(call[5]);
  if (!decay || !(*decay > 0 && *decay <= 1))
    return answer_error("ERR TopK: invalid decay value. must be '<= 1' & '> 0'");
  return Top::Options{.k = *k, .width = *width, .depth = *depth, .decay = *decay};
}

/// Adds each item as often as `times` says (nullopt: it says nothing), and answers which ones were expelled.
Result<void> add_to_top(Call& call, std::size_t step, const std::vector<std::optional<std::uint32_t>>& times) {
  std::vector<Top::Added> added;
  const std::uint64_t bytes_max = call.engine().options().value_bytes_max;
  STAVE_TRY(change_sketch(call, 1, Kind::kTop, [&](sketch::Editor& bytes) -> Result<void> {
    added.clear();
    if (bytes.size() == 0) return no_list();
    Top top(bytes);
    for (std::size_t i = 0; i < times.size(); ++i)
      added.push_back(times[i] ? top.add(bytes, call[2 + step * i], *times[i], bytes_max) : Top::Added{});
    top.finish(bytes);
    return {};
  }));
  call.reply().array(added.size());
  for (std::size_t i = 0; i < added.size(); ++i) {
    if (!times[i]) {
      call.reply().error(
          "ERR TopK: increment must be an integer greater or equal to 0 and smaller or equal to 100,000");
    } else if (added[i].too_large) {
      call.reply().error("ERR TopK: no room for the name of an item");
    } else if (added[i].expelled) {
      call.reply().bulk(*added[i].expelled);
    } else {
      call.reply().null();
    }
  }
  return {};
}

}  // namespace

Result<void> topk_reserve_command(Call& call) {
  STAVE_ASSIGN(const Top::Options options, parse_reserve(call));
  if (!sketch_fits(call, Top::bytes_for(options)))
    return answer_error("ERR Insufficient memory to create topk data structure");
  STAVE_TRY(change_sketch(call, 1, Kind::kTop, [&](sketch::Editor& bytes) -> Result<void> {
    if (bytes.size() != 0) return answer_error("ERR TopK: key already exists");
    Top::make(bytes, options);
    return {};
  }));
  call.reply().status("OK");
  return {};
}

Result<void> topk_add_command(Call& call) {
  return add_to_top(call, 1, std::vector<std::optional<std::uint32_t>>(call.size() - 2, 1));
}

Result<void> topk_incrby_command(Call& call) {
  if (call.size() % 2 != 0) return answer_error("ERR wrong number of arguments for 'topk.incrby' command");
  constexpr std::int64_t kMost = 100'000;
  std::vector<std::optional<std::uint32_t>> times;
  for (std::size_t i = 3; i < call.size(); i += 2) {
    const auto number = types::parse_integer(call[i]);
    const bool good = number && *number >= 0 && *number <= kMost;
    times.push_back(good ? std::optional(static_cast<std::uint32_t>(*number)) : std::nullopt);
  }
  return add_to_top(call, 2, times);
}

Result<void> topk_query_command(Call& call) {
  boost::container::small_vector<bool, 16> there(call.size() - 2, false);
  STAVE_TRY(look_at_sketch(call, 1, Kind::kTop, [&](const sketch::Reader* bytes) -> Result<void> {
    if (bytes == nullptr) return no_list();
    const Top top(*bytes);
    for (std::size_t i = 0; i < there.size(); ++i) there[i] = top.listed(call[2 + i]);
    return {};
  }));
  call.reply().array(there.size());
  for (const bool one : there) call.reply().boolean(one);
  return {};
}

Result<void> topk_count_command(Call& call) {
  std::vector<std::uint32_t> counts(call.size() - 2);
  STAVE_TRY(look_at_sketch(call, 1, Kind::kTop, [&](const sketch::Reader* bytes) -> Result<void> {
    if (bytes == nullptr) return no_list();
    const Top top(*bytes);
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = top.count(call[2 + i]);
    return {};
  }));
  call.reply().array(counts.size());
  for (const std::uint32_t count : counts) call.reply().integer(count);
  return {};
}

Result<void> topk_list_command(Call& call) {
  if (call.size() > 3) return answer_error("ERR wrong number of arguments for 'topk.list' command");
  const bool counts = call.size() == 3;
  if (counts && !call.is(2, "WITHCOUNT")) return answer_error("ERR WITHCOUNT keyword expected");
  std::vector<Top::Listed> list;
  STAVE_TRY(look_at_sketch(call, 1, Kind::kTop, [&](const sketch::Reader* bytes) -> Result<void> {
    if (bytes == nullptr) return no_list();
    list = Top(*bytes).list();
    return {};
  }));
  call.reply().array(list.size() * (counts ? 2 : 1));
  for (const Top::Listed& one : list) {
    call.reply().bulk(one.name);
    if (counts) call.reply().integer(one.count);
  }
  return {};
}

Result<void> topk_info_command(Call& call) {
  Top::Options options;
  STAVE_TRY(look_at_sketch(call, 1, Kind::kTop, [&](const sketch::Reader* bytes) -> Result<void> {
    if (bytes == nullptr) return no_list();
    options = Top(*bytes).options();
    return {};
  }));
  Sink& reply = call.reply();
  reply.map(4);
  reply.status("k");
  reply.integer(options.k);
  reply.status("width");
  reply.integer(options.width);
  reply.status("depth");
  reply.integer(options.depth);
  reply.status("decay");
  reply.real(options.decay);
  return {};
}

}  // namespace stave::commands
