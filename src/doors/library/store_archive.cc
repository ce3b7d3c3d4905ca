// Whole stores as files: snapshots written and read, backups, restores.
#include "archive/backup.h"
#include "archive/restore.h"
#include "commands/put_item.h"
#include "commands/snapshots.h"
#include "commands/walk.h"
#include "doors/library/store_impl.h"
#include "exchange/files.h"

namespace stave {

namespace {

exchange::Format format_for(SnapshotFormat wanted, std::string_view path) {
  switch (wanted) {
    case SnapshotFormat::kByName: break;
    case SnapshotFormat::kBinary: return exchange::Format::kBinary2;
    case SnapshotFormat::kBinary1: return exchange::Format::kBinary1;
    case SnapshotFormat::kJson: return exchange::Format::kJson;
    case SnapshotFormat::kNdjson: return exchange::Format::kNdjson;
  }
  return commands::format_of(path);
}

/// Puts items into the store, as they come.
class StoreSink final : public exchange::Sink {
 public:
  explicit StoreSink(store::Engine& engine) : engine_(engine) {}

  Result<void> take(const exchange::Item& item) override {
    if (item.expiry.passed(engine_.clock().wall())) {
      ++summary.expired;
      return {};
    }
    STAVE_TRY(commands::put_item(engine_, item, Sync::kOs));
    ++summary.keys;
    return {};
  }
  Result<void> skip(const exchange::Skipped& /*skipped*/) override {
    ++summary.skipped;
    return {};
  }

  LoadSummary summary;

 private:
  store::Engine& engine_;
};

}  // namespace

Result<SnapshotSummary> Store::snapshot(std::string_view path, SnapshotFormat format) try {
  STAVE_TRY(impl_->engine->still_ours());
  const base::MutexLock lock(impl_->snapshot_mutex);
  STAVE_ASSIGN(auto file, exchange::NewFile::create(impl_->outside(), std::string(path)));
  const auto writer = exchange::make_writer(format_for(format, path), file.output());
  STAVE_ASSERT(writer != nullptr);
  STAVE_ASSIGN(const commands::Walked walked,
               commands::write_all(*impl_->engine, *writer, [](std::uint64_t) -> Result<void> { return {}; }));
  const std::uint64_t bytes = file.output().size();
  STAVE_TRY(file.commit());
  return SnapshotSummary{.keys = walked.keys, .bytes = bytes, .lsn = walked.lsn, .time = walked.time};
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

Result<LoadSummary> Store::load(std::string_view path) try {
  const std::string name(path);
  STAVE_ASSIGN(auto file, impl_->outside().open(name, OpenMode::kRead));
  exchange::FileInput input(*file);
  const Options& options = impl_->engine->options();
  const exchange::Limits limits{.key_bytes_max = options.key_bytes_max, .value_bytes_max = options.value_bytes_max};
  // Lines, of which there are none, say nothing about what they are.
  const bool lines = commands::format_of(path) == exchange::Format::kNdjson;
  StoreSink sink(*impl_->engine);
  const auto read =
      exchange::read_any(input, name, sink, limits, lines ? std::optional(exchange::Format::kNdjson) : std::nullopt);
  // What came before an error is there, and so has to stay.
  auto synced = impl_->engine->sync();
  if (!read) return fail(read.error().clone());
  if (!synced) return fail(std::move(synced).error());
  return sink.summary;
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

Result<Lsn> Store::backup(std::string_view directory) try {
  if (impl_->memory)
    return fail(ErrorCode::kUnsupported, "a store in memory has no files to back up; take a snapshot of it");
  STAVE_ASSIGN(const auto report, archive::back_up(*impl_->engine, std::string(directory)));
  return report.end;
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

Result<RestoreSummary> Store::restore(std::string_view source, std::string_view target,
                                      const RestoreOptions& options) try {
  archive::RestoreRequest request{
      .source = std::string(source), .log = std::string(options.log), .target = std::string(target), .point = {}};
  if (options.point) std::visit([&](auto point) { request.point = point; }, *options.point);
  FileSystem& files = options.file_system == nullptr ? FileSystem::system() : *options.file_system;
  STAVE_ASSIGN(const auto report, archive::restore(files, request));
  return RestoreSummary{
      .first = report.first, .end = report.end, .time = report.time, .records = report.records, .bytes = report.bytes};
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

}  // namespace stave
