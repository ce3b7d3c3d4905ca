#include "commands/backups.h"

#include <algorithm>
#include <new>

#include "base/assert.h"
#include "base/thread.h"
#include "base/working_directory.h"

namespace stave::commands {

namespace {
constexpr std::int64_t kBackupLookMs = 1000;
/// A full disk is not asked all the time.
constexpr std::int64_t kRetryMs = 60'000;
}  // namespace

void Backups::configure(Config config) {
  STAVE_ASSERT(config.keep.count >= 1);
  std::string root;
  bool first = false;
  {
    base::MutexLock lock(mutex_);
    config_ = std::move(config);
    retry_ = UnixMs{0};
    first = !looked_;
    root = place();
  }
  if (first) look(root);
  base::MutexLock lock(mutex_);
  if (config_.every_ms == 0 || !engine_.options().background || stop_.load(std::memory_order_relaxed)) return;
  if (!thread_.joinable()) thread_ = base::start_thread([this] { run(); });
  wake_.notify_all();
}

std::string Backups::place() const {
  return config_.root.empty() ? log::join_path(engine_.directory(), "backups") : config_.root;
}

std::string Backups::root() const {
  base::MutexLock lock(mutex_);
  return place();
}

// What was made before the start: its age is what matters, and what the schedule goes on from.
void Backups::look(const std::string& root) try {
  log::StoreId store{};
  std::ranges::copy(engine_.log().store_id(), store.begin());
  const auto places = archive::list_backups(engine_.file_system(), root, store);
  base::MutexLock lock(mutex_);
  looked_ = true;
  if (!places) {
    // Not the schedule's failure: it will meet the same, and say so.
    state_.last_error = places.error().describe();
    return;
  }
  for (const archive::BackupPlace& found : *places) {
    if (found.of_series) {
      series_time_ = std::max(series_time_, found.manifest.time);
      ++state_.kept;
    }
    if (found.manifest.time < state_.last_time) continue;
    state_.last_time = found.manifest.time;
    state_.last_end = found.manifest.end;
    state_.last_directory = base::absolute_path(found.directory);
    state_.last_bytes = 0;
    for (const archive::BackupFile& file : found.manifest.files) state_.last_bytes += file.bytes;
  }
} catch (const std::bad_alloc&) {
  // The next one that is made will say what there is.
}

void Backups::note(const Result<archive::BackupReport>& made, const std::string& directory, std::uint64_t took_ns) {
  base::MutexLock lock(mutex_);
  note_locked(made, directory, took_ns);
}

void Backups::note_locked(const Result<archive::BackupReport>& made, const std::string& directory,
                          std::uint64_t took_ns) {
  state_.last_ok = made.has_value();
  if (!made) {
    ++state_.failed;
    state_.last_error = made.error().describe();
    return;
  }
  ++state_.made;
  state_.last_error.clear();
  state_.last_time = made->time;
  state_.last_end = made->end;
  state_.last_bytes = made->bytes;
  state_.last_added_bytes = made->added_bytes;
  state_.last_ns = took_ns;
  state_.last_directory = base::absolute_path(directory);
}

// --- when it is time -------------------------------------------------------------------------------------------------

UnixMs Backups::next() const {
  if (config_.every_ms == 0) return UnixMs{0};
  // The first one is due now.
  if (raw(series_time_) == 0) return std::max(engine_.now(), retry_);
  return std::max(series_time_ + config_.every_ms, retry_);
}

void Backups::make_one(const Config& config, const std::string& root) {
  const std::uint64_t begun = engine_.clock().monotonic_ns();
  const auto made = archive::add_to_series(engine_, root, config.keep, [this]() -> Result<void> {
    if (stop_.load(std::memory_order_relaxed)) return fail(ErrorCode::kAborted, "the store is closing");
    return {};
  });
  const std::uint64_t took = engine_.clock().monotonic_ns() - begun;
  const auto& notice = engine_.options().notice;
  base::MutexLock lock(mutex_);
  state_.running = false;
  // Nothing failed: it was not to be.
  if (!made && made.error().code() == ErrorCode::kAborted) return;
  if (!made) {
    retry_ = engine_.now() + std::min(kRetryMs, config.every_ms);
    note_locked(fail(made.error().clone()), {}, took);
    if (notice) notice("The backup that was due failed: " + state_.last_error + ". It is tried again in a minute.");
    return;
  }
  series_time_ = made->backup.time;
  note_locked(made->backup, made->directory, took);
  state_.kept = made->kept;
  if (const auto& information = engine_.options().information)
    information("A backup up to LSN " + std::to_string(raw(made->backup.end)) + " was made and verified in " +
                state_.last_directory + "; " + std::to_string(made->kept) + " are kept.");
}

void Backups::tick() try {
  Config config;
  std::string root;
  {
    base::MutexLock lock(mutex_);
    if (state_.running || stop_.load(std::memory_order_relaxed)) return;
    if (config_.every_ms == 0 || engine_.now() < next()) return;
    config = config_;
    root = place();
    state_.running = true;
  }
  make_one(config, root);
} catch (const std::bad_alloc&) {
  base::MutexLock lock(mutex_);
  state_.running = false;
  state_.last_ok = false;
  ++state_.failed;
  retry_ = engine_.now() + kRetryMs;
}

void Backups::run() {
  base::enter_thread("stave-backup", base::Priority::kBackground);
  while (!stop_.load(std::memory_order_relaxed)) {
    tick();
    base::MutexLock lock(mutex_);
    if (stop_.load(std::memory_order_relaxed)) return;
    if (config_.every_ms == 0) {
      wake_.wait(mutex_);
    } else {
      wake_.wait_for_ms(mutex_, kBackupLookMs);
    }
  }
}

void Backups::stop() {
  std::thread thread;
  {
    base::MutexLock lock(mutex_);
    stop_.store(true, std::memory_order_relaxed);
    thread.swap(thread_);
  }
  wake_.notify_all();
  if (thread.joinable()) thread.join();
}

Backups::State Backups::state() const {
  base::MutexLock lock(mutex_);
  State state = state_;
  state.every_ms = config_.every_ms;
  state.keep = config_.keep;
  state.next_time = next();
  return state;
}

}  // namespace stave::commands
