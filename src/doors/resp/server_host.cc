#include "doors/resp/server_host.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/try.h"
#include "commands/encoding_limits.h"
#include "commands/latency_monitor.h"
#include "commands/policy_names.h"
#include "commands/slow_log.h"
#include "commands/snapshots.h"
#include "doors/resp/secret.h"
#include "packing/compression.h"
#include "store/upkeep.h"

namespace stave::resp {
namespace {

constexpr std::size_t kPassword = option_id("requirepass");
constexpr std::uint64_t kConfigBytesMax = 1 << 20;
constexpr auto kEncodingIds = []() consteval {
  std::array<std::size_t, commands::kEncodingOptions.size()> ids{};
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = option_id(commands::kEncodingOptions[i].name);
  return ids;
}();

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

commands::InfoFields processor_fields() {
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  const auto seconds = [](const timeval& time) {
    std::string micro = std::to_string(time.tv_usec);
    micro.insert(0, 6 - micro.size(), '0');
    return std::to_string(time.tv_sec) + "." + micro;
  };
  return {{"used_cpu_sys", seconds(use.ru_stime)}, {"used_cpu_user", seconds(use.ru_utime)}};
}

}  // namespace

void set_log_level(spdlog::logger& log, const Settings& settings) {
  // In the order of the option's choices.
  constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::trace, spdlog::level::debug, spdlog::level::info,
                                                   spdlog::level::warn, spdlog::level::off};
  const auto level = static_cast<std::size_t>(settings.number(option_id("loglevel")));
  STAVE_ASSERT(level < std::size(kLevels));
  log.set_level(kLevels[level]);
}

Result<std::string> read_config_file(FileSystem& files, const std::string& path) {
  STAVE_ASSIGN(const auto file, files.open(path, OpenMode::kRead));
  STAVE_ASSIGN(const std::uint64_t size, file->size());
  if (size > kConfigBytesMax)
    return stave::fail(Error(ErrorCode::kTooLarge, "a configuration file of more than 1 MiB").with_file(path));
  std::string text(size, '\0');
  STAVE_ASSIGN(const std::size_t got, file->read_at(0, std::as_writable_bytes(std::span(text.data(), text.size()))));
  text.resize(got);
  return text;
}

ServerHost::ServerHost(Settings settings, Process process, FileSystem& files, spdlog::logger& log)
    : process_(std::move(process)),
      files_(files),
      log_(log),
      backup_root_(settings.text(option_id("backup-dir"))),
      settings_(std::move(settings)) {
  base::MutexLock lock(mutex_);
  limits_.bulk_bytes_max = settings_.number(option_id("proto-max-bulk-len"));
  apply();
}

void ServerHost::attach(commands::Environment& environment) {
  base::MutexLock lock(mutex_);
  environment_ = &environment;
  apply();
}

void ServerHost::cap_clients(std::int64_t most) {
  base::MutexLock lock(mutex_);
  if (settings_.number(option_id("maxclients")) <= most) return;
  if (auto done = settings_.set("maxclients", std::to_string(most)); !done) return;
  limits_.take(settings_);
}

void ServerHost::apply() {
  limits_.take(settings_);
  set_log_level(log_, settings_);
  password_required_.store(!settings_.text(kPassword).empty(), std::memory_order_relaxed);
  if (environment_ == nullptr) return;
  environment_->engine().set_sync(settings_.sync());
  environment_->slow_log().set_threshold_us(settings_.number(option_id("slowlog-log-slower-than")));
  environment_->slow_log().set_capacity(static_cast<std::size_t>(settings_.number(option_id("slowlog-max-len"))));
  environment_->latency().set_threshold_ms(settings_.number(option_id("latency-monitor-threshold")));
  for (std::size_t i = 0; i < kEncodingIds.size(); ++i)
    environment_->encoding_limits().set(commands::kEncodingOptions[i].limit, settings_.number(kEncodingIds[i]));
  apply_to_store();
}

void ServerHost::apply_to_store() {
  store::Engine& engine = environment_->engine();
  engine.budget().set(settings_.size(option_id("maxmemory")), settings_.memory_policy());
  const packing::Compression::Setting packing{
      .codec = static_cast<packing::Codec>(settings_.packing()),
      .level = static_cast<int>(settings_.number(option_id("compression-level")))};
  if (!(engine.compression().setting() == packing)) engine.compression().set(packing);
  store::Upkeep& upkeep = engine.upkeep();
  upkeep.max_space_amplification.store(settings_.ratio(option_id("max-space-amplification")));
  upkeep.clean_bytes_per_second.store(settings_.size(option_id("clean-rate")));
  upkeep.checkpoint_bytes.store(settings_.size(option_id("checkpoint-bytes")));
  upkeep.checkpoint_interval_ms.store(settings_.number(option_id("checkpoint-interval")));
  upkeep.history_ms.store(settings_.number(option_id("history-age")));
  upkeep.history_bytes.store(settings_.size(option_id("history-bytes")));
  environment_->snapshots().configure(
      {.directory = settings_.text(option_id("snapshot-dir")),
       .file = settings_.text(option_id("snapshot-file")),
       .points =
           commands::parse_save_points(settings_.text(option_id("save"))).value_or(std::vector<commands::SavePoint>{}),
       .every_ms = settings_.number(option_id("snapshot-every"))});
}

Result<void> ServerHost::request_shutdown() {
  log_.info("SHUTDOWN was asked for.");
  process_.shut_down();
  return {};
}

void ServerHost::refresh() {
  // The commands change these themselves, wherever the store runs.
  if (environment_ == nullptr) return;
  const std::pair<std::size_t, std::int64_t> live[] = {
      {option_id("slowlog-log-slower-than"), environment_->slow_log().threshold_us()},
      {option_id("slowlog-max-len"), static_cast<std::int64_t>(environment_->slow_log().capacity())},
      {option_id("latency-monitor-threshold"), environment_->latency().threshold_ms()}};
  for (const auto& [id, value] : live) settings_.note(id, value);
  for (std::size_t i = 0; i < kEncodingIds.size(); ++i)
    settings_.note(kEncodingIds[i], environment_->encoding_limits().get(commands::kEncodingOptions[i].limit));
}

std::vector<std::pair<std::string, std::string>> ServerHost::config() {
  base::MutexLock lock(mutex_);
  refresh();
  std::vector<std::pair<std::string, std::string>> all = settings_.all();
  // Clients that know Redis' policies ask whether keys may be lost (policy_names.h).
  all[option_id("maxmemory-policy")].second = commands::redis_policy_name(settings_.memory_policy());
  return all;
}

Result<void> ServerHost::set_config(std::string_view name, std::string_view value) {
  base::MutexLock lock(mutex_);
  refresh();
  if (name == "stave-maxmemory-policy") name = kOptions[option_id("maxmemory-policy")].name;
  STAVE_TRY(settings_.change(name, value));
  apply();
  const std::size_t id = static_cast<std::size_t>(Settings::find(name) - kOptions);
  if (id == option_id("maxmemory")) process_.memory_source = "option";
  log_.info("CONFIG SET changed {}.", kOptions[id].name);
  return {};
}

Result<void> ServerHost::rewrite_config() {
  if (process_.config_file.empty())
    return stave::fail(ErrorCode::kUnsupported, "The server is running without a config file");
  STAVE_ASSIGN(const std::string before, read_config_file(files_, process_.config_file));
  std::string after;
  {
    base::MutexLock lock(mutex_);
    refresh();
    after = settings_.rewritten(before);
  }
  // Whole or not at all: written beside, synced, moved into place.
  const std::string beside = process_.config_file + ".new";
  STAVE_ASSIGN(const bool stale, files_.exists(beside));
  if (stale) STAVE_TRY(files_.remove(beside));
  {
    STAVE_ASSIGN(const auto file, files_.open(beside, OpenMode::kCreate));
    STAVE_TRY(file->write_at(0, base::as_bytes(after)));
    STAVE_TRY(file->sync_data());
  }
  STAVE_TRY(files_.rename(beside, process_.config_file));
  return files_.sync_directory(directory_of(process_.config_file));
}

bool ServerHost::check_password(std::string_view user, std::string_view password) {
  std::string hash;
  {
    base::MutexLock lock(mutex_);
    hash = settings_.text(kPassword);
  }
  // Compared whoever is named, so that an unknown user takes as long as a wrong password.
  const bool matches = password_matches(password, hash) || hash.empty();
  return matches && user == "default";
}

commands::InfoFields ServerHost::info(std::string_view section) {
  const auto count = [](const std::atomic<std::uint64_t>& counter) {
    return std::to_string(counter.load(std::memory_order_relaxed));
  };
  if (section == "server")
    return {{"process_id", std::to_string(::getpid())},
            {"multiplexing_api", "epoll"},
            {"io_threads_active", std::to_string(threads_.load(std::memory_order_relaxed))},
            {"config_file", process_.config_file}};
  if (section == "memory") {
    base::MutexLock lock(mutex_);
    return {{"stave_maxmemory_source", process_.memory_source}};
  }
  if (section == "cpu") return processor_fields();
  if (section == "clients")
    return {{"maxclients", std::to_string(limits_.clients_max.load(std::memory_order_relaxed))}};
  if (section == "stats") {
    return {{"rejected_connections", count(counters_.rejected)},
            {"total_net_input_bytes", count(counters_.input_bytes)},
            {"total_net_output_bytes", count(counters_.output_bytes)},
            {"client_query_buffer_limit_disconnections", count(counters_.query_limit_closed)},
            {"client_output_buffer_limit_disconnections", count(counters_.output_limit_closed)},
            {"client_idle_disconnections", count(counters_.idle_closed)},
            {"protocol_errors", count(counters_.protocol_errors)}};
  }
  return {};
}

}  // namespace stave::resp
