// The operating system's files behind the seam of stave/file_system.h. The only place that calls them.
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/path.h"
#include "base/posix_io.h"
#include "base/system_error.h"
#include "base/try.h"
#include "stave/file_system.h"

namespace stave {

namespace {

using base::retry_eintr;
using base::system_error;

/// A file descriptor that is closed once. The outcome of close is not looked at: what matters was synced before.
class Descriptor {
 public:
  explicit Descriptor(int number) noexcept : number_(number) { STAVE_ASSERT(number >= 0); }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int get() const noexcept { return number_; }
  /// Hands the descriptor over: the caller closes it.
  int release() noexcept {
    STAVE_ASSERT(number_ >= 0);
    return std::exchange(number_, -1);
  }

 private:
  int number_;
};

std::int64_t signed_offset(std::uint64_t offset) {
  STAVE_ASSERT(offset <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
  return static_cast<std::int64_t>(offset);
}

Result<void> check_path(const std::string& path) {
  if (path.empty()) return fail(ErrorCode::kInvalidArgument, "a path must not be empty");
  // The system would read up to the zero and act on another file.
  if (path.find('\0') != std::string::npos)
    return fail(ErrorCode::kInvalidArgument, "a path must not contain a zero byte");
  return {};
}

Result<Descriptor> open_descriptor(const std::string& path, int flags, std::string_view doing) {
  STAVE_TRY(check_path(path));
  const int number = retry_eintr([&] { return ::open(path.c_str(), flags | O_CLOEXEC, S_IRUSR | S_IWUSR); });
  if (number < 0) return fail(system_error(errno, doing, path));
  return Descriptor(number);
}

class PosixFile final : public File {
 public:
  PosixFile(Descriptor descriptor, std::string path) : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
    STAVE_TRY(check_range(offset, into.size(), "cannot read"));
    const auto progress = base::read_fully(offset, into, [this](std::span<std::byte> part, std::uint64_t at) {
      return ::pread(descriptor_.get(), part.data(), part.size(), signed_offset(at));
    });
    if (progress.system_errno != 0) return failure(progress.system_errno, "cannot read", offset + progress.done);
    return progress.done;
  }

  Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    STAVE_TRY(check_range(offset, bytes.size(), "cannot write"));
    const auto progress = base::write_fully(offset, bytes, [this](std::span<const std::byte> part, std::uint64_t at) {
      return ::pwrite(descriptor_.get(), part.data(), part.size(), signed_offset(at));
    });
    if (progress.system_errno != 0) return failure(progress.system_errno, "cannot write", offset + progress.done);
    return {};
  }

  Result<void> sync_data() override {
    // Interrupted means not done; every other failure is final (the kernel reports a lost page only once).
    if (retry_eintr([this] { return ::fdatasync(descriptor_.get()); }) != 0) return failure(errno, "cannot sync");
    return {};
  }

  Result<void> allocate(std::uint64_t size) override {
    STAVE_TRY(check_range(size, 0, "cannot reserve room"));
    if (size == 0) return {};
    // Not posix_fallocate: where the file system has no fallocate, glibc's stand-in races with writers.
    if (retry_eintr([&] { return ::fallocate(descriptor_.get(), 0, 0, signed_offset(size)); }) == 0) return {};
    if (errno != EOPNOTSUPP && errno != ENOSYS) return failure(errno, "cannot reserve room");
    return write_zeros_up_to(size);
  }

  Result<void> truncate(std::uint64_t size) override {
    STAVE_TRY(check_range(size, 0, "cannot truncate"));
    if (retry_eintr([&] { return ::ftruncate(descriptor_.get(), signed_offset(size)); }) != 0)
      // Linux answers EINVAL when the descriptor is read-only.
      return failure(errno == EINVAL ? EBADF : errno, "cannot truncate");
    return {};
  }

  Result<std::uint64_t> size() override {
    struct stat status{};
    if (::fstat(descriptor_.get(), &status) != 0) return failure(errno, "cannot ask for the size");
    return static_cast<std::uint64_t>(status.st_size);
  }

  Result<void> drop_cache() override {
    const int error = ::posix_fadvise(descriptor_.get(), 0, 0, POSIX_FADV_DONTNEED);
    if (error != 0) return failure(error, "cannot drop the cache");
    return {};
  }

 private:
  [[nodiscard]] std::unexpected<Error> failure(int system_errno, std::string_view doing) const {
    return fail(system_error(system_errno, doing, path_));
  }
  [[nodiscard]] std::unexpected<Error> failure(int system_errno, std::string_view doing, std::uint64_t offset) const {
    return fail(system_error(system_errno, doing, path_, signed_offset(offset)));
  }
  [[nodiscard]] Result<void> check_range(std::uint64_t offset, std::size_t length, std::string_view doing) const {
    constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
    if (offset > kMax || length > kMax - offset) return failure(EFBIG, doing);
    return {};
  }
  /// For file systems without fallocate: real zeros after what is there. Holes below the present end stay holes.
  Result<void> write_zeros_up_to(std::uint64_t target) {
    static constexpr std::array<std::byte, 65536> kZeros{};
    STAVE_ASSIGN(std::uint64_t at, size());
    while (at < target) {
      const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(kZeros.size(), target - at));
      STAVE_TRY(write_at(at, std::span(kZeros).first(step)));
      at += step;
    }
    return {};
  }

  Descriptor descriptor_;
  std::string path_;
};

Result<void> sync_names(int directory, const std::string& path) {
  if (retry_eintr([&] { return ::fsync(directory); }) == 0) return {};
  if (errno == EINVAL)
    return fail(Error(ErrorCode::kUnsupported,
                      "this file system cannot make names durable; keep the data on another (ext4, XFS, btrfs, ZFS)")
                    .with_file(path));
  return fail(system_error(errno, "cannot sync the directory", path));
}

class PosixDirectory final : public Directory {
 public:
  PosixDirectory(Descriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}
  Result<void> sync() override { return sync_names(descriptor_.get(), path_); }

 private:
  Descriptor descriptor_;
  const std::string path_;
};

/// A lock of the open file description: it excludes a second open of this process as well as of others, and the kernel
/// drops it with the process, however that ends.
class PosixLock final : public DirectoryLock {
 public:
  explicit PosixLock(Descriptor descriptor) noexcept : descriptor_(std::move(descriptor)) {}

 private:
  Descriptor descriptor_;
};

/// The holder's process number, for the message only.
std::string lock_holder(int descriptor) {
  std::array<char, 24> text{};
  const ssize_t count = ::pread(descriptor, text.data(), text.size() - 1, 0);
  std::string_view digits(text.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  digits = digits.substr(0, digits.find('\n'));
  const bool number = !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
  return number ? "process " + std::string(digits) : "another process";
}

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    // O_NONBLOCK: a pipe that lies where a file should be is refused below and does not hang us. Files ignore it.
    int flags = O_NOFOLLOW | O_NONBLOCK;
    std::string_view doing = "cannot open the file";
    switch (mode) {
      case OpenMode::kRead: flags |= O_RDONLY; break;
      case OpenMode::kReadWrite: flags |= O_RDWR; break;
      case OpenMode::kCreate:
        flags |= O_RDWR | O_CREAT | O_EXCL;
        doing = "cannot create the file";
        break;
    }
    STAVE_ASSIGN(Descriptor descriptor, open_descriptor(path, flags, doing));
    struct stat status{};
    if (::fstat(descriptor.get(), &status) != 0) return fail(system_error(errno, doing, path));
    if (S_ISDIR(status.st_mode)) return fail(system_error(EISDIR, doing, path));
    if (!S_ISREG(status.st_mode))
      return fail(Error(ErrorCode::kInvalidArgument, "this is not a regular file; move it away").with_file(path));
    return std::make_unique<PosixFile>(std::move(descriptor), path);
  }

  Result<void> create_directories(const std::string& path) override {
    STAVE_TRY(check_path(path));
    if (::mkdir(path.c_str(), S_IRWXU) == 0) return sync_directory(base::parent_path(without_trailing_slashes(path)));
    const int error = errno;
    struct stat status{};
    if (::stat(path.c_str(), &status) == 0) {
      if (S_ISDIR(status.st_mode)) return {};
      return fail(system_error(ENOTDIR, "cannot create the directory", path));
    }
    if (error != ENOENT) return fail(system_error(error, "cannot create the directory", path));
    const std::string parent = base::parent_path(without_trailing_slashes(path));
    if (parent == path || parent == ".") return fail(system_error(error, "cannot create the directory", path));
    STAVE_TRY(create_directories(parent));
    // Somebody else may have made it meanwhile, which is as good.
    if (::mkdir(path.c_str(), S_IRWXU) != 0 && errno != EEXIST)
      return fail(system_error(errno, "cannot create the directory", path));
    return sync_directory(parent);
  }

  Result<std::vector<std::string>> list(const std::string& path) override { return list_of(path, DT_REG, S_IFREG); }

  Result<std::vector<std::string>> list_directories(const std::string& path) override {
    return list_of(path, DT_DIR, S_IFDIR);
  }

  Result<bool> exists(const std::string& path) override {
    STAVE_TRY(check_path(path));
    struct stat status{};
    if (::lstat(path.c_str(), &status) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return fail(system_error(errno, "cannot look for the file", path));
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    STAVE_TRY(check_path(from));
    STAVE_TRY(check_path(to));
    if (::rename(from.c_str(), to.c_str()) != 0) return fail(system_error(errno, "cannot rename to " + to, from));
    return {};
  }

  Result<void> link(const std::string& from, const std::string& to) override {
    STAVE_TRY(check_path(from));
    STAVE_TRY(check_path(to));
    constexpr std::string_view kDoing = "cannot give the file another name";
    if (::link(from.c_str(), to.c_str()) == 0) return {};
    switch (errno) {
      case EXDEV:
      case EMLINK:
      case EOPNOTSUPP:
      case ENOSYS: return fail(Error(ErrorCode::kUnsupported, std::string(kDoing)).with_file(to));
      // Some file systems say so where they know no second names; others where the file belongs to somebody else.
      case EPERM: return fail(Error(ErrorCode::kUnsupported, std::string(kDoing)).with_errno(EPERM).with_file(to));
      default: return fail(system_error(errno, kDoing, errno == ENOENT ? from : to));
    }
  }

  Result<void> remove(const std::string& path) override {
    STAVE_TRY(check_path(path));
    if (::unlink(path.c_str()) != 0) return fail(system_error(errno, "cannot remove the file", path));
    return {};
  }

  Result<void> remove_directory(const std::string& path) override {
    STAVE_TRY(check_path(path));
    if (::rmdir(path.c_str()) == 0) return {};
    if (errno == ENOTEMPTY || errno == EEXIST)
      return fail(Error(ErrorCode::kConflict, "the directory is not empty").with_errno(errno).with_file(path));
    return fail(system_error(errno, "cannot remove the directory", path));
  }

  Result<void> sync_directory(const std::string& path) override {
    STAVE_ASSIGN(const Descriptor descriptor,
                 open_descriptor(path, O_RDONLY | O_DIRECTORY, "cannot sync the directory"));
    return sync_names(descriptor.get(), path);
  }

  Result<std::unique_ptr<Directory>> open_directory(const std::string& path) override {
    STAVE_ASSIGN(Descriptor descriptor, open_descriptor(path, O_RDONLY | O_DIRECTORY, "cannot open the directory"));
    return std::make_unique<PosixDirectory>(std::move(descriptor), path);
  }

  Result<std::unique_ptr<DirectoryLock>> lock(const std::string& path) override {
    STAVE_ASSIGN(Descriptor descriptor,
                 open_descriptor(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, "cannot open the lock file"));
    struct flock whole{};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (retry_eintr([&] { return ::fcntl(descriptor.get(), F_OFD_SETLK, &whole); }) != 0) {
      if (errno != EAGAIN && errno != EACCES) return fail(system_error(errno, "cannot take the lock", path));
      return fail(Error(ErrorCode::kBusy, "in use by " + lock_holder(descriptor.get()) + "; close it there first")
                      .with_file(path));
    }
    // Who holds it, for the message above. A full disk must not keep a store from opening, so failures do not matter.
    const std::string owner = std::to_string(::getpid()) + "\n";
    const auto ignored =
        base::write_fully(0, base::as_bytes(owner), [&](std::span<const std::byte> part, std::uint64_t at) {
          return ::pwrite(descriptor.get(), part.data(), part.size(), signed_offset(at));
        });
    static_cast<void>(ignored);
    return std::make_unique<PosixLock>(std::move(descriptor));
  }

  Result<std::unique_ptr<DirectoryLock>> lock_directory(const std::string& path) override {
    constexpr std::string_view kDoing = "cannot lock the directory";
    STAVE_ASSIGN(Descriptor descriptor, open_descriptor(path, O_RDONLY | O_DIRECTORY, kDoing));
    // Not fcntl, whose locks for writing need a descriptor for writing, which a directory never has.
    if (retry_eintr([&] { return ::flock(descriptor.get(), LOCK_EX | LOCK_NB); }) == 0)
      return std::make_unique<PosixLock>(std::move(descriptor));
    switch (errno) {
      case EWOULDBLOCK:
        return fail(Error(ErrorCode::kBusy, "in use by another process; close it there first").with_file(path));
      case EOPNOTSUPP:
      case ENOSYS:
      case ENOLCK:
      case EINVAL:
      case EBADF: return fail(Error(ErrorCode::kUnsupported, std::string(kDoing)).with_errno(errno).with_file(path));
      default: return fail(system_error(errno, kDoing, path));
    }
  }

  Result<FileIdentity> identity(const std::string& path) override {
    STAVE_TRY(check_path(path));
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) return fail(system_error(errno, "cannot look at the file", path));
    return FileIdentity{.device = status.st_dev, .number = status.st_ino};
  }

  Result<std::uint64_t> free_bytes(const std::string& path) override {
    STAVE_TRY(check_path(path));
    struct statvfs status{};
    if (retry_eintr([&] { return ::statvfs(path.c_str(), &status); }) != 0)
      return fail(system_error(errno, "cannot ask for the free room", path));
    return std::uint64_t{status.f_bavail} * status.f_frsize;
  }

 private:
  static std::string without_trailing_slashes(std::string path) {
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    return path;
  }
  static Result<std::vector<std::string>> list_of(const std::string& path, unsigned char type, mode_t mode) {
    constexpr std::string_view kDoing = "cannot list the directory";
    STAVE_ASSIGN(Descriptor descriptor, open_descriptor(path, O_RDONLY | O_DIRECTORY, kDoing));
    DIR* directory = ::fdopendir(descriptor.get());
    if (directory == nullptr) return fail(system_error(errno, kDoing, path));
    descriptor.release();
    const std::unique_ptr<DIR, int (*)(DIR*)> closer(directory, ::closedir);
    std::vector<std::string> names;
    for (;;) {
      errno = 0;
      const dirent* entry = ::readdir(directory);
      if (entry == nullptr) break;
      const std::string_view name = entry->d_name;
      if (name != "." && name != ".." && is_a(::dirfd(directory), *entry, type, mode)) names.emplace_back(name);
    }
    if (errno != 0) return fail(system_error(errno, kDoing, path));
    std::ranges::sort(names);
    return names;
  }

  static bool is_a(int directory, const dirent& entry, unsigned char type, mode_t mode) {
    if (entry.d_type != DT_UNKNOWN) return entry.d_type == type;
    struct stat status{};  // some file systems do not tell
    return ::fstatat(directory, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && (status.st_mode & S_IFMT) == mode;
  }
};

}  // namespace

FileSystem& FileSystem::system() {
  static FileSystem& files = *new PosixFileSystem;  // never destroyed: stores may close while the process ends
  return files;
}

}  // namespace stave
