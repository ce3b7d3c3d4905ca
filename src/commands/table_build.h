// The table, put together while compiling: families joined and sorted, checked, and given a perfect hash.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "commands/table.h"
#include "commands/text.h"

namespace stave::commands::build {

/// Whether every call that has arguments enough reaches the keys that the row names.
constexpr bool keys_well_formed(const Command& row) {
  const Keys& keys = row.keys;
  if (keys.none()) return keys.first == 0 && keys.last == 0 && row.needs_if == nullptr;
  if (keys.step == 0) {
    if (keys.first != 0 || keys.last != 0) return false;
  } else {
    if (keys.first < 1 || keys.step < 0 || keys.last == 0) return false;
    // The fewest arguments that are allowed must reach the first key, and the last one that is counted from the front.
    if (row.arity.least <= keys.first || row.arity.least <= keys.last) return false;
  }
  if (keys.word_from != 0)
    return keys.step == 0 && keys.count_at == 0 && keys.word_from > 0 && row.arity.least > keys.word_from + 2 &&
           (row.flags & kMovableKeys) != 0;
  if (keys.count_at == 0) return keys.count_step == 1;
  if (keys.count_step < 1) return false;
  if (keys.count_at < 1 || row.arity.least <= keys.count_at || (row.flags & kMovableKeys) == 0) return false;
  // What is counted comes behind what is not.
  return keys.step == 0 || (keys.last >= keys.first && keys.last < keys.count_at);
}

/// Whether one row makes sense by itself.
constexpr bool row_well_formed(const Command& row, bool subcommand) {
  if (row.name.empty() || row.name.size() > 24) return false;
  for (const char c : row.name)
    if (to_upper(c) != c || c <= ' ' || c == '|') return false;
  if ((row.flags & kReadOnly) != 0 && (row.flags & kWrite) != 0) return false;
  if ((row.flags & kGrows) != 0 && (row.flags & kWrite) == 0) return false;
  if (row.help.size() < 2 || row.help.back() != '.' || to_upper(row.help.front()) != row.help.front()) return false;
  if (row.group.empty() || row.since.empty() || row.cost.empty()) return false;
  if (row.run == nullptr && row.subcommands.empty()) return false;
  if (subcommand && (row.run == nullptr || !row.subcommands.empty())) return false;
  if (row.arity.least < (subcommand ? 2 : 1)) return false;
  if (row.arity.most != -1 && row.arity.most < row.arity.least) return false;
  return keys_well_formed(row);
}

/// Whether the rows are each well formed, unique and sorted.
constexpr bool well_formed(std::span<const Command> rows) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!row_well_formed(rows[i], false)) return false;
    if (i > 0 && !(rows[i - 1].name < rows[i].name)) return false;
    for (const Command& sub : rows[i].subcommands) {
      if (!row_well_formed(sub, true)) return false;
      for (const Command& other : rows[i].subcommands)
        if (&other != &sub && other.name == sub.name) return false;
    }
  }
  return true;
}

template <std::size_t... Sizes>
consteval auto join(const Command (&... families)[Sizes]) {
  std::array<Command, (Sizes + ...)> all{};
  std::size_t at = 0;
  const auto append = [&](std::span<const Command> family) {
    for (const Command& row : family) all[at++] = row;
  };
  (append(families), ...);
  std::sort(all.begin(), all.end(), [](const Command& a, const Command& b) { return a.name < b.name; });
  return all;
}

consteval std::size_t count_subcommands(std::span<const Command> rows) {
  std::size_t count = 0;
  for (const Command& row : rows) count += row.subcommands.size();
  return count;
}

/// A name as two words, in upper case: its first eight bytes and its last. Two names of up to kWholeNameMax bytes are
/// the same exactly when their packed forms are; longer ones have to be compared besides.
struct PackedName {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::uint64_t size = 0;
  friend constexpr bool operator==(const PackedName&, const PackedName&) = default;
};

/// Eight characters in upper case at once: a letter is recognised by the carries of two additions into each byte's top
/// bit.
constexpr std::uint64_t upper_eight(std::uint64_t text) noexcept {
  constexpr std::uint64_t kOnes = 0x0101010101010101ull;
  const std::uint64_t seven = text & (0x7f * kOnes);
  const std::uint64_t from_a = seven + (0x80 - 'a') * kOnes;
  const std::uint64_t after_z = seven + (0x7f - 'z') * kOnes;
  const std::uint64_t letters = ~text & (from_a ^ after_z) & (0x80 * kOnes);
  return text ^ (letters >> 2);
}

/// `count` bytes at `at` as an integer; while compiling there is no memcpy.
template <class Integer>
constexpr std::uint64_t load_word(const char* at) noexcept {
  if consteval {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < sizeof(Integer); ++i)
      word |= static_cast<std::uint64_t>(static_cast<unsigned char>(at[i])) << (8 * i);
    return word;
  } else {
    return base::load<Integer>(at);
  }
}

/// `name` has 1 to kNameMax bytes. The words may overlap; with the size they still say everything.
constexpr PackedName pack(std::string_view name) noexcept {
  const char* text = name.data();
  const std::size_t size = name.size();
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  if (size >= 8) {
    low = load_word<std::uint64_t>(text);
    high = load_word<std::uint64_t>(text + size - 8);
  } else if (size >= 4) {
    low = load_word<std::uint32_t>(text) | load_word<std::uint32_t>(text + size - 4) << 32;
  } else {
    low = load_word<std::uint8_t>(text) | load_word<std::uint8_t>(text + size / 2) << 8 |
          load_word<std::uint8_t>(text + size - 1) << 16;
  }
  return {upper_eight(low), upper_eight(high), size};
}

inline constexpr std::size_t kWholeNameMax = 16;
inline constexpr std::size_t kNameMax = 20;
inline constexpr int kSlotBits = 11;
inline constexpr int kGroupBits = 7;
inline constexpr std::uint16_t kNoRow = 0xffff;

/// A hash in which no two names meet, by "hash and displace" (Belazzougui, Botelho and Dietzfelbinger, 2009): the names
/// fall into small groups, and each group is moved to where all of its names find a slot of their own.
template <std::size_t N>
struct PerfectHash {
  std::uint64_t seed = 0;
  std::array<std::uint16_t, std::size_t{1} << kGroupBits> moved{};  ///< By group.
  std::array<std::uint16_t, std::size_t{1} << kSlotBits> slots{};
  std::array<PackedName, N> names{};

  [[nodiscard]] constexpr std::uint64_t mix(const PackedName& name) const noexcept {
    return (name.low ^ (name.high * 0x9e3779b97f4a7c15ull) ^ (name.size << 56)) * seed;
  }
  static constexpr std::size_t group_of(std::uint64_t mixed) noexcept { return mixed >> (64 - kGroupBits); }
  /// Before its group was moved.
  static constexpr std::size_t slot_of(std::uint64_t mixed) noexcept {
    return (mixed >> (64 - kGroupBits - kSlotBits)) % (std::size_t{1} << kSlotBits);
  }
  /// The row that the name has if any has it; kNoRow: none has.
  [[nodiscard]] constexpr std::uint16_t row_of(const PackedName& name) const noexcept {
    const std::uint64_t mixed = mix(name);
    return slots[slot_of(mixed) ^ moved[group_of(mixed)]];
  }
};

/// Moves the group's names to slots that are free. False: there is no such place.
template <std::size_t N>
consteval bool place_group(PerfectHash<N>& hash, std::span<const std::size_t> slots,
                           std::span<const std::uint16_t> rows, std::size_t group) {
  for (std::size_t move = 0; move < hash.slots.size(); ++move) {
    std::size_t placed = 0;
    while (placed < rows.size() && hash.slots[slots[placed] ^ move] == kNoRow) {
      hash.slots[slots[placed] ^ move] = rows[placed];
      ++placed;
    }
    if (placed == rows.size()) {
      hash.moved[group] = static_cast<std::uint16_t>(move);
      return true;
    }
    while (placed > 0) hash.slots[slots[--placed] ^ move] = kNoRow;
  }
  return false;
}

/// Tries seeds until every group finds its place.
template <std::size_t N>
consteval PerfectHash<N> make_hash(const std::array<Command, N>& rows) {
  static_assert(N < kNoRow && 2 * N < (std::size_t{1} << kSlotBits));
  PerfectHash<N> hash;
  for (std::size_t i = 0; i < N; ++i) hash.names[i] = pack(rows[i].name);
  for (std::uint64_t seed = 0x9e3779b97f4a7c15ull;; seed = seed * 6364136223846793005ull + 1442695040888963406ull) {
    hash.seed = seed | 1;
    hash.slots.fill(kNoRow);
    std::array<std::array<std::uint16_t, 16>, std::size_t{1} << kGroupBits> groups{};
    std::array<std::size_t, std::size_t{1} << kGroupBits> sizes{};
    bool perfect = true;
    for (std::size_t i = 0; i < N && perfect; ++i) {
      const std::size_t group = hash.group_of(hash.mix(hash.names[i]));
      perfect = sizes[group] < groups[group].size();
      if (perfect) groups[group][sizes[group]++] = static_cast<std::uint16_t>(i);
    }
    for (std::size_t group = 0; group < groups.size() && perfect; ++group) {
      std::array<std::size_t, 16> slots{};
      for (std::size_t i = 0; i < sizes[group]; ++i) slots[i] = hash.slot_of(hash.mix(hash.names[groups[group][i]]));
      perfect =
          place_group(hash, std::span(slots).first(sizes[group]), std::span(groups[group]).first(sizes[group]), group);
    }
    if (perfect) return hash;
  }
}

}  // namespace stave::commands::build
