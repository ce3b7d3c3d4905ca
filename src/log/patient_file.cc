#include "log/patient_file.h"

#include <algorithm>
#include <utility>

#include "base/try.h"

namespace stave::log {

namespace {

constexpr std::size_t kPatienceBytes = 4096;

class PatientFile final : public File {
 public:
  PatientFile(std::unique_ptr<File> file, std::function<void(std::uint64_t, const Error&)> unreadable)
      : file_(std::move(file)), unreadable_(std::move(unreadable)) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
    auto whole = file_->read_at(offset, into);
    if (whole || whole.error().code() != ErrorCode::kIo) return whole;
    STAVE_ASSIGN(const std::uint64_t size, file_->size());
    const std::size_t there = std::min<std::uint64_t>(into.size(), size - std::min(size, offset));
    for (std::size_t at = 0; at < there;) {
      const std::size_t bytes = std::min<std::uint64_t>(there - at, kPatienceBytes - (offset + at) % kPatienceBytes);
      const auto block = into.subspan(at, bytes);
      const auto got = file_->read_at(offset + at, block);
      if (!got) {
        std::ranges::fill(block, std::byte{0});
        tell((offset + at) / kPatienceBytes * kPatienceBytes, got.error());
      }
      at += bytes;
    }
    return there;
  }
  Result<std::uint64_t> size() override { return file_->size(); }
  Result<void> drop_cache() override { return file_->drop_cache(); }
  Result<void> write_at(std::uint64_t, std::span<const std::byte>) override { return refuse(); }
  Result<void> sync_data() override { return refuse(); }
  Result<void> allocate(std::uint64_t) override { return refuse(); }
  Result<void> truncate(std::uint64_t) override { return refuse(); }

 private:
  static Result<void> refuse() { return fail(ErrorCode::kInvalidArgument, "this file is only read"); }
  void tell(std::uint64_t block, const Error& error) {
    // It is read more than once.
    if (std::ranges::find(told_, block) != told_.end()) return;
    told_.push_back(block);
    unreadable_(block, error);
  }

  std::unique_ptr<File> file_;
  std::function<void(std::uint64_t, const Error&)> unreadable_;
  std::vector<std::uint64_t> told_;
};

}  // namespace

std::unique_ptr<File> make_patient_file(std::unique_ptr<File> file,
                                        std::function<void(std::uint64_t offset, const Error& error)> unreadable) {
  return std::make_unique<PatientFile>(std::move(file), std::move(unreadable));
}

}  // namespace stave::log
