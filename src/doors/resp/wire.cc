#include "doors/resp/wire.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <new>

#include "base/assert.h"

namespace stave::resp {
namespace {

/// A record of TLS.
constexpr std::size_t kRecordBytes = 16 * 1024;

}  // namespace

Wire::Wire(int descriptor, const tls::Context& context, Side side) : descriptor_(descriptor) {
  STAVE_ASSERT(descriptor_ >= 0);
  if (context == nullptr) return;
  tls_.reset(::SSL_new(context.get()));
  if (tls_ == nullptr || ::SSL_set_fd(tls_.get(), descriptor_) != 1) throw std::bad_alloc();
  if (side == Side::kServer) {
    ::SSL_set_accept_state(tls_.get());
  } else {
    ::SSL_set_connect_state(tls_.get());
  }
}

Wire::~Wire() {
  ::close(descriptor_);
}

ssize_t Wire::outcome(int done) noexcept {
  if (done > 0) return done;
  const int problem = errno;
  switch (::SSL_get_error(tls_.get(), done)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: errno = EAGAIN; return -1;
    case SSL_ERROR_ZERO_RETURN: return 0;
    case SSL_ERROR_SYSCALL: errno = problem != 0 ? problem : ECONNRESET; break;
    default: errno = EPROTO; break;
  }
  ::ERR_clear_error();
  return -1;
}

ssize_t Wire::receive(char* into, std::size_t room) noexcept {
  if (tls_ == nullptr) [[likely]]
    return ::recv(descriptor_, into, room, 0);
  // Record by record, until the room is full or the socket has no more.
  std::size_t taken = 0;
  while (taken < room) {
    ::ERR_clear_error();
    errno = 0;
    const int done =
        ::SSL_read(tls_.get(), into + taken, static_cast<int>(std::min<std::size_t>(room - taken, INT_MAX)));
    if (done <= 0) {
      // What went wrong shows again the next time, when there is nothing to hand over first.
      if (taken != 0) break;
      return outcome(done);
    }
    taken += static_cast<std::size_t>(done);
  }
  return static_cast<ssize_t>(taken);
}

ssize_t Wire::send(iovec* pieces, std::size_t count) noexcept {
  if (tls_ == nullptr) [[likely]] {
    msghdr message{};
    message.msg_iov = pieces;
    message.msg_iovlen = count;
    return ::sendmsg(descriptor_, &message, MSG_NOSIGNAL);
  }
  // Small pieces go into one record. When a write has to be tried again, the same bytes come first and no fewer, for
  // what is to be sent only grows at its end.
  std::array<char, kRecordBytes> record;
  const char* from = static_cast<const char*>(pieces[0].iov_base);
  std::size_t size = std::min(pieces[0].iov_len, kRecordBytes);
  if (size < kRecordBytes && count > 1) {
    size = 0;
    for (std::size_t i = 0; i < count && size < kRecordBytes; ++i) {
      const std::size_t part = std::min(pieces[i].iov_len, kRecordBytes - size);
      std::memcpy(record.data() + size, pieces[i].iov_base, part);
      size += part;
    }
    from = record.data();
  }
  ::ERR_clear_error();
  errno = 0;
  return outcome(::SSL_write(tls_.get(), from, static_cast<int>(size)));
}

// Under another number: the old one is still known to whoever polls it.
std::unique_ptr<Wire> Wire::hand_over() {
  const int copy = ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return nullptr;
  auto wire = std::make_unique<Wire>(copy, nullptr);
  if (tls_ != nullptr && ::SSL_set_fd(tls_.get(), copy) != 1) return nullptr;
  wire->tls_ = std::move(tls_);
  wire->greeted_ = greeted_;
  return wire;
}

void Wire::finish() noexcept {
  if (tls_ != nullptr && ::SSL_is_init_finished(tls_.get()) != 0) ::SSL_shutdown(tls_.get());
  ::ERR_clear_error();
  ::shutdown(descriptor_, SHUT_WR);
}

std::optional<std::string> Wire::take_greeting() {
  if (tls_ == nullptr || greeted_ || ::SSL_is_init_finished(tls_.get()) == 0) return std::nullopt;
  greeted_ = true;
  const std::unique_ptr<X509, decltype(&::X509_free)> shown(::SSL_get1_peer_certificate(tls_.get()), &::X509_free);
  if (shown == nullptr || ::SSL_get_verify_result(tls_.get()) != X509_V_OK) return std::string();
  X509_NAME* const subject = ::X509_get_subject_name(shown.get());
  const int at = ::X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return std::string();
  const ASN1_STRING* const text = ::X509_NAME_ENTRY_get_data(::X509_NAME_get_entry(subject, at));
  unsigned char* bytes = nullptr;
  const int length = ::ASN1_STRING_to_UTF8(&bytes, text);
  if (length < 0) return std::string();
  const std::unique_ptr<unsigned char, void (*)(unsigned char*)> guard(bytes,
                                                                       [](unsigned char* b) { OPENSSL_free(b); });
  return std::string(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
}

}  // namespace stave::resp
