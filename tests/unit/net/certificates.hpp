#pragma once
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

/// A certificate authority for tests: makes the certificates that a real one makes, and those that it should
/// not.
namespace qw::net::test {

struct CertificateFiles {
  std::string cert;  ///< PEM
  std::string key;
};

class Authority {
 public:
  struct Wish {
    Wish() = default;
    std::string name = "localhost";
    std::string alternative = "DNS:localhost,IP:127.0.0.1,IP:::1";  ///< empty: none
    long valid_from = -3600;                                        ///< seconds from now
    long valid_until = 3600;
    bool for_client = false;
  };

  /// Writes its own certificate to `directory`/NAME.crt.
  Authority(std::string directory, const std::string& name);
  const std::string& file() const { return file_; }

  CertificateFiles issue(const std::string& stem, const Wish& wish) const;
  /// Signed by its own key instead of ours.
  CertificateFiles self_signed(const std::string& stem, const Wish& wish) const;

 private:
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
  static Certificate make(const Wish& wish, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key,
                          bool authority);
  CertificateFiles write(const std::string& stem, X509* certificate, EVP_PKEY* key) const;

  std::string directory_;
  std::string file_;
  Key key_;
  Certificate certificate_;
};

}  // namespace qw::net::test
