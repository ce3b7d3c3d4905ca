// Values of Lua made of a command's answer, and an answer made of a value of Lua, as Redis does it.
//
// Promises: nothing nests deeper than Lua's stack allows; what does is an error in its place. Both may raise errors of
// Lua (no memory), so they belong into a protected call.
#pragma once

#include <boost/container/small_vector.hpp>

#include "commands/script/lua.h"
#include "commands/sink.h"

namespace stave::commands::script {

/// Pushes what is written to it: one value.
class LuaSink final : public Sink {
 public:
  /// `protocol`: 2 or 3, which the script has chosen.
  LuaSink(lua_State* lua, int protocol) noexcept : lua_(lua), protocol_(protocol) {}

  void status(std::string_view text) override { push_named("ok", text); }
  void error(std::string_view text) override;
  void integer(std::int64_t value) override;
  void bulk(std::string_view bytes) override;
  void shared_bulk(const SharedBytes& bytes) override { bulk(bytes.view()); }
  void null() override;
  void null_array() override { null(); }
  void array(std::size_t count) override { open(Kind::kArray, nullptr, count); }
  void map(std::size_t pairs) override;
  void set(std::size_t count) override;
  void real(double value) override;
  void boolean(bool value) override;
  void big_number(std::string_view digits) override;
  void verbatim(std::string_view format, std::string_view text) override;
  void push(std::size_t count) override { array(count); }
  [[nodiscard]] int protocol() const noexcept override { return protocol_; }

 private:
  enum class Kind : std::uint8_t { kArray, kMap, kSet };
  struct Open {
    Kind kind;
    std::size_t missing;
    int index = 0;
    bool has_key = false;
  };
  void reserve();
  void push_named(const char* name, std::string_view text);
  void open(Kind kind, const char* name, std::size_t count);
  void close();
  void pushed();

  lua_State* lua_;
  int protocol_;
  boost::container::small_vector<Open, 8> open_;
};

/// Writes the value on top of the stack, and pops it. `protocol`: the script's.
void write_value(lua_State* lua, int protocol, Sink& sink);

}  // namespace stave::commands::script
