#include "store/fetcher.h"

#include <memory>
#include <new>
#include <vector>

#include "store/budget.h"
#include "store/residence.h"

namespace stave::store {

void Fetcher::fetch(std::span<const KeyRef> keys, std::function<void()> done) {
  struct Job {
    std::vector<Key> wanted;
    std::function<void()> done;
  };
  std::function<void()> run;
  try {
    auto job = std::make_shared<Job>();
    job->wanted.reserve(keys.size());
    for (const KeyRef& key : keys) job->wanted.push_back({key.database, std::string(key.key)});
    run = [this, job] {
      for (const Key& key : job->wanted) {
        bring(key);
        budget_.settle();  // each pays for itself, as a write does
      }
      job->done();
    };
    job->done = std::move(done);
  } catch (const std::bad_alloc&) {
    // Nothing is brought; whoever reads afterwards reads it themselves.
    return done();
  }
  workers_.run(std::move(run));
}

// Whatever fails here is met again, and told, by the one who reads.
void Fetcher::bring(const Key& key) {
  const std::uint64_t hash = keyspace_.hash(key.key);
  keyspace::Shard& shard = keyspace_.shard_of(key.database, hash, key.key);
  Loaded loaded;
  for (;;) {
    Lsn wanted = kNoLsn;
    {
      base::ShortLock lock(shard.mutex());
      keyspace::Entry entry = shard.find(hash, key.key);
      if (!entry || entry.resident()) return;
      if (entry.value_record() == loaded.address) {
        const LoadedValue& value = loaded.value;
        if (value.view().size() != entry.value_size()) return;
        entry = shard.fill(hash, entry, value.view(), value.block ? &value.block : nullptr);
        // So that the hand of the budget passes by once before the reader comes.
        if (entry) entry.touch();
        return;
      }
      wanted = entry.value_record();
      if (wanted == loaded.address) return;
    }
    if (!residence_.load(wanted, key.key, loaded.value)) {
      base::ShortLock lock(shard.mutex());
      const keyspace::Entry entry = shard.find(hash, key.key);
      if (!entry || entry.resident() || entry.value_record() == wanted) return;
      continue;
    }
    loaded.address = wanted;
    residence_.count_fetched();
  }
}

}  // namespace stave::store
