// Where a handler writes its answer. The RESP door encodes it, the library builds a `Reply`, HTTP makes JSON.
//
// A handler writes exactly one value; aggregates announce their size first and are followed by their elements. A sink
// may have had enough (a client that does not read, no memory): then it drops what comes, and the door, not the
// handler, deals with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "keyspace/block.h"

namespace stave::commands {

/// A large value, or a part of it, that is sent from where it lies in memory. It is the value that was found, to its
/// end, whatever happens to the key meanwhile.
struct SharedBytes {
  keyspace::Block block;
  std::size_t at = 0;
  std::size_t size = 0;
  [[nodiscard]] std::string_view view() const noexcept { return block.view().substr(at, size); }
};

class Sink {
 public:
  virtual ~Sink() = default;
  virtual void status(std::string_view text) = 0;
  /// `text` carries its code word ("ERR …", "WRONGTYPE …"); CR and LF in it are the sink's to neutralise.
  virtual void error(std::string_view text) = 0;
  virtual void integer(std::int64_t value) = 0;
  virtual void bulk(std::string_view bytes) = 0;
  /// The same of a large value, in constant time: may be called under a shard's lock, where `bulk` of many bytes may
  /// not.
  virtual void shared_bulk(const SharedBytes& bytes) = 0;
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
  /// How many bytes were written so far, by sinks whose bytes a network sees; else 0. What a call adds is its answer's.
  [[nodiscard]] virtual std::uint64_t written() const noexcept { return 0; }
  /// 2 or 3: for the few answers whose shape, not only encoding, differs.
  [[nodiscard]] virtual int protocol() const noexcept = 0;
};

}  // namespace stave::commands
