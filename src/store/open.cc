// Opening and closing: the directory lock, the parts of the engine and their threads.
#include <algorithm>
#include <bit>
#include <system_error>
#include <thread>

#include "base/no_memory.h"
#include "base/random.h"
#include "base/thread.h"
#include "base/try.h"
#include "packing/compression.h"
#include "store/engine.h"
#include "store/fetcher.h"
#include "store/upkeep.h"

namespace stave::store {

namespace {

constexpr std::size_t kShardsMax = 4096;

/// Of a limit on memory each shard has so much at least, or the chunks that it fills in part are most of it.
constexpr std::uint64_t kLimitPerShard = 2u << 20;
constexpr std::size_t kShardsMin = 4;

std::size_t default_shards(std::uint64_t max_memory) {
  // Enough that two threads seldom meet; more shards cost partly filled memory chunks.
  const std::size_t wanted = std::size_t{32} * std::max(1u, std::thread::hardware_concurrency());
  const std::size_t shards = std::clamp<std::size_t>(std::bit_ceil(wanted), 64, 1024);
  if (max_memory == 0) return shards;
  const std::uint64_t fitting = std::bit_floor(std::max<std::uint64_t>(max_memory / kLimitPerShard, kShardsMin));
  return static_cast<std::size_t>(std::min<std::uint64_t>(shards, fitting));
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
  if (o.databases < 1 || o.databases > kPagesNumber) return bad("databases must be 1 to 255");
  if (o.shards != 0 && (!std::has_single_bit(o.shards) || o.shards > kShardsMax))
    return bad("shards must be a power of two up to 4096, or 0");
  if (o.packing_level < 1 || o.packing_level > 19) return bad("packing_level must be 1 to 19");
  if (o.max_space_amplification != 0 && !(o.max_space_amplification >= 1.1 && o.max_space_amplification <= 100))
    return bad("max_space_amplification must be 1.1 to 100, or 0");
  if (o.checkpoint_interval_ms < 0 || o.history_ms < 0) return bad("an interval must not be negative; 0 turns it off");
  if (o.key_bytes_max < 1 || o.key_bytes_max > kKeyBytesLimit) return bad("key_bytes_max must be 1 B to 8 MiB");
  if (o.value_bytes_max < 1 || o.value_bytes_max > kValueBytesLimit) return bad("value_bytes_max must be 1 B to 2 GiB");
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
      claim_(*file_system_, directory_),
      keyspace_(options.databases + 1, options.shards != 0 ? options.shards : default_shards(options.max_memory_bytes),
                secret_key()),
      terms_(*file_system_, directory_),
      sync_(options.sync),
      time_(*clock_),
      world_(keyspace_, time_, [this](World::Contents contents) { bury(std::move(contents)); }),
      deadlines_(keyspace_, time_, orphans_, change_watch_),
      budget_(keyspace_, graveyard_, orphans_, deadlines_, residence_, *clock_, options_),
      compression_(std::make_unique<packing::Compression>(*file_system_, directory_)),
      residence_(keyspace_, budget_, *compression_),
      fetcher_(std::make_unique<Fetcher>(keyspace_, residence_, budget_)) {
  options_.file_system = file_system_;
  options_.clock = clock_;
}

Result<std::unique_ptr<Engine>> Engine::open(const std::string& directory, const Options& options) {
  return open_as(directory, options, nullptr);
}

Result<std::unique_ptr<Engine>> Engine::open(const std::string& directory, const Options& options,
                                             const Following& following) {
  return open_as(directory, options, &following);
}

Result<std::unique_ptr<Engine>> Engine::open_as(const std::string& directory, const Options& options,
                                                const Following* following) try {
  STAVE_TRY(check_options(options));
  std::unique_ptr<Engine> engine(new Engine(options, directory));
  if (following != nullptr) {
    engine->following_ = *following;
    engine->set_follows(true);
  }
  STAVE_TRY(engine->start());
  return engine;
} catch (const std::bad_alloc&) {
  return base::no_memory();
} catch (const std::system_error&) {
  return fail(ErrorCode::kNoMemory, "there is no thread to be had");
}

Result<std::unique_ptr<Engine>> Engine::open(const std::string& directory, const Options& options, Mirroring) try {
  STAVE_TRY(check_options(options));
  std::unique_ptr<Engine> engine(new Engine(options, directory));
  engine->set_mirrors(true);
  STAVE_TRY(engine->start());
  return engine;
} catch (const std::bad_alloc&) {
  return base::no_memory();
} catch (const std::system_error&) {
  return fail(ErrorCode::kNoMemory, "there is no thread to be had");
}

Result<void> Engine::start() {
  STAVE_ASSIGN(const bool exists, file_system_->exists(directory_));
  if (!exists) {
    if (!options_.create_if_missing)
      return fail(Error(ErrorCode::kNotFound, "the store's directory does not exist").with_file(directory_));
    STAVE_TRY(file_system_->create_directories(directory_));
  }
  {
    base::MutexLock lock(claim_mutex_);
    STAVE_TRY(claim_.take());
  }
  STAVE_TRY(terms_.load());
  // What it was told to be it is, whoever opens it.
  if (terms_.state().follows) set_follows(true);
  STAVE_TRY(compression_->open());
  compression_->set({.codec = static_cast<packing::Codec>(options_.packing), .level = options_.packing_level});
  upkeep_ = std::make_unique<Upkeep>(*this);
  budget_.set(options_.max_memory_bytes, options_.memory_policy);
  budget_.measure_process();
  const std::uint64_t begun = clock_->monotonic_ns();
  STAVE_TRY(recover());
  // What was orphaned before, and not removed.
  if (keyspace_.size(pages_database(keyspace_)) != 0) orphans_.note();
  {
    base::MutexLock lock(claim_mutex_);
    STAVE_TRY(claim_.settle());
  }
  recovery_ns_ = clock_->monotonic_ns() - begun;
  time_.begin();
  tell_news_of_time();
  opened_ = now();
  STAVE_TRY(take_part());
  upkeep_->change_feed().begin(log_->durable());
  if (!options_.background) return {};
  thread_ = base::start_thread([this] { housekeeping(); });
  upkeep_->start(values_to_warm_);
  return {};
}

// What a store is in its group, once its log is known.
Result<void> Engine::take_part() {
  const Lsn end = log_->tail();
  terms_.settle(end);
  if (!following_ && !terms_.whole(end))
    return fail(Error(ErrorCode::kConflict,
                      "this directory holds half a copy of another store (docs/replication.md); "
                      "let it follow its leader until it is whole, or remove it")
                    .with_file(directory_));
  if (follows()) return {};
  // Who may have lost the end of the log must not write another one in the same term.
  return terms_.must_begin(recovery_.clean) ? terms_.begin(*log_, now()) : Result<void>{};
}

void Engine::set_follows(bool yes) noexcept {
  follows_.store(yes, std::memory_order_relaxed);
  set_decides();
}

void Engine::set_mirrors(bool yes) noexcept {
  mirrors_.store(yes, std::memory_order_relaxed);
  set_decides();
}

// Whether keys expire, and are evicted, is decided here or elsewhere.
void Engine::set_decides() noexcept {
  const bool elsewhere = follows() || mirrors();
  deadlines_.set_follows(elsewhere);
  budget_.set_follows(elsewhere);
}

Result<void> Engine::lead() {
  if (!follows()) return {};
  if (!terms_.whole(log_->tail()))
    return fail(ErrorCode::kConflict, "this is half a copy of a store: it cannot lead before it has all of it");
  log_->follow(false);
  if (auto begun = terms_.begin(*log_, now()); !begun) {
    log_->follow(true);
    return begun;
  }
  set_follows(false);
  // What the leader had not come to.
  orphans_.note();
  return {};
}

Engine::~Engine() {
  static_cast<void>(close());
}

Result<void> Engine::close() try {
  if (closed_) return {};
  closed_ = true;
  if (upkeep_) upkeep_->stop();
  fetcher_->stop();
  large_writers_.stop();
  if (thread_.joinable()) {
    {
      base::MutexLock lock(housekeeping_mutex_);
      stopping_ = true;
    }
    housekeeping_wake_.notify_all();
    thread_.join();
  }
  Result<void> result;
  try {
    if (log_ && log_->health()) upkeep_->close();
  } catch (const std::bad_alloc&) {
    // Without an image the next open reads the log, and finds the same.
  }
  if (log_) result = log_->close(now());
  base::MutexLock lock(claim_mutex_);
  claim_.release();
  return result;
} catch (const std::bad_alloc&) {
  return base::no_memory();
}

}  // namespace stave::store
