#include "exchange/files.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "base/path.h"
#include "base/try.h"

namespace stave::exchange {

namespace {

constexpr std::size_t kHeldMax = 256u << 10;

std::string partial(const std::string& path) {
  return path + ".partial";
}

}  // namespace

Result<std::size_t> FileInput::read(std::span<std::byte> into) {
  STAVE_ASSIGN(const std::size_t count, file_.read_at(at_, into));
  at_ += count;
  return count;
}

FileOutput::FileOutput(File& file) : file_(file) {
  held_.reserve(kHeldMax);
}

Result<void> FileOutput::write(std::span<const std::byte> bytes) {
  if (held_.size() + bytes.size() > kHeldMax) STAVE_TRY(flush());
  if (bytes.size() >= kHeldMax) {
    STAVE_TRY(file_.write_at(written_, bytes));
    written_ += bytes.size();
    return {};
  }
  held_.insert(held_.end(), bytes.begin(), bytes.end());
  STAVE_ASSERT(held_.size() <= kHeldMax);
  return {};
}

Result<void> FileOutput::patch(std::uint64_t offset, std::span<const std::byte> bytes) {
  STAVE_ASSERT(offset + bytes.size() <= size());
  STAVE_TRY(flush());
  return file_.write_at(offset, bytes);
}

Result<void> FileOutput::flush() {
  if (held_.empty()) return {};
  STAVE_TRY(file_.write_at(written_, held_));
  written_ += held_.size();
  held_.clear();
  return {};
}

Result<std::size_t> MemoryInput::read(std::span<std::byte> into) {
  const std::size_t count = std::min(into.size(), rest_.size());
  if (count != 0) std::memcpy(into.data(), rest_.data(), count);
  rest_.remove_prefix(count);
  return count;
}

Result<void> MemoryOutput::write(std::span<const std::byte> bytes) {
  bytes_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return {};
}

Result<void> MemoryOutput::patch(std::uint64_t offset, std::span<const std::byte> bytes) {
  STAVE_ASSERT(offset + bytes.size() <= bytes_.size());
  std::memcpy(bytes_.data() + offset, bytes.data(), bytes.size());
  return {};
}

NewFile::NewFile(FileSystem& files, std::string path, std::unique_ptr<File> file)
    : files_(&files),
      path_(std::move(path)),
      draft_(partial(path_)),
      file_(std::move(file)),
      output_(std::make_unique<FileOutput>(*file_)) {}

NewFile::~NewFile() {
  if (file_ == nullptr) return;
  file_.reset();
  static_cast<void>(files_->remove(draft_));  // A leftover is harmless; the next attempt removes it.
}

Result<NewFile> NewFile::create(FileSystem& files, const std::string& path) {
  STAVE_ASSIGN(const bool leftover, files.exists(partial(path)));
  if (leftover) STAVE_TRY(files.remove(partial(path)));
  STAVE_ASSIGN(auto file, files.open(partial(path), OpenMode::kCreate));
  return NewFile(files, path, std::move(file));
}

Result<void> NewFile::commit() {
  STAVE_ASSERT(file_ != nullptr && output_ != nullptr);
  STAVE_TRY(output_->flush());
  STAVE_TRY(file_->sync_data());
  STAVE_TRY(files_->rename(draft_, path_));
  output_.reset();
  file_.reset();
  return files_->sync_directory(base::parent_path(base::normal_path(path_)));
}

}  // namespace stave::exchange
