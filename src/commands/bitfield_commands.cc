#include "commands/bitfield_commands.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/try.h"
#include "commands/arguments.h"
#include "commands/bit_arguments.h"
#include "commands/string_value.h"
#include "types/string/bit_field.h"
#include "types/string/bits_in.h"

namespace stave::commands {

using types::bitmap::FieldType;
using types::bitmap::Overflow;

namespace {

struct BitOperation {
  enum class What : std::uint8_t { kGet, kSet, kIncrement };
  What what = What::kGet;
  Overflow overflow = Overflow::kWrap;
  FieldType type;
  std::uint64_t at = 0;
  std::int64_t value = 0;  ///< Set, or added.

  [[nodiscard]] std::size_t end() const noexcept { return static_cast<std::size_t>((at + type.bits + 7) / 8); }
};
using Operations = std::vector<BitOperation>;
using Answers = std::vector<std::optional<std::int64_t>>;

Result<Overflow> overflow_argument(const Call& call, std::size_t i) {
  if (call.is(i, "WRAP")) return Overflow::kWrap;
  if (call.is(i, "SAT")) return Overflow::kSaturate;
  if (call.is(i, "FAIL")) return Overflow::kFail;
  return answer_error("ERR Invalid OVERFLOW type specified");
}

Result<Operations> parse_operations(const Call& call) {
  Operations operations;
  Overflow overflow = Overflow::kWrap;
  for (std::size_t i = 2; i < call.size();) {
    const std::size_t more = call.size() - i - 1;
    BitOperation operation;
    if (call.is(i, "OVERFLOW") && more >= 1) {
      STAVE_ASSIGN(overflow, overflow_argument(call, i + 1));
      i += 2;
      continue;
    }
    if (call.is(i, "GET") && more >= 2) {
      operation.what = BitOperation::What::kGet;
    } else if (call.is(i, "SET") && more >= 3) {
      operation.what = BitOperation::What::kSet;
    } else if (call.is(i, "INCRBY") && more >= 3) {
      operation.what = BitOperation::What::kIncrement;
    } else {
      return syntax_error();
    }
    const auto type = types::bitmap::parse_field_type(call[i + 1]);
    if (!type)
      return answer_error(
          "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.");
    operation.type = *type;
    operation.overflow = overflow;
    STAVE_ASSIGN(operation.at, field_offset_argument(call, i + 2, type->bits));
    i += 3;
    if (operation.what != BitOperation::What::kGet) {
      STAVE_ASSIGN(operation.value, integer_argument(call, i));
      ++i;
    }
    operations.push_back(operation);
  }
  return operations;
}

/// Does a SET or an INCRBY, whose field lies within the bytes; nullopt: it does not fit.
std::optional<std::int64_t> write(OpenedString& string, const BitOperation& operation) {
  std::string scratch;
  const auto [there, at] = types::bitmap::window(string.reader(), operation.at, operation.type.bits, scratch);
  const std::int64_t old = types::bitmap::get_field(there, at, operation.type);
  const bool set = operation.what == BitOperation::What::kSet;
  const auto fresh = types::bitmap::add_to_field(set ? operation.value : old, set ? 0 : operation.value, operation.type,
                                                 operation.overflow);
  if (!fresh) return std::nullopt;
  std::string changed(there);
  types::bitmap::set_field(changed.data(), at, operation.type, *fresh);
  if (changed != there) string.editor_for(string.reader().size()).write(operation.at / 8, changed);
  return set ? old : *fresh;
}

/// The field of a GET; behind the end there are zeros.
std::int64_t read(const StringReader& bytes, const BitOperation& operation) {
  std::string scratch;
  const auto [there, at] = types::bitmap::window(bytes, operation.at, operation.type.bits, scratch);
  return types::bitmap::get_field(there, at, operation.type);
}

void answer(Sink& reply, const Answers& answers) {
  reply.array(answers.size());
  for (const auto& one : answers) {
    if (one) {
      reply.integer(*one);
    } else {
      reply.null();
    }
  }
}

Result<void> read_fields(Call& call, const Operations& operations) {
  Answers answers;
  STAVE_TRY(look_at_string(call, 1, [&](const StringReader* bytes) -> Result<void> {
    for (const BitOperation& operation : operations)
      answers.emplace_back(bytes == nullptr ? 0 : read(*bytes, operation));
    return {};
  }));
  answer(call.reply(), answers);
  return {};
}

bool reads_only(const Operations& operations) noexcept {
  return std::all_of(operations.begin(), operations.end(),
                     [](const BitOperation& operation) { return operation.what == BitOperation::What::kGet; });
}

}  // namespace

Result<void> bitfield_command(Call& call) {
  STAVE_ASSIGN(const Operations operations, parse_operations(call));
  if (reads_only(operations)) return read_fields(call, operations);
  std::size_t end = 0;
  for (const BitOperation& operation : operations)
    if (operation.what != BitOperation::What::kGet) end = std::max(end, operation.end());
  Answers answers;
  const auto change = [&](OpenedString& string) -> Result<void> {
    answers.clear();
    const std::uint64_t size = string.reader().size();
    const std::uint64_t after = std::max<std::uint64_t>(size, end);
    // Before anything is allocated.
    STAVE_TRY(call.engine().check_limits(call[1], after));
    if (after != size) string.editor_for(after).extend(after - size);
    for (const BitOperation& operation : operations) {
      if (operation.what == BitOperation::What::kGet) {
        answers.emplace_back(read(string.reader(), operation));
      } else {
        answers.push_back(write(string, operation));
      }
    }
    return {};
  };
  STAVE_TRY(change_string(call, 1, {.end = end}, change));
  answer(call.reply(), answers);
  return {};
}

Result<void> bitfield_ro_command(Call& call) {
  STAVE_ASSIGN(const Operations operations, parse_operations(call));
  if (!reads_only(operations)) return answer_error("ERR BITFIELD_RO only supports the GET subcommand");
  return read_fields(call, operations);
}

}  // namespace stave::commands
