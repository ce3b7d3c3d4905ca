#include "testing/sim_disk.h"

#include <algorithm>
#include <cerrno>

#include "base/path.h"

namespace stave::sim {

using base::PagedBytes;
using base::Random;

const char* to_string(CrashMode mode) noexcept {
  switch (mode) {
    case CrashMode::kDropUnsynced: return "drop_unsynced";
    case CrashMode::kKeepAll: return "keep_all";
    case CrashMode::kSubset: return "subset";
    case CrashMode::kReordered: return "reordered";
    case CrashMode::kTornByte: return "torn_byte";
    case CrashMode::kTorn512: return "torn_512";
    case CrashMode::kTorn4096: return "torn_4096";
  }
  return "unknown";
}

namespace {

/// Decides for a run of changes which survive.
class Fate {
 public:
  Fate(CrashMode mode, std::size_t changes, Random& random) : mode_(mode), random_(random) {
    // Some crashes keep nearly everything, some nearly nothing: both find faults that the middle does not.
    keep_of_8_ = 1 + random.below(7);
    if (changes > 0) cut_ = 1 + random.below(changes);
  }
  bool keeps(std::size_t index) {
    switch (mode_) {
      case CrashMode::kDropUnsynced: return false;
      case CrashMode::kKeepAll: return true;
      case CrashMode::kReordered: return index >= cut_ || (index != 0 && random_.one_in(8));
      default: return random_.below(8) < keep_of_8_;
    }
  }

 private:
  CrashMode mode_;
  Random& random_;
  std::uint64_t keep_of_8_ = 0;
  std::size_t cut_ = 0;
};

std::size_t tear_unit(CrashMode mode) {
  switch (mode) {
    case CrashMode::kTornByte: return 1;
    case CrashMode::kTorn512: return 512;
    case CrashMode::kTorn4096: return 4096;
    default: return 0;
  }
}

}  // namespace

std::uint64_t Inode::blocks_missing(std::uint64_t offset, std::uint64_t length) const noexcept {
  if (length == 0) return 0;
  std::uint64_t missing = 0;
  for (std::uint64_t block = offset / kBlockBytes; block <= (offset + length - 1) / kBlockBytes; ++block)
    if (block >= blocks_.size() || !blocks_[block]) ++missing;
  return missing;
}

void Inode::take_blocks(std::uint64_t offset, std::uint64_t length) {
  if (length == 0) return;
  const std::uint64_t last = (offset + length - 1) / kBlockBytes;
  if (last >= blocks_.size()) blocks_.resize(last + 1);
  for (std::uint64_t block = offset / kBlockBytes; block <= last; ++block) {
    if (!blocks_[block]) ++block_count_;
    blocks_[block] = true;
  }
}

void Inode::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  take_blocks(offset, bytes.size());
  live_.write(offset, bytes);
  unsynced_.push_back({offset, std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end())});
}

void Inode::truncate(std::uint64_t size) {
  const std::uint64_t blocks = (size + kBlockBytes - 1) / kBlockBytes;
  if (blocks < blocks_.size()) {
    block_count_ -= static_cast<std::uint64_t>(
        std::count(blocks_.begin() + static_cast<std::ptrdiff_t>(blocks), blocks_.end(), true));
    blocks_.resize(blocks);
  }
  if (size == live_.size()) return;
  live_.resize(size);
  unsynced_.push_back({size, nullptr});
}

void Inode::allocate(std::uint64_t size) {
  take_blocks(0, size);
  if (size <= live_.size()) return;
  live_.resize(size);
  unsynced_.push_back({size, nullptr});
}

void Inode::apply(const Change& change, PagedBytes& image) {
  if (change.bytes != nullptr) {
    image.write(change.offset, *change.bytes);
  } else {
    image.resize(change.offset);
  }
}

void Inode::sync() {
  // Replayed, not copied from `live_`: what an earlier failed sync lost stays lost.
  for (const Change& change : unsynced_) apply(change, durable_);
  unsynced_.clear();
}

void Inode::sync_fails(Random& random) {
  survive(CrashMode::kTorn4096, random, durable_);
  unsynced_.clear();
}

void Inode::drop_cache() {
  live_ = durable_;
  for (const Change& change : unsynced_) apply(change, live_);
}

/// The bytes are gone, but the size that came with them may have reached the disk without them.
void Inode::lose(const Change& change, Random& random, PagedBytes& image) {
  if (change.bytes == nullptr || !random.coin()) return;
  image.resize(std::max(image.size(), change.offset + change.bytes->size()));
}

void Inode::tear(const Change& change, std::size_t unit, Random& random, PagedBytes& image) {
  const std::span<const std::byte> bytes(*change.bytes);
  lose(change, random, image);
  // Up to one place, or from one place on; places are on the borders of the unit in the file.
  const std::uint64_t end = change.offset + bytes.size();
  const std::uint64_t place = change.offset + random.below(bytes.size() + 1);
  const auto cut = static_cast<std::size_t>(std::max(change.offset, place / unit * unit) - change.offset);
  switch (random.below(unit == 1 ? 2 : 3)) {
    case 0: image.write(change.offset, bytes.first(cut)); return;
    case 1: image.write(change.offset + cut, bytes.subspan(cut)); return;
    default: break;
  }
  for (std::uint64_t at = change.offset; at < end;) {
    const std::uint64_t next = std::min(end, (at / unit + 1) * unit);
    if (random.coin())
      image.write(at, bytes.subspan(static_cast<std::size_t>(at - change.offset), static_cast<std::size_t>(next - at)));
    at = next;
  }
}

void Inode::survive(CrashMode mode, Random& random, PagedBytes& image) const {
  Fate fate(mode, unsynced_.size(), random);
  const std::size_t unit = tear_unit(mode);
  for (std::size_t i = 0; i < unsynced_.size(); ++i) {
    const Change& change = unsynced_[i];
    if (unit != 0 && change.bytes != nullptr && random.one_in(2)) {
      tear(change, unit, random, image);
    } else if (fate.keeps(i)) {
      apply(change, image);
    } else if (mode != CrashMode::kDropUnsynced) {
      lose(change, random, image);
    }
  }
}

std::shared_ptr<Inode> Inode::after_crash(CrashMode mode, Random& random) const {
  auto found = std::make_shared<Inode>();
  found->durable_ = durable_;
  survive(mode, random, found->durable_);
  found->live_ = found->durable_;
  found->take_blocks(0, found->live_.size());
  return found;
}

void Inode::corrupt(const std::function<void(PagedBytes&)>& damage) {
  damage(live_);
  damage(durable_);
}

std::shared_ptr<Inode> SimDisk::find(const std::string& path) const {
  const auto found = live_.find(path);
  return found == live_.end() ? nullptr : found->second;
}

int SimDisk::why_no_file(const std::string& path) const {
  return is_directory(path) ? EISDIR : why_no_directory(path);
}

int SimDisk::why_no_directory(const std::string& path) const {
  std::string name = path;
  while (!live_.contains(name) && !is_directory(name)) name = base::parent_path(name);
  return live_.contains(name) ? ENOTDIR : ENOENT;
}

std::vector<std::string> SimDisk::directories_in(const std::string& path) const {
  std::vector<std::string> names;
  for (const std::string& name : directories_)
    if (name != path && base::parent_path(name) == path) names.push_back(name.substr(name.rfind('/') + 1));
  return names;
}

bool SimDisk::is_empty(const std::string& path) const {
  return directories_in(path).empty() &&
         std::ranges::none_of(live_, [&](const auto& entry) { return base::parent_path(entry.first) == path; });
}

std::shared_ptr<Inode> SimDisk::create(const std::string& path) {
  auto inode = std::make_shared<Inode>();
  unsynced_.push_back({NameChange::Kind::kLink, base::parent_path(path), {}, path, inode});
  apply(unsynced_.back(), live_);
  return inode;
}

void SimDisk::rename(const std::string& from, const std::string& to) {
  if (from == to) return;
  unsynced_.push_back({NameChange::Kind::kRename, base::parent_path(to), from, to, find(from)});
  apply(unsynced_.back(), live_);
}

void SimDisk::remove(const std::string& path) {
  unsynced_.push_back({NameChange::Kind::kUnlink, base::parent_path(path), {}, path, nullptr});
  apply(unsynced_.back(), live_);
}

void SimDisk::apply(const NameChange& change, Names& names) {
  switch (change.kind) {
    case NameChange::Kind::kLink: names[change.name] = change.inode; return;
    case NameChange::Kind::kUnlink: names.erase(change.name); return;
    case NameChange::Kind::kRename:
      // By the file, not by the old name: an earlier rename of it may have been lost, and a file never has two names.
      std::erase_if(names, [&](const auto& entry) { return entry.second == change.inode; });
      names[change.name] = change.inode;
      return;
  }
}

void SimDisk::sync_directory(const std::string& path) {
  std::erase_if(unsynced_, [&](const NameChange& change) {
    if (change.directory != path) return false;
    apply(change, durable_);
    return true;
  });
}

void SimDisk::sync_directory_fails(const std::string& path, Random& random) {
  std::erase_if(unsynced_, [&](const NameChange& change) {
    if (change.directory != path) return false;
    if (random.coin()) apply(change, durable_);
    return true;
  });
}

void SimDisk::lose_name(const std::string& path) {
  const auto inode = find(path);
  std::erase_if(unsynced_, [&](const NameChange& change) { return change.inode == inode; });
  std::erase_if(durable_, [&](const auto& entry) { return entry.second == inode; });
  live_.erase(path);
}

SimDisk SimDisk::after_crash(CrashMode mode, Random& random) const {
  SimDisk found;
  found.directories_ = directories_;
  Names names = durable_;
  Fate fate(mode, unsynced_.size(), random);
  for (std::size_t i = 0; i < unsynced_.size(); ++i)
    if (fate.keeps(i)) apply(unsynced_[i], names);
  for (const auto& [name, inode] : names) found.live_[name] = inode->after_crash(mode, random);
  found.durable_ = found.live_;
  return found;
}

SimDisk SimDisk::after_kill() const {
  SimDisk found = *this;
  std::map<const Inode*, std::shared_ptr<Inode>> clones;
  const auto own = [&](std::shared_ptr<Inode>& inode) {
    if (inode == nullptr) return;
    auto& clone = clones[inode.get()];
    if (clone == nullptr) clone = inode->clone();
    inode = clone;
  };
  for (auto& [name, inode] : found.live_) own(inode);
  for (auto& [name, inode] : found.durable_) own(inode);
  for (auto& change : found.unsynced_) own(change.inode);
  return found;
}

}  // namespace stave::sim
