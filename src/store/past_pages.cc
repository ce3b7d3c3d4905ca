#include "store/past_pages.h"

#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/try.h"
#include "store/cut_pages.h"
#include "store/pages.h"
#include "store/upkeep.h"

namespace stave::store {

namespace {

/// What is known of a page so far.
struct Held {
  Lsn version = kNoLsn;  ///< Of its newest change up to the one that is asked for.
  Lsn address = kNoLsn;  ///< Where that can be read; kNoLsn: it was gone.
};

/// Pages change with their root, in one batch: so the batches that count are those whose root counts.
class Search {
 public:
  Search(Engine& engine, Lsn identity, Lsn version) noexcept
      : engine_(engine), identity_(identity), version_(version) {}

  Result<void> take(const log::RecordView& record) {
    STAVE_TRY(look_at(record));
    if (!record.commit()) return {};
    for (const auto& [key, held] : batch_) {
      if (!counts_) break;
      note(key, held);
    }
    batch_.clear();
    counts_ = false;
    return {};
  }
  void hand_out(CutPages& pages) const {
    for (const auto& [key, held] : newest_)
      if (held.address != kNoLsn) pages.add(key, held.address);
  }

 private:
  Result<void> look_at(const log::RecordView& record) {
    if (record.database == kPagesNumber) {
      if (!log::has_key(record.kind) || record.key.size() <= kIdentityBytes) return {};
      if (PageKey::identity_of(record.key) != identity_) return {};
      const Held held{.version = record.version, .address = log::traits(record.kind).removes_key ? kNoLsn : record.lsn};
      if (!record.relocated()) {
        batch_.emplace_back(record.key, held);
      } else if (record.version <= version_) {
        note(std::string(record.key), held);
      }
      return {};
    }
    if (record.relocated() || record.lsn > version_ || !log::is_value(record.kind) || !is_root(type_of(record.kind)))
      return {};
    std::string_view value = record.payload;
    if (record.compressed()) {
      STAVE_TRY(engine_.residence().value_of(record, scratch_));
      value = scratch_;
    }
    counts_ = counts_ || (value.size() > kIdentityBytes && identity_of(value) == identity_);
    return {};
  }
  void note(const std::string& key, const Held& held) {
    Held& newest = newest_[key];
    if (held.version >= newest.version) newest = held;
  }

  Engine& engine_;
  Lsn identity_;
  Lsn version_;
  bool counts_ = false;  ///< The root of the batch that is being read.
  std::vector<std::pair<std::string, Held>> batch_;
  std::unordered_map<std::string, Held> newest_;
  std::string scratch_;
};

}  // namespace

Result<std::string> past_collection(Engine& engine, ValueType type, std::string_view root, Lsn version) {
  STAVE_ASSERT(is_root(type) && root.size() > kIdentityBytes);
  const Upkeep::Pin pin(engine.upkeep());
  const Lsn end = engine.log().tail();
  STAVE_TRY(engine.log().wait_written(end));
  Search search(engine, identity_of(root), version);
  for (const log::SegmentInfo& segment : engine.log().segments()) {
    const auto look = [&](std::span<const log::RecordView> run) -> Result<void> {
      for (const log::RecordView& record : run) STAVE_TRY(search.take(record));
      return {};
    };
    STAVE_TRY(engine.log().scan(segment.base, segment.end, look));
  }
  CutPages pages(engine);
  search.hand_out(pages);
  pages.sort();
  auto form = pages.compact_form(type, root);
  if (!form && form.error().code() == ErrorCode::kCorrupt)
    return fail(ErrorCode::kNotFound, "a piece of the collection that the key had then has been dropped from the log");
  return form;
}

}  // namespace stave::store
