// An answer before it is bytes: what a handler returns, and what of it must wait for the disk. Must not know: sockets.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "commands/sink.h"
#include "doors/http/draft.h"
#include "doors/http/problem.h"
#include "store/engine.h"

namespace stave::commands {
struct Message;
class Post;
}  // namespace stave::commands

namespace stave::http {

inline constexpr std::string_view kJsonType = "application/json";
inline constexpr std::string_view kBytesType = "application/octet-stream";
inline constexpr std::string_view kProblemType = "application/problem+json";
inline constexpr std::string_view kLinesType = "application/x-ndjson";
inline constexpr std::string_view kEventsType = "text/event-stream";
inline constexpr std::string_view kTextType = "text/plain; charset=utf-8";
inline constexpr std::string_view kHtmlType = "text/html; charset=utf-8";
inline constexpr std::string_view kProtobufType = "application/x-protobuf";

class Work;
class Stream;

/// Starts what an answer needs first, and has `done` called, on whatever thread, once it is there.
using Prelude = std::function<void(std::function<void()> done)>;

struct Response {
  int status = 200;
  std::string_view type;  ///< Static storage; empty: no content.
  std::string headers;    ///< More header lines, each with its CRLF.
  std::string body;
  std::string_view page;                        ///< Instead of `body`: static storage, or what outlives the server.
  std::optional<commands::SharedBytes> shared;  ///< Instead of `body`.
  std::optional<std::uint64_t> length;          ///< Instead of all content: how much a GET would have got.
  std::unique_ptr<Work> work;                   ///< The answer is not known yet: step until it is.
  std::unique_ptr<Stream> stream;               ///< Instead of all content: it goes on and on. See `Stream`.
  Prelude first;                                ///< No answer yet: run this, and when it is done ask, or step, again.
  store::Pending pending;                       ///< Leaves when this is fulfilled.
  bool close = false;                           ///< The connection ends with it.
  /// What compressing would gain is for the server to decide; a stored value's tag is part of `headers` already and
  /// says so here.
  Lsn version = kNoLsn;

  [[nodiscard]] std::string_view content() const noexcept {
    if (shared) return shared->view();
    return page.empty() ? std::string_view(body) : page;
  }
  [[nodiscard]] std::uint64_t content_length() const noexcept { return length ? *length : content().size(); }
  void add_header(std::string_view name, std::string_view value) {
    headers.append(name).append(": ").append(value).append("\r\n");
  }
};

/// Long work, cut into steps so that the thread's other connections are not kept waiting.
class Work {
 public:
  virtual ~Work() = default;
  /// Does one bounded step, and never waits for the disk. False: there is more to do, once `response.first` is done if
  /// that is set; true: `response` is the answer. `response` comes empty.
  virtual bool step(Response& response) = 0;
};

/// An answer that goes on for as long as the client takes it. It is asked for more when what it gave has nearly gone,
/// so a slow reader holds up nobody and takes no more memory than any.
class Stream {
 public:
  enum class Next : std::uint8_t {
    kMore,  ///< There is more at once.
    kWait,  ///< There is more once `first` is done.
    kEnd,
  };
  virtual ~Stream() = default;
  /// Before the first step. `post`: where messages to its session come in; null: there is none. False: it cannot go on.
  virtual bool begin(commands::Post* /*post*/) { return true; }
  /// Appends what there is, which is bounded, and never waits.
  virtual Next step(std::string& into, Prelude& first) = 0;
  /// Appends a message that its session hears; `pattern`: by which; null: by its channel.
  virtual void hear(std::string& /*into*/, const commands::Message& /*message*/, const std::string* /*pattern*/) {}
};

Response answer_problem(Problem problem);
Response answer_error(const Error& error);
Response answer_json(int status, std::string body);
Response answer_text(int status, std::string body);
/// No answer yet: the values of `keys` are in the log only, and the thread must not wait for the disk.
Response answer_after_fetch(store::Engine& engine, std::span<const store::KeyRef> keys);
/// The same for work that is to be done by a thread that may wait. `work` must refer to nothing that ends with the
/// request.
Prelude done_aside(store::Engine& engine, std::function<void()> work);
/// The work of writing a draft, whose answer is `finish`'s.
std::unique_ptr<Work> write_draft(Draft draft, store::Pending pending, Response (*finish)(Draft& draft));
/// Why a draft was refused. `done`: what was asked for has happened all the same, and the answer says so.
Problem problem_of(const Draft& draft, std::uint64_t bytes_max, bool done);
/// The answer to work that need not leave the thread is known at once.
Response begin_work(std::unique_ptr<Work> work);

}  // namespace stave::http
