#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <vector>

#include "base/try.h"
#include "commands/walk.h"
#include "doors/tools/report.h"
#include "doors/tools/server_options.h"
#include "doors/tools/targets.h"
#include "doors/tools/tools.h"
#include "exchange/files.h"
#include "stave/client.h"
#include "stave/store.h"

namespace stave::tools {

namespace {

using exchange::Format;

struct SnapshotSettings {
  std::string file;
  std::string directory = "./data";
  ServerLogin server;
  int databases = 16;
  bool json = false;
  bool binary = false;
  bool binary1 = false;
  bool ndjson = false;

  /// What was asked for, or what the name says.
  [[nodiscard]] Format format() const {
    if (json) return Format::kJson;
    if (binary) return Format::kBinary2;
    if (binary1) return Format::kBinary1;
    if (ndjson || file.ends_with(".ndjson") || file.ends_with(".jsonl")) return Format::kNdjson;
    return file.ends_with(".json") ? Format::kJson : Format::kBinary2;
  }
};

/// Standard output.
class PipeOutput final : public exchange::ByteOutput {
 public:
  Result<void> write(std::span<const std::byte> bytes) override {
    while (!bytes.empty()) {
      const ssize_t count = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return fail(Error(ErrorCode::kIo, "standard output cannot be written").with_errno(errno));
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return {};
  }
};

Result<void> write_snapshot(const SnapshotSettings& settings) {
  Progress progress(Clock::system());
  Options options;
  options.create_if_missing = false;
  options.databases = settings.databases;
  auto store = Store::open(settings.directory, options);
  if (!store) {
    if (store.error().code() != ErrorCode::kBusy) return fail(std::move(store).error());
    return fail(ErrorCode::kBusy, store.error().describe() + "; if a server has it, use --connect host:port");
  }
  const auto show = [&](std::uint64_t keys) -> Result<void> {
    constexpr std::uint64_t kLookEvery = 4096;
    if (keys % kLookEvery == 0 && progress.due()) progress.show(with_commas(keys) + " keys");
    return {};
  };
  const Format format = settings.format();
  if (settings.file == "-") {
    PipeOutput output;
    const auto writer = exchange::make_writer(format, output);
    STAVE_TRY(commands::write_all((*store)->engine(), *writer, show));
    return (*store)->close();
  }
  STAVE_ASSIGN(auto file, exchange::NewFile::create(FileSystem::system(), settings.file));
  const auto writer = exchange::make_writer(format, file.output());
  STAVE_ASSIGN(const commands::Walked walked, commands::write_all((*store)->engine(), *writer, show));
  const std::uint64_t size = file.output().size();
  STAVE_TRY(file.commit());
  STAVE_TRY((*store)->close());
  progress.clear();
  std::printf("Wrote %s %s to %s (%s, %s) in %s s.\n", with_commas(walked.keys).c_str(),
              walked.keys == 1 ? "key" : "keys", settings.file.c_str(), std::string(to_string(format)).c_str(),
              with_unit(size).c_str(), progress.elapsed().c_str());
  return {};
}

/// The server writes it where it keeps its snapshots.
Result<void> ask_server(const SnapshotSettings& settings) {
  const Format format = settings.format();
  if (format != Format::kJson && format != Format::kBinary2)
    return fail(ErrorCode::kUnsupported, "a server writes JSON or binary snapshots");
  STAVE_ASSIGN(Client connected, connect_to(settings.server));
  STAVE_ASSIGN(const Reply reply,
               connected.command({"SNAPSHOT", settings.file, format == Format::kJson ? "JSON" : "BINARY"}));
  if (reply.is_error()) return fail(to_error(reply));
  std::printf("%s\n", reply.text.c_str());
  return {};
}

}  // namespace

int run_snapshot(std::span<const std::string> arguments) {
  SnapshotSettings settings;
  CLI::App app("Writes everything as it is at one moment to a snapshot file. The file takes its name when it is whole.",
               "stave snapshot");
  app.add_option("file", settings.file, "File to write or replace; - for standard output")->required();
  auto* const form = app.add_option_group("Form", "What to write; by default what the name ends in, else binary");
  form->add_flag("--json", settings.json, "One JSON document");
  form->add_flag("--ndjson", settings.ndjson, "One JSON object per line");
  form->add_flag("--binary", settings.binary, "Binary, compressed, with checksums");
  form->add_flag("--binary1", settings.binary1, "The simple binary form: strings of database 0 without expiries");
  form->require_option(0, 1);
  app.add_option("--dir", settings.directory, "Store to read [./data]");
  add_server_options(app, settings.server, "Ask a running server to write it");
  app.add_option("--databases", settings.databases, "Number of databases of the store [16]")->check(CLI::Range(1, 255));
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitDone : kExitUsage;
  }
  complete_login(settings.server);
  const auto done = settings.server.address.empty() ? write_snapshot(settings) : ask_server(settings);
  if (done) return kExitDone;
  std::fprintf(stderr, "stave: %s\n", done.error().describe().c_str());
  return kExitFailed;
}

}  // namespace stave::tools
