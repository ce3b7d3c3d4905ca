// Bytes of a connection made into requests, by Beast's parser behind stricter checks of the head.
//
// Promises: the same requests and the same refusals however the bytes are cut; a message whose length can be read in
// two ways is refused, never guessed; memory grows with what came, not with what was announced. Must not know: sockets,
// what a request means.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "doors/http/problem.h"
#include "doors/http/request.h"

namespace stave::http {

struct ReaderLimits {
  std::size_t target_bytes_max = 16 * 1024;
  std::size_t head_bytes_max = 32 * 1024;
};

/// What is to be done with the body of a request, as decided when its head was read.
struct BodyPlan {
  bool keep = true;         ///< False: it is read and forgotten.
  bool check_json = false;  ///< It must be one JSON document.
  std::uint64_t bytes_max = 0;
  /// What a large body is gathered in, to become Request::large_body; without it all bodies are strings.
  std::optional<keyspace::BlockWriter> large = std::nullopt;
};

class RequestReader {
 public:
  enum class Status : std::uint8_t {
    kMore,  ///< Everything usable was consumed; more bytes are needed.
    kHead,  ///< The head is there. Say what is to be done with the body, then go on.
    kDone,  ///< The request is whole. `next()` before more is read.
    kBad,   ///< `problem()` tells; nothing more can be read from this connection.
  };

  explicit RequestReader(const ReaderLimits& limits);
  ~RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  /// Reads on. `consumed`: how many of `bytes` are done with; the rest is to be presented again, with more behind it.
  Status read(std::string_view bytes, std::size_t& consumed);
  /// After kHead.
  void plan_body(BodyPlan plan);
  /// After kDone: forget this request and be ready for the next.
  void next();

  [[nodiscard]] Request& request() noexcept { return request_; }
  [[nodiscard]] const Problem& problem() const noexcept { return problem_; }
  /// Whether a request has begun and is not whole.
  [[nodiscard]] bool in_body() const noexcept { return stage_ == Stage::kBody; }
  /// Bytes that are held for the body.
  [[nodiscard]] std::uint64_t held_bytes() const noexcept {
    return request_.body.capacity() + (plan_.large ? plan_.large->size() : 0);
  }
  /// Bytes of the body so far.
  [[nodiscard]] std::uint64_t body_bytes() const noexcept { return body_bytes_; }

 private:
  enum class Stage : std::uint8_t { kHead, kBody, kDone, kBad };
  struct Parser;
  friend struct Parser;

  Status read_head(std::string_view bytes, std::size_t& consumed);
  Status read_body(std::string_view bytes, std::size_t& consumed);
  Status refuse(int status, std::string_view code, std::string detail);
  /// The checks that need the head's own bytes. False: refused.
  bool head_is_plain(std::string_view head);
  bool head_is_sound();
  bool take_field(std::string_view name, std::string_view value);
  bool take_body(std::string_view piece);
  bool keep_body(std::string_view piece);
  Status finish();

  ReaderLimits limits_;
  Stage stage_ = Stage::kHead;
  std::size_t searched_ = 0;  ///< Of the head being awaited, how much holds no end.
  Request request_;
  BodyPlan plan_;
  bool is_large_ = false;  ///< The body goes where `plan_.large` is.
  std::uint64_t body_bytes_ = 0;
  int lengths_seen_ = 0;
  std::unique_ptr<Parser> parser_;
  Problem problem_;
};

}  // namespace stave::http
