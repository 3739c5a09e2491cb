#include "tests/unit/net/certificates.hpp"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <stdexcept>

namespace qw::net::test {
namespace {

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) throw std::runtime_error("bad extension " + value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

template <class Write>
void write_file(const std::string& file, Write write) {
  std::FILE* out = std::fopen(file.c_str(), "w");
  if (out == nullptr) throw std::runtime_error("can not write " + file);
  write(out);
  std::fclose(out);
}

}  // namespace

Authority::Authority(std::string directory, const std::string& name)
    : directory_(std::move(directory)),
      file_(directory_ + "/" + name + ".crt"),
      key_(EVP_EC_gen("P-256"), &EVP_PKEY_free),
      certificate_(nullptr, &X509_free) {
  Wish wish;
  wish.name = name;
  wish.alternative.clear();
  certificate_ = make(wish, key_.get(), nullptr, key_.get(), true);
  write_file(file_, [this](std::FILE* out) { PEM_write_X509(out, certificate_.get()); });
}

CertificateFiles Authority::issue(const std::string& stem, const Wish& wish) const {
  const Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const auto certificate = make(wish, key.get(), certificate_.get(), key_.get(), false);
  return write(stem, certificate.get(), key.get());
}

CertificateFiles Authority::self_signed(const std::string& stem, const Wish& wish) const {
  const Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const auto certificate = make(wish, key.get(), nullptr, key.get(), false);
  return write(stem, certificate.get(), key.get());
}

Authority::Certificate Authority::make(const Wish& wish, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key,
                                       bool authority) {
  static long serial = 1;
  Certificate out(X509_new(), &X509_free);
  X509_set_version(out.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(out.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(out.get()), wish.valid_from);
  X509_gmtime_adj(X509_getm_notAfter(out.get()), wish.valid_until);
  X509_set_pubkey(out.get(), key);
  const auto* name = reinterpret_cast<const unsigned char*>(wish.name.c_str());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(out.get()), "CN", MBSTRING_ASC, name, -1, -1, 0);
  X509* signer = issuer == nullptr ? out.get() : issuer;
  X509_set_issuer_name(out.get(), X509_get_subject_name(signer));
  add_extension(out.get(), signer, NID_basic_constraints, authority ? "critical,CA:TRUE" : "CA:FALSE");
  if (!authority)
    add_extension(out.get(), signer, NID_ext_key_usage, wish.for_client ? "clientAuth" : "serverAuth");
  if (!wish.alternative.empty()) add_extension(out.get(), signer, NID_subject_alt_name, wish.alternative);
  if (X509_sign(out.get(), issuer_key, EVP_sha256()) == 0) throw std::runtime_error("can not sign");
  return out;
}

CertificateFiles Authority::write(const std::string& stem, X509* certificate, EVP_PKEY* key) const {
  CertificateFiles files;
  files.cert = directory_ + "/" + stem + ".crt";
  files.key = directory_ + "/" + stem + ".key";
  write_file(files.cert, [&](std::FILE* out) { PEM_write_X509(out, certificate); });
  write_file(files.key,
             [&](std::FILE* out) { PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr); });
  return files;
}

}  // namespace qw::net::test
