#include <lmdb.h>

#include "peer.h"

namespace bench {
namespace {

MDB_val view(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};
}

/// One transaction per write, MDB_NOSYNC. Each thread keeps a read transaction and renews it per lookup, as LMDB
/// advises.
class LmdbPeer final : public Peer {
 public:
  [[nodiscard]] std::string_view name() const override { return "lmdb"; }
  void open(const std::string& directory) override {
    check(mdb_env_create(&environment_) == 0, "lmdb create");
    check(mdb_env_set_mapsize(environment_, 16ull << 30) == 0, "lmdb map size");
    check(mdb_env_open(environment_, directory.c_str(), MDB_NOSYNC, 0600) == 0, "lmdb open");
    MDB_txn* transaction = nullptr;
    check(mdb_txn_begin(environment_, nullptr, 0, &transaction) == 0, "lmdb begin");
    check(mdb_dbi_open(transaction, nullptr, 0, &database_) == 0, "lmdb database");
    check(mdb_txn_commit(transaction) == 0, "lmdb commit");
  }
  void close() override {
    reader_.end();
    mdb_env_close(environment_);
  }
  bool get(std::string_view key, std::string& value) override {
    MDB_txn* transaction = reader_.begin(environment_);
    MDB_val wanted = view(key);
    MDB_val found;
    const int code = mdb_get(transaction, database_, &wanted, &found);
    check(code == 0 || code == MDB_NOTFOUND, "lmdb get");
    if (code == 0) value.assign(static_cast<const char*>(found.mv_data), found.mv_size);
    mdb_txn_reset(transaction);
    return code == 0;
  }
  void set(std::string_view key, std::string_view value) override {
    MDB_txn* transaction = nullptr;
    check(mdb_txn_begin(environment_, nullptr, 0, &transaction) == 0, "lmdb begin");
    MDB_val wanted = view(key);
    MDB_val bytes = view(value);
    check(mdb_put(transaction, database_, &wanted, &bytes, 0) == 0, "lmdb put");
    check(mdb_txn_commit(transaction) == 0, "lmdb commit");
  }

 private:
  struct Reader {
    MDB_txn* transaction = nullptr;
    ~Reader() { end(); }
    MDB_txn* begin(MDB_env* environment) {
      if (transaction == nullptr) {
        check(mdb_txn_begin(environment, nullptr, MDB_RDONLY, &transaction) == 0, "lmdb begin");
      } else {
        check(mdb_txn_renew(transaction) == 0, "lmdb renew");
      }
      return transaction;
    }
    void end() {
      if (transaction != nullptr) mdb_txn_abort(transaction);
      transaction = nullptr;
    }
  };
  static thread_local Reader reader_;
  MDB_env* environment_ = nullptr;
  MDB_dbi database_ = 0;
};

thread_local LmdbPeer::Reader LmdbPeer::reader_;

}  // namespace

std::unique_ptr<Peer> make_lmdb() {
  return std::make_unique<LmdbPeer>();
}

}  // namespace bench
