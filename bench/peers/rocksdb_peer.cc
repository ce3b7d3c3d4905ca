#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <array>

#include "peer.h"

namespace bench {
namespace {

rocksdb::Slice slice(std::string_view text) {
  return {text.data(), text.size()};
}

/// Log on, not synced; 1 GiB of block cache (everything fits), Bloom filters, no compression (the values are random).
class RocksDbPeer final : public Peer {
 public:
  [[nodiscard]] std::string_view name() const override { return "rocksdb"; }
  void limit_memory(std::uint64_t bytes) override { cache_ = bytes; }
  void open(const std::string& directory) override {
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = rocksdb::NewLRUCache(cache_);
    table.cache_index_and_filter_blocks = cache_ < 1ull << 30;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    rocksdb::Options options;
    options.create_if_missing = true;
    options.compression = rocksdb::kNoCompression;
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    options.IncreaseParallelism(2);
    rocksdb::DB* opened = nullptr;
    check(rocksdb::DB::Open(options, directory, &opened).ok(), "rocksdb open");
    db_.reset(opened);
  }
  void close() override {
    check(db_->Close().ok(), "rocksdb close");
    db_.reset();
  }
  bool get(std::string_view key, std::string& value) override {
    const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), slice(key), &value);
    check(status.ok() || status.IsNotFound(), "rocksdb get");
    return status.ok();
  }
  void set(std::string_view key, std::string_view value) override {
    check(db_->Put(rocksdb::WriteOptions(), slice(key), slice(value)).ok(), "rocksdb set");
  }
  bool set_durable(std::string_view key, std::string_view value) override {
    rocksdb::WriteOptions options;
    options.sync = true;
    check(db_->Put(options, slice(key), slice(value)).ok(), "rocksdb set");
    return true;
  }
  int multi_get(std::span<const std::string_view> keys) override {
    std::array<rocksdb::Slice, 64> slices;
    std::array<rocksdb::PinnableSlice, 64> values;
    std::array<rocksdb::Status, 64> statuses;
    for (std::size_t i = 0; i < keys.size(); ++i) slices[i] = slice(keys[i]);
    db_->MultiGet(rocksdb::ReadOptions(), db_->DefaultColumnFamily(), keys.size(), slices.data(), values.data(),
                  statuses.data());
    int found = 0;
    for (std::size_t i = 0; i < keys.size(); ++i) found += statuses[i].ok() ? 1 : 0;
    return found;
  }

 private:
  std::uint64_t cache_ = 1ull << 30;
  std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace

std::unique_ptr<Peer> make_rocksdb() {
  return std::make_unique<RocksDbPeer>();
}

}  // namespace bench
