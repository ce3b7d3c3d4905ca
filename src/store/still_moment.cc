#include "store/still_moment.h"

#include "base/assert.h"

namespace stave::store {

constinit thread_local StillMoment::Here StillMoment::here;

StillMoment::StillMoment(const StoreClock& clock) noexcept {
  STAVE_ASSERT(here.clock == nullptr);
  here = {.clock = &clock};
}

StillMoment::~StillMoment() {
  here = {};
}

void StillMoment::go_on() noexcept {
  here.moment = UnixMs{0};
}

}  // namespace stave::store
