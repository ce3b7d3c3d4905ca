#include "commands/sketch_count_commands.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/try.h"
#include "commands/key_list.h"
#include "commands/sketch_access.h"
#include "types/sketch/count_min.h"
#include "types/sorted_set/score.h"
#include "types/string/number.h"

namespace stave::commands {

namespace sketch = types::sketch;
using sketch::CountMin;
using sketch::Kind;

namespace {

std::unexpected<Error> no_sketch() {
  return answer_error("ERR CMS: key does not exist");
}

Result<void> make(Call& call, std::uint64_t width, std::uint32_t depth) {
  STAVE_TRY(check_sketch_size(call, CountMin::bytes_for(width, depth)));
  STAVE_TRY(change_sketch(call, 1, Kind::kCountMin, [&](sketch::Editor& bytes) -> Result<void> {
    if (bytes.size() != 0) return answer_error("ERR CMS: key already exists");
    CountMin::make(bytes, width, depth);
    return {};
  }));
  call.reply().status("OK");
  return {};
}

/// Argument `i`, above 0 and below 1.
std::optional<double> part_argument(const Call& call, std::size_t i) {
  const auto part = types::sorted_set::parse_score(call[i]);
  return part && *part > 0 && *part < 1 ? part : std::nullopt;
}

/// What MERGE adds up.
struct MergeSources {
  std::size_t count = 0;
  std::vector<std::int64_t> weights;
};

Result<MergeSources> parse_count_merge(const Call& call) {
  const auto count = types::parse_integer(call[2]);
  if (!count || *count < 1) return answer_error("ERR CMS: Number of keys must be positive");
  const auto wrong = [] { return answer_error("ERR CMS: wrong number of keys/weights"); };
  MergeSources sources{.count = static_cast<std::size_t>(*count), .weights = {}};
  if (sources.count > call.size() - 3) return wrong();
  sources.weights.assign(sources.count, 1);
  const std::size_t rest = 3 + sources.count;
  if (rest == call.size()) return sources;
  if (!call.is(rest, "WEIGHTS") || call.size() - rest - 1 != sources.count) return wrong();
  for (std::size_t i = 0; i < sources.count; ++i) {
    const auto weight = types::parse_integer(call[rest + 1 + i]);
    if (!weight) return answer_error("ERR CMS: invalid weight value");
    sources.weights[i] = *weight;
  }
  return sources;
}

}  // namespace

Result<void> cms_initbydim_command(Call& call) {
  const auto width = types::parse_integer(call[2]);
  if (!width || *width < 1) return answer_error("ERR CMS: invalid width");
  const auto depth = types::parse_integer(call[3]);
  if (!depth || *depth < 1 || *depth > std::int64_t{CountMin::kDepthMax}) return answer_error("ERR CMS: invalid depth");
  return make(call, static_cast<std::uint64_t>(*width), static_cast<std::uint32_t>(*depth));
}

Result<void> cms_initbyprob_command(Call& call) {
  const auto error = part_argument(call, 2);
  if (!error) return answer_error("ERR CMS: invalid overestimation value");
  const auto chance = part_argument(call, 3);
  if (!chance) return answer_error("ERR CMS: invalid prob value");
  const double width = std::ceil(2 / *error);
  const double depth = std::max(1.0, std::ceil(-std::log2(*chance)));
  if (width > 1e15 || depth > CountMin::kDepthMax) return answer_error("ERR CMS: invalid init arguments");
  return make(call, static_cast<std::uint64_t>(width), static_cast<std::uint32_t>(depth));
}

Result<void> cms_incrby_command(Call& call) {
  if (call.size() % 2 != 0) return answer_error("ERR wrong number of arguments for 'cms.incrby' command");
  std::vector<std::uint32_t> times;
  for (std::size_t i = 3; i < call.size(); i += 2) {
    const auto number = types::parse_integer(call[i]);
    if (!number) return answer_error("ERR CMS: Cannot parse number");
    if (*number < 0) return answer_error("ERR CMS: Number cannot be negative");
    times.push_back(
        static_cast<std::uint32_t>(std::min<std::int64_t>(*number, std::numeric_limits<std::uint32_t>::max())));
  }
  std::vector<std::optional<std::uint32_t>> counts;
  STAVE_TRY(change_sketch(call, 1, Kind::kCountMin, [&](sketch::Editor& bytes) -> Result<void> {
    counts.clear();
    if (bytes.size() == 0) return no_sketch();
    CountMin counted(bytes);
    for (std::size_t i = 0; i < times.size(); ++i) counts.push_back(counted.add(bytes, call[2 + 2 * i], times[i]));
    counted.finish(bytes);
    return {};
  }));
  call.reply().array(counts.size());
  for (const auto& count : counts) {
    if (count) {
      call.reply().integer(*count);
    } else {
      call.reply().error("ERR CMS: INCRBY overflow");
    }
  }
  return {};
}

Result<void> cms_query_command(Call& call) {
  std::vector<std::uint32_t> counts(call.size() - 2);
  STAVE_TRY(look_at_sketch(call, 1, Kind::kCountMin, [&](const sketch::Reader* bytes) -> Result<void> {
    if (bytes == nullptr) return no_sketch();
    const CountMin counted(*bytes);
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = counted.count(call[2 + i]);
    return {};
  }));
  call.reply().array(counts.size());
  for (const std::uint32_t count : counts) call.reply().integer(count);
  return {};
}

Result<void> cms_info_command(Call& call) {
  std::uint64_t width = 0;
  std::uint64_t depth = 0;
  std::uint64_t sum = 0;
  STAVE_TRY(look_at_sketch(call, 1, Kind::kCountMin, [&](const sketch::Reader* bytes) -> Result<void> {
    if (bytes == nullptr) return no_sketch();
    const CountMin counted(*bytes);
    width = counted.width();
    depth = counted.depth();
    sum = counted.sum();
    return {};
  }));
  Sink& reply = call.reply();
  reply.map(3);
  reply.status("width");
  reply.integer(static_cast<std::int64_t>(width));
  reply.status("depth");
  reply.integer(static_cast<std::int64_t>(depth));
  reply.status("count");
  reply.integer(static_cast<std::int64_t>(sum));
  return {};
}

Result<void> cms_merge_command(Call& call) {
  STAVE_ASSIGN(const MergeSources sources, parse_count_merge(call));
  KeyList keys;
  keys.push_back(call.key(1));
  for (std::size_t i = 0; i < sources.count; ++i) keys.push_back(call.key(3 + i));
  Part part(call.session(), keys);
  STAVE_ASSIGN(auto destination, store::open_collection<store::Sketch>(part, keys[0]));
  if (!destination.existed()) return no_sketch();
  if (!sketch::is_kind(destination.reader(), Kind::kCountMin)) return wrong_type();
  CountMin sum(destination.reader());
  std::list<Copied<store::Sketch>> copies;
  std::vector<CountMin::Weighted> others;
  for (std::size_t i = 0; i < sources.count; ++i) {
    STAVE_TRY(copy_out(part, keys[1 + i], store::Access::kPeek, copies.emplace_back()));
    const sketch::Reader* const bytes = copies.back().reader();
    if (bytes == nullptr) return no_sketch();
    if (!sketch::is_kind(*bytes, Kind::kCountMin)) return wrong_type();
    const CountMin other(*bytes);
    if (other.width() != sum.width() || other.depth() != sum.depth())
      return answer_error("ERR CMS: width/depth is not equal");
    others.push_back({bytes, sources.weights[i]});
  }
  STAVE_TRY(destination.whole());
  if (!sum.become_sum(destination.editor(), others)) return answer_error("ERR CMS: MERGE overflow");
  sum.finish(destination.editor());
  STAVE_TRY(store::keep_collection(part, keys[0], destination));
  STAVE_TRY(call.commit(part));
  call.reply().status("OK");
  return {};
}

}  // namespace stave::commands
