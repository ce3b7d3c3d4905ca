// The sink of a client that asked for no replies (CLIENT REPLY OFF, SKIP).
#pragma once

#include "commands/sink.h"

namespace stave::commands {

class NullSink : public Sink {
 public:
  explicit NullSink(int protocol) noexcept : protocol_(protocol) {}
  void status(std::string_view) override {}
  void error(std::string_view) override {}
  void integer(std::int64_t) override {}
  void bulk(std::string_view) override {}
  void shared_bulk(const SharedBytes&) override {}
  void null() override {}
  void null_array() override {}
  void array(std::size_t) override {}
  void map(std::size_t) override {}
  void set(std::size_t) override {}
  void real(double) override {}
  void boolean(bool) override {}
  void big_number(std::string_view) override {}
  void verbatim(std::string_view, std::string_view) override {}
  void push(std::size_t) override {}
  [[nodiscard]] int protocol() const noexcept override { return protocol_; }

 private:
  int protocol_;
};

}  // namespace stave::commands
