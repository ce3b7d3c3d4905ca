// The life of the log beside RocksDB and LevelDB: what overwriting everything costs in space and in bytes written, how
// fast a data set ten times the memory is read, how fast the index comes back from the log alone. One store a run: what
// a process writes is then the store's doing.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>
#include <vector>

#include "peer.h"

namespace bench {
namespace {

namespace fs = std::filesystem;
using Steady = std::chrono::steady_clock;

struct Settings {
  std::string directory = "life-data";
  std::string part = "overwrite";
  std::string peer = "stave";
  std::string spread = "uniform";
  std::uint64_t keys = 1'000'000;
  std::uint64_t memory = 96u << 20;
  double seconds = 10;
};

double since(Steady::time_point begin) {
  return std::chrono::duration<double>(Steady::now() - begin).count();
}

std::string key_of(std::uint64_t i) {
  std::uint64_t x = (i + 1) * 0x9e3779b97f4a7c15ull;
  x ^= x >> 29;
  char text[24];
  std::snprintf(text, sizeof text, "%016llx", 0ull + x);
  return text;
}

std::string random_bytes(std::mt19937_64& random, std::size_t size) {
  std::string bytes(size + 8, '\0');
  for (std::size_t at = 0; at < size; at += 8) {
    const std::uint64_t word = random();
    std::memcpy(bytes.data() + at, &word, 8);
  }
  bytes.resize(size);
  return bytes;
}

std::uint64_t bytes_in(const std::string& directory) {
  std::uint64_t bytes = 0;
  for (const auto& file : fs::recursive_directory_iterator(directory)) {
    std::error_code gone;
    if (const auto size = fs::file_size(file, gone); file.is_regular_file() && !gone) bytes += size;
  }
  return bytes;
}

/// What this process has handed to write calls.
std::uint64_t bytes_written() {
  std::ifstream io("/proc/self/io");
  std::string word;
  std::uint64_t value = 0;
  while (io >> word >> value)
    if (word == "wchar:") return value;
  return 0;
}

std::unique_ptr<Peer> make(const std::string& name) {
  if (name == "rocksdb") return make_rocksdb();
  if (name == "leveldb") return make_leveldb();
  check(name == "stave", "finding that peer");
  return make_stave();
}

/// Fills, overwrites three times at random, waits until nothing is written any more.
void overwrite(const Settings& settings, Peer& peer) {
  std::mt19937_64 random(1);
  constexpr std::size_t kValue = 200;
  const std::string pool = random_bytes(random, 1 << 20);
  const auto value = [&] { return std::string_view(pool).substr(random() % (pool.size() - kValue), kValue); };
  for (std::uint64_t i = 0; i < settings.keys; ++i) peer.set(key_of(i), value());
  const std::uint64_t before = bytes_written();
  const auto begin = Steady::now();
  std::uint64_t peak = 0;
  for (std::uint64_t i = 0; i < 3 * settings.keys; ++i) {
    peer.set(key_of(random() % settings.keys), value());
    if (i % (settings.keys / 20) == 0) peak = std::max(peak, bytes_in(settings.directory));
  }
  const double seconds = since(begin);
  for (std::uint64_t last = 0, now = bytes_written(); now != last; now = bytes_written()) {
    last = now;
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  const auto data = static_cast<double>(settings.keys * (kValue + 16));
  std::printf("overwrite  %-8s %.0f K sets/s, space %.2fx (peak %.2fx), written %.2fx\n", settings.peer.c_str(),
              static_cast<double>(3 * settings.keys) / seconds / 1e3,
              static_cast<double>(bytes_in(settings.directory)) / data, static_cast<double>(peak) / data,
              static_cast<double>(bytes_written() - before) / (3 * data));
}

/// Reads a data set of ten times the memory.
void read_beyond_memory(const Settings& settings, Peer& peer) {
  constexpr std::size_t kValue = 1000;
  const std::uint64_t keys = settings.memory * 10 / kValue;
  std::mt19937_64 random(2);
  const std::string pool = random_bytes(random, 4 << 20);
  for (std::uint64_t i = 0; i < keys; ++i)
    peer.set(key_of(i), std::string_view(pool).substr(random() % (pool.size() - kValue), kValue));
  // Zipf with s = 0.99, drawn as Gray et al. do (SIGMOD 1994).
  const double theta = 0.99;
  double zeta = 0;
  for (std::uint64_t i = 1; i <= keys; ++i) zeta += 1 / std::pow(static_cast<double>(i), theta);
  const double alpha = 1 / (1 - theta);
  const double eta =
      (1 - std::pow(2.0 / static_cast<double>(keys), 1 - theta)) / (1 - (1 + std::pow(0.5, theta)) / zeta);
  std::uniform_real_distribution<double> real(0, 1);
  const auto pick = [&]() -> std::uint64_t {
    if (settings.spread == "uniform") return random() % keys;
    const double u = real(random);
    if (u * zeta < 1) return 0;
    if (u * zeta < 1 + std::pow(0.5, theta)) return 1;
    return std::min(keys - 1,
                    static_cast<std::uint64_t>(static_cast<double>(keys) * std::pow(eta * u - eta + 1, alpha)));
  };
  std::string value;
  const auto measure = [&](double seconds) {
    std::uint64_t done = 0;
    const auto begin = Steady::now();
    while (since(begin) < seconds)
      for (int i = 0; i < 256; ++i, ++done) check(peer.get(key_of(pick()), value) && value.size() == kValue, "reading");
    return static_cast<double>(done) / since(begin);
  };
  static_cast<void>(measure(settings.seconds));
  std::printf("10x memory %-8s %-8s %.0f K gets/s\n", settings.peer.c_str(), settings.spread.c_str(),
              measure(settings.seconds) / 1e3);
}

/// Opens the store without its images, again and again: the index is rebuilt from the log alone.
void rebuild(const Settings& settings, Peer& peer) {
  check(settings.peer == "stave", "rebuilding, which is for stave only,");
  std::mt19937_64 random(3);
  constexpr std::size_t kValue = 100;
  constexpr int kRounds = 5;
  const std::string pool = random_bytes(random, 1 << 20);
  for (std::uint64_t i = 0; i < settings.keys; ++i)
    peer.set(key_of(i), std::string_view(pool).substr(random() % (pool.size() - kValue), kValue));
  for (int round = 0; round < kRounds; ++round) {
    peer.close();
    for (const auto& file : fs::directory_iterator(settings.directory))
      if (file.path().extension() == ".image") fs::remove(file.path());
    const auto begin = Steady::now();
    peer.open(settings.directory);
    const double seconds = since(begin);
    std::string value;
    check(peer.get(key_of(settings.keys / 2), value) && value.size() == kValue, "reading");
    std::printf("rebuild    %-8s %.2f M keys/s, %.2f s, first read after %.2f s\n", settings.peer.c_str(),
                static_cast<double>(settings.keys) / seconds / 1e6, seconds, since(begin));
  }
}

int run(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const std::string text = argv[i + 1];
    if (name == "--dir") settings.directory = text;
    if (name == "--part") settings.part = text;
    if (name == "--peer") settings.peer = text;
    if (name == "--spread") settings.spread = text;
    if (name == "--keys") settings.keys = std::stoull(text);
    if (name == "--memory") settings.memory = std::stoull(text);
    if (name == "--seconds") settings.seconds = std::stod(text);
  }
  settings.directory += "/" + settings.peer;
  fs::remove_all(settings.directory);
  fs::create_directories(settings.directory);
  const auto peer = make(settings.peer);
  if (settings.part == "memory") peer->limit_memory(settings.memory);
  peer->open(settings.directory);
  if (settings.part == "rebuild") {
    rebuild(settings, *peer);
  } else {
    settings.part == "memory" ? read_beyond_memory(settings, *peer) : overwrite(settings, *peer);
  }
  peer->close();
  fs::remove_all(settings.directory);
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  return bench::run(argc, argv);
}
