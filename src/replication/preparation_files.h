// The files of a directory that is prepared.
#pragma once

#include "replication/group.h"

namespace stave::replication {

inline FileSystem& files_of(const Preparation& preparation) {
  return preparation.options.file_system != nullptr ? *preparation.options.file_system : FileSystem::system();
}

}  // namespace stave::replication
