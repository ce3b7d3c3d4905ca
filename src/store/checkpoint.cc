#include "store/checkpoint.h"

#include <algorithm>

#include "base/assert.h"
#include "base/breaks.h"
#include "base/interleave.h"
#include "base/try.h"
#include "store/engine.h"

namespace stave::store {

using base::interleave::yield_point;
using keyspace::Entry;
using keyspace::Shard;
using keyspace::ShardId;

namespace {
constexpr std::size_t kBlockEntries = 128;  // under one lock
constexpr std::size_t kKept = 2;
constexpr int kAttempts = 3;
}  // namespace

Checkpoint::Checkpoint(Engine& engine) : engine_(engine), shelf_(engine.file_system(), engine.directory()) {}

void Checkpoint::adopt(ImageShelf::Found found) {
  shelf_.adopt(std::move(found));
  const ImageShelf::Image newest = shelf_.newest();
  if (newest.from == kNoLsn) return;
  base::MutexLock lock(mutex_);
  stats_.last = newest.from;
  stats_.last_time = newest.created;
}

CheckpointStats Checkpoint::stats() const {
  base::MutexLock lock(mutex_);
  CheckpointStats stats = stats_;
  stats.keys_done = keys_done_.load(std::memory_order_relaxed);
  return stats;
}

Result<void> Checkpoint::write(Lsn needs, const std::atomic<bool>& stop) try {
  {
    base::MutexLock lock(mutex_);
    stats_.running = true;
  }
  const std::uint64_t begun = engine_.clock().monotonic_ns();
  Result<void> result = fail(ErrorCode::kBusy, "whole databases kept changing places; the older images are still good");
  const auto room = check_room();
  if (!room) result = fail(room.error().clone());
  for (int attempt = 0; room && attempt < kAttempts; ++attempt) {
    auto written = try_write(needs, stop);
    if (!written) {
      result = fail(std::move(written).error());
      remove_drafts();
      break;
    }
    if (*written) {
      result = {};
      break;
    }
  }
  base::MutexLock lock(mutex_);
  stats_.running = false;
  stats_.last_ns = engine_.clock().monotonic_ns() - begun;
  ++(result ? stats_.written : stats_.failed);
  return result;
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kNoMemory, "there is no memory to write an image of the index");
}

ImageHeader Checkpoint::header(Lsn needs) const {
  ImageHeader header{.from = engine_.log().tail(),
                     .needs = needs,
                     .created = engine_.now(),
                     .hash_key = engine_.keyspace().hash_key(),
                     .databases = kPagesNumber + 1,
                     .shards = static_cast<std::uint32_t>(engine_.keyspace().shards_per_database())};
  std::ranges::copy(engine_.log().store_id(), header.store_id.begin());
  return header;
}

// False: a database was flushed or swapped meanwhile, so that the parts do not belong together.
//
// The order is what makes it right. The world is looked at before the log's end: of a change between the two, the log
// behind the image tells nothing, and no block knows it not. And a change is counted before its shards are let go: a
// block that knows one finds it counted at the end.
Result<bool> Checkpoint::try_write(Lsn needs, const std::atomic<bool>& stop) {
  STAVE_TRY(engine_.still_ours());
  const std::uint64_t world = engine_.world().changes();
  yield_point("checkpoint: the world known, not yet the log's end");
  const ImageHeader header = this->header(needs);
  STAVE_ASSERT(header.needs <= header.from);
  keys_done_.store(0, std::memory_order_relaxed);
  FileSystem& files = engine_.file_system();
  const std::string path = log::join_path(engine_.directory(), image_name(header.from));
  const std::string draft = path + ".new";
  STAVE_ASSIGN(auto file, log::create_afresh(files, draft));
  STAVE_ASSIGN(const auto writer, ImageWriter::begin(std::move(file), header));
  Result<void> walked = walk(*writer, stop);
  yield_point("checkpoint: all blocks taken");
  if (walked && engine_.world().changes() == world) {
    STAVE_TRY(writer->finish());
    // An image must never know more than the log can show after a crash.
    STAVE_TRY(engine_.log().wait_durable(writer->newest()));
    STAVE_ASSERT(writer->newest() <= engine_.log().durable());
    yield_point("checkpoint: image about to get its name");
    STAVE_TRY(engine_.still_ours());
    STAVE_TRY(files.rename(draft, path));
    STAVE_TRY(files.sync_directory(engine_.directory()));
    shelf_.add({.from = header.from, .created = header.created, .known_good = false});
    {
      base::MutexLock lock(mutex_);
      stats_.last = header.from;
      stats_.last_time = header.created;
      stats_.last_bytes = writer->bytes();
    }
    STAVE_TRY(trim(kKept, stop));
    return true;
  }
  // A draft is worthless, and removed at the next open if not now.
  static_cast<void>(files.remove(draft));
  STAVE_TRY(std::move(walked));
  return false;
}

// What an image takes is gone for good until the next one, so it must not come out of what writers or the cleaner need.
Result<void> Checkpoint::check_room() const {
  const std::uint64_t reserve = engine_.options().disk_reserve_bytes;
  if (reserve == 0) return {};
  const auto free = engine_.file_system().free_bytes(engine_.directory());
  // A file system that cannot tell is asked by writing to it.
  if (!free || *free >= reserve + stats().last_bytes) return {};
  return fail(Error(ErrorCode::kNoSpace, "there is no room for an image of the index beside the reserve (" +
                                             std::to_string(*free) + " bytes are free)")
                  .with_file(engine_.directory()));
}

// Half an image is room that somebody needs.
void Checkpoint::remove_drafts() {
  if (!engine_.still_ours()) return;
  FileSystem& files = engine_.file_system();
  const auto names = files.list(engine_.directory());
  if (!names) return;
  for (const std::string& name : *names)
    if (name.ends_with(".image.new")) static_cast<void>(files.remove(log::join_path(engine_.directory(), name)));
}

Result<void> Checkpoint::walk(ImageWriter& writer, const std::atomic<bool>& stop) {
  base::Breaks breaks(engine_.options().background);
  for (ShardId id = 0; id < engine_.keyspace().shard_count(); ++id) {
    Shard& shard = engine_.keyspace().shard(id);
    const auto per = static_cast<ShardId>(engine_.keyspace().shards_per_database());
    const ShardId shown = number_of(engine_.keyspace(), static_cast<int>(id / per)) * per + id % per;
    for (std::uint64_t position = 0; position < Shard::kScanEnd;) {
      if (stop.load(std::memory_order_relaxed)) return fail(ErrorCode::kAborted, "the store is closing");
      breaks.step();
      yield_point("checkpoint: next block");
      {
        base::ShortLock lock(shard.mutex());
        const Lsn as_of = engine_.log().tail();
        writer.begin_block(shown, static_cast<std::uint32_t>(position), as_of);
        position = shard.scan(position, kBlockEntries, [&](Entry entry) {
          STAVE_ASSERT(entry.address() < as_of && entry.version() < as_of && entry.consistent());
          writer.add({.type = entry.type(),
                      .heat = entry.heat(),
                      .delta = entry.delta(),
                      .patches = entry.patches(),
                      .value_size = entry.value_size(),
                      .expiry = entry.expiry(),
                      .address = entry.address(),
                      .version = entry.version(),
                      .key = entry.key()});
        });
      }
      STAVE_TRY(writer.end_block());
    }
    keys_done_.store(writer.keys(), std::memory_order_relaxed);
  }
  return {};
}

// An image that was just written is read back before an older one goes for it.
Result<void> Checkpoint::trim(std::size_t keep, const std::atomic<bool>& stop) {
  FileSystem& files = engine_.file_system();
  base::Breaks breaks(engine_.options().background);
  const auto verify = [&](const std::string& path) -> Result<void> {
    STAVE_ASSIGN(const auto image, ImageReader::open(files, path));
    return image->verify([&]() -> Result<void> {
      if (stop.load(std::memory_order_relaxed)) return fail(ErrorCode::kAborted, "the store is closing");
      breaks.step();
      return {};
    });
  };
  return shelf_.trim(keep, verify, engine_.options().notice);
}

Result<void> Checkpoint::keep_newest_only(const std::atomic<bool>& stop) {
  STAVE_TRY(trim(1, stop));
  return engine_.file_system().sync_directory(engine_.directory());
}

}  // namespace stave::store
