// The same random calls on all three file systems give the same answers, errors included.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/random.h"
#include "stave/file_system.h"
#include "testing/sim_file_system.h"

namespace stave {
namespace {

/// A user of a file system who holds a few files and a lock, and writes down every answer.
class Walker {
 public:
  Walker(FileSystem& files, std::string root) : files_(files), root_(std::move(root)), handles_(3) {}

  std::string step(base::Random& random) {
    const std::string one = any_name(random);
    const std::string other = any_name(random);
    const std::string a = root_ + one;
    const std::string b = root_ + other;
    auto& handle = handles_[random.below(handles_.size())];
    const std::uint64_t offset = random.below(9000);
    const std::string text(random.below(5000), static_cast<char>('a' + random.below(26)));
    switch (random.below(17)) {
      case 0: return "open " + one + keep(handle, files_.open(a, OpenMode::kRead));
      case 1: return "open rw " + one + keep(handle, files_.open(a, OpenMode::kReadWrite));
      case 2:
      case 3: return "create " + one + keep(handle, files_.open(a, OpenMode::kCreate));
      case 4:
        if (one == "/d") return "directories are not renamed";
        return "rename " + one + " " + other + answer(files_.rename(a, b));
      case 5: return "remove " + one + answer(files_.remove(a));
      case 6: return "exists " + one + answer(files_.exists(a));
      case 7: return "sync " + one + answer(files_.sync_directory(a));
      case 8: return "list " + one + names(files_.list(a));
      case 9: return "lock" + keep(lock_, files_.lock(root_ + (random.coin() ? "/LOCK" : "/a/LOCK")));
      case 10: return "mkdir" + (random.one_in(4) ? answer(files_.create_directories(root_ + "/d/e")) : "");
      case 11: return "directory lock " + one + keep(lock_, files_.lock_directory(a));
      case 12: return "identity " + one + " " + other + same(files_.identity(a), files_.identity(b));
      default: break;
    }
    if (handle == nullptr) return "no file";
    switch (random.below(6)) {
      case 0: return "truncate" + answer(handle->truncate(offset));
      case 1: return "allocate" + answer(handle->allocate(offset));
      case 2: return "sync" + answer(handle->sync_data()) + answer(handle->drop_cache());
      case 3: return "read" + read(*handle);
      default: return "write" + answer(handle->write_at(offset, base::as_bytes(text)));
    }
  }

 private:
  static std::string any_name(base::Random& random) {
    static constexpr const char* kPaths[] = {"/a", "/b", "/c", "/d", "/d/a", "/d/b", "/a/x", "/../root/b", "//d//./b"};
    return kPaths[random.below(std::size(kPaths))];
  }
  template <class T>
  static std::string answer(const Result<T>& result) {
    if (!result) return " " + std::string(to_string(result.error().code()));
    if constexpr (std::is_same_v<T, bool>) return *result ? " yes" : " no";
    return " ok";
  }
  static std::string same(const Result<FileIdentity>& a, const Result<FileIdentity>& b) {
    return answer(a) + answer(b) + (a && b ? (*a == *b ? " same" : " different") : "");
  }
  static std::string names(const Result<std::vector<std::string>>& result) {
    std::string out = answer(result);
    if (result)
      for (const auto& name : *result) out += " " + name;
    return out;
  }
  template <class T>
  static std::string keep(std::unique_ptr<T>& place, Result<std::unique_ptr<T>> result) {
    std::string out = answer(result);
    if (result) place = std::move(*result);
    return out;
  }
  static std::string read(File& file) {
    std::string text(static_cast<std::size_t>(file.size().value_or(0)) + 1, '?');
    const auto count = file.read_at(0, std::as_writable_bytes(std::span(text)));
    const auto bytes = base::as_bytes(text).first(count.value_or(0));
    return answer(count) + " " + std::to_string(bytes.size()) + " " + std::to_string(base::xxh3(bytes, 0));
  }

  FileSystem& files_;
  std::string root_;
  std::vector<std::unique_ptr<File>> handles_;
  std::unique_ptr<DirectoryLock> lock_;
};

std::string transcript(FileSystem& files, const std::string& root, std::uint64_t seed) {
  EXPECT_TRUE(files.create_directories(root));
  base::Random random(seed);
  Walker walker(files, root);
  std::string out;
  for (int i = 0; i < 200; ++i) out += walker.step(random) + "\n";
  return out;
}

TEST(FileSystemAgreement, equal_calls_get_equal_answers) {
  std::string pattern = (std::filesystem::temp_directory_path() / "stave-agree-XXXXXX").string();
  ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    const std::string real_root = pattern + "/" + std::to_string(seed) + "/root";
    const auto real = transcript(FileSystem::system(), real_root, seed);
    const auto memory_files = make_memory_file_system();
    sim::SimFileSystem disk(seed);
    ASSERT_EQ(transcript(*memory_files, "/root", seed), real);
    ASSERT_EQ(transcript(disk, "/root", seed), real);
  }
  std::filesystem::remove_all(pattern);
}

}  // namespace
}  // namespace stave
