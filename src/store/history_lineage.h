// One key's events, newest first; see history.h for how they are found.
//
// Promises: each event once, in descending order of versions; `known_from` tells where knowledge ends. Nothing of the
// log is dropped while a lineage is there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "store/history.h"
#include "store/upkeep.h"

namespace stave::store {

class History::Lineage {
 public:
  Lineage(Engine& engine, KeyRef key);

  struct Event {
    KeyVersion::Kind kind{};
    Lsn version = kNoLsn;
    Lsn holder = kNoLsn;  ///< A record that holds the value, or leads to it: the version's own, or a moved one.
    Lsn prev = kNoLsn;
    UnixMs time{0};
    Expiry expiry{};
    std::optional<std::uint64_t> size;  ///< When the record tells it.
  };
  /// Where the present ended when this began; nothing behind is seen.
  [[nodiscard]] Lsn end() const noexcept { return end_; }
  /// What the key holds now has this expiry; reading puts a sliding one off without a trace in the log.
  [[nodiscard]] const std::optional<Expiry>& expiry_now() const noexcept { return expiry_now_; }

  /// The next older event; nullopt when there is none, or none that can be known. Errors: kCorrupt, kIo, kNoMemory.
  Result<std::optional<Event>> next();
  /// After `next` returned nullopt: between this and the oldest event the key was absent; what was before is not known.
  /// kNoLsn: it was absent since the store was born.
  [[nodiscard]] Lsn known_from() const noexcept { return known_from_; }
  /// When that was.
  Result<UnixMs> known_since();

  /// The value that the key had after `event`, which is alive. Errors: kNotFound (it has been dropped), kCorrupt, kIo.
  Result<void> load(const Event& event, std::string& value, ValueType& type);
  /// Its size; nullopt when it has been dropped. `scratch` may be used.
  Result<std::optional<std::uint64_t>> size(const Event& event, std::string& scratch);

 private:
  struct Seen;
  Result<std::optional<Event>> follow();
  Result<bool> search();
  Result<std::vector<Seen>> look_through(const log::SegmentInfo& segment);
  bool judge(const std::vector<Seen>& seen);
  Result<Event> event_of(const log::RecordView& record, Lsn holder);
  void give_up(Lsn from, std::optional<UnixMs> since);

  Engine& engine_;
  const KeyRef key_;
  const Upkeep::Pin pin_;
  std::vector<std::byte> buffer_;
  Lsn end_ = kNoLsn;
  Lsn first_ = kNoLsn;  ///< Where the log begins.
  std::optional<Expiry> expiry_now_;

  Lsn next_ = kNoLsn;           ///< Address of the next older record; kNoLsn: it is to be searched for
  Lsn below_ = kNoLsn;          ///< before this,
  int database_ = 0;            ///< in this database.
  std::optional<Event> flush_;  ///< Removed whatever is found next, if that is alive.
  bool ended_ = false;
  Lsn known_from_ = kNoLsn;
  std::optional<UnixMs> known_since_;
};

}  // namespace stave::store
