#include "allocation/failing_allocation.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace stave::sim {

namespace {

struct State {
  bool on = false;
  bool for_good = false;
  bool failed = false;
  std::uint64_t nth = 0;
  std::uint64_t seen = 0;
};
constinit thread_local State state;

}  // namespace

FailingAllocation::FailingAllocation(std::uint64_t nth, How how) noexcept {
  state = {.on = true, .for_good = how == How::kForGood, .nth = nth};
}
FailingAllocation::~FailingAllocation() {
  state.on = false;
}
std::uint64_t FailingAllocation::seen() const noexcept {
  return state.seen;
}
bool FailingAllocation::hit() const noexcept {
  return state.failed;
}

bool FailingAllocation::refuse() noexcept {
  if (!state.on) return false;
  ++state.seen;
  if (state.nth == 0 || state.seen < state.nth || (state.seen > state.nth && !state.for_good)) return false;
  state.failed = true;
  return true;
}

AllocationsPass::AllocationsPass() noexcept : was_on_(state.on) {
  state.on = false;
}
AllocationsPass::~AllocationsPass() {
  state.on = was_on_;
}

}  // namespace stave::sim

// The names are the linker's: what `--wrap=malloc` calls instead of malloc, and how it names the real one.
// NOLINTBEGIN(bugprone-reserved-identifier, readability-identifier-naming, cert-dcl37-c, cert-dcl51-cpp)
extern "C" {

void* __real_malloc(std::size_t bytes);
int __real_posix_memalign(void** at, std::size_t alignment, std::size_t bytes);
std::byte* __real__ZN5stave4base10map_memoryEmm(std::size_t bytes, std::size_t alignment);
std::byte* __real__ZN5stave4base12remap_memoryEPSt4bytemm(std::byte* at, std::size_t bytes, std::size_t new_bytes);

void* __wrap_malloc(std::size_t bytes) {
  return stave::sim::FailingAllocation::refuse() ? nullptr : __real_malloc(bytes);
}
int __wrap_posix_memalign(void** at, std::size_t alignment, std::size_t bytes) {
  constexpr int kNoMemory = 12;  // ENOMEM
  return stave::sim::FailingAllocation::refuse() ? kNoMemory : __real_posix_memalign(at, alignment, bytes);
}
std::byte* __wrap__ZN5stave4base10map_memoryEmm(std::size_t bytes, std::size_t alignment) {
  return stave::sim::FailingAllocation::refuse() ? nullptr : __real__ZN5stave4base10map_memoryEmm(bytes, alignment);
}
std::byte* __wrap__ZN5stave4base12remap_memoryEPSt4bytemm(std::byte* at, std::size_t bytes, std::size_t new_bytes) {
  return stave::sim::FailingAllocation::refuse() ? nullptr
                                                 : __real__ZN5stave4base12remap_memoryEPSt4bytemm(at, bytes, new_bytes);
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier, readability-identifier-naming, cert-dcl37-c, cert-dcl51-cpp)

namespace {

void* take(std::size_t bytes, std::size_t alignment) noexcept {
  if (stave::sim::FailingAllocation::refuse()) return nullptr;
  if (alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__) return __real_malloc(std::max<std::size_t>(bytes, 1));
  void* at = nullptr;
  return __real_posix_memalign(&at, alignment, bytes) == 0 ? at : nullptr;
}

void* take_or_throw(std::size_t bytes, std::size_t alignment) {
  void* const at = take(bytes, alignment);
  if (at == nullptr) throw std::bad_alloc();
  return at;
}

constexpr std::size_t kUsual = 1;
std::size_t number(std::align_val_t alignment) noexcept {
  return static_cast<std::size_t>(alignment);
}

}  // namespace

void* operator new(std::size_t n) {
  return take_or_throw(n, kUsual);
}
void* operator new[](std::size_t n) {
  return take_or_throw(n, kUsual);
}
void* operator new(std::size_t n, std::align_val_t a) {
  return take_or_throw(n, number(a));
}
void* operator new[](std::size_t n, std::align_val_t a) {
  return take_or_throw(n, number(a));
}
void* operator new(std::size_t n, const std::nothrow_t& /*tag*/) noexcept {
  return take(n, kUsual);
}
void* operator new[](std::size_t n, const std::nothrow_t& /*tag*/) noexcept {
  return take(n, kUsual);
}
void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t& /*tag*/) noexcept {
  return take(n, number(a));
}
void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t& /*tag*/) noexcept {
  return take(n, number(a));
}
void operator delete(void* at) noexcept {
  std::free(at);
}
void operator delete[](void* at) noexcept {
  std::free(at);
}
void operator delete(void* at, std::size_t /*bytes*/) noexcept {
  std::free(at);
}
void operator delete[](void* at, std::size_t /*bytes*/) noexcept {
  std::free(at);
}
void operator delete(void* at, std::align_val_t /*alignment*/) noexcept {
  std::free(at);
}
void operator delete[](void* at, std::align_val_t /*alignment*/) noexcept {
  std::free(at);
}
void operator delete(void* at, std::size_t /*bytes*/, std::align_val_t /*alignment*/) noexcept {
  std::free(at);
}
void operator delete[](void* at, std::size_t /*bytes*/, std::align_val_t /*alignment*/) noexcept {
  std::free(at);
}
void operator delete(void* at, const std::nothrow_t& /*tag*/) noexcept {
  std::free(at);
}
void operator delete[](void* at, const std::nothrow_t& /*tag*/) noexcept {
  std::free(at);
}
