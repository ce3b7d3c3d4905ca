#include "store/directory_claim.h"

#include "base/assert.h"
#include "base/try.h"
#include "log/segment.h"

namespace stave::store {

namespace {

constexpr std::string_view kLockName = "LOCK";

std::unexpected<Error> lost(std::string what, const std::string& path) {
  return fail(Error(ErrorCode::kConflict,
                    std::move(what) +
                        " while the store was open; nothing more is written, since it could be written beside somebody "
                        "else: close the store, put the directory in order, and open it again")
                  .with_file(path));
}

}  // namespace

Result<void> DirectoryClaim::take() {
  STAVE_ASSERT(lock_file_ == nullptr && directory_lock_ == nullptr);
  const std::string lock_path = log::join_path(directory_, kLockName);
  // This one first: it knows who the holder is.
  STAVE_ASSIGN(lock_file_, files_.lock(lock_path));
  auto locked = files_.lock_directory(directory_);
  if (locked) {
    directory_lock_ = std::move(*locked);
  } else if (locked.error().code() != ErrorCode::kUnsupported) {
    lock_file_.reset();
    return fail(std::move(locked).error());
  }
  STAVE_ASSIGN(lock_file_is_, files_.identity(lock_path));
  STAVE_ASSIGN(directory_is_, files_.identity(directory_));
  return {};
}

Result<void> DirectoryClaim::settle() {
  STAVE_ASSERT(lock_file_ != nullptr && directory_is_);
  const std::string path = log::join_path(directory_, log::kIdentityName);
  STAVE_ASSIGN(identity_file_, files_.open(path, OpenMode::kRead));
  STAVE_ASSIGN(store_is_, files_.identity(path));
  return {};
}

// Only what is certain counts: a question that fails for want of descriptors or on a bad disk says nothing.
bool DirectoryClaim::moved(const std::string& path, const FileIdentity& known) const {
  const auto found = files_.identity(path);
  return found ? *found != known : found.error().code() == ErrorCode::kNotFound;
}

Result<void> DirectoryClaim::check() {
  STAVE_ASSERT(directory_is_ && store_is_);
  if (moved(directory_, *directory_is_))
    return lost("the directory of the store was moved away or replaced", directory_);
  const std::string path = log::join_path(directory_, log::kIdentityName);
  if (moved(path, *store_is_)) return lost("the identity file of the store was removed or replaced", path);
  return check_lock_file();
}

// Whoever removed it meant no harm, but a process of version 0.1 would now find the store free.
Result<void> DirectoryClaim::check_lock_file() {
  const std::string path = log::join_path(directory_, kLockName);
  if (!moved(path, *lock_file_is_)) return {};
  auto again = files_.lock(path);
  if (!again) {
    if (again.error().code() != ErrorCode::kBusy) return {};
    return lost("the file LOCK was removed, and another process has taken the store", path);
  }
  const auto is = files_.identity(path);
  if (!is) return {};
  lock_file_ = std::move(*again);
  lock_file_is_ = *is;
  return {};
}

void DirectoryClaim::release() {
  identity_file_.reset();
  directory_lock_.reset();
  lock_file_.reset();
}

}  // namespace stave::store
