// What a test does to a simulated disk: crashes, faults, room, damage, and looking at it.
#include <cerrno>

#include "base/path.h"
#include "base/system_error.h"
#include "base/try.h"
#include "testing/sim_file_system.h"
#include "testing/sim_state.h"

namespace stave::sim {

using base::MutexLock;
using base::normal_path;
using base::PagedBytes;

std::uint64_t SimFileSystem::operations() const {
  const MutexLock lock(state_->mutex);
  return state_->operations;
}

std::uint64_t SimFileSystem::questions() const {
  const MutexLock lock(state_->mutex);
  return state_->questions;
}

void SimFileSystem::on_operation(std::function<void(const Operation&)> watch) {
  auto shared =
      watch == nullptr ? nullptr : std::make_shared<const std::function<void(const Operation&)>>(std::move(watch));
  const MutexLock lock(state_->mutex);
  state_->watch.swap(shared);
}

void SimFileSystem::crash_at(std::uint64_t number, CrashEffect effect) {
  const MutexLock lock(state_->mutex);
  state_->crash_at = number;
  state_->crash_effect = effect;
}

bool SimFileSystem::crashed() const {
  const MutexLock lock(state_->mutex);
  return state_->crashed;
}

SimFileSystem SimFileSystem::after_crash(CrashMode mode, std::uint64_t seed) const {
  base::Random random(seed);
  auto found = std::make_shared<State>(random.next());
  const MutexLock lock(state_->mutex);
  const MutexLock found_lock(found->mutex);
  found->capacity = state_->capacity;
  found->adopt(state_->disk.after_crash(mode, random));
  return SimFileSystem(std::move(found));
}

SimFileSystem SimFileSystem::after_kill(std::uint64_t seed) const {
  auto found = std::make_shared<State>(seed);
  const MutexLock lock(state_->mutex);
  const MutexLock found_lock(found->mutex);
  found->capacity = state_->capacity;
  found->adopt(state_->disk.after_kill());
  return SimFileSystem(std::move(found));
}

void SimFileSystem::inject(const Fault& fault) {
  const MutexLock lock(state_->mutex);
  state_->faults.push_back(fault);
}

void SimFileSystem::clear_faults() {
  const MutexLock lock(state_->mutex);
  state_->faults.clear();
}

std::uint64_t SimFileSystem::faults_hit() const {
  const MutexLock lock(state_->mutex);
  return state_->faults_hit;
}

void SimFileSystem::set_capacity(std::uint64_t bytes) {
  const MutexLock lock(state_->mutex);
  state_->capacity = bytes;
}

std::uint64_t SimFileSystem::used_bytes() const {
  const MutexLock lock(state_->mutex);
  return state_->blocks_used * Inode::kBlockBytes;
}

Result<void> SimFileSystem::damage(const std::string& path, std::uint64_t end,
                                   const std::function<void(PagedBytes&)>& work) {
  const std::string name = normal_path(path);
  const MutexLock lock(state_->mutex);
  const auto inode = state_->disk.find(name);
  if (inode == nullptr) return fail(base::system_error(ENOENT, "cannot damage the file", path));
  if (end > inode->live().size())
    return fail(Error(ErrorCode::kInvalidArgument, "there are no such bytes to damage").with_file(path));
  inode->corrupt([&](PagedBytes& image) {
    if (end <= image.size()) work(image);  // what was never durable cannot rot on the disk
  });
  return {};
}

Result<void> SimFileSystem::flip_bit(const std::string& path, std::uint64_t bit) {
  return damage(path, bit / 8 + 1, [bit](PagedBytes& image) {
    std::byte byte{};
    image.read(bit / 8, std::span(&byte, 1));
    byte ^= std::byte{1} << (bit % 8);
    image.write(bit / 8, std::span(&byte, 1));
  });
}

Result<void> SimFileSystem::truncate_file(const std::string& path, std::uint64_t size) {
  return damage(path, size, [size](PagedBytes& image) { image.resize(size); });
}

Result<void> SimFileSystem::zero_range(const std::string& path, std::uint64_t offset, std::uint64_t length) {
  return overwrite(path, offset, std::vector<std::byte>(static_cast<std::size_t>(length)));
}

Result<void> SimFileSystem::overwrite(const std::string& path, std::uint64_t offset, std::span<const std::byte> bytes) {
  return damage(path, offset + bytes.size(), [offset, bytes](PagedBytes& image) { image.write(offset, bytes); });
}

Result<void> SimFileSystem::swap_ranges(const std::string& path, std::uint64_t a, std::uint64_t b,
                                        std::uint64_t length) {
  return damage(path, std::max(a, b) + length, [=](PagedBytes& image) {
    std::vector<std::byte> first(static_cast<std::size_t>(length));
    std::vector<std::byte> second(static_cast<std::size_t>(length));
    image.read(a, first);
    image.read(b, second);
    image.write(a, second);
    image.write(b, first);
  });
}

Result<void> SimFileSystem::delete_file(const std::string& path) {
  const std::string name = normal_path(path);
  const MutexLock lock(state_->mutex);
  const auto inode = state_->disk.find(name);
  if (inode == nullptr) return fail(base::system_error(ENOENT, "cannot delete the file", path));
  state_->disk.lose_name(name);
  state_->release(inode);
  return {};
}

std::map<std::string, std::string> SimFileSystem::dump() const {
  const MutexLock lock(state_->mutex);
  std::map<std::string, std::string> out;
  for (const auto& [name, inode] : state_->disk.names()) {
    std::string bytes(static_cast<std::size_t>(inode->live().size()), '\0');
    inode->live().read(0, std::as_writable_bytes(std::span(bytes)));
    out.emplace(name, std::move(bytes));
  }
  return out;
}

}  // namespace stave::sim
