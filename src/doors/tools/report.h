// What the tools say to a person: progress while they work, numbers that can be read, and a sentence at the end.
#pragma once

#include <cstdint>
#include <string>

#include "exchange/exchange.h"
#include "stave/clock.h"

namespace stave::tools {

/// "12,345"
std::string with_commas(std::uint64_t number);
/// "34.1 MiB"
std::string with_unit(std::uint64_t bytes);

/// A line on standard error, drawn anew once in a while, if a person looks at it; else nothing.
class Progress {
 public:
  explicit Progress(Clock& clock);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Whether it is time to show something.
  bool due();
  void show(const std::string& line);
  /// Takes the line away, for what stays.
  void clear();
  /// Seconds since it was made, as "0.42".
  [[nodiscard]] std::string elapsed() const;

 private:
  Clock& clock_;
  bool person_;
  std::uint64_t started_ns_;
  std::uint64_t shown_ns_;
  std::size_t width_ = 0;
};

/// An input that tells how far it has come.
class WatchedInput final : public exchange::ByteInput {
 public:
  /// `size` 0: not known.
  WatchedInput(exchange::ByteInput& input, Progress& progress, std::uint64_t size)
      : input_(input), progress_(progress), size_(size) {}
  Result<std::size_t> read(std::span<std::byte> into) override;

 private:
  exchange::ByteInput& input_;
  Progress& progress_;
  std::uint64_t size_;
  std::uint64_t read_ = 0;
};

}  // namespace stave::tools
