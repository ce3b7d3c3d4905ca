// Dictionaries: their files, their training, and the order in which things reach the disk.
#include "packing/compression_dictionary.h"

#include <gtest/gtest.h>

#include <set>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/random.h"
#include "packing/compression.h"
#include "packing/compression_samples.h"
#include "packing/compression_test_support.h"
#include "testing/sim_file_system.h"

namespace stave::packing {
namespace {

constexpr Compression::Setting kZstd{Codec::kZstd, 3};

std::unique_ptr<Compression> open_in(FileSystem& files) {
  EXPECT_TRUE(files.create_directories("/store"));
  auto compression = std::make_unique<Compression>(files, "/store");
  const auto opened = compression->open();
  EXPECT_TRUE(opened) << opened.error().describe();
  compression->set(kZstd);
  return compression;
}

std::string read_whole(FileSystem& files, const std::string& path) {
  auto file = files.open(path, OpenMode::kRead);
  std::string bytes(static_cast<std::size_t>((*file)->size().value_or(0)), '\0');
  EXPECT_TRUE((*file)->read_at(0, std::as_writable_bytes(std::span(bytes))));
  return bytes;
}

void write_whole(FileSystem& files, const std::string& path, std::string_view bytes) {
  static_cast<void>(files.remove(path));
  auto file = files.open(path, OpenMode::kCreate);
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->write_at(0, base::as_bytes(bytes)));
}

std::vector<std::string> dictionaries_in(FileSystem& files) {
  std::vector<std::string> found;
  for (const std::string& name : files.list("/store").value_or(std::vector<std::string>{}))
    if (is_dictionary_name(name)) found.push_back("/store/" + name);
  return found;
}

// When this fails, the format has changed.
TEST(DictionaryFile, has_the_bytes_that_the_format_says) {
  const std::string file = encode_dictionary(0x0a0b0c0d, 7, "content");
  ASSERT_EQ(file.size(), 47u);
  EXPECT_EQ(file.substr(0, 8), "STAVEDCT");
  EXPECT_EQ(file.substr(8, 24), std::string("\1\0\0\0\x28\0\0\0\x0d\x0c\x0b\x0a\7\0\0\0\7\0\0\0\0\0\0\0", 24));
  EXPECT_EQ(base::load<std::uint64_t>(file.data() + 32), 0xe2b521c2749d5d4eull);
  EXPECT_EQ(file.substr(40), "content");
  EXPECT_EQ(dictionary_name(0x0a0b0c0d), "0a0b0c0d.dict");
  EXPECT_TRUE(is_dictionary_name("0a0b0c0d.dict"));
  for (const char* other : {"0a0b0c0d.dict.new", "0A0B0C0D.dict", "a0b0c0d.dict", "0000000000001000.seg", ".dict", ""})
    EXPECT_FALSE(is_dictionary_name(other)) << other;
}

TEST(DictionaryFile, is_refused_with_file_and_offset_when_any_byte_is_damaged_or_missing) {
  const std::string path = "/store/0a0b0c0d.dict";
  const std::string file = encode_dictionary(0x0a0b0c0d, 1, std::string(300, 'c'));
  ASSERT_TRUE(decode_dictionary(file, path));
  for (std::size_t at = 0; at < file.size(); ++at) {
    EXPECT_FALSE(decode_dictionary(std::string_view(file).substr(0, at), path));
    for (const int flip : {1, 0x80, 0xff}) {
      std::string damaged = file;
      damaged[at] = static_cast<char>(damaged[at] ^ flip);
      const auto decoded = decode_dictionary(damaged, path);
      ASSERT_FALSE(decoded) << at;
      EXPECT_EQ(decoded.error().file(), path);
      EXPECT_GE(decoded.error().offset(), 0);
    }
  }
  EXPECT_FALSE(decode_dictionary(file + "x", path));
}

TEST(Dictionaries, are_trained_from_the_stores_own_values_and_kept) {
  auto files = make_memory_file_system();
  base::Random random(1);
  auto compression = open_in(*files);
  const std::string value = object_of(random, 180);
  EXPECT_FALSE(compression->pack(value));
  EXPECT_FALSE(compression->training_due());
  train(*compression, random);
  const auto payload = compression->pack(value);
  ASSERT_TRUE(payload);
  EXPECT_LT(payload->size(), value.size() / 2);
  const std::string kept(*payload);
  const auto found = dictionaries_in(*files);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found.front(), "/store/" + dictionary_name(compression->stats().dictionary));

  compression = open_in(*files);
  std::string scratch;
  EXPECT_EQ(compression->unpack(kept, scratch).value_or(""), value);
  EXPECT_EQ(compression->pack(value).value_or(""), kept);
}

TEST(Dictionaries, are_trained_alike_from_the_same_writes) {
  std::string first;
  for (int round = 0; round < 2; ++round) {
    auto files = make_memory_file_system();
    base::Random random(3);
    auto compression = open_in(*files);
    train(*compression, random);
    const std::string file = read_whole(*files, dictionaries_in(*files).at(0));
    if (round == 0) first = file;
    EXPECT_EQ(file, first);
  }
}

TEST(Dictionaries, are_not_made_of_noise) {
  auto files = make_memory_file_system();
  base::Random random(1);
  auto compression = open_in(*files);
  std::string noise(100, '\0');
  while (!compression->training_due()) {
    random.fill(std::as_writable_bytes(std::span(noise)));
    compression->sample(noise);
  }
  EXPECT_TRUE(compression->train());
  EXPECT_FALSE(compression->training_due());
  EXPECT_EQ(compression->stats().dictionaries, 0u);
  EXPECT_TRUE(dictionaries_in(*files).empty());
}

TEST(Dictionaries, are_made_for_zstd_only) {
  auto files = make_memory_file_system();
  base::Random random(1);
  auto compression = open_in(*files);
  compression->set({Codec::kLz4, 3});
  show_until_due(*compression, [&] { return object_of(random, 180); });
  EXPECT_FALSE(compression->training_due());
  EXPECT_TRUE(compression->train());
  EXPECT_TRUE(dictionaries_in(*files).empty());
}

// The data changes its shape: a second dictionary takes over, and the first stays readable.
TEST(Dictionaries, follow_the_data_and_never_leave_what_was_packed_behind) {
  auto files = make_memory_file_system();
  base::Random random(5);
  auto compression = open_in(*files);
  train(*compression, random);
  const std::uint32_t first = compression->stats().dictionary;
  const std::string old_value = object_of(random, 180);
  const std::string old_payload(compression->pack(old_value).value_or(""));
  // The same shape again: nothing better comes of it.
  train(*compression, random);
  EXPECT_EQ(compression->stats().dictionaries, 1u);

  const auto reading = [&] {
    return "<reading sensor=\"t-" + std::to_string(random.below(900)) + "\" unit=\"celsius\"><at>2026-11-" +
           std::to_string(10 + random.below(20)) + "T" + std::to_string(random.below(24)) + ":00:00Z</at><value>" +
           std::to_string(random.below(40)) + "</value></reading>";
  };
  show_until_due(*compression, reading);
  ASSERT_TRUE(compression->train());
  EXPECT_EQ(compression->stats().dictionaries, 2u);
  const std::uint32_t second = compression->stats().dictionary;
  EXPECT_NE(second, first);

  compression = open_in(*files);
  EXPECT_EQ(compression->stats().dictionaries, 2u);
  EXPECT_EQ(compression->stats().dictionary, second);
  std::string scratch;
  EXPECT_EQ(compression->unpack(old_payload, scratch).value_or(""), old_value);
}

TEST(Dictionaries, that_are_damaged_keep_the_store_shut) {
  auto files = make_memory_file_system();
  base::Random random(1);
  train(*open_in(*files), random);
  const std::string path = dictionaries_in(*files).at(0);
  const std::string good = read_whole(*files, path);
  const auto refused = [&](const std::string& at) {
    Compression compression(*files, "/store");
    const auto opened = compression.open();
    EXPECT_FALSE(opened);
    if (opened) return ErrorCode::kAborted;
    EXPECT_EQ(opened.error().file(), at);
    return opened.error().code();
  };
  std::string bad = good;
  bad[good.size() / 2] ^= 1;
  write_whole(*files, path, bad);
  EXPECT_EQ(refused(path), ErrorCode::kCorrupt);
  bad = good;
  bad[8] = 2;
  write_whole(*files, path, bad);
  EXPECT_EQ(refused(path), ErrorCode::kCorrupt) << "a flipped bit is not the future";
  base::store(bad.data() + 32, base::xxh3(base::as_bytes(std::string_view(bad).substr(40)),
                                          base::xxh3(base::as_bytes(std::string_view(bad).substr(0, 32)), 0)));
  write_whole(*files, path, bad);
  EXPECT_EQ(refused(path), ErrorCode::kUnsupported);
  write_whole(*files, path, good);
  write_whole(*files, "/store/00000001.dict", good);
  EXPECT_EQ(refused("/store/00000001.dict"), ErrorCode::kCorrupt);
}

// A power cut at every operation of the training: the store opens, and what was packed before is read.
TEST(Dictionaries, survive_a_power_cut_anywhere_in_their_making) {
  base::Random random(11);
  sim::SimFileSystem disk(11);
  auto compression = open_in(disk);
  ASSERT_TRUE(disk.sync_directory("/"));
  std::uint64_t states = 0;
  std::optional<std::string> promised;  // a payload that was handed out
  const std::string value = object_of(random, 180);
  disk.on_operation([&](const sim::Operation& next) {
    for (const sim::CrashMode mode : sim::kCrashModes) {
      sim::SimFileSystem after = disk.after_crash(mode, 11 + next.number);
      Compression again(after, "/store");
      const auto opened = again.open();
      ASSERT_TRUE(opened) << opened.error().describe();
      std::string scratch;
      if (promised) {
        ASSERT_EQ(again.unpack(*promised, scratch).value_or(""), value);
      }
      ++states;
    }
  });
  for (int i = 0; i < 2; ++i) {
    train(*compression, random);
    if (const auto payload = compression->pack(value)) promised = std::string(*payload);
  }
  ASSERT_TRUE(promised);
  ASSERT_TRUE(disk.create_directories("/more"));  // one more look, with a promise
  EXPECT_GT(states, 10u);
}

TEST(Dictionaries, that_cannot_be_written_are_not_used) {
  base::Random random(11);
  for (std::uint64_t at = 1; at <= 5; ++at) {
    sim::SimFileSystem disk(11);
    auto compression = open_in(disk);
    show_until_due(*compression, [&] { return object_of(random, 180); });
    disk.inject({.at = disk.operations() + at, .system_errno = 28});
    EXPECT_FALSE(compression->train()) << at;
    EXPECT_FALSE(compression->training_due());
    EXPECT_EQ(compression->stats().dictionaries, 0u);
    EXPECT_FALSE(compression->pack(object_of(random, 180)));
    // It may lie there whole (only the sync of its name failed), and then it is one like any other.
    EXPECT_TRUE(open_in(disk) != nullptr);
  }
}

TEST(Samples, rest_after_a_training_and_longer_when_it_was_in_vain) {
  CompressionSamples samples;
  base::Random random(1);
  samples.enable(true);
  const auto offered_until_full = [&] {
    std::uint64_t offered = 0;
    for (; !samples.full(); ++offered) samples.offer(std::to_string(random.next()));
    EXPECT_EQ(samples.take().sizes.size(), CompressionSamples::kSamplesEnough);
    return offered;
  };
  const std::uint64_t first = offered_until_full();
  samples.resume(false);
  const std::uint64_t second = offered_until_full();
  samples.resume(false);
  const std::uint64_t third = offered_until_full();
  samples.resume(true);
  const std::uint64_t fourth = offered_until_full();
  EXPECT_GT(second, first * 3);
  EXPECT_GT(third, second * 3 / 2);
  EXPECT_LT(fourth, third * 3 / 4);
}

TEST(Samples, that_are_equal_go_to_the_test_or_to_the_training_but_not_to_both) {
  SampleBatch all;
  for (int i = 0; i < 2'000; ++i) {
    const std::string sample = "value " + std::to_string(i % 400);
    all.bytes += sample;
    all.sizes.push_back(sample.size());
  }
  const SampleSplit split = split_samples(all);
  const auto values = [](const SampleBatch& batch) {
    std::set<std::string> distinct;
    std::string_view rest = batch.bytes;
    for (const std::size_t size : batch.sizes) {
      distinct.emplace(rest.substr(0, size));
      rest.remove_prefix(size);
    }
    EXPECT_TRUE(rest.empty());
    return distinct;
  };
  const std::set<std::string> test = values(split.test);
  const std::set<std::string> training = values(split.training);
  EXPECT_EQ(split.test.sizes.size() + split.training.sizes.size(), 2'000u);
  EXPECT_EQ(test.size() + training.size(), 400u);
  EXPECT_GT(test.size(), 20u);
  EXPECT_LT(test.size(), 100u);
}

// The next one's number was 0, and it was never taken for the newest.
TEST(Dictionaries, train_no_later_one_when_a_file_claims_to_be_the_last_that_can_be) {
  auto files = make_memory_file_system();
  EXPECT_TRUE(files->create_directories("/store"));
  base::Random random(1);
  write_whole(*files, "/store/0a0b0c0d.dict", encode_dictionary(0x0a0b0c0d, 0xffffffff, std::string(300, 'c')));
  auto compression = open_in(*files);
  train(*compression, random);
  EXPECT_EQ(dictionaries_in(*files), std::vector<std::string>{"/store/0a0b0c0d.dict"});
}

// One value over and over makes no dictionary, and does no harm.
TEST(Samples, of_one_single_value_train_nothing) {
  auto files = make_memory_file_system();
  auto compression = open_in(*files);
  base::Random random(1);
  std::string value;
  // Whether a value is looked at is a matter of its bytes.
  while (!compression->training_due()) {
    value = object_of(random, 180);
    for (int i = 0; i < 10'000; ++i) compression->sample(value);
  }
  EXPECT_TRUE(compression->train());
  EXPECT_EQ(compression->stats().dictionaries, 0u);
}

TEST(Samples, are_let_go_when_they_are_turned_off) {
  CompressionSamples samples;
  base::Random random(1);
  EXPECT_FALSE(samples.wanted());
  samples.enable(true);
  while (!samples.full()) samples.offer(std::to_string(random.next()));
  samples.enable(false);
  EXPECT_FALSE(samples.full());
  EXPECT_TRUE(samples.take().sizes.empty());
  samples.enable(true);
  EXPECT_TRUE(samples.wanted());
}

}  // namespace
}  // namespace stave::packing
