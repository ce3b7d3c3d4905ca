// How a command waits: what it can do now it does, else its call waits until somebody made it possible.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "commands/call.h"
#include "commands/waiting/attempt.h"

namespace stave::commands {

/// Tries the call, with the shards of `keys` locked; when that does not succeed, it waits on the first `watched` of
/// them as `terms` say. Where nobody may wait (in a transaction) time is up at once. A door that lets connections rest
/// gets no answer while it waits: `Session::waiter` is set, and once that has ended the same call is to be presented
/// again (earlier does no harm); the handler then asks `come_back` before anything else. Errors: are the answer.
Result<void> answer_or_wait(Call& call, std::span<const store::KeyRef> keys, std::size_t watched,
                            const WaitTerms& terms);

/// Whether the call has been waiting and is presented again.
[[nodiscard]] inline bool has_waited(Call& call) noexcept {
  return call.session().waiter != nullptr;
}
/// Answers it, if its wait has ended.
Result<void> come_back(Call& call);
/// Whether its wait has ended only for it to be tried anew, as `again_ns` of its terms said, which a call that waits in
/// place finds out like one that left; it waits no more, then. Returns how long it may wait from now on; 0: for ever;
/// 1: it is over, this is the last try.
std::optional<std::uint64_t> time_to_try_again(Call& call);

/// A time-out in seconds, with fractions, as nanoseconds; 0: none. Errors: as Redis spells them.
Result<std::uint64_t> timeout_in_seconds(std::string_view text);
/// The same in whole milliseconds.
Result<std::uint64_t> timeout_in_ms(std::string_view text);

}  // namespace stave::commands
