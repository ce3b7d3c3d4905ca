#include "packing/difference.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/try.h"

namespace stave::packing {

namespace {

/// So many bytes alike are taken for the same place in both.
constexpr std::size_t kAnchorBytes = 8;
/// How far ahead that place is looked for.
constexpr std::size_t kReach = 1024;
/// What is no longer than that is put in as it is.
constexpr std::size_t kShortBytes = 2 * kAnchorBytes;
/// With more of them the value is written whole.
constexpr int kStepsMax = 8;

// --- varints ---------------------------------------------------------------------------------------------------------

void put_varint(std::string& into, std::size_t value) {
  for (; value >= 0x80; value >>= 7) into.push_back(static_cast<char>(value | 0x80));
  into.push_back(static_cast<char>(value));
}

std::unexpected<Error> no_difference() {
  return fail(ErrorCode::kCorrupt,
              "the bytes do not say how a value differs from the one before it; `stave doctor` can examine the store's "
              "directory");
}

/// Takes a varint from the front of `bytes`.
Result<std::size_t> take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 35 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return value;
  }
  return no_difference();
}

// --- where the two agree ---------------------------------------------------------------------------------------------

std::size_t alike_from_front(std::string_view a, std::string_view b) noexcept {
  const std::size_t most = std::min(a.size(), b.size());
  std::size_t n = 0;
  for (; n + 8 <= most; n += 8)
    if (base::load<std::uint64_t>(a.data() + n) != base::load<std::uint64_t>(b.data() + n)) break;
  while (n < most && a[n] == b[n]) ++n;
  return n;
}

std::size_t alike_from_back(std::string_view a, std::string_view b) noexcept {
  const std::size_t most = std::min(a.size(), b.size());
  std::size_t n = 0;
  for (; n + 8 <= most; n += 8)
    if (base::load<std::uint64_t>(a.data() + a.size() - n - 8) !=
        base::load<std::uint64_t>(b.data() + b.size() - n - 8))
      break;
  while (n < most && a[a.size() - n - 1] == b[b.size() - n - 1]) ++n;
  return n;
}

/// What is left out of the one and put in from the other until they agree again.
struct Gap {
  std::size_t out = 0;
  std::size_t in = 0;
};

/// The nearest place at which the beginning of `wanted` stands in `there`; npos when it is out of reach. By its first
/// byte and not with memmem, which makes a table first.
std::size_t find_anchor(std::string_view there, std::string_view wanted) noexcept {
  const std::size_t reach = std::min(there.size(), kReach);
  if (wanted.size() < kAnchorBytes || reach < kAnchorBytes) return std::string_view::npos;
  const auto anchor = base::load<std::uint64_t>(wanted.data());
  const char* const end = there.data() + reach - kAnchorBytes + 1;
  for (const char* at = there.data(); at != end; ++at) {
    at = static_cast<const char*>(std::memchr(at, wanted.front(), static_cast<std::size_t>(end - at)));
    if (at == nullptr) break;
    if (base::load<std::uint64_t>(at) == anchor) return static_cast<std::size_t>(at - there.data());
  }
  return std::string_view::npos;
}

/// As many bytes on in both.
std::size_t find_straight(std::string_view a, std::string_view b, std::size_t reach) noexcept {
  const std::size_t most = std::min({a.size(), b.size(), reach});
  for (std::size_t n = 1; n + kAnchorBytes <= most; ++n)
    if (base::load<std::uint64_t>(a.data() + n) == base::load<std::uint64_t>(b.data() + n)) return n;
  return std::string_view::npos;
}

/// The two, which begin with different bytes: what it takes until they agree again; all of both when nothing is near.
Gap next_gap(std::string_view a, std::string_view b) noexcept {
  Gap best{.out = a.size(), .in = b.size()};
  if (b.size() <= kShortBytes) return best;
  const auto consider = [&best](Gap gap) {
    if (gap.in < best.in || (gap.in == best.in && gap.out < best.out)) best = gap;
  };
  if (const std::size_t n = find_anchor(a, b); n != std::string_view::npos) consider({.out = n, .in = 0});
  if (best.in == 0) return best;
  const std::size_t in = find_anchor(b, a);
  if (in != std::string_view::npos) consider({.out = 0, .in = in});
  if (const std::size_t n = find_straight(a, b, std::min(kReach, best.in)); n != std::string_view::npos)
    consider({.out = n, .in = n});
  return best;
}

}  // namespace

bool difference(std::string_view before, std::string_view after, std::size_t most, std::string& into) {
  STAVE_ASSERT(before.size() <= 0xffff'ffff && after.size() <= 0xffff'ffff);
  const std::size_t begin = into.size();
  put_varint(into, after.size());
  // What both end with needs no step, and the walk stops before it.
  std::size_t kept = alike_from_front(before, after);
  std::string_view a = before.substr(kept);
  std::string_view b = after.substr(kept);
  const std::size_t tail = alike_from_back(a, b);
  a.remove_suffix(tail);
  b.remove_suffix(tail);
  for (int steps = 0; !a.empty() || !b.empty(); ++steps) {
    const Gap gap = next_gap(a, b);
    if (steps == kStepsMax || into.size() - begin + gap.in > most) {
      into.resize(begin);
      return false;
    }
    put_varint(into, kept);
    put_varint(into, gap.out);
    put_varint(into, gap.in);
    into.append(b.substr(0, gap.in));
    a.remove_prefix(gap.out);
    b.remove_prefix(gap.in);
    kept = alike_from_front(a, b);
    a.remove_prefix(kept);
    b.remove_prefix(kept);
  }
  if (into.size() - begin <= most) return true;
  into.resize(begin);
  return false;
}

bool difference_of(base::Edits edits, std::size_t before_size, std::size_t most, std::string& into) {
  STAVE_ASSERT(base::well_formed(edits, before_size));
  const std::size_t begin = into.size();
  put_varint(into, base::edited_size(edits, before_size));
  std::size_t from = 0;
  for (const base::Edit& edit : edits) {
    put_varint(into, edit.at - from);
    put_varint(into, edit.out);
    put_varint(into, edit.in.size());
    into.append(edit.in);
    from = edit.at + edit.out;
  }
  if (into.size() - begin <= most) return true;
  into.resize(begin);
  return false;
}

Result<std::size_t> difference_size(std::string_view difference) {
  return take_varint(difference);
}

Result<void> apply_difference(std::string_view before, std::string_view difference, std::string& into) {
  STAVE_ASSIGN(const std::size_t size, take_varint(difference));
  if (size > before.size() + difference.size()) return no_difference();
  into.clear();
  into.reserve(size);
  while (!difference.empty()) {
    STAVE_ASSIGN(const std::size_t keep, take_varint(difference));
    STAVE_ASSIGN(const std::size_t out, take_varint(difference));
    STAVE_ASSIGN(const std::size_t in, take_varint(difference));
    if (keep > before.size() || out > before.size() - keep || in > difference.size()) return no_difference();
    if (into.size() + keep + in > size) return no_difference();
    into.append(before.substr(0, keep)).append(difference.substr(0, in));
    before.remove_prefix(keep + out);
    difference.remove_prefix(in);
  }
  if (into.size() + before.size() != size) return no_difference();
  into.append(before);
  return {};
}

}  // namespace stave::packing
