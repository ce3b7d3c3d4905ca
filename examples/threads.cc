// One store, many threads, no locks of your own. Writes that wait for the disk share its trips: sixteen threads get far
// more durable writes done than one.
#include <stave/store.h>

#include <filesystem>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

int main() {
  const auto directory = (std::filesystem::temp_directory_path() / "stave-threads").string();
  std::filesystem::remove_all(directory);
  auto opened = stave::Store::open(directory);
  if (!opened) {
    std::cerr << opened.error().describe() << '\n';
    return 1;
  }
  stave::Store& store = **opened;
  constexpr int kThreads = 16;
  constexpr int kEach = 100;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&store, t] {
        for (int i = 0; i < kEach; ++i) {
          const std::string key = "thread" + std::to_string(t) + ":" + std::to_string(i);
          if (!store.set(key, "written")) std::abort();
          if (!store.increment("total")) std::abort();
        }
      });
    }
  }
  const stave::Stats stats = store.stats();
  std::cout << "total: " << **store.get("total") << ", keys: " << stats.keys << '\n'
            << 2 * kThreads * kEach << " durable writes took " << stats.syncs << " trips to the disk\n";
  const bool right = **store.get("total") == std::to_string(kThreads * kEach) && stats.keys == kThreads * kEach + 1;
  opened->reset();
  std::filesystem::remove_all(directory);
  return right ? 0 : 1;
}
