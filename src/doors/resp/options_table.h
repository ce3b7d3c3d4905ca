// Every option of the server, one row each: its name, type, default (here and nowhere else), unit, bounds, whether it
// can change while the server runs, and one sentence. Flags, environment, configuration file, CONFIG and
// docs/reference/options.md are all made from these rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

namespace stave::resp {

enum class OptionType : std::uint8_t {
  kInteger,
  kBytes,     ///< 100, 64kb, 1gb (powers of 1024), 1k, 1m, 1g (powers of 1000), as in Redis.
  kDuration,  ///< A bare number is in the option's unit; or 250us, 500ms, 30s, 5m, 1h, 7d.
  kRatio,     ///< 0, or a number such as 2 or 1.25 within the bounds; kept, and bounded, in thousandths.
  kFlag,      ///< yes or no.
  kChoice,    ///< One of the words in `choices`.
  kText,
  kFileName,    ///< A plain name, without a directory.
  kSavePoints,  ///< Pairs of seconds and changes, separated by blanks.
  kEvents,      ///< Letters of classes of events (notices/notices.h), kept as Redis prints them.
  kSecret,      ///< Never shown; kept as a SHA-256.
  kSecretText,  ///< Never shown.
};

enum class Change : std::uint8_t {
  kLive,     ///< CONFIG SET works at once.
  kRestart,  ///< Only read at the start.
  kFixed,    ///< There for clients that ask; has this one value.
};

struct Option {
  std::string_view name;
  OptionType type;
  std::string_view initial;
  std::string_view unit = {};  ///< "seconds", "milliseconds", "microseconds", "bytes", or nothing.
  std::int64_t least = 0;
  std::int64_t most = 0;
  Change change = Change::kRestart;
  std::string_view help;
  std::string_view choices = {};  ///< Separated by blanks, for kChoice.
};

inline constexpr std::int64_t kMega = 1024 * 1024;
inline constexpr std::int64_t kGiga = 1024 * kMega;
inline constexpr std::int64_t kInt32Max = std::numeric_limits<std::int32_t>::max();
inline constexpr std::int64_t kInt64Max = std::numeric_limits<std::int64_t>::max();
inline constexpr std::int64_t kYearSeconds = 366 * 86'400;
inline constexpr std::int64_t kYearMs = kYearSeconds * 1000;

inline constexpr Option kOptions[] = {
    {"bind", OptionType::kText, "127.0.0.1 -::1", "", 0, 0, Change::kRestart,
     "Addresses to listen on, separated by blanks; one with a leading '-' may be missing on this machine."},
    {"port", OptionType::kInteger, "6379", "", -1, 65535, Change::kRestart,
     "TCP port of the Redis protocol; 0: none; -1: any free one."},
    {"tls-port", OptionType::kInteger, "0", "", -1, 65535, Change::kRestart,
     "TCP port of the Redis protocol over TLS; 0: none; -1: any free one. With port 0 there is no other."},
    {"unixsocket", OptionType::kText, "", "", 0, 0, Change::kRestart,
     "Path of a socket of the file system at which the Redis protocol is spoken; empty: none."},
    {"unixsocketperm", OptionType::kInteger, "0", "", 0, 777, Change::kRestart,
     "Permissions of that socket, in octal such as 770; 0: what the process gives."},
    {"http-bind", OptionType::kText, "127.0.0.1", "", 0, 0, Change::kRestart,
     "Addresses of the HTTP door, separated by blanks; one with a leading '-' may be missing on this machine."},
    {"http-port", OptionType::kInteger, "8080", "", -1, 65535, Change::kRestart,
     "TCP port of the HTTP door; 0: no HTTP; -1: any free one."},
    {"http-threads", OptionType::kInteger, "0", "", 0, 256, Change::kRestart,
     "Threads that serve HTTP; 0: half of the processors, at least 1 and at most 4."},
    {"http-max-connections", OptionType::kInteger, "10000", "", 1, 1'000'000, Change::kRestart,
     "HTTP connections served at the same time; more are told 503."},
    {"http-max-url", OptionType::kBytes, "16kb", "bytes", 1024, kMega, Change::kRestart,
     "Longest request line; longer ones are told 414."},
    {"http-max-header", OptionType::kBytes, "32kb", "bytes", 1024, 4 * kMega, Change::kRestart,
     "Longest header of a request, its first line included; longer ones are told 431."},
    {"http-max-json", OptionType::kBytes, "16mb", "bytes", 1024, 512 * kMega, Change::kRestart,
     "Longest document of a batch or of commands; longer ones are told 413. Values may have proto-max-bulk-len."},
    {"http-max-memory", OptionType::kBytes, "2gb", "bytes", kMega, 1024 * kGiga, Change::kRestart,
     "Memory for all request bodies being received; beyond it requests are told 503."},
    {"http-header-timeout", OptionType::kDuration, "10s", "milliseconds", 1, 3'600'000, Change::kRestart,
     "A request's header has to come within this time; else it is told 408."},
    {"http-body-timeout", OptionType::kDuration, "30s", "milliseconds", 1, 3'600'000, Change::kRestart,
     "A body, or whoever reads an answer, must not stand still, or be slower than 1 KB/s, for so long; a body is told "
     "408."},
    {"http-idle-timeout", OptionType::kDuration, "300s", "milliseconds", 1, kYearSeconds * 1000, Change::kRestart,
     "A connection without a request is closed after this time."},
    {"http-stop-timeout", OptionType::kDuration, "10s", "milliseconds", 0, 3'600'000, Change::kRestart,
     "At the end, requests in flight get so long to finish."},
    {"http-cors-origins", OptionType::kText, "", "", 0, 0, Change::kRestart,
     "Origins whose pages may use the HTTP door, separated by blanks, such as https://example.org; *: any; empty: "
     "none."},
    {"http-access-log", OptionType::kChoice, "off", "", 0, 0, Change::kRestart,
     "A line on the standard output for each HTTP request.", "off text json"},
    {"tls-cert-file", OptionType::kText, "", "", 0, 0, Change::kLive,
     "Certificate chain of all doors (PEM); with tls-key-file the HTTP door speaks https only. All files are read "
     "again "
     "on SIGHUP, and by CONFIG SET for the Redis protocol (the HTTP door keeps those of the start)."},
    {"tls-key-file", OptionType::kText, "", "", 0, 0, Change::kLive, "Private key of the certificate (PEM)."},
    {"tls-key-file-pass", OptionType::kSecretText, "", "", 0, 0, Change::kLive, "Password of that file; never shown."},
    {"tls-ca-cert-file", OptionType::kText, "", "", 0, 0, Change::kLive,
     "Certificates of who may have signed those of clients (PEM); of the Redis protocol, likewise all below."},
    {"tls-ca-cert-dir", OptionType::kText, "", "", 0, 0, Change::kLive, "A directory of such certificates."},
    {"tls-auth-clients", OptionType::kChoice, "yes", "", 0, 0, Change::kLive,
     "Whether clients at tls-port must show a certificate, may, or are not asked.", "no optional yes"},
    {"tls-auth-clients-user", OptionType::kChoice, "off", "", 0, 0, Change::kLive,
     "CN: who shows a certificate whose common name is a user's is that user without AUTH.", "off cn"},
    {"tls-protocols", OptionType::kText, "", "", 0, 0, Change::kLive,
     "TLSv1.2, TLSv1.3, or both, which is so when it is empty."},
    {"tls-ciphers", OptionType::kText, "", "", 0, 0, Change::kLive,
     "Ciphers of TLS 1.2, as OpenSSL lists them; empty: OpenSSL's choice."},
    {"tls-ciphersuites", OptionType::kText, "", "", 0, 0, Change::kLive, "The same of TLS 1.3."},
    {"tls-prefer-server-ciphers", OptionType::kFlag, "no", "", 0, 1, Change::kLive,
     "The server's order of ciphers counts, not the client's."},
    {"tls-session-caching", OptionType::kFlag, "yes", "", 0, 1, Change::kLive,
     "Clients may take up a session again without all of its beginning."},
    {"dir", OptionType::kText, "data", "", 0, 0, Change::kRestart,
     "Directory of the store; created when it is missing."},
    {"sync", OptionType::kChoice, "always", "", 0, 0, Change::kLive,
     "When a write counts as done: always = on disk before the reply; interval = on disk within sync-interval; os = "
     "when the operating system pleases.",
     "always interval os"},
    {"sync-interval", OptionType::kDuration, "1s", "milliseconds", 1, 3'600'000, Change::kRestart,
     "Longest time a write stays unsynced under sync = interval."},
    {"threads", OptionType::kInteger, "0", "", 0, 256, Change::kRestart,
     "Threads that serve connections; 0: half of the processors, at least 1 and at most 8."},
    {"databases", OptionType::kInteger, "16", "", 1, 255, Change::kRestart, "Number of databases."},
    {"segment-size", OptionType::kBytes, "64mb", "bytes", 64 * 1024, 4 * kGiga, Change::kRestart,
     "A segment of the log is closed when it reaches this size."},
    {"segment-age", OptionType::kDuration, "0", "milliseconds", 0, kYearSeconds * 1000, Change::kRestart,
     "A segment of the log is closed when its first record is this old; 0: never by age."},
    {"log-buffer", OptionType::kBytes, "4mb", "bytes", 64 * 1024, kGiga, Change::kRestart,
     "Memory for log records on their way to the disk; a power of two."},
    {"disk-reserve", OptionType::kBytes, "16mb", "bytes", 0, 1024 * kGiga, Change::kRestart,
     "Writes are refused while the file system has less room than this and a segment, which is for cleaning."},
    {"maxmemory", OptionType::kBytes, "0", "bytes", 0, 1024 * kGiga, Change::kLive,
     "Memory that keys, values, indexes and what clients have not read may take, log-buffer included; 0: no limit. "
     "When "
     "it is not given, three quarters of what the container may take (cgroup), or half of the machine's memory."},
    {"maxmemory-policy", OptionType::kChoice, "spill", "", 0, 0, Change::kLive,
     "What gives way at maxmemory: spill = cold values leave memory and stay in the log, nothing is lost; noeviction = "
     "writes that need memory are refused; the others delete keys, as in Redis.",
     "spill noeviction allkeys-lru allkeys-lfu allkeys-random volatile-lru volatile-lfu volatile-random volatile-ttl"},
    {"compression", OptionType::kChoice, "lz4", "", 0, 0, Change::kLive,
     "How values are packed in the log from now on; zstd is smaller and trains dictionaries for small values.",
     "none lz4 zstd"},
    {"compression-level", OptionType::kInteger, "3", "", 1, 19, Change::kLive, "zstd's: higher is smaller and slower."},
    {"max-space-amplification", OptionType::kRatio, "2", "", 1100, 100'000, Change::kLive,
     "The log may take this many times the bytes that are alive before the cleaner gives space back; 0: it never runs "
     "by "
     "itself."},
    {"clean-rate", OptionType::kBytes, "0", "bytes", 0, 1024 * kGiga, Change::kLive,
     "Bytes a second that the cleaner may read; 0: as fast as it needs."},
    {"checkpoint-bytes", OptionType::kBytes, "256mb", "bytes", 0, 1024 * kGiga, Change::kLive,
     "An image of the index is written when the log grew by this much; a restart reads about as much log. 0: only at a "
     "clean stop."},
    {"checkpoint-interval", OptionType::kDuration, "1h", "milliseconds", 0, kYearMs, Change::kLive,
     "And when the last image is this old and anything was written; 0: never by age."},
    {"history-age", OptionType::kDuration, "0", "milliseconds", 0, 100 * kYearMs, Change::kLive,
     "What was overwritten or deleted is kept at least this long, for history and point-in-time restore; with "
     "history-bytes 0 as well: until the cleaner needs the space."},
    {"history-bytes", OptionType::kBytes, "0", "bytes", 0, 1024 * kGiga, Change::kLive,
     "Kept history takes no more than this; 0: no such limit."},
    {"follow", OptionType::kText, "", "", 0, 0, Change::kRestart,
     "Leader to follow, host:port; what REPLICAOF has decided since stays decided while this stays the same. Empty: as "
     "the store was last told."},
    {"masteruser", OptionType::kText, "", "", 0, 0, Change::kLive,
     "User that a follower authenticates as; empty: default."},
    {"masterauth", OptionType::kSecretText, "", "", 0, 0, Change::kLive,
     "Password with which a follower authenticates; empty: none."},
    {"replica-retention-bytes", OptionType::kBytes, "1073741824", "bytes", 0, 1024 * kGiga, Change::kLive,
     "What followers and consumers have yet to read is kept in the log up to so much; one that is further behind "
     "begins "
     "anew."},
    {"group-name", OptionType::kText, "mymaster", "", 0, 0, Change::kLive,
     "Name of the server's group, for clients that ask it for the leader's address as they ask Redis Sentinel."},
    {"tls-replication", OptionType::kFlag, "no", "", 0, 1, Change::kLive,
     "A follower speaks TLS with its leader, at its tls-port: tls-ca-cert-file says who may have signed the leader's "
     "certificate, and tls-cert-file is shown to it."},
    {"replica-priority", OptionType::kInteger, "100", "", 0, kInt32Max, Change::kLive,
     "Sentinel prefers followers of lower numbers when it fails over; 0: never this one."},
    {"replica-announce-ip", OptionType::kText, "", "", 0, 0, Change::kRestart,
     "Address at which a follower says that it is served; empty: the one that it connects from."},
    {"replica-announce-port", OptionType::kInteger, "0", "", 0, 65535, Change::kRestart,
     "Port of that kind; 0: the one it listens on (tls-port with tls-replication)."},
    {"min-replicas-durable", OptionType::kInteger, "0", "", 0, 16, Change::kLive,
     "A write is answered, and shown to others, only when so many followers have it on their disks; while fewer are "
     "connected writes are refused (NOREPLICAS). 0: this server's own sync alone."},
    {"min-replicas-timeout", OptionType::kDuration, "10000", "milliseconds", 0, kYearMs, Change::kLive,
     "An answer that has waited for followers for so long is withdrawn and becomes an error; 0: never."},
    {"min-replicas-to-write", OptionType::kInteger, "0", "", 0, 1000, Change::kLive,
     "Writes are refused (NOREPLICAS) while fewer followers are connected; their answers wait for none of them."},
    {"min-replicas-max-lag", OptionType::kDuration, "10", "seconds", 0, kYearSeconds, Change::kLive,
     "A follower that was not heard of for so long does not count as connected for the options above; 0: it does."},
    {"replica-rate", OptionType::kBytes, "0", "bytes", 0, 1024 * kGiga, Change::kLive,
     "Bytes a second that are sent to each follower at most; 0: as many as it takes."},
    {"replica-max-lag", OptionType::kDuration, "10000", "milliseconds", 0, kYearMs, Change::kLive,
     "A follower that is further behind its leader is not ready (/readyz); 0: it always is."},
    {"backup-dir", OptionType::kText, "", "", 0, 0, Change::kRestart,
     "Backups are made below this directory, clients' too; empty: `backups` below dir."},
    {"backup-every", OptionType::kDuration, "0", "milliseconds", 0, kYearMs, Change::kLive,
     "A backup is made below backup-dir and verified when the last of these is this old; 0: none by itself."},
    {"backup-keep", OptionType::kInteger, "7", "", 1, 100'000, Change::kLive,
     "How many backups of backup-every are kept; older ones are removed once a newer one is verified."},
    {"backup-keep-age", OptionType::kDuration, "0", "milliseconds", 0, 100 * kYearMs, Change::kLive,
     "Beyond those, whatever is younger than this is kept as well; 0: nothing."},
    {"snapshot-dir", OptionType::kText, "", "", 0, 0, Change::kRestart,
     "Directory of snapshot files; empty: `snapshots` below dir."},
    {"snapshot-file", OptionType::kFileName, "snapshot.stave", "", 0, 0, Change::kLive,
     "Snapshot that SAVE, BGSAVE and the schedule write, in snapshot-dir; *.json is a JSON document, *.ndjson lines of "
     "JSON, anything else binary."},
    {"snapshot-every", OptionType::kDuration, "0", "milliseconds", 0, kYearMs, Change::kLive,
     "A snapshot is written when the last one is this old and anything changed; 0: not by age."},
    {"save", OptionType::kSavePoints, "", "", 0, 0, Change::kLive,
     "The same in Redis' form, pairs of seconds and changes: `900 1 300 100`. The log alone loses nothing; snapshots "
     "are "
     "copies for elsewhere."},
    {"key-max-bytes", OptionType::kBytes, "64kb", "bytes", 1, 512 * kMega, Change::kRestart, "Longest key."},
    {"proto-max-bulk-len", OptionType::kBytes, "512mb", "bytes", kMega, 512 * kMega, Change::kRestart,
     "Longest argument of a command and longest value."},
    {"maxclients", OptionType::kInteger, "10000", "", 1, 1'000'000, Change::kLive,
     "Connections served at the same time."},
    {"timeout", OptionType::kDuration, "0", "seconds", 0, kYearSeconds, Change::kLive,
     "A connection that is silent for so long is closed; 0: never, as in Redis, because pools keep idle connections."},
    {"tcp-keepalive", OptionType::kDuration, "300", "seconds", 0, kYearSeconds, Change::kLive,
     "Silent connections are probed after this time, so that dead peers are noticed; 0: never. Holds for new "
     "connections."},
    {"tcp-backlog", OptionType::kInteger, "511", "", 1, 65535, Change::kRestart, "Connections waiting to be accepted."},
    {"requirepass", OptionType::kSecret, "", "", 0, 0, Change::kLive,
     "Password that AUTH must name; empty: none. Kept as a SHA-256 only, may be given as sha256:<64 hex digits>, is "
     "never shown."},
    {"aclfile", OptionType::kText, "", "", 0, 0, Change::kRestart,
     "File of users, lines `user name rule ...`, which must be there; ACL LOAD reads it again, ACL SAVE writes it. "
     "Empty: "
     "users are lines of the configuration file."},
    {"acl-pubsub-default", OptionType::kChoice, "resetchannels", "", 0, 0, Change::kLive,
     "Which channels a new user may use: none or all.", "resetchannels allchannels"},
    {"acllog-max-len", OptionType::kInteger, "128", "", 0, 1'000'000, Change::kLive, "Entries kept by ACL LOG."},
    {"protected-mode", OptionType::kFlag, "yes", "", 0, 1, Change::kRestart,
     "Refuse to start on an address that others can reach while there is no password."},
    {"client-query-buffer-limit", OptionType::kBytes, "128mb", "bytes", kMega, kGiga, Change::kLive,
     "A connection that has this much of an unfinished command beside the argument being received is closed; 1mb "
     "before AUTH."},
    {"maxmemory-clients", OptionType::kBytes, "0", "bytes", 0, 1024 * kGiga, Change::kLive,
     "What connections of the Redis protocol have sent and not finished, and not read, may take together; beyond it "
     "those "
     "that take most are closed, but for CLIENT NO-EVICT; 0: no such limit."},
    {"output-buffer-hard-limit", OptionType::kBytes, "256mb", "bytes", kMega, 64 * kGiga, Change::kLive,
     "A connection with more unread replies than this is closed, also in the middle of a reply; over HTTP an answer "
     "put "
     "together of several values is refused when it would be larger (as set at the start)."},
    {"output-buffer-soft-limit", OptionType::kBytes, "64mb", "bytes", 0, 64 * kGiga, Change::kLive,
     "A connection with more unread replies than this that takes less than a sixteenth of it in "
     "output-buffer-soft-time "
     "is closed; 0: no such limit."},
    {"output-buffer-soft-time", OptionType::kDuration, "60", "seconds", 1, kYearSeconds, Change::kLive,
     "How long a connection over the soft limit may go without that progress."},
    {"pubsub-output-buffer-hard-limit", OptionType::kBytes, "32mb", "bytes", 0, 64 * kGiga, Change::kLive,
     "A connection that listens to channels and has more than this unread is closed; 0: output-buffer-hard-limit."},
    {"pubsub-output-buffer-soft-limit", OptionType::kBytes, "8mb", "bytes", 0, 64 * kGiga, Change::kLive,
     "As output-buffer-soft-limit, for connections that listen to channels; 0: no such limit."},
    {"pubsub-output-buffer-soft-time", OptionType::kDuration, "60", "seconds", 1, kYearSeconds, Change::kLive,
     "As output-buffer-soft-time, for connections that listen to channels."},
    {"slowlog-log-slower-than", OptionType::kDuration, "10000", "microseconds", -1, kYearSeconds * 1'000'000,
     Change::kLive, "Commands that take longer are kept in the slow log; 0: all; -1: none."},
    {"commandlog-request-larger-than", OptionType::kBytes, "1048576", "bytes", -1, kInt64Max, Change::kLive,
     "Calls of more bytes are kept in COMMANDLOG's log of large requests; those of up to 1 KiB never are; -1: none."},
    {"commandlog-large-request-max-len", OptionType::kInteger, "128", "", 0, 1'000'000, Change::kLive,
     "Entries kept there."},
    {"commandlog-reply-larger-than", OptionType::kBytes, "1048576", "bytes", -1, kInt64Max, Change::kLive,
     "The same for answers."},
    {"commandlog-large-reply-max-len", OptionType::kInteger, "128", "", 0, 1'000'000, Change::kLive,
     "Entries kept there."},
    {"commandlog-execution-slower-than", OptionType::kDuration, "10000", "microseconds", -1, kYearSeconds * 1'000'000,
     Change::kLive, "Valkey's name for slowlog-log-slower-than."},
    {"commandlog-slow-execution-max-len", OptionType::kInteger, "128", "", 0, 1'000'000, Change::kLive,
     "Valkey's name for slowlog-max-len."},
    {"slowlog-max-len", OptionType::kInteger, "128", "", 0, 1'000'000, Change::kLive, "Entries kept in the slow log."},
    {"hotkeys-top-k", OptionType::kInteger, "0", "", 0, 64, Change::kLive,
     "So many of the most called keys are known to HOTKEYS GET while no tracking was started; 0: none."},
    {"hotkeys-sampling-percentage", OptionType::kInteger, "10", "", 1, 100, Change::kLive,
     "The share of the calls that is looked at for that."},
    {"hotkeys-window-seconds", OptionType::kDuration, "10", "seconds", 1, 3600, Change::kLive,
     "How long the calls are counted before they are told."},
    {"latency-monitor-threshold", OptionType::kDuration, "0", "milliseconds", 0, kYearSeconds * 1000, Change::kLive,
     "Events that take at least this long are kept for LATENCY; 0: none."},
    {"notify-keyspace-events", OptionType::kEvents, "", "", 0, 0, Change::kLive,
     "Which changes of keys are told on channels: K and E choose the channels (named after keys, after events), "
     "g$lshzxetd "
     "(all of them: A), m and n the events, as in Redis; empty: none."},
    {"tracking-table-max-keys", OptionType::kInteger, "1000000", "", 0, kInt64Max, Change::kLive,
     "So many keys at most are known to be kept by clients (CLIENT TRACKING); of more, some are announced as changed. "
     "0: "
     "no limit."},
    {"busy-reply-threshold", OptionType::kDuration, "5000", "milliseconds", 0, kYearSeconds * 1000, Change::kLive,
     "How long a script may run before whoever needs its keys is told that the server is busy; 0: as long as it "
     "likes."},
    {"loglevel", OptionType::kChoice, "notice", "", 0, 0, Change::kLive,
     "How much is written to the standard error output; info is taken for notice.",
     "debug verbose notice warning nothing"},
    {"log-format", OptionType::kChoice, "text", "", 0, 0, Change::kRestart,
     "How it is written: lines for people, or one JSON object (time, level, message) a line.", "text json"},
    // How Redis would keep a value: what OBJECT ENCODING answers. Stave has forms of its own.
    {"hash-max-listpack-entries", OptionType::kInteger, "512", "", 0, kInt64Max, Change::kLive,
     "Hashes of more fields are called hashtable by OBJECT ENCODING, others listpack."},
    {"hash-max-listpack-value", OptionType::kBytes, "64", "bytes", 0, kInt64Max, Change::kLive,
     "The same for a field's name or value of more bytes."},
    {"list-max-listpack-size", OptionType::kInteger, "-2", "", -kInt32Max - 1, kInt32Max, Change::kLive,
     "Lists of more elements are called quicklist by OBJECT ENCODING, others listpack; -1 to -5: of more than 4, 8, "
     "16, 32 or 64 KiB."},
    {"hll-sparse-max-bytes", OptionType::kBytes, "3000", "bytes", 0, kInt64Max, Change::kLive,
     "HyperLogLogs of more bytes become dense."},
    {"list-compress-depth", OptionType::kInteger, "0", "", 0, kInt32Max, Change::kLive,
     "Nothing depends on it: values are compressed by what compression says."},
    {"set-max-intset-entries", OptionType::kInteger, "512", "", 0, kInt64Max, Change::kLive,
     "Sets of at most so many members, all integers, are called intset by OBJECT ENCODING."},
    {"set-max-listpack-entries", OptionType::kInteger, "128", "", 0, kInt64Max, Change::kLive,
     "Other sets of more members are called hashtable, others listpack."},
    {"set-max-listpack-value", OptionType::kBytes, "64", "bytes", 0, kInt64Max, Change::kLive,
     "The same for a member of more bytes."},
    {"zset-max-listpack-entries", OptionType::kInteger, "128", "", 0, kInt64Max, Change::kLive,
     "Sorted sets of more members are called skiplist by OBJECT ENCODING, others listpack."},
    {"zset-max-listpack-value", OptionType::kBytes, "64", "bytes", 0, kInt64Max, Change::kLive,
     "The same for a member of more bytes."},
    {"stream-node-max-entries", OptionType::kInteger, "100", "", 0, kInt64Max, Change::kLive,
     "XTRIM and XADD with ~ remove entries of streams in pieces of so many; 0: one by one."},
    {"stream-node-max-bytes", OptionType::kBytes, "4096", "bytes", 0, kInt64Max, Change::kLive,
     "Nothing depends on it: pages of streams have a size of their own."},
    // Redis' names for what Stave decides otherwise.
    {"appendfsync", OptionType::kChoice, "always", "", 0, 0, Change::kLive,
     "Redis' name for sync: always = always, everysec = interval, no = os.", "always everysec no"},
    {"appendonly", OptionType::kFlag, "yes", "", 0, 1, Change::kFixed, "The log is always written."},
    {"dbfilename", OptionType::kFileName, "snapshot.stave", "", 0, 0, Change::kLive, "Redis' name for snapshot-file."},
    {"hash-max-ziplist-entries", OptionType::kInteger, "512", "", 0, kInt64Max, Change::kLive,
     "Redis' older name for hash-max-listpack-entries."},
    {"hash-max-ziplist-value", OptionType::kBytes, "64", "bytes", 0, kInt64Max, Change::kLive,
     "Redis' older name for hash-max-listpack-value."},
    {"list-max-ziplist-size", OptionType::kInteger, "-2", "", -kInt32Max - 1, kInt32Max, Change::kLive,
     "Redis' older name for list-max-listpack-size."},
    {"zset-max-ziplist-entries", OptionType::kInteger, "128", "", 0, kInt64Max, Change::kLive,
     "Redis' older name for zset-max-listpack-entries."},
    {"zset-max-ziplist-value", OptionType::kBytes, "64", "bytes", 0, kInt64Max, Change::kLive,
     "Redis' older name for zset-max-listpack-value."},
    {"client-output-buffer-limit", OptionType::kText,
     "normal 268435456 67108864 60 slave 0 0 0 pubsub 33554432 8388608 60", "", 0, 0, Change::kLive,
     "Redis' form of the limits of unread replies: for normal clients and for those that listen the hard limit, the "
     "soft "
     "limit and its seconds; a hard limit of 0 is the largest that there is. Followers are not limited by it: what is "
     "said of "
     "them "
     "means nothing."},
    {"activedefrag", OptionType::kFlag, "no", "", 0, 1, Change::kFixed,
     "Memory is given back without moving what is in it."},
    {"aof-use-rdb-preamble", OptionType::kFlag, "no", "", 0, 1, Change::kFixed,
     "There is one log, and no file of commands."},
    {"auto-aof-rewrite-percentage", OptionType::kInteger, "0", "", 0, kInt32Max, Change::kFixed,
     "The cleaner goes by max-space-amplification."},
    {"cluster-enabled", OptionType::kFlag, "no", "", 0, 1, Change::kFixed, "A server is not part of a cluster."},
    {"dynamic-hz", OptionType::kFlag, "no", "", 0, 1, Change::kFixed, "Nothing is done so many times a second."},
    {"lazyfree-lazy-eviction", OptionType::kFlag, "yes", "", 0, 1, Change::kFixed,
     "Memory is always given back in the background."},
    {"lazyfree-lazy-expire", OptionType::kFlag, "yes", "", 0, 1, Change::kFixed,
     "Memory is always given back in the background."},
    {"lazyfree-lazy-server-del", OptionType::kFlag, "yes", "", 0, 1, Change::kFixed,
     "Memory is always given back in the background."},
    {"lazyfree-lazy-user-del", OptionType::kFlag, "yes", "", 0, 1, Change::kFixed,
     "Memory is always given back in the background."},
    {"lazyfree-lazy-user-flush", OptionType::kFlag, "yes", "", 0, 1, Change::kFixed,
     "Memory is always given back in the background."},
    {"min-replicas-to-write", OptionType::kInteger, "0", "", 0, kInt32Max, Change::kFixed,
     "Writes do not wait for followers; WAIT does."},
    {"rdbchecksum", OptionType::kFlag, "yes", "", 0, 1, Change::kFixed, "Snapshots always have checksums."},
    {"rdbcompression", OptionType::kFlag, "yes", "", 0, 1, Change::kFixed, "Snapshots are compressed."},
    {"replica-read-only", OptionType::kFlag, "yes", "", 0, 1, Change::kFixed,
     "A follower is written to by its leader only."},
    {"stop-writes-on-bgsave-error", OptionType::kFlag, "no", "", 0, 1, Change::kFixed,
     "The log is what is durable; a snapshot that fails stops nobody."},
    {"supervised", OptionType::kText, "no", "", 0, 0, Change::kFixed,
     "The server stays in the foreground; its supervisor does the rest."},
    {"lua-time-limit", OptionType::kDuration, "5000", "milliseconds", 0, kYearSeconds * 1000, Change::kLive,
     "Redis' older name for busy-reply-threshold."},
    {"daemonize", OptionType::kFlag, "no", "", 0, 1, Change::kFixed,
     "The server stays in the foreground; its supervisor does the rest."},
};

inline constexpr std::size_t kOptionCount = sizeof kOptions / sizeof kOptions[0];

void no_such_option();  // not constexpr, so that naming it does not compile

/// An option by name, looked up when compiling: a misspelt name does not compile.
consteval std::size_t option_id(std::string_view name) {
  for (std::size_t i = 0; i < kOptionCount; ++i)
    if (kOptions[i].name == name) return i;
  no_such_option();
  return kOptionCount;
}

}  // namespace stave::resp
