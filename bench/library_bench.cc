// Stave's library beside RocksDB, LevelDB, LMDB and a guarded std::unordered_map, in one process and one run.
//
// Every store is filled with the same keys. Then each kind of call is measured in short slices, one store after the
// other, several rounds long, so that whatever else the machine does hits all alike; figures are medians of the slices.
// Keys and values are made beforehand and lie in the order in which they are used: the loop measures the store.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <random>
#include <thread>

#include "peer.h"
#include "report.h"
#include "stave/store.h"

namespace bench {
namespace {

constexpr std::size_t kKeyBytes = 16;
constexpr std::size_t kValueBytes = 100;
constexpr std::size_t kMultiGet = 16;
constexpr std::size_t kStreamKeys = 1u << 21;
constexpr std::size_t kBlock = 512;

struct Settings {
  std::size_t keys = 5'000'000;
  double seconds = 1.0;
  int rounds = 5;
  std::string directory = "bench-data";
  std::string peers = "stave,map,rocksdb,leveldb,lmdb";
};

using Steady = std::chrono::steady_clock;
double since(Steady::time_point begin) {
  return std::chrono::duration<double>(Steady::now() - begin).count();
}

double process_cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Waits until background threads (compactions, flushes) have come to rest, so that no store pays for another's.
void settle() {
  for (int i = 0; i < 600; ++i) {
    const double before = process_cpu_seconds();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    if (process_cpu_seconds() - before < 0.005) return;
  }
}

/// The i-th key: 16 hexadecimal digits of a bijection of i, so that keys are distinct and in no order.
void write_key(std::uint64_t i, char* into) {
  std::uint64_t x = i + 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  x ^= x >> 31;
  for (std::size_t digit = 0; digit < kKeyBytes; ++digit)
    into[digit] = "0123456789abcdef"[(x >> (60 - 4 * digit)) & 15];
}

/// Keys, one after the other in memory.
class Stream {
 public:
  Stream(std::size_t count, const std::function<std::uint64_t(std::size_t)>& pick) : bytes_(count * kKeyBytes, '\0') {
    for (std::size_t i = 0; i < count; ++i) write_key(pick(i), &bytes_[i * kKeyBytes]);
  }
  [[nodiscard]] std::size_t size() const { return bytes_.size() / kKeyBytes; }
  [[nodiscard]] std::string_view operator[](std::size_t i) const { return {&bytes_[i * kKeyBytes], kKeyBytes}; }

 private:
  std::string bytes_;
};

/// Random bytes; each call of `value` takes another window, so that values differ.
class Values {
 public:
  Values() : bytes_(1u << 16, '\0') {
    std::mt19937_64 random(7);
    for (char& byte : bytes_) byte = static_cast<char>('!' + random() % 90);
  }
  [[nodiscard]] std::string_view value(std::size_t i) const {
    return {&bytes_[(i * 61) % (bytes_.size() - kValueBytes)], kValueBytes};
  }

 private:
  std::string bytes_;
};

/// One thread's block of calls on the keys from `at` on.
using Block = std::function<void(Peer&, const Stream&, std::size_t at, std::string& scratch)>;

struct Slice {
  double rate = 0;    ///< Calls per second of wall time.
  double cpu_ns = 0;  ///< CPU time of the whole process per call, background threads included.
};

Slice run_slice(Peer& peer, const std::vector<Stream>& streams, std::size_t threads, double seconds, std::size_t block,
                const Block& calls) {
  std::vector<std::thread> workers;
  std::atomic<std::uint64_t> done{0};
  std::atomic<bool> stop{false};
  std::barrier start(static_cast<std::ptrdiff_t>(threads) + 1);
  static std::atomic<std::size_t> turn{0};
  const std::size_t first = turn.fetch_add(7919 * kBlock);
  for (std::size_t t = 0; t < threads; ++t) {
    workers.emplace_back([&, t] {
      const Stream& keys = streams[t % streams.size()];
      std::string scratch;
      std::uint64_t count = 0;
      std::size_t at = (first + t * (keys.size() / threads)) / block * block % (keys.size() - keys.size() % block);
      start.arrive_and_wait();
      while (!stop.load(std::memory_order_relaxed)) {
        calls(peer, keys, at, scratch);
        count += block;
        at = at + 2 * block > keys.size() ? 0 : at + block;
      }
      done.fetch_add(count);
    });
  }
  const double cpu = process_cpu_seconds();
  start.arrive_and_wait();
  const auto begin = Steady::now();
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  stop = true;
  for (std::thread& worker : workers) worker.join();
  const double elapsed = since(begin);
  const auto count = static_cast<double>(std::max<std::uint64_t>(1, done.load()));
  return {count / elapsed, (process_cpu_seconds() - cpu) * 1e9 / count};
}

class Bench {
 public:
  explicit Bench(const Settings& settings) : settings_(settings) {
    std::mt19937_64 random(42);
    for (int t = 0; t < 2; ++t) {
      streams_.emplace_back(kStreamKeys, [&](std::size_t) { return random() % settings_.keys; });
    }
    for (const auto& [name, make] :
         {std::pair{"stave", &make_stave}, std::pair{"map", &make_guarded_map}, std::pair{"rocksdb", &make_rocksdb},
          std::pair{"leveldb", &make_leveldb}, std::pair{"lmdb", &make_lmdb}}) {
      if (("," + settings_.peers + ",").find("," + std::string(name) + ",") != std::string::npos)
        peers_.push_back(make());
    }
  }

  void run() {
    std::printf(
        "library: %zu keys of %zu bytes, values of %zu bytes, uniform; medians of %d slices of %.1f s; xN: ours / "
        "theirs\n\n",
        settings_.keys, kKeyBytes, kValueBytes, settings_.rounds, settings_.seconds);
    fill();
    gets();
    multi_gets();
    sets();
    durable_sets();
    reopen();
    for (auto& peer : peers_) peer->close();
    report_.finish();
  }

 private:
  using Rates = std::map<std::string, double, std::less<>>;

  std::string directory_of(const Peer& peer) const { return settings_.directory + "/" + std::string(peer.name()); }

  void fill() {
    const Stream keys(settings_.keys, [](std::size_t i) { return i; });
    std::vector<std::pair<std::string, double>> row;
    for (auto& peer : peers_) {
      std::filesystem::create_directories(directory_of(*peer));
      peer->open(directory_of(*peer));
      const auto begin = Steady::now();
      for (std::size_t i = 0; i < keys.size(); ++i) peer->set(keys[i], values_.value(i));
      row.emplace_back(peer->name(), static_cast<double>(keys.size()) / since(begin));
      settle();
    }
    report_.rates("fill, 1 thread", row);
  }

  /// Measures one kind of call on all peers in turn, and prints the row of medians.
  Rates measure(
      const std::string& what, std::size_t threads, std::size_t block, const Block& calls,
      const std::function<bool(Peer&)>& takes_part = [](Peer&) { return true; }) {
    std::map<std::string, std::vector<double>, std::less<>> rates;
    std::map<std::string, std::vector<double>, std::less<>> cpu;
    for (int round = 0; round < settings_.rounds; ++round) {
      for (auto& peer : peers_) {
        if (!takes_part(*peer)) continue;
        const Slice slice = run_slice(*peer, streams_, threads, settings_.seconds, block, calls);
        rates[std::string(peer->name())].push_back(slice.rate);
        cpu[std::string(peer->name())].push_back(slice.cpu_ns);
        settle();
      }
    }
    std::vector<std::pair<std::string, double>> row;
    Rates medians;
    std::string cost;
    for (auto& peer : peers_) {
      const auto found = rates.find(peer->name());
      if (found == rates.end()) continue;
      medians[found->first] = median(found->second);
      row.emplace_back(found->first, medians[found->first]);
      cost += (cost.empty() ? "" : "  ") + found->first + " " +
              std::to_string(static_cast<long>(median(cpu[found->first]))) + " ns";
    }
    report_.rates(what, row);
    report_.figure("  CPU per call", cost);
    return medians;
  }

  void against(const std::string& what, const Rates& rates, std::string_view peer, double least) {
    const auto ours = rates.find("stave");
    const auto theirs = rates.find(peer);
    if (ours != rates.end() && theirs != rates.end()) report_.target(what, ours->second / theirs->second, least);
  }

  void gets() {
    const Block block = [](Peer& peer, const Stream& keys, std::size_t at, std::string& scratch) {
      for (std::size_t i = at; i < at + kBlock; ++i)
        check(peer.get(keys[i], scratch) && scratch.size() == kValueBytes, "lookup");
    };
    const Rates one = measure("GET, 1 thread", 1, kBlock, block);
    const Rates two = measure("GET, 2 threads", 2, kBlock, block);
    single_get_ = ours(one);
    against("GET beside RocksDB", one, "rocksdb", 10);
    against("GET beside the guarded unordered_map", one, "map+mutex", 1.5);
    report_.target("GET/s on one thread", ours(one), 1e6);
    report_.target("GET, two threads beside one", ours(two) / ours(one), 1.8);
  }

  void multi_gets() {
    const Block block = [](Peer& peer, const Stream& keys, std::size_t at, std::string&) {
      std::array<std::string_view, kMultiGet> wanted;
      for (std::size_t i = at; i < at + kBlock; i += kMultiGet) {
        for (std::size_t k = 0; k < kMultiGet; ++k) wanted[k] = keys[i + k];
        check(peer.multi_get(wanted) == static_cast<int>(kMultiGet), "multi-get");
      }
    };
    const Rates rates = measure("multi-GET of 16, keys", 1, kBlock, block,
                                [](Peer& peer) { return peer.name() == "stave" || peer.name() == "rocksdb"; });
    report_.target("multi-GET of 16 beside single GETs", ours(rates) / single_get_, 2.5);
  }

  void sets() {
    const Block block = [this](Peer& peer, const Stream& keys, std::size_t at, std::string&) {
      for (std::size_t i = at; i < at + kBlock; ++i) peer.set(keys[i], values_.value(i));
    };
    const Rates one = measure("SET, 1 thread", 1, kBlock, block);
    const Rates two = measure("SET, 2 threads", 2, kBlock, block);
    against("SET (sync=os) beside RocksDB", one, "rocksdb", 8);
    report_.target("SET/s on one thread", ours(one), 5e5);
    report_.target("SET, two threads beside one", ours(two) / ours(one), 1.8);
  }

  void durable_sets() {
    const Block call = [this](Peer& peer, const Stream& keys, std::size_t at, std::string&) {
      peer.set_durable(keys[at], values_.value(at));
    };
    for (const std::size_t threads : {std::size_t{1}, std::size_t{16}, std::size_t{64}}) {
      measure("synced SET, " + std::to_string(threads) + " threads", threads, 1, call,
              [](Peer& peer) { return peer.name() == "stave" || peer.name() == "rocksdb"; });
    }
  }

  /// Closes our store and opens it again without its images: the index is rebuilt from the log alone.
  void reopen() {
    Peer& stave = *peers_.front();
    if (stave.name() != "stave") return;
    std::vector<double> rates;
    for (int round = 0; round < std::min(settings_.rounds, 3); ++round) {
      stave.close();
      for (const auto& file : std::filesystem::directory_iterator(directory_of(stave)))
        if (file.path().extension() == ".image") std::filesystem::remove(file.path());
      settle();
      const auto begin = Steady::now();
      auto store = stave::Store::open(directory_of(stave));
      const double seconds = since(begin);
      check(store.has_value(), "reopen");
      const auto records = static_cast<double>((*store)->stats().recovered_records);
      check((*store)->size() == settings_.keys, "reopen with all keys");
      rates.push_back(records / seconds);
      report_.figure("reopen", human(records) + " records in " + std::to_string(seconds) + " s");
      check((*store)->close().has_value(), "close");
      store->reset();
      stave.open(directory_of(stave));
    }
    report_.rates("reopen, records", {{"stave", median(rates)}});
    report_.target("index rebuilt from the log, records/s", median(rates), 5e6);
  }

  static double ours(const Rates& rates) {
    const auto found = rates.find("stave");
    return found == rates.end() ? 0 : found->second;
  }

  Settings settings_;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::vector<Stream> streams_;
  Values values_;
  Report report_;
  double single_get_ = 0;
};

Settings parse(int count, char** arguments) {
  Settings settings;
  const auto usage = [] {
    std::fprintf(
        stderr,
        "library_bench [--keys N] [--seconds S] [--rounds R] [--dir D] [--peers stave,map,rocksdb,leveldb,lmdb]\n");
    std::exit(2);
  };
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view name = arguments[i];
    const std::string text = arguments[i + 1];
    if (name == "--keys") {
      settings.keys = std::strtoull(text.c_str(), nullptr, 10);
    } else if (name == "--seconds") {
      settings.seconds = std::strtod(text.c_str(), nullptr);
    } else if (name == "--rounds") {
      settings.rounds = std::atoi(text.c_str());
    } else if (name == "--dir") {
      settings.directory = text;
    } else if (name == "--peers") {
      settings.peers = text;
    } else {
      usage();
    }
  }
  if (count % 2 == 0 || settings.keys == 0 || settings.rounds < 1) usage();
  return settings;
}

}  // namespace
}  // namespace bench

int main(int count, char** arguments) {
  const bench::Settings settings = bench::parse(count, arguments);
  std::filesystem::remove_all(settings.directory);
  std::filesystem::create_directories(settings.directory);
  bench::Bench(settings).run();
  std::filesystem::remove_all(settings.directory);
  return 0;
}
