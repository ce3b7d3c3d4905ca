#include "commands/bit_arguments.h"

#include <algorithm>
#include <string_view>

#include "base/assert.h"
#include "commands/errors.h"
#include "types/string/number.h"

namespace stave::commands {

namespace {

std::unexpected<Error> bad_offset() {
  return answer_error("ERR bit offset is not an integer or out of range");
}

Result<std::uint64_t> within_strings(const Call& call, std::int64_t offset) {
  if (offset < 0) return bad_offset();
  const auto at = static_cast<std::uint64_t>(offset);
  if (at / 8 >= call.engine().options().value_bytes_max) return bad_offset();
  return at;
}

}  // namespace

Result<std::uint64_t> bit_offset_argument(const Call& call, std::size_t i) {
  const auto offset = types::parse_integer(call[i]);
  if (!offset) return bad_offset();
  return within_strings(call, *offset);
}

Result<std::uint64_t> field_offset_argument(const Call& call, std::size_t i, unsigned bits) {
  std::string_view text = call[i];
  const bool counted = text.starts_with('#');
  if (counted) text.remove_prefix(1);
  auto offset = types::parse_integer(text);
  if (offset && counted) offset = types::checked_multiply(*offset, bits);
  if (!offset) return bad_offset();
  return within_strings(call, *offset);
}

Result<bool> in_bits_argument(const Call& call, std::size_t i) {
  if (call.is(i, "BIT")) return true;
  if (call.is(i, "BYTE")) return false;
  return syntax_error();
}

BitRange bit_range(std::int64_t start, std::int64_t end, bool in_bits, std::uint64_t size) noexcept {
  const std::int64_t unit = in_bits ? 1 : 8;
  const std::int64_t total = static_cast<std::int64_t>(size) * 8 / unit;
  STAVE_ASSERT(total >= 0);
  if (start < 0) start = std::max<std::int64_t>(start + total, 0);
  if (end < 0) end = std::max<std::int64_t>(end + total, 0);
  end = std::min(end, total - 1);
  if (start > end) return {};
  return {static_cast<std::uint64_t>(start * unit), static_cast<std::uint64_t>((end + 1) * unit)};
}

}  // namespace stave::commands
