#include "stave/session.h"

#include "commands/access.h"
#include "commands/dispatch.h"
#include "commands/errors.h"
#include "commands/reply_sink.h"
#include "doors/library/store_impl.h"

namespace stave {

struct Session::Impl {
  explicit Impl(Store::Impl& owner) : store(owner), session(owner.environment, {}, nullptr) {
    session.set_protocol(3);
    session.may_block = true;
    become_owner(session);  // Whoever runs in this process already has what a password would guard.
  }
  Store::Impl& store;
  commands::Session session;
};

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() = default;

Reply Session::execute(std::span<const std::string_view> arguments) try {
  if (arguments.empty()) return Reply{.kind = Reply::Kind::kError, .text = "ERR empty command"};
  for (const auto argument : arguments) {
    // As at the RESP door, where none of these gets in; and there may be no such bytes to look at.
    const Options& options = impl_->store.engine->options();
    if (argument.size() <= std::max(options.key_bytes_max, options.value_bytes_max)) continue;
    const auto fits = impl_->store.engine->check_limits({}, argument.size());
    if (!fits) return Reply{.kind = Reply::Kind::kError, .text = commands::spell_error(fits.error())};
  }
  commands::ReplySink sink(impl_->session);
  commands::dispatch(impl_->session, arguments, sink);
  if (auto settled = impl_->store.settle(impl_->session.take_pending()); !settled)
    return Reply{.kind = Reply::Kind::kError, .text = commands::spell_error(settled.error())};
  return sink.take();
} catch (const std::bad_alloc&) {
  return Reply{.kind = Reply::Kind::kError, .text = "OOM"};
}

void Session::set_sync(Sync sync) {
  impl_->session.set_sync(sync);
}
bool Session::closed() const noexcept {
  return impl_->session.closing();
}
int Session::database() const noexcept {
  return impl_->session.database();
}

std::unique_ptr<Session> Store::session() {
  return std::unique_ptr<Session>(new Session(std::make_unique<Session::Impl>(*impl_)));
}

}  // namespace stave
