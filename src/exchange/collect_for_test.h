// What the tests of the formats share: entries that own their bytes, a sink that collects them, and damage.
#pragma once

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "exchange/exchange.h"
#include "exchange/files.h"

namespace stave::exchange {

struct Entry {
  int database = 0;
  std::string key;
  std::string value;
  Expiry expiry{};
  friend bool operator==(const Entry&, const Entry&) = default;
  friend void PrintTo(const Entry& entry, std::ostream* out) {
    *out << entry.database << ":" << entry.key.substr(0, 40) << "=" << entry.value.substr(0, 40) << " "
         << raw(entry.expiry.at) << "/" << entry.expiry.sliding_ms;
  }
};

class Collector final : public Sink {
 public:
  Result<void> take(const Item& item) override {
    entries.push_back({item.database, std::string(item.key), std::string(item.value), item.expiry});
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
    if (done) done = writer.take({.database = e.database, .key = e.key, .value = e.value, .expiry = e.expiry});
  if (done) done = writer.finish();
  EXPECT_TRUE(done) << done.error().describe();
}
inline std::string write_all(Format format, const std::vector<Entry>& entries, const Header& header) {
  MemoryOutput out;
  write_all(*make_writer(format, out), entries, header);
  return std::move(out.bytes());
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
