#include "doors/tools/doctor.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/encoding.h"
#include "base/hash.h"
#include "base/try.h"
#include "log/inspect.h"
#include "log/salvage.h"
#include "packing/compression_dictionary.h"
#include "store/engine.h"
#include "store/image.h"
#include "store/node_state.h"

namespace stave::tools {

namespace {

using log::Finding;
using log::Severity;

constexpr std::string_view kLockName = "LOCK";
constexpr std::string_view kDictionarySuffix = ".dict";

std::string count_text(std::uint64_t count, std::string_view thing) {
  return std::to_string(count) + " " + std::string(thing) + (count == 1 ? "" : "s");
}

/// As JSON would write it, so that any key fits into a line.
std::string key_text(std::string_view key) {
  std::string out;
  if (base::is_utf8(key)) {
    base::append_json_string(out, key);
  } else {
    out = "base64:";
    base::append_base64(out, key);
  }
  return out;
}

/// Where an image says that the newest record of a key is.
struct Pointer {
  Lsn at;
  std::uint64_t key_hash;
};

std::uint64_t hash_of(std::string_view key) {
  return base::xxh3(base::as_bytes(key), 0);
}

class Examination {
 public:
  Examination(FileSystem& files, const Doctor& task, const std::function<void(std::string_view)>& say)
      : files_(files), task_(task), say_(say) {}
  Result<Verdict> run();

 private:
  void tell(const Finding& finding);
  void damage(const std::string& path, const Error& error, std::string_view meaning);
  Result<void> look_at_other_files();
  Result<void> look_at_image(const std::string& path, Lsn name);
  Result<void> collect_pointers();
  void follow_pointers(const log::RecordView& record);
  void judge_images(const log::Inspection& log);
  Result<Verdict> conclude(const log::Inspection& log, const log::KeyLosses& found);
  Result<void> collect_keys_of_image(log::KeyLosses& losses);
  void summarize(const log::Inspection& log);
  Result<void> repair(const log::Inspection& log, log::KeyLosses& losses);
  Result<void> copy_dictionaries();
  Result<void> open_copy();
  Result<void> find_lost_keys(const log::Inspection& log, log::KeyLosses& losses);
  void tell_lost_keys(const log::KeyLosses& losses);

  FileSystem& files_;
  const Doctor& task_;
  const std::function<void(std::string_view)>& say_;
  std::uint64_t damages_ = 0;
  std::vector<std::unique_ptr<store::ImageReader>> images_;  ///< Whole ones, newest first.
  std::vector<std::string> dictionaries_;                    ///< Names of whole ones.
  Lsn proven_ = kNoLsn;
  std::vector<std::string> uncertain_;
  std::vector<Pointer> pointers_;  ///< Of the newest whole image, by address.
  std::size_t followed_ = 0;       ///< How many have been passed.
  std::vector<Pointer> astray_;    ///< Those that point to no record of their key.
  std::set<Lsn> beginnings_;       ///< Of images, not yet found in the log.
};

void Examination::tell(const Finding& finding) {
  std::string line = finding.severity == Severity::kDamage ? "DAMAGE " : "note   ";
  line += finding.file;
  if (finding.offset >= 0) line += " at byte " + std::to_string(finding.offset);
  if (finding.lsn != kNoLsn) line += " (LSN " + std::to_string(raw(finding.lsn)) + ")";
  if (finding.severity == Severity::kDamage) ++damages_;
  say_(line + ": " + finding.sentence);
}

void Examination::damage(const std::string& path, const Error& error, std::string_view meaning) {
  tell({Severity::kDamage, path, error.offset(), kNoLsn, error.message() + ". " + std::string(meaning)});
}

// Images first: they know how far the log once reached.
Result<void> Examination::look_at_other_files() {
  STAVE_ASSIGN(const std::vector<std::string> names, files_.list(task_.directory));
  for (auto at = names.rbegin(); at != names.rend(); ++at) {
    const std::string& name = *at;
    const std::string path = log::join_path(task_.directory, name);
    if (const auto image = store::parse_image_name(name)) {
      STAVE_TRY(look_at_image(path, *image));
    } else if (name.ends_with(kDictionarySuffix)) {
      auto dictionary = packing::read_dictionary(files_, path);
      if (dictionary) {
        dictionaries_.push_back(name);
      } else {
        damage(path, dictionary.error(), "Values that were compressed with this dictionary cannot be read.");
      }
    } else if (name != log::kIdentityName && name != kLockName && name != store::kNodeName && name != log::kSpareName &&
               !log::parse_segment_name(name) && !log::parse_begun_name(name) && !log::parse_newest_name(name) &&
               !name.ends_with(".cut") && !name.ends_with(".new")) {
      tell({Severity::kNote, path, -1, kNoLsn, "This is not a file of the store."});
    }
  }
  return {};
}

Result<void> Examination::look_at_image(const std::string& path, Lsn name) {
  constexpr std::string_view kMeaning =
      "An index image holds nothing that the log does not: the store opens without it, from an older one or by reading "
      "the whole log.";
  auto image = store::ImageReader::open(files_, path);
  if (!image) {
    switch (image.error().code()) {
      case ErrorCode::kUnsupported: return fail(std::move(image).error());
      case ErrorCode::kNotFound: break;  // of an older version, or replaced meanwhile by a store at work
      default: damage(path, image.error(), kMeaning); return {};
    }
    tell({Severity::kNote, path, -1, kNoLsn, image.error().message() + ". " + std::string(kMeaning)});
    return {};
  }
  const auto identity = log::load_identity(files_, task_.directory);
  if (identity && identity->store_id != (*image)->header().store_id) {
    tell({Severity::kDamage, path, 0, kNoLsn, "This index image belongs to another store. " + std::string(kMeaning)});
    return {};
  }
  if ((*image)->header().from != name) {
    tell({Severity::kDamage, path, 0, (*image)->header().from,
          "This index image is not the one that its name says. " + std::string(kMeaning)});
    return {};
  }
  std::vector<std::byte> buffer;
  std::vector<store::ImageEntry> entries;
  std::vector<store::ImageLeaf> leaves;
  bool whole = true;
  const auto judge = [&](Result<void> read) -> Result<void> {
    if (read) return {};
    if (read.error().code() == ErrorCode::kUnsupported) return read;
    whole = false;
    damage(path, read.error(), kMeaning);
    return {};
  };
  for (const store::ImageBlock& block : (*image)->blocks()) STAVE_TRY(judge((*image)->read(block, buffer, entries)));
  for (const store::ImageLeafBlock& block : (*image)->leaf_blocks())
    STAVE_TRY(judge((*image)->read(block, buffer, leaves)));
  proven_ = std::max(proven_, (*image)->newest());
  if (whole) images_.push_back(std::move(*image));
  return {};
}

Result<void> Examination::collect_pointers() {
  for (const auto& image : images_) beginnings_.insert(image->header().from);
  if (images_.empty()) return {};
  std::vector<std::byte> buffer;
  std::vector<store::ImageEntry> entries;
  for (const store::ImageBlock& block : images_.front()->blocks()) {
    STAVE_TRY(images_.front()->read(block, buffer, entries));
    for (const store::ImageEntry& entry : entries) pointers_.push_back({entry.address, hash_of(entry.key)});
  }
  std::ranges::sort(pointers_, {}, &Pointer::at);
  return {};
}

// Records come in the order of their addresses, so a pointer that has been passed points to none.
void Examination::follow_pointers(const log::RecordView& record) {
  STAVE_ASSERT(followed_ <= pointers_.size());
  if (record.commit()) beginnings_.erase(record.lsn + record.length);
  for (; followed_ < pointers_.size() && pointers_[followed_].at <= record.lsn; ++followed_) {
    const Pointer& pointer = pointers_[followed_];
    if (pointer.at != record.lsn || pointer.key_hash != hash_of(record.key)) astray_.push_back(pointer);
  }
}

void Examination::judge_images(const log::Inspection& log) {
  STAVE_ASSERT(pointers_.empty() || !images_.empty());
  astray_.insert(astray_.end(), pointers_.begin() + static_cast<std::ptrdiff_t>(followed_), pointers_.end());
  // What lay before the first segment has been written again since, and the log behind the image tells where.
  const Lsn first = log.segments.empty() ? kNoLsn : log.segments.front().base;
  std::erase_if(astray_, [&](const Pointer& pointer) { return pointer.at < first || log.lost_at(pointer.at); });
  const auto path_of = [&](const store::ImageReader& image) {
    return log::join_path(task_.directory, store::image_name(image.header().from));
  };
  if (!astray_.empty())
    tell(
        {Severity::kDamage, path_of(*images_.front()), -1, astray_.front().at,
         "This index image points to " + count_text(astray_.size(), "place") +
             " where the log has no record of the key, first to this one. Without the image the store is read from the "
             "log alone."});
  for (const auto& image : images_) {
    const Lsn from = image->header().from;
    if (!log.segments.empty() && from < log.segments.front().base) {
      tell({Severity::kNote, path_of(*image), -1, from,
            "This index image is older than the beginning of the log, which was cleaned since. It is of no more use."});
      continue;
    }
    const bool begins = from == log.end || (!log.segments.empty() && from == log.segments.front().base);
    if (beginnings_.contains(from) && !begins && !log.lost_at(from))
      tell({Severity::kDamage, path_of(*image), -1, from,
            "No batch of the log begins where this index image ends. The store opens without it."});
  }
}

// Keys whose newest record, as the newest whole image knows it, lies in what is lost.
Result<void> Examination::collect_keys_of_image(log::KeyLosses& losses) {
  if (images_.empty()) return {};
  const store::ImageReader& image = *images_.front();
  std::vector<std::byte> buffer;
  std::vector<store::ImageEntry> entries;
  for (const store::ImageBlock& block : image.blocks()) {
    STAVE_TRY(image.read(block, buffer, entries));
    const auto database = static_cast<std::uint8_t>(block.shard / std::max(1u, image.header().shards));
    for (const store::ImageEntry& entry : entries) {
      losses.miss_if_lost(database, entry.key, entry.address);
      if (entry.patches != 0) losses.miss_if_lost(database, entry.key, entry.version);
    }
  }
  return {};
}

void Examination::summarize(const log::Inspection& log) {
  say_("The log has " + count_text(log.segments.size(), "segment") + " and " + count_text(log.records, "whole record") +
       ", and ends at LSN " + std::to_string(raw(log.end)) + ". There " + (images_.size() == 1 ? "is " : "are ") +
       count_text(images_.size(), "whole index image") +
       (log.clean ? ". The store was closed in good order." : ". The store was not closed, or is open now."));
}

Result<void> Examination::find_lost_keys(const log::Inspection& log, log::KeyLosses& losses) {
  if (log.lost.empty()) return {};
  log::Inspector again(files_, task_.directory, proven_,
                       {.found = nullptr, .visit = [&](std::span<const log::RecordView> run, bool) -> Result<void> {
                          for (const log::RecordView& record : run) static_cast<void>(losses.note(record));
                          return {};
                        }});
  return again.run();
}

void Examination::tell_lost_keys(const log::KeyLosses& losses) {
  for (const auto& [name, loss] : losses.keys()) {
    std::string line = "LOST   key " + key_text(name.second) + " in database " + std::to_string(name.first) +
                       ": its record at LSN " + std::to_string(raw(loss.lost)) + " is gone; ";
    line += loss.instead == kNoLsn ? "nothing older of it is left."
                                   : "an older value, of LSN " + std::to_string(raw(loss.instead)) + ", is left.";
    say_(line);
  }
}

Result<void> Examination::copy_dictionaries() {
  for (const std::string& name : dictionaries_) {
    STAVE_ASSIGN(const std::unique_ptr<File> file, files_.open(log::join_path(task_.directory, name), OpenMode::kRead));
    STAVE_ASSIGN(const std::uint64_t size, file->size());
    std::vector<std::byte> bytes(size);
    STAVE_ASSIGN(const std::size_t got, file->read_at(0, bytes));
    STAVE_TRY(log::publish_file(files_, task_.repair, name, std::span(bytes).first(got)));
  }
  return {};
}

// The proof of the copy: the store itself takes it.
Result<void> Examination::open_copy() {
  Options options;
  options.file_system = &files_;
  options.create_if_missing = false;
  options.background = false;
  options.databases = 255;
  options.shards = 16;
  STAVE_ASSIGN(const std::unique_ptr<store::Engine> engine, store::Engine::open(task_.repair, options));
  std::uint64_t keys = 0;
  for (int database = 0; database < options.databases; ++database) keys += engine->size(database);
  say_("The copy opens, with " + count_text(keys, "key") + ".");
  return engine->close();
}

Result<void> Examination::repair(const log::Inspection& log, log::KeyLosses& losses) {
  STAVE_ASSIGN(const log::Salvage saved, log::salvage(files_, task_.directory, task_.repair, log, proven_, losses));
  STAVE_TRY(copy_dictionaries());
  say_("Copied into " + task_.repair + ": " + count_text(saved.records, "record") + ", " + std::to_string(saved.bytes) +
       " bytes. " + count_text(saved.lost_bytes, "byte") + " of the log are lost" +
       (saved.orphans == 0 ? "."
                           : "; " + count_text(saved.orphans, "record") + " that changed lost values went with them."));
  return open_copy();
}

Result<Verdict> Examination::run() {
  STAVE_TRY(look_at_other_files());
  STAVE_TRY(collect_pointers());
  const log::Inspection* state = nullptr;
  log::KeyLosses found([&state](Lsn lsn) { return state->lost_at(lsn); });
  const auto visit = [&](std::span<const log::RecordView> run, bool uncertain) -> Result<void> {
    for (const log::RecordView& record : run) {
      static_cast<void>(found.note(record));
      follow_pointers(record);
      if (uncertain && !record.key.empty()) uncertain_.push_back(key_text(record.key));
    }
    return {};
  };
  log::Inspector inspector(files_, task_.directory, proven_,
                           {.found = [this](const Finding& finding) { tell(finding); }, .visit = visit});
  state = &inspector.state();
  STAVE_TRY(inspector.run());
  judge_images(*state);
  return conclude(*state, found);
}

Result<Verdict> Examination::conclude(const log::Inspection& log, const log::KeyLosses& found) {
  summarize(log);
  for (const std::string& key : uncertain_)
    say_("note   key " + key +
         ": the batch of this record begins right behind lost bytes, and may have begun in them.");
  // Once more from the beginning, now that everything that is lost is known.
  log::KeyLosses losses([&](Lsn lsn) { return log.lost_at(lsn); });
  for (const auto& [name, loss] : found.keys()) losses.miss_if_lost(name.first, name.second, loss.lost);
  STAVE_TRY(collect_keys_of_image(losses));
  STAVE_TRY(task_.repair.empty() ? find_lost_keys(log, losses) : repair(log, losses));
  tell_lost_keys(losses);
  if (!log.lost.empty())
    say_(
        "Other keys may be gone or older than they were without a trace, and deleted ones may be back, if that was "
        "said "
        "only in what is lost.");
  if (damages_ == 0) {
    say_("The store is sound.");
    return Verdict::kSound;
  }
  say_("The store is damaged: " + count_text(damages_, "finding") + "." +
       (task_.repair.empty() ? " `stave doctor DIR --repair NEWDIR` copies what is whole into a new directory." : ""));
  return Verdict::kDamaged;
}

}  // namespace

Verdict examine_store(FileSystem& files, const Doctor& task, const std::function<void(std::string_view)>& say) {
  auto verdict = Examination(files, task, say).run();
  if (verdict) return *verdict;
  say(task.repair.empty() ? "It cannot be examined: " + verdict.error().describe()
                          : "It cannot be repaired: " + verdict.error().describe());
  return Verdict::kUnknown;
}

}  // namespace stave::tools
