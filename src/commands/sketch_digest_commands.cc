#include "commands/sketch_digest_commands.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/function_ref.h"
#include "base/try.h"
#include "commands/key_list.h"
#include "commands/sketch_access.h"
#include "types/sketch/digest.h"
#include "types/sorted_set/score.h"
#include "types/string/number.h"

namespace stave::commands {

namespace sketch = types::sketch;
using sketch::Digest;
using sketch::DigestLine;
using sketch::Kind;

namespace {

constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinite = std::numeric_limits<double>::infinity();

std::unexpected<Error> no_digest() {
  return answer_error("ERR T-Digest: key does not exist");
}

std::unexpected<Error> too_many() {
  return answer_error("ERR T-Digest: overflow detected");
}

Result<std::uint32_t> compression_argument(Call& call, std::size_t i) {
  const auto compression = types::parse_integer(call[i]);
  if (!compression) return answer_error("ERR T-Digest: error parsing compression parameter");
  if (*compression < 1) return answer_error("ERR T-Digest: compression parameter needs to be a positive integer");
  if (*compression > std::int64_t{Digest::kCompressionMax} ||
      !sketch_fits(call, Digest::bytes_for(static_cast<std::uint32_t>(*compression))))
    return answer_error("ERR T-Digest: allocation failed");
  return static_cast<std::uint32_t>(*compression);
}

/// The arguments from 2 on, as numbers; `what` they are called.
Result<std::vector<double>> number_arguments(const Call& call, std::string_view what) {
  std::vector<double> numbers;
  numbers.reserve(call.size() - 2);
  for (std::size_t i = 2; i < call.size(); ++i) {
    const auto number = types::sorted_set::parse_score(call[i]);
    if (!number) return answer_error("ERR T-Digest: error parsing " + std::string(what));
    numbers.push_back(*number);
  }
  return numbers;
}

/// What is there to be asked: `ask` gets the digest and its line, null when it is empty.
Result<void> look_at_line(Call& call, base::FunctionRef<void(const Digest&, const DigestLine*)> ask) {
  return look_at_sketch(call, 1, Kind::kDigest, [&](const sketch::Reader* bytes) -> Result<void> {
    if (bytes == nullptr) return no_digest();
    const Digest digest(*bytes);
    if (digest.weight() == 0) {
      ask(digest, nullptr);
    } else {
      const DigestLine line(digest);
      ask(digest, &line);
    }
    return {};
  });
}

void answer(Sink& reply, const std::vector<double>& numbers) {
  reply.array(numbers.size());
  for (const double number : numbers) reply.real(number);
}

/// One of the ends.
Result<void> answer_end(Call& call, double (Digest::*end)() const noexcept) {
  double number = kNoNumber;
  STAVE_TRY(look_at_sketch(call, 1, Kind::kDigest, [&](const sketch::Reader* bytes) -> Result<void> {
    if (bytes == nullptr) return no_digest();
    const Digest digest(*bytes);
    number = digest.weight() == 0 ? kNoNumber : (digest.*end)();
    return {};
  }));
  call.reply().real(number);
  return {};
}

/// Of numbers their ranks, from the least or from the greatest.
Result<void> answer_ranks(Call& call, bool reverse) {
  STAVE_ASSIGN(const std::vector<double> numbers, number_arguments(call, "value"));
  std::vector<std::int64_t> ranks;
  STAVE_TRY(look_at_line(call, [&](const Digest& digest, const DigestLine* line) {
    ranks.clear();
    const auto size = static_cast<std::int64_t>(digest.weight());
    for (const double number : numbers) {
      if (line == nullptr) {
        ranks.push_back(-2);
      } else if (number < digest.least()) {
        ranks.push_back(reverse ? size : -1);
      } else if (number > digest.greatest()) {
        ranks.push_back(reverse ? -1 : size);
      } else {
        const double before = line->position_of(number);
        ranks.push_back(static_cast<std::int64_t>(std::floor(reverse ? line->size() - before : before)));
      }
    }
  }));
  call.reply().array(ranks.size());
  for (const std::int64_t rank : ranks) call.reply().integer(rank);
  return {};
}

/// Of ranks their numbers.
Result<void> answer_by_rank(Call& call, bool reverse) {
  std::vector<std::int64_t> ranks;
  for (std::size_t i = 2; i < call.size(); ++i) {
    const auto rank = types::parse_integer(call[i]);
    if (!rank) return answer_error("ERR T-Digest: error parsing rank");
    if (*rank < 0) return answer_error("ERR T-Digest: rank needs to be non negative");
    ranks.push_back(*rank);
  }
  std::vector<double> numbers;
  STAVE_TRY(look_at_line(call, [&](const Digest& digest, const DigestLine* line) {
    numbers.clear();
    const auto size = static_cast<std::int64_t>(digest.weight());
    for (const std::int64_t rank : ranks) {
      if (line == nullptr) {
        numbers.push_back(kNoNumber);
      } else if (rank >= size) {
        numbers.push_back(reverse ? -kInfinite : kInfinite);
      } else {
        const std::int64_t from_least = reverse ? size - 1 - rank : rank;
        // The middle of where that one is, but the ends are known.
        numbers.push_back(from_least == 0          ? digest.least()
                          : from_least == size - 1 ? digest.greatest()
                                                   : line->number_at(static_cast<double>(from_least) + 0.5));
      }
    }
  }));
  answer(call.reply(), numbers);
  return {};
}

/// What MERGE is told behind its destination.
struct Merge {
  std::size_t sources = 0;
  std::optional<std::uint32_t> compression;
  bool anew = false;
};

Result<Merge> parse_digest_merge(Call& call) {
  const auto count = types::parse_integer(call[2]);
  if (!count) return answer_error("ERR T-Digest: error parsing numkeys");
  if (*count < 1) return answer_error("ERR T-Digest: numkeys needs to be a positive integer");
  if (static_cast<std::uint64_t>(*count) > call.size() - 3)
    return answer_error("ERR wrong number of arguments for 'tdigest.merge' command");
  Merge merge{.sources = static_cast<std::size_t>(*count), .compression = {}, .anew = false};
  for (std::size_t i = 3 + merge.sources; i < call.size(); ++i) {
    if (call.is(i, "OVERRIDE")) {
      merge.anew = true;
    } else if (call.is(i, "COMPRESSION") && i + 1 < call.size()) {
      STAVE_ASSIGN(merge.compression, compression_argument(call, ++i));
    } else {
      return answer_error("ERR T-Digest: wrong keyword");
    }
  }
  return merge;
}

}  // namespace

Result<void> tdigest_create_command(Call& call) {
  std::uint32_t compression = 100;
  if (call.size() != 2 && call.size() != 4)
    return answer_error("ERR wrong number of arguments for 'tdigest.create' command");
  if (call.size() == 4) {
    if (!call.is(2, "COMPRESSION")) return answer_error("ERR T-Digest: wrong keyword");
    STAVE_ASSIGN(compression, compression_argument(call, 3));
  }
  STAVE_TRY(change_sketch(call, 1, Kind::kDigest, [&](sketch::Editor& bytes) -> Result<void> {
    if (bytes.size() != 0) return answer_error("ERR T-Digest: key already exists");
    Digest::make(bytes, compression);
    return {};
  }));
  call.reply().status("OK");
  return {};
}

Result<void> tdigest_add_command(Call& call) {
  STAVE_ASSIGN(const std::vector<double> numbers, number_arguments(call, "val parameter"));
  if (!std::ranges::all_of(numbers, [](double number) { return std::isfinite(number); }))
    return answer_error("ERR T-Digest: val parameter needs to be a finite number");
  STAVE_TRY(change_sketch(call, 1, Kind::kDigest, [&](sketch::Editor& bytes) -> Result<void> {
    if (bytes.size() == 0) return no_digest();
    Digest digest(bytes);
    if (numbers.size() > Digest::kWeightMax - digest.weight()) return too_many();
    for (const double number : numbers) {
      const bool added = digest.add(bytes, number);
      STAVE_ASSERT(added);
    }
    digest.finish(bytes);
    return {};
  }));
  call.reply().status("OK");
  return {};
}

Result<void> tdigest_reset_command(Call& call) {
  STAVE_TRY(change_sketch(call, 1, Kind::kDigest, [&](sketch::Editor& bytes) -> Result<void> {
    if (bytes.size() == 0) return no_digest();
    Digest(bytes).reset(bytes);
    return {};
  }));
  call.reply().status("OK");
  return {};
}

Result<void> tdigest_merge_command(Call& call) {
  STAVE_ASSIGN(const Merge merge, parse_digest_merge(call));
  KeyList keys;
  keys.push_back(call.key(1));
  for (std::size_t i = 0; i < merge.sources; ++i) keys.push_back(call.key(3 + i));
  Part part(call.session(), keys);
  STAVE_ASSIGN(auto destination, store::open_collection<store::Sketch>(part, keys[0]));
  const bool existed = destination.existed();
  if (existed && !sketch::is_kind(destination.reader(), Kind::kDigest)) return wrong_type();
  std::list<Copied<store::Sketch>> copies;
  std::vector<const sketch::Reader*> sources;
  std::uint32_t compression = 1;
  for (std::size_t i = 0; i < merge.sources; ++i) {
    STAVE_TRY(copy_out(part, keys[1 + i], store::Access::kPeek, copies.emplace_back()));
    const sketch::Reader* const bytes = copies.back().reader();
    if (bytes == nullptr) return no_digest();
    if (!sketch::is_kind(*bytes, Kind::kDigest)) return wrong_type();
    compression = std::max(compression, Digest(*bytes).compression());
    sources.push_back(bytes);
  }
  STAVE_TRY(destination.whole());
  if (existed && !merge.anew) compression = Digest(destination.reader()).compression();
  compression = merge.compression.value_or(compression);
  sketch::Editor& bytes = destination.editor();
  if (!existed) Digest::make(bytes, compression);
  Digest digest(bytes);
  if (!digest.take_in(bytes, sources, compression, merge.anew)) return too_many();
  digest.finish(bytes);
  STAVE_TRY(store::keep_collection(part, keys[0], destination));
  STAVE_TRY(call.commit(part));
  call.reply().status("OK");
  return {};
}

Result<void> tdigest_min_command(Call& call) {
  return answer_end(call, &Digest::least);
}
Result<void> tdigest_max_command(Call& call) {
  return answer_end(call, &Digest::greatest);
}
Result<void> tdigest_rank_command(Call& call) {
  return answer_ranks(call, false);
}
Result<void> tdigest_revrank_command(Call& call) {
  return answer_ranks(call, true);
}
Result<void> tdigest_byrank_command(Call& call) {
  return answer_by_rank(call, false);
}
Result<void> tdigest_byrevrank_command(Call& call) {
  return answer_by_rank(call, true);
}

Result<void> tdigest_quantile_command(Call& call) {
  STAVE_ASSIGN(const std::vector<double> parts, number_arguments(call, "quantile"));
  if (!std::ranges::all_of(parts, [](double part) { return part >= 0 && part <= 1; }))
    return answer_error("ERR T-Digest: quantile should be in [0,1]");
  std::vector<double> numbers;
  STAVE_TRY(look_at_line(call, [&](const Digest& digest, const DigestLine* line) {
    numbers.clear();
    for (const double part : parts) {
      numbers.push_back(line == nullptr ? kNoNumber
                        : part == 0     ? digest.least()
                        : part == 1     ? digest.greatest()
                                        : line->number_at(part * line->size()));
    }
  }));
  answer(call.reply(), numbers);
  return {};
}

Result<void> tdigest_cdf_command(Call& call) {
  STAVE_ASSIGN(const std::vector<double> numbers, number_arguments(call, "cdf"));
  std::vector<double> parts;
  STAVE_TRY(look_at_line(call, [&](const Digest& digest, const DigestLine* line) {
    parts.clear();
    for (const double number : numbers) {
      parts.push_back(line == nullptr              ? kNoNumber
                      : number < digest.least()    ? 0
                      : number > digest.greatest() ? 1
                                                   : line->position_of(number) / line->size());
    }
  }));
  answer(call.reply(), parts);
  return {};
}

Result<void> tdigest_trimmed_mean_command(Call& call) {
  const auto low = types::sorted_set::parse_score(call[2]);
  if (!low) return answer_error("ERR T-Digest: error parsing low_cut_percentile");
  const auto high = types::sorted_set::parse_score(call[3]);
  if (!high) return answer_error("ERR T-Digest: error parsing high_cut_percentile");
  if (!(*low >= 0 && *low <= 1 && *high >= 0 && *high <= 1))
    return answer_error("ERR T-Digest: low_cut_percentile and high_cut_percentile should be in [0,1]");
  if (*low >= *high) return answer_error("ERR T-Digest: low_cut_percentile should be lower than high_cut_percentile");
  double mean = kNoNumber;
  STAVE_TRY(look_at_line(call, [&](const Digest&, const DigestLine* line) {
    // Whole numbers: one that is cut in two counts.
    mean = line == nullptr ? kNoNumber
                           : line->mean_between(std::floor(*low * line->size()), std::ceil(*high * line->size()));
  }));
  call.reply().real(mean);
  return {};
}

Result<void> tdigest_info_command(Call& call) {
  struct Row {
    std::string_view name;
    std::uint64_t value;
  };
  std::vector<Row> rows;
  STAVE_TRY(look_at_sketch(call, 1, Kind::kDigest, [&](const sketch::Reader* bytes) -> Result<void> {
    if (bytes == nullptr) return no_digest();
    const Digest digest(*bytes);
    rows = {{"Compression", digest.compression()},
            {"Capacity", Digest::capacity_for(digest.compression())},
            {"Merged nodes", digest.clusters()},
            {"Unmerged nodes", digest.behind()},
            {"Merged weight", digest.weight() - digest.weight_behind()},
            {"Unmerged weight", digest.weight_behind()},
            {"Observations", digest.weight()},
            {"Total compressions", digest.mergings()},
            {"Memory usage", bytes->size()}};
    return {};
  }));
  call.reply().map(rows.size());
  for (const Row& row : rows) {
    call.reply().status(row.name);
    call.reply().integer(static_cast<std::int64_t>(row.value));
  }
  return {};
}

}  // namespace stave::commands
