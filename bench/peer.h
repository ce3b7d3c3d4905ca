// A store under measurement: the few calls that all of them have.
//
// Peers print and throw nothing; a failure ends the benchmark (`check`), for a figure of a failing store means nothing.
// Must not know: what is measured.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace bench {

inline void check(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "benchmark: %s failed\n", what);
  std::exit(2);
}

class Peer {
 public:
  virtual ~Peer() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  /// Bytes of memory it may use for data and indexes; before `open`.
  virtual void limit_memory(std::uint64_t) {}
  /// Opens or creates its files below `directory`.
  virtual void open(const std::string& directory) = 0;
  virtual void close() = 0;
  virtual bool get(std::string_view key, std::string& value) = 0;
  /// Handed to the operating system at most (or not even written: a map).
  virtual void set(std::string_view key, std::string_view value) = 0;
  /// On disk when it returns. False: the peer has no such thing.
  virtual bool set_durable(std::string_view, std::string_view) { return false; }
  /// Looks all keys up at once; returns how many were there. -1: the peer has no such thing.
  virtual int multi_get(std::span<const std::string_view>) { return -1; }
};

std::unique_ptr<Peer> make_stave();
std::unique_ptr<Peer> make_guarded_map();
std::unique_ptr<Peer> make_rocksdb();
std::unique_ptr<Peer> make_leveldb();
std::unique_ptr<Peer> make_lmdb();

}  // namespace bench
