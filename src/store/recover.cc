// From a directory to an index: an image, if there is a good one, and the log behind it; else the log alone.
#include <algorithm>
#include <thread>

#include "base/bytes.h"
#include "base/try.h"
#include "store/compression.h"
#include "store/engine.h"
#include "store/image.h"
#include "store/recovery_progress.h"
#include "store/upkeep.h"

namespace stave::store {

using keyspace::Entry;
using keyspace::Shard;
using keyspace::ShardId;

namespace {

/// What an image knows of the log, key by key.
class Knowledge {
 public:
  explicit Knowledge(const ImageReader& image) : shards_(image.header().shards) {
    first_.assign(std::size_t{image.header().databases} * shards_ + 1, 0);
    for (const ImageBlock& block : image.blocks())
      if (block.shard + 1 < first_.size()) ++first_[block.shard + 1];
    for (std::size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
    blocks_ = image.blocks();
  }
  /// Every record of the key before this is in the image.
  [[nodiscard]] Lsn as_of(int database, std::uint64_t hash) const {
    const std::size_t shard = static_cast<std::size_t>(database) * shards_ + ((hash >> 8) & (shards_ - 1));
    if (shard + 1 >= first_.size()) return kNoLsn;
    const auto blocks = blocks_.subspan(first_[shard], first_[shard + 1] - first_[shard]);
    const auto after = std::ranges::upper_bound(blocks, hash >> 32, {}, &ImageBlock::position);
    return after == blocks.begin() ? kNoLsn : std::prev(after)->as_of;
  }

 private:
  std::size_t shards_;
  std::vector<std::size_t> first_;  ///< By shard: its first block.
  std::span<const ImageBlock> blocks_;
};

bool has_key(const log::RecordView& record) noexcept {
  switch (record.kind) {
    case log::RecordKind::kFlush:
    case log::RecordKind::kSwap:
    case log::RecordKind::kClose:
    case log::RecordKind::kTrim:
    case log::RecordKind::kLost: return false;
    default: return true;
  }
}

}  // namespace

Result<void> Engine::recover() {
  RecoveryProgress progress(*clock_, options_.notice);
  progress_ = &progress;
  auto done = find_and_recover();
  progress_ = nullptr;
  return done;
}

Result<void> Engine::find_and_recover() {
  std::vector<std::unique_ptr<ImageReader>> images;
  Lsn proven = kNoLsn;
  STAVE_ASSIGN(const std::vector<Lsn> names, Checkpoint::list(*file_system_, directory_));
  const auto tell = [&](const std::string& what) {
    if (options_.notice) options_.notice(what);
  };
  for (const Lsn name : names) {
    auto image = ImageReader::open(*file_system_, log::join_path(directory_, image_name(name)));
    if (image) {
      proven = std::max(proven, (*image)->newest());
      images.push_back(std::move(*image));
    } else if (image.error().code() == ErrorCode::kCorrupt) {
      tell("an index image cannot be used: " + image.error().describe());
    } else {
      return fail(std::move(image).error());
    }
  }
  const auto kept = [&] {
    std::vector<ImageHeader> headers;
    for (const auto& image : images) headers.push_back(image->header());
    return headers;
  };
  for (const auto& image : images) {
    auto loaded = load_image(*image);
    if (loaded)
      loaded = open_log({.from = image->header().from, .needs = image->header().needs, .proven = proven}, image.get());
    if (loaded) {
      recovered_keys_ = image->keys();
      upkeep_->adopt(kept(), image->header().needs);
      return {};
    }
    const ErrorCode code = loaded.error().code();
    if (code != ErrorCode::kCorrupt && code != ErrorCode::kNotFound) return loaded;
    tell("the index image at LSN " + std::to_string(raw(image->header().from)) +
         " cannot be used: " + loaded.error().describe());
    forget_everything();
  }
  STAVE_TRY(open_log({.proven = proven}, nullptr));
  const log::LogStats log = log_->stats();
  // Images that could not be used are no reason to keep anything.
  upkeep_->adopt({}, log.first);
  return {};
}

Result<void> Engine::open_log(const log::StartAt& start, const ImageReader* image) {
  std::optional<Knowledge> known;
  if (image != nullptr) known.emplace(*image);
  std::vector<log::RecordView> fresh;
  progress_->begin("the log", log_bytes_from(start.from));
  const auto apply = [&](std::span<const log::RecordView> run) -> Result<void> {
    std::uint64_t bytes = 0;
    for (const log::RecordView& record : run) bytes += record.length;
    progress_->add(bytes, run.size());
    if (!known || run.empty() || run.front().lsn >= image->newest()) return replay(run);
    fresh.clear();
    for (const log::RecordView& record : run)
      if (!has_key(record) || record.lsn >= known->as_of(record.database, keyspace_.hash(record.key)))
        fresh.push_back(record);
    return replay(fresh);
  };
  STAVE_ASSIGN(auto log, log::Log::open(directory_, options_, start, apply, &recovery_));
  if (image != nullptr && !std::ranges::equal(log->store_id(), image->header().store_id))
    return fail(ErrorCode::kCorrupt, "the index image belongs to another store");
  log_ = std::move(log);
  return {};
}

// An estimate, from the files' names and sizes; 0 when that much cannot be told.
std::uint64_t Engine::log_bytes_from(Lsn from) {
  const auto names = file_system_->list(directory_);
  if (!names) return 0;
  Lsn last = kNoLsn;
  Lsn first{kLsnMax};
  std::string last_name;
  for (const std::string& name : *names) {
    const auto base = log::parse_segment_name(name);
    if (!base) continue;
    first = std::min(first, *base);
    if (last_name.empty() || *base > last) {
      last = *base;
      last_name = name;
    }
  }
  if (last_name.empty()) return 0;
  const auto file = file_system_->open(log::join_path(directory_, last_name), OpenMode::kRead);
  const auto size = file ? (*file)->size() : Result<std::uint64_t>(0);
  const std::uint64_t end = raw(last) + (size ? *size : 0);
  const std::uint64_t begin = from != kNoLsn ? raw(from) : raw(first);
  return end - std::min(end, begin);
}

void Engine::forget_everything() STAVE_NO_THREAD_SAFETY_ANALYSIS {
  for (ShardId id = 0; id < keyspace_.shard_count(); ++id) static_cast<void>(keyspace_.shard(id).take_contents());
  earliest_deadline_.store(kNoDeadline, std::memory_order_relaxed);
  ever_spilled_.store(false, std::memory_order_relaxed);
}

// --- the image -------------------------------------------------------------------------------------------------------

Result<void> Engine::load_image(const ImageReader& image) {
  if (image.header().databases > static_cast<std::uint32_t>(options_.databases)) {
    for (const ImageBlock& block : image.blocks())
      if (block.entries != 0 && block.shard / image.header().shards >= static_cast<std::uint32_t>(options_.databases))
        return fail(ErrorCode::kInvalidArgument, "the store holds keys of database " +
                                                     std::to_string(block.shard / image.header().shards) +
                                                     "; open it with more databases");
  }
  keyspace_.set_hash_key(image.header().hash_key);
  ever_spilled_.store(image.keys() != 0, std::memory_order_relaxed);
  if (raw(image.header().created) > last_wall_ms_.load(std::memory_order_relaxed))
    last_wall_ms_.store(raw(image.header().created), std::memory_order_relaxed);
  const std::size_t threads =
      options_.background ? std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, 8) : 1;
  std::uint64_t bytes = 0;
  for (const ImageBlock& block : image.blocks()) bytes += block.bytes;
  progress_->begin("the image of the index", bytes);
  if (threads == 1 || image.keys() < 100'000) return load_blocks(image, 0, 1);
  // Neighbouring blocks are of one shard, so each thread has shards of its own, but for the first and the last.
  std::vector<Result<void>> results(threads);
  std::vector<std::thread> helpers;
  for (std::size_t i = 1; i < threads; ++i)
    helpers.emplace_back([&, i] { results[i] = load_blocks(image, i, threads); });
  results[0] = load_blocks(image, 0, threads);
  for (std::thread& helper : helpers) helper.join();
  for (Result<void>& result : results) STAVE_TRY(std::move(result));
  return {};
}

Result<void> Engine::load_blocks(const ImageReader& image, std::size_t part, std::size_t parts) try {
  std::vector<std::byte> buffer;
  std::vector<ImageEntry> entries;
  const auto blocks = image.blocks();
  const std::size_t end = blocks.size() * (part + 1) / parts;
  for (std::size_t i = blocks.size() * part / parts; i < end; ++i) {
    STAVE_TRY(image.read(blocks[i], buffer, entries));
    const int database = static_cast<int>(blocks[i].shard / image.header().shards);
    for (const ImageEntry& entry : entries) {
      const std::uint64_t hash = keyspace_.hash(entry.key);
      Shard& shard = shard_of(database, hash);
      base::ShortLock lock(shard.mutex());
      if (!shard.load(hash, entry.key,
                      {.type = entry.type,
                       .expiry = entry.expiry,
                       .address = entry.address,
                       .version = entry.version,
                       .spilled = true,
                       .spilled_size = entry.value_size,
                       .delta = entry.delta,
                       .heat = entry.heat}))
        return fail(ErrorCode::kNoMemory, "there is no memory for the index");
      note_deadline(entry.expiry.at);
    }
    progress_->add(blocks[i].bytes, blocks[i].entries);
  }
  return {};
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kNoMemory, "there is no memory for the index");
}

// --- replay ----------------------------------------------------------------------------------------------------------

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
  // What was read is in the log: a data set larger than the budget never has to fit while it is read.
  budget_.settle();
  return {};
}

Result<void> Engine::replay_value(const log::RecordView& record, Shard& shard,
                                  std::uint64_t hash) STAVE_NO_THREAD_SAFETY_ANALYSIS {
  std::string_view value = record.payload;
  std::string scratch;
  if (record.compressed()) {
    STAVE_ASSIGN(value, compression_->unpack(record.payload, scratch));
  }
  STAVE_TRY(shard.put(hash, record.key,
                      {.type = type_of(record.kind),
                       .value = value,
                       .expiry = record.expiry,
                       .address = record.lsn,
                       .version = record.version}));
  note_deadline(record.expiry.at);
  return {};
}

Result<void> Engine::replay_one(const log::RecordView& record, std::uint64_t hash) STAVE_NO_THREAD_SAFETY_ANALYSIS {
  if (raw(record.time) > last_wall_ms_.load(std::memory_order_relaxed))
    last_wall_ms_.store(raw(record.time), std::memory_order_relaxed);
  Shard& shard = shard_of(record.database, hash);
  switch (record.kind) {
    case log::RecordKind::kString:
    case log::RecordKind::kJson: return replay_value(record, shard, hash);
    case log::RecordKind::kDelete:
    case log::RecordKind::kExpire:
    case log::RecordKind::kEvict: shard.erase(hash, record.key); return {};
    case log::RecordKind::kSetExpiry:
    case log::RecordKind::kRefresh: {
      Entry entry = shard.find(hash, record.key);
      // A refresh may be logged for a key that a later-numbered delete of the same instant removed: nothing to do.
      if (!entry) return {};
      STAVE_ASSIGN(entry, shard.set_expiry(hash, entry, record.expiry));
      if (record.kind == log::RecordKind::kSetExpiry) entry.set_changed_expiry(record.lsn);
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
    case log::RecordKind::kTrim:
      if (record.payload.size() == sizeof(std::uint64_t))
        upkeep_->note_boundary(
            Lsn{base::load<std::uint64_t>(reinterpret_cast<const std::byte*>(record.payload.data()))});
      return {};
    case log::RecordKind::kLost:
    case log::RecordKind::kClose: return {};
  }
  return fail(Error(ErrorCode::kUnsupported, "the log holds a kind of record (" +
                                                 std::to_string(static_cast<int>(record.kind)) +
                                                 ") that this version does not know; open it with a newer Stave"));
}

}  // namespace stave::store
