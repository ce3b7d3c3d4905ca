// `stave backup`: a store, at work or not, into a backup or into another program; and whether a backup is what it was.
#include "archive/backup.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/path.h"
#include "base/try.h"
#include "base/working_directory.h"
#include "doors/tools/pipe.h"
#include "doors/tools/place.h"
#include "doors/tools/report.h"
#include "doors/tools/server_options.h"
#include "doors/tools/targets.h"
#include "doors/tools/tools.h"
#include "stave/client.h"
#include "stave/store.h"

namespace stave::tools {

namespace {

struct BackupSettings {
  std::string target;
  std::string pipe;  ///< A command that gets it all; then `target` is made for a while only.
  std::string directory = "./data";
  ServerLogin server;
};

void tell(const std::string& where, std::uint64_t end, std::uint64_t bytes, std::uint64_t added_files,
          std::uint64_t added_bytes, const Progress& progress) {
  std::printf("%s holds everything up to LSN %llu: %s, of which %s in %s %s new, in %s s.\n", where.c_str(),
              static_cast<unsigned long long>(end), with_unit(bytes).c_str(), with_unit(added_bytes).c_str(),
              with_commas(added_files).c_str(), added_files == 1 ? "file is" : "files are", progress.elapsed().c_str());
}

void tell_of_images(std::uint64_t unreadable) {
  if (unreadable == 0) return;
  std::printf(
      "%s of the index could not be read and %s left out; the backup is whole without, but a store restored from it "
      "may "
      "start slowly. Look into the system's log (dmesg): the disk may be failing.\n",
      unreadable == 1 ? "An image" : "Images", unreadable == 1 ? "was" : "were");
}

constexpr std::string_view kPassing = "pipe-";

/// A name that nobody has.
std::string passing_name() {
  return std::string(kPassing) + std::to_string(::getpid()) + "-" + std::to_string(raw(Clock::system().wall()));
}

/// Takes away what others of that name left when they were killed: nobody sends for longer than a day, and a process of
/// another container may have the same number. What cannot be taken away stays: this is no reason not to back up.
void sweep_passing(const std::string& directory) {
  constexpr std::int64_t kOldMs = 24 * 3600 * std::int64_t{1000};
  FileSystem& files = FileSystem::system();
  const auto names = files.list_directories(directory);
  if (!names) return;
  for (const std::string& name : *names) {
    const std::size_t dash = name.rfind('-');
    if (!name.starts_with(kPassing) || dash < kPassing.size()) continue;
    std::int64_t made = 0;
    const auto [end, error] = std::from_chars(name.data() + dash + 1, name.data() + name.size(), made);
    if (error != std::errc() || end != name.data() + name.size()) continue;
    if (raw(Clock::system().wall()) - made < kOldMs) continue;
    (void)archive::remove_backup(files, log::join_path(directory, name));
  }
}

/// Sends the backup there to the command of --pipe, then takes it away.
Result<void> send(const BackupSettings& settings, const std::string& directory, std::uint64_t end, std::uint64_t bytes,
                  const Progress& progress) {
  FileSystem& files = FileSystem::system();
  auto there = files.exists(log::join_path(directory, std::string(archive::kManifestName)));
  if (!there || !*there)
    return fail(ErrorCode::kInvalidArgument,
                "the backup is at " + directory + " of the server's machine, which is not this one: run this there");
  auto sent = pipe_out(directory, settings.pipe);
  auto removed = archive::remove_backup(files, directory);
  sweep_passing(base::parent_path(directory));
  STAVE_TRY(std::move(sent));
  STAVE_TRY(std::move(removed));
  std::printf("`%s` has everything up to LSN %llu: %s, in %s s.\n", settings.pipe.c_str(),
              static_cast<unsigned long long>(end), with_unit(bytes).c_str(), progress.elapsed().c_str());
  return {};
}

Result<void> back_up_directory(const BackupSettings& settings) {
  Progress progress(Clock::system());
  Options options;
  options.create_if_missing = false;
  // As many as there can be; few shards, for nothing else happens here.
  options.databases = 255;
  options.shards = 4;
  auto store = Store::open(settings.directory, options);
  if (!store) {
    if (store.error().code() != ErrorCode::kBusy) return fail(std::move(store).error());
    return fail(ErrorCode::kBusy, store.error().describe() + "; if a server has it, use --connect host:port");
  }
  // In the store's directory a backup takes neither room nor time.
  const std::string target = settings.pipe.empty()
                                 ? settings.target
                                 : log::join_path(log::join_path(settings.directory, "backups"), passing_name());
  STAVE_ASSIGN(const archive::BackupReport report, archive::back_up((*store)->engine(), target));
  STAVE_TRY((*store)->close());
  tell_of_images(report.unreadable_images);
  if (!settings.pipe.empty()) return send(settings, target, raw(report.end), report.bytes, progress);
  if (report.afresh)
    std::printf("The backup that was there ended before the store's log begins now; it was replaced.\n");
  tell(base::absolute_path(settings.target), raw(report.end), report.bytes, report.added_files, report.added_bytes,
       progress);
  return {};
}

Result<void> ask_server(const BackupSettings& settings) {
  Progress progress(Clock::system());
  // It would mean a place below the server's backup-dir, which is not where whoever types it stands.
  if (!settings.target.starts_with('/') && settings.target.find('/') != std::string::npos)
    return fail(
        ErrorCode::kInvalidArgument,
        "a server puts backups below its backup-dir: give a name without directories, such as " +
            settings.target.substr(settings.target.find_last_not_of('/') == std::string::npos
                                       ? 0
                                       : settings.target.rfind('/', settings.target.find_last_not_of('/')) + 1) +
            ", or the whole path on the server's machine");
  STAVE_ASSIGN(Client connected, connect_to(settings.server));
  STAVE_ASSIGN(const Reply reply,
               connected.command({"STAVE.BACKUP", settings.pipe.empty() ? settings.target : passing_name()}));
  if (reply.is_error()) return fail(to_error(reply));
  const auto number = [&](std::string_view name) -> std::uint64_t {
    for (std::size_t i = 0; i + 1 < reply.elements.size(); i += 2)
      if (reply.elements[i].text == name) return static_cast<std::uint64_t>(reply.elements[i + 1].integer);
    return 0;
  };
  std::string where = settings.target;
  for (std::size_t i = 0; i + 1 < reply.elements.size(); i += 2)
    if (reply.elements[i].text == "directory") where = reply.elements[i + 1].text;
  tell_of_images(number("unreadable_images"));
  if (!settings.pipe.empty()) return send(settings, where, number("end"), number("bytes"), progress);
  tell(where, number("end"), number("bytes"), number("added_files"), number("added_bytes"), progress);
  return {};
}

int complain(const Error& error) {
  std::fprintf(stderr, "stave: %s\n", error.describe().c_str());
  return kExitFailed;
}

int verify(const std::string& directory) {
  const auto check = archive::verify_backup(FileSystem::system(), directory);
  if (!check) return complain(check.error());
  for (const std::string& finding : check->findings) std::fprintf(stderr, "stave: %s\n", finding.c_str());
  if (!check->findings.empty()) return kExitFailed;
  std::printf("%s is whole: LSN %llu to %llu, made at %s, %s files.\n", directory.c_str(),
              static_cast<unsigned long long>(raw(check->manifest.first)),
              static_cast<unsigned long long>(raw(check->manifest.end)), moment_text(check->manifest.time).c_str(),
              with_commas(check->manifest.files.size()).c_str());
  return kExitDone;
}

int run_verify(std::span<const std::string> arguments) {
  std::string directory;
  CLI::App app("Reads all of a backup and compares it with what was written down when it was made.",
               "stave backup verify");
  app.add_option("directory", directory, "The backup")->required();
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitDone : kExitUsage;
  }
  return verify(directory);
}

}  // namespace

int run_backup(std::span<const std::string> arguments) {
  if (!arguments.empty() && arguments.front() == "verify") return run_verify(arguments.subspan(1));
  BackupSettings settings;
  CLI::App app(
      "Backs up a store into a directory, or adds what is new to a backup there. `stave backup verify DIR` examines "
      "one.",
      "stave backup");
  auto* const target =
      app.add_option("directory", settings.target, "Where the backup is, or is to be (on the server's machine)");
  app.add_option(
         "--pipe", settings.pipe,
         "Send the whole backup, as a tar archive, to the standard input of this command instead, on this machine: "
         "'aws s3 cp - s3://bucket/monday.tar', 'restic backup --stdin'")
      ->excludes(target);
  auto* const where = app.add_option("--dir", settings.directory, "Store to back up, which no server has [./data]");
  add_server_options(app, settings.server, "Ask a running server to back itself up")->excludes(where);
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitDone : kExitUsage;
  }
  if (settings.target.empty() && settings.pipe.empty()) {
    std::fprintf(stderr, "stave: backup needs a directory, or --pipe 'command'; see stave backup --help\n");
    return kExitUsage;
  }
  complete_login(settings.server);
  const auto done = settings.server.address.empty() ? back_up_directory(settings) : ask_server(settings);
  return done ? kExitDone : complain(done.error());
}

}  // namespace stave::tools
