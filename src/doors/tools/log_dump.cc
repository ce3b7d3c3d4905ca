#include "doors/tools/log_dump.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/encoding.h"
#include "base/try.h"
#include "doors/tools/place.h"
#include "log/reader.h"
#include "log/value_address.h"
#include "packing/compression.h"
#include "packing/difference.h"

namespace stave::tools {

namespace {

using log::RecordKind;
using log::RecordView;

/// One JSON object.
class Line {
 public:
  void number(std::string_view name, std::uint64_t value) { member(name) += std::to_string(value); }
  void text(std::string_view name, std::string_view value) { base::append_json_string(member(name), value); }
  void boolean(std::string_view name, bool value) { member(name) += value ? "true" : "false"; }
  /// Under `name`, or as base64 under `name`_base64.
  void bytes(std::string_view name, std::string_view value) {
    if (base::is_utf8(value)) return text(name, value);
    base::append_base64(member(std::string(name) + "_base64") += '"', value);
    out_ += '"';
  }
  std::string_view finish() {
    STAVE_ASSERT(out_.starts_with('{'));
    return out_ += '}';
  }

 private:
  std::string& member(std::string_view name) {
    out_ += out_.empty() ? '{' : ',';
    base::append_json_string(out_, name);
    return out_ += ':';
  }
  std::string out_;
};

std::string kind_text(RecordKind kind) {
  const std::string_view name = log::to_string(kind);
  return name.empty() ? "kind " + std::to_string(static_cast<int>(kind)) : std::string(name);
}

class Dumper {
 public:
  Dumper(FileSystem& files, const LogDump& dump, const Print& print) : files_(files), dump_(dump), print_(print) {}

  /// Sets `done` when nothing more is to be shown.
  Result<void> show(std::span<const RecordView> run, const std::optional<Place>& to);
  [[nodiscard]] bool done() const noexcept { return done_; }

 private:
  Result<void> show(const RecordView& record);
  Result<void> add_value(const RecordView& record, Line& line);
  Result<std::string_view> unpack(std::string_view payload);

  FileSystem& files_;
  const LogDump& dump_;
  const Print& print_;
  std::unique_ptr<packing::Compression> compression_;
  std::string scratch_;
  bool done_ = false;
};

bool behind(const RecordView& record, const std::optional<Place>& to) {
  if (!to) return false;
  if (const Lsn* lsn = std::get_if<Lsn>(&*to)) return record.lsn >= *lsn;
  return !record.relocated() && record.time >= std::get<UnixMs>(*to);
}

Result<void> Dumper::show(std::span<const RecordView> run, const std::optional<Place>& to) {
  for (const RecordView& record : run) {
    done_ = done_ || behind(record, to);
    if (done_) return {};
    if (dump_.keys_only && !log::has_key(record.kind)) continue;
    STAVE_TRY(show(record));
  }
  return {};
}

Result<void> Dumper::show(const RecordView& record) {
  Line line;
  line.number("lsn", raw(record.lsn));
  line.number("version", raw(record.version));
  line.text("time", moment_text(record.time));
  line.text("kind", kind_text(record.kind));
  line.number("db", record.database);
  if (log::has_key(record.kind)) line.bytes("key", record.key);
  if (log::is_value(record.kind)) {
    const auto size = record.compressed() ? packing::Compression::raw_size(record.payload) : record.payload.size();
    if (size) line.number("size", *size);
  }
  if (record.kind == RecordKind::kPatch) {
    if (const auto size = packing::difference_size(log::patch_difference(record))) line.number("size", *size);
  }
  if (!record.expiry.never()) line.text("expiry", moment_text(record.expiry.at));
  if (record.expiry.sliding_ms != 0) line.number("sliding_ms", static_cast<std::uint64_t>(record.expiry.sliding_ms));
  if (record.prev != kNoLsn) line.number("prev", raw(record.prev));
  if (record.kind == RecordKind::kSwap && !record.payload.empty())
    line.number("other_db", static_cast<unsigned char>(record.payload[0]));
  if (record.kind == RecordKind::kTrim && record.payload.size() == sizeof(std::uint64_t))
    line.number("trimmed", base::load<std::uint64_t>(record.payload.data()));
  if (log::is_delta(record.kind) && !record.payload.empty()) line.number("value_at", raw(log::value_address(record)));
  if (dump_.values && log::is_value(record.kind)) STAVE_TRY(add_value(record, line));
  line.number("length", record.length);
  line.boolean("commit", record.commit());
  line.boolean("relocated", record.relocated());
  line.boolean("compressed", record.compressed());
  if (!print_(line.finish())) done_ = true;
  return {};
}

Result<void> Dumper::add_value(const RecordView& record, Line& line) {
  if (!record.compressed()) {
    line.bytes("value", record.payload);
    return {};
  }
  auto value = unpack(record.payload);
  if (value) {
    line.bytes("value", *value);
  } else {
    // Better what there is than nothing: the record itself is whole.
    line.bytes("packed", record.payload);
    line.text("problem", value.error().message());
  }
  return {};
}

Result<std::string_view> Dumper::unpack(std::string_view payload) {
  if (compression_ != nullptr) {
    if (auto value = compression_->unpack(payload, scratch_)) return value;
  }
  // A store that is at work may have made a new dictionary meanwhile.
  compression_ = std::make_unique<packing::Compression>(files_, dump_.directory);
  STAVE_TRY(compression_->open());
  return compression_->unpack(payload, scratch_);
}

Result<std::optional<Place>> place_of(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const auto place = parse_place(text);
  if (!place)
    return fail(ErrorCode::kInvalidArgument, "'" + std::string(text) +
                                                 "' is neither an LSN (123456, 0x1e240) nor a moment "
                                                 "(2026-11-21, 2026-11-21T14:05:00Z, @1795269900)");
  return place;
}

}  // namespace

Result<void> dump_log(FileSystem& files, const LogDump& dump, const Print& print, const std::function<bool()>& wait) {
  STAVE_ASSIGN(const std::optional<Place> from, place_of(dump.from));
  STAVE_ASSIGN(const std::optional<Place> to, place_of(dump.to));
  STAVE_ASSIGN(log::LogReader reader, log::LogReader::open(files, dump.directory));
  Lsn position = kNoLsn;
  if (from && std::holds_alternative<UnixMs>(*from)) {
    STAVE_ASSIGN(position, reader.seek(std::get<UnixMs>(*from)));
  } else {
    STAVE_ASSIGN(position, reader.seek(from ? std::get<Lsn>(*from) : log::kFirstLsn));
  }
  Dumper dumper(files, dump, print);
  while (!dumper.done()) {
    auto reached = reader.read(position, [&](std::span<const RecordView> run) -> Result<void> {
      STAVE_TRY(dumper.show(run, to));
      return dumper.done() ? Result<void>(fail(ErrorCode::kAborted, "enough")) : Result<void>{};
    });
    if (dumper.done()) return {};
    if (!reached) return fail(std::move(reached).error());
    const bool more = std::exchange(position, *reached) != *reached;
    if (!more && (!dump.follow || !wait())) return {};
  }
  return {};
}

}  // namespace stave::tools
