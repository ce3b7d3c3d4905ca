#include "doors/http/transport.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <boost/asio/ssl/stream.hpp>
#include <cstring>

#include "base/assert.h"

namespace stave::http {
namespace {

using Socket = asio::ip::tcp::socket;

/// A gather list that Asio takes.
struct Pieces {
  using value_type = asio::const_buffer;
  using const_iterator = const asio::const_buffer*;
  std::span<const asio::const_buffer> all;
  [[nodiscard]] const_iterator begin() const noexcept { return all.data(); }
  [[nodiscard]] const_iterator end() const noexcept { return all.data() + all.size(); }
};

std::uint64_t unacknowledged_of(Socket& socket) {
  int bytes = 0;
  return ::ioctl(socket.native_handle(), SIOCOUTQ, &bytes) == 0 ? static_cast<std::uint64_t>(std::max(bytes, 0)) : 0;
}

class PlainTransport final : public Transport {
 public:
  PlainTransport(Socket socket, TransportOwner& owner) : socket_(std::move(socket)), owner_(owner) {
    ErrorCodeOfSystem ignored;
    socket_.non_blocking(true, ignored);
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  }

  void wait_readable() override {
    socket_.async_wait(Socket::wait_read, [this](const ErrorCodeOfSystem& problem) { owner_.readable(problem); });
  }
  std::size_t read(char* into, std::size_t room, ErrorCodeOfSystem& problem) override {
    return socket_.read_some(asio::buffer(into, room), problem);
  }
  std::optional<std::size_t> send(std::span<const asio::const_buffer> pieces, ErrorCodeOfSystem& problem) override {
    const std::size_t count = socket_.write_some(Pieces{pieces}, problem);
    if (problem != asio::error::would_block && problem != asio::error::try_again) return count;
    problem = {};
    socket_.async_wait(Socket::wait_write, [this](const ErrorCodeOfSystem& why) { owner_.sent(why, 0); });
    return std::nullopt;
  }
  std::uint64_t unacknowledged() override { return unacknowledged_of(socket_); }
  void finish_sending() override {
    ErrorCodeOfSystem ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
  }
  void close() override {
    ErrorCodeOfSystem ignored;
    socket_.close(ignored);
  }

 private:
  Socket socket_;
  TransportOwner& owner_;
};

class TlsTransport final : public Transport {
 public:
  TlsTransport(Socket socket, std::shared_ptr<asio::ssl::context> context, TransportOwner& owner)
      : context_(std::move(context)), stream_(std::move(socket), *context_), owner_(owner) {
    ErrorCodeOfSystem ignored;
    stream_.next_layer().set_option(asio::ip::tcp::no_delay(true), ignored);
  }

  void wait_readable() override {
    if (greeted_) return read_ahead();
    stream_.async_handshake(asio::ssl::stream_base::server, [this](const ErrorCodeOfSystem& problem) {
      greeted_ = !problem;
      if (problem) return owner_.readable(problem);
      read_ahead();
    });
  }
  std::size_t read(char* into, std::size_t room, ErrorCodeOfSystem& problem) override {
    STAVE_ASSERT(taken_ <= have_);
    const std::size_t count = std::min(room, have_ - taken_);
    if (count == 0) problem = asio::error::would_block;
    std::memcpy(into, ahead_.get() + taken_, count);
    taken_ += count;
    return count;
  }
  std::optional<std::size_t> send(std::span<const asio::const_buffer> pieces, ErrorCodeOfSystem&) override {
    stream_.async_write_some(Pieces{pieces}, [this](const ErrorCodeOfSystem& problem, std::size_t count) {
      // A record that took nothing would look like "try again now" for ever.
      owner_.sent(problem, count);
    });
    return std::nullopt;
  }
  std::uint64_t unacknowledged() override { return unacknowledged_of(stream_.next_layer()); }
  void finish_sending() override {
    // The peer sees the end of TCP right after; answers say their length, so a cut cannot pass for an end.
    ErrorCodeOfSystem ignored;
    stream_.next_layer().shutdown(Socket::shutdown_send, ignored);
  }
  void close() override {
    ErrorCodeOfSystem ignored;
    stream_.next_layer().close(ignored);
  }

 private:
  void read_ahead() {
    constexpr std::size_t kRecordBytes = 16 * 1024;
    if (taken_ < have_) {  // not all was taken the last time
      asio::post(stream_.get_executor(), [this] { owner_.readable({}); });
      return;
    }
    if (!ahead_) ahead_ = std::make_unique_for_overwrite<char[]>(kRecordBytes);
    have_ = taken_ = 0;
    stream_.async_read_some(asio::buffer(ahead_.get(), kRecordBytes),
                            [this](const ErrorCodeOfSystem& problem, std::size_t count) {
                              STAVE_ASSERT(count <= kRecordBytes);
                              have_ = count;
                              owner_.readable(problem);
                            });
  }

  std::shared_ptr<asio::ssl::context> context_;
  asio::ssl::stream<Socket> stream_;
  TransportOwner& owner_;
  bool greeted_ = false;
  std::unique_ptr<char[]> ahead_;
  std::size_t have_ = 0;
  std::size_t taken_ = 0;
};

}  // namespace

std::unique_ptr<Transport> make_plain_transport(Socket socket, TransportOwner& owner) {
  return std::make_unique<PlainTransport>(std::move(socket), owner);
}

std::unique_ptr<Transport> make_tls_transport(Socket socket, std::shared_ptr<asio::ssl::context> context,
                                              TransportOwner& owner) {
  return std::make_unique<TlsTransport>(std::move(socket), std::move(context), owner);
}

}  // namespace stave::http
