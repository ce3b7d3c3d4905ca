#include "doors/http/tls.h"

#include <openssl/ssl.h>

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

std::unexpected<Error> refuse(const std::string& file, const std::string& why) {
  return fail(Error(ErrorCode::kInvalidArgument, "TLS: " + why).with_file(file));
}

}  // namespace

Result<std::shared_ptr<ssl::context>> load_tls(const std::string& certificate, const std::string& key) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  boost::system::error_code problem;
  ::SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  ::SSL_CTX_set_alpn_select_cb(context->native_handle(), choose_protocol, nullptr);
  // Buffers of idle connections are given back.
  ::SSL_CTX_set_mode(context->native_handle(), SSL_MODE_RELEASE_BUFFERS);
  context->set_options(ssl::context::default_workarounds | ssl::context::no_compression, problem);
  context->use_certificate_chain_file(certificate, problem);
  if (problem) return refuse(certificate, "the certificate cannot be used: " + problem.message());
  context->use_private_key_file(key, ssl::context::pem, problem);
  if (problem) return refuse(key, "the key cannot be used: " + problem.message());
  if (::SSL_CTX_check_private_key(context->native_handle()) != 1)
    return refuse(key, "the key is not that of the certificate");
  return context;
}

}  // namespace stave::http
