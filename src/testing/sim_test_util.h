// Short words for the tests of the simulated disk.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "testing/sim_file_system.h"

namespace stave::sim {

template <class T>
ErrorCode code(const Result<T>& result) {
  return result ? ErrorCode{} : result.error().code();
}

inline std::unique_ptr<File> create(SimFileSystem& disk, const std::string& path) {
  auto file = disk.open(path, OpenMode::kCreate);
  EXPECT_TRUE(file) << file.error().describe();
  return std::move(*file);
}

inline void write(File& file, std::uint64_t offset, std::string_view text) {
  const auto done = file.write_at(offset, base::as_bytes(text));
  EXPECT_TRUE(done) << done.error().describe();
}

inline std::string contents(SimFileSystem& disk, const std::string& path) {
  auto file = disk.open(path, OpenMode::kRead);
  EXPECT_TRUE(file) << file.error().describe();
  std::string text(static_cast<std::size_t>(*(*file)->size()), '\0');
  EXPECT_TRUE((*file)->read_at(0, std::as_writable_bytes(std::span(text))));
  return text;
}

}  // namespace stave::sim
