#include "store/fetcher.h"

#include <system_error>

#include "base/thread.h"
#include "store/engine.h"

namespace stave::store {

void Fetcher::fetch(std::span<const KeyRef> keys, std::function<void()> done) {
  Request request;
  for (const KeyRef& key : keys) request.keys.push_back({key.database, std::string(key.key)});
  request.done = std::move(done);
  {
    base::MutexLock lock(mutex_);
    if (!stopping_ && (idle_ > queue_.size() || start_thread() || !threads_.empty())) {
      queue_.push_back(std::move(request));
      wake_.notify_one();
      return;
    }
  }
  serve(request);
}

bool Fetcher::start_thread() {
  if (threads_.size() >= kThreads) return false;
  try {
    threads_.emplace_back([this] { run(); });
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

void Fetcher::stop() {
  std::vector<std::thread> threads;
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

void Fetcher::run() {
  base::enter_thread("stave-fetch");
  for (;;) {
    Request request;
    {
      base::MutexLock lock(mutex_);
      ++idle_;
      while (queue_.empty() && !stopping_) wake_.wait(mutex_);
      --idle_;
      if (queue_.empty()) return;
      request = std::move(queue_.front());
      queue_.pop_front();
    }
    serve(request);
  }
}

void Fetcher::serve(const Request& request) {
  for (const Key& key : request.keys) bring(key);
  engine_.budget().settle();
  request.done();
}

// Whatever fails here is met again, and told, by the one who reads.
void Fetcher::bring(const Key& key) {
  const std::uint64_t hash = engine_.keyspace_.hash(key.key);
  keyspace::Shard& shard = engine_.shard_of(key.database, hash);
  Engine::Loaded loaded;
  for (;;) {
    Lsn wanted = kNoLsn;
    {
      base::ShortLock lock(shard.mutex());
      keyspace::Entry entry = shard.find(hash, key.key);
      if (!entry || entry.resident()) return;
      if (entry.address() == loaded.address) {
        if (loaded.value.size() != entry.value_size()) return;
        entry = shard.fill(hash, entry, loaded.value);
        // So that the hand of the budget passes by once before the reader comes.
        if (entry) entry.touch();
        return;
      }
      wanted = entry.address();
      if (wanted == loaded.address) return;
    }
    if (!engine_.load_value(wanted, loaded.value)) {
      base::ShortLock lock(shard.mutex());
      const keyspace::Entry entry = shard.find(hash, key.key);
      if (!entry || entry.resident() || entry.address() == wanted) return;
      continue;
    }
    loaded.address = wanted;
    engine_.fetched_values_.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace stave::store
