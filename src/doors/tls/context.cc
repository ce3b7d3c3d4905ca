#include "doors/tls/context.h"

#include <openssl/err.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/try.h"

namespace stave::tls {
namespace {

/// What OpenSSL complained about last.
std::string complaint() {
  const unsigned long code = ::ERR_peek_last_error();
  ::ERR_clear_error();
  const char* const reason = code == 0 ? nullptr : ::ERR_reason_error_string(code);
  return reason == nullptr ? "it cannot be used" : reason;
}

std::unexpected<Error> refuse(const std::string& file, const std::string& why) {
  return fail(Error(ErrorCode::kInvalidArgument, "TLS: " + why + ": " + complaint()).with_file(file));
}

int give_password(char* into, int room, int, void* given) {
  const auto& password = *static_cast<const std::string*>(given);
  const auto size = std::min(password.size(), static_cast<std::size_t>(std::max(room, 0)));
  std::memcpy(into, password.data(), size);
  return static_cast<int>(size);
}

Result<void> take_protocols(SSL_CTX* context, std::string_view protocols) {
  bool two = protocols.empty();
  bool three = protocols.empty();
  while (!protocols.empty()) {
    const std::size_t end = std::min(protocols.find(' '), protocols.size());
    const std::string_view word = protocols.substr(0, end);
    if (word == "TLSv1.2") {
      two = true;
    } else if (word == "TLSv1.3") {
      three = true;
    } else if (!word.empty()) {
      return fail(ErrorCode::kInvalidArgument,
                  "TLS: tls-protocols knows TLSv1.2 and TLSv1.3, not " + std::string(word));
    }
    protocols.remove_prefix(std::min(end + 1, protocols.size()));
  }
  ::SSL_CTX_set_min_proto_version(context, two ? TLS1_2_VERSION : TLS1_3_VERSION);
  ::SSL_CTX_set_max_proto_version(context, three ? 0 : TLS1_2_VERSION);
  return {};
}

Result<void> take_key_pair(SSL_CTX* context, const Config& config) {
  if (::SSL_CTX_use_certificate_chain_file(context, config.certificate.c_str()) != 1)
    return refuse(config.certificate, "the certificate cannot be used");
  ::SSL_CTX_set_default_passwd_cb(context, give_password);
  ::SSL_CTX_set_default_passwd_cb_userdata(context, const_cast<std::string*>(&config.key_password));
  const bool taken = ::SSL_CTX_use_PrivateKey_file(context, config.key.c_str(), SSL_FILETYPE_PEM) == 1;
  // The password is the caller's.
  ::SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
  ::SSL_CTX_set_default_passwd_cb(context, nullptr);
  if (!taken) return refuse(config.key, "the key cannot be used");
  if (::SSL_CTX_check_private_key(context) != 1) return refuse(config.key, "the key is not that of the certificate");
  return {};
}

Result<void> take_authorities(SSL_CTX* context, const Config& config) {
  if (config.clients == ClientCertificates::kNo) return {};
  if (config.ca_file.empty() && config.ca_directory.empty())
    return fail(ErrorCode::kInvalidArgument,
                "TLS: clients are asked for certificates, so tls-ca-cert-file or tls-ca-cert-dir must say whose are "
                "good; or say tls-auth-clients no");
  const char* const file = config.ca_file.empty() ? nullptr : config.ca_file.c_str();
  const char* const directory = config.ca_directory.empty() ? nullptr : config.ca_directory.c_str();
  if (::SSL_CTX_load_verify_locations(context, file, directory) != 1)
    return refuse(file != nullptr ? config.ca_file : config.ca_directory, "the authorities cannot be used");
  if (file != nullptr) ::SSL_CTX_set_client_CA_list(context, ::SSL_load_client_CA_file(file));
  const int must = config.clients == ClientCertificates::kYes ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
  ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER | must, nullptr);
  return {};
}

Result<void> take_ciphers(SSL_CTX* context, const Config& config) {
  if (!config.ciphers.empty() && ::SSL_CTX_set_cipher_list(context, config.ciphers.c_str()) != 1)
    return fail(ErrorCode::kInvalidArgument, "TLS: tls-ciphers names none that is known: " + complaint());
  if (!config.cipher_suites.empty() && ::SSL_CTX_set_ciphersuites(context, config.cipher_suites.c_str()) != 1)
    return fail(ErrorCode::kInvalidArgument, "TLS: tls-ciphersuites names one that is not known: " + complaint());
  return {};
}

/// Buffers of idle connections are given back; a write may take a part and be tried again from elsewhere.
void take_modes(SSL_CTX* context) {
  ::SSL_CTX_set_mode(context,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  ::SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
}

}  // namespace

Result<Context> make_client_context(const Config& config) {
  ::ERR_clear_error();
  const Context context(::SSL_CTX_new(::TLS_client_method()), &::SSL_CTX_free);
  if (context == nullptr) return fail(ErrorCode::kNoMemory, "TLS: there is no memory for a context");
  SSL_CTX* const raw = context.get();
  take_modes(raw);
  STAVE_TRY(take_protocols(raw, config.protocols));
  if (!config.certificate.empty()) STAVE_TRY(take_key_pair(raw, config));
  if (config.ca_file.empty() && config.ca_directory.empty())
    return fail(ErrorCode::kInvalidArgument,
                "TLS: tls-ca-cert-file or tls-ca-cert-dir must say who may have signed the leader's certificate");
  const char* const file = config.ca_file.empty() ? nullptr : config.ca_file.c_str();
  const char* const directory = config.ca_directory.empty() ? nullptr : config.ca_directory.c_str();
  if (::SSL_CTX_load_verify_locations(raw, file, directory) != 1)
    return refuse(file != nullptr ? config.ca_file : config.ca_directory, "the authorities cannot be used");
  ::SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  STAVE_TRY(take_ciphers(raw, config));
  return context;
}

Result<Context> make_context(const Config& config) {
  ::ERR_clear_error();
  const Context context(::SSL_CTX_new(::TLS_server_method()), &::SSL_CTX_free);
  if (context == nullptr) return fail(ErrorCode::kNoMemory, "TLS: there is no memory for a context");
  SSL_CTX* const raw = context.get();
  take_modes(raw);
  if (config.prefer_own) ::SSL_CTX_set_options(raw, SSL_OP_CIPHER_SERVER_PREFERENCE);
  ::SSL_CTX_set_session_cache_mode(raw, config.caches_sessions ? SSL_SESS_CACHE_SERVER : SSL_SESS_CACHE_OFF);
  // Sessions of clients that were asked for certificates are taken up again only with an id.
  static constexpr unsigned char kSessionId[] = "stave";
  ::SSL_CTX_set_session_id_context(raw, kSessionId, sizeof kSessionId - 1);
  STAVE_TRY(take_protocols(raw, config.protocols));
  STAVE_TRY(take_key_pair(raw, config));
  STAVE_TRY(take_authorities(raw, config));
  STAVE_TRY(take_ciphers(raw, config));
  return context;
}

}  // namespace stave::tls
