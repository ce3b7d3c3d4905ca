#include "doors/http/tls.h"

#include <openssl/ssl.h>

#include "base/try.h"
#include "doors/tls/context.h"

namespace stave::http {

namespace ssl = boost::asio::ssl;

namespace {

/// HTTP/1.1 is what is spoken here; a client that offers it is told so, others find out.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* length, const unsigned char* offered,
                    unsigned int size, void*) {
  static constexpr unsigned char kSpoken[] = "\x08http/1.1";
  unsigned char* found = nullptr;
  if (::SSL_select_next_proto(&found, length, kSpoken, sizeof kSpoken - 1, offered, size) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

Result<std::shared_ptr<ssl::context>> load_tls(const std::string& certificate, const std::string& key,
                                               const std::string& key_password) {
  STAVE_ASSIGN(const tls::Context made,
               tls::make_context({.certificate = certificate, .key = key, .key_password = key_password}));
  ::SSL_CTX_set_alpn_select_cb(made.get(), choose_protocol, nullptr);
  ::SSL_CTX_up_ref(made.get());  // one more owner, which gives it back by itself
  return std::make_shared<ssl::context>(made.get());
}

}  // namespace stave::http
