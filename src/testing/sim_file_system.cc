#include "testing/sim_file_system.h"

#include <algorithm>
#include <cerrno>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/path.h"
#include "base/system_error.h"
#include "base/try.h"
#include "testing/sim_state.h"

namespace stave::sim {

using base::MutexLock;
using base::normal_path;
using base::parent_path;
using base::system_error;

namespace {
constexpr std::uint64_t kFileBytesMax = std::uint64_t{1} << 44;
constexpr std::uint64_t kPlentyBytes = std::uint64_t{1} << 40;

Error in_use(const std::string& path) {
  return std::move(Error(ErrorCode::kBusy, "in use by this process; close it there first").with_file(path));
}
}  // namespace

const char* to_string(OpKind kind) noexcept {
  switch (kind) {
    case OpKind::kCreate: return "create";
    case OpKind::kWrite: return "write";
    case OpKind::kSyncData: return "sync_data";
    case OpKind::kAllocate: return "allocate";
    case OpKind::kTruncate: return "truncate";
    case OpKind::kCreateDirectories: return "create_directories";
    case OpKind::kRename: return "rename";
    case OpKind::kRemove: return "remove";
    case OpKind::kSyncDirectory: return "sync_directory";
    case OpKind::kOpen: return "open";
    case OpKind::kRead: return "read";
    case OpKind::kLook: return "look";
  }
  return "unknown";
}

class SimFileSystem::SimFile final : public File {
 public:
  /// The opener has counted this handle as a holder of `inode`.
  SimFile(std::shared_ptr<State> state, std::shared_ptr<Inode> inode, std::string path, bool writable)
      : state_(std::move(state)), inode_(std::move(inode)), path_(std::move(path)), writable_(writable) {}
  ~SimFile() override {
    const MutexLock lock(state_->mutex);
    state_->release(inode_);
  }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
    const auto number = state_->announce(OpKind::kRead, path_);
    const MutexLock lock(state_->mutex);
    const Verdict verdict = state_->judge(number, OpKind::kRead);
    if (verdict.system_errno != 0) return failure(verdict.system_errno, "cannot read", offset);
    return inode_->live().read(offset, into);
  }

  Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    const auto number = state_->announce(OpKind::kWrite, path_);
    const MutexLock lock(state_->mutex);
    STAVE_TRY(check(offset, bytes.size(), "cannot write"));
    Verdict verdict = state_->judge(number, OpKind::kWrite);
    std::size_t count = bytes.size();
    if (verdict.system_errno != 0)
      count = verdict.takes_effect ? static_cast<std::size_t>(bytes.size() * verdict.part / 1024) : 0;
    const std::size_t fits = room_for(offset, count);
    if (fits < count && verdict.system_errno == 0) verdict.system_errno = ENOSPC;
    count = std::min(count, fits);
    state_->change(*inode_, [&] { inode_->write(offset, bytes.first(count)); });
    if (verdict.system_errno != 0) return failure(verdict.system_errno, "cannot write", offset + count);
    return {};
  }

  Result<void> sync_data() override {
    const auto number = state_->announce(OpKind::kSyncData, path_);
    const MutexLock lock(state_->mutex);
    const bool alive = !state_->crashed;
    const Verdict verdict = state_->judge(number, OpKind::kSyncData);
    if (verdict.system_errno == 0 || (state_->crashed && verdict.takes_effect)) {
      inode_->sync();
    } else if (alive && !state_->crashed) {
      inode_->sync_fails(state_->random());
    }
    if (verdict.system_errno != 0) return failure(verdict.system_errno, "cannot sync");
    return {};
  }

  Result<void> allocate(std::uint64_t size) override {
    const auto number = state_->announce(OpKind::kAllocate, path_);
    const MutexLock lock(state_->mutex);
    STAVE_TRY(check(size, 0, "cannot reserve room"));
    Verdict verdict = state_->judge(number, OpKind::kAllocate);
    if (verdict.takes_effect && inode_->blocks_missing(0, size) > state_->blocks_free())
      verdict = {.system_errno = ENOSPC, .takes_effect = false};
    if (verdict.takes_effect) state_->change(*inode_, [&] { inode_->allocate(size); });
    if (verdict.system_errno != 0) return failure(verdict.system_errno, "cannot reserve room");
    return {};
  }

  Result<void> truncate(std::uint64_t size) override {
    const auto number = state_->announce(OpKind::kTruncate, path_);
    const MutexLock lock(state_->mutex);
    STAVE_TRY(check(size, 0, "cannot truncate"));
    const Verdict verdict = state_->judge(number, OpKind::kTruncate);
    if (verdict.takes_effect) state_->change(*inode_, [&] { inode_->truncate(size); });
    if (verdict.system_errno != 0) return failure(verdict.system_errno, "cannot truncate");
    return {};
  }

  Result<std::uint64_t> size() override {
    const auto number = state_->announce(OpKind::kLook, path_);
    const MutexLock lock(state_->mutex);
    const Verdict verdict = state_->judge(number, OpKind::kLook);
    if (verdict.system_errno != 0) return failure(verdict.system_errno, "cannot ask for the size");
    return inode_->live().size();
  }

  Result<void> drop_cache() override {
    const auto number = state_->announce(OpKind::kLook, path_);
    const MutexLock lock(state_->mutex);
    const Verdict verdict = state_->judge(number, OpKind::kLook);
    if (verdict.system_errno != 0) return failure(verdict.system_errno, "cannot drop the cache");
    inode_->drop_cache();
    return {};
  }

 private:
  [[nodiscard]] std::unexpected<Error> failure(int system_errno, std::string_view doing) const {
    return fail(system_error(system_errno, doing, path_));
  }
  [[nodiscard]] std::unexpected<Error> failure(int system_errno, std::string_view doing, std::uint64_t offset) const {
    return fail(system_error(system_errno, doing, path_, static_cast<std::int64_t>(offset)));
  }
  [[nodiscard]] Result<void> check(std::uint64_t offset, std::size_t length, std::string_view doing) const {
    if (!writable_) return failure(EBADF, doing);
    if (offset > kFileBytesMax || length > kFileBytesMax - offset) return failure(EFBIG, doing);
    return {};
  }
  /// How many of `count` bytes at `offset` find blocks, counted from the first.
  [[nodiscard]] std::size_t room_for(std::uint64_t offset, std::size_t count) const STAVE_REQUIRES(state_->mutex) {
    const std::uint64_t room = state_->blocks_free();
    if (inode_->blocks_missing(offset, count) <= room) return count;
    std::uint64_t end = offset;
    while (inode_->blocks_missing(offset, end - offset) <= room)
      end = (end / Inode::kBlockBytes + 1) * Inode::kBlockBytes;
    const std::uint64_t last_that_fits = (end - 1) / Inode::kBlockBytes * Inode::kBlockBytes;
    return last_that_fits > offset ? static_cast<std::size_t>(last_that_fits - offset) : 0;
  }

  std::shared_ptr<State> state_;
  std::shared_ptr<Inode> inode_;
  std::string path_;
  bool writable_;
};

class SimFileSystem::SimLock final : public DirectoryLock {
 public:
  /// Of a file, which the maker has counted this lock as a holder of.
  SimLock(std::shared_ptr<State> state, std::shared_ptr<Inode> inode)
      : state_(std::move(state)), inode_(std::move(inode)) {}
  /// Of a directory.
  SimLock(std::shared_ptr<State> state, std::string directory)
      : state_(std::move(state)), directory_(std::move(directory)) {}
  ~SimLock() override {
    const MutexLock lock(state_->mutex);
    if (inode_ == nullptr) {
      state_->locked_directories.erase(directory_);
    } else {
      state_->locked_files.erase(inode_.get());
      state_->release(inode_);
    }
  }

 private:
  std::shared_ptr<State> state_;
  std::shared_ptr<Inode> inode_;
  std::string directory_;
};

class SimFileSystem::SimDirectory final : public Directory {
 public:
  SimDirectory(std::shared_ptr<State> state, std::string path) : state_(std::move(state)), path_(std::move(path)) {}

  Result<void> sync() override {
    const auto number = state_->announce(OpKind::kSyncDirectory, path_);
    const MutexLock lock(state_->mutex);
    const bool alive = !state_->crashed;
    const Verdict verdict = state_->judge(number, OpKind::kSyncDirectory);
    if (verdict.system_errno == 0 || (state_->crashed && verdict.takes_effect)) {
      state_->disk.sync_directory(path_);
    } else if (alive && !state_->crashed) {
      state_->disk.sync_directory_fails(path_, state_->random());
    }
    if (verdict.system_errno != 0) return fail(State::error_of(verdict, "cannot sync the directory", path_));
    return {};
  }

 private:
  std::shared_ptr<State> state_;
  const std::string path_;
};

SimFileSystem::SimFileSystem(std::uint64_t seed) : state_(std::make_shared<State>(seed)) {}
SimFileSystem::SimFileSystem(std::shared_ptr<State> state) : state_(std::move(state)) {}
SimFileSystem::SimFileSystem(SimFileSystem&&) noexcept = default;
SimFileSystem& SimFileSystem::operator=(SimFileSystem&&) noexcept = default;
SimFileSystem::~SimFileSystem() = default;

Result<std::unique_ptr<File>> SimFileSystem::open(const std::string& path, OpenMode mode) {
  const std::string name = normal_path(path);
  const bool creates = mode == OpenMode::kCreate;
  const std::string_view doing = creates ? "cannot create the file" : "cannot open the file";
  const OpKind kind = creates ? OpKind::kCreate : OpKind::kOpen;
  const auto number = state_->announce(kind, name);
  const MutexLock lock(state_->mutex);
  const Verdict verdict = state_->judge(number, kind);
  std::shared_ptr<Inode> inode = state_->disk.find(name);
  const bool directory = state_->disk.is_directory(name);
  if (creates && verdict.takes_effect) {
    if (inode != nullptr || directory) return fail(system_error(EEXIST, doing, path));
    if (!state_->disk.is_directory(parent_path(name)))
      return fail(system_error(state_->disk.why_no_directory(parent_path(name)), doing, path));
    inode = state_->disk.create(name);
    state_->hold(inode);
  }
  if (verdict.system_errno != 0) return fail(State::error_of(verdict, doing, path));
  if (inode == nullptr) return fail(system_error(state_->disk.why_no_file(name), doing, path));
  state_->hold(inode);
  return std::make_unique<SimFile>(state_, std::move(inode), path, mode != OpenMode::kRead);
}

Result<void> SimFileSystem::create_directories(const std::string& path) {
  constexpr std::string_view kDoing = "cannot create the directory";
  const auto number = state_->announce(OpKind::kCreateDirectories, path);
  const MutexLock lock(state_->mutex);
  const Verdict verdict = state_->judge(number, OpKind::kCreateDirectories);
  if (verdict.takes_effect) {
    std::vector<std::string> missing;
    for (std::string name = normal_path(path); !state_->disk.is_directory(name); name = parent_path(name)) {
      if (state_->disk.find(name) != nullptr) return fail(system_error(ENOTDIR, kDoing, path));
      missing.push_back(name);
    }
    for (const std::string& name : missing) state_->disk.create_directory(name);
  }
  if (verdict.system_errno != 0) return fail(State::error_of(verdict, kDoing, path));
  return {};
}

Result<std::vector<std::string>> SimFileSystem::list(const std::string& path) {
  constexpr std::string_view kDoing = "cannot list the directory";
  const std::string name = normal_path(path);
  const auto number = state_->announce(OpKind::kLook, name);
  const MutexLock lock(state_->mutex);
  const Verdict verdict = state_->judge(number, OpKind::kLook);
  if (verdict.system_errno != 0) return fail(State::error_of(verdict, kDoing, path));
  if (!state_->disk.is_directory(name)) return fail(system_error(state_->disk.why_no_directory(name), kDoing, path));
  std::vector<std::string> names;
  for (const auto& [file, inode] : state_->disk.names())
    if (parent_path(file) == name) names.push_back(file.substr(file.rfind('/') + 1));
  return names;
}

Result<std::vector<std::string>> SimFileSystem::list_directories(const std::string& path) {
  constexpr std::string_view kDoing = "cannot list the directory";
  const std::string name = normal_path(path);
  const auto number = state_->announce(OpKind::kLook, name);
  const MutexLock lock(state_->mutex);
  const Verdict verdict = state_->judge(number, OpKind::kLook);
  if (verdict.system_errno != 0) return fail(State::error_of(verdict, kDoing, path));
  if (!state_->disk.is_directory(name)) return fail(system_error(state_->disk.why_no_directory(name), kDoing, path));
  return state_->disk.directories_in(name);
}

Result<bool> SimFileSystem::exists(const std::string& path) {
  const std::string name = normal_path(path);
  const auto number = state_->announce(OpKind::kLook, name);
  const MutexLock lock(state_->mutex);
  const Verdict verdict = state_->judge(number, OpKind::kLook);
  if (verdict.system_errno != 0) return fail(State::error_of(verdict, "cannot look for the file", path));
  return state_->disk.find(name) != nullptr || state_->disk.is_directory(name);
}

Result<void> SimFileSystem::rename(const std::string& from, const std::string& to) {
  constexpr std::string_view kDoing = "cannot rename the file";
  const std::string source = normal_path(from);
  const std::string target = normal_path(to);
  const auto number = state_->announce(OpKind::kRename, source);
  const MutexLock lock(state_->mutex);
  const Verdict verdict = state_->judge(number, OpKind::kRename);
  if (verdict.takes_effect) {
    for (const std::string& parent : {parent_path(source), parent_path(target)})
      if (!state_->disk.is_directory(parent))
        return fail(system_error(state_->disk.why_no_directory(parent), kDoing, from));
    if (state_->disk.find(source) == nullptr) return fail(system_error(state_->disk.why_no_file(source), kDoing, from));
    if (state_->disk.is_directory(target)) return fail(system_error(EISDIR, kDoing, from));
    const auto replaced = source == target ? nullptr : state_->disk.find(target);
    state_->disk.rename(source, target);
    if (replaced != nullptr) state_->release(replaced);
  }
  if (verdict.system_errno != 0) return fail(State::error_of(verdict, kDoing, from));
  return {};
}

Result<void> SimFileSystem::remove_directory(const std::string& path) {
  constexpr std::string_view kDoing = "cannot remove the directory";
  const std::string name = normal_path(path);
  const auto number = state_->announce(OpKind::kRemove, name);
  const MutexLock lock(state_->mutex);
  const Verdict verdict = state_->judge(number, OpKind::kRemove);
  if (verdict.takes_effect) {
    if (!state_->disk.is_directory(name)) return fail(system_error(state_->disk.why_no_directory(name), kDoing, path));
    if (!state_->disk.is_empty(name))
      return fail(Error(ErrorCode::kConflict, "the directory is not empty").with_errno(ENOTEMPTY).with_file(path));
    state_->disk.remove_directory(name);
  }
  if (verdict.system_errno != 0) return fail(State::error_of(verdict, kDoing, path));
  return {};
}

Result<void> SimFileSystem::remove(const std::string& path) {
  constexpr std::string_view kDoing = "cannot remove the file";
  const std::string name = normal_path(path);
  const auto number = state_->announce(OpKind::kRemove, name);
  const MutexLock lock(state_->mutex);
  const Verdict verdict = state_->judge(number, OpKind::kRemove);
  if (verdict.takes_effect) {
    const auto inode = state_->disk.find(name);
    if (inode == nullptr) return fail(system_error(state_->disk.why_no_file(name), kDoing, path));
    state_->disk.remove(name);
    state_->release(inode);
  }
  if (verdict.system_errno != 0) return fail(State::error_of(verdict, kDoing, path));
  return {};
}

// As on Linux: a descriptor first.
Result<void> SimFileSystem::sync_directory(const std::string& path) {
  STAVE_ASSIGN(const std::unique_ptr<Directory> directory, open_directory(path));
  return directory->sync();
}

Result<std::unique_ptr<Directory>> SimFileSystem::open_directory(const std::string& path) {
  constexpr std::string_view kDoing = "cannot open the directory";
  const std::string name = normal_path(path);
  const auto number = state_->announce(OpKind::kOpen, name);
  const MutexLock lock(state_->mutex);
  const Verdict verdict = state_->judge(number, OpKind::kOpen);
  if (verdict.system_errno != 0) return fail(State::error_of(verdict, kDoing, path));
  if (!state_->disk.is_directory(name)) return fail(system_error(state_->disk.why_no_directory(name), kDoing, path));
  return std::make_unique<SimDirectory>(state_, name);
}

Result<std::unique_ptr<DirectoryLock>> SimFileSystem::lock(const std::string& path) {
  const std::string name = normal_path(path);
  STAVE_ASSIGN(const bool there, exists(path));
  if (!there) STAVE_TRY(open(path, OpenMode::kCreate));
  const MutexLock lock(state_->mutex);
  std::shared_ptr<Inode> inode = state_->disk.find(name);
  if (inode == nullptr) return fail(system_error(state_->disk.why_no_file(name), "cannot open the lock file", path));
  if (!state_->locked_files.insert(inode.get()).second) return fail(in_use(path));
  state_->hold(inode);
  return std::make_unique<SimLock>(state_, std::move(inode));
}

Result<std::unique_ptr<DirectoryLock>> SimFileSystem::lock_directory(const std::string& path) {
  constexpr std::string_view kDoing = "cannot lock the directory";
  const std::string name = normal_path(path);
  const auto number = state_->announce(OpKind::kOpen, name);
  const MutexLock lock(state_->mutex);
  const Verdict verdict = state_->judge(number, OpKind::kOpen);
  if (verdict.system_errno != 0) return fail(State::error_of(verdict, kDoing, path));
  if (!state_->disk.is_directory(name)) return fail(system_error(state_->disk.why_no_directory(name), kDoing, path));
  if (!state_->locked_directories.insert(name).second) return fail(in_use(path));
  return std::make_unique<SimLock>(state_, name);
}

Result<FileIdentity> SimFileSystem::identity(const std::string& path) {
  constexpr std::string_view kDoing = "cannot look at the file";
  const std::string name = normal_path(path);
  const auto number = state_->announce(OpKind::kLook, name);
  const MutexLock lock(state_->mutex);
  const Verdict verdict = state_->judge(number, OpKind::kLook);
  if (verdict.system_errno != 0) return fail(State::error_of(verdict, kDoing, path));
  // Directories are never removed, so the name says which it is.
  if (state_->disk.is_directory(name)) return FileIdentity{.device = 2, .number = base::xxh3(base::as_bytes(name), 0)};
  const auto inode = state_->disk.find(name);
  if (inode == nullptr) return fail(system_error(state_->disk.why_no_file(name), kDoing, path));
  return FileIdentity{.device = 1, .number = reinterpret_cast<std::uintptr_t>(inode.get())};
}

Result<std::uint64_t> SimFileSystem::free_bytes(const std::string& path) {
  constexpr std::string_view kDoing = "cannot ask for the free room";
  const std::string name = normal_path(path);
  const auto number = state_->announce(OpKind::kLook, name);
  const MutexLock lock(state_->mutex);
  const Verdict verdict = state_->judge(number, OpKind::kLook);
  if (verdict.system_errno != 0) return fail(State::error_of(verdict, kDoing, path));
  if (!state_->disk.is_directory(name) && state_->disk.find(name) == nullptr)
    return fail(system_error(state_->disk.why_no_directory(name), kDoing, path));
  return state_->capacity == kNoLimit ? kPlentyBytes : state_->blocks_free() * Inode::kBlockBytes;
}

}  // namespace stave::sim
