// The certificate and key of the HTTP door, and how they are replaced while it runs.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "stave/error.h"

namespace stave::http {

/// Reads both files. Errors: kInvalidArgument with what OpenSSL says.
Result<std::shared_ptr<boost::asio::ssl::context>> load_tls(const std::string& certificate, const std::string& key,
                                                            const std::string& key_password);

/// The context that new connections are given. Threads: any.
class TlsHolder {
 public:
  [[nodiscard]] std::shared_ptr<boost::asio::ssl::context> get() const {
    base::MutexLock lock(mutex_);
    return context_;
  }
  void set(std::shared_ptr<boost::asio::ssl::context> context) {
    base::MutexLock lock(mutex_);
    context_ = std::move(context);
  }

 private:
  mutable base::Mutex mutex_;
  std::shared_ptr<boost::asio::ssl::context> context_ STAVE_GUARDED_BY(mutex_);
};

}  // namespace stave::http
