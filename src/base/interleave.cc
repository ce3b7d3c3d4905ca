#include "base/interleave.h"

namespace stave::base::interleave::detail {

constinit thread_local Scheduler* installed = nullptr;

}  // namespace stave::base::interleave::detail
