#include "base/system_error.h"

#include <cerrno>

namespace stave::base {

ErrorCode code_of(int system_errno) noexcept {
  switch (system_errno) {
    case ENOSPC:
    case EDQUOT: return ErrorCode::kNoSpace;
    case EACCES:
    case EPERM:
    case EROFS:
    case ELOOP: return ErrorCode::kPermission;
    case EMFILE:
    case ENFILE:
    case EBUSY:
    case ETXTBSY:
    case EINTR:
    case EAGAIN: return ErrorCode::kBusy;
    case ENOENT: return ErrorCode::kNotFound;
    case EEXIST: return ErrorCode::kConflict;
    case ENOMEM: return ErrorCode::kNoMemory;
    case EFBIG: return ErrorCode::kTooLarge;
    case EBADF:
    case EISDIR:
    case ENOTDIR:
    case ENOTEMPTY:
    case ENAMETOOLONG: return ErrorCode::kInvalidArgument;
    default: return ErrorCode::kIo;
  }
}

bool is_shortage(const Error& error) noexcept {
  switch (error.system_errno()) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EINTR:
    case EAGAIN: return true;
    default: return false;
  }
}

namespace {

std::string_view advice(int system_errno) {
  switch (system_errno) {
    case ENOSPC: return "the disk is full; free some room";
    case EDQUOT: return "the disk quota is used up; free some room or have it raised";
    case EACCES:
    case EPERM: return "permission denied; check the owner and the mode of the file and its directories";
    case EROFS: return "the file system is mounted read-only; remount it writable or choose another directory";
    case ELOOP: return "it is a symbolic link, which is not followed here; name the file itself";
    case EMFILE: return "this process has too many open files; raise its limit (ulimit -n)";
    case ENFILE: return "the system has too many open files; raise fs.file-max or close other programs";
    case EBUSY:
    case ETXTBSY:
    case EAGAIN: return "somebody else is using it; try again later";
    case ENOENT: return "there is no such file or directory; check the path";
    case EEXIST: return "it exists already";
    case ENOMEM: return "the system is out of memory";
    case EINTR: return "a signal interrupted it; try again";
    case EFBIG: return "the file would grow past the size allowed here; check ulimit -f and the file system";
    case EBADF: return "the file was not opened for this";
    case EISDIR: return "it is a directory; name a file";
    case ENOTDIR: return "a part of the path is not a directory; check the path";
    case ENOTEMPTY: return "the directory is not empty";
    case ENAMETOOLONG: return "the path is too long; choose a shorter one";
    default: return "the disk or the system failed; look into the system's log (dmesg) before going on";
  }
}

}  // namespace

Error system_error(int system_errno, std::string_view doing, const std::string& file, std::int64_t offset) {
  std::string sentence(doing);
  sentence += ": ";
  sentence += advice(system_errno);
  return Error(code_of(system_errno), std::move(sentence)).with_errno(system_errno).with_file(file, offset);
}

}  // namespace stave::base
