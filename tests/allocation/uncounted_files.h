// A disk whose own bookkeeping takes memory that is never refused: a real one has its in the kernel.
#pragma once

#include <memory>

#include "stave/file_system.h"

namespace stave::sim {

/// `files` must outlive it.
std::unique_ptr<FileSystem> make_uncounted_file_system(FileSystem& files);

}  // namespace stave::sim
