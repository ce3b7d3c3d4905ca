// From a directory to an index: an image, if there is a good one, and the log behind it; else the log alone.
#include <algorithm>
#include <new>
#include <thread>

#include "base/try.h"
#include "base/workers.h"
#include "store/engine.h"
#include "store/image.h"
#include "store/pages.h"
#include "store/recovery_progress.h"
#include "store/replay.h"
#include "store/upkeep.h"

namespace stave::store {

using keyspace::Shard;
using keyspace::ShardId;

namespace {

/// A shorter stretch of the log is read before several threads would be at work, and its values with it.
constexpr std::uint64_t kParallelBytes = 4u << 20;
/// Likewise an image of fewer keys.
constexpr std::uint64_t kParallelKeys = 100'000;
constexpr std::size_t kThreadsMax = 8;

std::size_t processors() {
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kThreadsMax);
}

struct Range {
  Lsn begin = kNoLsn;
  Lsn end = kNoLsn;
  [[nodiscard]] std::uint64_t bytes() const noexcept { return end - begin; }
};

/// What the log holds from `from` on (kNoLsn: all of it), by the names and sizes of its files; empty when that cannot
/// be told. An estimate: files are larger than what was written.
Range log_from(FileSystem& files, const std::string& directory, Lsn from) {
  const auto segments = log::list_segments(files, directory);
  if (!segments || segments->empty()) return {};
  std::string path;
  const auto file = log::open_segment(files, directory, segments->back().base, path);
  const auto size = file ? (*file)->size() : Result<std::uint64_t>(0);
  const Lsn end = segments->back().base + (size ? *size : 0);
  return {.begin = std::min(from != kNoLsn ? from : segments->front().base, end), .end = end};
}

}  // namespace

Result<void> Engine::recover() {
  RecoveryProgress progress(*clock_, options_.notice);
  progress_ = &progress;
  auto done = find_and_recover();
  progress_ = nullptr;
  return done;
}

namespace {

/// An image holds nothing that the log does not: what cannot be read of it is done without. But want of memory or
/// descriptors would meet the log too, and what only a later version understands may be more than the image.
bool done_without(ErrorCode code) noexcept {
  return code == ErrorCode::kCorrupt || code == ErrorCode::kNotFound || code == ErrorCode::kIo ||
         code == ErrorCode::kPermission;
}

}  // namespace

Result<void> Engine::find_and_recover() {
  std::vector<std::unique_ptr<ImageReader>> images;
  ImageShelf::Found found;
  Lsn proven = kNoLsn;
  STAVE_ASSIGN(const std::vector<Lsn> names, ImageShelf::list(*file_system_, directory_));
  const auto tell = [&](const std::string& what) {
    if (options_.notice) options_.notice(what);
  };
  // A store whose identity cannot be read is refused by the log, which says why.
  const auto identity = log::load_identity(*file_system_, directory_);
  for (const Lsn name : names) {
    const std::string path = log::join_path(directory_, image_name(name));
    auto image = ImageReader::open(*file_system_, path);
    if (image) {
      if (identity && (*image)->header().store_id != identity->store_id) {
        tell("an index image belongs to another store and is left alone: " + path);
        continue;
      }
      if ((*image)->header().from != name) {
        tell("an index image is not the one that its name says, and cannot be used: " + path);
        found.rotten.push_back(name);
        continue;
      }
      proven = std::max(proven, (*image)->newest());
      images.push_back(std::move(*image));
    } else if (done_without(image.error().code())) {
      tell("an index image cannot be used: " + image.error().describe());
      // What somebody may not read, he does not remove either.
      if (image.error().code() != ErrorCode::kPermission) found.rotten.push_back(name);
    } else {
      return fail(std::move(image).error());
    }
  }
  for (const auto& image : images) {
    const Lsn from = image->header().from;
    auto loaded = load_image(*image);
    // Of the image alone; what goes wrong with the log behind it is another matter.
    bool fall_back = !loaded && done_without(loaded.error().code());
    if (loaded) {
      loaded = open_log({.from = from, .needs = image->header().needs, .proven = proven}, image.get());
      fall_back =
          !loaded && (loaded.error().code() == ErrorCode::kCorrupt || loaded.error().code() == ErrorCode::kNotFound);
    }
    if (loaded) {
      recovered_keys_ = image->keys();
      // This one was read whole; whether those before it are still good nobody knows.
      for (const auto& kept : images)
        if (kept->header().from <= from)
          found.kept.push_back(
              {.from = kept->header().from, .created = kept->header().created, .known_good = kept == image});
      upkeep_->adopt(std::move(found), image->header().needs);
      return {};
    }
    if (!fall_back) return loaded;
    tell("the index image at LSN " + std::to_string(raw(from)) + " cannot be used: " + loaded.error().describe());
    found.rotten.push_back(from);
    forget_everything();
  }
  STAVE_TRY(open_log({.proven = proven}, nullptr));
  const log::LogStats log = log_->stats();
  // Images that could not be used are no reason to keep anything.
  upkeep_->adopt(std::move(found), log.first);
  return {};
}

Result<void> Engine::open_log(log::StartAt start, const ImageReader* image) try {
  start.begins = terms_.state().begins;
  if (following_) start.birth = following_->birth;
  const Range range = log_from(*file_system_, directory_, start.from);
  progress_->begin("the log", range.bytes());
  const bool parallel = options_.background && range.bytes() >= kParallelBytes;
  Replay replay(*this, {.image = image,
                        .progress = progress_,
                        .begin = range.begin,
                        .end = range.end,
                        .threads = parallel ? processors() : 0});
  STAVE_ASSIGN(auto log, log::Log::open(
                             directory_, options_, start,
                             [&](std::span<const log::RecordView> run) { return replay.add(run); }, &recovery_));
  STAVE_TRY(replay.finish());
  values_to_warm_ = parallel || (image != nullptr && image->keys() != 0);
  log_ = std::move(log);
  // At once: whatever fails from here on closes the log, and a copy's close must leave no record.
  log_->follow(follows() || !terms_.whole(log_->tail()));
  world_.attach(*log_);
  deadlines_.attach(*log_);
  residence_.attach(*log_);
  budget_.attach(*log_);
  return {};
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kNoMemory, "there is no memory for the index");
}

void Engine::forget_everything() STAVE_NO_THREAD_SAFETY_ANALYSIS {
  for (ShardId id = 0; id < keyspace_.shard_count(); ++id) static_cast<void>(keyspace_.shard(id).take_contents());
  residence_.forget();
}

// --- the image -------------------------------------------------------------------------------------------------------

Result<void> Engine::load_image(const ImageReader& image) try {
  if (image.leaves() != 0)
    return fail(ErrorCode::kUnsupported,
                "the index image holds pieces of collections, which this version does not know; open the store with a "
                "newer Stave");
  for (const ImageBlock& block : image.blocks())
    if (const auto number = static_cast<int>(block.shard / image.header().shards);
        block.entries != 0 && database_of(keyspace_, number) >= keyspace_.databases())
      return fail(ErrorCode::kInvalidArgument,
                  "the store holds keys of database " + std::to_string(number) + "; open it with more databases");
  keyspace_.set_hash_key(image.header().hash_key);
  if (image.keys() != 0) residence_.note_spilled();
  time_.saw(image.header().created);
  std::uint64_t bytes = 0;
  for (const ImageBlock& block : image.blocks()) bytes += block.bytes;
  progress_->begin("the image of the index", bytes);
  make_room_for(image);
  const std::size_t threads = options_.background && image.keys() >= kParallelKeys ? processors() : 1;
  // Neighbouring blocks are of one shard, so each thread has shards of its own, but for the first and the last.
  std::vector<Result<void>> results(threads);
  base::Workers helpers("stave-load", threads - 1);
  for (std::size_t i = 1; i < threads; ++i) helpers.run([&, i] { results[i] = load_blocks(image, i, threads); });
  results[0] = load_blocks(image, 0, threads);
  helpers.stop();
  for (Result<void>& result : results) STAVE_TRY(std::move(result));
  return {};
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kNoMemory, "there is no memory for the index");
}

// Keys spread evenly over the shards of a database, whatever number of them the image was made with.
void Engine::make_room_for(const ImageReader& image) STAVE_NO_THREAD_SAFETY_ANALYSIS {
  std::vector<std::uint64_t> keys(static_cast<std::size_t>(keyspace_.databases()));
  for (const ImageBlock& block : image.blocks())
    if (const int database = database_of(keyspace_, static_cast<int>(block.shard / image.header().shards));
        database < keyspace_.databases())
      keys[static_cast<std::size_t>(database)] += block.entries;
  const std::size_t shards = keyspace_.shards_per_database();
  for (ShardId id = 0; id < keyspace_.shard_count(); ++id) keyspace_.shard(id).reserve(keys[id / shards] / shards);
}

Result<void> Engine::load_blocks(const ImageReader& image, std::size_t part, std::size_t parts) try {
  std::vector<std::byte> buffer;
  std::vector<ImageEntry> entries;
  const auto blocks = image.blocks();
  const std::size_t end = blocks.size() * (part + 1) / parts;
  for (std::size_t i = blocks.size() * part / parts; i < end; ++i) {
    STAVE_TRY(image.read(blocks[i], buffer, entries));
    const int database = database_of(keyspace_, static_cast<int>(blocks[i].shard / image.header().shards));
    if (database >= keyspace_.databases()) continue;  // empty, or `load_image` had refused it
    const auto number = static_cast<int>(blocks[i].shard / image.header().shards);
    for (const ImageEntry& entry : entries) {
      // Version 0.1 noted where a change of expiry is, not where the value is.
      if (entry.delta ? entry.address >= entry.version : entry.version > entry.address)
        return fail(ErrorCode::kCorrupt, "the image of the index tells of a change of expiry as version 0.1 did");
      if (entry.patches != 0 && !entry.delta)
        return fail(ErrorCode::kCorrupt, "the image of the index contradicts itself about a change of a value");
      STAVE_TRY(check_place(number, entry.type, entry.key));
      const std::uint64_t hash = keyspace_.hash(entry.key);
      Shard& shard = keyspace_.shard_of(database, hash, entry.key);
      if (entry.type == keyspace::ValueType::kPage) saw_identity(PageKey::identity_of(entry.key));
      residence_.note_type(entry.type);
      base::ShortLock lock(shard.mutex());
      if (!shard.load(hash, entry.key,
                      {.type = entry.type,
                       .expiry = entry.expiry,
                       .address = entry.address,
                       .version = entry.version,
                       .spilled = true,
                       .spilled_size = entry.value_size,
                       .delta = entry.delta,
                       .patches = entry.patches,
                       .heat = entry.heat}))
        return fail(ErrorCode::kNoMemory, "there is no memory for the index");
    }
    progress_->add(blocks[i].bytes, blocks[i].entries);
  }
  return {};
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kNoMemory, "there is no memory for the index");
}

}  // namespace stave::store
