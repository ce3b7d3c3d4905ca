// What all sessions share of scripts: the scripts and functions that are known, the machines that run them, and those
// that take long.
//
// There are as many machines as scripts have ever run at once: a script takes one that is idle, the one used last, and
// gives it back; so memory follows the work and not the number of threads or sessions, and the machine is warm.
// Threads: any.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "base/workers.h"
#include "commands/script/function_library.h"
#include "commands/script/machine.h"
#include "commands/script/script_cache.h"
#include "commands/script/slow_scripts.h"

namespace stave::commands::script {

class Scripts {
 public:
  /// `slow_flag`: as for SlowScripts.
  Scripts(store::Engine& engine, std::atomic<int>& slow_flag);
  ~Scripts();
  Scripts(const Scripts&) = delete;
  Scripts& operator=(const Scripts&) = delete;

  [[nodiscard]] ScriptCache& cache() noexcept { return cache_; }
  [[nodiscard]] SlowScripts& slow() noexcept { return slow_; }
  [[nodiscard]] Functions& functions() noexcept { return functions_; }
  /// Takes the libraries that the store holds now: they came otherwise than by FUNCTION.
  void reload_functions();
  /// Threads on which slow scripts of doors run.
  [[nodiscard]] base::Workers& workers() noexcept { return workers_; }

  /// An idle machine, or a new one. Null without memory.
  [[nodiscard]] std::unique_ptr<Machine> take() STAVE_EXCLUDES(mutex_);
  void give(std::unique_ptr<Machine> machine) noexcept STAVE_EXCLUDES(mutex_);
  /// Throws away the machines that are idle, and what they have compiled.
  void forget_machines() noexcept STAVE_EXCLUDES(mutex_);
  /// Bytes of the idle machines.
  [[nodiscard]] std::uint64_t idle_bytes() const STAVE_EXCLUDES(mutex_);

  /// Ends what runs, and joins the threads.
  void stop();

 private:
  static constexpr std::size_t kThreads = 4;
  static constexpr std::size_t kIdleMax = 64;

  store::BufferMeter* meter_;
  ScriptCache cache_;
  Functions functions_;
  SlowScripts slow_;
  mutable base::ShortMutex mutex_;
  std::vector<std::unique_ptr<Machine>> idle_ STAVE_GUARDED_BY(mutex_);
  base::Workers workers_{"stave-script", kThreads};
};

/// Takes a machine for as long as it lives.
class Borrowed {
 public:
  explicit Borrowed(Scripts& scripts) : scripts_(scripts), machine_(scripts.take()) {}
  ~Borrowed() {
    if (machine_ != nullptr) scripts_.give(std::move(machine_));
  }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  [[nodiscard]] explicit operator bool() const noexcept { return machine_ != nullptr; }
  [[nodiscard]] Machine& operator*() const noexcept { return *machine_; }
  [[nodiscard]] Machine* operator->() const noexcept { return machine_.get(); }

 private:
  Scripts& scripts_;
  std::unique_ptr<Machine> machine_;
};

}  // namespace stave::commands::script
