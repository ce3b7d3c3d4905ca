#include "base/memory_limit.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string_view>

#include "base/path.h"

namespace stave::base {

namespace {

std::optional<std::uint64_t> number_at_front(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  std::uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{}) return std::nullopt;  // "max"
  return value;
}

/// The smallest number in the file of that name, in the group and in those around it.
std::optional<std::uint64_t> smallest(const ReadSystemFile& read, const std::string& root, std::string group,
                                      const std::string& file) {
  std::optional<std::uint64_t> least;
  for (;; group = parent_path(group)) {
    // In a container the group's path may be that of the machine, which is not to be seen: its own files lie at the
    // root.
    const std::string place = group == "/" ? root : root + group;
    if (const auto text = read(place + "/" + file))
      if (const auto number = number_at_front(*text); number && (!least || *number < *least)) least = number;
    if (group == "/") return least;
  }
}

std::optional<std::uint64_t> cgroup_limit(const ReadSystemFile& read) {
  const auto groups = read("/proc/self/cgroup");
  if (!groups) return std::nullopt;
  std::string_view rest = *groups;
  std::optional<std::uint64_t> least;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    // hierarchy:controllers:path
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string controllers = "," + std::string(line.substr(first + 1, second - first - 1)) + ",";
    const std::string group = normal_path("/" + std::string(line.substr(second + 1)));
    std::optional<std::uint64_t> found;
    if (controllers == ",,") {
      found = smallest(read, "/sys/fs/cgroup", group, "memory.max");
    } else if (controllers.find(",memory,") != std::string::npos) {
      found = smallest(read, "/sys/fs/cgroup/memory", group, "memory.limit_in_bytes");
    }
    if (found && (!least || *found < *least)) least = found;
  }
  return least;
}

std::optional<std::uint64_t> machine_memory(const ReadSystemFile& read) {
  constexpr std::string_view kName = "MemTotal:";
  const auto text = read("/proc/meminfo");
  if (!text) return std::nullopt;
  const std::size_t at = text->find(kName);
  if (at == std::string::npos) return std::nullopt;
  const auto kib = number_at_front(std::string_view(*text).substr(at + kName.size()));
  constexpr std::uint64_t kKib = 1024;
  return kib ? std::optional(*kib * kKib) : std::nullopt;
}

std::optional<std::string> read_system_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return std::nullopt;
  constexpr std::size_t kMost = 64 << 10;
  std::string text(kMost, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(descriptor, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  ::close(descriptor);
  text.resize(size);
  return text;
}

}  // namespace

std::optional<MemoryLimit> memory_limit(const ReadSystemFile& read) {
  const auto machine = machine_memory(read);
  const auto group = cgroup_limit(read);
  // Version 1 says "no limit" by a number larger than any memory.
  constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 60;
  if (group && *group != 0 && *group < machine.value_or(kNoLimit)) return MemoryLimit{*group, true};
  if (machine && *machine != 0) return MemoryLimit{*machine, false};
  return std::nullopt;
}

std::optional<MemoryLimit> memory_limit() {
  return memory_limit(read_system_file);
}

}  // namespace stave::base
