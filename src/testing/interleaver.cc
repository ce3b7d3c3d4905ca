#include "testing/interleaver.h"

#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "base/assert.h"

namespace stave::testing {

namespace {
constexpr std::size_t kStackBytes = 256u << 10;
constexpr std::size_t kGuardBytes = 4u << 10;
constexpr std::size_t kMomentsKept = 4096;
}  // namespace

/// Memory of a task; what was used is kept for the next one.
struct Interleaver::Stack {
  std::byte* bytes = nullptr;

  static std::vector<Stack>& spare() {
    thread_local std::vector<Stack> stacks;
    return stacks;
  }
  static Stack take() {
    if (!spare().empty()) {
      const Stack stack = spare().back();
      spare().pop_back();
      return stack;
    }
    void* const at =
        ::mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    STAVE_ASSERT(at != MAP_FAILED);
    // Whoever needs more dies there, instead of writing over others.
    STAVE_ASSERT(::mprotect(at, kGuardBytes, PROT_NONE) == 0);
    return {static_cast<std::byte*>(at)};
  }
};

struct Interleaver::Task {
  const char* name;
  std::function<void()> work;
  Interleaver* owner;
  Stack stack;
  State state = State::kReady;
  bool begun = false;
  std::jmp_buf here;
};

Interleaver::Interleaver(std::uint64_t seed) : random_(seed) {
  // Few changes of hands find other things than many.
  constexpr std::array<unsigned, 4> kStay = {0, 8, 12, 15};
  stay_ = kStay[random_.below(kStay.size())];
}

Interleaver::~Interleaver() {
  for (const auto& task : tasks_)
    if (task->state == State::kDone || !task->begun) Stack::spare().push_back(task->stack);
}

void Interleaver::add(const char* name, std::function<void()> task) {
  auto added = std::make_unique<Task>();
  added->name = name;
  added->work = std::move(task);
  added->owner = this;
  added->stack = Stack::take();
  tasks_.push_back(std::move(added));
}

bool Interleaver::run() {
  STAVE_ASSERT(running_ == nullptr);
  const base::interleave::Installed installed(*this);
  for (;;) {
    bool any = false;
    const std::size_t next = pick(any);
    if (!any) break;
    resume(*tasks_[next]);
  }
  running_ = nullptr;
  return std::ranges::all_of(tasks_, [](const auto& task) { return task->state == State::kDone; });
}

// Whoever waits looks again once anybody has got on; none is ready when all wait.
std::size_t Interleaver::pick(bool& any) {
  std::size_t ready = 0;
  for (const auto& task : tasks_) ready += task->state == State::kReady ? 1 : 0;
  any = ready != 0;
  if (!any) return 0;
  if (running_ != nullptr && running_->state == State::kReady && random_.below(16) < stay_)
    return static_cast<std::size_t>(std::ranges::find(tasks_, running_, [](const auto& task) { return task.get(); }) -
                                    tasks_.begin());
  std::size_t wanted = random_.below(ready);
  for (std::size_t i = 0;; ++i)
    if (tasks_[i]->state == State::kReady && wanted-- == 0) return i;
}

void Interleaver::enter(unsigned high, unsigned low) {
  auto* const task = reinterpret_cast<Task*>(static_cast<std::uintptr_t>(high) << 32 | low);
  task->work();
  task->work = nullptr;
  task->owner->leave("the end", State::kDone);
}

// The first entry of a task makes its context; from then on going over to it is a jump, without a call of the system.
void Interleaver::resume(Task& task) {
  running_ = &task;
  ++turns_;
  if (::_setjmp(home_) != 0) return;
  if (task.begun) std::longjmp(task.here, 1);
  task.begun = true;
  static thread_local ucontext_t context;
  STAVE_ASSERT(::getcontext(&context) == 0);
  context.uc_stack.ss_sp = task.stack.bytes + kGuardBytes;
  context.uc_stack.ss_size = kStackBytes - kGuardBytes;
  context.uc_link = nullptr;
  const auto at = reinterpret_cast<std::uintptr_t>(&task);
  ::makecontext(&context, reinterpret_cast<void (*)()>(&Interleaver::enter), 2, static_cast<unsigned>(at >> 32),
                static_cast<unsigned>(at));
  ::setcontext(&context);
}

void Interleaver::wake_others() noexcept {
  for (const auto& other : tasks_)
    if (other->state == State::kBlocked) other->state = State::kReady;
}

void Interleaver::leave(const char* at, State state) noexcept {
  Task& task = *running_;
  if (moments_.size() < 2 * kMomentsKept) {
    moments_.push_back({&task, at, state == State::kBlocked});
  } else {
    std::move(moments_.begin() + kMomentsKept, moments_.end(), moments_.begin());
    moments_.resize(kMomentsKept);
  }
  task.state = state;
  // Somebody got on, and may have let go of what others wait for.
  if (state != State::kBlocked) wake_others();
  if (state == State::kDone || ::_setjmp(task.here) == 0) std::longjmp(home_, 1);
}

void Interleaver::yield(const char* at) noexcept {
  if (running_ != nullptr) leave(at, State::kReady);
}

void Interleaver::blocked(const char* on) noexcept {
  // Outside of the tasks nobody could let go of it.
  STAVE_ASSERT(running_ != nullptr);
  // Who meets a lock anew (mutex.cc) has got on since it last gave way, and may have let go of another one.
  if (const std::string_view what(on); what == "a mutex" || what == "a short mutex") wake_others();
  leave(on, State::kBlocked);
}

std::string Interleaver::trace() const {
  std::string text;
  for (const Moment& moment : moments_)
    text += std::string("  ") + moment.task->name + (moment.blocked ? " waits for " : ": ") + moment.at + "\n";
  return text;
}

}  // namespace stave::testing
