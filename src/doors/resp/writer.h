// Replies as RESP2 or RESP3 bytes, straight into a client's output.
//
// One writer serves all connections of a thread: it is pointed at a connection's output before a batch. Must not know:
// sockets, commands.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "commands/sink.h"
#include "doors/resp/output.h"

namespace stave::resp {

/// Whoever derives from it knows the protocol, which HELLO changes within a pipeline.
class Writer : public commands::Sink {
 public:
  void bind(Output& output) noexcept { output_ = &output; }

  void status(std::string_view text) final;
  void error(std::string_view text) final;
  void integer(std::int64_t value) final;
  void bulk(std::string_view bytes) final;
  void shared_bulk(const commands::SharedBytes& bytes) final;
  void null() final;
  void null_array() final;
  void array(std::size_t count) final { header('*', count); }
  void map(std::size_t pairs) final;
  void set(std::size_t count) final;
  void real(double value) final;
  void boolean(bool value) final;
  void big_number(std::string_view digits) final;
  void verbatim(std::string_view format, std::string_view text) final;
  void push(std::size_t count) final;
  [[nodiscard]] std::uint64_t written() const noexcept final { return output_->appended(); }

 private:
  void header(char kind, std::size_t count);
  void line(char kind, std::string_view text);

  Output* output_ = nullptr;
};

}  // namespace stave::resp
