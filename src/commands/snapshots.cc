#include "commands/snapshots.h"

#include <algorithm>
#include <new>

#include "base/assert.h"
#include "base/thread.h"
#include "base/try.h"
#include "commands/walk.h"
#include "exchange/files.h"

namespace stave::commands {

namespace {
constexpr std::int64_t kSnapshotLookMs = 1000;
/// After a failure, as in Redis: a full disk is not asked all the time.
constexpr std::uint64_t kRetryNs = 5'000'000'000;
}  // namespace

exchange::Format format_of(std::string_view name) noexcept {
  if (name.ends_with(".json")) return exchange::Format::kJson;
  if (name.ends_with(".ndjson") || name.ends_with(".jsonl")) return exchange::Format::kNdjson;
  return exchange::Format::kBinary2;
}

Snapshots::Snapshots(store::Engine& engine, std::function<std::uint64_t()> count_changes)
    : engine_(engine), count_changes_(std::move(count_changes)) {
  base::MutexLock lock(mutex_);
  // Nobody has asked for one yet: the store as it was opened counts as the last one, as in Redis.
  state_.last_time = usual_time_ = engine.now();
  usual_lsn_ = engine.log().tail();
}

void Snapshots::configure(Config config) {
  base::MutexLock lock(mutex_);
  config_ = std::move(config);
  if (scheduled() && engine_.options().background) wake_thread();
}

std::string Snapshots::directory() const {
  return config_.directory.empty() ? log::join_path(engine_.directory(), "snapshots") : config_.directory;
}

Result<Snapshots::Target> Snapshots::target(std::string_view name, std::optional<exchange::Format> format,
                                            bool trusted) const {
  base::MutexLock lock(mutex_);
  const bool usual = name.empty() || name == config_.file;
  if (name.empty()) name = config_.file;
  const bool plain = is_plain_file_name(name);
  const bool elsewhere = name.find('/') != std::string_view::npos && name.find('\0') == std::string_view::npos;
  if (!plain && !(trusted && elsewhere))
    return fail(
        ErrorCode::kInvalidArgument,
        "a snapshot's name must be a plain file name: letters, digits, '.', '-', '_', not beginning with '.'; it "
        "is written to snapshot-dir");
  return Target{.path = plain ? log::join_path(directory(), std::string(name)) : std::string(name),
                .format = format.value_or(format_of(name)),
                .usual = usual};
}

// --- writing ---------------------------------------------------------------------------------------------------------

bool Snapshots::begin() {
  if (state_.running) return false;
  state_.running = true;
  keys_.store(0, std::memory_order_relaxed);
  begun_ns_ = engine_.clock().monotonic_ns();
  return true;
}

Result<Snapshots::Done> Snapshots::write(const Target& target) {
  {
    base::MutexLock lock(mutex_);
    if (!begin()) return fail(ErrorCode::kBusy, "Background save already in progress");
  }
  return write_begun(target);
}

Result<Snapshots::Done> Snapshots::write_begun(const Target& target) {
  // Before the cut, so that a change in between counts as one that is not in the file.
  const std::uint64_t count = count_changes_();
  auto done = write_file(target);
  base::MutexLock lock(mutex_);
  const std::uint64_t now_ns = engine_.clock().monotonic_ns();
  STAVE_ASSERT(state_.running);
  state_.running = false;
  state_.last_ok = done.has_value();
  if (!done) {
    ++state_.failed;
    state_.last_error = done.error().describe();
    retry_ns_ = now_ns + kRetryNs;
    if (const auto& notice = engine_.options().notice; notice && done.error().code() != ErrorCode::kAborted)
      notice("a snapshot could not be written to " + target.path + ": " + state_.last_error);
    return done;
  }
  ++state_.written;
  state_.last_error.clear();
  state_.last_time = done->time;
  state_.last_keys = done->keys;
  state_.last_bytes = done->bytes;
  state_.last_ns = now_ns - begun_ns_;
  if (const auto& information = engine_.options().information)
    information("A snapshot of " + std::to_string(done->keys) + " keys was written to " + done->path);
  if (target.usual) {
    usual_time_ = done->time;
    usual_lsn_ = done->lsn;
    usual_count_ = count;
  }
  return done;
}

Result<Snapshots::Done> Snapshots::write_file(const Target& target) try {
  STAVE_TRY(engine_.still_ours());
  FileSystem& files = engine_.file_system();
  const std::size_t slash = target.path.rfind('/');
  if (slash != std::string::npos && slash != 0) {
    const std::string folder = target.path.substr(0, slash);
    STAVE_ASSIGN(const bool exists, files.exists(folder));
    if (!exists) STAVE_TRY(files.create_directories(folder));
  }
  STAVE_ASSIGN(auto file, exchange::NewFile::create(files, target.path));
  const auto writer = exchange::make_writer(target.format, file.output());
  STAVE_ASSERT(writer != nullptr);
  STAVE_ASSIGN(const Walked walked, write_all(engine_, *writer, [&](std::uint64_t keys) -> Result<void> {
                 if (stop_.load(std::memory_order_relaxed)) return fail(ErrorCode::kAborted, "the store is closing");
                 keys_.store(keys, std::memory_order_relaxed);
                 return {};
               }));
  const std::uint64_t bytes = file.output().size();
  STAVE_TRY(engine_.still_ours());
  STAVE_TRY(file.commit());
  return Done{.path = target.path, .keys = walked.keys, .bytes = bytes, .time = walked.time, .lsn = walked.lsn};
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kNoMemory, "there is no memory for the snapshot");
}

// --- in the background -----------------------------------------------------------------------------------------------

Result<void> Snapshots::start(Target target) {
  if (!engine_.options().background) {
    STAVE_TRY(write(target));
    return {};
  }
  base::MutexLock lock(mutex_);
  // It counts as running from here on, so that nobody gets in between.
  if (!begin()) return fail(ErrorCode::kBusy, "Background save already in progress");
  STAVE_ASSERT(!asked_);
  asked_ = std::move(target);
  wake_thread();
  return {};
}

void Snapshots::wake_thread() {
  if (!thread_.joinable() && !stop_.load(std::memory_order_relaxed)) thread_ = base::start_thread([this] { run(); });
  wake_.notify_all();
}

void Snapshots::run() {
  base::enter_thread("stave-snapshot", base::Priority::kBackground);
  while (!stop_.load(std::memory_order_relaxed)) {
    std::optional<Target> target;
    {
      base::MutexLock lock(mutex_);
      if (!asked_ && !stop_.load(std::memory_order_relaxed)) {
        if (scheduled()) {
          wake_.wait_for_ms(mutex_, kSnapshotLookMs);
        } else {
          wake_.wait(mutex_);
        }
      }
      target.swap(asked_);
    }
    if (target) static_cast<void>(write_begun(*target));
    tick();
  }
}

void Snapshots::stop() {
  std::thread thread;
  {
    base::MutexLock lock(mutex_);
    stop_.store(true, std::memory_order_relaxed);
    thread.swap(thread_);
  }
  wake_.notify_all();
  if (thread.joinable()) thread.join();
}

// --- when it is time -------------------------------------------------------------------------------------------------

// Commands are counted, and whatever else writes (the HTTP door, the library's typed calls) shows in the log at least.
std::uint64_t Snapshots::changes() const {
  const std::uint64_t count = count_changes_();
  const std::uint64_t counted = count >= usual_count_ ? count - usual_count_ : count;
  return counted == 0 && engine_.log().tail() != usual_lsn_ ? 1 : counted;
}

bool Snapshots::due() const {
  if (state_.running || stop_.load(std::memory_order_relaxed)) return false;
  if (!scheduled()) return false;
  if (!state_.last_ok && engine_.clock().monotonic_ns() < retry_ns_) return false;
  const std::uint64_t changed = changes();
  if (changed == 0) return false;
  const std::int64_t age_ms = engine_.now() - usual_time_;
  if (config_.every_ms != 0 && age_ms >= config_.every_ms) return true;
  return std::ranges::any_of(config_.points, [&](const SavePoint& point) {
    return changed >= point.changes && age_ms / 1000 >= point.seconds;
  });
}

void Snapshots::tick() {
  {
    base::MutexLock lock(mutex_);
    if (!due()) return;
  }
  const auto usual = target({}, std::nullopt, false);
  if (usual) static_cast<void>(write(*usual));
}

Snapshots::State Snapshots::state() const {
  base::MutexLock lock(mutex_);
  State state = state_;
  state.running_keys = keys_.load(std::memory_order_relaxed);
  if (state.running) state.running_ns = engine_.clock().monotonic_ns() - begun_ns_;
  state.changes = changes();
  return state;
}

}  // namespace stave::commands
