#include "log/inspect.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/try.h"
#include "log/patient_file.h"

namespace stave::log {

namespace {

std::int64_t finding_offset(std::uint64_t base, std::uint64_t lsn) noexcept {
  return static_cast<std::int64_t>(kSegmentHeaderBytes + (lsn - base));
}

std::string number(std::uint64_t value) {
  return std::to_string(value);
}
std::string number(Lsn lsn) {
  return std::to_string(raw(lsn));
}

bool all_zeros(std::span<const std::byte> bytes) noexcept {
  return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}

}  // namespace

/// A file with a segment's name, and what is known of it.
struct Inspector::Candidate {
  Lsn base;  ///< By its name, or by its header when they differ.
  std::string path;
  std::unique_ptr<File> file;
  std::optional<SegmentHeader> header;
  std::optional<std::uint64_t> salt;
  bool begun = false;  ///< It has not got its own name: nothing in it was acknowledged as durable.
};

bool Inspection::lost_at(Lsn lsn) const noexcept {
  const auto after = std::ranges::upper_bound(lost, lsn, {}, &LostRange::from);
  return after != lost.begin() && lsn < std::prev(after)->to;
}

Inspector::Inspector(FileSystem& files, std::string directory, Lsn proven, Hooks hooks)
    : files_(files), directory_(std::move(directory)), proven_(proven), hooks_(std::move(hooks)) {}
Inspector::~Inspector() = default;

void Inspector::report(Severity severity, std::string file, std::int64_t offset, Lsn lsn, std::string sentence) {
  if (severity == Severity::kDamage) ++state_.damages;
  if (hooks_.found) hooks_.found({severity, std::move(file), offset, lsn, std::move(sentence)});
}

void Inspector::lose(std::uint64_t from, std::uint64_t to) {
  if (from >= to) return;
  auto& lost = state_.lost;
  if (!lost.empty() && raw(lost.back().to) >= from) {
    lost.back().to = std::max(lost.back().to, Lsn{to});
  } else {
    lost.push_back({Lsn{from}, Lsn{to}});
  }
}

Result<void> Inspector::run() {
  STAVE_TRY(look_at_names());
  STAVE_TRY(look_at_identity());
  if (candidates_.empty() && !identity_) return {};
  STAVE_TRY(look_at_headers());
  STAVE_TRY(choose_identity());
  STAVE_TRY(guess_salts());
  STAVE_TRY(look_at_records());
  judge_end();
  return {};
}

Result<void> Inspector::look_at_names() {
  STAVE_ASSIGN(const std::vector<std::string> names, files_.list(directory_));
  bool identity = false;
  for (const std::string& name : names) {
    const std::string path = join_path(directory_, name);
    const auto begun = parse_begun_name(name);
    if (const auto base = begun ? begun : parse_segment_name(name)) {
      auto file = files_.open(path, OpenMode::kRead);
      if (!file) {
        report(Severity::kDamage, path, -1, *base, "The segment cannot be opened: " + file.error().describe() + ".");
        continue;
      }
      auto patient = make_patient_file(std::move(*file), [this, path](std::uint64_t offset, const Error& error) {
        report(Severity::kDamage, path, static_cast<std::int64_t>(offset), kNoLsn,
               "The disk cannot read this block: " + error.describe() + ".");
      });
      candidates_.push_back({*base, path, std::move(patient), {}, {}, begun.has_value()});
    } else if (name.ends_with(".cut")) {
      report(Severity::kNote, path, -1, kNoLsn,
             "An earlier opening cut these bytes from the end of the log, because they were no whole batch.");
    } else if (const auto mark = parse_newest_name(name)) {
      marked_ = std::max(marked_, *mark);
    } else if (name == kSpareName || name.ends_with(".new")) {
      report(Severity::kNote, path, -1, kNoLsn,
             "A draft; worthless unless the store is open. The next opening removes it.");
    }
    identity = identity || name == kIdentityName;
  }
  if (!identity && candidates_.empty())
    return fail(Error(ErrorCode::kNotFound, "there is no store in this directory").with_file(directory_));
  return {};
}

Result<void> Inspector::look_at_identity() {
  auto identity = load_identity(files_, directory_);
  if (identity) {
    identity_ = *identity;
    return {};
  }
  if (identity.error().code() == ErrorCode::kUnsupported) return fail(std::move(identity).error());
  const std::string path = join_path(directory_, kIdentityName);
  if (identity.error().code() == ErrorCode::kNotFound) {
    STAVE_ASSIGN(const bool begun, only_begun());
    if (begun) {
      report(Severity::kNote, path, -1, kNoLsn, "The store was never made completely, and nothing is in it.");
      candidates_.clear();
      return {};
    }
    report(Severity::kDamage, path, -1, kNoLsn,
           "The identity file is missing, although there are segments of a store.");
  } else {
    report(Severity::kDamage, path, 0, kNoLsn, "The identity file cannot be used: " + identity.error().message() + ".");
  }
  return {};
}

Result<void> Inspector::look_at_headers() {
  const auto in_order = [](const Candidate& a, const Candidate& b) {
    return a.base != b.base ? a.base < b.base : a.begun < b.begun;
  };
  std::ranges::sort(candidates_, in_order);
  for (Candidate& candidate : candidates_) STAVE_TRY(look_at_header(candidate));
  // Under a wrong name it is what its header says, unless the right file is there too.
  std::set<Lsn> right;
  for (const Candidate& c : candidates_)
    if (c.header && c.header->base == c.base) right.insert(c.base);
  for (Candidate& c : candidates_) {
    if (!c.header || c.header->base == c.base) continue;
    const bool taken = !right.insert(c.header->base).second;
    report(Severity::kDamage, c.path, 32, c.header->base,
           "The segment's header says that it begins at LSN " + number(c.header->base) + ", not where its name says" +
               (taken ? "; the segment that belongs there is present, so this one is left aside." : "."));
    c.base = taken ? kNoLsn : c.header->base;
  }
  std::erase_if(candidates_, [](const Candidate& c) { return c.base == kNoLsn; });
  std::ranges::sort(candidates_, in_order);
  // A file whose header is gone has its name alone; a whole one for the same place wins.
  const auto twins = std::ranges::unique(candidates_, [](Candidate& a, Candidate& b) {
    if (a.base != b.base) return false;
    if (!a.header && b.header) std::swap(a, b);
    return true;
  });
  candidates_.erase(twins.begin(), twins.end());
  return {};
}

Result<void> Inspector::look_at_header(Candidate& candidate) {
  std::vector<std::byte> bytes(kSegmentHeaderBytes);
  auto got = candidate.file->read_at(0, bytes);
  if (!got) {
    report(Severity::kDamage, candidate.path, 0, candidate.base,
           "The segment cannot be read: " + got.error().describe() + ".");
    return {};
  }
  bytes.resize(*got);
  auto header = decode_segment_header(bytes, candidate.path);
  if (header) {
    candidate.header = *header;
    candidate.salt = header->salt;
    return {};
  }
  if (header.error().code() == ErrorCode::kUnsupported) return fail(std::move(header).error());
  if (candidate.begun) {
    report(
        Severity::kNote, candidate.path, 0, candidate.base,
        "A segment that was begun, and whose header never reached the disk. Nothing in it was ever acknowledged; the "
        "next opening cuts it off.");
    candidate.base = kNoLsn;
    return {};
  }
  report(Severity::kDamage, candidate.path, 0, candidate.base,
         "The segment's header is damaged: " + header.error().message() + ".");
  return {};
}

// What a crash in the creation of a store leaves: a first segment without a record, and no identity.
Result<bool> Inspector::only_begun() {
  if (candidates_.size() != 1 || candidates_[0].base != kFirstLsn) return false;
  File& file = *candidates_[0].file;
  STAVE_ASSIGN(const std::uint64_t size, file.size());
  std::vector<std::byte> bytes(1u << 20);
  bool header_is_zeros = true;
  for (std::uint64_t at = 0; at < size;) {
    const std::size_t wanted = at == 0 ? kSegmentHeaderBytes : bytes.size();
    STAVE_ASSIGN(const std::size_t got, file.read_at(at, std::span(bytes).first(wanted)));
    if (got == 0) break;
    const bool zeros = all_zeros(std::span(bytes).first(got));
    if (at == 0) header_is_zeros = zeros;
    if (at > 0 && !zeros) return false;
    at += got;
  }
  return header_is_zeros || load_segment_header(file, candidates_[0].path).has_value();
}

// Without an identity file, the store is the one that most segments belong to.
Result<void> Inspector::choose_identity() {
  if (!identity_) {
    std::map<StoreId, std::pair<int, UnixMs>> votes;
    for (const Candidate& c : candidates_) {
      if (!c.header) continue;
      auto& [count, created] = votes.try_emplace(c.header->store_id, 0, c.header->created).first->second;
      ++count;
      created = std::min(created, c.header->created);
    }
    const auto most = std::ranges::max_element(votes, {}, [](const auto& vote) { return vote.second.first; });
    if (most == votes.end())
      return fail(Error(ErrorCode::kCorrupt,
                        "neither the identity file nor any segment's header can be read, so that no "
                        "record can be checked")
                      .with_file(directory_));
    identity_ = Identity{most->first, most->second.second};
  }
  state_.identity = *identity_;
  for (Candidate& c : candidates_) {
    if (!c.header || c.header->store_id == identity_->store_id) continue;
    report(Severity::kDamage, c.path, 16, c.base, "The segment belongs to another store.");
    c.salt.reset();
    c.base = kNoLsn;
  }
  std::erase_if(candidates_, [](const Candidate& c) { return c.base == kNoLsn; });
  return {};
}

// A segment whose header is lost was most likely written with the salt of one of its neighbours.
Result<void> Inspector::guess_salts() {
  std::set<std::uint64_t> salts;
  for (const Candidate& c : candidates_)
    if (c.salt) salts.insert(*c.salt);
  for (Candidate& c : candidates_) {
    if (c.salt) continue;
    auto size = c.file->size();
    const std::uint64_t end = raw(c.base) + (size ? *size - std::min<std::uint64_t>(*size, kSegmentHeaderBytes) : 0);
    for (const std::uint64_t salt : salts) {
      const SegmentSource source{c.file.get(), c.path, raw(c.base), record_seed(identity_->store_id, salt), end};
      const auto first = scanner_.next_valid(source, raw(c.base) - 1);
      if (!first || !*first) continue;
      c.salt = salt;
      report(Severity::kNote, c.path, 0, c.base, "The records behind the damaged header can be checked all the same.");
      break;
    }
  }
  return {};
}

Result<void> Inspector::look_at_records() {
  judge_beginning();
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    const Candidate& c = candidates_[i];
    const bool newest = i + 1 == candidates_.size();
    // Before a segment that was only begun, the log may end.
    const bool open = newest || candidates_[i + 1].begun;
    auto size = c.file->size();
    const std::uint64_t file_end =
        raw(c.base) + (size ? *size - std::min<std::uint64_t>(*size, kSegmentHeaderBytes) : 0);
    const std::uint64_t end = newest ? file_end : raw(candidates_[i + 1].base);
    if (!c.salt) {
      report(Severity::kDamage, c.path, 0, c.base, "None of the segment's records can be checked.");
      lose(raw(c.base), end);
      continue;
    }
    state_.segments.push_back({c.base, *c.salt, c.header ? c.header->created : UnixMs{0}});
    STAVE_ASSIGN(const bool goes_on, walk(i, end, open));
    if (goes_on) continue;
    for (++i; i < candidates_.size(); ++i) {
      report(Severity::kNote, candidates_[i].path, 0, candidates_[i].base,
             "A segment that was begun, but to which no whole batches lead. Nothing in it was ever acknowledged; the "
             "next opening cuts it off.");
      state_.clean = false;
    }
  }
  return {};
}

void Inspector::judge_beginning() {
  // Whether something is missing there is known only when the whole log has been read; what is lost until then counts.
  state_.end = candidates_.empty() ? kFirstLsn : candidates_.front().base;
}

Result<void> Inspector::take(std::span<const RecordView> run, bool uncertain) {
  STAVE_ASSERT(!run.empty() && run.front().lsn >= state_.end);
  for (const RecordView& record : run) {
    if (!traits(record.kind).known)
      return fail(Error(ErrorCode::kUnsupported, "the record at LSN " + number(record.lsn) +
                                                     " is of a kind that this program does not know; use a newer one")
                      .with_file(directory_));
    if (record.kind == RecordKind::kTrim && record.payload.size() == 8)
      state_.trimmed = std::max(state_.trimmed, Lsn{base::load<std::uint64_t>(record.payload.data())});
    if (record.commit()) ++state_.batches;
  }
  state_.records += run.size();
  state_.end = run.back().lsn + run.back().length;
  state_.clean = run.back().kind == RecordKind::kClose;
  return hooks_.visit ? hooks_.visit(run, uncertain) : Result<void>{};
}

// The first batch of a scan that begins behind damage is handed out alone, if it is uncertain.
Result<ScanResult> Inspector::scan(const SegmentSource& source, std::uint64_t from, bool uncertain) {
  bool first = true;
  return scanner_.scan(source, from, [&](std::span<const RecordView> run) -> Result<void> {
    if (std::exchange(first, false)) {
      const auto commit = std::ranges::find_if(run, &RecordView::commit);
      const auto count = static_cast<std::size_t>(commit - run.begin()) + 1;
      const bool began_here = (run.front().flags & kAfterSync) != 0;
      STAVE_TRY(take(run.first(count), uncertain && !began_here));
      run = run.subspan(count);
      if (run.empty()) return {};
    }
    return take(run, false);
  });
}

// Where it may: whether the log ends at the last whole batch, and what follows was never acknowledged.
Result<bool> Inspector::ends_here(std::size_t index, const SegmentSource& source, const ScanResult& scanned) {
  STAVE_ASSIGN(const RestResult rest, scanner_.examine(source, scanned.batch_end, scanned.stop));
  if (rest.proof || raw(proven_) > scanned.batch_end) return false;
  for (std::size_t i = index + 1; i < candidates_.size(); ++i) {
    const Candidate& begun = candidates_[i];
    auto size = begun.file->size();
    const std::uint64_t base = raw(begun.base);
    if (!size || *size <= kSegmentHeaderBytes || !begun.salt) continue;
    const SegmentSource later{begun.file.get(), begun.path, base, record_seed(identity_->store_id, *begun.salt),
                              base + (*size - kSegmentHeaderBytes)};
    STAVE_ASSIGN(const RestResult behind, scanner_.examine(later, base, scanned.batch_end == base ? base : base - 1));
    if (behind.proof) return false;
  }
  state_.torn_bytes = rest.nonzero_end - scanned.batch_end;
  if (state_.torn_bytes > 0) {
    state_.clean = false;
    report(Severity::kNote, source.path, finding_offset(source.base, scanned.batch_end), Lsn{scanned.batch_end},
           "The log ends with " + number(state_.torn_bytes) +
               " bytes that are no whole batch: the store was not closed, or is at work now. Nothing proves that they "
               "were ever acknowledged; the next opening cuts them off and keeps them in a .cut file.");
  }
  return true;
}

// False: the log ends in this segment.
Result<bool> Inspector::walk(std::size_t index, std::uint64_t end, bool open) {
  const Candidate& candidate = candidates_[index];
  const SegmentSource source{candidate.file.get(), candidate.path, raw(candidate.base),
                             record_seed(identity_->store_id, *candidate.salt), end};
  bool behind_damage = false;
  for (std::uint64_t at = source.base;;) {
    STAVE_ASSIGN(const ScanResult scanned, scan(source, at, behind_damage));
    if (scanned.batch_end == end) return true;
    if (open) {
      STAVE_ASSIGN(const bool ends, ends_here(index, source, scanned));
      if (ends) return false;
    }
    // No record is shorter, so none that is whole begins sooner.
    const std::uint64_t after = std::max(scanned.stop, scanned.batch_end + kRecordHeaderBytes - 1);
    STAVE_ASSIGN(const auto next, scanner_.next_valid(source, after));
    const std::uint64_t to = next ? *next : std::max(end, scanned.batch_end);
    lose(scanned.batch_end, to);
    report(Severity::kDamage, candidate.path, finding_offset(source.base, scanned.stop), Lsn{scanned.stop},
           "No valid record begins here, although what follows proves that one was on disk. Lost are the " +
               number(to - scanned.batch_end) + " bytes from LSN " + number(scanned.batch_end) + " to " + number(to) +
               (next ? ", where a valid record begins again."
                     : ", which is where the next segment begins or this one ends."));
    if (!next) return true;
    at = *next;
    behind_damage = true;
  }
}

void Inspector::judge_end() {
  if (candidates_.empty()) {
    report(Severity::kDamage, join_path(directory_, segment_name(kFirstLsn)), -1, kFirstLsn,
           "There is no segment of the log.");
    lose(raw(kFirstLsn), raw(proven_));
    return;
  }
  // What was only begun does not count: the log may end before it.
  Lsn named = kNoLsn;
  for (const Candidate& candidate : candidates_)
    if (!candidate.begun) named = std::max(named, candidate.base);
  if (const Lsn newest = std::max(marked_, kFirstLsn); named < newest) {
    report(Severity::kDamage, join_path(directory_, segment_name(newest)), -1, newest,
           "The newest segment of the log is missing: " +
               std::string(marked_ == kNoLsn ? "there is none that has its own name."
                                             : "the mark beside it says that it was there."));
    state_.clean = false;
  }
  const Candidate& first = candidates_.front();
  if (first.base > state_.trimmed) {
    report(Severity::kDamage, join_path(directory_, segment_name(state_.trimmed)), -1, state_.trimmed,
           "The first segments are missing: the log begins at LSN " + number(first.base) +
               ", and nothing in it says that what lies before LSN " +
               (state_.trimmed == kFirstLsn ? number(first.base) : number(state_.trimmed) + " and there") +
               " is not needed.");
    state_.lost.insert(state_.lost.begin(), {state_.trimmed, first.base});
  }
  if (proven_ > state_.end) {
    report(Severity::kDamage, candidates_.back().path, -1, state_.end,
           "The log ends at LSN " + number(state_.end) +
               ", although an image of the index proves that it reached LSN " + number(proven_) + ".");
    lose(raw(state_.end), raw(proven_));
    state_.clean = false;
  }
}

}  // namespace stave::log
