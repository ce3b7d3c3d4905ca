// A connection as a stream for replication: a thread of its own sends and receives on it, and waits.
//
// And how a follower makes one: connects, authenticates, asks to follow. Must not know: what is sent.
#pragma once

#include <memory>
#include <string>

#include "doors/resp/wire.h"
#include "replication/group.h"
#include "replication/link.h"

namespace stave::resp {

class WireLink final : public replication::Link {
 public:
  WireLink(std::unique_ptr<Wire> wire, std::string peer);
  ~WireLink() override;
  Result<void> send(std::span<const std::byte> bytes) override;
  Result<std::size_t> receive(std::span<std::byte> into, std::int64_t wait_ms) override;
  void nudge() noexcept override;
  void shut() noexcept override;
  [[nodiscard]] std::string peer() const override { return peer_; }

 private:
  std::unique_ptr<Wire> wire_;
  std::string peer_;
  int nudge_;  ///< An eventfd; -1: there was no descriptor for it.
};

struct DialConfig {
  std::string user;      ///< Empty: `default`.
  std::string password;  ///< Empty: no AUTH.
  tls::Context tls = {};  ///< Null: no TLS.
};
/// Connects to a leader's Redis port, "host:port", and has it stream its log. Blocks for some seconds at most. Errors:
/// kNotFound (no such host), kIo, kBusy (no answer in time), kPermission (it lets nobody in who says that), kConflict
/// (it does not let itself be followed).
Result<std::unique_ptr<replication::Link>> dial_leader(const std::string& leader, const DialConfig& config);
/// Connects to a Redis, authenticates, and says nothing else. Blocks and errors likewise.
Result<std::unique_ptr<replication::Link>> dial_redis(const std::string& master, const DialConfig& config);
/// Finds out who answers there. Blocks likewise. Errors: those of the network; kPermission, kBusy.
Result<replication::Peer> identify_leader(const std::string& leader, const DialConfig& config);

}  // namespace stave::resp
