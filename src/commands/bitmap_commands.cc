#include "commands/bitmap_commands.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/try.h"
#include "commands/arguments.h"
#include "commands/bit_arguments.h"
#include "commands/key_list.h"
#include "commands/string_value.h"
#include "types/string/bitmap.h"
#include "types/string/bits_in.h"

namespace stave::commands {

namespace bitmap = types::bitmap;

namespace {

/// What GETBIT, BITCOUNT and BITPOS say of a range, from argument `first` on.
struct RangeOptions {
  std::int64_t start = 0;
  std::int64_t end = -1;
  bool in_bits = false;
  bool end_given = false;

  /// Two places before the beginning in the wrong order are not "the first byte".
  [[nodiscard]] bool reversed() const noexcept { return start < 0 && end < 0 && start > end; }
  [[nodiscard]] BitRange of(const StringReader& bytes) const noexcept {
    return bit_range(start, end, in_bits, bytes.size());
  }
};

Result<RangeOptions> parse_range(const Call& call, std::size_t first) {
  RangeOptions options;
  if (call.size() > first + 3) return syntax_error();
  if (call.size() > first) {
    STAVE_ASSIGN(options.start, integer_argument(call, first));
  }
  if (call.size() > first + 2) {
    STAVE_ASSIGN(options.in_bits, in_bits_argument(call, first + 2));
  }
  if (call.size() > first + 1) {
    options.end_given = true;
    STAVE_ASSIGN(options.end, integer_argument(call, first + 1));
  }
  return options;
}

/// The first `bit` of a range; behind a string whose range has no end there are zeros. -1: none.
std::int64_t position(const StringReader* bytes, bool bit, const RangeOptions& options) {
  if (bytes == nullptr) return bit ? -1 : 0;
  const BitRange range = options.of(*bytes);
  if (range.from == range.to) return -1;
  if (const auto found = bitmap::find(*bytes, bit, range.from, range.to)) return static_cast<std::int64_t>(*found);
  return bit || options.end_given ? -1 : static_cast<std::int64_t>(bytes->size() * 8);
}

Result<bitmap::Operation> operation_argument(const Call& call) {
  using enum bitmap::Operation;
  struct Name {
    std::string_view name;
    bitmap::Operation operation;
    bool several = false;
  };
  constexpr Name kNames[] = {{"AND", kAnd},           {"OR", kOr},           {"XOR", kXor},
                             {"NOT", kNot},           {"DIFF", kDiff, true}, {"DIFF1", kDiff1, true},
                             {"ANDOR", kAndOr, true}, {"ONE", kOne}};
  for (const Name& name : kNames) {
    if (!call.is(1, name.name)) continue;
    if (name.operation == kNot && call.size() != 4)
      return answer_error("ERR BITOP NOT must be called with a single source key.");
    if (name.several && call.size() < 5)
      return answer_error("ERR BITOP " + std::string(name.name) + " must be called with at least two source keys.");
    return name.operation;
  }
  return syntax_error();
}

/// What the sources of BITOP held at one instant, and what is made of it.
class Combination {
 public:
  Combination(bitmap::Operation operation, std::span<const store::KeyRef> sources)
      : operation_(operation), sources_(sources), held_(sources.size()), versions_(sources.size(), kNoLsn) {}

  void take(std::size_t i, const store::ValueView* held) {
    if (held == nullptr) return;
    versions_[i] = held->version;
    other_type_ = other_type_ || held->type != store::ValueType::kString;
    if (!other_type_) held_[i] = KeptValue(*held);
  }
  /// Errors: WRONGTYPE.
  Result<void> make() {
    if (other_type_) return wrong_type();
    std::vector<std::string_view> views;
    views.reserve(held_.size());
    for (const KeptValue& held : held_) views.push_back(held.view());
    bitmap::combine(operation_, views, result_);
    return {};
  }
  /// Whether the sources hold now what was taken.
  [[nodiscard]] bool holds(Part& part) const {
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      const auto held = part.find(sources_[i], store::Access::kMeta);
      if ((held ? held->version : kNoLsn) != versions_[i]) return false;
    }
    return true;
  }
  void clear() {
    other_type_ = false;
    std::fill(held_.begin(), held_.end(), KeptValue());
    std::fill(versions_.begin(), versions_.end(), kNoLsn);
  }
  [[nodiscard]] const std::string& result() const noexcept { return result_; }

 private:
  bitmap::Operation operation_;
  std::span<const store::KeyRef> sources_;
  std::vector<KeptValue> held_;
  std::vector<Lsn> versions_;
  bool other_type_ = false;
  std::string result_;
};

}  // namespace

Result<void> getbit_command(Call& call) {
  STAVE_ASSIGN(const std::uint64_t at, bit_offset_argument(call, 2));
  bool bit = false;
  STAVE_TRY(look_at_string(call, 1, [&](const StringReader* bytes) -> Result<void> {
    bit = bytes != nullptr && bitmap::get(*bytes, at);
    return {};
  }));
  call.reply().integer(bit ? 1 : 0);
  return {};
}

Result<void> setbit_command(Call& call) {
  STAVE_ASSIGN(const std::uint64_t at, bit_offset_argument(call, 2));
  const bool bit = call[3] == "1";
  if (!bit && call[3] != "0") return answer_error("ERR bit is not an integer or out of range");
  bool old_bit = false;
  const auto change = [&](OpenedString& string) -> Result<void> {
    const std::uint64_t size = string.reader().size();
    const std::uint64_t after = std::max(size, at / 8 + 1);
    old_bit = bitmap::get(string.reader(), at);
    if (size == after && bit == old_bit) return {};
    // Before anything is allocated.
    STAVE_TRY(call.engine().check_limits(call[1], after));
    auto& bytes = string.editor_for(after);
    if (after != size) bytes.extend(after - size);
    if (bit == old_bit) return {};
    std::string scratch;
    char byte = bytes.read(at / 8, 1, scratch).front();
    bitmap::set(&byte, at % 8, bit);
    bytes.write(at / 8, {&byte, 1});
    return {};
  };
  STAVE_TRY(change_string(call, 1, {.end = at / 8 + 1}, change));
  call.reply().integer(old_bit ? 1 : 0);
  return {};
}

Result<void> bitcount_command(Call& call) {
  STAVE_ASSIGN(const RangeOptions options, parse_range(call, 2));
  std::uint64_t count = 0;
  STAVE_TRY(look_at_string(call, 1, [&](const StringReader* bytes) -> Result<void> {
    if (bytes == nullptr || options.reversed()) return {};
    const BitRange range = options.of(*bytes);
    count = bitmap::count(*bytes, range.from, range.to);
    return {};
  }));
  call.reply().integer(static_cast<std::int64_t>(count));
  return {};
}

Result<void> bitpos_command(Call& call) {
  STAVE_ASSIGN(const std::int64_t bit, integer_argument(call, 2));
  if (bit != 0 && bit != 1) return answer_error("ERR The bit argument must be 1 or 0.");
  STAVE_ASSIGN(const RangeOptions options, parse_range(call, 3));
  std::int64_t at = -1;
  STAVE_TRY(look_at_string(call, 1, [&](const StringReader* bytes) -> Result<void> {
    at = position(bytes, bit == 1, options);
    return {};
  }));
  call.reply().integer(at);
  return {};
}

Result<void> bitop_command(Call& call) {
  STAVE_ASSIGN(const bitmap::Operation operation, operation_argument(call));
  const KeyList keys = keys_of(call, 2, 1);
  const auto sources = std::span<const store::KeyRef>(keys).subspan(1);
  Combination combination(operation, sources);
  // Made without any lock, and again under the locks when something was changed meanwhile.
  STAVE_TRY(
      call.wait_for(call.read_many(sources, call.session().read_access(),
                                   [&](std::size_t i, const store::ValueView* held) { combination.take(i, held); })));
  STAVE_TRY(combination.make());
  Part part(call.session(), keys);
  if (!combination.holds(part)) {
    combination.clear();
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const auto held = part.find(sources[i]);
      combination.take(i, held ? &*held : nullptr);
    }
    STAVE_TRY(combination.make());
  }
  const std::string& result = combination.result();
  if (result.empty()) {
    part.erase(keys[0]);
  } else {
    STAVE_TRY(part.put(keys[0], result, Expiry{}));
  }
  STAVE_TRY(call.commit(part));
  call.reply().integer(static_cast<std::int64_t>(result.size()));
  return {};
}

}  // namespace stave::commands
