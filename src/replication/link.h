// A stream of bytes between two machines of a group: what this room sees of a socket.
//
// Must not know: addresses, TLS, who authenticated whom; whoever makes one has seen to that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "stave/error.h"

namespace stave::replication {

/// One thread sends and receives; `shut` may be called by any.
class Link {
 public:
  Link() = default;
  virtual ~Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// Sends all of it. Errors: kIo (the peer is gone), kBusy (it takes nothing for too long).
  virtual Result<void> send(std::span<const std::byte> bytes) = 0;
  /// What has come, up to the room there is, waiting for it for `wait_ms` at most; 0 bytes: nothing came. Errors: kIo
  /// (the peer is gone).
  virtual Result<std::size_t> receive(std::span<std::byte> into, std::int64_t wait_ms) = 0;
  /// A `receive` that waits, or the next one that would, returns soon. Any thread.
  virtual void nudge() noexcept = 0;
  /// Whoever sends or receives fails from now on.
  virtual void shut() noexcept = 0;
  /// "host:port" of the other end, for people.
  [[nodiscard]] virtual std::string peer() const = 0;
};

/// Connects to a leader, "host:port", and brings the connection so far that frames may be sent. Errors: those of the
/// network; kPermission (the leader lets nobody in who says that).
using Dial = std::function<Result<std::unique_ptr<Link>>(const std::string& leader)>;

}  // namespace stave::replication
