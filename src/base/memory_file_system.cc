// A tree of files in memory. Nothing is durable and nothing can fail but for want of memory.
#include <algorithm>
#include <cerrno>
#include <map>
#include <new>
#include <set>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/mutex.h"
#include "base/paged_bytes.h"
#include "base/path.h"
#include "base/system_error.h"
#include "base/try.h"
#include "stave/file_system.h"

namespace stave {

namespace {

using base::MutexLock;
using base::system_error;

constexpr std::uint64_t kFileBytesMax = std::uint64_t{1} << 44;
constexpr std::uint64_t kFreeBytes = std::uint64_t{1} << 40;

/// A file apart from its name: it lives while a name or a handle leads to it.
struct Node {
  base::Mutex mutex;
  base::PagedBytes bytes STAVE_GUARDED_BY(mutex);
};

class MemoryFile final : public File {
 public:
  MemoryFile(std::shared_ptr<Node> node, std::string path, bool writable)
      : node_(std::move(node)), path_(std::move(path)), writable_(writable) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
    const MutexLock lock(node_->mutex);
    return node_->bytes.read(offset, into);
  }
  Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    STAVE_TRY(check(offset, bytes.size(), "cannot write"));
    const MutexLock lock(node_->mutex);
    try {
      node_->bytes.write(offset, bytes);
    } catch (const std::bad_alloc&) {
      return fail(system_error(ENOMEM, "cannot write", path_, static_cast<std::int64_t>(offset)));
    }
    return {};
  }
  Result<void> sync_data() override { return {}; }
  Result<void> allocate(std::uint64_t size) override {
    STAVE_TRY(check(size, 0, "cannot reserve room"));
    const MutexLock lock(node_->mutex);
    if (size > node_->bytes.size()) node_->bytes.resize(size);
    return {};
  }
  Result<void> truncate(std::uint64_t size) override {
    STAVE_TRY(check(size, 0, "cannot truncate"));
    const MutexLock lock(node_->mutex);
    node_->bytes.resize(size);
    return {};
  }
  Result<std::uint64_t> size() override {
    const MutexLock lock(node_->mutex);
    return node_->bytes.size();
  }
  Result<void> drop_cache() override { return {}; }

 private:
  [[nodiscard]] Result<void> check(std::uint64_t offset, std::size_t length, std::string_view doing) const {
    if (!writable_) return fail(system_error(EBADF, doing, path_));
    if (offset > kFileBytesMax || length > kFileBytesMax - offset) return fail(system_error(EFBIG, doing, path_));
    return {};
  }

  std::shared_ptr<Node> node_;
  std::string path_;
  bool writable_;
};

/// What is locked, files and directories; the locks may outlive the file system.
struct Held {
  base::Mutex mutex;
  std::set<std::pair<std::uint64_t, std::uint64_t>> all STAVE_GUARDED_BY(mutex);
};

class MemoryLock final : public DirectoryLock {
 public:
  /// `node`: the locked file, which lives as long as the lock; null for a directory.
  MemoryLock(std::shared_ptr<Held> held, FileIdentity what, std::shared_ptr<Node> node)
      : held_(std::move(held)), what_(what), node_(std::move(node)) {}
  ~MemoryLock() override {
    const MutexLock lock(held_->mutex);
    const std::size_t given_back = held_->all.erase({what_.device, what_.number});
    STAVE_ASSERT(given_back == 1);
  }

 private:
  std::shared_ptr<Held> held_;
  FileIdentity what_;
  std::shared_ptr<Node> node_;
};

FileIdentity identity_of(const Node& node) {
  return {.device = 1, .number = reinterpret_cast<std::uintptr_t>(&node)};
}
/// Directories are never removed, so the name says which it is.
FileIdentity identity_of_directory(const std::string& name) {
  return {.device = 2, .number = base::xxh3(base::as_bytes(name), 0)};
}

class MemoryFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    const std::string name = base::normal_path(path);
    const MutexLock lock(mutex_);
    STAVE_ASSIGN(auto node, mode == OpenMode::kCreate ? create(name) : find(name, "cannot open the file"));
    return std::make_unique<MemoryFile>(std::move(node), path, mode != OpenMode::kRead);
  }

  Result<void> create_directories(const std::string& path) override {
    const MutexLock lock(mutex_);
    std::vector<std::string> missing;
    for (std::string name = base::normal_path(path); !directories_.contains(name); name = base::parent_path(name)) {
      if (files_.contains(name)) return fail(system_error(ENOTDIR, "cannot create the directory", name));
      missing.push_back(name);
    }
    directories_.insert(missing.rbegin(), missing.rend());  // never one without its parent
    return {};
  }

  Result<std::vector<std::string>> list(const std::string& path) override {
    const std::string name = base::normal_path(path);
    const MutexLock lock(mutex_);
    STAVE_TRY(check_directory(name, "cannot list the directory"));
    std::vector<std::string> names;
    for (const auto& [file, node] : files_)
      if (base::parent_path(file) == name) names.push_back(file.substr(file.rfind('/') + 1));
    return names;  // a map of paths below one directory is in the order of the names
  }

  Result<std::vector<std::string>> list_directories(const std::string& path) override {
    const std::string name = base::normal_path(path);
    const MutexLock lock(mutex_);
    STAVE_TRY(check_directory(name, "cannot list the directory"));
    std::vector<std::string> names;
    for (const std::string& directory : directories_)
      if (directory != name && base::parent_path(directory) == name)
        names.push_back(directory.substr(directory.rfind('/') + 1));
    return names;
  }

  Result<void> remove_directory(const std::string& path) override {
    const std::string name = base::normal_path(path);
    const MutexLock lock(mutex_);
    STAVE_TRY(check_directory(name, "cannot remove the directory"));
    const auto within = [&](const std::string& other) { return other != name && base::parent_path(other) == name; };
    if (std::ranges::any_of(directories_, within) ||
        std::ranges::any_of(files_, [&](const auto& file) { return within(file.first); }))
      return fail(Error(ErrorCode::kConflict, "the directory is not empty").with_errno(ENOTEMPTY).with_file(path));
    directories_.erase(name);
    return {};
  }

  Result<bool> exists(const std::string& path) override {
    const std::string name = base::normal_path(path);
    const MutexLock lock(mutex_);
    return files_.contains(name) || directories_.contains(name);
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    const std::string doing = "cannot rename to " + to;
    const std::string source = base::normal_path(from);
    const std::string target = base::normal_path(to);
    const MutexLock lock(mutex_);
    STAVE_TRY(check_directory(base::parent_path(source), doing));
    STAVE_TRY(check_directory(base::parent_path(target), doing));
    STAVE_ASSIGN(auto node, find(source, doing));
    STAVE_ASSERT(!directories_.contains(source));
    if (directories_.contains(target)) return fail(system_error(EISDIR, doing, from));
    files_[target] = std::move(node);  // first: should there be no memory for it, the old name stays
    if (source != target) files_.erase(source);
    return {};
  }

  Result<void> link(const std::string& from, const std::string& to) override {
    constexpr std::string_view kDoing = "cannot give the file another name";
    const std::string target = base::normal_path(to);
    const MutexLock lock(mutex_);
    STAVE_ASSIGN(auto node, find(base::normal_path(from), kDoing));
    STAVE_TRY(check_directory(base::parent_path(target), kDoing));
    if (files_.contains(target) || directories_.contains(target)) return fail(system_error(EEXIST, kDoing, to));
    files_[target] = std::move(node);
    return {};
  }

  Result<void> remove(const std::string& path) override {
    const std::string name = base::normal_path(path);
    const MutexLock lock(mutex_);
    STAVE_TRY(find(name, "cannot remove the file"));
    files_.erase(name);
    return {};
  }

  Result<void> sync_directory(const std::string& path) override {
    const MutexLock lock(mutex_);
    return check_directory(base::normal_path(path), "cannot sync the directory");
  }

  Result<std::unique_ptr<DirectoryLock>> lock(const std::string& path) override {
    const std::string name = base::normal_path(path);
    const MutexLock lock(mutex_);
    if (!files_.contains(name)) STAVE_TRY(create(name));
    const std::shared_ptr<Node> node = files_.at(name);
    return hold(identity_of(*node), node, path);
  }

  Result<std::unique_ptr<DirectoryLock>> lock_directory(const std::string& path) override {
    const std::string name = base::normal_path(path);
    const MutexLock lock(mutex_);
    STAVE_TRY(check_directory(name, "cannot lock the directory"));
    return hold(identity_of_directory(name), nullptr, path);
  }

  Result<FileIdentity> identity(const std::string& path) override {
    const std::string name = base::normal_path(path);
    const MutexLock lock(mutex_);
    if (directories_.contains(name)) return identity_of_directory(name);
    STAVE_ASSIGN(const auto node, find(name, "cannot look at the file"));
    return identity_of(*node);
  }

  Result<std::uint64_t> free_bytes(const std::string& path) override {
    const MutexLock lock(mutex_);
    const std::string name = base::normal_path(path);
    if (!files_.contains(name)) STAVE_TRY(check_directory(name, "cannot ask for the free room"));
    return kFreeBytes;
  }

 private:
  Result<void> check_directory(const std::string& name, std::string_view doing) const STAVE_REQUIRES(mutex_) {
    if (directories_.contains(name)) return {};
    return fail(system_error(below_a_file(name) ? ENOTDIR : ENOENT, doing, name));
  }
  /// Whether the path leads through a file, or to one.
  bool below_a_file(std::string name) const STAVE_REQUIRES(mutex_) {
    while (!files_.contains(name) && !directories_.contains(name)) name = base::parent_path(name);
    return files_.contains(name);
  }
  Result<std::shared_ptr<Node>> find(const std::string& name, std::string_view doing) const STAVE_REQUIRES(mutex_) {
    const auto found = files_.find(name);
    if (found != files_.end()) return found->second;
    const bool directory = directories_.contains(name);
    return fail(system_error(directory ? EISDIR : below_a_file(name) ? ENOTDIR : ENOENT, doing, name));
  }
  Result<std::unique_ptr<DirectoryLock>> hold(FileIdentity what, std::shared_ptr<Node> node, const std::string& path) {
    const MutexLock lock(held_->mutex);
    // All the memory first: what is held without anybody who gives it back would be held for good.
    std::set<std::pair<std::uint64_t, std::uint64_t>> taken{{what.device, what.number}};
    if (held_->all.contains(*taken.begin()))
      return fail(Error(ErrorCode::kBusy, "in use by this process; close it there first").with_file(path));
    auto holder = std::make_unique<MemoryLock>(held_, what, std::move(node));
    held_->all.merge(taken);
    return holder;
  }
  Result<std::shared_ptr<Node>> create(const std::string& name) STAVE_REQUIRES(mutex_) {
    if (files_.contains(name) || directories_.contains(name))
      return fail(system_error(EEXIST, "cannot create the file", name));
    STAVE_TRY(check_directory(base::parent_path(name), "cannot create the file"));
    return files_[name] = std::make_shared<Node>();
  }

  base::Mutex mutex_;
  std::map<std::string, std::shared_ptr<Node>> files_ STAVE_GUARDED_BY(mutex_);
  std::set<std::string> directories_ STAVE_GUARDED_BY(mutex_){"/", "."};
  std::shared_ptr<Held> held_ = std::make_shared<Held>();
};

}  // namespace

std::unique_ptr<FileSystem> make_memory_file_system() {
  return std::make_unique<MemoryFileSystem>();
}

}  // namespace stave
