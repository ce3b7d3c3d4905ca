// What the HTTP door is told when it starts: the options table's rows as values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace stave::http {

enum class AccessLog : std::uint8_t { kOff, kText, kJson };

struct Config {
  std::vector<std::string> addresses = {"127.0.0.1"};
  int port = 8080;  ///< 0: any free one.
  std::size_t threads = 1;
  std::size_t url_bytes_max = 16 * 1024;
  std::size_t head_bytes_max = 32 * 1024;
  std::uint64_t body_bytes_max = 512ull << 20;     ///< Of a value.
  std::uint64_t json_bytes_max = 16ull << 20;      ///< Of a document that is taken apart.
  std::uint64_t memory_bytes_max = 2048ull << 20;  ///< Of all bodies being received.
  std::uint64_t answer_bytes_max = 256ull << 20;   ///< Of an answer that is put together of what several keys hold.
  std::int64_t connections_max = 10'000;
  std::int64_t head_timeout_ms = 10'000;
  std::int64_t body_timeout_ms = 30'000;
  std::int64_t idle_timeout_ms = 300'000;
  std::int64_t stop_timeout_ms = 10'000;  ///< How long requests in flight may take once the door is told to stop.
  std::vector<std::string> cors_origins;  ///< Empty: no page of another origin may read or write; "*": any may.
  /// Only requests to a loopback name are answered. For a store without a password: a page whose name was made to
  /// resolve to this machine would otherwise be of the "same origin".
  bool loopback_hosts_only = false;
  AccessLog access_log = AccessLog::kOff;
  std::string tls_certificate;  ///< PEM files; both empty: no TLS.
  std::string tls_key;
  std::string tls_key_password;
  std::string version;
};

}  // namespace stave::http
