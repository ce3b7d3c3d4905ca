#include "base/system_error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>

namespace stave::base {
namespace {

TEST(SystemError, tells_the_caller_what_can_be_done) {
  const std::pair<int, ErrorCode> expected[] = {
      {ENOSPC, ErrorCode::kNoSpace},
      {EDQUOT, ErrorCode::kNoSpace},
      {EACCES, ErrorCode::kPermission},
      {EPERM, ErrorCode::kPermission},
      {EROFS, ErrorCode::kPermission},
      {ELOOP, ErrorCode::kPermission},
      {EMFILE, ErrorCode::kBusy},
      {ENFILE, ErrorCode::kBusy},
      {EAGAIN, ErrorCode::kBusy},
      {ENOENT, ErrorCode::kNotFound},
      {EEXIST, ErrorCode::kConflict},
      {ENOMEM, ErrorCode::kNoMemory},
      {EFBIG, ErrorCode::kTooLarge},
      {EISDIR, ErrorCode::kInvalidArgument},
      {ENOTDIR, ErrorCode::kInvalidArgument},
      {EIO, ErrorCode::kIo},
      {ENODEV, ErrorCode::kIo},
      {ESTALE, ErrorCode::kIo},
      {ETIMEDOUT, ErrorCode::kIo},
      {12345, ErrorCode::kIo},
  };
  for (const auto& [number, code] : expected) EXPECT_EQ(code_of(number), code) << number;
}

TEST(SystemError, carries_errno_file_and_place_and_a_sentence_that_says_what_to_do) {
  const Error error = system_error(ENOSPC, "cannot write", "/data/1.log", 4096);
  EXPECT_EQ(error.code(), ErrorCode::kNoSpace);
  EXPECT_EQ(error.system_errno(), ENOSPC);
  EXPECT_EQ(error.file(), "/data/1.log");
  EXPECT_EQ(error.offset(), 4096);
  EXPECT_EQ(error.message(), "cannot write: the disk is full; free some room");
  EXPECT_EQ(error.describe(),
            "cannot write: the disk is full; free some room [/data/1.log at byte 4096]: No space left on device");
}

TEST(Error, a_clone_says_the_same) {
  const Error error = system_error(EIO, "cannot sync", "f", 7);
  const Error copy = error.clone();
  EXPECT_EQ(copy.code(), error.code());
  EXPECT_EQ(copy.describe(), error.describe());
}

TEST(Error, every_code_has_a_name_of_its_own) {
  std::set<std::string_view> names;
  for (int code = 1; code <= 16; ++code) names.insert(to_string(static_cast<ErrorCode>(code)));
  EXPECT_EQ(names.size(), 16u);
  EXPECT_FALSE(names.contains("unknown"));
}

}  // namespace
}  // namespace stave::base
