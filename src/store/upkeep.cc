#include "store/upkeep.h"

#include <algorithm>
#include <new>

#include "base/assert.h"
#include "base/interleave.h"
#include "base/thread.h"
#include "base/try.h"
#include "store/cleaner.h"
#include "store/warm_up.h"

namespace stave::store {

namespace {
constexpr std::int64_t kLookEveryMs = 50;
/// After a failure: a full disk or a broken one is not asked all the time.
constexpr std::uint64_t kSweepEveryNs = 10'000'000'000;
constexpr std::uint64_t kRetryNs = 5'000'000'000;
/// A log shorter than this is read in no time; it needs no image.
constexpr std::uint64_t kShortLog = 256u << 10;
/// Where cleaning begins and ends, as parts of the garbage that there may be. The rest is for what is written
/// meanwhile.
constexpr double kBeginAt = 0.6;
constexpr double kEndAt = 0.4;

/// What is done by itself makes do without memory: it fails, and is tried again.
template <class Work>
bool with_memory(Work&& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return false;
  }
}
}  // namespace

Upkeep::Upkeep(Engine& engine)
    : max_space_amplification(engine.options().max_space_amplification),
      clean_bytes_per_second(engine.options().clean_bytes_per_second),
      checkpoint_bytes(engine.options().checkpoint_bytes),
      checkpoint_interval_ms(engine.options().checkpoint_interval_ms),
      history_ms(engine.options().history_ms),
      history_bytes(engine.options().history_bytes),
      engine_(engine),
      checkpoint_(engine),
      live_(engine),
      change_feed_(engine),
      consumers_(engine) {}

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
  thread_ = base::start_thread([this] { run(); });
}

void Upkeep::stop() {
  {
    base::MutexLock lock(wake_mutex_);
    stop_.store(true, std::memory_order_relaxed);
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  change_feed_.stop();
}

void Upkeep::wait_a_while() {
  base::MutexLock lock(wake_mutex_);
  if (!stop_.load(std::memory_order_relaxed) && !asked_) wake_.wait_for_ms(wake_mutex_, kLookEveryMs);
}

void Upkeep::run() {
  base::enter_thread("stave-upkeep", base::Priority::kBackground);
  if (warming_.load(std::memory_order_relaxed)) {
    // What cannot be read ahead is met by whoever asks for it.
    static_cast<void>(with_memory([this] { return WarmUp(engine_).run(stop_).has_value(); }));
    warming_.store(false, std::memory_order_relaxed);
  }
  while (!stop_.load(std::memory_order_relaxed)) {
    const bool more = tick();
    bool asked = false;
    {
      base::MutexLock lock(wake_mutex_);
      asked = std::exchange(asked_, false);
    }
    if (asked) static_cast<void>(with_memory([this] { return clean().has_value(); }));
    if (!more) wait_a_while();
  }
}

// What fails is left alone for a while; the others go on. A cleaner that cannot get on must not keep images from being
// written.
template <class Work>
void Upkeep::attempt(Job& job, Work&& work) {
  const std::uint64_t now = engine_.clock().monotonic_ns();
  if (now < job.failed_until_ns) return;
  if (!with_memory(work)) job.failed_until_ns = now + kRetryNs;
}

bool Upkeep::tick() {
  base::MutexLock lock(work_mutex_);
  // A log that takes nothing more is nothing to work on, and the directory may not be this store's any more.
  if (!engine_.log().health()) return false;
  bool more = false;
  attempt(cleaning_job_, [&]() STAVE_NO_THREAD_SAFETY_ANALYSIS {
    auto step = clean_a_step();
    more = step.value_or(false);
    return step.has_value();
  });
  attempt(checkpoint_job_,
          [&]() STAVE_NO_THREAD_SAFETY_ANALYSIS { return !checkpoint_due() || write_checkpoint().has_value(); });
  attempt(sweep_job_, [&]() STAVE_NO_THREAD_SAFETY_ANALYSIS { return !sweep_due() || sweep().has_value(); });
  engine_.train_compression();
  return more;
}

// --- pages that no root names ----------------------------------------------------------------------------------------

/// A sweep looks at every key: not too often, however many roots go. But where room is short it is what makes some, and
/// comes as soon as sweeps are no more than a fifth of the time.
bool Upkeep::sweep_due() {
  if (!engine_.orphans().noted() || engine_.follows()) return false;
  return engine_.clock().monotonic_ns() >= (engine_.budget().tight() ? soonest_sweep_ns_ : next_sweep_ns_);
}

Result<void> Upkeep::sweep() {
  constexpr std::uint64_t kRest = 4;  // times as long as it took
  const std::uint64_t begun = engine_.clock().monotonic_ns();
  STAVE_TRY(engine_.orphans().sweep(engine_, stop_));
  const std::uint64_t ended = engine_.clock().monotonic_ns();
  soonest_sweep_ns_ = ended + kRest * (ended - begun);
  next_sweep_ns_ = std::max(ended + kSweepEveryNs, soonest_sweep_ns_);
  return {};
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

std::uint64_t Upkeep::needed_bytes() const {
  const std::uint64_t tail = raw(engine_.log().tail());
  return tail - std::min(tail, boundary_.load(std::memory_order_relaxed));
}

bool Upkeep::over(double part_of_garbage) const {
  const double ceiling = max_space_amplification.load(std::memory_order_relaxed);
  if (ceiling == 0) return false;
  // The segment being written is not to be helped.
  const auto segment = static_cast<double>(engine_.options().segment_bytes);
  const double may_take = 1 + (ceiling - 1) * part_of_garbage;
  return static_cast<double>(needed_bytes()) > may_take * static_cast<double>(engine_.live_log_bytes()) + segment;
}

// Cleans the oldest segment that is still needed; false when only the active one is left.
Result<bool> Upkeep::clean_one() {
  const std::uint64_t boundary = boundary_.load(std::memory_order_relaxed);
  for (const log::SegmentInfo& segment : engine_.log().segments()) {
    // A boundary that another machine of the group has said, as its leader, may lie within a segment of this one: what
    // lies behind it there is still to be looked at.
    if (segment.sealed && raw(segment.end) <= boundary) continue;
    if (!segment.sealed) return false;
    // Above the ceiling it must keep up with the writers: then it stands back no more than they do.
    const bool gently = engine_.options().background && !over(1);
    const auto pace = [this](std::uint64_t bytes) { pause(bytes); };
    Cleaner cleaner(engine_, gently, stop_, pace);
    auto cleaned = cleaner.clean(segment);
    const Cleaner::Done& done = cleaner.done();
    scanned_.fetch_add(done.scanned_bytes, std::memory_order_relaxed);
    relocated_.fetch_add(done.relocated_bytes, std::memory_order_relaxed);
    relocated_records_.fetch_add(done.relocated_records, std::memory_order_relaxed);
    if (cleaned || !cleaner.losses().empty()) note_losses(cleaner.losses());
    STAVE_TRY(std::move(cleaned));
    if (done.by_index) {
      damaged_segments_.fetch_add(1, std::memory_order_relaxed);
      if (engine_.options().notice)
        engine_.options().notice(
            "a segment of the log is damaged, but everything alive in it could be read and was moved: " +
            log::segment_name(segment.base));
    }
    STAVE_ASSERT(raw(segment.end) > boundary);
    note_boundary(segment.end);
    return true;
  }
  return false;
}

void Upkeep::note_losses(std::vector<Cleaner::Loss> losses) {
  const bool news = !losses.empty() && (losses_.empty() || losses_.front().address != losses.front().address);
  losses_ = std::move(losses);
  lost_values_.store(losses_.size(), std::memory_order_relaxed);
  first_lost_.store(losses_.empty() ? 0 : raw(losses_.front().address), std::memory_order_relaxed);
  if (!news || !engine_.options().notice) return;
  const Cleaner::Loss& first = losses_.front();
  engine_.options().notice("the log is damaged, and nothing of it is cleaned: the values of " +
                           std::to_string(losses_.size()) + " keys cannot be read, of which the first is '" +
                           first.key + "' in database " + std::to_string(first.database) + " at LSN " +
                           std::to_string(raw(first.address)) +
                           "; overwrite or delete them, or let `stave doctor --repair` give them up");
}

// As long as a key holds what cannot be read, the cleaner would only find that again.
bool Upkeep::blocked() {
  if (losses_.empty()) return false;
  std::vector<Cleaner::Loss> left;
  for (Cleaner::Loss& loss : losses_) {
    const std::uint64_t hash = engine_.keyspace().hash(loss.key);
    keyspace::Shard& shard = engine_.keyspace().shard_of(loss.database, hash, loss.key);
    base::ShortLock lock(shard.mutex());
    const keyspace::Entry entry = shard.find(hash, loss.key);
    if (entry && entry.address() == loss.address) left.push_back(std::move(loss));
  }
  note_losses(std::move(left));
  return !losses_.empty();
}

void Upkeep::begin_round() {
  STAVE_ASSERT(!round_);
  round_ = raw(engine_.log().tail());
  cleaning_.store(true, std::memory_order_relaxed);
  runs_.fetch_add(1, std::memory_order_relaxed);
}

// Once round the log is as much as can help, whatever is believed to be alive; what that left is alive, then, and
// another round would leave it again.
void Upkeep::end_round() {
  STAVE_ASSERT(round_);
  const bool all_round = boundary_.load(std::memory_order_relaxed) >= *round_;
  if (all_round && over(kEndAt)) live_.learn(needed_bytes());
  round_.reset();
  cleaning_.store(false, std::memory_order_relaxed);
}

/// One segment, or what is to be done before or after the first or the last; true: there is more to do.
Result<bool> Upkeep::clean_a_step() {
  live_.measure_if_due();
  if (!round_) {
    // Who follows cleans nothing: what its leader has moved comes with the log, and so does what may go for it.
    if (engine_.follows() || blocked() || !over(kBeginAt)) {
      STAVE_TRY(drop_if_due());
      return false;
    }
    begin_round();
  }
  auto cleaned = clean_one();
  if (cleaned) {
    auto dropped = drop();
    if (!dropped) cleaned = fail(std::move(dropped).error());
  }
  const bool more = cleaned.value_or(false) && boundary_.load(std::memory_order_relaxed) < *round_ && over(kEndAt);
  if (!more) end_round();
  STAVE_TRY(std::move(cleaned));
  return more;
}

// What a snapshot, a follower or its age kept until now.
Result<void> Upkeep::drop_if_due() {
  return raw(engine_.log().stats().first) < boundary_.load(std::memory_order_relaxed) ? drop() : Result<void>{};
}

Result<CleanReport> Upkeep::clean() {
  base::MutexLock lock(work_mutex_);
  if (engine_.follows()) return fail(ErrorCode::kReadOnly, "this store follows another one; its leader cleans");
  cleaning_.store(true, std::memory_order_relaxed);
  runs_.fetch_add(1, std::memory_order_relaxed);
  auto report = clean_everything();
  cleaning_.store(round_.has_value(), std::memory_order_relaxed);
  return report;
}

Result<CleanReport> Upkeep::purge() {
  base::MutexLock lock(work_mutex_);
  if (engine_.follows()) return fail(ErrorCode::kReadOnly, "this store follows another one; its leader cleans");
  const Lsn end = engine_.log().tail();
  cleaning_.store(true, std::memory_order_relaxed);
  runs_.fetch_add(1, std::memory_order_relaxed);
  forgets_.store(true, std::memory_order_relaxed);
  auto report = clean_everything();
  forgets_.store(false, std::memory_order_relaxed);
  cleaning_.store(round_.has_value(), std::memory_order_relaxed);
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
  // What nobody names would be kept; if it cannot be told now, then it is.
  if (engine_.orphans().noted()) static_cast<void>(sweep());
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

Upkeep::Keep::Keep(Upkeep& upkeep, Lsn from) : upkeep_(upkeep), from_(from) {
  base::MutexLock lock(upkeep_.drop_mutex_);
  upkeep_.keeps_.push_back(this);
}

Upkeep::Keep::~Keep() {
  base::MutexLock lock(upkeep_.drop_mutex_);
  std::erase(upkeep_.keeps_, this);
}

void Upkeep::Keep::move(Lsn from) noexcept {
  base::MutexLock lock(upkeep_.drop_mutex_);
  from_ = from;
}

/// Before what the slowest follower or consumer has yet to read, unless it is too far behind.
Lsn Upkeep::followers_limit() const {
  const std::uint64_t tail = raw(engine_.log().tail());
  const std::uint64_t floor = tail - std::min(tail, keep_bytes_max.load(std::memory_order_relaxed));
  std::uint64_t limit = tail;
  for (const Keep* keep : keeps_) limit = std::min(limit, std::max(raw(keep->from_), floor));
  return Lsn{limit};
}

Result<void> Upkeep::drop() {
  // What they have yet to read is kept from the first drop on.
  STAVE_TRY(consumers_.settle());
  // No image needs what lies before the boundary: the log behind each image tells where everything is now. But that log
  // has to be there, or the next restart reads everything.
  // Read once: on a follower the leader's log moves it at any moment, and no image is asked for twice.
  const Lsn boundary{boundary_.load(std::memory_order_relaxed)};
  const Lsn newest = checkpoint_.newest_from();
  bool without_image = false;
  if (newest != kNoLsn && newest < boundary) {
    auto written = write_checkpoint();
    // Where there is no room for an image, room comes first: the log behind the boundary is all there and tells
    // everything, it only takes longer to read.
    without_image = !written && written.error().code() == ErrorCode::kNoSpace;
    if (!written && !without_image) return written;
  }
  base::interleave::yield_point("upkeep: about to drop segments");
  base::MutexLock hold(drop_mutex_);
  if (pins_ != 0) return {};
  if (engine_.world().walked()) return {};
  const Lsn limit = std::min({boundary, history_limit(), followers_limit()});
  STAVE_ASSERT(without_image || checkpoint_.newest_from() == kNoLsn || checkpoint_.newest_from() >= limit);
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
          .waiting_bytes = boundary - std::min(boundary, raw(log.first)),
          .damaged_segments = damaged_segments_.load(std::memory_order_relaxed),
          .lost_values = lost_values_.load(std::memory_order_relaxed),
          .first_lost = Lsn{first_lost_.load(std::memory_order_relaxed)}};
}

}  // namespace stave::store
