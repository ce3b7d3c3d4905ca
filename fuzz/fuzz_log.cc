// Recovery of a damaged log refuses, or yields a prefix of what was appended, whole batches only; it never invents a
// byte.
//
// The input says what to append and how to damage the files afterwards. Damage is done to a store in memory.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "input.h"
#include "log/log.h"

namespace stave::fuzz {
namespace {

constexpr std::size_t kDamagesMax = 8;
constexpr UnixMs kTime{1'700'000'000'000};

using Batch = std::vector<std::pair<std::string, std::string>>;

Options log_options(FileSystem& files, Clock& clock) {
  Options options;
  options.file_system = &files;
  options.clock = &clock;
  options.sync = Sync::kAlways;
  options.background = false;
  options.segment_bytes = 64u << 10;
  options.log_buffer_bytes = 64u << 10;
  options.disk_reserve_bytes = 0;
  return options;
}

std::vector<Batch> append(log::Log& log, Input& input) {
  std::vector<Batch> appended;
  const std::size_t batches = input.number<std::uint8_t>() % 24;
  for (std::size_t b = 0; b < batches; ++b) {
    Batch batch;
    const std::size_t records = 1 + input.number<std::uint8_t>() % 4;
    for (std::size_t r = 0; r < records; ++r) {
      const auto key = std::to_string(b) + "." + std::to_string(r);
      batch.emplace_back(key, std::string(input.number<std::uint16_t>() % 9000, static_cast<char>('a' + b)));
    }
    std::vector<log::RecordSpec> specs;
    for (const auto& [key, value] : batch)
      specs.push_back({.kind = log::RecordKind::kString, .time = kTime, .key = key, .payload = value});
    std::vector<Lsn> lsns(specs.size());
    const auto end = log.append(specs, lsns);
    require(end.has_value());
    if (input.number<std::uint8_t>() % 2 == 0) require(log.wait_durable(*end).has_value());
    appended.push_back(std::move(batch));
  }
  return appended;
}

/// Changes, cuts or lengthens files as the input says. True when something was changed.
bool damage(FileSystem& files, const std::string& directory, Input& input) {
  const auto names = files.list(directory);
  require(names.has_value());
  bool changed = false;
  for (std::size_t i = 0; i < kDamagesMax && !input.spent() && !names->empty(); ++i) {
    const std::string path = directory + "/" + (*names)[input.number<std::uint8_t>() % names->size()];
    const auto what = input.number<std::uint8_t>() % 8;
    const std::uint64_t place = input.number<std::uint32_t>();
    auto file = files.open(path, OpenMode::kReadWrite);
    if (!file) continue;
    const std::uint64_t size = (*file)->size().value_or(0);
    if (size == 0) continue;
    if (what == 0) {
      changed |= (*file)->truncate(place % size).has_value();
    } else if (what == 1) {
      const std::array<std::byte, 40> zeros{};
      changed |= (*file)->write_at(place % size, zeros).has_value();
    } else {
      std::array<std::byte, 1> byte{};
      const auto read = (*file)->read_at(place % size, byte);
      if (!read || *read != 1) continue;
      byte[0] ^= static_cast<std::byte>(input.number<std::uint8_t>() | 1);
      changed |= (*file)->write_at(place % size, byte).has_value();
    }
  }
  return changed;
}

void recover(FileSystem& files, Clock& clock, const std::vector<Batch>& appended, bool damaged) {
  Batch records;
  const auto collect = [&](std::span<const log::RecordView> run) -> Result<void> {
    require(run.empty() || run.back().commit());
    for (const log::RecordView& record : run)
      if (record.kind == log::RecordKind::kString) records.emplace_back(record.key, record.payload);
    return {};
  };
  log::RecoveryReport report;
  auto log = log::Log::open("log", log_options(files, clock), collect, &report);
  require(log.has_value() || damaged);
  if (!log) return;
  std::size_t at = 0;
  for (const Batch& batch : appended) {
    if (at == records.size()) break;
    for (const auto& record : batch) require(at < records.size() && records[at++] == record);
  }
  require(at == records.size());
  if (!damaged) {
    std::size_t expected = 0;
    for (const Batch& batch : appended) expected += batch.size();
    require(records.size() == expected);
  }
  require((*log)->close(kTime).has_value());
}

}  // namespace
}  // namespace stave::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stave;
  fuzz::Input input(data, size);
  ManualClock clock;
  const auto files = make_memory_file_system();
  std::vector<fuzz::Batch> appended;
  {
    fuzz::require(files->create_directories("log").has_value());
    log::RecoveryReport report;
    auto log =
        log::Log::open("log", fuzz::log_options(*files, clock), [](auto) -> Result<void> { return {}; }, &report);
    fuzz::require(log.has_value());
    appended = fuzz::append(**log, input);
    // Destroyed without close: the process ended. What was not waited for is written so that every batch is there.
    const bool orderly = input.number<std::uint8_t>() % 2 == 0;
    fuzz::require((*log)->wait_durable((*log)->tail()).has_value());
    if (orderly) fuzz::require((*log)->close(fuzz::kTime).has_value());
  }
  const bool damaged = fuzz::damage(*files, "log", input);
  fuzz::recover(*files, clock, appended, damaged);
  return 0;
}
