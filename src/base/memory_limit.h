// How much memory this process may take: what its container allows, or what the machine has.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace stave::base {

struct MemoryLimit {
  std::uint64_t bytes = 0;
  bool of_cgroup = false;  ///< Else it is the machine's memory.
};

/// Reads a file of the system whole; nullopt when it is not there.
using ReadSystemFile = std::function<std::optional<std::string>(const std::string& path)>;

/// The smallest limit of the control groups that the process is in (version 2, or the memory controller of version 1),
/// if that is below the machine's memory. nullopt: the system tells neither. Source of the formats: cgroups(7),
/// proc(5).
std::optional<MemoryLimit> memory_limit(const ReadSystemFile& read);
/// The same of this process.
std::optional<MemoryLimit> memory_limit();

}  // namespace stave::base
