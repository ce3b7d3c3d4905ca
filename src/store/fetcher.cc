#include "store/fetcher.h"

#include <vector>

#include "store/budget.h"
#include "store/residence.h"

namespace stave::store {

void Fetcher::fetch(std::span<const KeyRef> keys, std::function<void()> done) {
  std::vector<Key> wanted;
  for (const KeyRef& key : keys) wanted.push_back({key.database, std::string(key.key)});
  workers_.run([this, wanted = std::move(wanted), done = std::move(done)] {
    for (const Key& key : wanted) bring(key);
    budget_.settle();
    done();
  });
}

// Whatever fails here is met again, and told, by the one who reads.
void Fetcher::bring(const Key& key) {
  const std::uint64_t hash = keyspace_.hash(key.key);
  keyspace::Shard& shard = keyspace_.shard_of(key.database, hash);
  Loaded loaded;
  for (;;) {
    Lsn wanted = kNoLsn;
    {
      base::ShortLock lock(shard.mutex());
      keyspace::Entry entry = shard.find(hash, key.key);
      if (!entry || entry.resident()) return;
      if (entry.address() == loaded.address) {
        const LoadedValue& value = loaded.value;
        if (value.view().size() != entry.value_size()) return;
        entry = shard.fill(hash, entry, value.view(), value.block ? &value.block : nullptr);
        // So that the hand of the budget passes by once before the reader comes.
        if (entry) entry.touch();
        return;
      }
      wanted = entry.address();
      if (wanted == loaded.address) return;
    }
    if (!residence_.load(wanted, loaded.value)) {
      base::ShortLock lock(shard.mutex());
      const keyspace::Entry entry = shard.find(hash, key.key);
      if (!entry || entry.resident() || entry.address() == wanted) return;
      continue;
    }
    loaded.address = wanted;
    residence_.count_fetched();
  }
}

}  // namespace stave::store
