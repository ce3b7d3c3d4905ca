// A sink that keeps answers as they were written and gives them to another sink later: of commands that are run
// together and of which nobody shall hear before all of it has happened.
//
// Promises: what is played is what was written, value by value; large values are shared, not copied; memory has a bound
// and is counted, and whoever writes more is told by `full`, not by an exception. Must not know: commands, protocols.
// Threads: one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "commands/sink.h"
#include "store/buffer_meter.h"

namespace stave::commands {

class AnswerTape final : public Sink {
 public:
  /// `meter`: null counts nothing. `bytes_max`: of all answers. `protocol`: of whoever will hear them.
  AnswerTape(store::BufferMeter* meter, std::uint64_t bytes_max, int protocol) noexcept
      : bytes_max_(bytes_max), protocol_(protocol), counted_(meter) {}

  /// What is written from here on is another answer. Returns its number, from 0 on.
  std::size_t begin_answer();
  /// The line of the newest answer, if that is an error; else empty.
  [[nodiscard]] std::string_view error_line() const noexcept;
  /// Something had to be dropped: the answers are worth nothing.
  [[nodiscard]] bool full() const noexcept { return full_; }
  /// Forgets all answers.
  void rewind() noexcept;
  /// Writes an answer to `sink`.
  void play(std::size_t answer, Sink& sink) const;

  void status(std::string_view text) override { add_text(Op::kStatus, text); }
  void error(std::string_view text) override { add_text(Op::kError, text); }
  void integer(std::int64_t value) override { add_word(Op::kInteger, static_cast<std::uint64_t>(value)); }
  void bulk(std::string_view bytes) override { add_text(Op::kBulk, bytes); }
  void shared_bulk(const SharedBytes& bytes) override;
  void null() override { add_word(Op::kNull, 0); }
  void null_array() override { add_word(Op::kNullArray, 0); }
  void array(std::size_t count) override { add_word(Op::kArray, count); }
  void map(std::size_t pairs) override { add_word(Op::kMap, pairs); }
  void set(std::size_t count) override { add_word(Op::kSet, count); }
  void real(double value) override;
  void boolean(bool value) override { add_word(Op::kBoolean, value ? 1 : 0); }
  void big_number(std::string_view digits) override { add_text(Op::kBigNumber, digits); }
  void verbatim(std::string_view format, std::string_view text) override;
  void push(std::size_t count) override { add_word(Op::kPush, count); }
  [[nodiscard]] std::uint64_t written() const noexcept override { return tape_.size() + shared_bytes_; }
  [[nodiscard]] int protocol() const noexcept override { return protocol_; }

 private:
  enum class Op : std::uint8_t {
    kStatus,
    kError,
    kInteger,
    kBulk,
    kShared,  ///< The word is its place in `shared_`.
    kNull,
    kNullArray,
    kArray,
    kMap,
    kSet,
    kReal,  ///< The word is the bits of the number.
    kBoolean,
    kBigNumber,
    kVerbatim,  ///< Followed by a bulk, the text; this one is the format.
    kPush,
  };
  /// On the tape each is a byte and a word: a value, or how many bytes of text follow.
  static constexpr std::size_t kHeadBytes = 1 + sizeof(std::uint64_t);
  /// Up to here no meter is asked: the answers that nearly everybody gets are small.
  static constexpr std::size_t kUncountedBytes = 16 << 10;

  void add_word(Op op, std::uint64_t word) noexcept;
  void add_text(Op op, std::string_view text) noexcept;
  bool room_for(std::size_t bytes) noexcept;

  std::uint64_t bytes_max_;
  int protocol_;
  std::string tape_;
  std::vector<std::size_t> begins_;
  std::vector<SharedBytes> shared_;
  std::uint64_t shared_bytes_ = 0;
  bool full_ = false;
  store::BufferShare counted_;
};

}  // namespace stave::commands
