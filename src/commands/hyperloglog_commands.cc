#include "commands/hyperloglog_commands.h"

#include <algorithm>
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

/// What a key holds as a HyperLogLog; nullopt: nothing. Errors: WRONGTYPE.
Result<std::optional<std::string_view>> hyperloglog_of(const ValueView* held) {
  if (held == nullptr) return std::optional<std::string_view>();
  STAVE_ASSIGN(const std::string_view value, text_of(held));
  if (!hyperloglog::is_one(value)) return answer_error("WRONGTYPE Key is not a valid HyperLogLog string value.");
  return std::optional(value);
}

std::size_t sparse_max(Call& call) noexcept {
  return static_cast<std::size_t>(call.environment().encoding_limits().get(EncodingLimit::kHyperLogLogBytes));
}

/// The count of one key, and whether it is to be noted in its value.
Result<void> count_one(Call& call, std::uint64_t& count, bool& fresh) {
  Result<void> failure;
  STAVE_TRY(call.wait_for(call.read(call.key(1), call.session().read_access(), [&](const ValueView* held) {
    const auto value = hyperloglog_of(held);
    if (!value) {
      failure = fail(value.error().clone());
      return;
    }
    if (!*value) return;
    if (const auto noted = hyperloglog::noted_count(**value)) {
      count = *noted;
    } else if (const auto counted = hyperloglog::count(**value)) {
      count = *counted;
      fresh = true;
    } else {
      failure = corrupt();
    }
  })));
  return failure;
}

/// Notes the count, unless something was added meanwhile. Whoever cannot write has counted all the same.
void note_count(Call& call, std::uint64_t count) {
  std::string noted;
  const auto decide = [&](const ValueView* held, UnixMs) -> Result<Update> {
    const auto value = hyperloglog_of(held);
    if (!value || !*value || hyperloglog::noted_count(**value) || hyperloglog::count(**value) != count) return Update{};
    noted.assign(**value);
    hyperloglog::note_count(noted, count);
    return keep_string(noted, held);
  };
  if (const auto done = call.update(call.key(1), store::Access::kPeek, decide); !done) return;
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

Result<void> answer_registers(Call& call, std::string_view value) {
  auto all = std::make_unique<hyperloglog::Union>();
  if (!all->take(value)) return corrupt();
  call.reply().array(hyperloglog::kRegisters);
  for (const std::uint8_t rank : all->registers()) call.reply().integer(rank);
  return {};
}

}  // namespace

Result<void> pfadd_command(Call& call) {
  boost::container::small_vector<Mark, 16> marks;
  marks.reserve(call.size() - 2);
  for (std::size_t i = 2; i < call.size(); ++i) marks.push_back(hyperloglog::mark_of(call[i]));
  const std::size_t most = sparse_max(call);
  std::string fresh;
  bool changed = false;
  const auto decide = [&](const ValueView* held, UnixMs) -> Result<Update> {
    STAVE_ASSIGN(const auto value, hyperloglog_of(held));
    changed = !value;
    // Most of what comes changes nothing: then nothing is copied.
    auto first = marks.begin();
    for (; value && first != marks.end(); ++first) {
      const Added would = hyperloglog::would_add(*value, *first);
      if (would == Added::kCorrupt) return corrupt();
      if (would == Added::kChanged) break;
    }
    if (value && first == marks.end()) return Update{};
    fresh = copy_or_make(value);
    for (; first != marks.end(); ++first) {
      const Added added = hyperloglog::add(fresh, *first, most);
      if (added == Added::kCorrupt) return corrupt();
      changed = changed || added == Added::kChanged;
    }
    STAVE_ASSERT(changed);
    hyperloglog::forget_count(fresh);
    return keep_string(fresh, held);
  };
  STAVE_TRY(call.update(call.key(1), store::Access::kPeek, decide));
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
