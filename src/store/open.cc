// Opening and closing: the directory lock, replay of the log into the index, the background thread.
#include <algorithm>
#include <bit>
#include <thread>

#include "base/random.h"
#include "base/thread.h"
#include "base/try.h"
#include "store/engine.h"

namespace stave::store {

namespace {

constexpr std::size_t kShardsMax = 4096;

std::size_t default_shards() {
  // Enough that two threads seldom meet; more shards cost partly filled memory chunks.
  const std::size_t wanted = std::size_t{32} * std::max(1u, std::thread::hardware_concurrency());
  return std::clamp<std::size_t>(std::bit_ceil(wanted), 64, 1024);
}

Result<void> check_options(const Options& o) {
  const auto bad = [](const char* sentence) { return fail(ErrorCode::kInvalidArgument, sentence); };
  if (o.sync == Sync::kDefault) return bad("sync must be always, interval or os");
  if (o.sync_interval_ms < 1 || o.sync_interval_ms > 3'600'000) return bad("sync_interval_ms must be 1 to 3600000");
  if (o.segment_bytes < (64u << 10) || o.segment_bytes > (4ull << 30))
    return bad("segment_bytes must be 64 KiB to 4 GiB");
  if (o.segment_age_ms < 0) return bad("segment_age_ms must not be negative; 0 turns it off");
  if (!std::has_single_bit(o.log_buffer_bytes) || o.log_buffer_bytes < (64u << 10) || o.log_buffer_bytes > (1u << 30))
    return bad("log_buffer_bytes must be a power of two, 64 KiB to 1 GiB");
  if (o.databases < 1 || o.databases > 256) return bad("databases must be 1 to 256");
  if (o.shards != 0 && (!std::has_single_bit(o.shards) || o.shards > kShardsMax))
    return bad("shards must be a power of two up to 4096, or 0");
  if (o.key_bytes_max < 1 || o.key_bytes_max > (8u << 20)) return bad("key_bytes_max must be 1 B to 8 MiB");
  if (o.value_bytes_max < 1 || o.value_bytes_max > (2u << 30)) return bad("value_bytes_max must be 1 B to 2 GiB");
  return {};
}

base::HashKey secret_key() {
  base::HashKey key;
  base::system_entropy(std::as_writable_bytes(std::span(&key, 1)));
  return key;
}

}  // namespace

Engine::Engine(const Options& options, std::string directory)
    : options_(options),
      directory_(std::move(directory)),
      file_system_(options.file_system != nullptr ? options.file_system : &FileSystem::system()),
      clock_(options.clock != nullptr ? options.clock : &Clock::system()),
      keyspace_(options.databases, options.shards != 0 ? options.shards : default_shards(), secret_key()),
      sync_(options.sync) {
  options_.file_system = file_system_;
  options_.clock = clock_;
}

Result<std::unique_ptr<Engine>> Engine::open(const std::string& directory, const Options& options) {
  STAVE_TRY(check_options(options));
  std::unique_ptr<Engine> engine(new Engine(options, directory));
  STAVE_TRY(engine->start());
  return engine;
}

Result<void> Engine::start() {
  STAVE_ASSIGN(const bool exists, file_system_->exists(directory_));
  if (!exists) {
    if (!options_.create_if_missing)
      return fail(Error(ErrorCode::kNotFound, "the store's directory does not exist").with_file(directory_));
    STAVE_TRY(file_system_->create_directories(directory_));
  }
  STAVE_ASSIGN(lock_, file_system_->lock(directory_ + "/LOCK"));
  const std::uint64_t begun = clock_->monotonic_ns();
  STAVE_ASSIGN(log_, log::Log::open(
                         directory_, options_, [this](std::span<const log::RecordView> run) { return replay(run); },
                         &recovery_));
  recovery_ns_ = clock_->monotonic_ns() - begun;
  opened_ = now();
  if (options_.background) thread_ = std::thread([this] { housekeeping(); });
  return {};
}

Engine::~Engine() {
  static_cast<void>(close());
}

Result<void> Engine::close() {
  if (closed_) return {};
  closed_ = true;
  if (thread_.joinable()) {
    {
      base::MutexLock lock(housekeeping_mutex_);
      stopping_ = true;
    }
    housekeeping_wake_.notify_all();
    thread_.join();
  }
  Result<void> result;
  if (log_) result = log_->close(now());
  lock_.reset();
  return result;
}

// --- replay ------------------------------------------------------------------------------------------

// One thread, before anybody else has the engine: the shards' locks guard nothing yet.
Result<void> Engine::replay(std::span<const log::RecordView> run) STAVE_NO_THREAD_SAFETY_ANALYSIS {
  // Three passes over a window, so that the cache misses of its keys overlap instead of adding up.
  constexpr std::size_t kWindow = 32;
  std::uint64_t hashes[kWindow];
  for (std::size_t begin = 0; begin < run.size(); begin += kWindow) {
    const auto window = run.subspan(begin, std::min(kWindow, run.size() - begin));
    for (std::size_t i = 0; i < window.size(); ++i) {
      if (window[i].database >= options_.databases)
        return fail(
            ErrorCode::kInvalidArgument,
            "the store holds keys of database " + std::to_string(window[i].database) + "; open it with more databases");
      hashes[i] = keyspace_.hash(window[i].key);
      shard_of(window[i].database, hashes[i]).prefetch_bucket(hashes[i]);
    }
    for (std::size_t i = 0; i < window.size(); ++i) shard_of(window[i].database, hashes[i]).prefetch_entry(hashes[i]);
    for (std::size_t i = 0; i < window.size(); ++i) STAVE_TRY(replay_one(window[i], hashes[i]));
  }
  return {};
}

Result<void> Engine::replay_one(const log::RecordView& record, std::uint64_t hash) STAVE_NO_THREAD_SAFETY_ANALYSIS {
  if (raw(record.time) > last_wall_ms_.load(std::memory_order_relaxed))
    last_wall_ms_.store(raw(record.time), std::memory_order_relaxed);
  keyspace::Shard& shard = shard_of(record.database, hash);
  switch (record.kind) {
    case log::RecordKind::kString:
    case log::RecordKind::kJson: {
      STAVE_TRY(shard.put(
          hash, record.key,
          {.type = record.kind == log::RecordKind::kJson ? ValueType::kJson : ValueType::kString, .value = record.payload, .expiry = record.expiry, .address = record.lsn}));
      note_deadline(record.expiry.at);
      return {};
    }
    case log::RecordKind::kDelete:
    case log::RecordKind::kExpire:
    case log::RecordKind::kEvict: shard.erase(hash, record.key); return {};
    case log::RecordKind::kSetExpiry:
    case log::RecordKind::kRefresh: {
      keyspace::Entry entry = shard.find(hash, record.key);
      // A refresh may be logged for a key that a later-numbered delete of the same instant removed: nothing to do.
      if (!entry) return {};
      STAVE_ASSIGN(entry, shard.set_expiry(hash, entry, record.expiry));
      if (record.kind == log::RecordKind::kSetExpiry) entry.set_address(record.lsn);
      note_deadline(record.expiry.at);
      return {};
    }
    case log::RecordKind::kFlush:
      for (const auto id : shards_of(record.database, record.database))
        static_cast<void>(keyspace_.shard(id).take_contents());
      return {};
    case log::RecordKind::kSwap: {
      const int other = record.payload.empty() ? -1 : static_cast<unsigned char>(record.payload[0]);
      if (other < 0 || other >= options_.databases)
        return fail(ErrorCode::kCorrupt, "a swap record names no database of this store");
      const auto first = shards_of(record.database, record.database);
      const auto second = shards_of(other, other);
      for (std::size_t i = 0; i < first.size(); ++i)
        keyspace_.shard(first[i]).swap_contents(keyspace_.shard(second[i]));
      return {};
    }
    case log::RecordKind::kClose:
    case log::RecordKind::kTrim: return {};
  }
  return fail(Error(ErrorCode::kUnsupported, "the log holds a kind of record (" +
                                                 std::to_string(static_cast<int>(record.kind)) +
                                                 ") that this version does not know; open it with a newer Stave"));
}

}  // namespace stave::store
