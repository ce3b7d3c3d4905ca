// Threads that read values from the log for those who must not wait for the disk: doors with an event loop.
//
// Promises: `done` is called once for every request, also when nothing could be read (whoever reads afterwards meets
// the error); the threads start with the first request and are joined by `stop`. Must not know: who asks.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "base/workers.h"
#include "store/value.h"

namespace stave::store {

class Budget;
class Residence;

class Fetcher {
 public:
  Fetcher(keyspace::Keyspace& keyspace, Residence& residence, Budget& budget)
      : keyspace_(keyspace), residence_(residence), budget_(budget) {}

  /// As Engine::fetch. After `stop`, and when there is no thread to be had, the caller does the reading.
  void fetch(std::span<const KeyRef> keys, std::function<void()> done);
  /// As Engine::aside.
  void run(std::function<void()> work) { workers_.run(std::move(work)); }
  /// Finishes what was asked for and joins the threads.
  void stop() { workers_.stop(); }

 private:
  struct Key {
    int database;
    std::string key;
  };
  /// A disk answers several reads at once, and each thread has but one.
  static constexpr std::size_t kThreads = 4;

  void bring(const Key& key);

  keyspace::Keyspace& keyspace_;
  Residence& residence_;
  Budget& budget_;
  base::Workers workers_{"stave-fetch", kThreads};
};

}  // namespace stave::store
