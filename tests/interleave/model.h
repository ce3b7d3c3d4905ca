// What a store must hold, kept beside it: the state at the beginning of a schedule and everything that happened since,
// so that it can be told for every point of the log.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stave/units.h"

namespace stave::interleaving {

struct Held {
  std::string value;
  std::int64_t deadline = 0;  ///< 0: none.
  std::int64_t sliding = 0;
  [[nodiscard]] bool alive(std::int64_t now) const noexcept { return deadline == 0 || deadline > now; }
};
using Place = std::pair<int, std::string>;
using State = std::map<Place, Held>;

/// Something that changed the state, at once.
struct Event {
  enum class Kind : std::uint8_t { kSet, kErase, kExpiry, kTouch, kFlush, kSwap };
  Kind kind{};
  Lsn lsn = kNoLsn;         ///< Of its record, or the last of several; kNoLsn: it leaves none.
  std::uint64_t order = 0;  ///< In which it happened.
  int database = 0;
  int other = 0;
  std::string key;
  Held held;
};

class Model {
 public:
  [[nodiscard]] const State& now() const noexcept { return now_; }
  [[nodiscard]] std::uint64_t order() const noexcept { return order_; }
  [[nodiscard]] const Held* find(int database, const std::string& key, std::int64_t time) const {
    const auto found = now_.find({database, key});
    return found == now_.end() || !found->second.alive(time) ? nullptr : &found->second;
  }
  void note(Event event) {
    event.order = ++order_;
    apply(now_, event);
    events_.push_back(std::move(event));
  }
  /// A new schedule begins: the past is forgotten.
  void begin(Lsn tail, std::int64_t time) {
    std::erase_if(now_, [&](const auto& item) { return !item.second.alive(time); });
    base_ = now_;
    base_end_ = tail;
    events_.clear();
  }
  /// As it was when the log ended at `end` and `order` things had happened.
  [[nodiscard]] State at(Lsn end, std::uint64_t order) const {
    State state = base_;
    for (const Event& event : events_)
      if (event.lsn != kNoLsn ? event.lsn < end : event.order <= order) apply(state, event);
    return state;
  }
  /// Which database was then what `database` is now.
  [[nodiscard]] int origin(int database, Lsn end) const {
    for (auto event = events_.rbegin(); event != events_.rend(); ++event) {
      if (event->kind != Event::Kind::kSwap || event->lsn < end) continue;
      database = database == event->database ? event->other : database == event->other ? event->database : database;
    }
    return database;
  }
  [[nodiscard]] Lsn base_end() const noexcept { return base_end_; }
  [[nodiscard]] const std::vector<Event>& events() const noexcept { return events_; }
  /// What a restart made of a sliding deadline, of which the log knows less than memory.
  void adopt(const Place& place, std::optional<std::int64_t> deadline) {
    if (deadline) {
      now_[place].deadline = *deadline;
    } else {
      now_.erase(place);
    }
  }

 private:
  static void apply(State& state, const Event& event) {
    const Place place{event.database, event.key};
    switch (event.kind) {
      case Event::Kind::kSet: state[place] = event.held; return;
      case Event::Kind::kErase: state.erase(place); return;
      case Event::Kind::kExpiry:
      case Event::Kind::kTouch:
        if (const auto found = state.find(place); found != state.end()) {
          found->second.deadline = event.held.deadline;
          found->second.sliding = event.held.sliding;
        }
        return;
      case Event::Kind::kFlush:
        std::erase_if(state, [&](const auto& item) { return item.first.first == event.database; });
        return;
      case Event::Kind::kSwap: {
        State swapped;
        for (auto& [at, held] : state) {
          const int to = at.first == event.database ? event.other : at.first == event.other ? event.database : at.first;
          swapped[{to, at.second}] = std::move(held);
        }
        state = std::move(swapped);
        return;
      }
    }
  }

  State base_;
  State now_;
  Lsn base_end_ = kNoLsn;
  std::vector<Event> events_;
  std::uint64_t order_ = 0;
};

}  // namespace stave::interleaving
