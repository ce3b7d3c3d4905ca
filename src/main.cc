// The program `stave`: reads the options, builds everything, hands it down, and ends it in good order.
// The only place that does so.
#include <poll.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/descriptor_budget.h"
#include "base/memory_limit.h"
#include "base/nearest_word.h"
#include "base/process_memory.h"
#include "commands/redis_replica.h"
#include "commands/reference.h"
#include "commands/script/scripts.h"
#include "commands/users.h"
#include "doors/http/server.h"
#include "doors/resp/log_format.h"
#include "doors/resp/redis_conf.h"
#include "doors/resp/server.h"
#include "doors/shell/shell.h"
#include "doors/tools/tools.h"
#include "log/segment.h"
#include "replication/group.h"

extern "C" {
/// jemalloc reads this when the program starts: few arenas, so that what one thread frees serves the others, and free
/// pages go back to the system within half a second.
extern const char* malloc_conf;
const char* malloc_conf = "narenas:2,dirty_decay_ms:500,muzzy_decay_ms:0";
/// jemalloc's; null where a sanitizer brings another allocator.
int mallctl(const char* name, void* old_value, std::size_t* old_size, void* new_value, std::size_t new_size)
    __attribute__((weak));
}

namespace {

using stave::resp::Settings;

constexpr const char* kVersion = STAVE_VERSION;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

// A signal handler can reach nothing but globals.
volatile std::sig_atomic_t stop_asked_seconds = 0;  ///< On the monotonic clock; 0: nobody has.
std::atomic<bool> stop_wanted{false};
std::atomic<bool> reload_wanted{false};
std::atomic<bool> reopen_wanted{false};
int event = -1;

void wake_main() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t done = ::write(event, &one, sizeof one);
}

void ask_to_stop() noexcept {
  stop_wanted.store(true);
  wake_main();
}

/// The store is to be closed and opened again, as something else.
void ask_to_reopen() noexcept {
  reopen_wanted.store(true);
  wake_main();
}

// Whoever asks twice cannot wait. But some ask twice at once and mean once: `timeout` signals its child and then the
// group that this is in.
extern "C" void on_signal(int) {
  constexpr std::sig_atomic_t kOnceSeconds = 1;
  constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
  const auto now = static_cast<std::sig_atomic_t>(stave::Clock::system().monotonic_ns() / kNsPerSecond + 1);
  if (stop_asked_seconds != 0) {
    if (now - stop_asked_seconds > kOnceSeconds) ::_exit(kExitFailed);
    return;
  }
  stop_asked_seconds = now;
  const int kept = errno;
  ask_to_stop();
  errno = kept;
}

extern "C" void on_hangup(int) {
  const int kept = errno;
  reload_wanted.store(true);
  wake_main();
  errno = kept;
}

void catch_signals() {
  static_cast<void>(stave::Clock::system().monotonic_ns());  // it is made here, not in a handler
  struct sigaction action = {};
  action.sa_handler = on_signal;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
  action.sa_handler = on_hangup;
  ::sigaction(SIGHUP, &action, nullptr);
  action.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &action, nullptr);
}

/// Returns when the process is to end or the store to be opened again, or after so long (-1: not before); `reload` is
/// called for each SIGHUP until then.
void wait_for_event(int milliseconds, const std::function<void()>& reload) {
  while (!stop_wanted.load() && !reopen_wanted.load()) {
    if (reload_wanted.exchange(false)) reload();
    pollfd poll{event, POLLIN, 0};
    const int ready = ::poll(&poll, 1, milliseconds);
    if (ready == 0) return;
    std::uint64_t count = 0;
    if (ready > 0) [[maybe_unused]]
      const ssize_t done = ::read(event, &count, sizeof count);
  }
}

int complain(const stave::Error& error, int code) {
  std::fprintf(stderr, "stave: %s\n", error.describe().c_str());
  return code;
}

/// What a configuration file says that means nothing here, or is always otherwise: told once, not refused.
using Remarks = std::vector<std::string>;

/// Default, then file, then environment, then flags.
stave::Result<Settings> read_settings(const std::string& config_file, const std::map<std::string, std::string>& flags,
                                      Remarks& remarks) {
  Settings settings;
  if (!config_file.empty()) {
    auto text = stave::resp::read_config_file(stave::FileSystem::system(), config_file);
    if (!text) return std::unexpected(std::move(text).error());
    auto conf = stave::resp::read_conf(config_file, *text);
    if (!conf) return std::unexpected(std::move(conf).error());
    if (auto done = settings.load(config_file, conf->text); !done) return std::unexpected(std::move(done).error());
    remarks = std::move(conf->notes);
    std::string names;
    for (const std::string& name : conf->without_meaning) names += (names.empty() ? "" : ", ") + name;
    if (!names.empty()) remarks.push_back("these options of Redis mean nothing here: " + names);
    for (std::string& remark : remarks) remark = config_file + ": " + remark;
  }
  if (auto done = settings.load_environment(&std::getenv); !done) return std::unexpected(std::move(done).error());
  for (const auto& [name, value] : flags)
    if (auto done = settings.set(name, value); !done) return std::unexpected(std::move(done).error());
  return settings;
}

/// What a server may take that nobody gave a limit; returns where that comes from, for INFO. Nothing is left to chance
/// in a container: the system would end the process without a word.
std::string limit_memory(Settings& settings) {
  if (settings.given(stave::resp::option_id("maxmemory"))) return "option";
  const auto limit = stave::base::memory_limit();
  if (!limit) return "none";
  const std::uint64_t share = limit->of_cgroup ? limit->bytes / 4 * 3 : limit->bytes / 2;
  settings.assume(stave::resp::option_id("maxmemory"), static_cast<std::int64_t>(share));
  return limit->of_cgroup ? "cgroup" : "machine";
}

void report_recovery(spdlog::logger& log, stave::store::Engine& engine) {
  const stave::store::EngineStats stats = engine.stats();
  if (stats.log.tail == stave::log::kFirstLsn) {
    log.info("The store is new.");
    return;
  }
  log.info("Recovered {} records, {:.1f} MiB of log, in {:.3f} s; the last close was {}.", stats.recovery.records,
           static_cast<double>(stats.recovery.bytes) / (1 << 20), static_cast<double>(stats.recovery_ns) / 1e9,
           stats.recovery.clean ? "clean" : "not clean");
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

stave::http::Config http_config(const Settings& settings, bool open) {
  using stave::resp::option_id;
  const auto size = [&](std::size_t id) { return static_cast<std::size_t>(settings.number(id)); };
  stave::http::Config config;
  config.addresses = words_of(settings.text(option_id("http-bind")));
  config.port = static_cast<int>(std::max<std::int64_t>(settings.number(option_id("http-port")), 0));
  config.threads = size(option_id("http-threads"));
  if (config.threads == 0) config.threads = std::clamp(std::thread::hardware_concurrency() / 2, 1u, 4u);
  config.url_bytes_max = size(option_id("http-max-url"));
  config.head_bytes_max = size(option_id("http-max-header"));
  config.body_bytes_max = size(option_id("proto-max-bulk-len"));
  config.json_bytes_max = size(option_id("http-max-json"));
  config.memory_bytes_max = size(option_id("http-max-memory"));
  config.answer_bytes_max = size(option_id("output-buffer-hard-limit"));
  config.connections_max = settings.number(option_id("http-max-connections"));
  config.head_timeout_ms = settings.number(option_id("http-header-timeout"));
  config.body_timeout_ms = settings.number(option_id("http-body-timeout"));
  config.idle_timeout_ms = settings.number(option_id("http-idle-timeout"));
  config.stop_timeout_ms = settings.number(option_id("http-stop-timeout"));
  config.cors_origins = words_of(settings.text(option_id("http-cors-origins")));
  config.loopback_hosts_only = settings.flag(option_id("protected-mode")) && open;
  config.access_log = static_cast<stave::http::AccessLog>(settings.number(option_id("http-access-log")));
  config.tls_certificate = settings.text(option_id("tls-cert-file"));
  config.tls_key = settings.text(option_id("tls-key-file"));
  config.tls_key_password = settings.text(option_id("tls-key-file-pass"));
  config.version = kVersion;
  return config;
}

/// How many connections are to be served at most, through all doors.
std::int64_t connections_wanted(const Settings& settings) {
  using stave::resp::option_id;
  const bool http = settings.number(option_id("http-port")) != 0;
  return settings.number(option_id("maxclients")) + (http ? settings.number(option_id("http-max-connections")) : 0);
}

/// Null when there is to be no HTTP.
stave::Result<std::unique_ptr<stave::http::Server>> start_http(const Settings& settings, bool open,
                                                               stave::base::DescriptorBudget& descriptors,
                                                               spdlog::logger& log) {
  if (settings.number(stave::resp::option_id("http-port")) == 0) return nullptr;
  const auto write_lines = [](std::string_view lines) {
    while (!lines.empty()) {
      const ssize_t count = ::write(STDOUT_FILENO, lines.data(), lines.size());
      if (count < 0 && errno != EINTR) return;  // nobody reads them
      lines.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    }
  };
  return stave::http::Server::start(http_config(settings, open), descriptors, stave::Clock::system(), log, write_lines);
}

void reload(stave::http::Server* http, stave::resp::ServerHost& host, spdlog::logger& log) {
  auto done = host.reload_tls();
  if (done && http != nullptr) done = http->reload_tls();
  if (!done) {
    log.error("SIGHUP: the certificate stays as it was: {}", done.error().describe());
  } else {
    log.info("SIGHUP: certificate and key were read again.");
  }
}

/// What the process takes, once free pages that are due have gone back: an allocator looks at the time only when it is
/// called.
std::uint64_t process_memory() {
  if (mallctl != nullptr) mallctl("arena.4096.decay", nullptr, nullptr, nullptr, 0);  // 4096: all of them
  return stave::base::own_memory().value_or(0);
}

/// What stays while the store is closed and opened again.
struct Life {
  Settings& settings;  ///< Ports that were free are noted in it, so that they stay.
  const stave::Options& options;
  stave::resp::ServerHost& host;
  stave::base::DescriptorBudget& descriptors;
  spdlog::logger& log;
  stave::replication::Rebuild rebuild = {};
};

/// Where this server says to be served, as a follower.
std::uint16_t announced_port(const Settings& settings) {
  using stave::resp::option_id;
  std::int64_t port = settings.number(option_id("replica-announce-port"));
  if (port == 0)
    port = settings.number(settings.flag(option_id("tls-replication")) ? option_id("tls-port") : option_id("port"));
  return static_cast<std::uint16_t>(std::max<std::int64_t>(port, 0));
}

stave::Result<std::unique_ptr<stave::replication::Link>> dial(const Life& life, const std::string& leader) {
  const auto config = life.host.dial_config();
  if (!config) return stave::fail(config.error().clone());
  return stave::resp::dial_leader(leader, *config);
}

stave::Result<std::unique_ptr<stave::replication::Link>> dial_redis(const Life& life, const std::string& master) {
  const auto config = life.host.dial_config();
  if (!config) return stave::fail(config.error().clone());
  return stave::resp::dial_redis(master, *config);
}

stave::Result<stave::replication::Peer> identify(const Life& life, const std::string& leader) {
  const auto config = life.host.dial_config();
  if (!config) return stave::fail(config.error().clone());
  return stave::resp::identify_leader(leader, *config);
}

stave::Result<stave::replication::Part> prepare(const Life& life) {
  return stave::replication::prepare(
      {.directory = life.settings.text(stave::resp::option_id("dir")),
       .options = life.options,
       .told = life.settings.text(stave::resp::option_id("follow")),
       .rebuild = life.rebuild,
       .host = life.settings.text(stave::resp::option_id("replica-announce-ip")),
       .port = announced_port(life.settings),
       .dial = [&life](const std::string& leader) { return dial(life, leader); },
       .stopping = [] { return stop_wanted.load(); },
       .rest = [](std::int64_t ms) { wait_for_event(static_cast<int>(ms), [] {}); },
       .tell = [&life](const std::string& line) { life.log.info("Replication: {}", line); },
       .identify = [&life](const std::string& leader) { return identify(life, leader); }});
}

stave::replication::Group::Config group_config(const Life& life, const stave::replication::Part& part) {
  return {.leader = part.leader,
          .host = life.settings.text(stave::resp::option_id("replica-announce-ip")),
          .port = announced_port(life.settings),
          .dial = [&life](const std::string& leader) { return dial(life, leader); },
          .tell = [&life](const std::string& line) { life.log.info("Replication: {}", line); },
          .reopen = ask_to_reopen,
          .max_lag_ms = life.settings.number(stave::resp::option_id("replica-max-lag")),
          .redis = part.redis,
          .carried = life.rebuild.redis,
          .dial_redis = [&life](const std::string& master) { return dial_redis(life, master); },
          .identify = [&life](const std::string& leader) { return identify(life, leader); }};
}

/// Half a copy is not served: it never was what the leader's store was.
void wait_until_whole(const stave::replication::Group& group, spdlog::logger& log) {
  constexpr int kLookMs = 20;
  if (group.whole()) return;
  while (!group.whole() && !stop_wanted.load() && !reopen_wanted.load()) wait_for_event(kLookMs, [] {});
  if (group.whole()) log.info("Replication: the copy is whole.");
}

void serve_store(Life& life, stave::commands::Environment& environment, stave::resp::Server& server,
                 stave::http::Server* http) {
  using stave::resp::option_id;
  Settings& settings = life.settings;
  if (settings.number(option_id("port")) < 0) settings.assume(option_id("port"), server.port());
  if (http != nullptr) {
    http->serve(environment);
    if (settings.number(option_id("http-port")) < 0) settings.assume(option_id("http-port"), http->port());
  }
  const std::string web = http != nullptr ? " and " + http->addresses() : "";
  std::printf("Stave %s is ready on %s%s, serving %s with %zu thread%s, sync = %s.\n", kVersion,
              server.addresses().c_str(), web.c_str(), settings.text(option_id("dir")).c_str(), server.threads(),
              server.threads() == 1 ? "" : "s", settings.text(option_id("sync")).c_str());
  std::fflush(stdout);
  wait_for_event(-1, [&] { reload(http, life.host, life.log); });
  if (stop_wanted.load()) life.log.info("Stopping.");
  if (http != nullptr) http->stop();
  server.stop();
}

/// What writers wait for while the store hands over to a follower.
constexpr stave::commands::Pause kPausedForGood{.until_ns = std::uint64_t{1} << 62, .writes_only = true};
constexpr stave::commands::Pause kNotPaused{};

/// Before the environment goes, whom the engine's threads tell of keys that leave, however it comes to that.
struct Closing {
  stave::store::Engine& engine;
  stave::replication::Group& group;
  stave::commands::Environment& environment;
  ~Closing() {
    group.stop();
    environment.stop_work();
    static_cast<void>(engine.close());
  }
};

/// Opens the store and serves it until the process is to end, or the store to be opened again. Returns the exit code.
int live_once(Life& life, bool open) {
  using stave::resp::option_id;
  // Before the store, so that whoever asks while it recovers is told so.
  auto http = start_http(life.settings, open, life.descriptors, life.log);
  if (!http) return complain(http.error(), kExitFailed);
  reopen_wanted.store(false);
  const auto part = prepare(life);
  if (!part) return stop_wanted.load() ? 0 : complain(part.error(), kExitFailed);
  const std::string& directory = life.settings.text(option_id("dir"));
  auto engine = part->redis     ? stave::store::Engine::open(directory, life.options, stave::store::Mirroring{})
                : part->follows ? stave::store::Engine::open(directory, life.options, part->following)
                                : stave::store::Engine::open(directory, life.options);
  if (!engine) return complain(engine.error(), kExitFailed);
  report_recovery(life.log, **engine);
  stave::Result<void> closed;
  {
    stave::replication::Group group(**engine, group_config(life, *part));
    stave::commands::Environment environment(**engine, life.host);
    environment.set_group(&group);
    stave::commands::RedisReplica replica(environment);
    group.set_redis_target(replica);
    group.set_hooks({.pause = [&environment](bool on) { environment.set_pause(on ? kPausedForGood : kNotPaused); },
                     .led = [&environment] { environment.scripts().reload_functions(); }});
    const Closing closing{.engine = **engine, .group = group, .environment = environment};
    if (auto attached = life.host.attach(environment); !attached) return complain(attached.error(), kExitFailed);
    group.start();
    wait_until_whole(group, life.log);
    if (!stop_wanted.load() && !reopen_wanted.load()) {
      // Libraries of functions may have come since the environment was made.
      if (part->follows) environment.scripts().reload_functions();
      auto server = stave::resp::Server::start(life.settings, life.host, environment, life.descriptors, life.log);
      if (!server) return complain(server.error(), kExitFailed);
      serve_store(life, environment, **server, http->get());
    }
    group.stop();
    life.rebuild = group.wanted();
    environment.stop_work();
    closed = (*engine)->close();
    life.host.let_go();
  }
  if (!closed && stop_wanted.load()) return complain(closed.error(), kExitFailed);
  if (stop_wanted.load()) life.log.info("Everything is on disk. Goodbye.");
  return 0;
}

int serve(Settings settings, const std::string& config_file, const Remarks& remarks) {
  const auto log = spdlog::stderr_color_mt("stave");
  if (settings.number(stave::resp::option_id("log-format")) != 0) log->set_formatter(stave::resp::json_lines());
  stave::resp::set_log_level(*log, settings);
  for (const std::string& remark : remarks) log->warn("{}", remark);
  const std::string memory_source = limit_memory(settings);
  // Looked at before anything is opened; the store has its own once it is there.
  stave::commands::Users users;
  if (auto loaded = stave::resp::load_users(settings, stave::FileSystem::system(), users); !loaded)
    return complain(loaded.error(), kExitUsage);
  if (auto safe = stave::resp::check_protected(settings, users.open()); !safe)
    return complain(safe.error(), kExitUsage);
  auto options = settings.store_options();
  if (!options) return complain(options.error(), kExitUsage);
  options->notice = [&log](std::string_view text) { log->warn("{}", text); };
  options->information = [&log](std::string_view text) { log->info("{}", text); };
  // The process is the store's alone, so that maxmemory holds for all of it.
  if (stave::base::own_memory()) options->process_memory = process_memory;
  event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  catch_signals();
  // One budget for both doors, so that together they leave the store its own.
  stave::base::DescriptorBudget descriptors(stave::base::descriptors_for_doors(connections_wanted(settings)));
  stave::resp::ServerHost host(settings,
                               {.config_file = config_file, .memory_source = memory_source, .shut_down = ask_to_stop},
                               stave::FileSystem::system(), *log);
  Life life{.settings = settings, .options = *options, .host = host, .descriptors = descriptors, .log = *log};
  for (;;) {
    const int code = live_once(life, users.open());
    if (code != 0 || stop_wanted.load()) return code;
    log->info("The store is opened again.");
  }
}

/// One flag for each row of the options table.
void add_options(CLI::App& command, std::map<std::string, std::string>& flags) {
  for (const stave::resp::Option& option : stave::resp::kOptions) {
    if (option.change == stave::resp::Change::kFixed) continue;
    const std::string name(option.name);
    std::string help(option.help);
    if (!option.initial.empty()) help += " [" + std::string(option.initial) + "]";
    command
        .add_option_function<std::string>(
            "--" + name, [&flags, name](const std::string& value) { flags[name] = value; }, help)
        ->type_name(option.unit.empty() ? "VALUE" : std::string(option.unit))
        ->group("Options");
  }
}

bool has_subcommand(const CLI::App& app, std::string_view name) {
  return std::ranges::any_of(app.get_subcommands({}),
                             [&](const CLI::App* subcommand) { return subcommand->get_name() == name; });
}

/// What was meant by the first word or option that there is none of.
void suggest(const CLI::App& app, const CLI::App& serving, const std::vector<std::string>& words) {
  std::vector<std::string> names;
  for (const CLI::App* const subcommand : app.get_subcommands({})) names.push_back(subcommand->get_name());
  const auto tell = [&](const std::string& word) {
    if (std::ranges::find(names, word) != names.end()) return false;
    const std::vector<std::string_view> known(names.begin(), names.end());
    const std::string_view meant = stave::base::nearest_word(word, known);
    if (!meant.empty()) std::fprintf(stderr, "Did you mean %.*s?\n", static_cast<int>(meant.size()), meant.data());
    return !meant.empty();
  };
  if (tell(words.front()) || words.front() != serving.get_name()) return;
  names.clear();
  for (const CLI::Option* const option : serving.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  for (const std::string& word : words)
    if (word.starts_with("--") && tell(word.substr(0, word.find('=')))) return;
}

}  // namespace

int main(int argc, char** argv) {
  // The shell reads its arguments itself: what follows its first word belongs to a command and must not look like
  // options.
  if (argc > 1 && std::string_view(argv[1]) == "shell") {
    const std::vector<std::string> arguments(argv + 2, argv + argc);
    return stave::shell::run(arguments);
  }
  for (const stave::tools::Tool& tool : stave::tools::kTools) {
    if (argc > 1 && argv[1] == tool.name) return tool.run(std::vector<std::string>(argv + 2, argv + argc));
  }
  CLI::App app("Stave: a durable key-value store. Link it, talk to it, curl it.", "stave");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("stave ") + kVersion);
  std::map<std::string, std::string> flags;
  std::string config_file;
  CLI::App* const serving = app.add_subcommand("serve", "Serve a store to Redis and HTTP clients");
  serving->add_option("--config", config_file,
                      "Configuration file, lines `name value`, also Redis'; environment and flags win over it");
  serving->add_option("file", config_file, "The same without --config: stave serve redis.conf");
  add_options(*serving, flags);
  app.add_subcommand("shell", "Type commands to a directory, a JSON file or a server (stave shell --help)");
  for (const stave::tools::Tool& tool : stave::tools::kTools)
    app.add_subcommand(std::string(tool.name), std::string(tool.help));
  CLI::App* const reference = app.add_subcommand("options", "Print the table of options as Markdown");
  CLI::App* const commands = app.add_subcommand("commands", "Print the reference of all commands as Markdown");
  CLI::App* const version = app.add_subcommand("version", "Print the version");
  CLI::App* const help = app.add_subcommand("help", "Print this help");
  const std::string overview = app.help();  // once parsed, it would be that of the subcommand
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (argc > 1 && argv[1][0] != '-' && !has_subcommand(app, argv[1])) {
      std::fprintf(stderr, "stave: there is no subcommand \"%s\"\n", argv[1]);
      suggest(app, *serving, {argv[1]});
      std::fputs("Run stave --help for all of them.\n", stderr);
      return kExitUsage;
    }
    const int code = app.exit(error) == 0 ? 0 : kExitUsage;
    if (code != 0 && argc > 1) suggest(app, *serving, std::vector<std::string>(argv + 1, argv + argc));
    return code;
  }
  if (*version) {
    std::printf("stave %s\n", kVersion);
    return 0;
  }
  if (*reference) {
    std::fputs(stave::resp::options_reference().c_str(), stdout);
    return 0;
  }
  if (*commands) {
    std::fputs(stave::commands::command_reference().c_str(), stdout);
    return 0;
  }
  if (*help) {
    std::fputs(overview.c_str(), stdout);
    return 0;
  }
  Remarks remarks;
  auto settings = read_settings(config_file, flags, remarks);
  if (!settings) return complain(settings.error(), kExitUsage);
  return serve(std::move(*settings), config_file, remarks);
}
