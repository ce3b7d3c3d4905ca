#include "doors/resp/server_host.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/try.h"
#include "commands/backups.h"
#include "commands/client_registry.h"
#include "commands/encoding_limits.h"
#include "commands/hot_keys.h"
#include "commands/latency_monitor.h"
#include "commands/notices/notices.h"
#include "commands/notices/tracking.h"
#include "commands/policy_names.h"
#include "commands/script/scripts.h"
#include "commands/session.h"
#include "commands/slow_log.h"
#include "commands/snapshots.h"
#include "commands/users.h"
#include "doors/resp/secret.h"
#include "packing/compression.h"
#include "replication/group.h"
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

std::int64_t capacity_of(const commands::SlowLog& log) {
  return static_cast<std::int64_t>(log.capacity());
}

/// The hash alone; empty: no password.
std::string hash_of_password(const Settings& settings) {
  const std::string& text = settings.text(kPassword);
  return text.substr(std::min(text.find(':') + 1, text.size()));
}

tls::Config tls_config(const Settings& settings) {
  return {.certificate = settings.text(option_id("tls-cert-file")),
          .key = settings.text(option_id("tls-key-file")),
          .key_password = settings.text(option_id("tls-key-file-pass")),
          .ca_file = settings.text(option_id("tls-ca-cert-file")),
          .ca_directory = settings.text(option_id("tls-ca-cert-dir")),
          .clients = static_cast<tls::ClientCertificates>(settings.number(option_id("tls-auth-clients"))),
          .protocols = settings.text(option_id("tls-protocols")),
          .ciphers = settings.text(option_id("tls-ciphers")),
          .cipher_suites = settings.text(option_id("tls-ciphersuites")),
          .prefer_own = settings.flag(option_id("tls-prefer-server-ciphers")),
          .caches_sessions = settings.flag(option_id("tls-session-caching"))};
}

/// Whole or not at all: written beside, synced, moved into place.
Result<void> replace_file(FileSystem& files, const std::string& path, std::string_view text) {
  const std::string beside = path + ".new";
  STAVE_ASSIGN(const bool stale, files.exists(beside));
  if (stale) STAVE_TRY(files.remove(beside));
  {
    STAVE_ASSIGN(const auto file, files.open(beside, OpenMode::kCreate));
    STAVE_TRY(file->write_at(0, base::as_bytes(text)));
    STAVE_TRY(file->sync_data());
  }
  STAVE_TRY(files.rename(beside, path));
  return files.sync_directory(directory_of(path));
}

Result<void> load_user_file(FileSystem& files, const std::string& path, commands::Users& users) {
  STAVE_ASSIGN(const std::string text, read_config_file(files, path));
  STAVE_ASSIGN(auto read, users.read(text, path));
  users.replace(std::move(read));
  return {};
}

}  // namespace

Result<void> load_users(const Settings& settings, FileSystem& files, commands::Users& users) {
  users.set_all_channels(settings.number(option_id("acl-pubsub-default")) != 0);
  users.require_password(hash_of_password(settings));
  const std::string& path = settings.text(option_id("aclfile"));
  if (!path.empty() && !settings.user_lines().empty())
    return stave::fail(ErrorCode::kInvalidArgument,
                       "users stand in the configuration file and in aclfile; they can be in one of them only");
  if (!path.empty()) return load_user_file(files, path, users);
  if (settings.user_lines().empty()) return {};
  STAVE_ASSIGN(auto read, users.read(settings.user_lines(), "user lines of the configuration"));
  // Without a line of its own `default` stays what requirepass makes it.
  if (std::ranges::find(read, "default", &commands::AclUser::name) == read.end())
    read.push_back(*users.find("default"));
  users.replace(std::move(read));
  return {};
}

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

void ServerHost::let_go() {
  base::MutexLock lock(mutex_);
  environment_ = nullptr;
}

Result<DialConfig> ServerHost::dial_config() const {
  base::MutexLock lock(mutex_);
  DialConfig config{.user = settings_.text(option_id("masteruser")),
                    .password = settings_.text(option_id("masterauth"))};
  if (!settings_.flag(option_id("tls-replication"))) return config;
  // Read anew for each connection: a certificate that was renewed is used from then on.
  STAVE_ASSIGN(config.tls, tls::make_client_context(tls_config(settings_)));
  return config;
}

Result<void> ServerHost::attach(commands::Environment& environment) {
  base::MutexLock lock(mutex_);
  STAVE_TRY(resp::load_users(settings_, files_, environment.users()));
  password_in_force_ = hash_of_password(settings_);
  environment_ = &environment;
  apply();
  return {};
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
  if (environment_ == nullptr) return;
  commands::Users& users = environment_->users();
  users.set_all_channels(settings_.number(option_id("acl-pubsub-default")) != 0);
  users.log.set_capacity(static_cast<std::size_t>(settings_.number(option_id("acllog-max-len"))));
  // Only when it changed: rules may have given `default` other passwords since.
  if (const std::string hash = hash_of_password(settings_); hash != password_in_force_) {
    users.require_password(hash);
    password_in_force_ = hash;
  }
  environment_->engine().set_sync(settings_.sync());
  environment_->slow_log().set_threshold_us(settings_.number(option_id("slowlog-log-slower-than")));
  environment_->slow_log().set_capacity(static_cast<std::size_t>(settings_.number(option_id("slowlog-max-len"))));
  environment_->large_requests().set_threshold_us(settings_.number(option_id("commandlog-request-larger-than")));
  environment_->large_requests().set_capacity(settings_.size(option_id("commandlog-large-request-max-len")));
  environment_->large_replies().set_threshold_us(settings_.number(option_id("commandlog-reply-larger-than")));
  environment_->large_replies().set_capacity(settings_.size(option_id("commandlog-large-reply-max-len")));
  if (environment_->hot_keys().set_windows({.keys = settings_.size(option_id("hotkeys-top-k")),
                                            .percent = settings_.size(option_id("hotkeys-sampling-percentage")),
                                            .seconds = settings_.size(option_id("hotkeys-window-seconds"))}))
    environment_->clients().visit([](commands::Session& session) { session.set_plain(false); });
  environment_->latency().set_threshold_ms(settings_.number(option_id("latency-monitor-threshold")));
  environment_->notices().set_classes(
      commands::parse_event_classes(settings_.text(option_id("notify-keyspace-events"))).value_or(0));
  environment_->tracking().set_keys_max(settings_.size(option_id("tracking-table-max-keys")));
  environment_->scripts().slow().set_threshold_ms(settings_.number(option_id("busy-reply-threshold")));
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
  environment_->backups().configure(
      {.root = backup_root_,
       .every_ms = settings_.number(option_id("backup-every")),
       .keep = {.count = static_cast<std::uint64_t>(settings_.number(option_id("backup-keep"))),
                .age_ms = settings_.number(option_id("backup-keep-age"))}});
  upkeep.keep_bytes_max.store(settings_.size(option_id("replica-retention-bytes")));
  if (environment_->group() != nullptr) {
    environment_->group()->set_max_lag_ms(settings_.number(option_id("replica-max-lag")));
    environment_->group()->followers().set_rate(settings_.size(option_id("replica-rate")));
    environment_->group()->followers().set_silence_ms(1000 * settings_.number(option_id("min-replicas-max-lag")));
  }
  engine.replicas().ask(static_cast<std::uint32_t>(settings_.number(option_id("min-replicas-durable"))),
                        static_cast<std::uint32_t>(settings_.number(option_id("min-replicas-to-write"))));
  engine.replicas().set_timeout_ns(static_cast<std::uint64_t>(settings_.number(option_id("min-replicas-timeout"))) *
                                   1'000'000);
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
      {option_id("acllog-max-len"), static_cast<std::int64_t>(environment_->users().log.capacity())},
      {option_id("commandlog-request-larger-than"), environment_->large_requests().threshold_us()},
      {option_id("commandlog-large-request-max-len"), capacity_of(environment_->large_requests())},
      {option_id("commandlog-reply-larger-than"), environment_->large_replies().threshold_us()},
      {option_id("commandlog-large-reply-max-len"), capacity_of(environment_->large_replies())},
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

Result<void> ServerHost::reload_tls() {
  base::MutexLock lock(mutex_);
  if (settings_.number(option_id("tls-port")) == 0) return {};
  tls::Config config = tls_config(settings_);
  STAVE_ASSIGN(auto context, tls::make_context(config));
  tls_in_force_ = std::move(config);
  tls_.set(std::move(context));
  return {};
}

Result<void> ServerHost::settle_config() {
  {
    base::MutexLock lock(mutex_);
    if (tls_config(settings_) == tls_in_force_) return {};
  }
  return reload_tls();
}

Result<void> ServerHost::rewrite_config() {
  if (process_.config_file.empty())
    return stave::fail(ErrorCode::kUnsupported, "The server is running without a config file");
  STAVE_ASSIGN(const std::string before, read_config_file(files_, process_.config_file));
  std::string after;
  {
    base::MutexLock lock(mutex_);
    refresh();
    after = settings_.rewritten(before, user_lines());
  }
  return replace_file(files_, process_.config_file, after);
}

// `default` as it is by itself, or with requirepass, needs no line.
std::string ServerHost::user_lines() const {
  if (environment_ == nullptr || !settings_.text(option_id("aclfile")).empty()) return {};
  const auto users = environment_->users().all();
  if (users.size() == 1 && users[0]->enabled && users[0]->allows_everything() && settings_.user_lines().empty())
    return {};
  return environment_->users().written();
}

Result<void> ServerHost::load_users() {
  base::MutexLock lock(mutex_);
  if (environment_ == nullptr || settings_.text(option_id("aclfile")).empty()) return Host::load_users();
  return load_user_file(files_, settings_.text(option_id("aclfile")), environment_->users());
}

Result<void> ServerHost::save_users() {
  base::MutexLock lock(mutex_);
  if (environment_ == nullptr || settings_.text(option_id("aclfile")).empty()) return Host::save_users();
  return replace_file(files_, settings_.text(option_id("aclfile")), environment_->users().written());
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
  if (section == "follower") {
    base::MutexLock lock(mutex_);
    return {{"slave_priority", std::to_string(settings_.number(option_id("replica-priority")))}};
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
            {"evicted_clients", count(counters_.evicted)},
            {"client_idle_disconnections", count(counters_.idle_closed)},
            {"protocol_errors", count(counters_.protocol_errors)}};
  }
  return {};
}

}  // namespace stave::resp
