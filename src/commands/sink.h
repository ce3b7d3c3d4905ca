// Where a handler writes its answer. The RESP door encodes it, the library builds a `Reply`, HTTP makes JSON.
//
// A handler writes exactly one value; aggregates announce their size first and are followed by their elements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace stave::commands {

class Sink {
 public:
  virtual ~Sink() = default;
  virtual void status(std::string_view text) = 0;
  /// `text` carries its code word ("ERR …", "WRONGTYPE …"); CR and LF in it are the sink's to neutralise.
  virtual void error(std::string_view text) = 0;
  virtual void integer(std::int64_t value) = 0;
  virtual void bulk(std::string_view bytes) = 0;
  virtual void null() = 0;
  /// Null where RESP2 expects an array.
  virtual void null_array() = 0;
  virtual void array(std::size_t count) = 0;
  /// `pairs` keys and values alternate; a flat array in RESP2.
  virtual void map(std::size_t pairs) = 0;
  virtual void set(std::size_t count) = 0;
  virtual void real(double value) = 0;
  virtual void boolean(bool value) = 0;
  virtual void big_number(std::string_view digits) = 0;
  virtual void verbatim(std::string_view format, std::string_view text) = 0;
  virtual void push(std::size_t count) = 0;
  /// 2 or 3: for the few answers whose shape, not only encoding, differs.
  [[nodiscard]] virtual int protocol() const noexcept = 0;
};

}  // namespace stave::commands
