#include "base/ring_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <utility>

#include "base/assert.h"

namespace stave::base {

Result<RingMemory> RingMemory::create(std::size_t size) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  if (!std::has_single_bit(size) || size < page)
    return fail(ErrorCode::kInvalidArgument, "a ring buffer must be a power of two and at least a page");
  const auto refuse = [](const char* what) { return fail(Error(ErrorCode::kNoMemory, what).with_errno(errno)); };
  const int file = ::memfd_create("stave-ring", MFD_CLOEXEC);
  if (file < 0) return refuse("cannot create the memory of a ring buffer");
  if (::ftruncate(file, static_cast<off_t>(size)) != 0) {
    auto error = refuse("cannot size the memory of a ring buffer");
    ::close(file);
    return error;
  }
  // Reserve the addresses first, then lay both views over them: nobody else can slip in between.
  void* const whole = ::mmap(nullptr, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (whole == MAP_FAILED) {
    auto error = refuse("cannot map a ring buffer");
    ::close(file);
    return error;
  }
  auto* const data = static_cast<std::byte*>(whole);
  for (std::byte* half : {data, data + size}) {
    if (::mmap(half, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) != MAP_FAILED) continue;
    auto error = refuse("cannot map a ring buffer");
    ::munmap(data, 2 * size);
    ::close(file);
    return error;
  }
  ::close(file);
  return RingMemory(data, size);
}

RingMemory::RingMemory(RingMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

RingMemory& RingMemory::operator=(RingMemory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

RingMemory::~RingMemory() {
  STAVE_ASSERT((data_ == nullptr) == (size_ == 0));
  if (data_ != nullptr) ::munmap(data_, 2 * size_);
}

}  // namespace stave::base
