// What the tests of the formats share: entries that own their bytes, a sink that collects them, and damage.
#pragma once

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "exchange/collection.h"
#include "exchange/exchange.h"
#include "exchange/files.h"

namespace stave::exchange {

struct Entry {
  int database = 0;
  std::string key;
  std::string value;
  Expiry expiry{};
  Kind kind = Kind::kString;
  friend bool operator==(const Entry&, const Entry&) = default;
  friend void PrintTo(const Entry& entry, std::ostream* out) {
    *out << entry.database << ":" << entry.key.substr(0, 40) << " (" << to_string(entry.kind)
         << ") =" << entry.value.substr(0, 40) << " " << raw(entry.expiry.at) << "/" << entry.expiry.sliding_ms;
  }
};

class Collector final : public Sink {
 public:
  Result<void> take(const Item& item) override {
    EXPECT_TRUE(well_formed(item.kind, item.value)) << item.key;
    entries.push_back({item.database, std::string(item.key), std::string(item.value), item.expiry, item.kind});
    return {};
  }
  Result<void> skip(const Skipped& left_out) override {
    skipped.push_back(std::string(left_out.key) + ": " + std::string(left_out.type));
    return {};
  }
  std::vector<Entry> entries;
  std::vector<std::string> skipped;
};

struct Collected {
  std::vector<Entry> entries;
  std::vector<std::string> skipped;
  Summary summary;
};

inline Result<Collected> read_text(std::string_view bytes, const Limits& limits = {}) {
  MemoryInput input(bytes);
  Collector collector;
  auto summary = read_any(input, "test", collector, limits);
  if (!summary) return fail(std::move(summary).error());
  return Collected{std::move(collector.entries), std::move(collector.skipped), *summary};
}

inline std::string write_all(Format format, const std::vector<Entry>& entries, const Header& header);
inline void write_all(Writer& writer, const std::vector<Entry>& entries, const Header& header) {
  auto done = writer.begin(header);
  for (const Entry& e : entries)
    if (done)
      done = writer.take({.database = e.database, .key = e.key, .kind = e.kind, .value = e.value, .expiry = e.expiry});
  if (done) done = writer.finish();
  EXPECT_TRUE(done) << done.error().describe();
}
inline std::string write_all(Format format, const std::vector<Entry>& entries, const Header& header) {
  MemoryOutput out;
  write_all(*make_writer(format, out), entries, header);
  return std::move(out.bytes());
}

/// The form of a list, set or hash of these strings.
inline std::string collection(Kind kind, const std::vector<std::string>& strings) {
  CollectionBuilder builder;
  builder.begin(kind, 1u << 30);
  const std::size_t step = kind == Kind::kHash ? 2 : 1;
  for (std::size_t i = 0; i < strings.size(); i += step) {
    const auto added = kind == Kind::kHash ? builder.add(strings[i], strings[i + 1]) : builder.add(strings[i]);
    EXPECT_EQ(added, CollectionBuilder::Added::kYes) << strings[i];
  }
  return std::string(builder.finish());
}
inline std::string sorted_set(const std::vector<std::pair<std::string, double>>& members) {
  CollectionBuilder builder;
  builder.begin(Kind::kSortedSet, 1u << 30);
  for (const auto& [member, score] : members)
    EXPECT_EQ(builder.add(member, score), CollectionBuilder::Added::kYes) << member;
  return std::string(builder.finish());
}

/// Strings of every size and sort, integers of every width among them.
inline std::string random_element(std::mt19937_64& random) {
  switch (random() % 6) {
    case 0: return std::to_string(static_cast<std::int64_t>(random()) >> random() % 64);
    case 1: return std::string(random() % 300, static_cast<char>(random()));
    case 2: return std::string(random() % 50 == 0 ? 70'000 : 250, 'x');
    case 3: return "";
    default: break;
  }
  std::string text(random() % 20, '\0');
  const bool text_only = random() % 2 == 0;
  for (char& c : text) c = static_cast<char>(text_only ? ' ' + random() % 90 : random());
  return text;
}
inline double random_score(std::mt19937_64& random) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  switch (random() % 6) {
    case 0: return random() % 2 == 0 ? kInfinity : -kInfinity;
    case 1: return static_cast<double>(static_cast<std::int64_t>(random()) >> random() % 64);
    case 2: return static_cast<double>(random()) / 7.0;
    case 3: return std::numeric_limits<double>::denorm_min();
    case 4: return -std::numeric_limits<double>::max();
    default: return static_cast<double>(random() % 10);
  }
}
/// Of any kind but a string's, of up to `size_max` elements.
inline Entry random_collection(std::mt19937_64& random, std::size_t size_max) {
  constexpr Kind kKinds[] = {Kind::kHash, Kind::kList, Kind::kSet, Kind::kSortedSet};
  Entry entry{.kind = kKinds[random() % std::size(kKinds)]};
  CollectionBuilder builder;
  builder.begin(entry.kind, 1u << 30);
  const bool numbers = random() % 4 == 0;
  const auto element = [&] { return numbers ? std::to_string(random() % 100'000) : random_element(random); };
  const std::size_t size = 1 + random() % size_max;
  const auto expiring = random() % 3;  // none, some, all
  const auto deadline = [&] {
    return UnixMs{random() % 2 < expiring ? 1 + static_cast<std::int64_t>(random() % 1'000'000'000'000) : 0};
  };
  std::set<std::string> seen;
  for (std::size_t i = 0; i < size; ++i) {
    const std::string one = element();
    if (entry.kind != Kind::kList && !seen.insert(one).second) continue;
    const auto added = entry.kind == Kind::kHash        ? builder.add(one, element(), deadline())
                       : entry.kind == Kind::kSortedSet ? builder.add(one, random_score(random))
                                                        : builder.add(one);
    EXPECT_EQ(added, CollectionBuilder::Added::kYes);
  }
  entry.value = builder.finish();
  return entry;
}

/// Collections of every kind, in several databases, with and without expiries.
inline std::vector<Entry> random_collections(unsigned seed, int count) {
  std::mt19937_64 random(seed);
  std::vector<Entry> entries;
  for (int i = 0; i < count; ++i) {
    Entry entry = random_collection(random, random() % 20 == 0 ? 500 : 12);
    entry.key = std::to_string(i) + random_element(random).substr(0, 20);
    entry.database = static_cast<int>(random() % 3);
    if (random() % 3 == 0) entry.expiry.at = UnixMs{1 + static_cast<std::int64_t>(random() % 1'000'000'000'000)};
    if (!entry.expiry.never() && random() % 2 == 0)
      entry.expiry.sliding_ms = 1 + static_cast<std::int64_t>(random() % 1000);
    entries.push_back(std::move(entry));
  }
  return entries;
}

/// Keys and values of any bytes and of text, in several databases, with and without expiries. Keys are unique.
inline std::vector<Entry> random_entries(unsigned seed, int count) {
  std::mt19937 random(seed);
  const auto bytes = [&](std::size_t most) {
    std::string text(random() % most, '\0');
    const bool text_only = random() % 2 == 0;
    for (char& c : text) c = static_cast<char>(text_only ? ' ' + random() % 90 : random());
    return text;
  };
  std::vector<Entry> entries;
  for (int i = 0; i < count; ++i) {
    Entry entry{.database = random() % 3 == 0 ? static_cast<int>(random() % 16) : 0,
                .key = std::to_string(i) + bytes(20),
                .value = bytes(random() % 50 == 0 ? 10'000 : 100)};
    if (random() % 3 == 0) entry.expiry.at = UnixMs{1 + static_cast<std::int64_t>(random())};
    if (!entry.expiry.never() && random() % 2 == 0) entry.expiry.sliding_ms = 1 + static_cast<std::int64_t>(random());
    entries.push_back(std::move(entry));
  }
  return entries;
}

/// Cuts `bytes` at every place and flips bits of every byte. Each must be refused with a place in the file, or, where
/// nothing guards the bytes (`checked` false), be read as something; never as the same with other content when
/// `checked`.
inline void expect_damage_is_found(const std::string& bytes, const std::vector<Entry>& entries, bool checked) {
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto read = read_text(std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(read) << "cut at " << size;
    ASSERT_GE(read.error().offset(), 0) << "cut at " << size << ": " << read.error().describe();
  }
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      const auto read = read_text(damaged);
      if (!read) {
        ASSERT_GE(read.error().offset(), 0) << "bit " << bit << " of byte " << at << read.error().describe();
      } else if (checked) {
        ASSERT_EQ(read->entries, entries) << "bit " << bit << " of byte " << at;
      }
    }
  }
}

}  // namespace stave::exchange
