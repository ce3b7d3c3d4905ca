#include "testing/sim_state.h"

#include <cerrno>

#include "base/system_error.h"

namespace stave::sim {

using base::MutexLock;

std::uint64_t SimFileSystem::State::announce(OpKind kind, const std::string& path) {
  Operation operation{.number = 0, .kind = kind, .path = path};
  std::shared_ptr<const std::function<void(const Operation&)>> watcher;
  {
    const MutexLock lock(mutex);
    if (is_question(kind)) return ++questions;
    operation.number = ++operations;
    if (!crashed) watcher = watch;
  }
  if (watcher != nullptr) (*watcher)(operation);
  return operation.number;
}

Verdict SimFileSystem::State::judge(std::uint64_t number, OpKind kind) {
  if (crashed) return {.system_errno = EIO, .takes_effect = false};
  if (!is_question(kind) && number >= crash_at) {
    crashed = true;
    const bool happens = crash_effect == CrashEffect::kMaybe && random_.coin();
    return {.system_errno = EIO, .takes_effect = happens, .part = random_.coin() ? 1024 : random_.below(1025)};
  }
  for (Fault& fault : faults) {
    const bool matches = fault.kind.has_value() ? *fault.kind == kind : !is_question(kind);
    if (!matches || number < fault.at || fault.times == 0) continue;
    if (fault.times != kForever) --fault.times;
    ++faults_hit;
    return {.system_errno = fault.system_errno, .takes_effect = fault.partial, .part = random_.below(1024)};
  }
  return {};
}

Error SimFileSystem::State::error_of(const Verdict& verdict, std::string_view doing, const std::string& path) {
  return base::system_error(verdict.system_errno, doing, path);
}

std::uint64_t SimFileSystem::State::blocks_free() const {
  const std::uint64_t all = capacity / Inode::kBlockBytes;
  return all > blocks_used ? all - blocks_used : 0;
}

void SimFileSystem::State::change(Inode& inode, const std::function<void()>& work) {
  const std::uint64_t before = inode.blocks();
  work();
  blocks_used += inode.blocks() - before;  // unsigned: shrinking wraps and comes out right
}

void SimFileSystem::State::hold(const std::shared_ptr<Inode>& inode) {
  if (holders_[inode.get()]++ == 0) blocks_used += inode->blocks();
}

void SimFileSystem::State::release(const std::shared_ptr<Inode>& inode) {
  const auto found = holders_.find(inode.get());
  if (--found->second != 0) return;
  blocks_used -= inode->blocks();
  holders_.erase(found);
}

void SimFileSystem::State::adopt(SimDisk found) {
  disk = std::move(found);
  for (const auto& [name, inode] : disk.names()) hold(inode);
}

}  // namespace stave::sim
