#include "testing/gated_file_system.h"

#include <utility>

#include "base/try.h"

namespace stave::sim {
namespace {

class GatedFile final : public File {
 public:
  GatedFile(std::unique_ptr<File> file, Gate& gate, std::string path)
      : file_(std::move(file)), gate_(gate), path_(std::move(path)) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
    gate_.pass(Gate::Call::kRead, path_);
    return file_->read_at(offset, into);
  }
  Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    gate_.pass(Gate::Call::kWrite, path_, bytes.size());
    return file_->write_at(offset, bytes);
  }
  Result<void> sync_data() override {
    gate_.pass(Gate::Call::kSync, path_);
    return file_->sync_data();
  }
  Result<void> allocate(std::uint64_t size) override { return file_->allocate(size); }
  Result<void> truncate(std::uint64_t size) override { return file_->truncate(size); }
  Result<std::uint64_t> size() override { return file_->size(); }
  Result<void> drop_cache() override { return file_->drop_cache(); }

 private:
  std::unique_ptr<File> file_;
  Gate& gate_;
  std::string path_;
};

class GatedFileSystem final : public FileSystem {
 public:
  GatedFileSystem(FileSystem& files, Gate& gate) : files_(files), gate_(gate) {}

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    STAVE_ASSIGN(auto file, files_.open(path, mode));
    return std::make_unique<GatedFile>(std::move(file), gate_, path);
  }
  Result<void> create_directories(const std::string& path) override { return files_.create_directories(path); }
  Result<std::vector<std::string>> list(const std::string& path) override { return files_.list(path); }
  Result<bool> exists(const std::string& path) override { return files_.exists(path); }
  Result<void> rename(const std::string& from, const std::string& to) override { return files_.rename(from, to); }
  Result<void> link(const std::string& from, const std::string& to) override { return files_.link(from, to); }
  Result<void> remove(const std::string& path) override { return files_.remove(path); }
  Result<std::vector<std::string>> list_directories(const std::string& path) override {
    return files_.list_directories(path);
  }
  Result<void> remove_directory(const std::string& path) override { return files_.remove_directory(path); }
  Result<void> sync_directory(const std::string& path) override {
    gate_.pass(Gate::Call::kSync, path);
    return files_.sync_directory(path);
  }
  Result<std::unique_ptr<DirectoryLock>> lock(const std::string& path) override { return files_.lock(path); }
  Result<std::unique_ptr<DirectoryLock>> lock_directory(const std::string& path) override {
    return files_.lock_directory(path);
  }
  Result<FileIdentity> identity(const std::string& path) override { return files_.identity(path); }
  Result<std::uint64_t> free_bytes(const std::string& path) override { return files_.free_bytes(path); }

 private:
  FileSystem& files_;
  Gate& gate_;
};

}  // namespace

void Gate::close(Call call, std::string path_part, std::size_t bytes_min) {
  base::MutexLock lock(mutex_);
  closed_ = true;
  call_ = call;
  path_part_ = std::move(path_part);
  bytes_min_ = bytes_min;
}

bool Gate::await() {
  constexpr int kTries = 300;
  constexpr std::int64_t kTryMs = 100;
  base::MutexLock lock(mutex_);
  for (int i = 0; waiting_ == 0 && i < kTries; ++i) changed_.wait_for_ms(mutex_, kTryMs);
  return waiting_ != 0;
}

void Gate::open() {
  base::MutexLock lock(mutex_);
  closed_ = false;
  changed_.notify_all();
}

void Gate::pass(Call call, const std::string& path, std::size_t bytes) {
  base::MutexLock lock(mutex_);
  if (!closed_ || call != call_ || bytes < bytes_min_ || path.find(path_part_) == std::string::npos) return;
  ++waiting_;
  changed_.notify_all();
  while (closed_) changed_.wait(mutex_);
  --waiting_;
}

std::unique_ptr<FileSystem> make_gated_file_system(FileSystem& files, Gate& gate) {
  return std::make_unique<GatedFileSystem>(files, gate);
}

}  // namespace stave::sim
