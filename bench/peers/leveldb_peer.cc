#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <leveldb/filter_policy.h>

#include "peer.h"

namespace bench {
namespace {

leveldb::Slice slice(std::string_view text) {
  return {text.data(), text.size()};
}

/// Log on, not synced; 1 GiB of block cache, Bloom filters, no compression, a write buffer as large as RocksDB's.
class LevelDbPeer final : public Peer {
 public:
  [[nodiscard]] std::string_view name() const override { return "leveldb"; }
  void open(const std::string& directory) override {
    cache_.reset(leveldb::NewLRUCache(1ull << 30));
    filter_.reset(leveldb::NewBloomFilterPolicy(10));
    leveldb::Options options;
    options.create_if_missing = true;
    options.compression = leveldb::kNoCompression;
    options.block_cache = cache_.get();
    options.filter_policy = filter_.get();
    options.write_buffer_size = 64u << 20;
    leveldb::DB* opened = nullptr;
    check(leveldb::DB::Open(options, directory, &opened).ok(), "leveldb open");
    db_.reset(opened);
  }
  void close() override { db_.reset(); }
  bool get(std::string_view key, std::string& value) override {
    const leveldb::Status status = db_->Get(leveldb::ReadOptions(), slice(key), &value);
    check(status.ok() || status.IsNotFound(), "leveldb get");
    return status.ok();
  }
  void set(std::string_view key, std::string_view value) override {
    check(db_->Put(leveldb::WriteOptions(), slice(key), slice(value)).ok(), "leveldb set");
  }
  bool set_durable(std::string_view key, std::string_view value) override {
    leveldb::WriteOptions options;
    options.sync = true;
    check(db_->Put(options, slice(key), slice(value)).ok(), "leveldb set");
    return true;
  }

 private:
  std::unique_ptr<leveldb::Cache> cache_;
  std::unique_ptr<const leveldb::FilterPolicy> filter_;
  std::unique_ptr<leveldb::DB> db_;
};

}  // namespace

std::unique_ptr<Peer> make_leveldb() {
  return std::make_unique<LevelDbPeer>();
}

}  // namespace bench
