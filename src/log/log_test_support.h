// What the log's tests share: a log on a file system of choice, and a model of what was appended to it.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "log/log.h"
#include "log/segment.h"

namespace stave::log {

/// What a test remembers of a record, and finds again after recovery.
struct Written {
  Lsn lsn = kNoLsn;
  RecordKind kind{};
  std::string key;
  std::string payload;
  friend bool operator==(const Written&, const Written&) = default;
};

inline std::ostream& operator<<(std::ostream& out, const Written& w) {
  return out << "{lsn " << raw(w.lsn) << ", key " << w.key << ", " << w.payload.size() << " bytes}";
}

inline RecordSpec string_record(std::string_view key, std::string_view payload) {
  return {.kind = RecordKind::kString, .time = UnixMs{1'700'000'000'000}, .key = key, .payload = payload};
}

/// As a version with another number would write the header of a segment or the identity, if nothing else changed.
inline void set_format_version(std::span<std::byte> header, std::uint32_t version) {
  base::store(header.data() + 8, version);
  const std::span<const std::byte> bytes(header);
  base::store(header.data() + 56, base::xxh3(bytes.subspan(64), base::xxh3(bytes.first(56), 0)));
}

/// Opens the log again and again on the same files, and remembers what one thread appends to it.
class LogHarness {
 public:
  explicit LogHarness(FileSystem& files) : files_(files) {
    options.file_system = &files;
    options.clock = &clock;
    options.background = false;
    options.segment_bytes = 64u << 10;
    options.log_buffer_bytes = 64u << 10;
    options.disk_reserve_bytes = 0;
    options.notice = [this](std::string_view text) { notices.emplace_back(text); };
  }

  /// Closes nothing: what the previous log held in memory is gone, as when its process dies.
  Result<void> open() {
    log.reset();
    recovered.clear();
    notices.clear();
    if (auto made = files_.create_directories(directory); !made) return made;
    auto opened = Log::open(
        directory, options, start,
        [this](std::span<const RecordView> run) -> Result<void> {
          EXPECT_TRUE(run.back().commit()) << "a run ends with a whole batch";
          for (const RecordView& r : run) {
            if (r.kind == RecordKind::kClose) continue;
            recovered.push_back({r.lsn, r.kind, std::string(r.key), std::string(r.payload)});
          }
          return {};
        },
        &report);
    if (!opened) return std::unexpected(std::move(opened).error());
    log = std::move(*opened);
    return {};
  }
  void must_open() {
    auto opened = open();
    ASSERT_TRUE(opened) << opened.error().describe();
  }

  /// Appends one batch of `records` small records and remembers it.
  Result<Lsn> append(int records, std::size_t payload_bytes = 10) {
    std::vector<std::string> keys, payloads;
    for (int i = 0; i < records; ++i) {
      keys.push_back("key" + std::to_string(counter_));
      payloads.push_back(std::to_string(counter_++) + std::string(payload_bytes, 'x'));
    }
    std::vector<RecordSpec> batch;
    for (std::size_t i = 0; i < keys.size(); ++i) batch.push_back(string_record(keys[i], payloads[i]));
    // Remembered before it happens: a crash in the middle of it may show it.
    const std::size_t before = model.size();
    Lsn at = log->tail();
    std::vector<Lsn> predicted;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      predicted.push_back(at);
      model.push_back({at, RecordKind::kString, keys[i], payloads[i]});
      at = at + encoded_size(batch[i]);
    }
    ends.push_back(at);
    std::vector<Lsn> lsns(batch.size());
    auto end = log->append(batch, lsns);
    if (end) {
      EXPECT_EQ(*end, at);
      EXPECT_EQ(lsns, predicted);
    } else if (end.error().code() != ErrorCode::kIo) {
      model.resize(before);
      ends.pop_back();
    }
    return end;
  }
  /// Appends one record of a kind without a value, and remembers it when it was accepted.
  Result<Lsn> append_kind(RecordKind kind, std::string_view key) {
    const RecordSpec record{.kind = kind, .time = clock.wall(), .key = key};
    Lsn lsn;
    auto end = log->append(std::span(&record, 1), std::span(&lsn, 1));
    if (!end) return end;
    model.push_back({lsn, kind, std::string(key), ""});
    ends.push_back(*end);
    return end;
  }
  /// Appends the record which says that nothing before `lsn` is needed.
  Lsn must_append_trim(Lsn lsn) {
    std::string payload(8, '\0');
    base::store(payload.data(), raw(lsn));
    const RecordSpec trim{.kind = RecordKind::kTrim, .time = clock.wall(), .payload = payload};
    // As for any batch: a crash in the middle of it may show it.
    model.push_back({log->tail(), RecordKind::kTrim, "", payload});
    ends.push_back(log->tail() + encoded_size(trim));
    Lsn at;
    auto end = log->append(std::span(&trim, 1), std::span(&at, 1));
    EXPECT_TRUE(end) << end.error().describe();
    return end ? *end : kNoLsn;
  }
  Lsn must_append(int records, std::size_t payload_bytes = 10) {
    auto end = append(records, payload_bytes);
    EXPECT_TRUE(end) << end.error().describe();
    return end ? *end : kNoLsn;
  }

  std::vector<std::string> names(std::string_view suffix) {
    auto all = files_.list(directory);
    std::vector<std::string> found;
    if (all) {
      for (const std::string& name : *all) {
        if (name.ends_with(suffix)) found.push_back(name);
      }
    }
    return found;
  }
  [[nodiscard]] std::string path(std::string_view name) const { return join_path(directory, name); }

  Options options;
  ManualClock clock;
  std::string directory = "/store";
  StartAt start;  ///< What the next `open` claims to know.
  std::unique_ptr<Log> log;
  RecoveryReport report;
  std::vector<Written> recovered;
  std::vector<Written> model;  ///< Everything appended by the one thread of the test.
  std::vector<Lsn> ends;       ///< Where its batches end.
  std::vector<std::string> notices;

 private:
  FileSystem& files_;
  int counter_ = 0;
};

}  // namespace stave::log
