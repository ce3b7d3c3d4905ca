// The five lines that everything begins with: open, set, get, remove, close.
#include <stave/store.h>

#include <filesystem>
#include <iostream>

int main() {
  const auto directory = (std::filesystem::temp_directory_path() / "stave-hello").string();
  auto opened = stave::Store::open(directory);
  if (!opened) {
    std::cerr << opened.error().describe() << '\n';
    return 1;
  }
  stave::Store& store = **opened;

  // When this returns, the value is on disk and survives a power cut.
  if (auto done = store.set("user:1", "Alice"); !done) {
    std::cerr << done.error().describe() << '\n';
    return 1;
  }
  if (const auto name = store.get("user:1"); name && *name) std::cout << "user:1 is " << **name << '\n';
  if (const auto nobody = store.get("user:2"); nobody && !*nobody) std::cout << "user:2 is nobody\n";

  const auto removed = store.remove("user:1");
  std::cout << (removed && *removed ? "removed\n" : "nothing to remove\n");
  return store.close() ? 0 : 1;
}
