// `stave follow-redis`: copies a running Redis into a directory, and goes on as it does until told to stop.
//
// What a server does that was told to follow one (replication/group.h), without a door: so a move can begin before
// anybody is served.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/try.h"
#include "commands/environment.h"
#include "commands/host.h"
#include "commands/redis_replica.h"
#include "doors/resp/wire_link.h"
#include "doors/tools/report.h"
#include "doors/tools/server_options.h"
#include "doors/tools/tools.h"
#include "replication/group.h"

namespace stave::tools {

namespace {

constexpr std::int64_t kLookMs = 50;

// A signal handler can reach nothing but globals.
volatile std::sig_atomic_t interrupted = 0;

extern "C" void stop_following(int) {
  interrupted = 1;
}

void catch_interrupts() {
  struct sigaction action = {};
  action.sa_handler = stop_following;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
  action.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &action, nullptr);
}

/// Waits a moment, or until somebody knocks.
class Doze {
 public:
  void wait_ms(std::int64_t ms) STAVE_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    wake_.wait_for_ms(mutex_, ms);
  }
  void knock() { wake_.notify_all(); }

 private:
  base::Mutex mutex_;
  base::ConditionVariable wake_;
};

struct FollowSettings {
  ServerLogin master;
  std::string directory = "./data";
  int databases = 16;
  bool until_caught_up = false;
};

/// One line of the fields that INFO answers; nullopt: it is not among them.
std::optional<std::uint64_t> info_number(std::string_view text, std::string_view name) {
  const std::string head = "\n" + std::string(name) + ":";
  const std::size_t at = text.find(head);
  if (at == std::string_view::npos) return std::nullopt;
  const char* const begin = text.data() + at + head.size();
  std::uint64_t value = 0;
  if (std::from_chars(begin, text.data() + text.size(), value).ec != std::errc{}) return std::nullopt;
  return value;
}

/// Up to where the master's stream goes now.
Result<std::uint64_t> master_offset(const ServerLogin& login) {
  STAVE_ASSIGN(Client client, connect_to(login));
  STAVE_ASSIGN(const Reply reply, client.command({"INFO", "replication"}));
  const auto offset = info_number(reply.text, "master_repl_offset");
  if (!offset) return fail(ErrorCode::kPermission, "the master does not say in INFO how far it is: " + reply.text);
  return *offset;
}

std::string progress_line(const replication::RedisStatus& status) {
  if (status.receiving) {
    const std::string of = status.snapshot_expected == 0 ? "" : " of " + with_unit(status.snapshot_expected);
    return "copying: " + with_unit(status.snapshot_bytes) + of;
  }
  if (status.loading) return "loading the copy";
  if (!status.connected) return "not connected: " + status.trouble;
  return "following: " + with_commas(status.applied) + " commands, " +
         with_commas(status.received - status.position.offset) + " bytes behind";
}

/// One opening of the store. Whether it is to be opened again.
class Run {
 public:
  Run(const FollowSettings& settings, Progress& progress) : settings_(settings), progress_(progress) {}

  /// True: everything that was to be done is.
  Result<bool> once() {
    Options options;
    options.databases = settings_.databases;
    const resp::DialConfig login{.user = settings_.master.user, .password = settings_.master.password};
    const auto dial = [login](const std::string& address) { return resp::dial_redis(address, login); };
    const auto identify = [login](const std::string& address) { return resp::identify_leader(address, login); };
    const auto tell = [this](const std::string& line) { say(line); };
    STAVE_ASSIGN(const auto part, replication::prepare({.directory = settings_.directory,
                                                        .options = options,
                                                        .told = settings_.master.address,
                                                        .rebuild = rebuild_,
                                                        .dial = dial,
                                                        .stopping = [] { return interrupted != 0; },
                                                        .rest = [this](std::int64_t ms) { doze_.wait_ms(ms); },
                                                        .tell = tell,
                                                        .identify = identify}));
    if (!part.redis)
      return fail(ErrorCode::kConflict, "the store in " + settings_.directory + " does not follow the Redis at " +
                                            settings_.master.address +
                                            ": it was told to stop, or a Stave answers there; use an empty directory, "
                                            "or REPLICAOF on a server");
    STAVE_ASSIGN(const auto engine, store::Engine::open(settings_.directory, options, store::Mirroring{}));
    bool done = false;
    {
      std::atomic<bool> reopen{false};
      replication::Group group(*engine, {.leader = {},
                                         .dial = dial,
                                         .tell = tell,
                                         .reopen =
                                             [this, &reopen] {
                                               reopen.store(true);
                                               doze_.knock();
                                             },
                                         .redis = part.redis,
                                         .carried = rebuild_.redis,
                                         .dial_redis = dial});
      commands::Host host;
      commands::Environment environment(*engine, host);
      environment.set_group(&group);
      commands::RedisReplica replica(environment);
      group.set_redis_target(replica);
      group.start();
      auto waited = wait(group, reopen);
      group.stop();
      rebuild_ = group.wanted();
      environment.stop_work();
      STAVE_TRY(engine->close());
      STAVE_ASSIGN(done, std::move(waited));
    }
    return done;
  }

 private:
  void say(const std::string& line) {
    progress_.clear();
    std::fprintf(stderr, "stave: %s\n", line.c_str());
  }

  Result<bool> wait(const replication::Group& group, const std::atomic<bool>& reopen) {
    std::optional<std::uint64_t> target;
    while (!reopen.load()) {
      const auto status = group.redis();
      if (!status) return true;
      if (interrupted != 0) return tell_end("Stopped", *status);
      if (status->stopped) return fail(ErrorCode::kUnsupported, status->trouble);
      if (progress_.due()) progress_.show(progress_line(*status));
      if (settings_.until_caught_up && status->connected && !target) {
        STAVE_ASSIGN(target, master_offset(settings_.master));
      }
      if (target && status->position.offset >= *target) return tell_end("Caught up", *status);
      doze_.wait_ms(kLookMs);
    }
    return false;
  }

  Result<bool> tell_end(const char* what, const replication::RedisStatus& status) {
    progress_.clear();
    std::printf("%s at offset %llu of the Redis at %s, after %s s: %s.\n", what,
                static_cast<unsigned long long>(status.position.offset), status.master.c_str(),
                progress_.elapsed().c_str(), status.whole ? "the store is whole" : "the copy is not here yet");
    return true;
  }

  const FollowSettings& settings_;
  Progress& progress_;
  replication::Rebuild rebuild_;
  Doze doze_;
};

}  // namespace

int run_follow_redis(std::span<const std::string> arguments) {
  FollowSettings settings;
  CLI::App app(
      "Copies everything of a running redis-server or valkey-server into a store, and goes on as it does until told to "
      "stop (SIGINT, SIGTERM). Begun again it goes on where it was. The store is then served with `stave serve`, which "
      "goes on following until REPLICAOF NO ONE.",
      "stave follow-redis");
  app.add_option("master", settings.master.address, "The Redis to copy, as host:port")->required();
  app.add_option("--dir", settings.directory, "Directory of the store, created if there is none [./data]");
  app.add_option("--user", settings.master.user, "User for the master's AUTH");
  app.add_option("--password", settings.master.password,
                 "Password for the master (better: environment STAVE_PASSWORD)");
  app.add_option("--databases", settings.databases, "Number of databases of the store [16]")->check(CLI::Range(1, 255));
  app.add_flag("--until-caught-up", settings.until_caught_up,
               "End once the store has everything that the master had when the copy was here");
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitDone : kExitUsage;
  }
  complete_login(settings.master);
  catch_interrupts();
  Progress progress(Clock::system());
  Run run(settings, progress);
  for (;;) {
    const auto done = run.once();
    if (!done) {
      progress.clear();
      if (interrupted != 0 && done.error().code() == ErrorCode::kAborted) return kExitDone;
      std::fprintf(stderr, "stave: %s\n", done.error().describe().c_str());
      return kExitFailed;
    }
    if (*done) return kExitDone;
  }
}

}  // namespace stave::tools
