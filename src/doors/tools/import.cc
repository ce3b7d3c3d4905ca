#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "base/path.h"
#include "base/try.h"
#include "doors/tools/report.h"
#include "doors/tools/server_options.h"
#include "doors/tools/targets.h"
#include "doors/tools/tools.h"
#include "exchange/aof.h"
#include "exchange/files.h"
#include "stave/file_system.h"

namespace stave::tools {

namespace {

struct ImportSettings {
  std::string source;
  std::string directory = "./data";
  ServerLogin server;
  int databases = 16;
  std::uint64_t key_bytes_max = 64u << 10;
};

/// Standard input.
class PipeInput final : public exchange::ByteInput {
 public:
  Result<std::size_t> read(std::span<std::byte> into) override {
    for (;;) {
      const ssize_t count = ::read(STDIN_FILENO, into.data(), into.size());
      if (count >= 0) return static_cast<std::size_t>(count);
      if (errno != EINTR) return fail(Error(ErrorCode::kIo, "standard input cannot be read").with_errno(errno));
    }
  }
};

/// What `path` stands for: a file, or a directory of append-only files.
struct Source {
  std::string path;
  bool directory = false;
};

bool has_manifest(const std::vector<std::string>& names) {
  return std::ranges::any_of(names, [](const std::string& name) { return name.ends_with(".manifest"); });
}

/// A directory may be the append-only one, or the server's, in which that one lies, or a dump.rdb. As a starting server
/// does, the append-only files are preferred.
Result<Source> find_source(FileSystem& files, const std::string& path) {
  const auto names = files.list(path);
  if (!names) return Source{path, false};
  if (has_manifest(*names)) return Source{path, true};
  const std::string below = path + "/appendonlydir";
  if (const auto inside = files.list(below); inside && has_manifest(*inside)) return Source{below, true};
  for (const char* const name : {"appendonly.aof", "dump.rdb"})
    if (std::ranges::find(*names, name) != names->end()) return Source{path + "/" + name, false};
  return fail(
      Error(ErrorCode::kNotFound, "no *.manifest, appendonlydir, appendonly.aof or dump.rdb here").with_file(path));
}

Result<exchange::Summary> read_file(FileSystem& files, const std::string& path, Target& target,
                                    const exchange::Limits& limits, Progress& progress) {
  STAVE_ASSIGN(const auto file, files.open(path, OpenMode::kRead));
  STAVE_ASSIGN(const std::uint64_t size, file->size());
  std::vector<std::byte> start(static_cast<std::size_t>(std::min<std::uint64_t>(size, 512)));
  STAVE_TRY(file->read_at(0, start));
  const auto format = exchange::detect({reinterpret_cast<const char*>(start.data()), start.size()});
  exchange::FileInput input(*file);
  WatchedInput watched(input, progress, size);
  // A snapshot of Redis may be the front of an append-only file, which the one reader that knows both finds out.
  if (format == exchange::Format::kAof || format == exchange::Format::kRdb) {
    const auto call = [&](auto arguments) { return target.call(arguments); };
    return exchange::read_aof(watched, path, target, call, limits);
  }
  const bool lines = path.ends_with(".ndjson") || path.ends_with(".jsonl");
  return exchange::read_any(watched, path, target, limits,
                            lines ? std::optional(exchange::Format::kNdjson) : std::nullopt);
}

/// Whether there is anything to read at all: before a store is made for it.
Result<void> check_source(const std::string& path) {
  if (path == "-") return {};
  FileSystem& files = FileSystem::system();
  STAVE_ASSIGN(const Source source, find_source(files, path));
  if (!source.directory) STAVE_TRY(files.open(source.path, OpenMode::kRead));
  return {};
}

Result<exchange::Summary> read_source(const ImportSettings& settings, Target& target, Progress& progress) {
  const exchange::Limits limits{.key_bytes_max = static_cast<std::size_t>(settings.key_bytes_max),
                                .databases = settings.databases};
  if (settings.source == "-") {
    PipeInput input;
    WatchedInput watched(input, progress, 0);
    return exchange::read_any(watched, "standard input", target, limits, exchange::Format::kNdjson);
  }
  FileSystem& files = FileSystem::system();
  STAVE_ASSIGN(const Source source, find_source(files, settings.source));
  if (!source.directory) return read_file(files, source.path, target, limits, progress);
  return exchange::read_aof_directory(
      files, source.path, target, [&](auto arguments) { return target.call(arguments); }, limits);
}

/// The directories of a store that are not there yet, the store's first: they are to be made for it.
std::vector<std::string> missing_directories(FileSystem& files, const std::string& directory) {
  std::vector<std::string> missing;
  std::string path = base::normal_path(directory);
  for (;;) {
    const auto there = files.exists(path);
    if (!there || *there) return missing;
    missing.push_back(path);
    const std::string parent = base::parent_path(path);
    if (parent == path) return missing;
    path = parent;
  }
}

/// Removes a directory and what is in it.
Result<void> remove_tree(FileSystem& files, const std::string& path) {
  STAVE_ASSIGN(const auto names, files.list(path));
  for (const std::string& name : names) STAVE_TRY(files.remove(path + "/" + name));
  STAVE_ASSIGN(const auto directories, files.list_directories(path));
  for (const std::string& name : directories) STAVE_TRY(remove_tree(files, path + "/" + name));
  return files.remove_directory(path);
}

/// Takes back a store that was made for this and in which nothing is. What cannot be removed stays.
void remove_made(FileSystem& files, std::span<const std::string> made) {
  if (made.empty() || !remove_tree(files, made[0])) return;
  for (const std::string& parent : made.subspan(1))
    if (!files.remove_directory(parent)) return;
}

std::string counted(const std::map<std::string, std::uint64_t, std::less<>>& counts) {
  std::string text;
  for (const auto& [name, count] : counts)
    text.append(text.empty() ? "" : ", ").append(with_commas(count)).append(" ").append(name);
  return text;
}

/// Says what was brought in and what was not; the exit code.
int report(const ImportSettings& settings, const exchange::Summary& summary, const Tally& tally,
           const Progress& progress) {
  std::string done = with_commas(tally.keys) + (tally.keys == 1 ? " key" : " keys");
  if (summary.commands != 0) done += " and " + with_commas(summary.commands) + " calls";
  std::printf("Loaded %s from %s (%s, %s) in %s s.\n", done.c_str(), settings.source.c_str(),
              std::string(exchange::to_string(summary.format)).c_str(), with_unit(summary.bytes).c_str(),
              progress.elapsed().c_str());
  if (tally.expired != 0) std::printf("Left out %s whose time was up.\n", with_commas(tally.expired).c_str());
  std::fflush(stdout);
  int code = kExitDone;
  if (tally.skipped != 0) {
    code = kExitIncomplete;
    std::fprintf(stderr, "stave: left out %s of types that this version does not store: %s\n",
                 with_commas(tally.skipped).c_str(), counted(tally.skipped_types).c_str());
    for (const std::string& name : tally.skipped_names) std::fprintf(stderr, "  %s\n", name.c_str());
    if (tally.skipped > tally.skipped_names.size() && !tally.skipped_names.empty()) std::fprintf(stderr, "  …\n");
  }
  if (tally.refused != 0) {
    code = kExitIncomplete;
    std::fprintf(stderr, "stave: %s calls were refused (%s); the first: %s\n", with_commas(tally.refused).c_str(),
                 counted(tally.refused_commands).c_str(), tally.first_refusal.c_str());
  }
  if (summary.truncated) {
    code = kExitIncomplete;
    std::fprintf(stderr, "stave: the last call of the file was cut off, as after a power cut, and not made\n");
  }
  return code;
}

Result<int> run(const ImportSettings& settings) {
  Progress progress(Clock::system());
  STAVE_TRY(check_source(settings.source));
  FileSystem& files = FileSystem::system();
  const bool into_store = settings.server.address.empty();
  const auto made = into_store ? missing_directories(files, settings.directory) : std::vector<std::string>();
  STAVE_ASSIGN(auto target, into_store ? open_store_target(settings.directory, settings.databases)
                                       : open_server_target(settings.server));
  auto summary = read_source(settings, *target, progress);
  if (!summary) {
    progress.clear();
    if (const std::uint64_t keys = target->tally().keys; keys != 0)
      std::fprintf(stderr, "stave: %s keys had been loaded before this:\n", with_commas(keys).c_str());
    const bool nothing = target->tally().keys == 0 && target->tally().calls == 0;
    static_cast<void>(target->finish());  // The first failure is the one to tell.
    target.reset();
    if (nothing) remove_made(files, made);
    return fail(std::move(summary).error());
  }
  STAVE_TRY(target->finish());
  progress.clear();
  return report(settings, *summary, target->tally(), progress);
}

int run_tool(std::span<const std::string> arguments, const std::string& name, const std::string& about,
             const std::string& source_help) {
  ImportSettings settings;
  CLI::App app(about, "stave " + name);
  app.add_option("source", settings.source, source_help)->required();
  app.add_option("--dir", settings.directory, "Store to load into, created if there is none [./data]");
  add_server_options(app, settings.server, "Load into a running server instead");
  app.add_option("--databases", settings.databases, "Number of databases of the store [16]")->check(CLI::Range(1, 255));
  app.add_option("--max-key", settings.key_bytes_max, "Longest key to accept, in bytes [65536]");
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitDone : kExitUsage;
  }
  complete_login(settings.server);
  auto code = run(settings);
  if (code) return *code;
  std::fprintf(stderr, "stave: %s\n", code.error().describe().c_str());
  return kExitFailed;
}

}  // namespace

int run_import(std::span<const std::string> arguments) {
  return run_tool(arguments, "import",
                  "Takes over the data of a Redis. Keys that are there already are replaced. Exit code 3: done, but "
                  "something was left out.",
                  "dump.rdb, appendonlydir, appendonly.aof, or the directory they lie in");
}

int run_load(std::span<const std::string> arguments) {
  return run_tool(arguments, "load",
                  "Loads a snapshot. Keys that are there already are replaced. Exit code 3: done, but something was "
                  "left out.",
                  "Snapshot file in any form; - for standard input");
}

}  // namespace stave::tools
