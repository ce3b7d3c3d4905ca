// Threads that read values from the log for those who must not wait for the disk: doors with an event loop.
//
// Promises: `done` is called once for every request, also when nothing could be read (whoever reads afterwards meets
// the error); the threads start with the first request and are joined by `stop`. Must not know: who asks.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace stave::store {

class Engine;
struct KeyRef;

class Fetcher {
 public:
  explicit Fetcher(Engine& engine) : engine_(engine) {}
  ~Fetcher() { stop(); }
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;

  /// As Engine::fetch. After `stop`, and when there is no thread to be had, the caller does the reading.
  void fetch(std::span<const KeyRef> keys, std::function<void()> done) STAVE_EXCLUDES(mutex_);
  /// Finishes what was asked for and joins the threads.
  void stop() STAVE_EXCLUDES(mutex_);

 private:
  struct Key {
    int database;
    std::string key;
  };
  struct Request {
    std::vector<Key> keys;
    std::function<void()> done;
  };
  /// A disk answers several reads at once, and each thread has but one.
  static constexpr std::size_t kThreads = 4;

  void run() STAVE_EXCLUDES(mutex_);
  void serve(const Request& request);
  void bring(const Key& key);
  bool start_thread() STAVE_REQUIRES(mutex_);

  Engine& engine_;
  base::Mutex mutex_;
  base::ConditionVariable wake_;
  std::deque<Request> queue_ STAVE_GUARDED_BY(mutex_);
  std::size_t idle_ STAVE_GUARDED_BY(mutex_) = 0;
  bool stopping_ STAVE_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_ STAVE_GUARDED_BY(mutex_);
};

}  // namespace stave::store
