#include "store/upkeep.h"

#include <algorithm>

#include "base/random.h"
#include "base/thread.h"
#include "base/try.h"
#include "store/cleaner.h"
#include "store/warm_up.h"

namespace stave::store {

namespace {
constexpr std::int64_t kLookEveryMs = 50;
/// After a failure: a full disk or a broken one is not asked all the time.
constexpr std::uint64_t kRetryNs = 5'000'000'000;
/// A log shorter than this is read in no time; it needs no image.
constexpr std::uint64_t kShortLog = 256u << 10;
/// Where cleaning begins and ends, as parts of the ceiling. The rest is for what is written meanwhile.
constexpr double kBeginAt = 0.8;
constexpr double kEndAt = 0.7;
}  // namespace

Upkeep::Upkeep(Engine& engine)
    : max_space_amplification(engine.options().max_space_amplification),
      clean_bytes_per_second(engine.options().clean_bytes_per_second),
      checkpoint_bytes(engine.options().checkpoint_bytes),
      checkpoint_interval_ms(engine.options().checkpoint_interval_ms),
      history_ms(engine.options().history_ms),
      history_bytes(engine.options().history_bytes),
      engine_(engine),
      checkpoint_(engine) {}

void Upkeep::adopt(ImageShelf::Found images, Lsn boundary) {
  checkpoint_.adopt(std::move(images));
  note_boundary(boundary);
}

void Upkeep::note_boundary(Lsn boundary) noexcept {
  if (raw(boundary) > boundary_.load(std::memory_order_relaxed))
    boundary_.store(raw(boundary), std::memory_order_relaxed);
}

// --- the thread ------------------------------------------------------------------------------------------------------

void Upkeep::start(bool warm) {
  warming_.store(warm, std::memory_order_relaxed);
  thread_ = std::thread([this] { run(); });
}

void Upkeep::stop() {
  {
    base::MutexLock lock(wake_mutex_);
    stop_.store(true, std::memory_order_relaxed);
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Upkeep::wait_a_while() {
  base::MutexLock lock(wake_mutex_);
  if (!stop_.load(std::memory_order_relaxed) && !asked_) wake_.wait_for_ms(wake_mutex_, kLookEveryMs);
}

void Upkeep::run() {
  base::enter_thread("stave-upkeep", base::Priority::kBackground);
  if (warming_.load(std::memory_order_relaxed)) {
    // What cannot be read ahead is met by whoever asks for it.
    static_cast<void>(WarmUp(engine_).run(stop_));
    warming_.store(false, std::memory_order_relaxed);
  }
  while (!stop_.load(std::memory_order_relaxed)) {
    tick();
    bool asked = false;
    {
      base::MutexLock lock(wake_mutex_);
      asked = std::exchange(asked_, false);
    }
    if (asked) static_cast<void>(clean());
    wait_a_while();
  }
}

void Upkeep::tick() {
  const std::uint64_t now = engine_.clock().monotonic_ns();
  base::MutexLock lock(work_mutex_);
  // A log that takes nothing more is nothing to work on, and the directory may not be this store's any more.
  if (now < failed_until_ns_ || !engine_.log().health()) return;
  estimate_stored_ratio();
  Result<void> done;
  if (over(kBeginAt)) {
    done = clean_until_enough();
  } else if (raw(engine_.log().stats().first) < boundary_.load(std::memory_order_relaxed)) {
    done = drop();  // what a snapshot or its age kept until now
  }
  if (done && checkpoint_due()) done = write_checkpoint();
  if (done) engine_.train_compression();
  if (!done) failed_until_ns_ = now + kRetryNs;
}

bool Upkeep::ask_to_clean() {
  if (cleaning_.load(std::memory_order_relaxed)) return false;
  {
    base::MutexLock lock(wake_mutex_);
    asked_ = true;
  }
  wake_.notify_all();
  return true;
}

/// Waits as long as the pace demands.
void Upkeep::pause(std::uint64_t bytes) {
  const std::uint64_t rate = clean_bytes_per_second.load(std::memory_order_relaxed);
  if (rate == 0 || !thread_.joinable()) return;
  const auto ms = static_cast<std::int64_t>(std::min<std::uint64_t>(bytes * 1000 / rate, 1000));
  if (ms == 0) return;
  base::MutexLock lock(wake_mutex_);
  if (!stop_.load(std::memory_order_relaxed)) wake_.wait_for_ms(wake_mutex_, ms);
}

// --- checkpoints -----------------------------------------------------------------------------------------------------

/// Bytes of log that a restart would have to read.
std::uint64_t Upkeep::log_behind_image() const {
  const std::uint64_t tail = raw(engine_.log().tail());
  return tail - std::min(tail, raw(checkpoint_.newest_from()));
}

bool Upkeep::checkpoint_due() {
  const std::uint64_t since = log_behind_image();
  const std::uint64_t bytes = checkpoint_bytes.load(std::memory_order_relaxed);
  if (bytes != 0 && since >= bytes) return true;
  const std::int64_t age = checkpoint_interval_ms.load(std::memory_order_relaxed);
  if (age == 0 || since < kShortLog) return false;
  const UnixMs last = std::max(checkpoint_.stats().last_time, engine_.opened());
  return engine_.now() - last >= age;
}

Result<void> Upkeep::write_checkpoint() {
  return checkpoint_.write(Lsn{boundary_.load(std::memory_order_relaxed)}, stop_);
}

Result<void> Upkeep::checkpoint() {
  base::MutexLock lock(work_mutex_);
  return write_checkpoint();
}

void Upkeep::close() {
  base::MutexLock lock(work_mutex_);
  stop_.store(false, std::memory_order_relaxed);  // nobody else is left to stop it
  if (log_behind_image() < kShortLog) return;
  // Without an image the next open reads the log, and finds the same.
  static_cast<void>(write_checkpoint());
}

// --- cleaning --------------------------------------------------------------------------------------------------------

// Values lie packed in the log, and how well is not noted anywhere: so some of them, drawn at random, are looked at,
// each time the log has grown by half a segment.
void Upkeep::estimate_stored_ratio() {
  constexpr std::uint64_t kDraws = 256;
  const std::uint64_t tail = raw(engine_.log().tail());
  if (tail - std::min(tail, tail_at_estimate_) < engine_.options().segment_bytes / 2) return;
  tail_at_estimate_ = tail;
  const std::size_t shards = engine_.keyspace().shard_count();
  double data = 0;
  double stored = 0;
  std::vector<std::byte> buffer;
  for (std::uint64_t draw = 0, tries = 0; draw < kDraws && tries < 64 * kDraws; ++tries) {
    keyspace::Shard& shard = engine_.keyspace().shard(static_cast<keyspace::ShardId>(base::thread_random() % shards));
    if (shard.size() == 0) continue;
    Lsn address = kNoLsn;
    std::size_t size = 0;
    {
      base::ShortLock lock(shard.mutex());
      const keyspace::Entry entry = shard.random_entry(base::thread_random());
      if (!entry || entry.delta()) continue;
      address = entry.address();
      size = entry.key().size() + entry.value_size() + log::kRecordHeaderBytes;
    }
    ++draw;
    // Reading a large value to learn its length would cost more than it tells.
    constexpr std::size_t kLargest = 1u << 20;
    if (size > kLargest) continue;
    const auto record = engine_.log().read(address, buffer);
    if (!record) continue;
    data += static_cast<double>(size);
    stored += record->length;
  }
  if (data > 0) stored_ratio_.store(stored / data, std::memory_order_relaxed);
}

/// Bytes of the log that are needed, garbage among them included. What is kept behind that for history is not counted:
/// it could not be given back.
std::uint64_t Upkeep::needed_bytes() const {
  const std::uint64_t tail = raw(engine_.log().tail());
  return tail - std::min(tail, boundary_.load(std::memory_order_relaxed));
}

bool Upkeep::over(double part_of_ceiling) const {
  const double ceiling = max_space_amplification.load(std::memory_order_relaxed);
  if (ceiling == 0) return false;
  // The segment being written is not to be helped.
  const auto segment = static_cast<double>(engine_.options().segment_bytes);
  return static_cast<double>(needed_bytes()) >
         ceiling * part_of_ceiling * static_cast<double>(engine_.live_log_bytes()) + segment;
}

// Cleans the oldest segment that is still needed; false when only the active one is left.
Result<bool> Upkeep::clean_one() {
  const std::uint64_t boundary = boundary_.load(std::memory_order_relaxed);
  for (const log::SegmentInfo& segment : engine_.log().segments()) {
    if (raw(segment.base) < boundary) continue;
    if (!segment.sealed) return false;
    // Above the ceiling it must keep up with the writers: then it stands back no more than they do.
    const bool gently = engine_.options().background && !over(1);
    STAVE_ASSIGN(const Cleaner::Done done,
                 Cleaner(engine_).clean(segment, gently, stop_, [this](std::uint64_t bytes) { pause(bytes); }));
    scanned_.fetch_add(done.scanned_bytes, std::memory_order_relaxed);
    relocated_.fetch_add(done.relocated_bytes, std::memory_order_relaxed);
    relocated_records_.fetch_add(done.relocated_records, std::memory_order_relaxed);
    note_boundary(segment.end);
    return true;
  }
  return false;
}

Result<void> Upkeep::clean_until_enough() {
  cleaning_.store(true, std::memory_order_relaxed);
  runs_.fetch_add(1, std::memory_order_relaxed);
  Result<void> result;
  // Once round the log is as much as can help, whatever the estimate of what is alive says.
  const std::uint64_t round = raw(engine_.log().tail());
  while (result && boundary_.load(std::memory_order_relaxed) < round && over(kEndAt)) {
    auto more = clean_one();
    if (!more) result = fail(std::move(more).error());
    if (more && !*more) break;
    if (result) result = drop();
  }
  cleaning_.store(false, std::memory_order_relaxed);
  return result;
}

Result<CleanReport> Upkeep::clean() {
  base::MutexLock lock(work_mutex_);
  cleaning_.store(true, std::memory_order_relaxed);
  runs_.fetch_add(1, std::memory_order_relaxed);
  auto report = clean_everything();
  cleaning_.store(false, std::memory_order_relaxed);
  return report;
}

Result<CleanReport> Upkeep::purge() {
  base::MutexLock lock(work_mutex_);
  const Lsn end = engine_.log().tail();
  cleaning_.store(true, std::memory_order_relaxed);
  runs_.fetch_add(1, std::memory_order_relaxed);
  forgets_.store(true, std::memory_order_relaxed);
  auto report = clean_everything();
  forgets_.store(false, std::memory_order_relaxed);
  cleaning_.store(false, std::memory_order_relaxed);
  if (!report) return report;
  // Images hold keys, also such as are gone.
  STAVE_TRY(write_checkpoint());
  STAVE_TRY(checkpoint_.keep_newest_only(stop_));
  if (engine_.log().stats().first < end)
    return fail(ErrorCode::kBusy, "a backup, a snapshot or a look at history is reading the log; purge again later");
  STAVE_TRY(remove_cuttings());
  return report;
}

// What recovery cut from the log's end was never acknowledged, and is kept for people only.
Result<void> Upkeep::remove_cuttings() {
  FileSystem& files = engine_.file_system();
  STAVE_ASSIGN(const std::vector<std::string> names, files.list(engine_.directory()));
  for (const std::string& name : names)
    if (name.ends_with(".cut")) STAVE_TRY(files.remove(log::join_path(engine_.directory(), name)));
  return files.sync_directory(engine_.directory());
}

// Once round the log as it is now. Each segment goes as soon as nothing in it is needed: where the disk is full, that
// is the room for the next one.
Result<void> Upkeep::clean_round() {
  const std::uint64_t round = raw(engine_.log().tail());
  while (boundary_.load(std::memory_order_relaxed) < round) {
    const std::uint64_t freed = freed_.load(std::memory_order_relaxed);
    STAVE_ASSIGN(const bool more, clean_one());
    STAVE_TRY(drop());
    if (!more) break;
    // Cleaning on would only take what is left.
    if (engine_.log().stats().full && freed_.load(std::memory_order_relaxed) == freed)
      return fail(ErrorCode::kNoSpace,
                  "the disk is full, and what was cleaned is kept for history, a snapshot or a backup");
  }
  return {};
}

Result<CleanReport> Upkeep::clean_everything() {
  const CleanerStats before = cleaner_stats();
  auto sealed = engine_.log().roll();
  if (!sealed && sealed.error().code() == ErrorCode::kNoSpace) {
    // The segment being written stays for now. What lies before it can be cleaned, and may be all that it takes.
    STAVE_TRY(clean_round());
    sealed = engine_.log().roll();
  }
  if (!sealed && (sealed.error().code() != ErrorCode::kNoSpace || freed_.load() == before.freed_bytes))
    return fail(std::move(sealed).error());
  STAVE_TRY(clean_round());
  const CleanerStats after = cleaner_stats();
  return CleanReport{.scanned_bytes = after.scanned_bytes - before.scanned_bytes,
                     .relocated_bytes = after.relocated_bytes - before.relocated_bytes,
                     .freed_bytes = after.freed_bytes - before.freed_bytes};
}

// --- dropping --------------------------------------------------------------------------------------------------------

/// What is behind this is kept for history; what is before may go.
Lsn Upkeep::history_limit() const {
  const std::int64_t age = history_ms.load(std::memory_order_relaxed);
  const std::uint64_t bytes = history_bytes.load(std::memory_order_relaxed);
  const std::uint64_t boundary = boundary_.load(std::memory_order_relaxed);
  std::uint64_t limit = boundary;
  if (forgets_.load(std::memory_order_relaxed)) return Lsn{limit};
  if (bytes != 0) limit = boundary - std::min(boundary, bytes);
  if (age == 0) return Lsn{limit};
  std::vector<std::byte> buffer;
  std::uint64_t young = boundary;
  const UnixMs oldest = engine_.now() + -age;
  for (const log::SegmentInfo& segment : engine_.log().segments()) {
    if (raw(segment.end) > boundary) break;
    // The next one's first record is younger than everything here.
    const auto record = engine_.log().read(segment.end, buffer);
    if (record && record->time < oldest) continue;
    young = raw(segment.base);
    break;
  }
  return Lsn{bytes != 0 ? std::max(young, limit) : young};
}

Upkeep::Pin::Pin(Upkeep& upkeep) : upkeep_(upkeep) {
  base::MutexLock lock(upkeep_.drop_mutex_);
  ++upkeep_.pins_;
}

Upkeep::Pin::~Pin() {
  base::MutexLock lock(upkeep_.drop_mutex_);
  --upkeep_.pins_;
}

Result<void> Upkeep::drop() {
  // No image needs what lies before the boundary: the log behind each image tells where everything is now. But that log
  // has to be there, or the next restart reads everything.
  const Lsn newest = checkpoint_.newest_from();
  if (newest != kNoLsn && newest < Lsn{boundary_.load(std::memory_order_relaxed)}) {
    auto written = write_checkpoint();
    // Where there is no room for an image, room comes first: the log behind the boundary is all there and tells
    // everything, it only takes longer to read.
    if (!written && written.error().code() != ErrorCode::kNoSpace) return written;
  }
  base::MutexLock hold(drop_mutex_);
  if (pins_ != 0) return {};
  if (engine_.world().walked()) return {};
  const Lsn limit = std::min(Lsn{boundary_.load(std::memory_order_relaxed)}, history_limit());
  if (limit <= engine_.log().stats().first) return {};
  STAVE_ASSIGN(const std::uint64_t freed, engine_.log().drop_before(limit));
  freed_.fetch_add(freed, std::memory_order_relaxed);
  return {};
}

CleanerStats Upkeep::cleaner_stats() const {
  const log::LogStats log = engine_.log().stats();
  const std::uint64_t boundary = boundary_.load(std::memory_order_relaxed);
  return {.running = cleaning_.load(std::memory_order_relaxed),
          .runs = runs_.load(std::memory_order_relaxed),
          .scanned_bytes = scanned_.load(std::memory_order_relaxed),
          .relocated_bytes = relocated_.load(std::memory_order_relaxed),
          .relocated_records = relocated_records_.load(std::memory_order_relaxed),
          .freed_bytes = freed_.load(std::memory_order_relaxed),
          .boundary = Lsn{boundary},
          .live_bytes = engine_.live_log_bytes(),
          .waiting_bytes = boundary - std::min(boundary, raw(log.first))};
}

}  // namespace stave::store
