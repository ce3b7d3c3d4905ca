// What compression saves and costs, on documents and text of this machine.
//
//     compression_bench [--size BYTES]... [--rounds N] FILE...
//
// Files named *.json are cut into documents of about the wanted size: objects and arrays as they stand there, or
// neighbours together; other files into runs of lines. Every second value shows itself to the trainer; the others are
// measured, so that no dictionary is tried on what it was made of. Times are of this thread's processor, medians of
// the rounds. "put" and "log" are of a whole store in memory with keys of 16 bytes, records' heads included.
#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "packing/compression.h"
#include "report.h"
#include "store/engine.h"

namespace bench {
namespace {

using stave::packing::Codec;
using stave::packing::Compression;
using stave::store::Engine;
namespace json = boost::json;

constexpr std::size_t kValuesMax = 20'000;

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

std::string read_whole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// Cuts a document into documents of about `size` bytes.
class Cutter {
 public:
  Cutter(std::size_t size, std::vector<std::string>& into) : size_(size), into_(into) {}

  void cut(const json::value& whole) {
    if (const auto* array = whole.if_array()) {
      json::array part;
      std::size_t bytes = 0;
      for (const json::value& element : *array) {
        const std::size_t more = json::serialize(element).size() + 1;
        if (more > largest()) {
          cut(element);
          continue;
        }
        part.push_back(element);
        bytes += more;
        if (bytes >= smallest()) keep(part.size() == 1 ? part.front() : json::value(part), part, bytes);
      }
    } else if (const auto* object = whole.if_object()) {
      json::object part;
      std::size_t bytes = 0;
      for (const auto& [name, member] : *object) {
        const std::size_t more = json::serialize(member).size() + name.size() + 4;
        if (more > largest()) {
          cut(member);
          continue;
        }
        part[name] = member;
        bytes += more;
        if (bytes >= smallest()) keep(part, part, bytes);
      }
    }
  }

 private:
  [[nodiscard]] std::size_t smallest() const { return size_ * 7 / 10; }
  [[nodiscard]] std::size_t largest() const { return size_ * 13 / 10; }
  template <class Part>
  void keep(const json::value& value, Part& part, std::size_t& bytes) {
    into_.push_back(json::serialize(value));
    part.clear();
    bytes = 0;
  }

  std::size_t size_;
  std::vector<std::string>& into_;
};

void cut_lines(std::string_view text, std::size_t size, std::vector<std::string>& into) {
  std::string value;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    value += text.substr(0, end);
    text.remove_prefix(end);
    if (value.size() < size * 7 / 10) continue;
    // A line far too long is no value of this size.
    if (value.size() <= size * 2) into.push_back(value);
    value.clear();
  }
}

std::vector<std::string> values_of(const std::vector<std::string>& files, std::size_t size) {
  std::vector<std::string> values;
  for (const std::string& path : files) {
    const std::string text = read_whole(path);
    if (path.ends_with(".json")) {
      boost::system::error_code wrong;
      const json::value document = json::parse(text, wrong);
      if (!wrong) Cutter(size, values).cut(document);
    } else {
      cut_lines(text, size, values);
    }
  }
  // One order for all runs, in which neighbours were not neighbours in a file.
  std::mt19937_64 random(1);
  std::shuffle(values.begin(), values.end(), random);
  if (values.size() > kValuesMax) values.resize(kValuesMax);
  return values;
}

struct Outcome {
  std::size_t raw_bytes = 0;
  std::size_t logged_bytes = 0;
  std::size_t packed = 0;
  double pack_ns = 0;
  double unpack_ns = 0;
};

Outcome measure(Compression& compression, const std::vector<std::string>& values, int rounds) {
  Outcome outcome;
  std::vector<std::string> payloads;
  for (const std::string& value : values) {
    const auto payload = compression.pack(value);
    outcome.raw_bytes += value.size();
    outcome.logged_bytes += payload ? payload->size() : value.size();
    if (payload) payloads.emplace_back(*payload);
  }
  outcome.packed = payloads.size();
  std::vector<double> pack;
  std::vector<double> unpack;
  std::string scratch;
  for (int round = 0; round < rounds; ++round) {
    double begin = thread_seconds();
    for (const std::string& value : values) static_cast<void>(compression.pack(value));
    pack.push_back((thread_seconds() - begin) * 1e9 / static_cast<double>(values.size()));
    if (payloads.empty()) continue;
    begin = thread_seconds();
    for (const std::string& payload : payloads) {
      if (compression.unpack(payload, scratch)) continue;
      std::fputs("a payload did not decode\n", stderr);
      std::exit(1);
    }
    unpack.push_back((thread_seconds() - begin) * 1e9 / static_cast<double>(payloads.size()));
  }
  outcome.pack_ns = median(pack);
  outcome.unpack_ns = unpack.empty() ? 0 : median(unpack);
  return outcome;
}

struct StoreOutcome {
  double put_ns = 0;
  double log_bytes = 0;
};

/// Ends the program when something fails that cannot fail in memory.
template <class T>
T must(stave::Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "%s\n", result.error().describe().c_str());
  std::exit(1);
}

/// The same through a store: what a SET costs, and what the log takes for it.
StoreOutcome measure_store(Compression::Setting setting, const std::vector<std::string>& shown,
                           const std::vector<std::string>& values, int rounds) {
  const auto memory = stave::make_memory_file_system();
  stave::Options options;
  options.file_system = memory.get();
  options.background = false;
  options.sync = stave::Sync::kOs;
  options.packing = static_cast<stave::Packing>(setting.codec);
  options.packing_level = setting.level;
  const std::unique_ptr<Engine> engine = must(Engine::open("/store", options));
  std::vector<std::string> keys(values.size());
  for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = "key:" + std::to_string(100'000'000'000 + i);
  const auto put = [&](std::size_t i, const std::string& value) {
    must(engine->put({0, keys[i % keys.size()]}, value, stave::Expiry{}));
  };
  for (int times = 0; times < 50 && setting.codec == Codec::kZstd && engine->compression().stats().dictionaries == 0;
       ++times) {
    for (std::size_t i = 0; i < shown.size(); ++i) put(i, shown[i]);
    engine->tick();
  }
  StoreOutcome outcome;
  std::vector<double> seconds;
  for (int round = 0; round < rounds; ++round) {
    const std::uint64_t tail = raw(engine->log().tail());
    const double begin = thread_seconds();
    for (std::size_t i = 0; i < values.size(); ++i) put(i, values[i]);
    seconds.push_back(thread_seconds() - begin);
    outcome.log_bytes = static_cast<double>(raw(engine->log().tail()) - tail);
  }
  outcome.put_ns = median(seconds) * 1e9 / static_cast<double>(values.size());
  return outcome;
}

void print(const char* setting, std::size_t size, std::size_t count, const Outcome& outcome) {
  std::printf("|%zu B|%s|%.0f%%|%.0f%%|%.0f ns|%.0f ns|", size, setting,
              100.0 * static_cast<double>(outcome.logged_bytes) / static_cast<double>(outcome.raw_bytes),
              100.0 * static_cast<double>(outcome.packed) / static_cast<double>(count), outcome.pack_ns,
              outcome.unpack_ns);
}

void run(const std::vector<std::string>& files, std::size_t size, int rounds) {
  std::vector<std::string> shown;
  std::vector<std::string> measured;
  for (std::string& value : values_of(files, size))
    (shown.size() <= measured.size() ? shown : measured).push_back(std::move(value));
  if (measured.size() < 10) return;

  const auto memory = stave::make_memory_file_system();
  static_cast<void>(memory->create_directories("/store"));
  Compression compression(*memory, "/store");
  struct Row {
    const char* name;
    Compression::Setting setting;
    bool dictionary;
  };
  const Row rows[] = {{"none", {Codec::kNone, 3}, false},
                      {"lz4", {Codec::kLz4, 3}, false},
                      {"zstd 3 before its dictionary", {Codec::kZstd, 3}, false},
                      {"zstd 1", {Codec::kZstd, 1}, true},
                      {"zstd 3", {Codec::kZstd, 3}, true},
                      {"zstd 9", {Codec::kZstd, 9}, true}};
  double plain_log_bytes = 1;
  for (const Row& row : rows) {
    compression.set(row.setting);
    if (row.dictionary && compression.stats().dictionaries == 0) {
      // A small collection is shown several times over, as a store sees values that are written again.
      for (int times = 0; times < 50 && !compression.training_due(); ++times)
        for (const std::string& value : shown) compression.sample(value);
      if (!compression.training_due() || !compression.train() || compression.stats().dictionaries == 0) return;
    }
    print(row.name, size, measured.size(), measure(compression, measured, rounds));
    if (row.dictionary || row.setting.codec != Codec::kZstd) {
      const StoreOutcome store = measure_store(row.setting, shown, measured, rounds);
      if (row.setting.codec == Codec::kNone) plain_log_bytes = store.log_bytes;
      std::printf("%.0f ns|%.0f%%|\n", store.put_ns, 100.0 * store.log_bytes / plain_log_bytes);
    } else {
      std::puts("||");
    }
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  std::vector<std::size_t> sizes;
  std::vector<std::string> files;
  int rounds = 5;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--size" && i + 1 < argc) {
      sizes.push_back(static_cast<std::size_t>(std::strtoull(argv[++i], nullptr, 10)));
    } else if (argument == "--rounds" && i + 1 < argc) {
      rounds = std::max(1, std::atoi(argv[++i]));
    } else {
      files.emplace_back(argument);
    }
  }
  if (files.empty()) {
    std::fputs("usage: compression_bench [--size BYTES]... [--rounds N] FILE...\n", stderr);
    return 2;
  }
  if (sizes.empty()) sizes = {100, 1'000, 10'000};
  std::puts("|value|setting|size|packed|pack|unpack|put|log|\n|-|-|-|-|-|-|-|-|");
  for (const std::size_t size : sizes) bench::run(files, size, rounds);
  return 0;
}
