// A file that is read on although the disk cannot read parts of it: those parts are zeros, and whoever asks is told.
//
// Must not know: what the bytes mean.
#pragma once

#include <functional>
#include <memory>

#include "stave/file_system.h"

namespace stave::log {

/// `unreadable` is told of each block that gave kIo, by offset. Only for reading.
std::unique_ptr<File> make_patient_file(std::unique_ptr<File> file,
                                        std::function<void(std::uint64_t offset, const Error& error)> unreadable);

}  // namespace stave::log
