#include "history.h"

#include <algorithm>

namespace stave::cluster {

History::Reign History::reign_at(std::span<const store::Term> terms, Lsn lsn) {
  Reign reign{};
  for (const store::Term& term : terms)
    if (term.first <= lsn) reign = {term.number, term.leader};
  return reign;
}

Write* History::wrote(std::span<const store::Term> terms, Lsn lsn, Write write) {
  const auto [at, fresh] = reigns_[reign_at(terms, lsn)].emplace(lsn, std::move(write));
  return fresh ? &at->second : nullptr;
}

void History::attempted(Write write) {
  attempted_.push_back(std::move(write));
}

// Every write of the way, in its order.
template <class Visit>
void History::walk(const View& view, const Visit& visit) const {
  for (std::size_t i = 0; i <= view.terms.size(); ++i) {
    const Reign reign = i == 0 ? Reign{} : Reign{view.terms[i - 1].number, view.terms[i - 1].leader};
    const Lsn from = i == 0 ? kNoLsn : view.terms[i - 1].first;
    const Lsn to = i == view.terms.size() ? view.tail : std::min(view.terms[i].first, view.tail);
    const auto found = reigns_.find(reign);
    if (found == reigns_.end()) continue;
    for (auto at = found->second.lower_bound(from); at != found->second.end() && at->first < to; ++at)
      visit(at->first, at->second);
  }
}

Write* History::find(const std::string& value, const View& view, Lsn version) {
  const auto holds = [&](const Write& write) {
    return std::ranges::any_of(write.changes, [&](const auto& change) { return change.second == value; });
  };
  const Reign reign = reign_at(view.terms, version);
  for (auto& [lsn, write] : reigns_[reign])
    if (holds(write)) return &write;
  const auto perhaps = std::ranges::find_if(attempted_, holds);
  if (perhaps == attempted_.end()) return nullptr;
  Write* const found = wrote(view.terms, version, std::move(*perhaps));
  attempted_.erase(perhaps);
  return found;
}

std::string History::check(const View& view) {
  Lsn newest = kNoLsn;
  for (const auto& [key, shown] : view.values) newest = std::max(newest, shown.second);
  // A write that may have been logged lies where its last value does.
  std::map<Lsn, std::string> by_version;
  for (const auto& [key, shown] : view.values) by_version[shown.second] = shown.first;
  for (auto at = by_version.rbegin(); at != by_version.rend(); ++at)
    if (find(at->second, view, at->first) == nullptr)
      return "nobody of its history wrote what it shows at LSN " + std::to_string(raw(at->first)) + ": " + at->second;
  std::map<int, std::string> expected;
  walk(view, [&](Lsn lsn, const Write& write) {
    if (lsn > newest) return;
    for (const auto& [key, value] : write.changes) {
      if (value) {
        expected[key] = *value;
      } else {
        expected.erase(key);
      }
    }
  });
  for (int key = 0; key < kKeys; ++key) {
    const auto shown = view.values.find(key);
    const auto should = expected.find(key);
    const std::string there = shown == view.values.end() ? "nothing" : shown->second.first;
    const std::string wanted = should == expected.end() ? "nothing" : should->second;
    if (there != wanted)
      return key_of(key) + " is " + there + " where its history has " + wanted + " up to LSN " +
             std::to_string(raw(newest));
  }
  return {};
}

std::string History::lost(const View& view) const {
  std::map<std::uint64_t, bool> there;
  walk(view, [&](Lsn, const Write& write) { there[write.number] = true; });
  for (const auto& [reign, writes] : reigns_)
    for (const auto& [lsn, write] : writes)
      if (write.promised && !there.contains(write.number))
        return "write " + std::to_string(write.number) + " of term " + std::to_string(reign.first) + " at LSN " +
               std::to_string(raw(lsn)) + " was promised and is lost";
  return {};
}

std::uint64_t History::promised() const {
  std::uint64_t count = 0;
  for (const auto& [reign, writes] : reigns_)
    for (const auto& [lsn, write] : writes) count += write.promised ? 1 : 0;
  return count;
}

std::string History::describe(const View& view) const {
  std::string text = "tail " + std::to_string(raw(view.tail)) + ", terms";
  for (const store::Term& term : view.terms)
    text += " " + std::to_string(term.number) + "@" + std::to_string(raw(term.first)) + " of " +
            store::hex_of(term.leader).substr(0, 4);
  return text;
}

}  // namespace stave::cluster
