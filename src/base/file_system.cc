// What a file system answers that brings no answer of its own.
#include "stave/file_system.h"
#include "base/try.h"

namespace stave {

namespace {

class NamedDirectory final : public Directory {
 public:
  NamedDirectory(FileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}
  Result<void> sync() override { return files_.sync_directory(path_); }

 private:
  FileSystem& files_;
  const std::string path_;
};

}  // namespace

Result<std::unique_ptr<Directory>> FileSystem::open_directory(const std::string& path) {
  STAVE_TRY(list(path));  // says what is wrong with the path, if anything is
  return std::make_unique<NamedDirectory>(*this, path);
}

Result<void> FileSystem::link(const std::string& /*from*/, const std::string& to) {
  return fail(Error(ErrorCode::kUnsupported, "files have one name only here").with_file(to));
}

Result<std::vector<std::string>> FileSystem::list_directories(const std::string& path) {
  return fail(Error(ErrorCode::kUnsupported, "directories are not listed here").with_file(path));
}

Result<void> FileSystem::remove_directory(const std::string& path) {
  return fail(Error(ErrorCode::kUnsupported, "directories are not removed here").with_file(path));
}

}  // namespace stave
