// What only the system's own files can show: modes, links, pipes, processes, limits. The common contract is tested in
// src/testing/file_system_contract_test.cc.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/bytes.h"
#include "stave/file_system.h"

namespace stave {
namespace {

template <class T>
ErrorCode code(const Result<T>& result) {
  return result ? ErrorCode{} : result.error().code();
}

class SystemFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "stave-posix-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  [[nodiscard]] std::string at(const std::string& name) const { return root_ + "/" + name; }
  [[nodiscard]] mode_t mode_of(const std::string& name) const {
    struct stat status{};
    EXPECT_EQ(::lstat(at(name).c_str(), &status), 0);
    return status.st_mode & 07777;
  }
  /// Runs `work` in a child; its answer is the child's exit code.
  template <class Work>
  static int in_a_child(Work&& work) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(work());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  /// From now on the kernel answers `system_call` of this process with `system_errno`. For children only.
  static bool refuse(long system_call, int system_errno) {
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(system_call), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(system_errno)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{static_cast<unsigned short>(std::size(filter)), filter};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
  }

  FileSystem& files_ = FileSystem::system();
  std::string root_;
};

TEST_F(SystemFiles, are_for_their_owner_only) {
  const mode_t mask = ::umask(0);
  EXPECT_TRUE(files_.open(at("file"), OpenMode::kCreate));
  EXPECT_TRUE(files_.lock(at("LOCK")));
  EXPECT_TRUE(files_.create_directories(at("d/e")));
  ::umask(mask);
  EXPECT_EQ(mode_of("file"), mode_t{0600});
  EXPECT_EQ(mode_of("LOCK"), mode_t{0600});
  EXPECT_EQ(mode_of("d"), mode_t{0700});
  EXPECT_EQ(mode_of("d/e"), mode_t{0700});
}

TEST_F(SystemFiles, are_not_inherited_by_programs_that_are_started) {
  auto file = files_.open(at("file"), OpenMode::kCreate);
  auto lock = files_.lock(at("LOCK"));
  ASSERT_TRUE(file && lock);
  int seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code none;
    const auto target = std::filesystem::read_symlink(entry.path(), none).string();
    if (!target.starts_with(root_)) continue;
    ++seen;
    EXPECT_NE(::fcntl(std::stoi(entry.path().filename()), F_GETFD) & FD_CLOEXEC, 0) << target;
  }
  EXPECT_EQ(seen, 2);
}

TEST_F(SystemFiles, leave_no_descriptor_open) {
  const auto count = [] {
    const auto all = std::filesystem::directory_iterator("/proc/self/fd");
    return std::distance(begin(all), end(all));
  };
  const auto before = count();
  {
    auto file = files_.open(at("file"), OpenMode::kCreate);
    auto lock = files_.lock(at("LOCK"));
    EXPECT_FALSE(files_.lock(at("LOCK")));
    EXPECT_FALSE(files_.open(root_, OpenMode::kRead));
    EXPECT_TRUE(files_.list(root_));
    EXPECT_TRUE(files_.sync_directory(root_));
    EXPECT_TRUE(files_.create_directories(at("a/b/c")));
  }
  EXPECT_EQ(count(), before);
}

TEST_F(SystemFiles, are_not_reached_through_a_link) {
  std::ofstream(at("target")) << "precious";
  std::filesystem::create_symlink(at("target"), at("link"));
  EXPECT_EQ(code(files_.open(at("link"), OpenMode::kRead)), ErrorCode::kPermission);
  EXPECT_EQ(code(files_.open(at("link"), OpenMode::kReadWrite)), ErrorCode::kPermission);
  EXPECT_EQ(code(files_.open(at("link"), OpenMode::kCreate)), ErrorCode::kConflict);
  EXPECT_EQ(code(files_.lock(at("link"))), ErrorCode::kPermission);
  EXPECT_EQ(*files_.list(root_), std::vector<std::string>{"target"});
  EXPECT_TRUE(*files_.exists(at("link")));
}

TEST_F(SystemFiles, refuse_a_pipe_instead_of_waiting_for_its_other_end) {
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
  EXPECT_EQ(code(files_.open(at("pipe"), OpenMode::kReadWrite)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(files_.open(at("pipe"), OpenMode::kRead)), ErrorCode::kInvalidArgument);
}

TEST_F(SystemFiles, refuse_a_path_that_the_system_would_cut_short) {
  std::ofstream(at("a")) << "x";
  const std::string path = at("a") + std::string("\0b", 2);
  EXPECT_EQ(code(files_.open(path, OpenMode::kRead)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(files_.remove(path)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(files_.open("", OpenMode::kRead)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(files_.open(std::string(5000, 'x'), OpenMode::kRead)), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(*files_.exists(at("a")));
}

TEST_F(SystemFiles, take_relative_paths) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(root_);
  EXPECT_TRUE(files_.create_directories("x/y"));
  EXPECT_TRUE(files_.create_directories("z"));
  EXPECT_TRUE(files_.open("plain", OpenMode::kCreate));
  EXPECT_TRUE(files_.sync_directory("."));
  EXPECT_TRUE(*files_.exists("x/y"));
  std::filesystem::current_path(before);
  EXPECT_TRUE(*files_.exists(at("plain")));
}

TEST_F(SystemFiles, a_lock_excludes_other_processes_and_names_the_holder) {
  auto lock = files_.lock(at("LOCK"));
  ASSERT_TRUE(lock);
  const std::string me = "process " + std::to_string(::getpid());
  EXPECT_EQ(in_a_child([&] {
              auto second = FileSystem::system().lock(at("LOCK"));
              if (code(second) != ErrorCode::kBusy) return 1;
              return second.error().message().find(me) == std::string::npos ? 2 : 0;
            }),
            0);
}

TEST_F(SystemFiles, a_lock_dies_with_its_process) {
  EXPECT_EQ(in_a_child([&] {
              auto lock = FileSystem::system().lock(at("LOCK"));
              if (!lock) return 1;
              (*lock).release();  // as if killed: no destructor runs
              return 0;
            }),
            0);
  EXPECT_TRUE(files_.lock(at("LOCK")));
}

// RLIMIT_FSIZE makes the kernel write a part and then refuse: the loop must go on, and then report where it stopped.
TEST_F(SystemFiles, a_write_past_the_limit_writes_what_fits_and_says_so) {
  EXPECT_EQ(in_a_child([&] {
              ::signal(SIGXFSZ, SIG_IGN);
              const rlimit limit{10'000, 10'000};
              if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
              auto file = FileSystem::system().open(at("a"), OpenMode::kCreate);
              if (!file) return 2;
              const std::string text(30'000, 'x');
              auto done = (*file)->write_at(0, base::as_bytes(text));
              if (code(done) != ErrorCode::kTooLarge) return 3;
              if (done.error().offset() != 10'000) return 4;
              return *(*file)->size() == 10'000 ? 0 : 5;
            }),
            0);
}

TEST_F(SystemFiles, too_many_open_files_is_busy_and_passes) {
  EXPECT_EQ(in_a_child([&] {
              const rlimit limit{16, 16};
              if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
              std::vector<std::unique_ptr<File>> open;
              for (int i = 0;; ++i) {
                auto file = FileSystem::system().open(at(std::to_string(i)), OpenMode::kCreate);
                if (!file && code(file) != ErrorCode::kBusy) return 2;
                if (!file) break;
                open.push_back(std::move(*file));
              }
              if (code(FileSystem::system().list(root_)) != ErrorCode::kBusy) return 3;
              open.pop_back();
              return FileSystem::system().open(at("again"), OpenMode::kCreate) ? 0 : 4;
            }),
            0);
}

TEST_F(SystemFiles, a_forbidden_directory_is_a_matter_of_permission) {
  ASSERT_TRUE(files_.create_directories(at("closed")));
  ASSERT_EQ(::chmod(at("closed").c_str(), 0), 0);
  EXPECT_EQ(in_a_child([&] {
              // To root nothing is forbidden: become nobody.
              if (::geteuid() == 0 && (::chmod(root_.c_str(), 0755) != 0 || ::setuid(65534) != 0)) return 1;
              FileSystem& files = FileSystem::system();
              if (code(files.open(at("closed/a"), OpenMode::kCreate)) != ErrorCode::kPermission) return 2;
              if (code(files.list(at("closed"))) != ErrorCode::kPermission) return 3;
              if (code(files.create_directories(at("closed/b/c"))) != ErrorCode::kPermission) return 4;
              return code(files.exists(at("closed/a"))) == ErrorCode::kPermission ? 0 : 5;
            }),
            0);
  ::chmod(at("closed").c_str(), 0700);
}

TEST_F(SystemFiles, allocation_takes_real_blocks) {
  auto file = files_.open(at("a"), OpenMode::kCreate);
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->allocate(1 << 20));
  struct stat status{};
  ASSERT_EQ(::stat(at("a").c_str(), &status), 0);
  EXPECT_GE(status.st_blocks * 512, 1 << 20);
}

TEST_F(SystemFiles, dropping_the_cache_makes_the_next_read_ask_the_disk) {
  auto file = files_.open(at("a"), OpenMode::kCreate);
  ASSERT_TRUE(file);
  const std::string text(1 << 16, 'x');
  ASSERT_TRUE((*file)->write_at(0, base::as_bytes(text)));
  ASSERT_TRUE((*file)->sync_data());
  ASSERT_TRUE((*file)->drop_cache());
  std::string back(text.size(), '?');
  ASSERT_TRUE((*file)->read_at(0, std::as_writable_bytes(std::span(back))));
  EXPECT_EQ(back, text);
}

TEST_F(SystemFiles, allocation_writes_zeros_where_the_file_system_cannot_reserve) {
  for (const int refusal : {EOPNOTSUPP, ENOSYS}) {
    const std::string path = at(std::to_string(refusal));
    EXPECT_EQ(in_a_child([&] {
                if (!refuse(SYS_fallocate, refusal)) return 1;
                auto file = FileSystem::system().open(path, OpenMode::kCreate);
                if (!file || !(*file)->write_at(0, base::as_bytes("abc"))) return 2;
                if (!(*file)->allocate(300'000) || !(*file)->allocate(5)) return 3;
                std::string text(300'001, '?');
                const auto count = (*file)->read_at(0, std::as_writable_bytes(std::span(text)));
                if (!count || *count != 300'000) return 4;
                text.resize(*count);
                return text == "abc" + std::string(299'997, '\0') ? 0 : 5;
              }),
              0);
    struct stat status{};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_GE(status.st_blocks * 512, 300'000);
  }
}

TEST_F(SystemFiles, a_failed_call_of_the_system_is_never_taken_for_success) {
  const std::pair<long, int> calls[] = {{SYS_pread64, EIO},   {SYS_pwrite64, ENOSPC}, {SYS_fdatasync, EIO},
                                        {SYS_fallocate, EIO}, {SYS_ftruncate, EIO},   {SYS_fadvise64, EIO}};
  for (const auto& refused : calls) {
    const long call = refused.first;
    const int refusal = refused.second;
    const std::string path = at(std::to_string(call));
    EXPECT_EQ(in_a_child([&] {
                auto file = FileSystem::system().open(path, OpenMode::kCreate);
                if (!file || !(*file)->write_at(0, base::as_bytes("abc"))) return 1;
                if (!refuse(call, refusal)) return 2;
                std::byte byte{};
                const ErrorCode expected = refusal == EIO ? ErrorCode::kIo : ErrorCode::kNoSpace;
                const std::pair<long, ErrorCode> answers[] = {
                    {SYS_pread64, code((*file)->read_at(0, std::span(&byte, 1)))},
                    {SYS_pwrite64, code((*file)->write_at(0, base::as_bytes("x")))},
                    {SYS_fdatasync, code((*file)->sync_data())},
                    {SYS_fallocate, code((*file)->allocate(100))},
                    {SYS_ftruncate, code((*file)->truncate(1))},
                    {SYS_fadvise64, code((*file)->drop_cache())}};
                for (const auto& [which, answer] : answers)
                  if (answer != (which == call ? expected : ErrorCode{})) return 3;
                return 0;
              }),
              0)
        << "system call " << call;
  }
}

TEST_F(SystemFiles, a_directory_that_cannot_be_synced_is_not_called_durable) {
  EXPECT_EQ(in_a_child([&] {
              if (!refuse(SYS_fsync, EINVAL)) return 1;
              FileSystem& files = FileSystem::system();
              if (code(files.sync_directory(root_)) != ErrorCode::kUnsupported) return 2;
              return code(files.create_directories(at("d/e"))) == ErrorCode::kUnsupported ? 0 : 3;
            }),
            0);
  EXPECT_EQ(in_a_child([&] {
              if (!refuse(SYS_fsync, EIO)) return 1;
              return code(FileSystem::system().sync_directory(root_)) == ErrorCode::kIo ? 0 : 2;
            }),
            0);
}

TEST_F(SystemFiles, refuse_a_device) {
  EXPECT_EQ(code(files_.open("/dev/full", OpenMode::kReadWrite)), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace stave
