// A sink that builds a `Reply`: how a handler's answer becomes a value in this process.
//
// Promises: whatever sequence of calls a handler makes, the result is one well-formed tree; memory grows with what was
// written, not with what was announced; a large value is copied by `take` and not before.
#pragma once

#include <string_view>
#include <vector>

#include "commands/session.h"
#include "commands/sink.h"
#include "stave/reply.h"

namespace stave::commands {

class ReplySink final : public Sink {
 public:
  /// HELLO changes the session's protocol in mid-command, so it is asked each time.
  explicit ReplySink(const Session& session) noexcept : session_(session) {}

  void status(std::string_view text) override { add(Reply::Kind::kStatus).text = text; }
  void error(std::string_view text) override;
  void integer(std::int64_t value) override { add(Reply::Kind::kInteger).integer = value; }
  void bulk(std::string_view bytes) override { add(Reply::Kind::kBulk).text = bytes; }
  void shared_bulk(const SharedBytes& bytes) override;
  void null() override { add(Reply::Kind::kNull); }
  void null_array() override { add(Reply::Kind::kNull); }
  void array(std::size_t count) override { open(Reply::Kind::kArray, count); }
  void map(std::size_t pairs) override { open(Reply::Kind::kMap, 2 * pairs); }
  void set(std::size_t count) override { open(Reply::Kind::kSet, count); }
  void real(double value) override { add(Reply::Kind::kDouble).number = value; }
  void boolean(bool value) override { add(Reply::Kind::kBoolean).integer = value ? 1 : 0; }
  void big_number(std::string_view digits) override { add(Reply::Kind::kBigNumber).text = digits; }
  void verbatim(std::string_view format, std::string_view text) override;
  void push(std::size_t count) override { open(Reply::Kind::kPush, count); }
  [[nodiscard]] int protocol() const noexcept override { return session_.protocol(); }

  /// Whether the answer is there and whole; false also when there is none.
  [[nodiscard]] bool complete() const noexcept { return written_ && open_.empty(); }
  /// The finished answer; null when none was written.
  [[nodiscard]] Reply take();

 private:
  struct Open {
    Reply* aggregate;
    std::size_t missing;
  };
  Reply& add(Reply::Kind kind);
  void open(Reply::Kind kind, std::size_t count);
  void fill(Reply& reply) const;

  const Session& session_;
  Reply root_;
  bool written_ = false;
  /// Values that are copied at the end, where no lock is held. Until then the bulk's `integer` says which it is, from 1
  /// on.
  std::vector<SharedBytes> shared_;
  std::vector<Open> open_;  ///< Aggregates that wait for elements, outermost first.
};

}  // namespace stave::commands
