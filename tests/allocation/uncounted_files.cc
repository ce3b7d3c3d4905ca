#include "allocation/uncounted_files.h"

#include <utility>

#include "allocation/failing_allocation.h"

namespace stave::sim {
namespace {

class UncountedFile final : public File {
 public:
  explicit UncountedFile(std::unique_ptr<File> file) : file_(std::move(file)) {}
  ~UncountedFile() override {
    const AllocationsPass pass;
    file_.reset();
  }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
    const AllocationsPass pass;
    return file_->read_at(offset, into);
  }
  Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    const AllocationsPass pass;
    return file_->write_at(offset, bytes);
  }
  Result<void> sync_data() override {
    const AllocationsPass pass;
    return file_->sync_data();
  }
  Result<void> allocate(std::uint64_t size) override {
    const AllocationsPass pass;
    return file_->allocate(size);
  }
  Result<void> truncate(std::uint64_t size) override {
    const AllocationsPass pass;
    return file_->truncate(size);
  }
  Result<std::uint64_t> size() override {
    const AllocationsPass pass;
    return file_->size();
  }
  Result<void> drop_cache() override {
    const AllocationsPass pass;
    return file_->drop_cache();
  }

 private:
  std::unique_ptr<File> file_;
};

class UncountedFileSystem final : public FileSystem {
 public:
  explicit UncountedFileSystem(FileSystem& files) : files_(files) {}

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    const AllocationsPass pass;
    auto file = files_.open(path, mode);
    if (!file) return fail(std::move(file).error());
    return std::make_unique<UncountedFile>(std::move(*file));
  }
  Result<void> create_directories(const std::string& path) override {
    const AllocationsPass pass;
    return files_.create_directories(path);
  }
  Result<std::vector<std::string>> list_directories(const std::string& path) override {
    const AllocationsPass pass;
    return files_.list_directories(path);
  }
  Result<void> remove_directory(const std::string& path) override {
    const AllocationsPass pass;
    return files_.remove_directory(path);
  }
  Result<std::vector<std::string>> list(const std::string& path) override {
    const AllocationsPass pass;
    return files_.list(path);
  }
  Result<bool> exists(const std::string& path) override {
    const AllocationsPass pass;
    return files_.exists(path);
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    const AllocationsPass pass;
    return files_.rename(from, to);
  }
  Result<void> link(const std::string& from, const std::string& to) override {
    const AllocationsPass pass;
    return files_.link(from, to);
  }
  Result<void> remove(const std::string& path) override {
    const AllocationsPass pass;
    return files_.remove(path);
  }
  Result<void> sync_directory(const std::string& path) override {
    const AllocationsPass pass;
    return files_.sync_directory(path);
  }
  Result<std::unique_ptr<DirectoryLock>> lock(const std::string& path) override {
    const AllocationsPass pass;
    return files_.lock(path);
  }
  Result<std::unique_ptr<DirectoryLock>> lock_directory(const std::string& path) override {
    const AllocationsPass pass;
    return files_.lock_directory(path);
  }
  Result<FileIdentity> identity(const std::string& path) override {
    const AllocationsPass pass;
    return files_.identity(path);
  }
  Result<std::uint64_t> free_bytes(const std::string& path) override {
    const AllocationsPass pass;
    return files_.free_bytes(path);
  }

 private:
  FileSystem& files_;
};

}  // namespace

std::unique_ptr<FileSystem> make_uncounted_file_system(FileSystem& files) {
  return std::make_unique<UncountedFileSystem>(files);
}

}  // namespace stave::sim
