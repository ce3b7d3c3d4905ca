#include "commands/session.h"

#include <algorithm>

#include "base/assert.h"
#include "commands/access.h"
#include "commands/channels.h"
#include "commands/client_registry.h"
#include "commands/environment.h"
#include "commands/monitors.h"
#include "commands/multi.h"
#include "commands/notices/tracking.h"
#include "commands/statistics.h"
#include "commands/table.h"
#include "commands/waiting/waiting.h"
#include "store/transact.h"

namespace stave::commands {

// Without memory for the list it is run again all the same, a bounded number of times.
void Restart::note(store::Transaction& lost) noexcept {
  wanted = true;
  try {
    shards = store::shards_to_start_again(lost, count);
  } catch (const std::bad_alloc&) {
    lost.rollback();
  }
}

Session::Session(Environment& environment, ClientInfo info, ClientControl* control)
    : environment_(environment), control_(control), info_(std::move(info)) {
  if (info_.created_ns == 0) info_.created_ns = environment.engine().clock().monotonic_ns();
  database_ = info_.database;
  protocol_ = info_.protocol;
  // Last: from here on others may look.
  id_ = environment_.clients().add(*this);
  update_info([&](ClientInfo& own) { own.id = id_; });
  become_anybody(*this);
}

Session::~Session() {
  STAVE_ASSERT(shared == nullptr);
  environment_.monitors().remove(*this);
  if (waiter != nullptr) environment_.waiting().leave(*waiter);
  forget_subscriptions(*this);
  environment_.tracking().end(*this);
  environment_.clients().remove(id_);
  CommandStatistics& statistics = environment_.statistics();
  counters_.show([&](std::size_t row, std::uint64_t calls) { statistics.add_calls(row, calls); });
  statistics.add_lookups(counters_.hits(), counters_.misses());
}

int Session::databases() const noexcept {
  return environment_.engine().options().databases;
}

void Session::select(int database) noexcept {
  STAVE_ASSERT(database >= 0 && database < databases());
  database_ = database;
  update_info([&](ClientInfo& info) { info.database = database; });
}

void Session::set_protocol(int version) noexcept {
  STAVE_ASSERT(version == 2 || version == 3);
  protocol_ = version;
  update_info([&](ClientInfo& info) { info.protocol = version; });
}

void Session::show_subscriptions(std::size_t channels, std::size_t patterns, std::size_t shard_channels) noexcept {
  update_info([&](ClientInfo& info) {
    info.channels = channels;
    info.patterns = patterns;
    info.shard_channels = shard_channels;
  });
}

ClientInfo Session::info() const {
  base::ShortLock lock(info_mutex_);
  ClientInfo copy = info_;
  copy.active_ns = std::max({copy.active_ns, copy.created_ns, active_ns_.load(std::memory_order_relaxed)});
  copy.blocked = waits_.load(std::memory_order_relaxed);
  copy.multi = multi_calls_.load(std::memory_order_relaxed);
  copy.multi_bytes = multi_bytes_.load(std::memory_order_relaxed);
  if (const Command* row = last_row_.load(std::memory_order_relaxed)) copy.last_command = full_name(*row);
  return copy;
}

void Session::reset() {
  forget_multi(*this);
  forget_subscriptions(*this);
  environment_.tracking().end(*this);
  select(0);
  set_protocol(2);
  set_no_touch(false);
  sync_ = Sync::kDefault;
  replicas_ = 0;
  reply_mode = ReplyMode::kOn;
  errand.reset();  // whoever did not come back for it did not get it; the next call must not
  environment_.monitors().remove(*this);
  if (!identity.owner) become_anybody(*this);
  update_info([](ClientInfo& info) {
    info.name.clear();
    info.monitors = false;
    info.no_evict = false;
    info.no_touch = false;
  });
}

}  // namespace stave::commands
