// `stave restore`: a new store out of a backup, or out of a store's own log, as it was at a point.
#include "archive/restore.h"

#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <string>
#include <vector>

#include "base/try.h"
#include "doors/tools/pipe.h"
#include "doors/tools/place.h"
#include "doors/tools/report.h"
#include "doors/tools/tools.h"
#include "stave/clock.h"

namespace stave::tools {

namespace {

/// A backup that comes in on the standard input, in a directory beside the new store's until that is made.
class Incoming {
 public:
  ~Incoming() {
    // It was made for this, whatever came into it. Links are removed, not followed.
    if (!directory_.empty() && !remove_tree(directory_))
      std::fprintf(stderr, "stave: what came in could not be removed; it is in %s\n", directory_.c_str());
  }
  Incoming() = default;
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;

  Result<void> take(const std::string& beside) {
    std::string pattern = beside;
    while (pattern.size() > 1 && pattern.ends_with('/')) pattern.pop_back();
    pattern += ".incoming-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr)
      return fail(
          Error(ErrorCode::kIo, "cannot make a directory for what comes in").with_errno(errno).with_file(pattern));
    directory_ = pattern;
    return pipe_in(directory_);
  }
  [[nodiscard]] const std::string& directory() const noexcept { return directory_; }

 private:
  std::string directory_;
};

}  // namespace

int run_restore(std::span<const std::string> arguments) {
  archive::RestoreRequest request;
  std::string lsn;
  std::string time;
  CLI::App app(
      "Makes a new store as an old one was at a point. What it reads is only read, also while a server is at work on "
      "it.",
      "stave restore");
  app.add_option("source", request.source,
                 "A backup, or the directory of a store; -: what backup --pipe sent, on the standard input")
      ->required();
  app.add_option("target", request.target, "Directory for the new store; missing or empty")->required();
  app.add_option("--log", request.log, "Directory of the same store, whose log goes on where the backup ends");
  auto* const to_lsn =
      app.add_option("--to-lsn", lsn, "Everything before this LSN, without the record at it (STAVE.GETAT includes it)");
  app.add_option("--to-time", time, "Everything up to this time: 2026-11-21T14:05:00Z, @seconds, or milliseconds")
      ->excludes(to_lsn);
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitDone : kExitUsage;
  }
  if (!lsn.empty()) {
    const auto place = parse_place(lsn);
    if (!place || !std::holds_alternative<Lsn>(*place)) {
      std::fprintf(stderr, "stave: %s is no LSN\n", lsn.c_str());
      return kExitUsage;
    }
    request.point = std::get<Lsn>(*place);
  }
  if (!time.empty()) {
    const auto moment = parse_moment(time);
    if (!moment) {
      std::fprintf(stderr, "stave: %s is no time\n", time.c_str());
      return kExitUsage;
    }
    request.point = *moment;
  }
  Progress progress(Clock::system());
  Incoming incoming;
  if (request.source == "-") {
    if (const auto came = incoming.take(request.target); !came) {
      std::fprintf(stderr, "stave: %s\n", came.error().describe().c_str());
      return kExitFailed;
    }
    request.source = incoming.directory();
  }
  const auto report = archive::restore(FileSystem::system(), request);
  if (!report) {
    std::fprintf(stderr, "stave: %s\n", report.error().describe().c_str());
    return kExitFailed;
  }
  std::printf("%s is a store as of LSN %llu, %s: %s records, %s, in %s s.\n", request.target.c_str(),
              static_cast<unsigned long long>(raw(report->end)), moment_text(report->time).c_str(),
              with_commas(report->records).c_str(), with_unit(report->bytes).c_str(), progress.elapsed().c_str());
  return kExitDone;
}

}  // namespace stave::tools
