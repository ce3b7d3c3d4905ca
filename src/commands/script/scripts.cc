#include "commands/script/scripts.h"

#include <utility>

#include "store/own_values.h"

namespace stave::commands::script {

// A library that cannot be loaded any more is not there; the store keeps it until the next change of any.
Scripts::Scripts(store::Engine& engine, std::atomic<int>& slow_flag)
    : meter_(&engine.budget()), cache_(meter_), functions_(engine), slow_(slow_flag) {
  {
    base::ShortLock lock(mutex_);
    idle_.reserve(kIdleMax);
  }
  if (store::has_own(engine)) reload_functions();
}

void Scripts::reload_functions() {
  const Borrowed machine(*this);
  if (machine) static_cast<void>(functions_.load(*machine));
}

Scripts::~Scripts() {
  stop();
}

std::unique_ptr<Machine> Scripts::take() {
  {
    base::ShortLock lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Machine> machine = std::move(idle_.back());
      idle_.pop_back();
      return machine;
    }
  }
  return Machine::make(meter_);
}

void Scripts::give(std::unique_ptr<Machine> machine) noexcept {
  if (!machine->tidy()) return;
  base::ShortLock lock(mutex_);
  if (idle_.size() < kIdleMax) idle_.push_back(std::move(machine));
}

void Scripts::forget_machines() noexcept {
  for (;;) {
    std::unique_ptr<Machine> machine;  // goes without the lock
    base::ShortLock lock(mutex_);
    if (idle_.empty()) return;
    machine = std::move(idle_.back());
    idle_.pop_back();
  }
}

std::uint64_t Scripts::idle_bytes() const {
  base::ShortLock lock(mutex_);
  std::uint64_t bytes = 0;
  for (const auto& machine : idle_) bytes += machine->bytes();
  return bytes;
}

void Scripts::stop() {
  slow_.stop();
  workers_.stop();
}

}  // namespace stave::commands::script
