// TLS contexts: certificate, key, who must show a certificate, which protocols and ciphers.
//
// Promises: a context is made whole or not at all, with a sentence that names the file and says what is wrong; nothing
// older than TLS 1.2. Source: OpenSSL 3. Must not know: sockets, protocols spoken over TLS.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "base/mutex.h"
#include "stave/error.h"

namespace stave::tls {

using Context = std::shared_ptr<SSL_CTX>;

/// Whether clients have to show a certificate.
enum class ClientCertificates : std::uint8_t { kNo, kOptional, kYes };

struct Config {
  std::string certificate;   ///< PEM: the chain.
  std::string key;           ///< PEM.
  std::string key_password;  ///< Of the key; empty: none.
  std::string ca_file;       ///< PEM: who may have signed clients' certificates.
  std::string ca_directory;
  ClientCertificates clients = ClientCertificates::kNo;
  std::string protocols;      ///< "TLSv1.2 TLSv1.3"; empty: both.
  std::string ciphers;        ///< OpenSSL's list, of TLS 1.2; empty: OpenSSL's choice.
  std::string cipher_suites;  ///< Likewise of TLS 1.3.
  bool prefer_own = false;    ///< The server's order of ciphers counts.
  bool caches_sessions = true;
  friend bool operator==(const Config&, const Config&) = default;
};

/// Reads the files. Errors: kInvalidArgument with what OpenSSL says.
Result<Context> make_context(const Config& config);
/// The same for connections that this process makes: whoever answers must show a certificate that one of the
/// authorities has signed, whatever host it names; the process shows its own, if it has one.
Result<Context> make_client_context(const Config& config);

/// The context that new connections are given; null: none. Threads: any.
class ContextHolder {
 public:
  [[nodiscard]] Context get() const {
    base::MutexLock lock(mutex_);
    return context_;
  }
  void set(Context context) {
    base::MutexLock lock(mutex_);
    context_ = std::move(context);
  }

 private:
  mutable base::Mutex mutex_;
  Context context_ STAVE_GUARDED_BY(mutex_);
};

}  // namespace stave::tls
