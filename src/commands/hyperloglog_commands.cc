#include "commands/hyperloglog_commands.h"

#include <algorithm>
#include <array>
#include <boost/container/small_vector.hpp>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/try.h"
#include "commands/arguments.h"
#include "commands/encoding_limits.h"
#include "commands/key_list.h"
#include "commands/string_value.h"
#include "types/hyperloglog/hyperloglog.h"

namespace stave::commands {

namespace hyperloglog = types::hyperloglog;
using hyperloglog::Added;
using hyperloglog::Mark;
using store::Update;
using store::ValueView;

namespace {

std::unexpected<Error> corrupt() {
  return answer_error("INVALIDOBJ Corrupted HLL object detected");
}

std::unexpected<Error> not_one() {
  return answer_error("WRONGTYPE Key is not a valid HyperLogLog string value.");
}

/// What a key holds as a HyperLogLog; nullopt: nothing. Errors: WRONGTYPE.
Result<std::optional<std::string_view>> hyperloglog_of(const ValueView* held) {
  if (held == nullptr) return std::optional<std::string_view>();
  STAVE_ASSIGN(const std::string_view value, text_of(held));
  if (!hyperloglog::is_one(value)) return not_one();
  return std::optional(value);
}

std::size_t sparse_max(Call& call) noexcept {
  return static_cast<std::size_t>(call.environment().encoding_limits().get(EncodingLimit::kHyperLogLogBytes));
}

/// All bytes of a HyperLogLog of which only parts may be at hand. Errors: WRONGTYPE.
Result<std::string> whole_of(const StringReader& bytes) {
  std::string whole = types::sketch::Compact::form_of(bytes);
  if (!hyperloglog::is_one(whole)) return not_one();
  return whole;
}

/// The first bytes of one that is dense; nullopt: it is not, or is none.
std::optional<std::string> dense_header(const StringReader& bytes) {
  if (bytes.size() != hyperloglog::kDenseBytes) return std::nullopt;
  std::string scratch;
  std::string header(bytes.read(0, hyperloglog::kHeaderBytes, scratch));
  if (!hyperloglog::is_dense(header, bytes.size())) return std::nullopt;
  return header;
}

/// The count of one key, and whether it is to be noted in its value.
Result<void> count_one(Call& call, std::uint64_t& count, bool& fresh) {
  return look_at_string(call, 1, [&](const StringReader* bytes) -> Result<void> {
    if (bytes == nullptr) return {};
    if (const auto header = dense_header(*bytes)) {
      if (const auto noted = hyperloglog::noted_count(*header)) {
        count = *noted;
        return {};
      }
    }
    STAVE_ASSIGN(const std::string whole, whole_of(*bytes));
    if (const auto noted = hyperloglog::noted_count(whole)) {
      count = *noted;
    } else if (const auto counted = hyperloglog::count(whole)) {
      count = *counted;
      fresh = true;
    } else {
      return corrupt();
    }
    return {};
  });
}

/// Notes the count, unless something was added meanwhile. Whoever cannot write has counted all the same.
void note_count(Call& call, std::uint64_t count) {
  const auto done = change_string(call, 1, {}, [&](OpenedString& string) -> Result<void> {
    if (!string.existed()) return {};
    STAVE_ASSIGN(std::string whole, whole_of(string.reader()));
    if (hyperloglog::noted_count(whole) || hyperloglog::count(whole) != count) return {};
    hyperloglog::note_count(whole, count);
    string.editor_for(whole.size()).write(0, std::string_view(whole).substr(0, hyperloglog::kHeaderBytes));
    return {};
  });
  if (!done) return;
}

/// The registers of these keys together; `dense`: whether one of them is dense.
Result<std::unique_ptr<hyperloglog::Union>> unite(Call& call, bool& dense) {
  auto all = std::make_unique<hyperloglog::Union>();
  Result<void> failure;
  const KeyList keys = keys_of(call, 1, 1);
  STAVE_TRY(call.wait_for(call.read_many(keys, call.session().read_access(), [&](std::size_t, const ValueView* held) {
    if (!failure) return;
    const auto value = hyperloglog_of(held);
    if (!value) {
      failure = fail(value.error().clone());
    } else if (*value) {
      dense = dense || !hyperloglog::is_sparse(**value);
      if (!all->take(**value)) failure = corrupt();
    }
  })));
  STAVE_TRY(std::move(failure));
  return all;
}

/// The value before, or an empty one.
std::string copy_or_make(const std::optional<std::string_view>& value) {
  return value ? std::string(*value) : hyperloglog::make();
}

using Marks = boost::container::small_vector<Mark, 16>;

/// Whether anything changed. Cost: the bytes of the registers that the marks go to.
bool add_to_dense(OpenedString& string, std::string header, const Marks& marks) {
  bool changed = false;
  std::string scratch;
  for (const Mark& mark : marks) {
    const hyperloglog::Place place = hyperloglog::place_of(mark);
    std::array<char, 2> bytes{};
    string.reader().read(place.at, place.bytes, scratch).copy(bytes.data(), place.bytes);
    if (!hyperloglog::raise(bytes.data(), mark)) continue;
    changed = true;
    string.editor_for(hyperloglog::kDenseBytes).write(place.at, {bytes.data(), place.bytes});
  }
  if (changed && hyperloglog::noted_count(header)) {
    hyperloglog::forget_count(header);
    string.editor().write(0, header);
  }
  return changed;
}

/// To any that is at hand whole; `changed` is set when something does. Errors: it is corrupt.
Result<void> add_to_sparse(std::string& value, const Marks& marks, std::size_t most, bool& changed) {
  for (const Mark& mark : marks) {
    const Added added = hyperloglog::add(value, mark, most);
    if (added == Added::kCorrupt) return corrupt();
    changed = changed || added == Added::kChanged;
  }
  if (changed) hyperloglog::forget_count(value);
  return {};
}

Result<void> answer_registers(Call& call, std::string_view value) {
  auto all = std::make_unique<hyperloglog::Union>();
  if (!all->take(value)) return corrupt();
  call.reply().array(hyperloglog::kRegisters);
  for (const std::uint8_t rank : all->registers()) call.reply().integer(rank);
  return {};
}

}  // namespace

Result<void> pfadd_command(Call& call) {
  Marks marks;
  marks.reserve(call.size() - 2);
  for (std::size_t i = 2; i < call.size(); ++i) marks.push_back(hyperloglog::mark_of(call[i]));
  bool changed = false;
  const auto change = [&](OpenedString& string) -> Result<void> {
    changed = !string.existed();
    if (const auto header = dense_header(string.reader())) {
      changed = add_to_dense(string, *header, marks);
      return {};
    }
    std::string value;
    if (string.existed()) {
      STAVE_ASSIGN(value, whole_of(string.reader()));
    } else {
      value = hyperloglog::make();
    }
    STAVE_TRY(add_to_sparse(value, marks, sparse_max(call), changed));
    if (!changed) return {};
    return string.replace(value);
  };
  STAVE_TRY(change_string(call, 1, {}, change));
  call.reply().integer(changed ? 1 : 0);
  return {};
}

Result<void> pfcount_command(Call& call) {
  std::uint64_t count = 0;
  if (call.size() > 2) {
    bool dense = false;
    STAVE_ASSIGN(const auto all, unite(call, dense));
    count = all->count();
  } else {
    bool fresh = false;
    STAVE_TRY(count_one(call, count, fresh));
    if (fresh) note_count(call, count);
  }
  call.reply().integer(static_cast<std::int64_t>(count));
  return {};
}

Result<void> pfmerge_command(Call& call) {
  const KeyList keys = keys_of(call, 1, 1);
  Part part(call.session(), keys);
  hyperloglog::Union all;
  bool dense = false;
  for (const store::KeyRef& key : keys) {
    const auto held = part.find(key);
    STAVE_ASSIGN(const auto value, hyperloglog_of(held ? &*held : nullptr));
    if (!value) continue;
    dense = dense || !hyperloglog::is_sparse(*value);
    if (!all.take(*value)) return corrupt();
  }
  const auto held = part.find(keys[0]);
  STAVE_ASSIGN(const auto value, hyperloglog_of(held ? &*held : nullptr));
  std::string fresh = copy_or_make(value);
  if (dense && !hyperloglog::make_dense(fresh)) return corrupt();
  const std::size_t most = sparse_max(call);
  for (std::uint32_t i = 0; i < hyperloglog::kRegisters; ++i) {
    const std::uint8_t rank = all.registers()[i];
    if (rank != 0 && hyperloglog::add(fresh, {i, rank}, most) == Added::kCorrupt) return corrupt();
  }
  hyperloglog::forget_count(fresh);
  STAVE_TRY(part.put(keys[0], fresh, held ? held->expiry : Expiry{}));
  STAVE_TRY(call.commit(part));
  call.reply().status("OK");
  return {};
}

Result<void> pfdebug_command(Call& call) {
  const bool registers = call.is(1, "GETREG");
  const bool to_dense = call.is(1, "TODENSE");
  bool was_sparse = false;
  bool found = false;
  std::string value;
  const auto decide = [&](const ValueView* held, UnixMs) -> Result<Update> {
    STAVE_ASSIGN(const auto now, hyperloglog_of(held));
    found = now.has_value();
    if (!found) return Update{};
    value.assign(*now);
    was_sparse = hyperloglog::is_sparse(value);
    if (!was_sparse || (!registers && !to_dense)) return Update{};
    if (!hyperloglog::make_dense(value)) return corrupt();
    return keep_string(value, held);
  };
  STAVE_TRY(call.update(call.key(2), store::Access::kPeek, decide));
  if (!found) return answer_error("ERR The specified key does not exist");
  if (registers) return answer_registers(call, value);
  if (to_dense) {
    call.reply().integer(was_sparse ? 1 : 0);
  } else if (call.is(1, "ENCODING")) {
    call.reply().status(was_sparse ? "sparse" : "dense");
  } else if (call.is(1, "DECODE")) {
    if (!was_sparse) return answer_error("ERR HLL encoding is not sparse");
    const auto text = hyperloglog::describe(value);
    if (!text) return corrupt();
    call.reply().bulk(*text);
  } else {
    return answer_error("ERR Unknown PFDEBUG subcommand '" + quoted(call[1]) + "'");
  }
  return {};
}

Result<void> pfselftest_command(Call& call) {
  constexpr std::uint64_t kElements = 100'000;
  constexpr double kStandardError = 0.008125;  // 1.04 / sqrt(registers)
  const std::size_t most = sparse_max(call);
  std::string either = hyperloglog::make();
  std::string dense = hyperloglog::make();
  STAVE_ASSERT(hyperloglog::make_dense(dense));
  std::uint64_t next = 1;
  for (std::uint64_t i = 1; i <= kElements; ++i) {
    const std::uint64_t element = i * 0x9e37'79b9'7f4a'7c15;
    const Mark mark = hyperloglog::mark_of({reinterpret_cast<const char*>(&element), sizeof element});
    if (hyperloglog::add(either, mark, most) != hyperloglog::add(dense, mark, most))
      return answer_error("ERR TESTFAILED dense/sparse disagree");
    if (i != next) continue;
    next *= 10;
    const auto count = hyperloglog::count(dense);
    if (!count || hyperloglog::count(either) != count) return answer_error("ERR TESTFAILED dense/sparse disagree");
    const double error = std::fabs(static_cast<double>(i) - static_cast<double>(*count));
    if (error > std::ceil(6 * kStandardError * static_cast<double>(i)) + 1)
      return answer_error("ERR TESTFAILED Too big error. card:" + std::to_string(i));
  }
  call.reply().status("OK");
  return {};
}

}  // namespace stave::commands
