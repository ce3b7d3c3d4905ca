#include "doors/tools/pipe.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <vector>

#include "base/try.h"

namespace stave::tools {

namespace {

/// Runs a program with other descriptors for its standard input and output; -1: as ours.
Result<pid_t> start(std::vector<std::string> words, int input, int output) {
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  if (::posix_spawn_file_actions_init(&actions) != 0) return fail(ErrorCode::kNoMemory, "there is no memory for it");
  if (input >= 0) ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  if (output >= 0) ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  // A reader that goes away ends the writer, as in any pipeline; this program ignores that signal.
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  ::posix_spawnattr_setsigdefault(&attributes, &broken_pipe);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  pid_t child = -1;
  const int problem = ::posix_spawnp(&child, arguments[0], &actions, &attributes, arguments.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (problem == 0) return child;
  return fail(Error(problem == ENOENT ? ErrorCode::kUnsupported : ErrorCode::kIo,
                    "cannot run " + words[0] + "; is it installed?")
                  .with_errno(problem));
}

/// What became of a program, as the end of a sentence; empty: it did what it should. `as_good`: an exit code that says
/// so besides 0.
std::string outcome(pid_t child, int as_good = 0) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return "cannot be waited for";
  if (WIFSIGNALED(status)) return "was ended by signal " + std::to_string(WTERMSIG(status));
  const int code = WEXITSTATUS(status);
  return code == 0 || code == as_good ? std::string() : "failed with exit code " + std::to_string(code);
}

}  // namespace

Result<void> pipe_out(const std::string& directory, const std::string& command) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(Error(ErrorCode::kIo, "cannot make a pipe").with_errno(errno));
  auto archiver =
      start({"tar", "--create", "--warning=no-file-changed", "--file=-", "--directory=" + directory, "."}, -1, ends[1]);
  ::close(ends[1]);
  if (!archiver) {
    ::close(ends[0]);
    return fail(std::move(archiver).error());
  }
  auto reader = start({"sh", "-c", command}, ends[0], -1);
  ::close(ends[0]);
  // 1 is that a file was changed meanwhile: the store gave it another name, or took one away. What is in it never
  // changes, and whoever restores it verifies every byte.
  constexpr int kSomeFilesDiffer = 1;
  const std::string archived = outcome(*archiver, kSomeFilesDiffer);
  if (!reader) return fail(std::move(reader).error());
  // Who reads says why: that nobody reads any more is only what tar makes of it.
  if (const std::string read = outcome(*reader); !read.empty())
    return fail(ErrorCode::kIo, "`" + command + "` " + read + "; what it took of the backup is not whole");
  if (!archived.empty()) return fail(ErrorCode::kIo, "tar " + archived + "; what was sent is not whole");
  return {};
}

Result<void> pipe_in(const std::string& directory) {
  STAVE_ASSIGN(const pid_t archiver, start({"tar", "--extract", "--file=-", "--directory=" + directory,
                                            "--no-same-owner", "--no-same-permissions"},
                                           -1, -1));
  const std::string done = outcome(archiver);
  if (!done.empty()) return fail(ErrorCode::kIo, "tar " + done + "; the standard input is no whole archive");
  return {};
}

Result<void> remove_tree(const std::string& directory) {
  STAVE_ASSIGN(const pid_t remover, start({"rm", "-rf", "--", directory}, -1, -1));
  const std::string done = outcome(remover);
  if (!done.empty()) return fail(Error(ErrorCode::kIo, "rm " + done).with_file(directory));
  return {};
}

}  // namespace stave::tools
