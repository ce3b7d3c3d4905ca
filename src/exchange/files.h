// Byte inputs and outputs over files, and a new file that takes an old one's name only when it is whole.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "exchange/exchange.h"
#include "stave/file_system.h"

namespace stave::exchange {

/// Reads a file from its first byte to its last.
class FileInput final : public ByteInput {
 public:
  /// `file` must outlive it.
  explicit FileInput(File& file) : file_(file) {}
  Result<std::size_t> read(std::span<std::byte> into) override;

 private:
  File& file_;
  std::uint64_t at_ = 0;
};

/// Writes a file from its first byte on, in pieces that suit the disk.
class FileOutput final : public ByteOutput {
 public:
  /// `file`, which is empty, must outlive it.
  explicit FileOutput(File& file);
  Result<void> write(std::span<const std::byte> bytes) override;
  Result<void> patch(std::uint64_t offset, std::span<const std::byte> bytes) override;
  /// Hands on what is held back. Nothing is durable before the file is synced.
  Result<void> flush();
  /// Bytes written so far, those held back among them.
  [[nodiscard]] std::uint64_t size() const noexcept { return written_ + held_.size(); }

 private:
  File& file_;
  std::vector<std::byte> held_;
  std::uint64_t written_ = 0;
};

/// Bytes in memory as an input.
class MemoryInput final : public ByteInput {
 public:
  explicit MemoryInput(std::string_view bytes) : rest_(bytes) {}
  Result<std::size_t> read(std::span<std::byte> into) override;

 private:
  std::string_view rest_;
};

/// Collects bytes in memory.
class MemoryOutput final : public ByteOutput {
 public:
  Result<void> write(std::span<const std::byte> bytes) override;
  Result<void> patch(std::uint64_t offset, std::span<const std::byte> bytes) override;
  [[nodiscard]] std::string& bytes() noexcept { return bytes_; }

 private:
  std::string bytes_;
};

/// A file under construction: `<path>.partial` until `commit`. Who crashes before leaves the old file as it was and a
/// partial one, which the next attempt removes. One at a time per path.
class NewFile {
 public:
  /// Errors: those of the file system.
  static Result<NewFile> create(FileSystem& files, const std::string& path);
  /// Removes the partial file, if `commit` did not succeed.
  ~NewFile();
  NewFile(NewFile&&) = default;
  NewFile& operator=(NewFile&&) = delete;

  [[nodiscard]] FileOutput& output() noexcept { return *output_; }
  /// Makes the bytes durable, gives them the name, and makes the name durable. Once.
  Result<void> commit();

 private:
  NewFile(FileSystem& files, std::string path, std::unique_ptr<File> file);
  FileSystem* files_;
  std::string path_;
  std::string draft_;  ///< What it is called until it is whole.
  std::unique_ptr<File> file_;
  std::unique_ptr<FileOutput> output_;
};

}  // namespace stave::exchange
