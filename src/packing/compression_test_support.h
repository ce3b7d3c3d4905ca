// Values that look like somebody's data, for the tests of compression.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"
#include "packing/compression.h"

namespace stave::packing {

/// `size` bytes of words.
inline std::string text_of(base::Random& random, std::size_t size) {
  static constexpr const char* kWords[] = {"the ",   "log ",   "is ",      "cut ",   "into ", "segments ",
                                           "and ",   "never ", "written ", "twice ", "a ",    "reader ",
                                           "waits ", "for ",   "what ",    "it ",    "saw, ", "says "};
  std::string text;
  while (text.size() < size) text += kWords[random.below(std::size(kWords))];
  text.resize(size);
  return text;
}

/// A JSON object, cut or filled up to `size` bytes.
inline std::string object_of(base::Random& random, std::size_t size) {
  std::string object = "{\"id\":" + std::to_string(random.below(10'000'000)) + ",\"customer\":\"user" +
                       std::to_string(random.below(5'000)) + "@example.com\",\"status\":\"" +
                       (random.coin() ? "delivered" : "pending") +
                       "\",\"total\":" + std::to_string(random.below(100'000)) + ",\"currency\":\"EUR\",\"note\":\"";
  if (object.size() < size) object += text_of(random, size - object.size());
  object.resize(size);
  return object;
}

/// Shows values until training is due, the same ones over and over: making them is what takes time.
template <class Make>
void show_until_due(Compression& compression, Make make) {
  std::vector<std::string> values(3'000);
  for (std::string& value : values) value = make();
  for (int times = 0; times < 1'000 && !compression.training_due(); ++times)
    for (const std::string& value : values) compression.sample(value);
}

/// Shows objects until training is due, and trains.
inline void train(Compression& compression, base::Random& random) {
  show_until_due(compression, [&] { return object_of(random, 180); });
  const auto trained = compression.train();
  EXPECT_TRUE(trained) << trained.error().describe();
}

}  // namespace stave::packing
