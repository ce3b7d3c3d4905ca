#include "base/posix_io.h"

#include <gtest/gtest.h>

#include <string>

#include "base/bytes.h"

namespace stave::base {
namespace {

/// Answers calls by a script: positive counts, 0, or -errno; after its end it takes everything.
class Script {
 public:
  explicit Script(std::vector<int> answers) : answers_(std::move(answers)) {}
  ssize_t next(std::size_t wanted) {
    const std::size_t call = calls++;
    if (call >= answers_.size()) return static_cast<ssize_t>(wanted);
    if (answers_[call] >= 0)
      return static_cast<ssize_t>(std::min<std::size_t>(wanted, static_cast<std::size_t>(answers_[call])));
    errno = -answers_[call];
    return -1;
  }
  std::size_t calls = 0;

 private:
  std::vector<int> answers_;
};

struct Written {
  IoProgress progress;
  std::string disk = std::string(12, '.');
  std::size_t calls = 0;
};

Written write_by(std::vector<int> answers) {
  Written out;
  Script script(std::move(answers));
  out.progress = write_fully(2, as_bytes("abcdef"), [&](std::span<const std::byte> part, std::uint64_t at) {
    const ssize_t count = script.next(part.size());
    if (count > 0)
      out.disk.replace(at, static_cast<std::size_t>(count), as_text(part.first(static_cast<std::size_t>(count))));
    return count;
  });
  out.calls = script.calls;
  return out;
}

TEST(WriteFully, goes_on_after_short_counts_and_signals) {
  const Written out = write_by({1, -EINTR, -EINTR, 2, -EINTR});
  EXPECT_EQ(out.disk, "..abcdef....");
  EXPECT_EQ(out.progress.done, 6u);
  EXPECT_EQ(out.progress.system_errno, 0);
  EXPECT_EQ(out.calls, 6u);
}

TEST(WriteFully, stops_at_an_error_and_says_how_far_it_came) {
  const Written out = write_by({3, -ENOSPC});
  EXPECT_EQ(out.disk, "..abc.......");
  EXPECT_EQ(out.progress.done, 3u);
  EXPECT_EQ(out.progress.system_errno, ENOSPC);
}

TEST(WriteFully, does_not_turn_for_ever_around_a_device_that_takes_nothing) {
  const Written out = write_by({0});
  EXPECT_EQ(out.progress.system_errno, EIO);
  EXPECT_EQ(out.calls, 1u);
}

TEST(ReadFully, goes_on_after_short_counts_and_signals_and_stops_at_the_end) {
  const std::string disk = "..abcdef";
  Script script({1, -EINTR, 2});
  std::string into(10, '?');
  const IoProgress progress =
      read_fully(2, std::as_writable_bytes(std::span(into)), [&](std::span<std::byte> part, std::uint64_t at) {
        const std::size_t left = disk.size() - std::min<std::size_t>(disk.size(), at);
        const ssize_t count = script.next(std::min(part.size(), left));
        if (count > 0) std::memcpy(part.data(), disk.data() + at, static_cast<std::size_t>(count));
        return count;
      });
  EXPECT_EQ(progress.done, 6u);
  EXPECT_EQ(progress.system_errno, 0);
  EXPECT_EQ(into, "abcdef????");
}

TEST(ReadFully, stops_at_an_error_and_says_how_far_it_came) {
  Script script({4, -EIO});
  std::string into(10, '?');
  const IoProgress progress =
      read_fully(0, std::as_writable_bytes(std::span(into)),
                 [&](std::span<std::byte> part, std::uint64_t) { return script.next(part.size()); });
  EXPECT_EQ(progress.done, 4u);
  EXPECT_EQ(progress.system_errno, EIO);
}

TEST(RetryEintr, calls_again_only_when_a_signal_came) {
  Script script({-EINTR, -EINTR, -EIO});
  EXPECT_EQ(retry_eintr([&] { return static_cast<int>(script.next(1)); }), -1);
  EXPECT_EQ(errno, EIO);
  EXPECT_EQ(script.calls, 3u);
}

}  // namespace
}  // namespace stave::base
