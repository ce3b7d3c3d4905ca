// Packing and unpacking, over a file system in memory.
#include "packing/compression.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "packing/compression_test_support.h"

namespace stave::packing {
namespace {

constexpr Compression::Setting kLz4{Codec::kLz4, 3};
constexpr Compression::Setting kZstd{Codec::kZstd, 3};
constexpr Compression::Setting kOff{Codec::kNone, 3};

class Compressions : public ::testing::Test {
 protected:
  void SetUp() override {
    files_ = make_memory_file_system();
    ASSERT_TRUE(files_->create_directories("/store"));
    reopen();
  }
  void reopen() {
    compression_ = std::make_unique<Compression>(*files_, "/store");
    const auto opened = compression_->open();
    ASSERT_TRUE(opened) << opened.error().describe();
  }
  std::string packed(std::string_view value) {
    const auto payload = compression_->pack(value);
    return payload ? std::string(*payload) : std::string();
  }
  std::string unpacked(std::string_view payload) {
    std::string scratch;
    const auto value = compression_->unpack(payload, scratch);
    return value ? std::string(*value) : "error: " + value.error().describe();
  }

  std::unique_ptr<FileSystem> files_;
  std::unique_ptr<Compression> compression_;
  base::Random random_{7};
};

TEST_F(Compressions, gives_back_what_was_packed_at_every_size_and_setting) {
  for (const Compression::Setting setting : {kLz4, kZstd, Compression::Setting{Codec::kZstd, 19}}) {
    compression_->set(setting);
    // The highest level takes its time.
    const std::size_t most = setting.level > 9 ? 100'000 : 4'000'000;
    for (std::size_t size = 256; size < most; size = size * 3 / 2 + 1) {
      const std::string value = text_of(random_, size);
      const std::string payload = packed(value);
      ASSERT_FALSE(payload.empty()) << size;
      ASSERT_LE(payload.size(), value.size() - value.size() / 8);
      ASSERT_EQ(Compression::raw_size(payload).value_or(0), size);
      ASSERT_EQ(unpacked(payload), value) << size;
    }
  }
}

TEST_F(Compressions, gives_back_values_of_every_size_that_a_dictionary_serves) {
  compression_->set(kZstd);
  train(*compression_, random_);
  ASSERT_EQ(compression_->stats().dictionaries, 1u);
  std::size_t with_dictionary = 0;
  for (std::size_t size = Compression::kDictionaryBytesMin; size < 20'000; size += 1 + size / 16) {
    const std::string value = object_of(random_, size);
    const std::string payload = packed(value);
    if (payload.empty()) continue;
    with_dictionary += payload.front() == 3 ? 1 : 0;
    ASSERT_EQ(payload.front() == 3, size <= Compression::kDictionaryBytesMax) << size;
    ASSERT_EQ(unpacked(payload), value) << size;
  }
  EXPECT_GT(with_dictionary, 50u);
}

TEST_F(Compressions, refuses_what_is_small_or_does_not_shrink_by_an_eighth) {
  std::string noise(10'000, '\0');
  random_.fill(std::as_writable_bytes(std::span(noise)));
  for (const Compression::Setting setting : {kLz4, kZstd}) {
    compression_->set(setting);
    EXPECT_TRUE(packed("").empty());
    EXPECT_TRUE(packed(std::string(31, 'a')).empty());
    EXPECT_TRUE(packed(noise).empty());
    // Nine parts of noise and one of silence: less than an eighth to win.
    std::string mostly = noise;
    mostly.replace(0, 1'000, 1'000, 'a');
    EXPECT_TRUE(packed(mostly).empty());
    mostly.replace(0, 2'000, 2'000, 'a');
    EXPECT_FALSE(packed(mostly).empty());
  }
  EXPECT_EQ(compression_->stats().values_refused, 4u);
  EXPECT_EQ(compression_->stats().values_packed, 2u);
  compression_->set(kOff);
  EXPECT_TRUE(packed(std::string(10'000, 'a')).empty());
}

// zstd is spared what looks like noise, but not noise that comes twice.
TEST_F(Compressions, finds_what_repeats_in_values_that_look_like_noise) {
  std::string noise(2'000, '\0');
  random_.fill(std::as_writable_bytes(std::span(noise)));
  compression_->set(kZstd);
  EXPECT_TRUE(packed(noise).empty());
  const std::string twice = noise + noise;
  const std::string payload = packed(twice);
  EXPECT_LT(payload.size(), 2'100u);
  EXPECT_EQ(unpacked(payload), twice);
  // Digits spread evenly fill half of each byte.
  std::string digits;
  for (const char byte : noise) digits += "0123456789abcdef"[byte & 15];
  EXPECT_LT(packed(digits).size(), 1'200u);
  EXPECT_FALSE(packed(digits).empty());
}

TEST_F(Compressions, reads_what_was_packed_under_any_earlier_setting) {
  std::vector<std::pair<std::string, std::string>> written;
  for (int round = 0; round < 3; ++round) {
    for (const Compression::Setting setting : {kLz4, kZstd, kOff, Compression::Setting{Codec::kZstd, 1}}) {
      compression_->set(setting);
      EXPECT_EQ(compression_->setting(), setting);
      for (const std::size_t size : {100u, 1'000u, 30'000u}) {
        std::string value = object_of(random_, size);
        if (std::string payload = packed(value); !payload.empty()) written.emplace_back(payload, value);
      }
    }
    if (round == 0) {
      compression_->set(kZstd);
      train(*compression_, random_);
    }
    if (round == 1) reopen();
  }
  compression_->set(kOff);
  for (const auto& [payload, value] : written) EXPECT_EQ(unpacked(payload), value);
  EXPECT_GT(written.size(), 20u);
}

// zstd keeps a context in the middle of a frame when the value did not fit, and then refuses new settings.
TEST_F(Compressions, packs_on_after_a_refusal_and_a_change_of_level) {
  std::string noise(300, '\0');
  random_.fill(std::as_writable_bytes(std::span(noise)));
  for (const bool trained : {false, true}) {
    compression_->set(kZstd);
    if (trained) train(*compression_, random_);
    for (int level = 1; level < 12; ++level) {
      EXPECT_TRUE(packed(noise).empty());
      compression_->set({Codec::kZstd, level});
      const std::string value = object_of(random_, 300);
      EXPECT_EQ(unpacked(packed(value)), value) << level;
    }
  }
}

TEST_F(Compressions, takes_a_level_outside_of_its_bounds_for_the_nearest) {
  compression_->set({Codec::kZstd, 99});
  EXPECT_EQ(compression_->setting().level, Compression::kLevelMax);
  compression_->set({Codec::kZstd, -5});
  EXPECT_EQ(compression_->setting().level, Compression::kLevelMin);
}

// The numbers of the format, byte by byte: when this fails, the format has changed.
TEST_F(Compressions, writes_the_head_that_the_format_says) {
  const std::string value(300, 'a');
  const std::string lz4 = packed(value);
  EXPECT_EQ(lz4.substr(0, 3), std::string("\x01\xac\x02", 3));
  EXPECT_EQ(
      unpacked(std::string("\x01\xac\x02", 3) + std::string("\x1f\x61\x01\x00\xff\x14\x50\x61\x61\x61\x61\x61", 12)),
      value);
  compression_->set(kZstd);
  const std::string zstd = packed(value);
  EXPECT_EQ(zstd.substr(0, 7), std::string("\x02\xac\x02\x28\xb5\x2f\xfd", 7));
  train(*compression_, random_);
  const std::string with_dictionary = packed(value);
  ASSERT_GT(with_dictionary.size(), 7u);
  EXPECT_EQ(with_dictionary.front(), 3);
  EXPECT_EQ(base::load<std::uint32_t>(with_dictionary.data() + 1), compression_->stats().dictionary);
  EXPECT_EQ(with_dictionary.substr(5, 2), std::string("\xac\x02", 2));
}

// The record's checksum keeps damage away from here; this holds all the same.
TEST_F(Compressions, meets_every_damaged_byte_with_an_error_or_a_value_of_the_size_it_claims) {
  std::vector<std::string> payloads;
  const std::string value = object_of(random_, 700);
  payloads.push_back(packed(value));
  compression_->set(kZstd);
  payloads.push_back(packed(value));
  train(*compression_, random_);
  payloads.push_back(packed(value));
  std::string scratch;
  for (const std::string& payload : payloads) {
    ASSERT_FALSE(payload.empty());
    for (std::size_t at = 0; at < payload.size(); ++at) {
      EXPECT_FALSE(compression_->unpack(std::string_view(payload).substr(0, at), scratch)) << "cut at " << at;
      for (int flip = 1; flip < 256; flip += at < 16 ? 1 : 37) {
        std::string damaged = payload;
        damaged[at] = static_cast<char>(damaged[at] ^ flip);
        const auto got = compression_->unpack(damaged, scratch);
        if (got) {
          ASSERT_EQ(got->size(), Compression::raw_size(damaged).value_or(0));
        }
        // Nothing is taken that the bytes cannot account for.
        ASSERT_LE(scratch.capacity(), (damaged.size() / 4 + 2) * (128u << 10));
      }
    }
    EXPECT_FALSE(compression_->unpack(payload + "x", scratch));
  }
}

TEST_F(Compressions, gives_a_liar_no_memory) {
  const std::string claims_2_gib("\x80\x80\x80\x80\x08", 5);
  const std::string claims_4_pib("\xff\xff\xff\xff\xff\xff\xff\x07", 8);
  std::string scratch;
  for (const char codec : {'\1', '\2', '\3'})
    for (const std::string& claim : {claims_2_gib, claims_4_pib}) {
      const std::string payload =
          std::string(1, codec) + (codec == '\3' ? "\1\2\3\4" : "") + claim + std::string(100, 'x');
      const auto got = compression_->unpack(payload, scratch);
      ASSERT_FALSE(got);
      EXPECT_EQ(got.error().code(), ErrorCode::kCorrupt);
      EXPECT_LT(scratch.capacity(), 100u);
    }
  EXPECT_EQ(compression_->unpack("", scratch).error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(compression_->unpack(std::string("\x04\x05\x61", 3), scratch).error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(compression_->unpack(std::string("\x00\x05\x61", 3), scratch).error().code(), ErrorCode::kUnsupported);
}

TEST_F(Compressions, names_the_dictionary_that_is_missing) {
  const std::string payload = std::string("\x03\x78\x56\x34\x12\x05", 6) + "xxxxxxxx";
  std::string scratch;
  const auto got = compression_->unpack(payload, scratch);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), ErrorCode::kCorrupt);
  EXPECT_NE(got.error().message().find("12345678.dict"), std::string::npos) << got.error().message();
}

TEST_F(Compressions, counts_what_it_did) {
  const std::string value(1'000, 'a');
  const std::string payload = packed(value);
  const Compression::Stats stats = compression_->stats();
  EXPECT_EQ(stats.values_packed, 1u);
  EXPECT_EQ(stats.raw_bytes, 1'000u);
  EXPECT_EQ(stats.packed_bytes, payload.size());
  EXPECT_EQ(stats.dictionaries, 0u);
}

TEST_F(Compressions, serves_two_stores_on_one_thread) {
  auto other_files = make_memory_file_system();
  ASSERT_TRUE(other_files->create_directories("/other"));
  Compression other(*other_files, "/other");
  ASSERT_TRUE(other.open());
  compression_->set(kZstd);
  other.set({Codec::kZstd, 7});
  train(*compression_, random_);
  train(other, random_);
  for (int i = 0; i < 20; ++i) {
    const std::string value = object_of(random_, 200);
    const std::string here = packed(value);
    const std::string there(other.pack(value).value_or(""));
    EXPECT_NE(here.substr(1, 4), there.substr(1, 4));
    EXPECT_EQ(unpacked(here), value);
    std::string scratch;
    EXPECT_EQ(other.unpack(there, scratch).value_or(""), value);
  }
}

// For ThreadSanitizer above all: settings and dictionaries change while others pack and unpack.
TEST_F(Compressions, changes_its_setting_under_threads_that_pack_and_unpack) {
  compression_->set(kZstd);
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    threads.emplace_back([&, seed] {
      base::Random random(seed);
      std::string scratch;
      while (!stop.load()) {
        const std::string value = object_of(random, 64 + random.below(2'000));
        compression_->sample(value);
        const auto payload = compression_->pack(value);
        if (!payload) continue;
        const std::string kept(*payload);
        const auto got = compression_->unpack(kept, scratch);
        if (!got || *got != value) ++wrong;
        ++done;
      }
    });
  }
  // Until each has seen all settings, the training included.
  base::Random random(99);
  for (int round = 0; round < 24; ++round) {
    compression_->set({round % 3 == 0 ? Codec::kLz4 : Codec::kZstd, 1 + round % 5});
    if (round == 12) {
      compression_->set(kZstd);
      show_until_due(*compression_, [&] { return object_of(random, 200); });
    }
    EXPECT_TRUE(compression_->train());
    static_cast<void>(compression_->stats());
    const int before = done.load();
    while (done.load() < before + 30) std::this_thread::yield();
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_EQ(compression_->stats().dictionaries, 1u);
}

// Random values, settings and reopenings beside what was written.
TEST_F(Compressions, keeps_every_value_through_a_random_life) {
  const char* given = std::getenv("STAVE_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 20261121;
  std::cout << "seed " << seed << '\n';
  base::Random random(seed);
  std::vector<std::pair<std::string, std::string>> written;
  for (int step = 0; step < 3'000; ++step) {
    if (random.one_in(100)) compression_->set({static_cast<Codec>(random.below(3)), static_cast<int>(random.below(8))});
    if (random.one_in(500)) {
      const Compression::Setting setting = compression_->setting();
      reopen();
      compression_->set(setting);
    }
    if (random.one_in(1'500)) {
      compression_->set(kZstd);
      train(*compression_, random);
    }
    std::string value = random.coin() ? object_of(random, random.below(600)) : text_of(random, random.below(20'000));
    if (std::string payload = packed(value); !payload.empty()) written.emplace_back(payload, value);
    if (!written.empty()) {
      const auto& [payload, expected] = written[random.below(written.size())];
      ASSERT_EQ(unpacked(payload), expected) << "step " << step << ", seed " << seed;
    }
  }
  for (const auto& [payload, expected] : written) ASSERT_EQ(unpacked(payload), expected) << "seed " << seed;
}

}  // namespace
}  // namespace stave::packing
