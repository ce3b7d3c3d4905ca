// Any command of the table, in process: `session->execute({"SET", "a", "1"})`.
//
// A session is what a connection is to the server: a selected database, a name, a protocol version. It belongs to one
// thread at a time; make as many as you like.
#pragma once

#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>

#include "stave/options.h"
#include "stave/reply.h"

namespace stave {

class Session {
 public:
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Runs one command and returns its answer once it is as durable as the session's `sync` asks. Errors are replies.
  Reply execute(std::span<const std::string_view> arguments);
  Reply execute(std::initializer_list<std::string_view> arguments) {
    return execute(std::span(arguments.begin(), arguments.size()));
  }
  /// Durability of this session's later writes.
  void set_sync(Sync sync);
  /// The database that SELECT chose.
  [[nodiscard]] int database() const noexcept;
  /// True after QUIT.
  [[nodiscard]] bool closed() const noexcept;

 private:
  friend class Store;
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace stave
