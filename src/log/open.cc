// Opening: check the options, recover, set up the parts.
#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/try.h"
#include "log/log_impl.h"

namespace stave::log {

namespace {

Result<void> check_options(const Options& options) {
  const auto refuse = [](const char* what) { return fail(ErrorCode::kInvalidArgument, what); };
  if (options.segment_bytes < (64u << 10) || options.segment_bytes > (4ull << 30))
    return refuse("segment_bytes must be 64 KiB to 4 GiB");
  if (!std::has_single_bit(options.log_buffer_bytes) || options.log_buffer_bytes < (64u << 10) ||
      options.log_buffer_bytes > (1u << 30))
    return refuse("log_buffer_bytes must be a power of two, 64 KiB to 1 GiB");
  if (options.segment_age_ms < 0) return refuse("segment_age_ms must not be negative");
  if (options.sync_interval_ms < 1 || options.sync_interval_ms > 3'600'000)
    return refuse("sync_interval_ms must be 1 to 3,600,000");
  return {};
}

Identity new_identity(Clock& clock, const std::optional<StartAt::Birth>& birth) {
  Identity identity;
  base::store(identity.store_id.data(), random_bits());
  base::store(identity.store_id.data() + 8, random_bits());
  if (birth) identity.store_id = birth->store_id;
  identity.created = clock.wall();
  return identity;
}

FileSystem& files_of(const Options& options) {
  return options.file_system != nullptr ? *options.file_system : FileSystem::system();
}
Clock& clock_of(const Options& options) {
  return options.clock != nullptr ? *options.clock : Clock::system();
}

/// Batches larger than this would make ring and segments lumpy.
std::uint64_t ring_share(const Options& options) {
  return std::min<std::uint64_t>(options.log_buffer_bytes, options.segment_bytes) / 4;
}

}  // namespace

LogImpl::LogImpl(std::string directory, const Options& options, base::RingMemory ring, std::unique_ptr<Directory> names,
                 const Recovered& recovered)
    : directory_(std::move(directory)),
      files_(files_of(options)),
      names_(std::move(names)),
      clock_(clock_of(options)),
      segment_bytes_(options.segment_bytes),
      segment_age_ms_(options.segment_age_ms),
      sync_interval_ns_(static_cast<std::uint64_t>(options.sync_interval_ms) * 1'000'000),
      background_(options.background),
      ring_batch_max_(ring_share(options)),
      patience_(options.background),
      identity_(recovered.fresh ? new_identity(clock_, recovered.birth) : recovered.identity),
      // A new salt wherever a crash may have left records that are valid but not part of the log.
      salt_(recovered.active != nullptr ? recovered.segments.back().salt : random_bits()),
      seed_(record_seed(identity_.store_id, salt_)),
      tail_(std::move(ring), recovered.end),
      space_({.files = &files_,
              .names = names_.get(),
              .directory = directory_,
              .segment_bytes = segment_bytes_,
              .overrun = ring_batch_max_,
              .reserve_bytes = options.disk_reserve_bytes,
              .patience = Patience(background_),
              .zero_fill = options.sync == Sync::kAlways},
             tail_),
      catalog_(files_, directory_),
      interval_sync_(options.sync != Sync::kOs),
      written_(recovered.end),
      durable_(recovered.end),
      announced_(recovered.end),
      group_({.complete = [this](std::uint64_t position) { return within_reach(position); },
              .flush = [this](std::uint64_t target) { (void)flush(target); },
              .settled =
                  [this](std::uint64_t position) {
                    return durable_.load(std::memory_order_acquire) >= position ||
                           state_.load(std::memory_order_acquire) == State::kFailed;
                  }}),
      flusher_([this] { return flusher_round(); }) {}

LogImpl::~LogImpl() {
  flusher_.stop();
}

Result<void> LogImpl::start(const Recovered& recovered) {
  base::MutexLock lock(write_mutex_);
  for (const RecoveredSegment& segment : recovered.segments) {
    const bool newest = recovered.active != nullptr && &segment == &recovered.segments.back();
    catalog_.add(segment.base, record_seed(identity_.store_id, segment.salt), newest ? recovered.active : nullptr,
                 false);
  }
  if (recovered.active != nullptr) {
    active_ = recovered.active;
    active_base_ = recovered.segments.back().base;
    active_since_ = recovered.active_since;
    // What is prepared of it is not known any more; preparing it again costs little.
    space_.adopt(active_, active_base_, recovered.end - active_base_);
  } else {
    // A full disk is no reason not to open: a segment without any room refuses writes, and reads go on.
    auto spare = space_.ensure_spare(Use::kTrim);
    if (!spare && (spare.error().code() != ErrorCode::kNoSpace || !space_.has_spare())) return spare;
    STAVE_ASSIGN(active_, space_.found({identity_.store_id, Lsn{recovered.end}, salt_, clock_.wall()}));
    active_base_ = recovered.end;
    catalog_.add(active_base_, seed_, active_, false);
  }
  named_.store(active_base_, std::memory_order_release);
  STAVE_ASSERT(recovered.marked <= active_base_);
  marked_.store(recovered.marked, std::memory_order_relaxed);
  if (recovered.fresh)
    STAVE_TRY(
        publish_file(files_, directory_, kIdentityName, encode_identity({identity_.store_id, identity_.created})));
  space_.set_sealed(catalog_.size() > 1);
  {
    base::MutexLock sync_lock(sync_mutex_);
    sync_file_ = active_;
  }
  // Whether the disk is full is known from the start.
  if (const auto room = space_.look_for_room(); !room) {
    space_.stop_writers();
    note_full(room.error());
  }
  // Now, and not when somebody first needs it: that could be a thread of low priority, which it would inherit.
  if (background_) flusher_.wake();
  return {};
}

Result<std::unique_ptr<Log>> Log::open(std::string directory, const Options& options, const ReplayFn& replay,
                                       RecoveryReport* report) {
  return open(std::move(directory), options, StartAt{}, replay, report);
}

Result<std::unique_ptr<Log>> Log::open(std::string directory, const Options& options, const StartAt& start,
                                       const ReplayFn& replay, RecoveryReport* report) {
  STAVE_TRY(check_options(options));
  RecoveryReport own;
  RecoveryReport& found = report != nullptr ? *report : own;
  found = {};
  try {
    STAVE_ASSIGN(const Recovered recovered, recover(files_of(options), directory, options, start, replay, found));
    STAVE_ASSIGN(base::RingMemory ring, base::RingMemory::create(options.log_buffer_bytes));
    STAVE_ASSIGN(std::unique_ptr<Directory> names, files_of(options).open_directory(directory));
    auto log = std::make_unique<LogImpl>(std::move(directory), options, std::move(ring), std::move(names), recovered);
    STAVE_TRY(log->start(recovered));
    return log;
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kNoMemory, "no memory to open the log");
  }
}

}  // namespace stave::log
