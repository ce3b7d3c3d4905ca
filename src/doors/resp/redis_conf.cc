#include "doors/resp/redis_conf.h"

#include <algorithm>
#include <string>

#include "base/nearest_word.h"
#include "doors/resp/settings.h"

namespace stave::resp {

namespace {

/// Of Redis 7.2 and before; names that end in '*' stand for all that begin so.
constexpr std::string_view kWithoutMeaning[] = {"activedefrag",
                                                "active-defrag-*",
                                                "active-expire-effort",
                                                "activerehashing",
                                                "always-show-logo",
                                                "aof-*",
                                                "appenddirname",
                                                "appendfilename",
                                                "auto-aof-rewrite-*",
                                                "aof_rewrite_cpulist",
                                                "bgsave_cpulist",
                                                "bio_cpulist",
                                                "server_cpulist",
                                                "bind-source-addr",
                                                "busy-reply-threshold",
                                                "cluster-*",
                                                "crash-log-enabled",
                                                "crash-memcheck-enabled",
                                                "debug-*",
                                                "disable-thp",
                                                "dynamic-hz",
                                                "enable-debug-command",
                                                "enable-module-command",
                                                "enable-protected-configs",
                                                "hll-sparse-max-bytes",
                                                "hz",
                                                "ignore-warnings",
                                                "io-threads",
                                                "io-threads-do-reads",
                                                "jemalloc-bg-thread",
                                                "latency-tracking",
                                                "latency-tracking-info-percentiles",
                                                "lazyfree-*",
                                                "lfu-*",
                                                "locale-collate",
                                                "logfile",
                                                "lua-time-limit",
                                                "maxmemory-eviction-tenacity",
                                                "maxmemory-samples",
                                                "no-appendfsync-on-rewrite",
                                                "oom-score-adj",
                                                "oom-score-adj-values",
                                                "pidfile",
                                                "proc-title-template",
                                                "propagation-error-behavior",
                                                "rdb-*",
                                                "rdbchecksum",
                                                "rdbcompression",
                                                "repl-*",
                                                "replica-*",
                                                "replicas-*",
                                                "sanitize-dump-payload",
                                                "set-proc-title",
                                                "shutdown-*",
                                                "slave-*",
                                                "socket-mark-id",
                                                "stop-writes-on-bgsave-error",
                                                "stream-node-max-bytes",
                                                "stream-node-max-entries",
                                                "supervised",
                                                "syslog-*",
                                                "client-output-buffer-limit",
                                                "maxmemory-clients",
                                                "acllog-max-len",
                                                "acl-pubsub-default",
                                                "slot-migration-*",
                                                "unixsocketperm"};

struct Refused {
  std::string_view name;
  std::string_view unless;  ///< A value that means nothing; "-": there is none.
  std::string_view why;
};
constexpr Refused kRefused[] = {
    {"replicaof", "-", "its data would have to be Redis'; a leader that is a Stave is named by `follow host:port`"},
    {"slaveof", "-", "its data would have to be Redis'; a leader that is a Stave is named by `follow host:port`"},
    {"cluster-enabled", "no", "a server is not part of a cluster"},
    {"rename-command", "-", "commands keep their names; take the right to them away from users instead (ACL)"},
    {"loadmodule", "-", "there are no modules"},
    {"include", "-", "name one file that holds everything"},
    {"min-replicas-to-write", "0", "writes do not wait for followers yet"},
    {"min-slaves-to-write", "0", "writes do not wait for followers yet"},
};

bool stands_for(std::string_view pattern, std::string_view name) noexcept {
  if (!pattern.ends_with('*')) return pattern == name;
  return name.starts_with(pattern.substr(0, pattern.size() - 1));
}

std::string unknown(std::string_view name) {
  return "there is no option \"" + std::string(name) + "\"" + base::did_you_mean(name, option_names());
}

class Reader {
 public:
  explicit Reader(std::string_view file_name) : file_name_(file_name) {}

  Result<void> take(std::string_view line) {
    ++number_;
    const auto [name, value] = split_conf_line(line);
    // Users are lines of their own.
    if (name.empty() || name == "user") return keep(line);
    const Option* const option = Settings::find(name);
    const auto* const refused = std::ranges::find(kRefused, name, &Refused::name);
    if (refused != std::end(kRefused) && (option == nullptr || option->change == Change::kFixed)) {
      if (value == refused->unless) return leave_out(name);
      return bad(ErrorCode::kInvalidArgument, name + ": " + std::string(refused->why) + "; remove the line");
    }
    if (option != nullptr && option->change == Change::kFixed) {
      Settings settings;
      if (auto done = settings.set(name, value); !done) found_.notes.push_back(done.error().message());
      found_.text += "#\n";
      return {};
    }
    if (option != nullptr) return keep(line);
    if (std::ranges::any_of(kWithoutMeaning, [&](std::string_view known) { return stands_for(known, name); }))
      return leave_out(name);
    return bad(ErrorCode::kNotFound, unknown(name));
  }
  ConfText found() { return std::move(found_); }

 private:
  Result<void> keep(std::string_view line) {
    found_.text.append(line).append("\n");
    return {};
  }
  Result<void> leave_out(const std::string& name) {
    if (std::ranges::find(found_.without_meaning, name) == found_.without_meaning.end())
      found_.without_meaning.push_back(name);
    found_.text += "#\n";
    return {};
  }
  std::unexpected<Error> bad(ErrorCode code, const std::string& what) const {
    return stave::fail(code, file_name_ + ", line " + std::to_string(number_) + ": " + what);
  }

  const std::string file_name_;
  int number_ = 0;
  ConfText found_;
};

}  // namespace

Result<ConfText> read_conf(std::string_view file_name, std::string_view text) {
  Reader reader(file_name);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (auto taken = reader.take(text.substr(0, end)); !taken) return std::unexpected(std::move(taken).error());
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return reader.found();
}

}  // namespace stave::resp
